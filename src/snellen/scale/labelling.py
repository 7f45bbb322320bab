"""`snellen label --engine ray`: workers ask the teacher; which pictures and pairs, is decided here.

Each worker has a judge of its own. The rows of a part are one shard, `pictures-…` and `pairs-…`
side by side in their folders, and go from there into the run of labels as they come.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from snellen.audit.reliability import Reliability
from snellen.images import AnyFile
from snellen.judges import load_judge
from snellen.runs import Request
from snellen.scale.absent import AbsentJudge, who_is
from snellen.scale.cluster import Cluster
from snellen.scale.job import Job, Task
from snellen.scale.parts import cut
from snellen.scale.shards import Shard, Shards
from snellen.scoring import make_method
from snellen.students.asking import Pair, Row, Teacher
from snellen.students.features import Told
from snellen.students.labelling import Labelled, Order, label, request_of

PART = 64  # pictures or pairs: some ten seconds of a judge on a GPU
_COLUMNS = {"image": str, "score": float, "p": float, "row": str, "missing": str}


def label_on_ray(
    paths: Sequence[str],
    judge: str,
    method: str,
    order: Order,
    cluster: Cluster,
    folder: Path | None = None,
    *,
    shards: str | None = None,
    part: int = PART,
    fresh: bool = False,
    told: Told = lambda done, total: None,
) -> Labelled:
    """Label every picture under `paths` with a judge on every worker of a cluster.

    judge, method : by name, as every worker loads its own.
    shards        : folder or URL that every machine sees; `shards` in the run's folder without.
    part          : pictures, or pairs, a worker asks about at a time; lost when it dies.
    The rows are those of `students.labelling.label`, whose other arguments these are.
    """
    teacher = cluster.ask(partial(who_is, judge))
    made = make_method(method)
    request = request_of(paths, teacher, made, order)
    directory = folder if folder is not None else request.directory()
    place = shards or str((directory / "shards").absolute())
    elsewhere = _Elsewhere(cluster, judge, method, teacher, order.audit, place, request, part)
    return label(paths, teacher, made, order, folder, fresh=fresh, told=told, elsewhere=elsewhere)


@dataclass(frozen=True)
class _Elsewhere:
    """Asks through a cluster (see `students.asking.Asks`)."""

    cluster: Cluster
    judge: str
    method: str
    teacher: AbsentJudge
    audit: Reliability | None
    place: str
    request: Request
    part: int

    def pictures(self, todo: Sequence[tuple[str, AnyFile]]) -> Iterator[tuple[str, Row]]:
        by_name = {name: name for name, _ in todo}
        yield from self._each("pictures", todo, by_name, lambda one: one[0])

    def pairs(
        self, todo: Sequence[tuple[Pair, tuple[AnyFile, AnyFile]]]
    ) -> Iterator[tuple[Pair, Row]]:
        by_name = {" ".join(pair): pair for pair, _ in todo}
        yield from self._each("pairs", todo, by_name, lambda one: " ".join(one[0]))

    def _each(
        self, what: str, todo: Sequence[Any], by_name: dict[str, Any], name: Callable[[Any], str]
    ) -> Iterator[tuple[Any, Row]]:
        if not todo:
            return
        shards = Shards(f"{self.place}/{what}", _COLUMNS)
        shards.prepare(self.request.identity)
        identity = f"{self.teacher.name} {self.method} {self.audit}"
        parts = list(cut(todo, self.part, identity, lambda one: (name(one),)))
        job = Job(shards, parts, keep_others=True)
        order = _Asked(self, what, shards)
        for shard in job.each(self.cluster, order.start):
            for row in shards.read(shard):
                yield by_name[row["image"]], json.loads(row["row"])


@dataclass(frozen=True)
class _Asked:
    """What a worker is told."""

    through: _Elsewhere
    what: str
    shards: Shards

    def start(self) -> Callable[[Task], Shard]:
        through = self.through
        self.shards.check_same(through.request.identity)
        judge = load_judge(through.judge)
        through.teacher.check_same(judge)
        return partial(self._do, Teacher(judge, make_method(through.method), through.audit))

    def _do(self, teacher: Teacher, task: Task) -> Shard:
        ask = teacher.pictures if self.what == "pictures" else teacher.pairs
        rows = [_cells(name, row) for name, row in ask(task.part.items)]
        return self.shards.write(task.part.name, rows, instead=task.before)


def _cells(name: str | Pair, row: Row) -> Row:
    return {
        "image": name if isinstance(name, str) else " ".join(name),
        "score": row.get("score"),
        "p": row.get("p"),
        "row": json.dumps(row),
        "missing": row["missing"],
    }
