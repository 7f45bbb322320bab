"""The tokenizer of the judges in the package, in plain Python: whole words, or else bytes.

It reads the `tokenizer.json` that transformers reads, and gives the same numbers. Marks of the
model are found first, as they are written; the rest is put into small letters, parted at white
space and around each punctuation mark; what is no word of the vocabulary is spelled by the bytes of
its UTF-8.
"""

from __future__ import annotations

import json
import re
import string
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from snellen.errors import JudgeError

# Unicode's white space, which is a little less than Python's (\x1c … \x1f).
_SPACE = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
# What a tokenizer.json says of a tokenizer like this one.
_FORM: dict[str, Any] = {
    "normalizer": {"type": "Lowercase"},
    "pre_tokenizer": [
        ("WhitespaceSplit", {}),
        ("Punctuation", {"behavior": "Isolated"}),
        ("ByteLevel", {"add_prefix_space": False, "use_regex": False}),
    ],
    "model": {
        "type": "BPE",
        "merges": [],
        "ignore_merges": True,
        "continuing_subword_prefix": None,
    },
}


class WordTokenizer:
    """Text → numbers of tokens, called as transformers' tokenizers are.

    path  : a `tokenizer.json`.
    marks : the model's own marks, such as "<image>"; no words of a question.
    unk_token_id : of the mark for what cannot be written, which is none: there are bytes.
    Raises `JudgeError` for a tokenizer of another kind, `OSError` where the file is not there.
    """

    def __init__(self, path: Path) -> None:
        told = json.loads(path.read_bytes())
        if not _is_plain(told):
            raise JudgeError(f"{path} is a tokenizer of another kind than words and bytes")
        self._numbers: dict[str, int] = told["model"]["vocab"]
        self._text = {number: text for text, number in self._numbers.items()}
        self.marks = tuple(one["content"] for one in told["added_tokens"])
        self.unk_token_id = self._numbers["<unk>"]
        longest_first = sorted(self.marks, key=len, reverse=True)
        self._marks = re.compile("(" + "|".join(map(re.escape, longest_first)) + ")")

    def __call__(self, text: str, *, add_special_tokens: bool = False) -> dict[str, list[int]]:
        """{"input_ids": numbers}. There are no special tokens to add.

        Raises `UnicodeEncodeError` for text that is none, such as half of a surrogate pair.
        """
        numbers: list[int] = []
        for place, part in enumerate(self._marks.split(text)):
            if place % 2:  # what was split at
                numbers.append(self._numbers[part])
            else:
                numbers += [n for word in words(part) for n in self._word(word)]
        return {"input_ids": numbers}

    def decode(self, numbers: list[int]) -> str:
        """The tokens as text, parted by spaces; bytes as the vocabulary writes them."""
        return " ".join(self._text[number] for number in numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def _word(self, word: str) -> list[int]:
        letters = [_byte_names()[byte] for byte in word.encode()]
        whole = self._numbers.get("".join(letters))
        return [self._numbers[one] for one in letters] if whole is None else [whole]


def words(text: str) -> Iterator[str]:
    """Words and single marks of punctuation, in small letters."""
    # Letter by letter: the end of a word has no say in how its last letter is written.
    small = "".join(letter.lower() for letter in text)
    for piece in _SPACE.split(small):
        start = 0
        for place, letter in enumerate(piece):
            if _is_punctuation(letter):
                yield from filter(None, (piece[start:place], letter))
                start = place + 1
        if piece[start:]:
            yield piece[start:]


def _is_punctuation(letter: str) -> bool:
    return letter in string.punctuation or unicodedata.category(letter).startswith("P")


@lru_cache(maxsize=1)
def _byte_names() -> tuple[str, ...]:
    """How vocabularies write each byte: as the Latin-1 character where that can be printed, else
    by one from U+0100 on (GPT-2's table)."""
    plain = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), 256)}
    others = iter(range(256, 512))
    return tuple(chr(byte if byte in plain else next(others)) for byte in range(256))


def _is_plain(told: dict[str, Any]) -> bool:
    """Whether a tokenizer.json is of the form that is understood here."""
    steps = (told["pre_tokenizer"] or {}).get("pretokenizers", [])
    wanted = _FORM["pre_tokenizer"]
    return (
        told["normalizer"] == _FORM["normalizer"]
        and all(told["model"].get(key) == value for key, value in _FORM["model"].items())
        and [step["type"] for step in steps] == [kind for kind, _ in wanted]
        and all(
            step.get(key) == value
            for step, (_, options) in zip(steps, wanted, strict=True)
            for key, value in options.items()
        )
        and all(one["special"] and not one["normalized"] for one in told["added_tokens"])
    )
