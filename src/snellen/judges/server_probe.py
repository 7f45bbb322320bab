"""What a server really honours, tried on connect with a few short questions.

Fields that a server does not know are ignored without a word by most, so each is judged by what
comes back, never by what the server calls itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from snellen.errors import JudgeError
from snellen.judges.answer import MASS_TOLERANCE
from snellen.judges.image import ImagePart
from snellen.judges.probes import picture
from snellen.judges.server_messages import WHOLE_PROMPT, listing, messages, png_url
from snellen.judges.server_wire import RequestFailed, Wire

# For top_logprobs: llama.cpp lists as many as are asked for, OpenAI and vLLM by default 20.
_TRIED = (200, 20, 10, 5)
_PROBE = "Say one word."
_WORD = "well"
_REFUSED = range(400, 500)


@dataclass(frozen=True, slots=True)
class Honours:
    """What a server was seen to do.

    top     : tokens it lists at most of those asked for.
    listed  : it lists exactly the tokens that it is asked for by id.
    prefill : it continues a last message of the model's own.
    whole   : it gives the log-probability of every token of the prompt, a begun answer's too.
    images  : the most images it takes and looks at, as far as was seen; None where that was all of
              those tried (two).
    why     : label → what was seen, for people.
    """

    top: int
    listed: bool
    prefill: bool
    whole: bool
    images: int | None
    why: Mapping[str, str]


def probe(wire: Wire, model: str) -> Honours:
    """Ask the server a few short questions and see what it honours.

    Raises `JudgeError` where it gives no log-probabilities, or such as are none.
    """
    plain, _ = messages(_PROBE, "")
    base = {"model": model, "messages": plain}
    top, prompt = _top(wire, base)
    listed, why_listed = _listed(wire, base, top)
    prefill, why_prefill = _prefill(wire, model, top, prompt)
    whole, why_whole = _whole(wire, model, top) if listed else (False, "not tried")
    images, why_images = _images(wire, model, top)
    why = {
        "top tokens": f"the server lists {top} of the likeliest tokens",
        "listed tokens": why_listed,
        "whole words": why_whole,
        "pre-fill": why_prefill,
        "images": why_images,
    }
    return Honours(top, listed, prefill, whole, images, why)


def _top(wire: Wire, base: Mapping[str, Any]) -> tuple[int, int | None]:
    """How many tokens are listed, and how many the plain prompt has."""
    for asked in _TRIED:
        try:
            reply = wire.complete({**base, "top_logprobs": asked}, {})
        except RequestFailed as error:
            if error.status not in (400, 422) or asked == _TRIED[-1]:
                raise
            continue
        break
    if not reply.tokens:
        raise JudgeError(
            f"{wire.url} gives no log-probabilities: it ignores `logprobs`, as `transformers serve`"
            " does",
            "Use a server that gives them (vLLM, llama.cpp), or run the model here as hf:MODEL.",
        )
    total = math.fsum(math.exp(min(value, 1.0)) for value in reply.tokens.values())
    if not total <= 1 + MASS_TOLERANCE:  # also where it is NaN
        raise JudgeError(
            f"{wire.url} gives log-probabilities that add up to {total:.4g} as probabilities",
            "Its numbers cannot be used; see the server's log.",
        )
    return reply.listed, reply.prompt


def _listed(wire: Wire, base: Mapping[str, Any], top: int) -> tuple[bool, str]:
    """Whether exactly the tokens that are asked for come back."""
    try:
        ids = wire.token_ids(str(base["model"]), "Say one word, or say nothing at all.")[:5]
        ids = list(dict.fromkeys(ids))
        reply = wire.complete({**base, "top_logprobs": top}, listing(ids))
    except RequestFailed as error:
        return False, f"not by id ({error.what}): options are read from the likeliest tokens"
    wanted = {f"token_id:{token}" for token in ids}
    if ids and wanted <= set(reply.tokens):
        return True, "the server lists the tokens that it is asked for, so every option is exact"
    return False, "the server ignores the ids it is asked for: options are read from the likeliest"


def _prefill(wire: Wire, model: str, top: int, plain: int | None) -> tuple[bool, str]:
    """Whether the model goes on where a pre-fill ends, told by the length of the prompt.

    A server that closes the message and opens another one also answers otherwise than without a
    pre-fill; but its prompt grows by the template's tokens, not by the words alone. With one word
    it grows by `first`, with two by `second`: `first` = overhead + a word.
    """
    counts = [plain]
    try:
        for text in (_WORD, f"{_WORD} {_WORD}"):
            said, extra = messages(_PROBE, text)
            body = {"model": model, "messages": said, "top_logprobs": top}
            counts.append(wire.complete(body, extra).prompt)
    except RequestFailed as error:
        return False, f"refused: {error.what}"
    without, one, two = counts
    if without is None or one is None or two is None:
        return False, "it cannot be told, as the server does not count the prompt's tokens"
    first, second = one - without, two - without
    word = second - first
    if word < 1:
        return False, "ignored: the prompt does not grow with it"
    if first - word > 1:
        return False, f"not continued: it is closed by {first - word} more tokens than its words"
    return True, "continued: the prompt grows by its words alone"


def _whole(wire: Wire, model: str, top: int) -> tuple[bool, str]:
    """Whether the tokens of a begun answer come back behind those of the plain prompt."""
    replies = []
    try:
        for begun in ("", _WORD):
            said, extra = messages(_PROBE, begun)
            body = {"model": model, "messages": said, "top_logprobs": top}
            replies.append(wire.complete(body, {**extra, **WHOLE_PROMPT}))
    except RequestFailed as error:
        return False, f"words of several tokens are refused: {error.what}"
    plain, longer = ([token for token, _ in reply.whole] for reply in replies)
    if plain and len(longer) > len(plain) and longer[: len(plain)] == plain:
        return True, "words of several tokens are scored as a whole"
    return False, "words of several tokens are refused: the server tells nothing of its prompt"


def _images(wire: Wire, model: str, top: int) -> tuple[int | None, str]:
    """How many images the server takes and looks at: two are tried, as the methods need, then one.

    A server without eyes for its model drops images without a word (llama-cpp-python's does), so
    each of them is changed, and what is said must change with it.
    """
    limit: int | None = None
    why = "two in a question are taken and looked at"
    for count in (2, 1):
        plain = (1,) * count
        changed = [(*plain[:place], 2, *plain[place + 1 :]) for place in range(count)]
        try:
            said, *others = (_shown(wire, model, top, seeds) for seeds in (plain, *changed))
        except RequestFailed as error:
            if error.status not in _REFUSED:
                return limit, f"not known: {error.what}"
            limit, why = count - 1, f"{count} in a question refused: {error.what}"
            continue
        looked = sum(other != said for other in others)
        if looked < count:
            limit = looked
            why = (
                f"of {count} in a question {looked or 'none'} is looked at: what is not is ignored"
            )
        break
    return limit, why


def _shown(wire: Wire, model: str, top: int, seeds: Sequence[int]) -> Mapping[str, float]:
    """What is likely to be said of these pictures."""
    urls = [png_url(ImagePart(picture(seed)))[0] for seed in seeds]
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    said, _ = messages([*parts, {"type": "text", "text": _PROBE}], "")
    return wire.complete({"model": model, "messages": said, "top_logprobs": top}, {}).tokens
