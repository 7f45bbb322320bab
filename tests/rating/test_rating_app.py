"""The service: what it serves to whom, and everything it refuses."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from study_maker import begin, honest, make_gallery, make_picture, make_study, rate_all

from snellen.errors import StudyError
from snellen.rating import Gallery, Study
from snellen.rating.app import create_app
from snellen.rating.live import Live, more_needed
from snellen.rating.store import Stimulus


class Client:
    """Asks the app directly, without a port."""

    def __init__(self, study: Study, **options: Any) -> None:
        self.live = Live(study)
        self._app = create_app(study, self.live, **options)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            base = options.pop("base", "http://127.0.0.1:8017")
            async with httpx.AsyncClient(transport=transport, base_url=base) as client:
                return await client.request(method, path, **options)

        return asyncio.run(once())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.ask("GET", path, **options)

    def post(self, path: str, said: Any) -> httpx.Response:
        return self.ask("POST", path, json=said)


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    with make_study(tmp_path, n=12) as opened:
        opened.join("anna")
        yield opened


@pytest.fixture
def client(study: Study) -> Client:
    return Client(study)


def api(study: Study, name: str = "anna") -> str:
    return f"/api/r/{study.join(name).token}"


def test_from_the_first_picture_to_the_last_over_http(study: Study, client: Client) -> None:
    step = client.get(api(study)).json()
    assert step["ask_conditions"]
    assert [level["word"] for level in step["levels"]] == [
        "Excellent", "Good", "Fair", "Poor", "Bad",
    ]  # fmt: skip
    conditions = {"screen": "laptop", "distance": "30–50 cm", "light": "dim", "size": [1440, 900]}
    step = client.post(f"{api(study)}/conditions", conditions).json()
    anna = study.join("anna")
    assert anna.conditions is not None
    assert anna.conditions["screen"] == "laptop"
    answers = 0
    while step["trial"]:
        trial = study.next(anna)
        assert trial is not None
        assert trial.id == step["trial"]["id"]
        said = {"trial": trial.id, "value": honest(study, trial), "seconds": 1.5}
        step = client.post(f"{api(study)}/answer", said).json()
        answers += 1
    assert answers == 3 + 12 + 1
    assert step["done"] == step["total"] == 13
    assert step["figures"]["repeats"] == 1


def test_a_page_never_learns_names_or_which_trial_is_a_check(tmp_path: Path) -> None:
    with make_study(tmp_path, n=30) as study:
        client, anna = Client(study), study.join("anna")
        kinds = {}
        while (trial := study.next(anna)) is not None:
            told = client.get(api(study))
            assert ".png" not in told.text
            assert "~" not in told.text
            kinds.setdefault(trial.kind, set(told.json()["trial"]))
            study.answer(anna, trial.id, "3")
        assert kinds["rating"] == kinds["repeat"] == kinds["check"]


def test_pictures_come_byte_for_byte_and_only_those_that_were_shown(
    study: Study, client: Client
) -> None:
    trial = study.next(study.join("anna"))
    assert trial is not None
    answer = client.get(f"{api(study)}/picture/{trial.id}/0")
    picture = study.gallery.known[trial.shown[0].image]
    assert answer.content == picture.path.read_bytes()
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    for refused in (
        f"{api(study)}/picture/{trial.id}/1",
        f"{api(study)}/picture/{trial.id}/-1",
        f"{api(study)}/picture/9999/0",
        f"{api(study, 'ben')}/picture/{trial.id}/0",  # shown to anna, not to ben
        f"{api(study)}/picture/..%2f..%2fratings.db/0",
        f"{api(study)}/picture/{picture.path}/0",
        "/asset/..%2frate.html",
        "/asset/rate.html",
        "/asset/../app.py",
        "/docs", "/openapi.json", "/", "/ratings.db",
    ):  # fmt: skip
        assert client.get(refused).status_code in (404, 422), refused


@pytest.mark.parametrize(
    "path", ["/r/guess", "/api/r/guess", "/study/guess", "/api/study/guess", "/r/", "/study/"]
)
def test_without_the_secret_there_is_nothing_to_see(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "anna" not in answer.text


def test_another_name_of_this_machine_is_refused_unless_it_was_given(study: Study) -> None:
    link = f"/r/{study.join('anna').token}"
    assert Client(study).get(link, base="http://evil.example").status_code == 421
    named = Client(study, hosts=frozenset({"studio.local"}))
    assert named.get(link, base="http://studio.local:8017").status_code == 200
    assert named.get(link, base="http://evil.example").status_code == 421


def test_pages_load_nothing_from_elsewhere_and_are_not_framed(study: Study, client: Client) -> None:
    for path in (f"/r/{study.join('anna').token}", f"/study/{study.owner}"):
        answer = client.get(path)
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "http://" not in answer.text.replace("http://www.w3.org", "")
        assert "https://" not in answer.text


def test_a_name_that_is_html_is_text_everywhere(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    hostile = make_picture(folder / "<img src=x onerror=alert(1)>.png", 1)
    gallery = Gallery([hostile, make_picture(folder / "b.png", 2)], [("<b>.jpg", "<script>")])
    with begin(tmp_path / "r.db", gallery, n=2) as study:
        rate_all(study, study.join("anna"))
        client = Client(study)
        told = client.get(f"/api/study/{study.owner}")
        assert told.headers["content-type"] == "application/json"
        assert any("<img" in row["image"] for row in told.json()["opinions"])
        assert "<img" not in client.get(f"/study/{study.owner}").text


def test_wrong_answers_are_refused_and_the_right_one_is_kept_after_them(
    study: Study, client: Client
) -> None:
    trial = client.get(api(study)).json()["trial"]
    for said, status in (
        ({"trial": trial["id"], "value": "9"}, 409),
        ({"trial": 10_000, "value": "3"}, 409),
        ({"trial": "x", "value": "3"}, 422),
        ({"trial": trial["id"], "value": "3" * 5000}, 422),
        ({}, 422),
        ([], 422),
    ):
        assert client.post(f"{api(study)}/answer", said).status_code == status, said
    assert client.post(f"{api(study)}/answer", {"trial": trial["id"], "value": "3"}).is_success
    undone = client.post(f"{api(study)}/undo", {}).json()
    assert undone["trial"]["id"] == trial["id"]


def test_a_full_disk_stops_the_asking_and_says_so(
    study: Study, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    def full(*_: object) -> None:
        raise StudyError("cannot be used (database or disk is full)", "Free some space") from (
            sqlite3.OperationalError("database or disk is full")
        )

    trial = client.get(api(study)).json()["trial"]
    monkeypatch.setattr(study.file, "answer", full)
    answer = client.post(f"{api(study)}/answer", {"trial": trial["id"], "value": "3"})
    assert answer.status_code == 507
    assert answer.json()["fix"] == "Free some space"


def test_the_owner_sees_everybody_invites_and_takes_the_files_away(
    study: Study, client: Client
) -> None:
    rate_all(study, study.join("anna"))
    own = f"/api/study/{study.owner}"
    invited = client.post(f"{own}/raters", {"name": "ben"}).json()
    assert invited["link"].endswith(study.join("ben").token)
    assert client.post(f"{own}/raters", {"name": " "}).status_code == 422
    told = client.get(own).json()
    assert [rater["name"] for rater in told["raters"]] == ["anna", "ben"]
    assert told["raters"][0]["done"] == 13
    assert len(told["opinions"]) == 12
    for name in ("votes.csv", "mos.json", "label-studio.json", "fiftyone.jsonl"):
        answer = client.get(f"{own}/export/{name}")
        assert answer.is_success, answer.text
        assert name in answer.headers["content-disposition"]
    for name in ("votes.exe", "secrets.csv", "label-studio.csv"):
        assert client.get(f"{own}/export/{name}").status_code in (404, 409)
    assert client.get(f"/api/study/{study.join('anna').token}").status_code == 404


def test_formats_browsers_cannot_show_come_as_png_with_equal_pixels(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "scan.tiff")
    known = make_picture(tmp_path / "scan.tiff", 1, (50, 40))
    data, kind = Gallery([known]).bytes_of(Stimulus(known.hash))
    assert kind == "image/png"
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(image), pixels)


def test_a_ruined_copy_is_much_worse_and_the_same_every_time(tmp_path: Path) -> None:
    gallery = make_gallery(tmp_path / "photos", 2)
    [first, _] = gallery.known.values()
    data, kind = gallery.bytes_of(Stimulus(first.hash, ruined=True))
    assert kind == "image/png"
    assert data == gallery.bytes_of(Stimulus(first.hash, ruined=True))[0]
    with Image.open(io.BytesIO(data)) as image, Image.open(first.path) as good:
        assert image.size == good.size
        assert np.asarray(image).std() < np.asarray(good).std() / 3  # noise, blurred away


def test_pictures_gone_changed_or_of_others_are_refused(tmp_path: Path) -> None:
    gallery = make_gallery(tmp_path / "photos", 3)
    gone, changed, _ = gallery.known.values()
    gone.path.unlink()
    changed.path.write_bytes(b"something else")
    for picture, message in ((gone, "cannot be read any more"), (changed, "has changed since")):
        with pytest.raises(StudyError, match=message):
            gallery.bytes_of(Stimulus(picture.hash))
    with pytest.raises(StudyError, match="not in the folders"):
        gallery.bytes_of(Stimulus("0" * 64))


def test_figures_come_when_there_is_enough_and_never_hold_anybody_up(study: Study) -> None:
    live = Live(study)
    assert "10 more pictures" in live.figures()["reason"]
    rate_all(study, study.join("anna"))
    assert live.figures()["working"]
    for _ in range(500):
        if not (found := live.figures())["working"]:
            break
        import time

        time.sleep(0.01)
    assert found["pictures"] == 12
    assert found["srcc"] > 0.9  # it said what the scores say
    assert found["more"] == more_needed(found, 12)


def test_how_many_more_falls_with_agreement_and_never_below_none() -> None:
    needs = [more_needed({"srcc": r}, 50) for r in (0.5, 0.8, 0.9, 0.99)]
    assert needs == sorted(needs, key=lambda n: -(n or 0))
    assert more_needed({"srcc": 0.999}, 500) == 0
    assert more_needed({}, 50) is None
    # ±0.02 at .9: 1.96 · (1 − .81) · √1.405 / .02 = 22.07, squared and 3 more
    assert more_needed({"srcc": 0.9}, 0) == 491
