"""One request to an OpenAI-compatible server: sent again where that may help, read with distrust.

The client of `openai` carries the bytes; repeating is done here, so that it can be counted and
told. What comes back is checked field by field: servers drop fields, cut bodies and give null.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openai import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    OpenAI,
    OpenAIError,
)

from snellen.errors import JudgeError
from snellen.judges.server_words import log_sum

# vLLM writes −inf as −9999.0, as JSON has no infinities.
_NOTHING = -9999.0
_NEWER = "max_completion_tokens"
_LONGEST_WAIT = 30.0  # seconds between two tries, whatever the server asks for. Ours.


class RequestFailed(JudgeError):
    """A request got no usable reply; `status` is that of HTTP, None where none came."""

    tries = 1  # how often it was sent

    def __init__(self, what: str, fix: str = "", status: int | None = None) -> None:
        super().__init__(what, fix)
        self.status = status


@dataclass(frozen=True, slots=True)
class Reply:
    """What one request for one token brought.

    tokens : token as text, or "token_id:N" where ids were asked for, → natural logarithm of its
             probability; −inf and NaN as given. Empty where the server sent none.
    prompt : tokens of the prompt; None where the server does not count them.
    tries  : requests that it took.
    listed : places in the server's list, which may name different tokens alike.
    whole  : id and log-probability of every token of the prompt, where it was asked for and given;
             of the first, which follows nothing, (None, 0).
    """

    tokens: Mapping[str, float]
    prompt: int | None
    tries: int
    listed: int = 0
    whole: tuple[tuple[int | None, float], ...] = ()


@dataclass
class Cost:
    """What was spent since the judge was loaded; safe to add to from several threads."""

    requests: int = 0
    repeated: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, *, tries: int, prompt: int | None, failed: bool = False) -> None:
        with self._lock:
            self.requests += tries
            self.repeated += tries - 1
            self.failed += failed
            self.prompt_tokens += prompt or 0

    def took(self, seconds: float) -> None:
        with self._lock:
            self.seconds += seconds

    def __str__(self) -> str:
        rate = f", {self.requests / self.seconds:.3g} requests a second" if self.seconds else ""
        return (
            f"{self.requests:,} requests ({self.repeated:,} of them repeats, {self.failed:,}"
            f" failed for good), {self.prompt_tokens:,} prompt tokens in {self.seconds:.1f} s{rate}"
        )


class Wire:
    """Sends requests to one server.

    url     : up to and with /v1.
    retries : how often a request is sent again after 408, 429, 5xx, a lost connection or a body
              that is cut; the wait doubles each time from `backoff` seconds, or is what the
              server's Retry-After asks for.
    timeout : seconds that one try may take.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str,
        timeout: float,
        retries: int,
        backoff: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url
        self.cost = Cost()
        self._retries, self._backoff, self._sleep = retries, backoff, sleep
        self._client = OpenAI(base_url=url, api_key=api_key, timeout=timeout, max_retries=0)
        self._one_token = "max_tokens"

    def models(self) -> list[str] | None:
        """Names of the models that are served; None where the server does not say.

        Raises `RequestFailed` where no server answers, or it wants another key.
        """
        try:
            reply, _ = self._repeat(lambda: self._client.models.with_raw_response.list().text)
        except RequestFailed as error:
            if error.status in (404, 405, 501):
                return None
            raise
        listed = reply.get("data")
        if not isinstance(listed, list):
            return None
        return [str(one["id"]) for one in listed if isinstance(one, dict) and "id" in one]

    def complete(self, body: Mapping[str, Any], extra: Mapping[str, Any]) -> Reply:
        """Ask for one token with its alternatives. Raises `RequestFailed`.

        body  : model, messages, top_logprobs; extra : fields that OpenAI's own servers lack.
        """
        create = self._client.chat.completions.with_raw_response.create

        def send() -> str:
            fixed: dict[str, Any] = {self._one_token: 1, "temperature": 0, "logprobs": True}
            return create(**fixed, **body, extra_body=dict(extra)).text

        try:
            reply, tries = self._repeat(send)
        except RequestFailed as error:
            # OpenAI's newer models know the limit by another name, and say so.
            renamed = error.status == 400 and _NEWER in error.what
            if self._one_token == _NEWER or not renamed:
                self.cost.add(tries=error.tries, prompt=None, failed=True)
                raise
            self.cost.add(tries=error.tries, prompt=None)
            self._one_token = _NEWER
            return self.complete(body, extra)
        usage = reply.get("usage")
        prompt = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        prompt = prompt if isinstance(prompt, int) else None
        self.cost.add(tries=tries, prompt=prompt)
        pairs = _pairs(reply)
        return Reply(_tokens(pairs), prompt, tries, len(pairs), _whole(reply))

    def post(self, path: str, body: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
        """The JSON object that a route of `url` replies with, and the tries. Raises
        `RequestFailed`."""

        def send() -> str:
            return json.dumps(self._client.post(path, cast_to=object, body=dict(body)))

        try:
            reply, tries = self._repeat(send)
        except RequestFailed as error:
            self.cost.add(tries=error.tries, prompt=None, failed=True)
            raise
        usage = reply.get("usage")
        tokens = usage.get("input_tokens") if isinstance(usage, dict) else None
        self.cost.add(tries=tries, prompt=tokens if isinstance(tokens, int) else None)
        return reply, tries

    def token_ids(self, model: str, text: str) -> list[int]:
        """The ids of the tokens of a text, by vLLM's /tokenize. Raises `RequestFailed`."""
        url = self.url.removesuffix("/v1") + "/tokenize"
        body = {"model": model, "prompt": text, "add_special_tokens": False}

        def send() -> str:
            return json.dumps(self._client.post(url, cast_to=object, body=body))

        reply, _ = self._repeat(send)
        ids = reply.get("tokens")
        if not isinstance(ids, list) or not all(isinstance(one, int) for one in ids):
            raise RequestFailed(f"{url} gave no list of token ids")
        return ids

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _repeat(self, send: Callable[[], str]) -> tuple[dict[str, Any], int]:
        """The JSON object that a request brings, and how many tries it took."""
        failure: RequestFailed
        attempt = 0
        for attempt in range(self._retries + 1):
            wait: float | None = None
            try:
                return _object(send()), attempt + 1
            except APIStatusError as error:
                failure = self._refused(error)
                if error.status_code not in (408, 429) and error.status_code < 500:
                    break
                wait = _retry_after(error)
            except APITimeoutError:
                failure = RequestFailed(
                    f"{self.url} did not reply in time", "Raise timeout=, or lower concurrency=."
                )
            except APIConnectionError as error:
                why = error.__cause__ or error
                failure = RequestFailed(
                    f"{self.url} cannot be reached, or dropped the connection ({why})",
                    "Check that the server runs and the address is right.",
                )
            except (ValueError, OpenAIError) as error:  # ValueError: no JSON, or cut short
                failure = RequestFailed(
                    f"{self.url} sent a reply that cannot be read ({error})",
                    "See the server's log.",
                )
            if attempt < self._retries:
                pause = self._backoff * 2**attempt if wait is None else wait
                self._sleep(min(pause, _LONGEST_WAIT))
        failure.tries = attempt + 1
        raise failure

    def _refused(self, error: APIStatusError) -> RequestFailed:
        status = error.status_code
        what = f"{self.url} refused a request with status {status}: {_first_line(error.message)}"
        fix = ""
        if isinstance(error, AuthenticationError):
            fix = "Set OPENAI_API_KEY, or give api_key=."
        elif status == 429:
            fix = "Lower concurrency=, or wait."
        return RequestFailed(what, fix, status)


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"{type(value).__name__} instead of an object")
    return value


