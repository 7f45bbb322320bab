"""Options of every verb that asks a judge for scores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from snellen.scoring import Method

MethodName = Annotated[
    str | None, typer.Option(help="How a judge is asked: levels, debias, contrast … [levels]")
]
CopiesOption = Annotated[
    str | None,
    typer.Option(help="Ruined copies to debias with: 1–4, photo, document, or fog:4,jpeg:5."),
]
AsPublished = Annotated[
    bool, typer.Option("--as-published", help="Debias exactly as in the paper.")
]
AnchorsOption = Annotated[
    Path | None, typer.Option(help="A good photo: compare with five degraded copies of it.")
]


def asked_by(
    method: str | None, copies: str | None, as_published: bool, anchors: Path | None
) -> Method | None:
    """The method of `--method`, `--copies`, `--as-published` and `--anchors`; None without any.

    Copies alone mean `debias`. Raises `UnknownName` and `InputError` as `make_method` does.
    """
    if anchors is not None:
        return _anchored(anchors, method is None and copies is None and not as_published)
    if method is None and copies is None and not as_published:
        return None
    from snellen.errors import InputError
    from snellen.scoring import make_method

    options: dict[str, Any] = {}
    if copies is not None:
        options["copies"] = int(copies) if copies.isdigit() else copies
    if as_published:
        if copies is not None:
            raise InputError(
                "--as-published has copies of its own", "Leave out --copies or --as-published."
            )
        options["as_published"] = True
    return make_method(method or "debias", **options)


def _anchored(photo: Path, alone: bool) -> Method:
    from snellen.errors import InputError
    from snellen.scoring.anchors import Anchors

    if not alone:
        raise InputError(
            "--anchors is a method of its own",
            "Leave out --method, --copies and --as-published, or --anchors.",
        )
    return Anchors(photo)
