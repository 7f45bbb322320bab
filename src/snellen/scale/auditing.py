"""`snellen audit --engine ray`: workers make the pictures and ask the judges; the findings are made
here.

The rows of a part are one shard, and go from there into the run as they come.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from snellen.audit.collect import Questioner, row_name
from snellen.audit.material import Item, Material
from snellen.judges import load_judge
from snellen.scale.absent import AbsentJudge
from snellen.scale.cluster import Cluster
from snellen.scale.job import Job, Task
from snellen.scale.parts import cut
from snellen.scale.shards import Shard, Shards
from snellen.scoring import make_method

PART = 64  # pictures
_COLUMNS = {"image": str, "row": str, "missing": str}


@dataclass(frozen=True)
class AuditElsewhere:
    """Asks through a cluster (see `audit.collect.Asks`).

    judges, method : by name, as every worker loads its own.
    known          : the same judges as `cluster.ask(who_is)` told of them.
    place          : folder or URL of the shards, seen by every machine.
    identity       : of the request.
    """

    cluster: Cluster
    judges: tuple[str, ...]
    method: str
    known: tuple[AbsentJudge, ...]
    material: Material
    place: str
    identity: str
    part: int = PART

    def __call__(
        self, todo: Sequence[Item], deep: set[str], kept: set[str]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        if not todo:
            return
        shards = Shards(self.place, _COLUMNS)
        shards.prepare(self.identity)
        who = " ".join((*(judge.name for judge in self.known), self.method))
        parts = list(cut(todo, self.part, who, partial(_key, deep, kept, len(self.judges))))
        job = Job(shards, parts, keep_others=True)
        order = _Order(
            self.judges, self.method, self.known, self.material, shards, self.identity,
            frozenset(deep), frozenset(kept),
        )  # fmt: skip
        for shard in job.each(self.cluster, order.start):
            for row in shards.read(shard):
                yield row["image"], json.loads(row["row"])


def _key(deep: set[str], kept: set[str], judges: int, item: Item) -> Sequence[object]:
    """What the rows of an item depend on: which are wanted, and how thoroughly."""
    wanted = [row_name(number, item) not in kept for number in range(judges)]
    return (item.name, item.name in deep, *wanted)


@dataclass(frozen=True)
class _Order:
    """What a worker is told."""

    judges: tuple[str, ...]
    method: str
    known: tuple[AbsentJudge, ...]
    material: Material
    shards: Shards
    identity: str
    deep: frozenset[str]
    kept: frozenset[str]

    def start(self) -> Callable[[Task], Shard]:
        self.shards.check_same(self.identity)
        judges = [load_judge(name) for name in self.judges]
        for known, judge in zip(self.known, judges, strict=True):
            known.check_same(judge)
        return partial(self._do, Questioner(judges, make_method(self.method), self.material))

    def _do(self, questioner: Questioner, task: Task) -> Shard:
        rows = [
            {"image": name, "row": json.dumps(row), "missing": row["missing"]}
            for name, row in questioner(task.part.items, set(self.deep), set(self.kept))
        ]
        return self.shards.write(task.part.name, rows, instead=task.before)
