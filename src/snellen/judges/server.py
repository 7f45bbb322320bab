"""A model behind an OpenAI-compatible server: `server:MODEL@http://HOST:PORT/v1`.

Nothing is believed of a server that was not seen: on connect it is asked which models it serves,
how many likely tokens it lists, whether it lists the very tokens that it is asked for
(`logprob_token_ids` of vLLM, with its /tokenize) and whether it continues a last message that is
the model's own (`continue_final_message`). Fields that a server does not know are ignored without a
word by most, so each is judged by what comes back.
"""

from __future__ import annotations

import base64
import io
import math
import os
import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from PIL import Image

from snellen.errors import InputError, JudgeError, SnellenError, UnknownName
from snellen.judges import server_words as words
from snellen.judges.answer import MASS_TOLERANCE, Answer, Shown, ShownImage
from snellen.judges.image import ImagePart
from snellen.judges.protocol import Capabilities, unfit
from snellen.judges.question import Question
from snellen.judges.server_wire import RequestFailed, Wire

_MOST_LISTED = 128  # ids that vLLM takes in `logprob_token_ids`
_TRIED = (20, 10, 5)  # for top_logprobs: 20 is the limit of OpenAI and vLLM's default
_PROBE = "Say one word."
_WORD = "well"


@dataclass(frozen=True, slots=True)
class Honours:
    """What a server was seen to do.

    top     : tokens it lists at most of those asked for.
    listed  : it lists exactly the tokens that it is asked for by id.
    prefill : it continues a last message of the model's own.
    why     : label → what was seen, for people.
    """

    top: int
    listed: bool
    prefill: bool
    why: Mapping[str, str]


class ServerJudge:
    """Asks one request a question, `concurrency` at a time. Made by `load`.

    Missing answers: a request that failed after all its retries, a word of several tokens, an image
    that cannot be read. The server resizes images where nobody sees it, so `shown` holds only the
    size that was sent (losslessly, as PNG).
    """

    def __init__(self, model: str, wire: Wire, honours: Honours, concurrency: int) -> None:
        self._model, self._wire, self._honours = model, wire, honours
        self._concurrency = concurrency
        self._ids: dict[str, list[int]] = {}
        readout = "listed" if honours.listed else f"top-{honours.top}"
        self.name = f"server:{model}@{wire.url} ({readout})"
        self.can = Capabilities(
            readout="listed" if honours.listed else "top-k", prefill=honours.prefill
        )

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """One answer for each question, in their order."""
        if not questions:
            return []
        start = time.perf_counter()
        with ThreadPoolExecutor(min(self._concurrency, len(questions))) as pool:
            answers = list(pool.map(self._one, questions))
        self._wire.cost.took(time.perf_counter() - start)
        return answers

    def spell(self, question: Question) -> dict[str, tuple[str, ...]]:
        """Option → its spellings that are one token. Raises `JudgeError` for options that are not,
        and where the server has no tokenizer to ask."""
        if not self._honours.listed:
            raise JudgeError("the server shows no tokenizer, so how it spells options is not known")
        table = words.token_table(question.options, self._token_ids)
        return {option: tuple(tokens.values()) for option, tokens in table.items()}

    def describe(self) -> Mapping[str, str]:
        """What the server was seen to honour, and what was spent since."""
        return {**self._honours.why, "cost": str(self._wire.cost)}

    def close(self) -> None:
        """Close the connections to the server."""
        self._wire.close()

    def _one(self, question: Question) -> Answer:
        why = unfit(question, self.can)
        if why:
            return Answer.without(question.options, why)
        try:
            return self._asked(question)
        except SnellenError as error:
            return Answer.without(question.options, str(error))

    def _asked(self, question: Question) -> Answer:
        options = question.options
        table: dict[str, dict[int, str]] = {}
        if self._honours.listed:
            table = words.token_table(options, self._token_ids)
            ids = [token for tokens in table.values() for token in tokens]
            if len(ids) > _MOST_LISTED:
                raise JudgeError(
                    f"{len(options)} options are {len(ids)} tokens and a server lists at most"
                    f" {_MOST_LISTED}",
                    "Ask with fewer options.",
                )
        content, images = _content(question)
        messages, extra = _messages(content, question.prefill)
        if table:
            extra.update(_listing(ids))
        body = {"model": self._model, "messages": messages, "top_logprobs": self._honours.top}
        reply = self._wire.complete(body, extra)
        shown = Shown(images, reply.prompt, "the server's own")
        notes = [f"the request was sent {reply.tries} times"] if reply.tries > 1 else []
        if not reply.tokens:
            reason = "the server's reply holds no log-probabilities"
            return Answer.without(options, reason, shown=shown, notes=notes)
        if table:
            return words.from_listed(options, table, reply.tokens, shown, notes)
        return words.from_top(options, reply.tokens, shown, notes)

    def _token_ids(self, text: str) -> list[int]:
        """Asked of the server once a text; two threads that ask at once get the same."""
        if text not in self._ids:
            self._ids[text] = self._wire.token_ids(self._model, text)
        return self._ids[text]


