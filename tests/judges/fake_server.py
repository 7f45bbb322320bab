"""A small OpenAI-compatible server on 127.0.0.1 with a deterministic model of probabilities.

Which model answers is one thing (`Model`: a table here, a checkpoint in `checkpoint_model.py`),
whose manners the server has another (`Traits`).
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from PIL import Image

_CAPITALIZED = "Good Poor Bad Fair Excellent Blur Noise A B Yes No Say"
_LOWER = "compression well one word or nothing at all green blue the image is"
WORDS = f"{_CAPITALIZED} {_CAPITALIZED.lower()} {_LOWER}".split()
LETTERS = [*"abcdefghijklmnopqrstuvwxyz", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ", " "]
VOCABULARY = tuple(
    dict.fromkeys((*WORDS, *(f" {w}" for w in WORDS), "first", "last", *".,!?", *LETTERS))
)
IDS = {token: 100 + place for place, token in enumerate(VOCABULARY)}
TEXTS = {number: token for token, number in IDS.items()}


def token_ids(text: str) -> list[int]:
    """Longest match in the vocabulary; else one id a character."""
    ids: list[int] = []
    for piece in re.findall(r" ?\w+|\W", text):
        ids += [IDS[piece]] if piece in IDS else [IDS.get(one, 10_000 + ord(one)) for one in piece]
    return ids


def probabilities(prompt: str) -> dict[str, float]:
    """Token → log-probability, over the whole vocabulary; words lead, spelling is most unlikely."""
    weights = {}
    for token in VOCABULARY:
        digest = hashlib.sha256(f"{prompt}\0{token}".encode()).digest()
        weights[token] = 4 * struct.unpack("<I", digest[:4])[0] / 2**32
        weights[token] -= 20 * (len(token) == 1 and token.lower() not in "ab")
    total = math.log(math.fsum(math.exp(value) for value in weights.values()))
    return {token: value - total for token, value in weights.items()}


@dataclass(frozen=True)
class Prompt:
    """What a model is given.

    before : the messages in the model's own form, images included; an answer begins behind it.
    ids    : of its tokens.
    begun  : ids of the tokens of an answer that is to be continued.
    """

    before: Any
    ids: Sequence[int]
    begun: Sequence[int] = ()


class Model(Protocol):
    """What the server asks of a model."""

    def tokenize(self, text: str) -> list[int]: ...

    def text(self, token: int) -> str: ...

    def prompt(self, messages: list[dict[str, Any]], prefill: str) -> Prompt:
        """prefill : "continued" (or "closed", "ignored": what becomes of a last message that is the
        model's own)."""
        ...

    def rows(self, prompt: Prompt) -> list[dict[int, float]]:
        """Id → log-probability over the vocabulary: at each token of `begun`, then what follows."""
        ...


class Table:
    """The likelihood of each token comes from a hash of all that stands before it."""

    tokenize = staticmethod(token_ids)

    def text(self, token: int) -> str:
        return TEXTS.get(token, "?")

    def prompt(self, messages: list[dict[str, Any]], prefill: str) -> Prompt:
        parts: list[str] = []
        ids = [1] * 10
        content = messages[0]["content"]
        for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            if part["type"] == "text":
                parts.append(part["text"])
                ids += token_ids(part["text"])
            else:
                pixels = decoded(part).tobytes()
                parts.append(hashlib.sha256(pixels).hexdigest())
                ids += [2] * 64
        begun = messages[1]["content"] if len(messages) > 1 and prefill != "ignored" else ""
        if begun and prefill == "closed":
            parts += [begun, "<end><assistant>"]
            ids += [*token_ids(begun), *[3] * 5]
            begun = ""
        return Prompt("\n".join(parts), ids, token_ids(begun))

    def rows(self, prompt: Prompt) -> list[dict[int, float]]:
        found = []
        for place in range(len(prompt.begun) + 1):
            said = "".join(self.text(token) for token in prompt.begun[:place])
            known = probabilities(f"{prompt.before}\n{said}" if said else prompt.before)
            found.append({IDS[token]: value for token, value in known.items()})
        return found


@dataclass
class Traits:
    """What a server does; the defaults are vLLM's.

    routes : path → what answers requests to it, for interfaces of other shapes.
    faults : one taken by each chat request that asks more than a probe does, in order: "429",
             "500", "400", "drop", "cut", "nan", "null", "-inf", "text"; None for a good one.
    images : the most images in a request.
    looks  : how many of them are looked at, the last ones; the others are dropped without a word.
    limit  : the name of the field that limits the answer's tokens; any other is refused.
    whole  : `prompt_logprobs` is honoured.
    """

    model: Model = field(default_factory=Table)
    models: tuple[str, ...] = ("tiny",)
    logprobs: bool = True
    most: int = 20
    strict: bool = True
    listed: bool = True
    tokenize: bool = True
    prefill: str = "continued"
    whole: bool = True
    images: int = 9
    looks: int = 9
    limit: str = ""
    usage: bool = True
    faults: list[str | None] = field(default_factory=list)
    always: str | None = None
    retry_after: str = ""
    vocabulary_shift: float = 0.0
    seen: list[dict[str, Any]] = field(default_factory=list)
    busiest: int = 0
    busy: int = 0
    delay: float = 0.0
    routes: dict[str, Callable[[dict[str, Any]], object]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def serving(traits: Traits) -> Iterator[str]:
    """Run it; gives the URL with /v1. Ended and joined at the end of the block."""

    class Handler(_Handler):
        pass

    Handler.traits = traits
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def decoded(part: dict[str, Any]) -> Image.Image:
    """The image of an `image_url` part."""
    return Image.open(io.BytesIO(base64.b64decode(part["image_url"]["url"].partition(",")[2])))


class _Handler(BaseHTTPRequestHandler):
    traits: Traits

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            data = [{"id": name, "object": "model"} for name in self.traits.models]
            self._send(200, {"object": "list", "data": data})
        else:
            self._refuse(404, "no such page")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/tokenize" and self.traits.tokenize:
            self._send(200, {"tokens": self.traits.model.tokenize(body["prompt"])})
        elif self.path in self.traits.routes:
            self._route(self.path, body)
        elif self.path == "/v1/chat/completions":
            self._chat(body)
        else:
            self._refuse(404, "no such page")

    def _route(self, path: str, body: dict[str, Any]) -> None:
        """A route of the test's own; what it refuses with `ValueError` is a 422."""
        try:
            self._send(200, self.traits.routes[path](body))
        except ValueError as error:
            self._refuse(422, str(error))

    def _chat(self, body: dict[str, Any]) -> None:
        traits = self.traits
        with traits.lock:
            traits.seen.append(body)
            traits.busy += 1
            traits.busiest = max(traits.busiest, traits.busy)
            probe = "Say one word." in str(body["messages"])
            fault = None if probe else traits.always
            if not probe and traits.faults:
                fault = traits.faults.pop(0)
        try:
            threading.Event().wait(traits.delay)
            self._reply(body, fault)
        finally:
            with traits.lock:
                traits.busy -= 1

    def _reply(self, body: dict[str, Any], fault: str | None) -> None:
        if fault == "drop":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        if fault in ("400", "429", "500"):
            self._refuse(int(fault), f"refused with {fault}")
            return
        asked = body.get("top_logprobs", 0)
        if asked > self.traits.most and self.traits.strict:
            self._refuse(400, f"top_logprobs must be <= {self.traits.most}")
            return
        if self.traits.limit and self.traits.limit not in body:
            self._refuse(400, f"unsupported field, use '{self.traits.limit}' instead")
            return
        images = sum(part["type"] == "image_url" for part in _parts(body))
        if images > self.traits.images:
            self._refuse(400, f"At most {self.traits.images} image(s) may be provided")
            return
        prompt, rows = self._read(body)
        chosen = self._chosen(body, rows[-1], asked)
        odd = {"nan": math.nan, "null": None, "-inf": -math.inf}
        listed = [
            {"token": token, "logprob": odd.get(fault or "", value + self.traits.vocabulary_shift)}
            for token, value in chosen
        ]
        message = {"role": "assistant", "content": "word"}
        choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": "length"}
        if self.traits.logprobs and fault != "text":
            choice["logprobs"] = {
                "content": [{"token": "word", "logprob": -1.0, "top_logprobs": listed}]
            }
        reply: dict[str, Any] = {"id": "1", "object": "chat.completion", "choices": [choice]}
        if self.traits.usage:
            count = len(prompt.ids) + len(prompt.begun)
            reply["usage"] = {"prompt_tokens": count, "completion_tokens": 1, "total_tokens": 1}
        if self.traits.whole and "prompt_logprobs" in body:
            reply["prompt_logprobs"] = _told(prompt, rows)
        self._send(200, reply, cut=fault == "cut")

    def _read(self, body: dict[str, Any]) -> tuple[Prompt, list[dict[int, float]]]:
        model = self.traits.model
        manner = self.traits.prefill
        if manner == "continued" and not body.get("continue_final_message"):
            manner = "closed"
        messages = body["messages"]
        shown = [part for part in _parts(body) if part["type"] == "image_url"]
        dropped = [id(part) for part in shown[: max(len(shown) - self.traits.looks, 0)]]
        if dropped:
            kept = [part for part in _parts(body) if id(part) not in dropped]
            messages = [{**messages[0], "content": kept}, *messages[1:]]
        prompt = model.prompt(messages, manner)
        return prompt, model.rows(prompt)

    def _chosen(
        self, body: dict[str, Any], row: dict[int, float], asked: int
    ) -> list[tuple[str, float]]:
        """The tokens that are listed."""
        if self.traits.listed and "logprob_token_ids" in body:
            wanted = body["logprob_token_ids"]
            return [(f"token_id:{number}", row.get(number, -50.0)) for number in wanted]
        best = sorted(row.items(), key=lambda item: -item[1])[: min(asked, self.traits.most)]
        return [(self.traits.model.text(number), value) for number, value in best]

    def _refuse(self, status: int, message: str) -> None:
        self._send(status, {"error": {"message": message}})

    def _send(self, status: int, value: object, *, cut: bool = False) -> None:
        data = json.dumps(value).encode()
        if cut:
            data = data[: len(data) // 2]
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status == 429 and self.traits.retry_after:
            self.send_header("Retry-After", self.traits.retry_after)
        self.end_headers()
        with suppress(ConnectionError):  # a client that has given up
            self.wfile.write(data)


def _parts(body: dict[str, Any]) -> list[dict[str, Any]]:
    content = body["messages"][0]["content"]
    return content if isinstance(content, list) else []


def _told(prompt: Prompt, rows: list[dict[int, float]]) -> list[dict[str, Any] | None]:
    """`prompt_logprobs` in vLLM's shape; of the tokens before the answer any value will do."""
    before = [{str(number): {"logprob": -1.0}} for number in prompt.ids[1:]]
    begun = [
        {str(token): {"logprob": row.get(token, -50.0)}}
        for token, row in zip(prompt.begun, rows, strict=False)
    ]
    return [None, *before, *begun]
