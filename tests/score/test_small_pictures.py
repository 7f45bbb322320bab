"""Small pictures are read some at a time where the scorer can look first and judge after."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from standin import StandIn, jpeg, make_folder

import snellen
from snellen.engine import Progress
from snellen.engine.rows import AT_ONCE
from snellen.errors import ScorerError
from snellen.images.read import Picture
from snellen.runs import ROWS, scan
from snellen.scorers import Score
from snellen.scorers.base import Looks

PICTURES = 8 * AT_ONCE


class LooksFirst(StandIn):
    """Takes the score at a look and gives it when it is asked; `events` in order."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[str] = []

    def look(self, picture: Picture) -> Callable[[], Score]:
        self.events.append("look")
        score = self.score(picture)

        def judge() -> Score:
            self.events.append("judge")
            return score

        return judge


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "photos", PICTURES)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "run"


def turns(events: list[str]) -> list[int]:
    """How many looks and judgements follow one another."""
    return [len(list(some)) for _, some in groupby(events)]


def test_rows_are_what_each_picture_gets_alone(photos: Path, run: Path) -> None:
    alone = snellen.score(photos, StandIn(), run=run.with_name("alone"))
    for jobs in (1, 2, 5):
        table = snellen.score(photos, LooksFirst(), run=run.with_name(f"run-{jobs}"), jobs=jobs)
        assert list(table) == list(alone)


def test_the_built_in_scorer_gives_the_same_to_the_last_digit(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    for name in "abc":
        pixels = rng.integers(0, 256, (90, 120, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((240, 180)).save(tmp_path / f"{name}.jpg", quality=60)
    scorer = snellen.load_scorer("built-in")
    assert isinstance(scorer, Looks)
    for scale in (1, 2):
        run = tmp_path / f"run-{scale}"
        together = list(snellen.score(tmp_path, scorer, run=run / "all", jpeg_scale=scale))
        for row in together:
            (alone,) = snellen.score(
                row["image"], scorer, run=run / row["hash"][:8], jpeg_scale=scale
            )
            assert {**alone, "thumbnail": None} == {**row, "thumbnail": None}


def test_some_are_looked_at_before_they_are_judged(photos: Path, run: Path) -> None:
    scorer = LooksFirst()
    snellen.score(photos, scorer, run=run, jobs=1)
    found = turns(scorer.events)
    looks, judgements = found[::2], found[1::2]
    assert looks == judgements
    assert sum(looks) == PICTURES
    assert looks[:-1] == sorted(looks[:-1])  # fewer at first
    assert (looks[0], max(looks)) == (1, AT_ONCE)


def test_a_few_are_spread_over_all_threads(tmp_path: Path, run: Path) -> None:
    meeting = threading.Barrier(4, timeout=10)

    class Waiting(LooksFirst):
        def look(self, picture: Picture) -> Callable[[], Score]:
            meeting.wait()  # only passes when four threads have one each
            return super().look(picture)

    photos = make_folder(tmp_path / "photos", AT_ONCE)
    assert len(snellen.score(photos, Waiting(), run=run, jobs=4).scored) == AT_ONCE


def test_a_large_file_is_taken_alone_among_small_ones(photos: Path, run: Path) -> None:
    middle = sorted(photos.glob("*.jpg"))[30]
    large = np.random.default_rng(3).integers(0, 256, (800, 800, 3), dtype=np.uint8)
    Image.fromarray(large).save(middle.with_suffix(".bmp"))

    class Sizes(LooksFirst):
        def look(self, picture: Picture) -> Callable[[], Score]:
            judge = super().look(picture)
            self.events[-1] = "large" if picture.width == 800 else "look"
            return judge

    scorer = Sizes()
    snellen.score(photos, scorer, run=run, jobs=1)
    at = scorer.events.index("large")
    assert scorer.events[at - 1] == scorer.events[at + 1] == "judge"
    assert max(turns(scorer.events)) == AT_ONCE


def test_a_scorer_that_needs_the_pixels_is_given_one_at_a_time(photos: Path, run: Path) -> None:
    done, changed = 0, threading.Condition()

    def tell(progress: Progress) -> None:
        nonlocal done
        with changed:
            done = progress.done
            changed.notify_all()

    class Waiting(StandIn):
        def score(self, picture: Picture) -> Score:
            with changed:  # only passes when the one before is a row already
                assert changed.wait_for(lambda: done == len(self.scored), timeout=10)
            return super().score(picture)

    table = snellen.score(photos, Waiting(), run=run, progress=tell, jobs=1)
    assert len(table.scored) == PICTURES


def test_pixels_are_gone_before_the_next_picture(photos: Path, run: Path) -> None:
    held: list[weakref.ref[Picture]] = []
    most = 0

    class Watching(LooksFirst):
        def look(self, picture: Picture) -> Callable[[], Score]:
            nonlocal most
            gc.collect()
            most = max(most, sum(one() is not None for one in held))
            held.append(weakref.ref(picture.pixels))  # type: ignore[arg-type]
            return super().look(picture)

    for number in range(4):  # not decoded into memory that is used again, as JPEG is
        Image.open(photos / "p00001.jpg").save(photos / f"png-{number}.png")
    snellen.score(photos, Watching(), run=run, jobs=1)
    assert len(held) == PICTURES + 4
    assert most == 0


@pytest.mark.parametrize("at", ["look", "judge"])
def test_one_that_breaks_costs_only_itself(photos: Path, run: Path, at: str) -> None:
    class Fragile(LooksFirst):
        def look(self, picture: Picture) -> Callable[[], Score]:
            judge = super().look(picture)
            if len(self.scored) != 4:
                return judge
            if at == "look":
                raise ScorerError("cannot look")

            def breaks() -> Score:
                raise ScorerError("cannot judge")

            return breaks

    table = snellen.score(photos, Fragile(), run=run, jobs=1)
    assert table.missing["missing"] == [f"ScorerError: cannot {at}"]
    assert len(table.scored) == PICTURES - 1
    row = table.missing[0]
    assert (row["width"], row["height"], row["score"]) == (36, 24, None)


def test_bad_files_among_good_ones(photos: Path, run: Path) -> None:
    (photos / "p00001.jpg").write_bytes(b"")
    (photos / "p00004.jpg").write_bytes(jpeg(4)[:200])
    (photos / "p00005.jpg").write_text("no picture")
    table = snellen.score(photos, LooksFirst(), run=run)
    bad = [Path(row["image"]).name for row in table.missing]
    assert bad == ["p00001.jpg", "p00004.jpg", "p00005.jpg"]
    assert len(table.scored) == PICTURES - 3


def test_stopped_by_hand_all_that_was_scored_is_kept(photos: Path, run: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.done == PICTURES - 3:  # in the middle of those that were taken at once
            raise KeyboardInterrupt

    first, second = LooksFirst(), LooksFirst()
    with pytest.raises(KeyboardInterrupt):
        snellen.score(photos, first, run=run, progress=stop, jobs=1)
    kept = [row["image"] for _, _, row in scan(run / ROWS)]
    assert len(kept) == len(set(kept)) == len(first.scored) >= PICTURES - 3
    table = snellen.score(photos, second, run=run)
    assert len(second.scored) == PICTURES - len(kept)
    assert list(table) == list(snellen.score(photos, StandIn(), run=run.with_name("other")))
