"""Options of the verbs that run here or on a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from snellen.scale import Cluster


class Engine(str, Enum):
    local = "local"
    ray = "ray"


EngineOption = Annotated[
    Engine, typer.Option(help="Where the work is done: this machine, or a cluster of Ray.")
]
AddressOption = Annotated[
    str | None,
    typer.Option(help="The cluster: auto, HOST:6379, ray://HOST:10001. [default: one made here]"),
]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, help="Workers. [default: as many as there is room for]")
]
CpusOption = Annotated[float | None, typer.Option(help="CPUs a worker takes. [default: 1]")]
GpusOption = Annotated[float | None, typer.Option(help="GPUs a worker takes. [default: 0]")]
ShardsOption = Annotated[
    str | None,
    typer.Option(help="Folder or URL of the Parquet shards. [default: in the run directory]"),
]
PartOption = Annotated[
    int | None, typer.Option(min=1, help="Pictures a worker does at a time, about.")
]
GatherOption = Annotated[
    bool, typer.Option(help="Lay the rows out here in the end, for table and page.")
]


@dataclass(frozen=True)
class Where:
    """What was said of the cluster."""

    address: str | None = None
    workers: int | None = None
    cpus: float | None = None
    gpus: float | None = None
    shards: str | None = None
    part: int | None = None
    gather: bool = True

    def check(self, engine: Engine, **without: object) -> None:
        """Refuse what has no effect on the other engine, with `InputError`.

        without : options that a cluster cannot follow, by name.
        """
        from snellen.errors import InputError

        if engine is Engine.ray:
            given, fix = without, "Leave it out, or work on this machine: --engine local."
        else:
            given = {**vars(self), "gather": None if self.gather else False}
            fix = "Add --engine ray."
        for name, value in given.items():
            if value is not None:
                option = "--no-gather" if name == "gather" else f"--{name}"
                raise InputError(f"{option} has no effect with --engine {engine.value}", fix)

    def cluster(self) -> Cluster:
        from snellen.scale import Cluster

        return Cluster(self.address, workers=self.workers, cpus=self.cpus or 1, gpus=self.gpus or 0)
