"""A study from the first trial to the last: order, repeats, undo, two raters, what is refused."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import pytest
from study_maker import begin, honest, make_gallery, make_picture, make_study, rate_all

from snellen.errors import InputError, StudyError
from snellen.rating import Gallery
from snellen.rating.choice import most_pairs, spread
from snellen.rating.plan import APART, TRAINING


def test_everybody_rates_the_same_pictures_each_in_an_order_of_their_own(tmp_path: Path) -> None:
    with make_study(tmp_path) as study:
        seen = {name: rate_all(study, study.join(name)) for name in ("anna", "ben")}
    rated = {
        name: [t.shown[0].image for t in trials if t.kind == "rating"]
        for name, trials in seen.items()
    }
    assert sorted(rated["anna"]) == sorted(rated["ben"])
    assert len(set(rated["anna"])) == 20
    assert rated["anna"] != rated["ben"]


def test_training_first_then_ratings_with_hidden_repeats_and_checks(tmp_path: Path) -> None:
    with make_study(tmp_path, n=30) as study:
        trials = rate_all(study, study.join("anna"))
    kinds = [trial.kind for trial in trials]
    assert kinds[:TRAINING] == ["training"] * TRAINING
    assert "training" not in kinds[TRAINING:]
    assert Counter(kinds) == {"training": 3, "rating": 30, "repeat": 3, "check": 1}
    assert any(trial.shown[0].ruined for trial in trials[:TRAINING])
    place = {t.shown[0].image: t.place for t in trials if t.kind == "rating"}
    for trial in trials:
        if trial.kind == "repeat":
            assert trial.place > place[trial.shown[0].image]
        if trial.kind == "check":
            assert trial.shown[0].ruined


def test_a_repeat_in_the_first_round_comes_some_pictures_later(tmp_path: Path) -> None:
    with make_study(tmp_path, n=10) as study:
        for name in ("anna", "ben", "cleo", "dan"):
            trials = rate_all(study, study.join(name))
            [again] = [trial for trial in trials if trial.kind == "repeat"]
            first = next(t for t in trials if t.kind == "rating" and t.shown == again.shown)
            assert again.place - first.place >= APART


def test_the_same_rater_gets_the_same_order_in_another_copy_of_the_study(tmp_path: Path) -> None:
    gallery = make_gallery(tmp_path / "photos")
    orders = []
    for copy, seed in (("one.db", "a"), ("two.db", "a"), ("three.db", "b"), ("four.db", None)):
        with begin(tmp_path / copy, gallery, n=20, seed=seed) as study:
            orders.append([t.shown for t in rate_all(study, study.join("anna"))])
    assert orders[0] == orders[1]
    assert orders[0] != orders[2] != orders[3] != orders[0]


def test_what_is_rated_first_is_spread_over_the_scores(tmp_path: Path) -> None:
    with make_study(tmp_path, n=5, pictures=30) as study:
        trials = rate_all(study, study.join("anna"))
        scores = sorted(
            study.gallery.known[t.shown[0].image].score for t in trials if t.kind == "rating"
        )
    assert scores[0] == 0
    assert scores[-1] == 290
    assert max(b - a for a, b in itertools.pairwise(scores)) < 110


def test_every_beginning_of_the_spread_covers_the_whole() -> None:
    names = [f"{i:03}" for i in range(100)]
    order = spread(names)
    assert sorted(order) == names
    for count in (5, 9, 17, 33):
        places = sorted(int(name) for name in order[:count])
        assert max(b - a for a, b in itertools.pairwise(places)) <= 2 * 100 / (count - 1)
    assert spread(["a"]) == ["a"]
    assert spread([]) == []


def test_closing_and_opening_goes_on_with_the_very_trial(tmp_path: Path) -> None:
    with make_study(tmp_path) as study:
        anna = study.join("anna")
        for _ in range(7):
            trial = study.next(anna)
            assert trial is not None
            study.answer(anna, trial.id, honest(study, trial))
        open_trial = study.next(anna)
    with make_study(tmp_path) as study:
        assert study.next(study.join("anna")) == open_trial


def test_undo_takes_back_one_answer_and_asks_it_again(tmp_path: Path) -> None:
    with make_study(tmp_path) as study:
        anna = study.join("anna")
        assert not study.undo(anna)
        for _ in range(5):
            trial = study.next(anna)
            assert trial is not None
            study.answer(anna, trial.id, "2")
        assert study.undo(anna)
        again = study.next(anna)
        assert again is not None
        assert trial is not None
        assert again.id == trial.id
        study.answer(anna, again.id, "5")
        assert [t.value for t in study.file.trials(anna) if t.id == again.id] == ["5"]


def test_an_answer_sent_twice_is_kept_once_and_another_one_is_refused(tmp_path: Path) -> None:
    with make_study(tmp_path) as study:
        anna, ben = study.join("anna"), study.join("ben")
        trial = study.next(anna)
        assert trial is not None
        study.answer(anna, trial.id, "3")
        study.answer(anna, trial.id, "3")
        with pytest.raises(StudyError, match="already answered with '3'"):
            study.answer(anna, trial.id, "4")
        with pytest.raises(StudyError, match="not shown to this rater"):
            study.answer(ben, trial.id, "3")
        later = study.file.trials(anna)[2]
        with pytest.raises(StudyError, match="not shown"):
            study.answer(anna, later.id, "3")
        following = study.next(anna)
        assert following is not None
        for wrong in ("0", "6", "good", "", "first"):
            with pytest.raises(StudyError, match="is no answer"):
                study.answer(anna, following.id, wrong)


@pytest.mark.parametrize("seconds", [-3.0, float("inf"), float("nan"), 1e9, None])
def test_a_clock_that_jumps_leaves_no_time_but_keeps_the_answer(
    tmp_path: Path, seconds: float | None
) -> None:
    with make_study(tmp_path) as study:
        anna = study.join("anna")
        trial = study.next(anna)
        assert trial is not None
        study.answer(anna, trial.id, "3", seconds)
        [kept] = [t for t in study.file.trials(anna) if t.value]
        assert (kept.value, kept.seconds) == ("3", None)


def test_pairs_are_different_balanced_and_half_of_them_close(tmp_path: Path) -> None:
    with make_study(tmp_path, "pairs", n=40) as study:
        trials = rate_all(study, study.join("anna"))
        scores = {image: picture.score for image, picture in study.gallery.known.items()}
    pairs = [t.shown for t in trials if t.kind == "rating"]
    assert len({frozenset(s.image for s in shown) for shown in pairs}) == 40
    often = Counter(s.image for shown in pairs for s in shown)
    assert max(often.values()) <= 8
    assert len(often) >= 15
    gaps = sorted(abs(scores[a.image] - scores[b.image]) for a, b in pairs)
    assert gaps[len(gaps) // 3] < 50 < gaps[-len(gaps) // 4]
    left = sum(scores[a.image] > scores[b.image] for a, b in pairs)
    assert 8 <= left <= 32  # the better one is not always on one side
    for trial in trials:
        if trial.kind == "repeat":
            assert trial.shown[::-1] in pairs


def test_a_study_asks_no_more_than_there_is(tmp_path: Path) -> None:
    with make_study(tmp_path, n=50, pictures=4) as study:
        assert study.n == 4
        assert sum(t.kind == "rating" for t in rate_all(study, study.join("anna"))) == 4
    with begin(tmp_path / "pairs.db", study.gallery, "pairs", 50) as study:
        assert study.n == most_pairs(4) == 6
        assert sum(t.kind == "rating" for t in rate_all(study, study.join("anna"))) == 6


def test_asking_for_more_later_goes_on_and_for_less_changes_nothing(tmp_path: Path) -> None:
    with make_study(tmp_path, n=10) as study:
        rate_all(study, study.join("anna"))
    with make_study(tmp_path, n=5) as study:
        assert study.n == 10
        assert study.next(study.join("anna")) is None
    with make_study(tmp_path, n=16) as study:
        more = rate_all(study, study.join("anna"))
        assert sum(trial.kind == "rating" for trial in more) == 6


def test_how_far_a_rater_is_ends_at_all_of_all(tmp_path: Path) -> None:
    with make_study(tmp_path, n=30) as study:
        anna = study.join("anna")
        start = study.standing(anna)
        assert (start.done, start.total, start.rounds) == (0, 34, (0, 3))
        rate_all(study, anna)
        end = study.standing(anna)
        assert (end.done, end.total, end.rounds) == (34, 34, (3, 3))


def test_options_that_make_no_sense(tmp_path: Path) -> None:
    gallery = make_gallery(tmp_path / "photos", 3)
    with pytest.raises(InputError, match="at least 1"):
        begin(tmp_path / "a.db", gallery, n=0)
    with pytest.raises(InputError, match="Tasks are acr and pairs"):
        begin(tmp_path / "a.db", gallery, "stars")  # type: ignore[arg-type]
    alone = Gallery([make_picture(tmp_path / "one.png", 1)])
    with pytest.raises(InputError, match="at least two pictures"):
        begin(tmp_path / "a.db", alone, "pairs")
    begin(tmp_path / "b.db", gallery).close()
    with pytest.raises(InputError, match="is a study of 'acr', not of 'pairs'"):
        begin(tmp_path / "b.db", gallery, "pairs")
    with begin(tmp_path / "b.db", gallery) as study:
        for name in ("", "  ", "a\nb", "x" * 61):
            with pytest.raises(InputError, match="no name for a rater"):
                study.join(name)
        with pytest.raises(StudyError, match="belongs to no rater"):
            study.rater("guess")


def test_a_picture_that_left_the_folders_is_told_with_the_fix(tmp_path: Path) -> None:
    with make_study(tmp_path, n=10) as study:
        anna = study.join("anna")
        trial = study.next(anna)
        assert trial is not None
        others = [p for p in study.gallery.known.values() if p.hash != trial.shown[0].image]
    with (
        begin(tmp_path / "ratings.db", Gallery(others), n=10) as study,
        pytest.raises(StudyError, match=r"no longer in its folders.*folders it was begun with"),
    ):
        study.next(study.join("anna"))
