"""Tournaments: few comparisons rank a folder in any order of files, and go on when stopped."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from snellen.errors import InputError, JudgeError, MissingAnswer, UnknownName
from snellen.judges import Answer, Capabilities, ImagePart, Memory, Question, ScriptedJudge
from snellen.scoring.pairing import next_round
from snellen.scoring.pairs import Verdict
from snellen.scoring.standing import final
from snellen.scoring.tournament import tournament


def image(quality: float) -> ImagePart:
    """9 × 9 pixels that hold `quality` in [0, 1] in steps of 1/65,025."""
    pixels = np.zeros((9, 9, 3), np.uint8)
    whole = round(quality * 65_025)
    pixels[..., 0], pixels[..., 1] = whole // 255, whole % 255
    return ImagePart(pixels, f"{quality:.4f}")


def quality_of(part: ImagePart) -> float:
    first, second, _ = part.pixels()[0, 0]
    return (int(first) * 255 + int(second)) / 65_025


class Judge(ScriptedJudge):
    """Log-odds 12 times the difference in quality, plus a lean; counts what it is asked."""

    def __init__(self, lean: float = 0.0, votes: bool = False, stop_after: int = 10**9) -> None:
        super().__init__(self.say, f"judge {lean} {votes}")
        self.lean, self.votes, self.left = lean, votes, stop_after
        self.asked = 0

    def say(self, question: Question) -> Mapping[str, float]:
        one, other = map(quality_of, question.images)
        p = 1 / (1 + math.exp(-(12 * (one - other) + self.lean)))
        return {"A": float(p > 0.5), "B": float(p <= 0.5)} if self.votes else {"A": p, "B": 1 - p}

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        self.left -= len(questions)
        if self.left < 0:
            raise KeyboardInterrupt
        self.asked += len(questions)
        return super().answer(questions)


def field(n: int, seed: int = 0) -> list[float]:
    return [float(q) for q in np.random.default_rng(seed).random(n)]


def test_few_comparisons_rank_a_folder_and_find_the_share_of_wins() -> None:
    qualities = field(40)
    judge = Judge(lean=1.0)
    found = tournament(judge, [image(q) for q in qualities], per_image=6)
    assert 0.9 * 40 * 6 <= judge.asked <= 40 * 6
    assert spearmanr(found.score, qualities).statistic > 0.99
    gaps = 12 * np.subtract.outer(qualities, qualities)
    wins = 100 * (np.sum(1 / (1 + np.exp(-gaps)), axis=1) - 0.5) / 39
    assert np.abs(found.score - wins).max() < 2
    assert (found.low < found.score).all()
    assert (found.score < found.high).all()
    assert found.bias is not None
    assert found.bias.low > 0.5
    assert 4 <= found.compared.min() <= found.compared.max() == 6


def test_votes_have_wider_intervals_than_probabilities() -> None:
    images = [image(q) for q in field(30)]
    soft, hard = (tournament(Judge(votes=votes), images) for votes in (False, True))
    assert soft.standing.dispersion < 0.05
    assert hard.standing.dispersion == 1.0
    assert (soft.high - soft.low).mean() < (hard.high - hard.low).mean() / 3


def test_the_order_of_the_files_changes_nothing() -> None:
    qualities = field(15)
    forward = tournament(Judge(), [image(q) for q in qualities], per_image=4)
    backward = tournament(Judge(), [image(q) for q in qualities[::-1]], per_image=4)
    assert forward.score.tolist() == backward.score[::-1].tolist()


def test_a_stopped_tournament_goes_on_where_it_was(tmp_path: Path) -> None:
    images = [image(q) for q in field(20)]
    whole = tournament(Judge(), images, per_image=6)
    stopped = Judge(stop_after=70)
    with Memory(stopped, tmp_path / "a.db") as judge, pytest.raises(KeyboardInterrupt):
        tournament(judge, images, per_image=6)
    resumed = Judge()
    with Memory(resumed, tmp_path / "a.db") as judge:
        again = tournament(judge, images, per_image=6)
    assert stopped.asked > 0
    assert stopped.asked + resumed.asked == 2 * len(whole.meetings)
    assert again.score.tolist() == whole.score.tolist()


def test_all_pairs_where_there_are_fewer_than_asked_for() -> None:
    told: list[tuple[int, int]] = []
    found = tournament(
        Judge(), [image(q) for q in (0.1, 0.5, 0.9)], told=lambda *done: told.append(done)
    )
    assert len(found.meetings) == 3
    assert told == [(3, 3)]
    assert found.score.argsort().tolist() == [0, 1, 2]


def test_thurstone_ranks_alike() -> None:
    images = [image(q) for q in field(12)]
    found = tournament(Judge(), images, model="thurstone")
    assert found.standing.scale.model == "Thurstone case V"
    assert (found.score.argsort() == tournament(Judge(), images).score.argsort()).all()


def test_broken_and_equal_images_take_no_comparisons_from_others(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    images = [image(0.2), ImagePart(broken, "broken.png"), image(0.8), image(0.2), image(0.5)]
    found = tournament(Judge(), images)
    assert list(found.missing) == [1]
    assert found.missing[1]
    assert math.isnan(found.score[1])
    assert found.twins == {3: 0}
    assert found.score[3] == found.score[0] < found.score[4] < found.score[2]
    assert len(found.meetings) == 3


def test_who_is_never_answered_is_missing_with_the_reason() -> None:
    def say(question: Question) -> Mapping[str, float] | None:
        if min(map(quality_of, question.images)) < 0.05:
            return None
        return Judge().say(question)

    found = tournament(ScriptedJudge(say, "picky"), [image(q) for q in (0.01, 0.4, 0.6, 0.9)])
    assert found.missing == {0: "no answer in either order: the script does not know"}
    assert np.isfinite(found.score[1:]).all()
    assert found.compared.tolist() == [0, 2, 2, 2]


def test_what_makes_no_sense_is_refused() -> None:
    images = [image(q) for q in (0.2, 0.4)]
    with pytest.raises(InputError, match=r"1 of 1 can be used.*snellen score"):
        tournament(Judge(), images[:1])
    with pytest.raises(InputError, match="1 of 2"):
        tournament(Judge(), [images[0], images[0]])
    with pytest.raises(InputError, match="0 comparisons an image"):
        tournament(Judge(), images, per_image=0)
    with pytest.raises(UnknownName, match="elo"):
        tournament(Judge(), images, model="elo")  # type: ignore[arg-type]
    one = ScriptedJudge(Judge().say, "one-eyed", Capabilities("given", max_images=1))
    with pytest.raises(JudgeError, match="one-eyed"):
        tournament(one, images)
    with pytest.raises(MissingAnswer, match="none of 1 comparisons was answered: no answer in"):
        tournament(ScriptedJudge(lambda question: None, "mute"), images)


@settings(max_examples=25)
@given(st.integers(2, 30), st.integers(1, 6), st.integers(0, 5))
def test_nobody_meets_twice_and_plays_once_a_round(n: int, rounds: int, seed: int) -> None:
    standing = np.random.default_rng(seed).normal(size=n)
    played: list[tuple[int, int]] = []
    for number in range(rounds):
        pairs = next_round(standing, played, number, str(seed))
        players = [player for pair in pairs for player in pair]
        assert len(set(players)) == len(players)
        played += pairs
    assert len({frozenset(pair) for pair in played}) == len(played)
    games = Counter(player for pair in played for player in pair)
    if rounds < n / 2:
        assert min(games[player] for player in range(n)) >= rounds - 2


def test_odd_rounds_pair_neighbours() -> None:
    standing = np.arange(50.0)
    pairs = next_round(standing, [], 1, "")
    assert max(abs(one - other) for one, other in pairs) == 1


@pytest.mark.slow
def test_intervals_hold_what_all_pairs_would_have_said() -> None:
    """Of nominal 95 %, over judges from weak votes to sharp probabilities with noise."""
    for gain, noise, votes, least in ((3, 1.0, False, 0.85), (1, 0.0, True, 0.85)):
        inside = []
        for seed in range(8):
            rng = np.random.default_rng(seed)
            quality = rng.normal(size=40)
            wobble = np.triu(rng.normal(size=(40, 40)) * noise, 1)
            chance = 1 / (1 + np.exp(-(gain * np.subtract.outer(quality, quality))
                                     - wobble + wobble.T))  # fmt: skip
            played: list[tuple[int, int]] = []
            verdicts: list[Verdict] = []
            for number in range(8):
                standing = np.zeros(40)
                if number:
                    so_far = final(40, played, verdicts)
                    standing[list(so_far.comparisons.items)] = so_far.scale.jod
                new = next_round(standing, played, number, str(seed))
                played += new
                p = [chance[pair] for pair in new]
                said = [float(rng.random() < one) for one in p] if votes else p
                verdicts += [Verdict(one, one, float(one), 1.0) for one in said]
            found = final(40, played, verdicts)
            true = 100 * (chance.sum(axis=1) - 0.5) / 39
            inside += ((found.low <= true) & (true <= found.high)).tolist()
        assert np.mean(inside) >= least
