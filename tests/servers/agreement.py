"""The server judge beside the transformers judge on one checkpoint: what every real server must
hold."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import real_server

from snellen.judges import server, transformers
from snellen.judges.question import Question


class Both(NamedTuple):
    """The same checkpoint over a server and in this process."""

    over: server.ServerJudge
    here: transformers.TransformersJudge


@contextmanager
def both(
    place: Path,
    make: Callable[[Path], Path],
    serve: Callable[[Path, Path], AbstractContextManager[str]],
) -> Iterator[Both]:
    """A checkpoint made by `make` in `place`, served by `serve(checkpoint, place)`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = make(place / "tiny")
        here = transformers.load(str(folder), device="cpu", dtype="float32")
        with serve(folder, place) as url:
            over = server.load(f"tiny@{url}", concurrency=2, timeout=real_server.PATIENCE)
            yield Both(over, here)
            over.close()


def agree(judges: Both, question: Question) -> None:
    """The same probabilities to 1e-3."""
    [over], [here] = (judge.answer([question]) for judge in judges)
    assert not over.missing, over.missing
    assert over.probabilities == pytest.approx(here.probabilities, abs=1e-3)
    assert over.mass == pytest.approx(here.mass, abs=1e-3)
