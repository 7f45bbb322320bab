"""Options of the verbs that run here or on a cluster: the fields of `Where` are the options."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import Enum
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from snellen.scale import Cluster


class Engine(str, Enum):
    local = "local"
    ray = "ray"


@dataclass(frozen=True)
class Where:
    """Where the work is done, and what was said of the cluster."""

    engine: Annotated[
        Engine, typer.Option(help="Where the work is done: this machine, or a cluster of Ray.")
    ] = Engine.local
    address: Annotated[
        str | None,
        typer.Option(
            help="The cluster: auto, HOST:6379, ray://HOST:10001. [default: one made here]"
        ),
    ] = None
    workers: Annotated[
        int | None, typer.Option(min=1, help="Workers. [default: as many as there is room for]")
    ] = None
    cpus: Annotated[float | None, typer.Option(help="CPUs a worker takes. [default: 1]")] = None
    gpus: Annotated[float | None, typer.Option(help="GPUs a worker takes. [default: 0]")] = None
    shards: Annotated[
        str | None,
        typer.Option(help="Folder or URL of the Parquet shards. [default: in the run directory]"),
    ] = None
    part: Annotated[
        int | None, typer.Option(min=1, help="Pictures a worker does at a time, about.")
    ] = None

    @property
    def on_ray(self) -> bool:
        return self.engine is Engine.ray

    def check(self, **without: object) -> None:
        """Refuse what has no effect on the other engine, with `InputError`.

        without : options that a cluster cannot follow, by name; None where they were not given.
        """
        from snellen.errors import InputError

        if self.on_ray:
            given, fix = without, "Leave it out, or work on this machine: --engine local."
        else:
            said = {field.name: getattr(self, field.name) for field in fields(self)[1:]}
            given = {name: None if value is True else value for name, value in said.items()}
            fix = "Add --engine ray."
        for name, value in given.items():
            if value is not None:
                option = f"--no-{name}" if value is False else f"--{name}"
                raise InputError(f"{option} has no effect with --engine {self.engine.value}", fix)

    def cluster(self) -> Cluster:
        from snellen.scale import Cluster

        return Cluster(self.address, workers=self.workers, cpus=self.cpus or 1, gpus=self.gpus or 0)


@dataclass(frozen=True)
class WhereRows(Where):
    """Likewise, of a verb whose rows may stay on the cluster."""

    gather: Annotated[
        bool, typer.Option(help="Lay the rows out here in the end, for table and page.")
    ] = True


def here_or_on_cluster(command: Callable[..., None]) -> Callable[..., None]:
    """A verb with the options of the class that its last parameter, `where`, is of.

    typer reads options off a signature and knows no groups of them, so the signature is made here.
    """
    *own, where = inspect.signature(command, eval_str=True).parameters.values()
    kind = where.annotation
    options = inspect.signature(kind, eval_str=True).parameters
    everything = [*own, *options.values()]

    @wraps(command)
    def verb(**given: Any) -> None:
        said = kind(**{name: given.pop(name) for name in options})
        command(**given, where=said)

    verb.__signature__ = inspect.Signature(everything)  # type: ignore[attr-defined]
    verb.__annotations__ = {one.name: one.annotation for one in everything}
    return verb