def _pairs(reply: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Tokens with their log-probabilities at the first place of the first choice; empty where none
    came. What is no number becomes NaN, which no reader takes for a probability.

    The same token listed twice (as the one drawn and among the likeliest) counts once.
    """
    try:
        entries = reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        pairs = [(str(one["token"]), _number(one["logprob"])) for one in entries]
    except (KeyError, IndexError, TypeError):
        return []
    return list(dict.fromkeys(pairs))


def _tokens(pairs: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Token → log-probability. Tokens that are written alike (pieces of a character are, as no
    text shows them) hold what they have together."""
    named: dict[str, list[float]] = {}
    for token, value in pairs:
        named.setdefault(token, []).append(value)
    return {token: log_sum(values) for token, values in named.items()}


def _whole(reply: Mapping[str, Any]) -> tuple[tuple[int | None, float], ...]:
    """Every token of the prompt with its log-probability, as vLLM gives them; empty where one place
    holds anything but one token."""
    try:
        found: list[tuple[int | None, float]] = []
        for place in reply["prompt_logprobs"]:
            if place is None and not found:
                found.append((None, 0.0))
                continue
            [(token, one)] = place.items()
            found.append((int(token), _number(one["logprob"])))
    except (KeyError, TypeError, ValueError, AttributeError):
        return ()
    return tuple(found)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return math.nan
    return -math.inf if value <= _NOTHING else float(value)


def _retry_after(error: APIStatusError) -> float | None:
    """Seconds that the server asks to wait; None where it does not say, or gives a date."""
    try:
        seconds = float(error.response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < math.inf else None


def _first_line(text: str) -> str:
    line = next(iter(text.splitlines()), "")
    return line if len(line) <= 200 else line[:199] + "…"
