"""From options, which are words, to the token sequences that a model says them with.

An option is said with or without a space before it and in several capitals; each way may take
several tokens. What is read is the probability that the model's text begins with one of these
sequences. Where one sequence goes on another ("1" and "10", "a" and "a b"), a text counts for the
longest that it begins with, so that options exclude each other (ours).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from snellen.errors import JudgeError

Tokens: TypeAlias = tuple[int, ...]


def spell(tokenizer: Any, prompt: str, options: Sequence[str]) -> dict[str, tuple[Tokens, ...]]:
    """Option → the token sequences that say it after `prompt`, which ends without a space.

    A sequence is the tokenizer's own for prompt and word together, less the prompt's; a way of
    writing that melts into the prompt's last token, or that needs the unknown token, is left out.
    Raises `JudgeError` for an option with no way left, and for two that share a sequence.
    """
    base = _ids(tokenizer, prompt)
    found: dict[str, tuple[Tokens, ...]] = {}
    owner: dict[Tokens, str] = {}
    for option in options:
        ways: dict[Tokens, None] = {}
        for written in _written(option):
            ids = _ids(tokenizer, prompt + written)
            rest = ids[len(base) :]
            if ids[: len(base)] == base and rest and tokenizer.unk_token_id not in rest:
                ways[rest] = None
        if not ways:
            raise JudgeError(
                f"the model's tokenizer cannot write option {option!r} after this prompt",
                "Use another word, or another pre-fill.",
            )
        for way in ways:
            if owner.setdefault(way, option) != option:
                raise JudgeError(
                    f"options {owner[way]!r} and {option!r} are the same tokens for this model",
                    "Use other words.",
                )
        found[option] = tuple(ways)
    return found


def as_text(tokenizer: Any, spelled: Mapping[str, Sequence[Tokens]]) -> dict[str, tuple[str, ...]]:
    """Option → its ways of being said, for people: tokens parted by "|"."""
    return {
        option: tuple("|".join(tokenizer.decode([token]) for token in way) for way in ways)
        for option, ways in spelled.items()
    }


def option_logprobs(
    spelled: Mapping[str, Sequence[Tokens]], logprobs: Mapping[Tokens, float]
) -> list[float]:
    """Log-probability of each option, in order, from those of all its sequences.

    logprobs : sequence → natural logarithm of the probability that the text begins with it.
    From each sequence the probability of the nearest longer ones is taken off; then an option's
    sequences exclude each other and add up. NaN stays NaN.
    """
    every = [way for ways in spelled.values() for way in ways]
    alone = {way: _without_longer(way, every, logprobs) for way in every}
    totals = [math.fsum(alone[way] for way in ways) for ways in spelled.values()]
    return [math.log(total) if total != 0 else -math.inf for total in totals]


def longest(sequences: Iterable[Tokens]) -> list[Tokens]:
    """The sequences that no other one goes on: reading these reads all."""
    every = set(sequences)
    return [one for one in sorted(every) if not any(_goes_on(other, one) for other in every)]


def _without_longer(
    way: Tokens, every: Sequence[Tokens], logprobs: Mapping[Tokens, float]
) -> float:
    longer = [other for other in every if _goes_on(other, way)]
    nearest = [one for one in longer if not any(_goes_on(one, other) for other in longer)]
    left = math.exp(logprobs[way]) - math.fsum(math.exp(logprobs[one]) for one in nearest)
    return left if math.isnan(left) else max(left, 0.0)  # rounding may leave −1e-17


def _goes_on(longer: Tokens, shorter: Tokens) -> bool:
    return len(longer) > len(shorter) and longer[: len(shorter)] == shorter


def _written(option: str) -> list[str]:
    """As given, small, with a capital, all capitals; each with and without a space before."""
    cases = (option, option.lower(), option[0].upper() + option[1:], option.upper())
    return [space + case for case in dict.fromkeys(cases) for space in (" ", "")]


def _ids(tokenizer: Any, text: str) -> Tokens:
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])
