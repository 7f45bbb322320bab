"""A small OpenAI-compatible server on 127.0.0.1 with a deterministic model of probabilities.

The model is a table: the likelihood of each of its tokens comes from a hash of the prompt, images
included. Traits choose whose manners the server has.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

_CAPITALIZED = "Good Poor Bad Fair Excellent Blur Noise A B Yes No Say"
_LOWER = "compression well one word or nothing at all green blue the image is"
WORDS = f"{_CAPITALIZED} {_CAPITALIZED.lower()} {_LOWER}".split()
VOCABULARY = (*WORDS, *(f" {word}" for word in WORDS), "first", "last", ".", ",", "!", "?")
IDS = {token: 100 + place for place, token in enumerate(VOCABULARY)}


def token_ids(text: str) -> list[int]:
    """Longest match in the vocabulary; else one id a character."""
    ids: list[int] = []
    for piece in re.findall(r" ?\w+|\W", text):
        ids += [IDS[piece]] if piece in IDS else [10_000 + ord(letter) for letter in piece]
    return ids


def probabilities(prompt: str) -> dict[str, float]:
    """Token → log-probability, over the whole vocabulary; the options' words lead."""
    weights = {}
    for token in VOCABULARY:
        digest = hashlib.sha256(f"{prompt}\0{token}".encode()).digest()
        weights[token] = 4 * struct.unpack("<I", digest[:4])[0] / 2**32
    total = math.log(math.fsum(math.exp(value) for value in weights.values()))
    return {token: value - total for token, value in weights.items()}


@dataclass
class Traits:
    """What a server does; the defaults are vLLM's.

    routes   : path → what answers requests to it, for interfaces of other shapes.
    faults   : one taken by each chat request that asks about an image, in order: "429", "500",
               "400", "drop", "cut", "nan", "null", "-inf", "text"; None for a good one.
    """

    models: tuple[str, ...] = ("tiny",)
    logprobs: bool = True
    most: int = 20
    strict: bool = True
    listed: bool = True
    tokenize: bool = True
    prefill: str = "continued"
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


class _Handler(BaseHTTPRequestHandler):
    traits: Traits

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            data = [{"id": name, "object": "model"} for name in self.traits.models]
            self._send(200, {"object": "list", "data": data})
        else:
            self._send(404, {"error": {"message": "no such page"}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/tokenize" and self.traits.tokenize:
            self._send(200, {"tokens": token_ids(body["prompt"])})
        elif self.path in self.traits.routes:
            self._route(self.path, body)
        elif self.path == "/v1/chat/completions":
            self._chat(body)
        else:
            self._send(404, {"error": {"message": "no such page"}})

    def _route(self, path: str, body: dict[str, Any]) -> None:
        """A route of the test's own; what it refuses with `ValueError` is a 422."""
        try:
            self._send(200, self.traits.routes[path](body))
        except ValueError as error:
            self._send(422, {"error": {"message": str(error)}})

    def _chat(self, body: dict[str, Any]) -> None:
        traits = self.traits
        with traits.lock:
            traits.seen.append(body)
            traits.busy += 1
            traits.busiest = max(traits.busiest, traits.busy)
            about_image = isinstance(body["messages"][0]["content"], list)
            fault = traits.always if about_image else None
            if about_image and traits.faults:
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
            self._send(int(fault), {"error": {"message": f"refused with {fault}"}})
            return
        asked = body.get("top_logprobs", 0)
        if asked > self.traits.most and self.traits.strict:
            self._send(400, {"error": {"message": f"top_logprobs must be <= {self.traits.most}"}})
            return
        prompt, count = self._prompt(body["messages"], body)
        values = probabilities(prompt)
        if self.traits.listed and "logprob_token_ids" in body:
            by_id = {number: token for token, number in IDS.items()}
            chosen = {
                f"token_id:{number}": values.get(by_id.get(number, ""), -50.0)
                for number in body["logprob_token_ids"]
            }
        else:
            best = sorted(values.items(), key=lambda item: -item[1])
            chosen = dict(best[: min(asked, self.traits.most)])
        odd = {"nan": math.nan, "null": None, "-inf": -math.inf}
        listed = [
            {"token": token, "logprob": odd.get(fault or "", value + self.traits.vocabulary_shift)}
            for token, value in chosen.items()
        ]
        message = {"role": "assistant", "content": "word"}
        choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": "length"}
        if self.traits.logprobs and fault != "text":
            choice["logprobs"] = {
                "content": [{"token": "word", "logprob": -1.0, "top_logprobs": listed}]
            }
        reply: dict[str, Any] = {"id": "1", "object": "chat.completion", "choices": [choice]}
        if self.traits.usage:
            reply["usage"] = {"prompt_tokens": count, "completion_tokens": 1, "total_tokens": 1}
        self._send(200, reply, cut=fault == "cut")

    def _prompt(self, messages: list[dict[str, Any]], body: dict[str, Any]) -> tuple[str, int]:
        """The whole prompt as text, images as hashes of their pixels, and its tokens."""
        parts, count = [], 10
        content = messages[0]["content"]
        for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            if part["type"] == "text":
                parts.append(part["text"])
                count += len(token_ids(part["text"]))
            else:
                data = base64.b64decode(part["image_url"]["url"].partition(",")[2])
                pixels = Image.open(io.BytesIO(data)).tobytes()
                parts.append(hashlib.sha256(pixels).hexdigest())
                count += 64
        if len(messages) > 1 and self.traits.prefill != "ignored":
            begun = messages[1]["content"]
            count += len(token_ids(begun))
            parts.append(begun)
            if self.traits.prefill == "closed" or not body.get("continue_final_message"):
                parts.append("<end><assistant>")
                count += 5
        return "\n".join(parts), count

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
