"""Everything about a panel at once: what is there agrees with its parts, what is not says why."""

from __future__ import annotations

import numpy as np
import pytest
from panels import formula_votes, from_matrix, simulated

from snellen.stats.panel import describe_panel
from snellen.stats.subjects import fit_subjects
from snellen.stats.votes import collect_votes


def test_a_full_panel_has_every_part() -> None:
    votes = from_matrix(formula_votes())
    panel = describe_panel(votes, (-1, 7), condition=np.arange(40) // 8, content=np.arange(40) % 4)
    assert panel.notes == ("left out for want of a score: 36 rows",)
    assert panel.subjects is not None
    assert panel.subjects.quality == pytest.approx(fit_subjects(votes).quality)
    assert panel.sos is not None
    assert panel.sos.scale == (-1, 7)
    assert panel.p913 is not None
    assert panel.p913.r2 is not None
    parts = (panel.alpha_interval, panel.alpha_ordinal, panel.intraclass, panel.ambiguity)
    assert None not in parts
    assert panel.prior_votes == 0


def test_one_rater() -> None:
    panel = describe_panel(collect_votes(["a"] * 3, ["x", "y", "z"], [1, 3, 5]))
    assert panel.opinions.mos.tolist() == [1, 3, 5]
    assert np.isnan(panel.opinions.low).all()
    assert np.isnan(panel.srcc).all()
    assert panel.subjects is panel.bt500 is panel.p913 is panel.intraclass is panel.sos is None
    assert any("one rater" in note for note in panel.notes)
    assert any(note.startswith("no subject model: 1 raters") for note in panel.notes)


def test_constant_votes() -> None:
    panel = describe_panel(from_matrix(np.full((4, 4), 3.0)), scale=(1, 5))
    assert "every vote is 3" in panel.notes
    assert panel.alpha_interval is panel.subjects is None
    assert panel.opinions.low.tolist() == panel.opinions.high.tolist() == [3] * 4


def test_oddities_are_noted() -> None:
    scores, _, _ = simulated(3, items=12, raters=5)
    scores[3:, 4] = np.nan
    votes = from_matrix(scores)
    again = collect_votes([*votes.rater, 0], [*votes.item, 0], [*votes.score, 3.0])
    panel = describe_panel(again)
    assert panel.prior_votes == 5
    for words in ("repeated on the same item", "scale is taken", "1 rater gave fewer than 10"):
        assert any(words in note for note in panel.notes)


def test_p910_itself_is_there_when_asked_for() -> None:
    votes = from_matrix(formula_votes())
    panel = describe_panel(votes, variance="p910")
    assert panel.subjects is not None
    assert panel.subjects.variance == "p910"
    runaway = describe_panel(from_matrix(simulated(0, 100, 5)[0]), variance="p910")
    assert runaway.subjects is None
    assert any("fitted exactly" in note for note in runaway.notes)
