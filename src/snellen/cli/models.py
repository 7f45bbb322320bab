"""`snellen models`: the judges and scorers there are, with licences, sizes and needs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli.screen import screen

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from rich.table import Table


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """List scorers, kinds of judges and models to start from.

    Licences are of the code that runs a model and of its weights; a model that is not listed works
    too, as hf:OWNER/MODEL.
    """
    found = {
        "scorers": _scorers(),
        "judges": _judges(),
        "kinds": _kinds(),
        "models": _models(),
    }
    if as_json:
        typer.echo(json.dumps(found))
        return

    console = screen()
    for title, rows, headings in (
        ("scorers: snellen score --with NAME", found["scorers"], _SCORER_COLUMNS),
        ("judges that lie in the package: --judge NAME", found["judges"], _JUDGE_COLUMNS),
        ("kinds of judges: --judge SCHEME:ADDRESS", found["kinds"], _KIND_COLUMNS),
        ("models to start from: --judge hf:NAME", found["models"], _MODEL_COLUMNS),
    ):
        console.print(_grid(title, rows, headings))
    console.print(
        "GB: at 16 bits a parameter. Code: transformers, Apache-2.0; no code of a model's own is"
        " run. products: whether the licence allows them, – under conditions; as stated on the"
        " models' pages: read it before use.",
        style="dim",
        highlight=False,
    )


# key of a row -> heading
_SCORER_COLUMNS = {
    "name": "name",
    "megabytes": "MB",
    "code_license": "code",
    "license": "weights",
    "needs": "needs",
}
_JUDGE_COLUMNS = {
    "name": "name",
    "megabytes": "MB",
    "code_license": "code",
    "license": "weights",
    "needs": "needs",
    "missing": "not installed",
}
_KIND_COLUMNS = {
    "scheme": "scheme",
    "from": "from",
    "code_license": "code",
    "needs": "needs",
    "missing": "not installed",
}
_MODEL_COLUMNS = {
    "name": "name",
    "gigabytes": "GB",
    "images": "images",
    "license": "weights",
    "commercial": "products",
}


def _scorers() -> list[dict[str, Any]]:
    """The scorer that ships with the package."""
    from snellen.scorers.built_in import FOLDER

    size = (FOLDER / "built-in.onnx").stat().st_size
    return [
        {
            "name": "built-in",
            "megabytes": round(size / 1e6, 1),
            "code_license": "Apache-2.0",
            "license": "Apache-2.0",
            "needs": "nothing else",
        }
    ]


def _judges() -> list[dict[str, Any]]:
    """The judges that ship with the package."""
    from snellen.judges import built_in
    from snellen.judges.catalogue import NEEDS, missing_packages

    return [
        {
            "name": name,
            "megabytes": round(sum(p.stat().st_size for p in built_in.shipped(name)) / 1e6, 1),
            "code_license": "Apache-2.0",
            "license": "Apache-2.0",
            "needs": f"nothing else; {', '.join(NEEDS['built-in'])} to be looked into and tuned",
            "missing": ", ".join(missing_packages("built-in")) or None,
        }
        for name in built_in.NAMES
    ]


def _kinds() -> list[dict[str, Any]]:
    """Every scheme that an installed package offers."""
    from snellen.judges.catalogue import NEEDS, missing_packages
    from snellen.judges.registry import origin, schemes

    return [
        {
            "scheme": scheme,
            "from": origin(point),
            "code_license": _license(point),
            "needs": ", ".join(NEEDS[scheme]) or "nothing else" if scheme in NEEDS else None,
            "missing": ", ".join(missing_packages(scheme)) or None,
        }
        for scheme, point in schemes().items()
    ]


def _models() -> list[dict[str, Any]]:
    """The catalogue, smallest first."""
    from snellen.judges.catalogue import MODELS

    return [
        {
            "name": model.name,
            "family": model.family,
            "billions": model.billions,
            "gigabytes": round(model.gigabytes, 1),
            "images": model.images,
            "code_license": model.code_license,
            "license": model.license,
            "commercial": model.commercial,
        }
        for model in sorted(MODELS, key=lambda model: model.billions)
    ]


def _license(point: EntryPoint) -> str | None:
    """What a package's metadata say its licence is."""
    stated = point.dist.metadata.json if point.dist else {}
    found = stated.get("license_expression") or stated.get("license")
    return None if found is None else str(found)


def _grid(title: str, rows: list[dict[str, Any]], headings: dict[str, str]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    grid = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for key, heading in headings.items():
        numbers = all(isinstance(row[key], (int, float)) or row[key] is None for row in rows)
        grid.add_column(
            heading,
            justify="right" if numbers else "left",
            overflow="fold",
            no_wrap=key == "name",  # to be copied whole
        )
    for row in rows:
        grid.add_row(*(Text(_cell(key, row[key])) for key in headings))
    return grid


def _cell(key: str, value: Any) -> str:
    """A value as people read it."""
    if key == "images":
        return "many" if value is None else str(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else str(value)