def load(
    address: str,
    *,
    api_key: str | None = None,
    concurrency: int = 8,
    timeout: float = 120.0,
    retries: int = 4,
    backoff: float = 0.5,
) -> ServerJudge:
    """The judge of `server:ADDRESS`.

    address     : MODEL@URL, the URL up to and with /v1.
    api_key     : without one, the environment's OPENAI_API_KEY; many local servers want none.
    concurrency : requests under way at the same time.
    timeout     : seconds for one try; retries, backoff: see `server_wire.Wire`.
    Raises `InputError` for another form, `UnknownName` for a model that is not served, `JudgeError`
    where the server cannot be reached or gives no log-probabilities.
    """
    model, url = split_address("server", address)
    if concurrency < 1 or retries < 0 or timeout <= 0 or backoff < 0:
        raise InputError(
            f"concurrency={concurrency}, retries={retries}, timeout={timeout}, backoff={backoff}",
            "Give at least one request at a time, no negative numbers, and some time.",
        )
    key = api_key or os.environ.get("OPENAI_API_KEY") or "none"
    wire = Wire(url, api_key=key, timeout=timeout, retries=retries, backoff=backoff)
    try:
        served = wire.models()
        if served and model not in served:
            raise UnknownName("model of this server", model, served)
        return ServerJudge(model, wire, probe(wire, model), concurrency)
    except BaseException:
        wire.close()
        raise


def split_address(scheme: str, address: str) -> tuple[str, str]:
    """(model, URL without a slash at its end) of MODEL@URL. Raises `InputError`."""
    parts = re.fullmatch(r"(.+?)@(https?://[^\s/]\S*)", address)
    if parts is None:
        raise InputError(
            f"{scheme}:{address} is not MODEL@URL",
            f"Write {scheme}:MODEL@http://HOST:PORT/v1.",
        )
    return parts[1], parts[2].rstrip("/")


def probe(wire: Wire, model: str) -> Honours:
    """Ask the server a few short questions without images, and see what it honours.

    Raises `JudgeError` where it gives no log-probabilities, or such as are none.
    """
    plain, _ = _messages(_PROBE, "")
    base = {"model": model, "messages": plain}
    top, prompt = _probe_top(wire, base)
    listed, why_listed = _probe_listed(wire, base, top)
    prefill, why_prefill = _probe_prefill(wire, model, top, prompt)
    why = {
        "top tokens": f"the server lists {top} of the likeliest tokens",
        "listed tokens": why_listed,
        "pre-fill": why_prefill,
    }
    return Honours(top, listed, prefill, why)


def _probe_top(wire: Wire, base: Mapping[str, Any]) -> tuple[int, int | None]:
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
    return len(reply.tokens), reply.prompt


def _probe_listed(wire: Wire, base: Mapping[str, Any], top: int) -> tuple[bool, str]:
    """Whether exactly the tokens that are asked for come back."""
    try:
        ids = wire.token_ids(str(base["model"]), "Say one word, or say nothing at all.")[:5]
        ids = list(dict.fromkeys(ids))
        reply = wire.complete({**base, "top_logprobs": top}, _listing(ids))
    except RequestFailed as error:
        return False, f"not by id ({error.what}): options are read from the likeliest tokens"
    wanted = {f"token_id:{token}" for token in ids}
    if ids and wanted <= set(reply.tokens):
        return True, "the server lists the tokens that it is asked for, so every option is exact"
    return False, "the server ignores the ids it is asked for: options are read from the likeliest"


def _probe_prefill(wire: Wire, model: str, top: int, plain: int | None) -> tuple[bool, str]:
    """Whether the model goes on where a pre-fill ends, told by the length of the prompt.

    A server that closes the message and opens another one also answers otherwise than without a
    pre-fill; but its prompt grows by the template's tokens, not by the words alone. With one word
    it grows by `first`, with two by `second`: `first` = overhead + a word.
    """
    counts = [plain]
    try:
        for text in (_WORD, f"{_WORD} {_WORD}"):
            messages, extra = _messages(_PROBE, text)
            body = {"model": model, "messages": messages, "top_logprobs": top}
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


def _listing(ids: Sequence[int]) -> dict[str, Any]:
    """vLLM's fields that ask for the log-probabilities of these tokens, named by id."""
    return {"logprob_token_ids": list(ids), "return_tokens_as_token_ids": True}


def _messages(content: object, prefill: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The messages, and the fields that make the last one be continued. A space at the end of a
    pre-fill is left out: it belongs to the token of the word that follows."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
    if not prefill.rstrip():
        return messages, {}
    messages.append({"role": "assistant", "content": prefill.rstrip()})
    return messages, {"continue_final_message": True, "add_generation_prompt": False}


def _content(question: Question) -> tuple[list[dict[str, Any]], tuple[ShownImage, ...]]:
    """The parts of the user's message in order, and the images as they are sent."""
    content: list[dict[str, Any]] = []
    images: list[ShownImage] = []
    for part in question.parts:
        if isinstance(part, str):
            content.append({"type": "text", "text": part})
            continue
        url, width, height = png_url(part)
        content.append({"type": "image_url", "image_url": {"url": url}})
        images.append(ShownImage(part.hash, width, height))
    return content, tuple(images)


def png_url(part: ImagePart) -> tuple[str, int, int]:
    """An image as a data URL (PNG, so that no loss is added), its width and its height."""
    pixels = part.pixels()
    height, width, _ = pixels.shape
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode(), width, height
