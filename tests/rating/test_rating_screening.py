"""Who is flagged and who is not, from made raters of known habits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from study_maker import honest, make_study, rate_all

from snellen.rating import Study, exchange
from snellen.rating.results import agreement_with_others, opinions
from snellen.rating.screening import RaterReport
from snellen.rating.store import Trial


def reports(study: Study) -> dict[str, RaterReport]:
    return {report.rater: report for report in study.reports()}


def habit(study: Study, name: str, said: object, seconds: float = 2.0) -> None:
    """Rate everything by a rule: a constant, or trial → answer."""
    rater = study.join(name)
    while (trial := study.next(rater)) is not None:
        value = said(trial) if callable(said) else str(said)
        study.answer(rater, trial.id, value, seconds)


def test_honest_raters_are_not_flagged(tmp_path: Path) -> None:
    with make_study(tmp_path, n=30) as study:
        for name in ("anna", "ben", "cleo"):
            rate_all(study, study.join(name), noise=20)
        for report in study.reports():
            assert report.flags == ()
            assert (report.ratings, report.checks, report.missed) == (30, 1, 0)
            assert report.repeats == 3
            assert report.seconds == 2.0


def test_always_three_is_flagged_kept_apart_and_not_deleted(tmp_path: Path) -> None:
    with make_study(tmp_path, n=30) as study:
        rate_all(study, study.join("anna"))
        habit(study, "threes", 3)
        assert reports(study)["threes"].flags == ("answered 3 in 30 of 30 ratings",)
        assert exchange.flagged(study.file) == {"threes"}
        assert {row["n"] for row in exchange.opinions_of(study.file)} == {1}
        assert {row["n"] for row in exchange.opinions_of(study.file, keep_flagged=True)} == {2}
        flags = {row["rater"]: row["flag"] for row in exchange.votes_of(study.file)}
        assert flags["anna"] == ""
        assert "answered 3" in flags["threes"]


def test_no_time_to_look(tmp_path: Path) -> None:
    with make_study(tmp_path, n=20) as study:
        habit(study, "quick", lambda trial: honest(study, trial), seconds=0.2)
        assert reports(study)["quick"].flags == ("took 0.2 s for an answer, too little to look",)


def test_upside_down_misses_the_obvious_cases(tmp_path: Path) -> None:
    with make_study(tmp_path, n=40, pictures=50) as study:
        habit(study, "wrong", lambda trial: str(6 - int(honest(study, trial))))
        assert any("missed 2 of 2 obvious cases" in f for f in reports(study)["wrong"].flags)


def test_another_answer_to_the_same_picture(tmp_path: Path) -> None:
    def fickle(trial: Trial) -> str:
        return "1" if trial.kind == "repeat" else str(3 + trial.id % 3)

    with make_study(tmp_path, n=30) as study:
        habit(study, "fickle", fickle)
        report = reports(study)["fickle"]
        assert report.same == 0
        assert report.steps is not None
        assert report.steps >= 2
        assert any("steps when shown the same picture again" in flag for flag in report.flags)


def test_always_left_in_pairs_is_flagged_and_an_honest_rater_is_not(tmp_path: Path) -> None:
    with make_study(tmp_path, "pairs", n=40) as study:
        rate_all(study, study.join("anna"))
        habit(study, "left", "first")
        found = reports(study)
        assert found["left"].leading == 1.0
        assert "answered first in 40 of 40 ratings" in found["left"].flags
        assert found["left"].same == 0  # a swapped pair, the same side: another picture
        anna = found["anna"]
        assert anna.flags == ()
        assert anna.same == anna.repeats == 4
        assert anna.missed == 0
        assert anna.leading is not None
        assert 0.2 < anna.leading < 0.8


def test_opinions_are_the_means_with_their_intervals(tmp_path: Path) -> None:
    with make_study(tmp_path, n=10) as study:
        habit(study, "anna", lambda trial: str(1 + trial.place % 3))
        trials = study.file.trials()
        found = {opinion.image: opinion for opinion in opinions("acr", trials)}
        for trial in trials:
            if trial.kind == "rating":
                opinion = found[trial.shown[0].image]
                assert (opinion.mos, opinion.n) == (float(trial.value or 0), 1)
                assert opinion.std is None
        assert opinions("acr", trials, {"anna"}) == []


def test_pairs_put_the_pictures_in_their_order(tmp_path: Path) -> None:
    with make_study(tmp_path, "pairs", n=200, pictures=20) as study:
        rate_all(study, study.join("anna"))
        rate_all(study, study.join("ben"))
        found = opinions("pairs", study.file.trials())
        true = [study.gallery.known[opinion.image].score for opinion in found]
        order = np.argsort(np.argsort([opinion.mos for opinion in found]))
        assert np.corrcoef(order, np.argsort(np.argsort(true)))[0, 1] > 0.98
        assert sum(opinion.n for opinion in found) == 2 * 190 * 2
        assert all(o.low is not None and o.low < o.mos for o in found)


def test_agreement_with_the_others(tmp_path: Path) -> None:
    with make_study(tmp_path, n=20) as study:
        rate_all(study, study.join("anna"))
        assert agreement_with_others(study.file.trials(), "anna") is None  # there are none
        rate_all(study, study.join("ben"), noise=30)
        value = agreement_with_others(study.file.trials(), "anna")
        assert value is not None
        assert 0.8 < value <= 1
        habit(study, "cleo", lambda trial: str(6 - int(honest(study, trial))))
        against = agreement_with_others(study.file.trials(), "cleo")
        assert against is not None
        assert against < -0.8


@pytest.mark.parametrize("answered", [0, 5])
def test_nothing_is_said_of_few_answers(tmp_path: Path, answered: int) -> None:
    with make_study(tmp_path, n=20) as study:
        anna = study.join("anna")
        for _ in range(answered):
            trial = study.next(anna)
            assert trial is not None
            study.answer(anna, trial.id, "3", 0.1)
        assert reports(study)["anna"].flags == ()
