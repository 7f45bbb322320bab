"""A table of answers, looked up instead of asking a model.

JSON lines, one answer a line, in either of two forms:

    {"images": ["a.jpg", "b.jpg"], "text": "Which is sharper?", "answer": {"A": 0.7, "B": 0.2}}
    {"key": "…64 digits…", "answer": {"options": […], "logprobs": […], "mass": 0.9, …}}

The first is for writing by hand: an image is a file's name or the beginning (12 digits or more) of
its hash; without "text" or "images" the line answers any text or any images. The second is what
memory exports: `Question.key` and the whole answer. A CSV table has the columns `images` (several
parted by spaces or `|`), `text` (both optional) and one column for each option.

Where several lines fit, the one that says most wins: key, then images and text, then images, then
text, then neither; of equals the first.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snellen.errors import DataError, InputError, SnellenError
from snellen.judges.answer import Answer
from snellen.judges.question import Question

_HASH_DIGITS = 12  # fewer could be taken for a file's name, and might be two images
_HASH = re.compile(f"[0-9a-f]{{{_HASH_DIGITS},64}}")
_KNOWN = {"key", "images", "text", "answer", "judge", "question", "asked"}


@dataclass(frozen=True, slots=True)
class _Row:
    """One line in the form for writing by hand; None fits anything."""

    images: tuple[str, ...] | None
    text: str | None
    answer: Mapping[str, float]

    def fits(self, question: Question) -> bool:
        if self.text is not None and self.text != question.text:
            return False
        if not all(option in self.answer for option in question.options):
            return False
        if self.images is None:
            return True
        names = [(image.name, image.hash) for image in question.images]
        return len(names) == len(self.images) and all(
            wanted == name or (_HASH.fullmatch(wanted) and digits.startswith(wanted))
            for wanted, (name, digits) in zip(self.images, names, strict=True)
        )


class AnswerTable:
    """Answers by question. Made by `read_answers`.

    name : file name and a hash of the content: the judge's identity.
    """

    def __init__(self, name: str, keyed: dict[str, Answer], rows: list[_Row]) -> None:
        self.name = name
        self._keyed = keyed
        # Those that say most come first; the sort is stable, so among equals the first line wins.
        ranked = sorted(rows, key=lambda row: (row.images is None, row.text is None))
        # By the first image they name, so that a look-up does not read the whole table.
        self._by_image: dict[str, list[tuple[int, _Row]]] = {}
        for rank, row in enumerate(ranked):
            self._by_image.setdefault(_bucket(row), []).append((rank, row))

    def look_up(self, question: Question) -> Answer | Mapping[str, float] | None:
        """What the table says; None where no line fits."""
        answer = self._keyed.get(question.key) if self._keyed else None
        if answer is not None:
            return answer
        buckets = {""}
        for first in question.images[:1]:
            buckets |= {first.name, first.hash[:_HASH_DIGITS]}
        candidates = [entry for bucket in buckets for entry in self._by_image.get(bucket, ())]
        fitting = [(rank, row) for rank, row in candidates if row.fits(question)]
        if not fitting:
            return None
        _, best = min(fitting, key=lambda entry: entry[0])
        return {option: best.answer[option] for option in question.options}


def _bucket(row: _Row) -> str:
    """What the first image of a line is found by; empty for a line about any image or none."""
    first = row.images[0] if row.images else ""
    return first[:_HASH_DIGITS] if _HASH.fullmatch(first) else first


def read_answers(path: Path) -> AnswerTable:
    """Read a .jsonl or .csv table of answers.

    Raises `InputError` where the file cannot be read, `DataError` (with the line) for another form.
    """
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise InputError(
            f"{path}: the table of answers cannot be read ({error.strerror or error})",
            "Check the path.",
        ) from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: the table of answers is not UTF-8", "Save it as UTF-8.") from None
    records = _csv_records(text) if path.suffix.lower() == ".csv" else _json_records(path, text)
    keyed: dict[str, Answer] = {}
    rows: list[_Row] = []
    for line, record in records:
        with _errors_of_line(path, line):
            if "key" in record:
                keyed[str(record["key"])] = Answer.from_plain(record["answer"])
            else:
                rows.append(_row(record))
    if not keyed and not rows:
        raise DataError(f"{path}: the table of answers is empty", "Add a line for each answer.")
    digest = hashlib.sha256(data).hexdigest()
    return AnswerTable(f"scripted:{path.name}#{digest[:12]}", keyed, rows)


@contextmanager
def _errors_of_line(path: Path, line: int) -> Iterator[None]:
    """What can be wrong with one line, said with its place."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, SnellenError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise DataError(
            f"{path}, line {line}: no answer can be read from it ({reason})",
            'A line is {"images": […], "text": …, "answer": {option: probability}};'
            " see docs/judges.md.",
        ) from None


def _row(record: Mapping[str, Any]) -> _Row:
    """A line in the form for writing by hand."""
    strangers = set(record) - _KNOWN
    if strangers:
        raise InputError(f"unknown fields {', '.join(sorted(strangers))}")
    images = record.get("images")
    if isinstance(images, str):
        images = [images]
    answer = {str(option): float(value) for option, value in record["answer"].items()}
    text = record.get("text")
    return _Row(None if images is None else tuple(map(str, images)), text, answer)


def _json_records(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(
                f"{path}, line {number}: this is no JSON ({error.msg})", "Write one object a line."
            ) from None
        if not isinstance(record, dict):
            raise DataError(f"{path}, line {number}: no JSON object", "Write one object a line.")
        yield number, record


def _csv_records(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows of a CSV table in the shape of the JSON lines; an empty cell says nothing."""
    reader = csv.DictReader(io.StringIO(text, newline=""))
    for row in reader:
        cells = {name: cell for name, cell in row.items() if name is not None and cell}
        record: dict[str, Any] = {}
        if "images" in cells:
            record["images"] = cells.pop("images").replace("|", " ").split()
        if "text" in cells:
            record["text"] = cells.pop("text")
        yield reader.line_num, {**record, "answer": cells}
