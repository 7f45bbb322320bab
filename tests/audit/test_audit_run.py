"""An audit from end to end on a judge whose eyesight is planted."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from audit_planted import Planted, material
from typer.testing import CliRunner

from snellen.audit import Audit, audit, read_reliability
from snellen.audit.material import Photos
from snellen.cli import app
from snellen.errors import DataError, InputError, JudgeError
from snellen.judges import Judge, Question
from snellen.reports.audit_page import write_audit_page
from snellen.runs import Progress, Request
from snellen.scoring import make_method

METHOD = make_method("levels")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    return material(tmp_path_factory.mktemp("photos"))


def run(judges: list[Judge], photos: Photos, place: Path, **options: object) -> Audit:
    request = Request("audit", ("photos",), {"judges": [judge.name for judge in judges]})
    return audit(judges, photos, METHOD, request, directory=place, thorough=16, **options)  # type: ignore[arg-type]


def test_planted_eyesight_is_found(photos: Photos, tmp_path: Path) -> None:
    planted = Planted(photos, sees={"blur", "noise"}, follows={"blur", "compression"})
    [found] = run([planted.judge], photos, tmp_path / "run").findings
    sights = {one.type: one.sight for one in found.verdicts}
    assert sights == {
        "gaussian-blur": "sees it", "white-noise": "sees it", "jpeg": "blind", "darken": "blind",
    }  # fmt: skip
    assert found.headline == ("This judge sees blur, noise; is blind to compression, brightness.")
    falls = {one.type: one.tau.value for one in found.verdicts}
    assert falls["jpeg"] == falls["gaussian-blur"] == pytest.approx(1)
    assert falls["white-noise"] == falls["darken"] == 0
    kept = found.reliability.families
    assert (kept["compression"].reliability, kept["noise"].reliability) == (1, 0)
    assert all(one.changed.value == 0 for one in found.consistency.changes if not one.reason)
    assert found.consistency.letters_accuracy.value == found.consistency.words_accuracy.value
    assert {nil.name: nil.verdict for nil in found.sanity}["black"] == "low"
    assert found.content is not None
    assert found.content.spread == pytest.approx(0, abs=1e-4)
    assert "alignment" in found.skipped


def test_a_moody_judge_changes_with_the_order(photos: Photos, tmp_path: Path) -> None:
    planted = Planted(photos, sees={"blur", "noise"}, follows=(), moody=True)
    [found] = run([planted.judge], photos, tmp_path / "run").findings
    changed = {one.kind: one.changed.value for one in found.consistency.changes}
    assert changed["order"] > 0.5
    assert changed["file"] == 0


def test_files_say_what_the_findings_say(photos: Photos, tmp_path: Path) -> None:
    planted = Planted(photos, sees={"blur"}, follows={"blur"})
    done = run([planted.judge], photos, tmp_path / "run")
    place, [found] = done.run, done.findings
    saved = json.loads((place / "findings.json").read_text())
    assert saved["findings"][0]["headline"] == found.headline
    assert saved["findings"][0]["perception"]["accuracy"]["value"] == pytest.approx(
        found.perception.accuracy.value
    )
    rows = list(csv.DictReader((place / "types.csv").read_text().splitlines()))
    assert [row["type"] for row in rows] == [one.type for one in found.verdicts]
    pictures = list(csv.DictReader((place / "pictures.csv").read_text().splitlines()))
    assert len(pictures) == len(photos.items)
    contract = json.loads((place / "reliability.json").read_text())
    assert contract["version"] == 1
    assert set(contract) == {"version", "judge", "method", "overall", "families"}
    assert set(contract["families"]["blur"]) == {"reliability", "low", "high", "n", "levels"}
    again = read_reliability(place / "reliability.json")
    assert again.weight({"blur": 1.0}) == 1.0
    assert again.judge == planted.judge.name
    page = write_audit_page(place / "report.html", done, photos, Request("audit", ("photos",)))
    text = page.read_text()
    for word in ("sees it", "blind", "gaussian-blur", "Does the score fall", found.headline):
        assert word in text


@pytest.mark.parametrize(
    "content", ["", "[]", '{"version": 1}', '{"version": 2}',
                '{"version": 1, "judge": "j", "method": "m", "overall": 1, "families":'
                ' {"blur": {"reliability": 2, "low": 0, "high": 1, "n": 1, "levels": {}}}}'],
)  # fmt: skip
def test_what_is_no_reliability_file_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "reliability.json"
    path.write_text(content)
    with pytest.raises(DataError):
        read_reliability(path)


def test_a_stopped_audit_goes_on_and_asks_nothing_twice(photos: Photos, tmp_path: Path) -> None:
    whole = Planted(photos, sees={"blur"}, follows={"blur"})
    expected = run([whole.judge], photos, tmp_path / "whole")

    def stop(progress: Progress) -> None:
        if progress.done >= 40:
            raise KeyboardInterrupt

    planted = Planted(photos, sees={"blur"}, follows={"blur"})
    with pytest.raises(KeyboardInterrupt):
        run([planted.judge], photos, tmp_path / "run", progress=stop)
    first = len(planted.asked)
    assert 0 < first < len(whole.asked)
    done = run([planted.judge], photos, tmp_path / "run")
    assert len(planted.asked) == len(whole.asked)
    assert done.findings == expected.findings
    again = run([planted.judge], photos, tmp_path / "run")
    assert len(planted.asked) == len(whole.asked)
    assert again.findings == expected.findings
    run([planted.judge], photos, tmp_path / "run", fresh=True)
    assert len(planted.asked) == 2 * len(whole.asked)


def test_each_picture_is_made_once_for_two_judges(
    photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    plain = Photos.picture

    def counting(self: Photos, item: object) -> object:
        made.append(item.name)  # type: ignore[attr-defined]
        return plain(self, item)  # type: ignore[arg-type]

    one = Planted(photos, sees={"blur"}, follows={"blur"}, name="one")
    two = Planted(photos, sees={"blur", "noise", "compression"}, follows={"blur"}, name="two")
    monkeypatch.setattr(Photos, "picture", counting)
    done = run([one.judge, two.judge], photos, tmp_path / "run")
    assert sorted(made) == sorted(item.name for item in photos.items)
    rows = {row.what: row for row in done.differences}
    assert rows["recall of noise"].difference.value == 1
    assert rows["recall of noise"].p_holm < 0.5
    assert rows["recall of blur"].difference.value == 0
    assert (done.run / "reliability-2.json").exists()
    page = write_audit_page(tmp_path / "two.html", done, photos, Request("audit", ("photos",)))
    assert "The second judge less the first" in page.read_text()


def test_missing_answers_are_counted_with_their_reason(photos: Photos, tmp_path: Path) -> None:
    planted = Planted(photos, sees={"blur"}, follows={"blur"}, silent={"noise"})
    done = run([planted.judge], photos, tmp_path / "run")
    [found] = done.findings
    assert found.perception.missing == found.score_missing == 6 * 5
    assert done.missing == 60
    assert set(found.reasons.values()) == {30}  # one reason for naming, one for the score
    assert {one.type: one.sight for one in found.verdicts}["white-noise"] == "not known"


def test_judges_that_cannot_be_audited_together_are_refused(photos: Photos, tmp_path: Path) -> None:
    planted = Planted(photos, sees=(), follows=())
    with pytest.raises(InputError, match="both judges"):
        run([planted.judge, planted.judge], photos, tmp_path / "run")
    with pytest.raises(InputError, match="0 judges"):
        run([], photos, tmp_path / "run")


def test_a_judge_of_one_image_cannot_score_beside_copies(photos: Photos, tmp_path: Path) -> None:
    from dataclasses import replace

    planted = Planted(photos, sees=(), follows=())
    planted.judge.can = replace(planted.judge.can, max_images=1)
    request = Request("audit", ("photos",))
    with pytest.raises(JudgeError, match="takes at most 1"):
        audit([planted.judge], photos, make_method("debias"), request, directory=tmp_path / "run")
    [found] = run([planted.judge], photos, tmp_path / "one").findings
    assert found.consistency.first.n == 0  # no pairs were asked


SHARP = "scripted:snellen.judges.demo:sharpness"


def test_the_verb(photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = str(next(iter(photos.paths.values())).parent)
    given = ["audit", SHARP, "--photos", folder, "--types", "gaussian-blur,jpeg"]
    options = ["--thorough", "4", "--run", "run"]
    result = CliRunner().invoke(app, [*given, *options])
    assert result.exit_code == 0, result.output
    assert "gaussian-blur" in result.output
    assert Path("run/report.html").exists()
    result = CliRunner().invoke(app, [*given, *options, "--json", "--no-page"])
    found = json.loads(result.stdout)
    assert found["report"] is None
    assert found["findings"][0]["judge"].startswith(SHARP)


@pytest.mark.parametrize("options", [[], ["--photos", "a", "--corpus", "b"]])
def test_the_verb_wants_photos_or_a_set(options: list[str]) -> None:
    result = CliRunner().invoke(app, ["audit", SHARP, *options])
    assert isinstance(result.exception, InputError)


def silent(question: Question) -> Mapping[str, float] | None:
    return None


def test_exit_status_2_where_answers_are_missing(photos: Photos, tmp_path: Path) -> None:
    folder = str(next(iter(photos.paths.values())).parent)
    given = ["audit", "scripted:test_audit_run:silent", "--photos", folder, "--types", "jpeg"]
    result = CliRunner().invoke(app, [*given, "--run", str(tmp_path / "run")])
    assert result.exit_code == 2, result.output
    assert "Nothing was named" in result.output
