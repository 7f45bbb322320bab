"""Questions of the audit: orders, letters, and reading them back."""

from __future__ import annotations

import re

import numpy as np
import pytest
from audit_planted import photo

from snellen.audit import questions as q
from snellen.errors import MissingAnswer
from snellen.judges import Answer, ImagePart

IMAGE = ImagePart(photo(0))
ORDER = q.order_of(IMAGE.hash)


def test_orders_come_from_the_content_and_differ() -> None:
    assert q.order_of(IMAGE.hash) == ORDER
    assert sorted(ORDER) == list(range(8))
    orders = {q.order_of(ImagePart(photo(seed)).hash) for seed in range(8)}
    assert len(orders) == 8
    assert q.order_of(IMAGE.hash, 1) != ORDER


def test_every_place_is_taken_by_every_label_about_equally() -> None:
    first = [q.order_of(f"picture {number}")[0] for number in range(1600)]
    counts = np.bincount(first, minlength=8)
    assert counts.min() > 150


@pytest.mark.parametrize("wording", [*q.TAUGHT, *q.UNSEEN], ids=lambda wording: wording.name)
def test_naming_lists_the_options_as_it_orders_them(wording: q.Wording) -> None:
    asked = q.naming(IMAGE, wording, order=ORDER)
    words = [q.LABELS[place] for place in ORDER]
    assert asked.options == tuple(words)
    found = re.findall("|".join(q.LABELS), asked.text)
    assert found[-8:] == words
    assert asked.prefill == wording.prefill
    assert q.naming(IMAGE, wording, order=ORDER, prefill=False).prefill == ""


def test_wordings_kept_from_tuning_are_none_of_the_taught() -> None:
    assert not {one.text for one in q.TAUGHT} & {one.text for one in q.UNSEEN}
    assert all(one.prefill for one in q.TAUGHT)  # what is learnt is one word after a pre-fill


def test_letters_stand_for_the_labels_in_their_order() -> None:
    asked = q.naming_by_letter(IMAGE, order=ORDER)
    listed = dict(re.findall(r"([A-H])\. (\w+)", asked.text))
    assert [listed[letter] for letter in asked.options] == [q.LABELS[place] for place in ORDER]


def test_answers_come_back_in_the_order_of_the_labels() -> None:
    p = [0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05]
    answer = Answer.from_probabilities([q.LABELS[place] for place in ORDER], p)
    found = q.by_label(answer, ORDER)
    assert found[ORDER[0]] == pytest.approx(0.3)
    assert found.sum() == pytest.approx(1)
    with pytest.raises(MissingAnswer):
        q.by_label(Answer.without(q.LABELS, "asleep"), ORDER)


def test_ratings_run_from_bad_to_excellent() -> None:
    asked = q.rating(IMAGE, q.RATINGS[0])
    assert asked.options[0] == "bad"
    assert asked.weights[-1] == 1
