"""Everything Snellen raises on purpose, in one tree.

    SnellenError                   what went wrong, and the fix
    ├── InputError                 the request itself makes no sense (bad option, nothing found)
    │   ├── NothingFound           no image under the given paths
    │   └── UnknownName            a name that is in no list; the nearest spellings are given
    ├── MissingExtra               an optional package is not installed; the fix is the pip line
    ├── ImageError                 one image cannot be used; the run goes on without it
    │   ├── UnreadableImage        the file cannot be opened (gone, no rights, a directory)
    │   ├── NotAnImage             empty, or its bytes are no image format known here
    │   ├── BrokenImage            truncated or corrupt data
    │   └── ImageTooLarge          more pixels than the limit: a decompression bomb, or a huge scan
    ├── ScorerError                a scorer or model file is missing, altered or unusable
    ├── JudgeError                 a judge cannot be loaded, or breaks the promises of its kind
    │   ├── MissingAnswer          a probability was read from an answer that has none
    │   ├── BrokenPromise          a judge does not do what every judge does (conformance)
    │   └── AnswerFileError        a file of remembered answers is damaged, newer or no such file
    ├── StudyError                 a study of ratings: its file, its link or an answer to it
    ├── RunError                   a run directory belongs to another request, version or process
    ├── DataError                  a table or public data set is not in the form it should be
    └── StatsError                 the numbers cannot answer the question asked of them
        ├── TooFewRatings          fewer pairs or votes than the statistic needs
        ├── ConstantValues         one side never changes, so there is nothing to correlate
        ├── NotFinite              infinite scores or opinions
        └── Disconnected           comparisons fall into groups never compared with each other

Every message says what, where and what was got; `fix` says what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SnellenError(Exception):
    """Base of every error raised on purpose.

    what : one sentence without a final full stop: what failed, where, what was got.
    fix  : one sentence: what the reader can do; empty where nothing can be done.
    """

    def __init__(self, what: str, fix: str = "") -> None:
        self.what = what
        self.fix = fix
        super().__init__(what, fix)

    def __str__(self) -> str:
        return f"{self.what}. {self.fix}".strip() if self.fix else self.what


class InputError(SnellenError):
    """The request itself makes no sense."""


class NothingFound(InputError):
    """No image lies under the given paths."""


class UnknownName(InputError):
    """A name that is in no list. The nearest spellings are given as the fix."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
        fix = (
            f"Did you mean {' or '.join(repr(n) for n in near)}?"
            if near
            else f"Known: {', '.join(known)}."
        )
        super().__init__(f"unknown {kind} {name!r}", fix)
        self.kind, self.name, self.known, self.near = kind, name, known, near

    def __reduce__(self) -> tuple[type[UnknownName], tuple[str, str, list[str]]]:
        return (type(self), (self.kind, self.name, self.known))


class MissingExtra(SnellenError):
    """An optional package is not installed.

    package : what could not be imported.
    extra   : the extra of Snellen that brings it.
    purpose : what it is needed for, as the end of "… is needed to …".
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{package} is needed to {purpose} and is not installed",
            f"Run: pip install 'snellen[{extra}]'",
        )
        self.package, self.extra, self.purpose = package, extra, purpose

    def __reduce__(self) -> tuple[type[MissingExtra], tuple[str, str, str]]:
        return (type(self), (self.package, self.extra, self.purpose))


class ImageError(SnellenError):
    """One image cannot be used; a run records the reason and goes on."""


class UnreadableImage(ImageError):
    """The file cannot be opened: gone, no rights, a directory, a device."""


class NotAnImage(ImageError):
    """The file is empty, or its bytes are no image format known here."""


class BrokenImage(ImageError):
    """The file begins as an image, but its data are truncated or corrupt."""


class ImageTooLarge(ImageError):
    """More pixels than the limit."""


class ScorerError(SnellenError):
    """A scorer or model file is missing, altered or unusable."""


class JudgeError(SnellenError):
    """A judge cannot be loaded, or breaks the promises of its kind."""


class MissingAnswer(JudgeError):
    """A probability was read from an answer that has none."""


class BrokenPromise(JudgeError):
    """A judge does not do what every judge does: which promise, on what question, and how."""


class AnswerFileError(JudgeError):
    """A file of remembered answers is damaged, newer than this program, or no such file."""


class StudyError(SnellenError):
    """A study of ratings cannot go on: its file, its link, or an answer that does not fit."""


class RunError(SnellenError):
    """A run directory belongs to another request, version or process."""


class DataError(SnellenError):
    """A table or public data set is not in the form it should be."""


class StatsError(SnellenError):
    """The numbers cannot answer the question asked of them."""


class TooFewRatings(StatsError):
    """Fewer pairs, votes or raters than the statistic needs."""


class ConstantValues(StatsError):
    """One side never changes, so there is nothing to correlate."""


class NotFinite(StatsError):
    """Infinite scores or opinions: no rank, mean or map can be trusted with them."""


class Disconnected(StatsError):
    """Comparisons fall into groups that were never compared with each other."""
