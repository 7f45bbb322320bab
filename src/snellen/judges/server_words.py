"""From the tokens that a server lists to the probability of every option.

An option is a word; a model may begin it with a space or a capital. Every way of writing it that is
one token counts. A server gives one place at a time, so a word of several tokens cannot be read
here: it is refused by name, never scored by its first piece.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from snellen.errors import JudgeError
from snellen.judges.answer import Answer, Shown

_SPACES = "Ġ▁ "  # as byte-level BPE and SentencePiece write the space before a word, and itself


def spellings(option: str) -> tuple[str, ...]:
    """The ways to write an option: as it is, lower case, first letter and all letters capital; each
    with and without a space before it."""
    cases = (option, option.lower(), option[:1].upper() + option[1:], option.upper())
    return tuple(dict.fromkeys(space + case for case in cases for space in ("", " ")))


def token_table(
    options: Sequence[str], token_ids: Callable[[str], Sequence[int]]
) -> dict[str, dict[int, str]]:
    """Option → the ids of the tokens that are read for it, each with its text.

    token_ids : the server's tokenizer. Raises `JudgeError` for an option that is no single token in
    any spelling, and for two options that share a token.
    """
    table: dict[str, dict[int, str]] = {}
    owner: dict[int, str] = {}
    for option in options:
        whole = [(text, token_ids(text)) for text in spellings(option)]
        table[option] = {ids[0]: text for text, ids in whole if len(ids) == 1}
        if not table[option]:
            raise JudgeError(
                f"option {option!r} is several tokens for this server's model",
                "Ask with words of one token, or use an hf: judge, which reads whole words.",
            )
        for token in table[option]:
            if token in owner:
                raise JudgeError(
                    f"options {owner[token]!r} and {option!r} are the same token for this model",
                    "Ask with other words.",
                )
            owner[token] = option
    return table


def from_listed(
    options: Sequence[str],
    table: Mapping[str, Mapping[int, str]],
    listed: Mapping[str, float],
    shown: Shown,
    notes: Sequence[str],
) -> Answer:
    """From a reply that lists exactly the wanted ids. Missing where one of them is not there."""
    logprobs = []
    for option in options:
        names = [f"token_id:{token}" for token in table[option]]
        if any(name not in listed for name in names):
            reason = f"the server did not list every token of option {option!r}"
            return Answer.without(options, reason, shown=shown, notes=notes)
        logprobs.append(log_sum([listed[name] for name in names]))
    return Answer.from_logprobs(options, logprobs, shown=shown, notes=notes)


def from_top(
    options: Sequence[str], listed: Mapping[str, float], shown: Shown, notes: Sequence[str]
) -> Answer:
    """From the likeliest tokens. An option that is not among them is known by a bound only: each of
    its spellings has at most what the last token listed has, and all at most what is left over.

    Missing where no option is listed, and where a piece of an unlisted option is: it is then most
    likely of several tokens.
    """

    def without(reason: str) -> Answer:
        return Answer.without(options, reason, shown=shown, notes=notes)

    if any(math.isnan(value) or value == math.inf for value in listed.values()):
        return without("the server gave a log-probability that is no number")
    words = {token: token.lstrip(_SPACES) for token in listed}
    found = {
        option: [value for token, value in listed.items() if words[token] in _cases(option)]
        for option in options
    }
    lacking = [option for option in options if not found[option]]
    if len(lacking) == len(options):
        return without(
            f"none of the options is among the {len(listed)} likeliest tokens that the server lists"
        )
    for option in lacking:
        pieces = [word for word in words.values() if word and _begins(option, word)]
        if pieces:
            return without(
                f"option {option!r} is not listed whole but {pieces[0]!r} is: it may be of several"
                " tokens, which this server cannot score. Ask with words of one token"
            )
    left = max(1 - math.fsum(math.exp(value) for value in listed.values()), 0.0)
    least = math.exp(min(listed.values()))
    logprobs = []
    for option in options:
        bound = min(left, least * len(spellings(option)))
        values = found[option] or [math.log(bound) if bound > 0 else -math.inf]
        logprobs.append(log_sum(values))
    return Answer.from_logprobs(options, logprobs, at_most=lacking, shown=shown, notes=notes)


def log_sum(values: Sequence[float]) -> float:
    """Logarithm of the sum of probabilities given as logarithms; NaN where one is NaN."""
    top = max(values)
    if any(math.isnan(value) for value in values):
        return math.nan
    if math.isinf(top):
        return top
    return top + math.log(math.fsum(math.exp(value - top) for value in values))


def _cases(option: str) -> frozenset[str]:
    return frozenset(spelling.lstrip(" ") for spelling in spellings(option))


def _begins(option: str, word: str) -> bool:
    return any(case != word and case.startswith(word) for case in _cases(option))
