"""Ray: reaching a cluster, and a plain callable over many parts in a pool of its actors.

    with Cluster("auto", gpus=1) as cluster:
        for part, told in cluster.each(parts, make):     # make() on every worker → told = f(part)
            …

What was told of a part comes as it is done, in any order. A worker that dies costs the parts it was
at: they are given out again to those that live, so a machine may leave and another join.
"""

from __future__ import annotations

import logging
import os
import pickle
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from snellen import __version__
from snellen.errors import InputError, MissingExtra, RunError, SnellenError
from snellen.runs import Closing

_TRIES = 3  # times that the parts left over are given out again, each time that some were done
_IN_FLIGHT = 2  # parts a worker has: one it does, one that waits, so that it never does


class Named(Protocol):
    """What is given out: it can be pickled, and `name` tells it from others."""

    @property
    def name(self) -> str: ...

    @property
    def first(self) -> str:
        """What a person knows it by."""


Item = TypeVar("Item", bound=Named)


class Cluster(Closing):
    """Workers on a Ray cluster.

    address : "auto" for the one this machine belongs to, HOST:6379 or ray://HOST:10001; None for
              the one that RAY_ADDRESS names, or else one on this machine, for as long as it is
              needed.
    workers : how many; None for as many as there is room for.
    cpus, gpus : that each takes.
    Raises `MissingExtra` without Ray, `RunError` where no cluster answers, `InputError` where
    there is no room for a single worker.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        workers: int | None = None,
        cpus: float = 1,
        gpus: float = 0,
    ) -> None:
        if cpus <= 0 or gpus < 0 or (workers is not None and workers < 1):
            raise InputError(
                f"{workers or 'any'} workers of {cpus:g} CPUs and {gpus:g} GPUs",
                "Give at least one worker and more than 0 CPUs each.",
            )
        self._ray = _ray()
        self.threads = max(1, int(cpus))  # of a worker
        self._takes = {"num_cpus": cpus, "num_gpus": gpus}
        self._ours = not self._ray.is_initialized()
        if self._ours:
            self._connect(address)
        try:
            self.workers = min(workers or 10**9, self._room())
        except BaseException:
            self.close()
            raise

    def each(
        self, parts: Sequence[Item], make: Callable[[], Callable[[Item], Any]]
    ) -> Iterator[tuple[Item, Any]]:
        """Call `make()` once on every worker and what it gives on every part.

        What the callable raises ends it all; what kills a worker does not.
        Raises `RunError` where parts are left that no worker survives.
        """
        left = {part.name: part for part in parts}
        fruitless = 0
        while left and fruitless < _TRIES:
            before = len(left)
            for name, told in self._round(list(left.values()), make):
                if isinstance(told, SnellenError):
                    raise told
                if name in left:
                    yield left.pop(name), told
            fruitless = fruitless + 1 if len(left) == before else 0
        if left:
            first = next(iter(left.values())).first
            raise RunError(
                f"{len(left)} parts are left, as every worker died on them; the first begins with"
                f" {first}",
                "See Ray's logs for the reason (memory, most often); everything else is kept.",
            )

    def ask(self, function: Callable[[], Any]) -> Any:
        """What `function` gives on a worker: for what only a machine with its resources can say."""
        task = self._ray.remote(**self._takes)(_guarded)
        told = self._ray.get(task.remote(function))
        if isinstance(told, SnellenError):
            raise told
        return told

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        if self._ours:
            self._ray.shutdown()

    def _connect(self, address: str | None) -> None:
        given = address or os.environ.get("RAY_ADDRESS")
        # Workers work with one thread each; more would only take each other's cores.
        environment = {"env_vars": {"OMP_NUM_THREADS": "1"}}
        local: dict[str, Any] = {} if given else {"include_dashboard": False}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._ray.init(
                    address=given or "local", runtime_env=environment, log_to_driver=False,
                    logging_level=logging.ERROR, **local,
                )  # fmt: skip
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise RunError(
                f"no Ray cluster answers at {given or 'this machine'} ({reason})",
                "Start one (ray start --head), or leave out --address.",
            ) from None

    def _room(self) -> int:
        """Workers that the cluster has room for. Raises `InputError` where it is none."""
        there = self._ray.cluster_resources()
        cpus, gpus = there.get("CPU", 0.0), there.get("GPU", 0.0)
        room = int(cpus // self._takes["num_cpus"])
        if self._takes["num_gpus"]:
            room = min(room, int(gpus // self._takes["num_gpus"]))
        if room < 1:
            raise InputError(
                f"no room for a worker: the cluster has {cpus:g} CPUs and {gpus:g} GPUs, and each"
                f" worker takes {self._takes['num_cpus']:g} and {self._takes['num_gpus']:g}",
                "Change --cpus and --gpus.",
            )
        return room

    def _round(self, parts: Sequence[Named], make: Callable[[], Any]) -> Iterator[tuple[str, Any]]:
        """Give out parts once; those of workers that die are not told of."""
        data = self._ray.data
        context = data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        # A worker that dies is not restarted in its place, as that may be gone for good: its parts
        # come to nothing, the pool puts another where there is room, and `each` gives them again.
        context.max_errored_blocks = -1
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        items = [{"part": pickle.dumps(part)} for part in parts]
        with warnings.catch_warnings():  # `max_restarts` has no other door yet
            warnings.simplefilter("ignore", DeprecationWarning)
            told = data.from_items(items, override_num_blocks=len(items)).map_batches(
                _Worker,
                fn_constructor_kwargs={"make": make, "version": __version__},
                batch_size=1,
                compute=data.ActorPoolStrategy(
                    min_size=1, max_size=self.workers, initial_size=self.workers,
                    max_tasks_in_flight_per_actor=_IN_FLIGHT,
                ),
                max_restarts=0,
                **self._takes,
            )  # fmt: skip
        for row in told.iter_rows():
            yield row["name"], pickle.loads(row["told"])


class _Worker:
    """What an actor is: it makes the callable for its first part, and never raises."""

    def __init__(self, make: Callable[[], Callable[[Any], Any]], version: str) -> None:
        self._make = make
        self._version = version
        self._work: Callable[[Any], Any] | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        part: Named = pickle.loads(batch["part"][0])
        told = _guarded(lambda: self._do(part))
        return {"name": [part.name], "told": [pickle.dumps(told)]}

    def _do(self, part: Named) -> Any:
        if self._work is None:
            if __version__ != self._version:
                what = f"a worker has Snellen {__version__}, and it was {self._version} that asked"
                raise RunError(what, "Install the same version everywhere.")
            self._work = self._make()
        return self._work(part)


def _guarded(function: Callable[[], Any]) -> Any:
    """What `function` gives, or its error as a `SnellenError`, which survives the journey."""
    try:
        return function()
    except SnellenError as error:
        return error
    except Exception as error:
        return RunError(f"a worker failed: {type(error).__name__}: {error}")


def _ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingExtra("ray", "ray", "work on several machines") from None
    return ray
