"""Make each picture once, ask every judge about it, write the row; go on where it was stopped."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from snellen.audit import sanity
from snellen.audit.material import Item, Material
from snellen.audit.sitting import chosen, facts, sitting
from snellen.errors import ImageError
from snellen.images import Picture
from snellen.judges import Judge
from snellen.runs import Progress, Run

if TYPE_CHECKING:
    from snellen.scoring import Method

_AT_ONCE = 8  # pictures whose questions make one batch
_THREADS = 2  # make pictures while the judge works; distortions leave Python's lock
VERSION = 1  # of the questions; part of every row's identity


@dataclass(frozen=True)
class _Made:
    """One item with its pictures, or the reason why there are none."""

    item: Item
    picture: Picture | None
    pristine: Picture | None
    problem: str


def identity(judge: Judge, method: Method) -> str:
    """What the rows of a judge depend on besides the picture."""
    return f"{judge.name} | {method.name} | audit {VERSION}"


def row_name(number: int, item: Item) -> str:
    """The row of judge `number`, so that rows of one judge stand together when sorted."""
    return f"{number}/{item.name}"


class Asks(Protocol):
    """Who makes the pictures and asks the judges: this process, or workers elsewhere."""

    def __call__(
        self, todo: Sequence[Item], deep: set[str], kept: set[str]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """The row of every judge about each item, by `row_name`, in any order.

        deep : names of the items to ask about in other words, orders and files, too.
        kept : names of rows that are not needed.
        """
        ...


@dataclass(frozen=True)
class Questioner:
    """Asks judges that are here."""

    judges: Sequence[Judge]
    method: Method
    material: Material

    def __call__(
        self, todo: Sequence[Item], deep: set[str], kept: set[str]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        for batch in _made(self.material, todo):
            for number, judge in enumerate(self.judges):
                new = [one for one in batch if row_name(number, one.item) not in kept]
                rows = _ask(judge, self.method, new, deep)
                for one, row in zip(new, rows, strict=True):
                    yield row_name(number, one.item), row


def collect(
    judges: Sequence[Judge],
    method: Method,
    material: Material,
    run: Run,
    *,
    thorough: int,
    progress: Callable[[Progress], None] | None = None,
    elsewhere: Asks | None = None,
) -> None:
    """Ask everything that the run does not hold yet, and finish the run.

    thorough  : how many pictures are asked in other words, orders and files, too.
    elsewhere : who asks instead of this process; `judges` are then known by name only.
    """
    items = [*material.items, *sanity.items()]
    total = len(items) * len(judges)
    names = {row_name(number, item) for number in range(len(judges)) for item in items}
    kept = {name for name in names if _kept(run, name, judges, method)}
    todo = [
        item
        for item in items
        if any(row_name(number, item) not in kept for number in range(len(judges)))
    ]
    done, missing = len(kept), 0
    asks = elsewhere or Questioner(judges, method, material)
    for name, row in asks(todo, chosen(material.items, thorough), kept):
        run.append({"image": name, "scorer": identity(judges[_judge_of(name)], method), **row})
        done += 1
        missing += row["missing"] is not None
        if progress is not None:
            progress(Progress(total, done, len(kept), missing))
    run.finish(sorted(names))


def _judge_of(name: str) -> int:
    return int(name.partition("/")[0])


def _kept(run: Run, name: str, judges: Sequence[Judge], method: Method) -> bool:
    """Whether a row is there, from the same judge and questions, and not missing."""
    entry = run.get(name)
    return (
        entry is not None
        and not entry.missing
        and entry.scorer == identity(judges[_judge_of(name)], method)
    )


def _ask(
    judge: Judge, method: Method, batch: Sequence[_Made], deep: set[str]
) -> list[dict[str, Any]]:
    """The rows of some pictures: one batch of questions, those of a picture side by side."""
    sittings = [
        None
        if one.picture is None
        else sitting(
            one.item, one.picture, one.pristine, judge.can, method, thorough=one.item.name in deep
        )
        for one in batch
    ]
    asked = [question for one in sittings if one for question in one.questions]
    answers = judge.answer(asked) if asked else []
    rows, start = [], 0
    for made, one in zip(batch, sittings, strict=True):
        if one is None:
            rows.append(_unmade(made))
            continue
        rows.append(one.row(answers[start : start + len(one.questions)]))
        start += len(one.questions)
    return rows


def _unmade(made: _Made) -> dict[str, Any]:
    nothing: dict[str, Any] = {"label": None, "mass": None, "score": None, "asked": {}}
    why = {"missing": made.problem, "score_missing": made.problem}
    return {**facts(made.item), **nothing, **why}


def _made(material: Material, items: Sequence[Item]) -> Iterator[list[_Made]]:
    """Batches of items with their pictures, at most two batches ahead of who asks."""
    waiting: deque[Future[_Made]] = deque()
    left = iter(items)
    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            while True:
                while len(waiting) < 2 * _AT_ONCE and (item := next(left, None)) is not None:
                    waiting.append(pool.submit(_make, material, item))
                if not waiting:
                    return
                count = min(_AT_ONCE, len(waiting))
                yield [waiting.popleft().result() for _ in range(count)]
        finally:
            for future in waiting:
                future.cancel()


def _make(material: Material, item: Item) -> _Made:
    try:
        if item.type == sanity.TYPE:
            return _Made(item, sanity.picture(item), None, "")
        return _Made(item, material.picture(item), material.pristine(item), "")
    except ImageError as error:
        return _Made(item, None, None, str(error))
