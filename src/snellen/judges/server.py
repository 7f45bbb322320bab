"""A model behind an OpenAI-compatible server: `server:MODEL@http://HOST:PORT/v1`.

Nothing is believed of a server that was not seen (`server_probe`): which models it serves, how
many likely tokens it lists, whether it lists the very tokens that it is asked for
(`logprob_token_ids` of vLLM, with its /tokenize), whether it continues a last message that is the
model's own (`continue_final_message`), whether it tells the probability of its prompt
(`prompt_logprobs`) and whether it takes two images.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from snellen.errors import InputError, JudgeError, SnellenError, UnknownName
from snellen.judges import server_words as words
from snellen.judges.answer import Answer
from snellen.judges.protocol import Capabilities, unfit
from snellen.judges.question import Question
from snellen.judges.server_asking import Asking
from snellen.judges.server_probe import Honours, probe
from snellen.judges.server_wire import Wire


class ServerJudge:
    """Asks `concurrency` requests at a time, one a question and one more for every way of writing
    an option that is several tokens and likely enough to matter. Made by `load`.

    Missing answers: a request that failed after all its retries, a word of several tokens where the
    server tells nothing of its prompt, an image that cannot be read. The server resizes images
    where nobody sees it, so `shown` holds only the size that was sent (losslessly, as PNG).
    """

    def __init__(self, model: str, wire: Wire, honours: Honours, concurrency: int) -> None:
        self._model, self._wire, self._honours = model, wire, honours
        self._concurrency = concurrency
        self._ids: dict[str, list[int]] = {}
        readout = "listed" if honours.listed else f"top-{honours.top}"
        readout += ", whole words" * honours.whole
        self.name = f"server:{model}@{wire.url} ({readout})"
        self.can = Capabilities(
            readout="listed" if honours.listed else "top-k",
            max_images=honours.images,
            prefill=honours.prefill,
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
        """Option → its spellings that are read. Raises `JudgeError` for options that have none, and
        where the server has no tokenizer to ask."""
        if not self._honours.listed:
            raise JudgeError("the server shows no tokenizer, so how it spells options is not known")
        table = words.ways(question.options, self._token_ids, whole=self._honours.whole)
        return {option: tuple(ways.values()) for option, ways in table.items()}

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
            return Asking(
                self._wire, self._model, self._honours, self._token_ids, question
            ).answer()
        except SnellenError as error:
            return Answer.without(question.options, str(error))

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
