"""An audit as JSON and CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snellen.audit.findings import Findings, table_of
from snellen.audit.questions import LABELS
from snellen.audit.rates import Rate
from snellen.audit.reliability import Reliability
from snellen.audit.reliability import plain as plain_reliability
from snellen.audit.sheet import Sheet
from snellen.runs import atomic
from snellen.runs.files import write_json

if TYPE_CHECKING:
    from snellen.audit.auditing import Audit


def plain(value: Any) -> Any:
    """Dataclasses of the audit as JSON values; NaN becomes None, a figure keeps its interval."""
    if isinstance(value, Rate):
        return value.plain()
    if isinstance(value, Reliability):
        return plain_reliability(value)
    if is_dataclass(value) and not isinstance(value, type):
        found = {one.name: plain(getattr(value, one.name)) for one in fields(value)}
        if isinstance(value, Findings):
            found["headline"] = value.headline
        return found
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value


def write_findings(path: Path, found: Mapping[str, Any]) -> None:
    """All figures as one JSON file."""
    write_json(path, found)


def write_types(path: Path, findings: Sequence[Findings]) -> None:
    """A row a judge and type: verdict, naming, ladder."""
    _write(path, table_of(findings))


def write_pictures(path: Path, sheets: Sequence[Sheet]) -> None:
    """A row a judge and picture: what was said of it."""
    rows = (
        {
            "judge": number,
            "reference": sheet.reference[row],
            "type": sheet.type[row],
            "level": int(sheet.level[row]),
            "place": int(sheet.place[row]),
            "family": LABELS[sheet.truth[row]],
            "said": LABELS[sheet.said[row]] if sheet.named[row] else "",
            **{
                f"p_{label}": "" if math.isnan(p) else f"{p:.4f}"
                for label, p in zip(LABELS, sheet.label[row].tolist(), strict=True)
            },
            "score": "" if math.isnan(sheet.score[row]) else f"{sheet.score[row]:.2f}",
        }
        for number, sheet in enumerate(sheets, 1)
        for row in range(len(sheet))
    )
    _write(path, rows)


def _write(path: Path, rows: Any) -> None:
    """Rows of the same keys as CSV, in one step."""
    text = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(text, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)
    with atomic(path) as file:
        file.write(text.getvalue().encode("utf-8", "backslashreplace"))


def audit_plain(found: Audit) -> dict[str, Any]:
    """An audit as JSON values."""
    values: dict[str, Any] = plain(found)
    return values
