"""Bring every part of a request into its shard, and read the shards in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from snellen.runs import Progress, Row
from snellen.scale.cluster import Cluster
from snellen.scale.parts import Part
from snellen.scale.shards import Shard, Shards

Work = Callable[["Task"], Shard]


@dataclass(frozen=True)
class Task:
    """A part to do. before : its shard, where some of its rows are missing and tried again."""

    part: Part
    before: Shard | None = None

    @property
    def name(self) -> str:
        return self.part.name

    @property
    def first(self) -> str:
        return str(self.part.items[0].name)


class Job:
    """The parts of one request.

    fresh       : forget the shards that are there.
    keep_others : so do shards of parts that are not asked for (any more); without, they leave.
    tell        : called with a `Progress` at the start and after every part.
    """

    def __init__(
        self,
        shards: Shards,
        parts: Sequence[Part],
        *,
        fresh: bool = False,
        keep_others: bool = False,
        tell: Callable[[Progress], None] | None = None,
    ) -> None:
        self._shards = shards
        self._parts = parts
        self._tell = tell or (lambda _: None)
        self.total = sum(part.count for part in parts)
        self._done = shards.finished()
        wanted = {part.name for part in parts}
        for shard in list(self._done.values()):
            if fresh or shard.part not in wanted:
                del self._done[shard.part]
                if not keep_others:
                    shards.remove(shard)
        self._kept = sum(shard.rows - shard.missing for shard in self._done.values())

    @property
    def missing(self) -> int:
        """Rows without a result."""
        return sum(shard.missing for shard in self._done.values())

    def each(self, cluster: Cluster, make: Callable[[], Work]) -> Iterator[Shard]:
        """Do what is left: parts without a shard, and of the others the rows that are missing.

        Gives every shard, those that were there first and then each as it is done.
        """
        yield from [shard for shard in self._done.values() if not shard.missing]
        todo = []
        for part in self._parts:
            before = self._done.get(part.name)
            if before is None or before.missing:
                todo.append(Task(part, before))
        done, missing = self._kept, 0
        self._tell(Progress(self.total, done, self._kept, 0))
        for task, shard in cluster.each(todo, make):
            self._done[task.name] = shard
            done += shard.rows - (task.before.rows - task.before.missing if task.before else 0)
            missing += shard.missing
            self._tell(Progress(self.total, done, self._kept, missing))
            yield shard

    def rows(self) -> Iterator[Row]:
        """The rows of all parts, in order. Raises `RunError` where a shard was damaged; it is then
        gone, and the same command makes it again."""
        for part in self._parts:
            yield from self._shards.read_again(self._done[part.name])
