"""One question to one server: the requests it takes, and the answer read from their replies."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from snellen.errors import JudgeError
from snellen.judges import server_words as words
from snellen.judges.answer import Answer, Shown
from snellen.judges.question import Question
from snellen.judges.server_messages import WHOLE_PROMPT, content_of, listing, messages
from snellen.judges.server_probe import Honours
from snellen.judges.server_wire import Reply, Wire
from snellen.judges.transformers_options import Tokens, option_logprobs

_MOST_LISTED = 128  # ids that vLLM takes in `logprob_token_ids`
_NOTHING = "the server's reply holds no log-probabilities"


class Asking:
    """A question under way.

    honours   : what the server was seen to do.
    token_ids : its tokenizer; asked only where `honours.listed`.
    """

    def __init__(
        self,
        wire: Wire,
        model: str,
        honours: Honours,
        token_ids: Callable[[str], Sequence[int]],
        question: Question,
    ) -> None:
        self._wire, self._model, self._honours = wire, model, honours
        self._token_ids, self._options = token_ids, question.options
        self._content, self._images = content_of(question)
        # A space at the end of a pre-fill belongs to the token of the word that follows.
        self._begun = question.prefill.rstrip()
        self._prompt: int | None = None
        self._repeats = 0

    def answer(self) -> Answer:
        """Ask and read. Raises `JudgeError` where a request fails or options cannot be told apart:
        the reason of a missing answer."""
        return self._by_id() if self._honours.listed else self._by_rank()

    def _by_rank(self) -> Answer:
        """From the likeliest tokens."""
        listed = self._send().tokens
        if not listed:
            return Answer.without(self._options, _NOTHING, **self._record())
        return words.from_top(self._options, listed, **self._record())

    def _by_id(self) -> Answer:
        """From the very tokens that say the options, and from prompts that end with them."""
        table = words.ways(self._options, self._token_ids, whole=self._honours.whole)
        firsts = list(dict.fromkeys(way[0] for ways in table.values() for way in ways))
        listed: dict[int, float] = {}
        for start in range(0, len(firsts), _MOST_LISTED):
            part = firsts[start : start + _MOST_LISTED]
            tokens = self._send(extra=listing(part)).tokens
            if not tokens:
                return Answer.without(self._options, _NOTHING, **self._record())
            listed.update((one, tokens.get(f"token_id:{one}", math.nan)) for one in part)
            for one in part:
                if f"token_id:{one}" not in tokens:
                    reason = f"the server did not list token {one}, which it was asked for"
                    return Answer.without(self._options, reason, **self._record())
        found: dict[Tokens, float] = {
            way: listed[way[0]]
            for ways in table.values()
            for way in ways
            if len(way) == 1 or not listed[way[0]] > -math.inf  # nothing begins what never begins
        }
        spelled = {option: [way for way in ways if way in found] for option, ways in table.items()}
        for option, ways in self._whole(words.worth_reading(table, listed)).items():
            spelled[option] = list(dict.fromkeys([*spelled[option], *ways]))
            found.update(ways)
        words.check_apart(spelled)
        values = option_logprobs({option: tuple(ways) for option, ways in spelled.items()}, found)
        return Answer.from_logprobs(self._options, values, **self._record())

    def _whole(self, wanted: Mapping[str, Mapping[Tokens, str]]) -> dict[str, dict[Tokens, float]]:
        """Option → the tokens that its texts really become after the prompt → log-probability of
        all of them. A text that melts into the prompt's last token is left out."""
        if not any(wanted.values()):
            return {}
        plain = self._read("")
        found: dict[str, dict[Tokens, float]] = {option: {} for option in wanted}
        for option, ways in wanted.items():
            for text in ways.values():
                longer = self._read(text)
                ids = [token for token, _ in longer]
                if ids[: len(plain)] != [token for token, _ in plain]:
                    continue
                rest = longer[len(plain) :]
                way = tuple(token for token, _ in rest if token is not None)
                found[option][way] = math.fsum(value for _, value in rest)
        return found

    def _read(self, text: str) -> tuple[tuple[int | None, float], ...]:
        """Every token of the prompt with `text` behind it."""
        whole = self._send(text, WHOLE_PROMPT).whole
        if not whole:
            raise JudgeError("the server told nothing of its prompt, which it did when asked first")
        return whole

    def _send(self, text: str = "", extra: Mapping[str, Any] | None = None) -> Reply:
        said, fields = messages(self._content, self._begun + text)
        body = {"model": self._model, "messages": said, "top_logprobs": self._honours.top}
        reply = self._wire.complete(body, {**fields, **(extra or {})})
        self._prompt = self._prompt if self._prompt is not None else reply.prompt
        self._repeats += reply.tries - 1
        return reply

    def _record(self) -> dict[str, Any]:
        """What stands beside the answer: what was shown, and what went wrong on the way."""
        notes = [f"requests were sent again {self._repeats} times"] if self._repeats else []
        shown = Shown(self._images, self._prompt, "the server's own")
        return {"shown": shown, "notes": notes}
