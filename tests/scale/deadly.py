"""Scorers and a judge for tests on a cluster, importable by its workers."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from snellen.errors import ScorerError
from snellen.images import Picture
from snellen.judges import Question
from snellen.judges.demo import sharpness
from snellen.scorers import Score

POISON = "SNELLEN_TESTS_POISON"  # in the environment: the file that `mortal` reads


@dataclass
class Deadly:
    """Scores by mean brightness; a picture whose hash begins with `kills` kills its worker.

    flag : a file; the worker dies only while it is not there, and leaves it. Without: every time.
    """

    kills: str = ""
    flag: str = ""
    fails: bool = False
    name: str = "deadly@1"

    def score(self, picture: Picture) -> Score:
        if self.kills and picture.hash.startswith(self.kills) and self._not_yet():
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fails:
            raise ScorerError("not today")
        value = float(picture.pixels.mean()) / 2.55
        return Score(value, max(0.0, value - 4), min(100.0, value + 4), 2.0, {"noise": 1.0}, 1.0)

    def _not_yet(self) -> bool:
        if not self.flag:
            return True
        try:
            Path(self.flag).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


class Named(Deadly):
    """Another name in every process, as a file that differs from machine to machine gives."""

    def __init__(self) -> None:
        super().__init__()
        self.name = f"named@{uuid.uuid4().hex}"

    def __reduce__(self) -> tuple[type[Named], tuple[()]]:
        return (Named, ())


def mortal(question: Question) -> Mapping[str, float] | None:
    """A judge's script. It dies of the image whose hash is in the poison, and takes that away."""
    poison = Path(os.environ[POISON])
    try:
        wanted = poison.read_text()
    except FileNotFoundError:
        wanted = ""
    if wanted and wanted in (image.hash for image in question.images):
        poison.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return sharpness(question)
