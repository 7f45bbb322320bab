"""A judge that is on the workers: here it is known by name, and by what it can be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from snellen.errors import JudgeError, RunError
from snellen.judges import Answer, Capabilities, Judge, Question, load_judge


@dataclass(frozen=True)
class AbsentJudge:
    """Name and capabilities of a judge of the workers. Nothing can be asked of it here."""

    name: str
    can: Capabilities

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        raise JudgeError(f"{self.name} is on the workers of the cluster and is not asked here")

    def check_same(self, judge: Judge) -> None:
        """Raise `RunError` where a worker's judge is another."""
        if judge.name != self.name:
            raise RunError(
                f"a worker has the judge {judge.name}, and the run is of {self.name}",
                "Install the same packages and models on every machine.",
            )


def who_is(name: str) -> AbsentJudge:
    """On a worker: the judge of this name, as much of it as can be sent."""
    judge = load_judge(name)
    return AbsentJudge(judge.name, replace(judge.can, embeddings=False))  # nobody looks into it
