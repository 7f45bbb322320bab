"""Results of `evaluate` and `compare` as JSON values, and as tables in files."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from snellen.compare import Ranking
from snellen.errors import InputError
from snellen.evaluate import Evaluation
from snellen.runs import atomic
from snellen.stats import Comparison, Gap, Krasula

KINDS = (".html", ".json", ".csv")


def plain_evaluation(found: Evaluation) -> dict[str, Any]:
    """An evaluation as JSON values; what is missing is null and carries a reason."""
    scale = found.scale
    return {
        "scorer": found.name,
        "scores": found.source,
        "ratings": found.ratings,
        "scale": {
            "name": scale.name, "low": _number(scale.low), "high": _number(scale.high),
            "observed": scale.observed, "higher_is_better": scale.higher_is_better,
        },
        "n": found.n,
        "unscored": found.unscored,
        "references": found.clusters or None,
        "figures": {figure.key: figure.plain() for figure in found.figures},
        "parted_by": found.parted_by or None,
        "parts": [
            {
                "name": part.name, "n": part.n,
                "srcc": part.srcc.plain(), "plcc": part.plcc.plain(),
            }
            for part in found.parts
        ],
        "smallest_gap": _gap(found.gap),
        "furthest": [
            {
                "image": found.image[row],
                "score": float(found.scores[row]),
                "mos": float(found.mos[row]),
                "predicted": float(found.predicted[row]),
                "residual": float(found.residual[row]),
            }
            for row in found.furthest()
        ],
        "warnings": list(found.warnings),
    }  # fmt: skip


def plain_ranking(found: Ranking) -> dict[str, Any]:
    """A comparison as JSON values."""
    return {
        "scorers": list(found.names),
        "scores": list(found.sources),
        "ratings": found.ratings,
        "n": found.n,
        "left_out": found.left_out,
        "ranking": list(found.srcc.ranking),
        "best": list(found.srcc.best),
        "groups": [list(group) for group in found.srcc.groups],
        "srcc": _tests(found.srcc),
        "plcc_logistic4_cross_fitted": _tests(found.plcc),
        "krasula": _krasula(found.krasula),
        "images_needed": {"power": found.power, "table": [list(row) for row in found.needed]},
        "parted_by": found.parted_by or None,
        "parts": [
            {"name": part.name, "n": part.n, "srcc": _tests(part.tests)} for part in found.parts
        ],
        "evaluations": [plain_evaluation(one) for one in found.evaluations],
        "warnings": list(found.warnings),
    }


def check_output(path: Path) -> None:
    """Raise `InputError` for a file whose ending says nothing or whose directory is not there."""
    if path.suffix.lower() not in KINDS:
        raise InputError(
            f"{path} has no known ending", f"Give it one of {', '.join(KINDS)}: page, all, images."
        )
    if not path.parent.is_dir():
        raise InputError(f"the directory {path.parent} does not exist", "Make it first.")


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Everything, as one JSON object."""
    _write(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def write_images(path: Path, columns: dict[str, Any]) -> None:
    """One row an image, as CSV; `columns` are name → (n,) values, NaN becomes an empty cell."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow(["" if _is_nan(cell) else cell for cell in row])
    _write(path, text.getvalue())


def image_columns(found: Evaluation) -> dict[str, Any]:
    """The columns of `write_images` for one scorer."""
    return {
        "image": found.image,
        "score": found.scores.tolist(),
        "mos": found.mos.tolist(),
        "predicted": found.predicted.tolist(),
        "residual": found.residual.tolist(),
    }


def _write(path: Path, text: str) -> None:
    with atomic(path) as file:
        file.write(text.encode("utf-8", "surrogateescape"))


def _tests(found: Comparison | str) -> dict[str, Any]:
    if isinstance(found, str):
        return {"value": None, "reason": found}
    return {
        "value": [one.value for one in found.correlations],
        "low": [_number(one.low) for one in found.correlations],
        "high": [_number(one.high) for one in found.correlations],
        "difference": found.difference.tolist(),
        "difference_low": found.low.tolist(),
        "difference_high": found.high.tolist(),
        "between": found.between.tolist(),
        "p_bootstrap": _table(found.p_bootstrap),
        "p_williams": _table(found.p_williams),
        "p_steiger": _table(found.p_steiger),
        "p_holm": _table(found.p_holm),
        "test": found.test,
        "alpha": found.alpha,
        "better": found.better.tolist(),
    }


def _krasula(found: Krasula | str) -> dict[str, Any]:
    if isinstance(found, str):
        return {"value": None, "reason": found}
    return {
        "different_similar": [one.value for one in found.different_similar],
        "better_worse": [one.value for one in found.better_worse],
        "correct": [one.value for one in found.correct],
        "p_different_similar": _table(found.p_different_similar),
        "p_better_worse": _table(found.p_better_worse),
        "p_correct": _table(found.p_correct),
        "different": found.different,
        "similar": found.similar,
        "sampled": found.sampled,
    }


def _gap(found: Gap | str) -> dict[str, Any]:
    if isinstance(found, str):
        return {"value": None, "reason": found}
    return {
        "ideal": _number(found.ideal),
        "practical": _number(found.practical),
        "resolving": _number(found.resolving),
        "rule": found.rule,
        "pairs": found.pairs,
    }


def _table(values: Any) -> list[list[float | None]]:
    return [[_number(cell) for cell in row] for row in np.asarray(values).tolist()]


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _is_nan(cell: object) -> bool:
    return isinstance(cell, float) and math.isnan(cell)
