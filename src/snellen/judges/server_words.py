"""From the tokens that a server lists to the probability of every option.

An option is a word; a model may begin it with a space or a capital. A way of writing it that is
one token is read where the answer begins. One of several tokens is read as a whole from a prompt
that ends with it, where a server tells the probability of its prompt; elsewhere it does not count,
and an option with no other way is refused by name, never scored by its first piece.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence

from snellen.errors import JudgeError
from snellen.judges.answer import Answer, Shown
from snellen.judges.transformers_options import Tokens

_NEGLIGIBLE = 1e-5
_SPACES = "Ġ▁ "  # as byte-level BPE and SentencePiece write the space before a word, and itself


def spellings(option: str) -> tuple[str, ...]:
    """The ways to write an option: as it is, lower case, first letter and all letters capital; each
    with and without a space before it."""
    cases = (option, option.lower(), option[:1].upper() + option[1:], option.upper())
    return tuple(dict.fromkeys(space + case for case in cases for space in ("", " ")))


def ways(
    options: Sequence[str], token_ids: Callable[[str], Sequence[int]], *, whole: bool
) -> dict[str, dict[Tokens, str]]:
    """Option → the token sequences that say it, each with its text.

    token_ids : the server's tokenizer.
    whole     : sequences of several tokens can be read too.
    Raises `JudgeError` for an option that has no way which can be read, and for two options that
    share one.
    """
    table: dict[str, dict[Tokens, str]] = {}
    for option in options:
        spelled = {tuple(token_ids(text)): text for text in spellings(option)}
        table[option] = {ids: text for ids, text in spelled.items() if len(ids) == 1 or whole}
        if not table[option]:
            raise JudgeError(
                f"option {option!r} is several tokens for this server's model",
                "Ask with words of one token, or use an hf: judge, which reads whole words.",
            )
    check_apart(table)
    return table


def check_apart(table: Mapping[str, Collection[Tokens]]) -> None:
    """Raise `JudgeError` for an option that has no token sequence, and for two that share one."""
    owner: dict[Tokens, str] = {}
    for option, spelled in table.items():
        if not spelled:
            raise JudgeError(
                f"the server's tokenizer cannot write option {option!r} after this prompt",
                "Use another word, or another pre-fill.",
            )
        for way in spelled:
            if owner.setdefault(way, option) != option:
                raise JudgeError(
                    f"options {owner[way]!r} and {option!r} are the same tokens for this model",
                    "Ask with other words.",
                )


def worth_reading(
    table: Mapping[str, Mapping[Tokens, str]], listed: Mapping[int, float]
) -> dict[str, dict[Tokens, str]]:
    """Option → those of its ways of several tokens that can matter, each with its text.

    listed : id of every way's first token → its log-probability.
    A way is no likelier than its first token. Where that holds less than a hundred-thousandth
    (ours) of what the option's likeliest way of one token does, a request would buy nothing.
    """
    found: dict[str, dict[Tokens, str]] = {}
    for option, spelled in table.items():
        short = [listed[way[0]] for way in spelled if len(way) == 1]
        floor = max(short) + math.log(_NEGLIGIBLE) if short else -math.inf
        found[option] = {
            way: text
            for way, text in spelled.items()
            if len(way) > 1 and -math.inf < listed[way[0]] >= floor
        }
    return found


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
