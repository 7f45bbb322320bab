"""Real logits of a real model, re-read: what was published must come out again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from snellen.judges import Answer
from snellen.scoring import make_method
from snellen.stats import plcc, srcc

LOGITS = Path(__file__).parents[3] / "shared" / "data" / "logits" / "qwen-vl_live-challenge.jsonl"


@pytest.mark.skipif(not LOGITS.exists(), reason="Q-Bench's logits are not here")
def test_two_words_reproduce_the_published_agreement_of_qwen_vl_on_live_challenge() -> None:
    rows = [json.loads(line) for line in LOGITS.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 1169
    stored = [
        Answer.from_logits(("good", "poor"), (row["logit_good"], row["logit_poor"])) for row in rows
    ]
    kept = [Answer.from_plain(json.loads(json.dumps(answer.plain()))) for answer in stored]
    method = make_method("two-words")
    scores = [method.score([answer]).value for answer in kept]
    mos = [row["mos"] for row in rows]
    assert round(srcc(scores, mos).value, 3) == 0.504  # Q-Bench, table of LIVE-C: .504/.532
    assert round(plcc(scores, mos).value, 3) == 0.532
    # Without the temperature the ranks stay and the linear relation goes.
    plain = [make_method("two-words", temperature=1).score([answer]).value for answer in kept]
    assert srcc(plain, mos).value == pytest.approx(srcc(scores, mos).value, abs=1e-12)
    assert plcc(plain, mos).value < 0.53
