"""The page of a `score` run: distribution, problems, a gallery with maps, and what failed."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from snellen.reports import charts
from snellen.reports.colours import score_colour
from snellen.reports.score_rows import BINS, Digest, digest, page_data
from snellen.reports.shell import embed_packed, write_page
from snellen.reports.thumbnails import encoded_thumbnails
from snellen.runs import DONE, Rows, is_done, read_facts
from snellen.scorers.base import FAMILIES

PAGE = "report.html"
_SCRIPTS = (
    "dom.js",
    "model.js",
    "selection.js",
    "overview.js",
    "map.js",
    "gallery.js",
    "inspector.js",
    "export.js",
    "score.js",
)


def write_score_page(run_dir: Path, *, limit: int = 10_000) -> Path:
    """Write `report.html` into the run directory and return its path.

    run_dir : directory of a `score` run, finished or not.
    limit   : most pictures in the gallery. Beyond it the gallery holds the worst half of `limit`
              and a sample of the others; distribution and problems still count every picture.
    Raises `RunError` when `run_dir` is no run.
    """
    facts = read_facts(run_dir)
    summary = digest(Rows.of(run_dir), limit)
    return write_page(
        run_dir / PAGE,
        "score.html",
        title=f"Scores of {_places(facts)}",
        styles=("score.css",),
        scripts=_SCRIPTS if summary.scored else (),
        summary=summary,
        facts=_facts(run_dir, facts, summary),
        notice=_notice(run_dir, summary),
        data=embed_packed(page_data(summary)),
        thumbnails=encoded_thumbnails(run_dir, summary.gallery),
        static_histogram=_histogram(summary),
        static_problems=_problems(summary) if summary.problems else "",
    )


def _places(facts: dict[str, Any]) -> str:
    names = [Path(path).name or path for path in facts.get("paths", [])]
    if not names:
        return "pictures"
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _facts(run_dir: Path, facts: dict[str, Any], summary: Digest) -> list[tuple[str, str]]:
    """What the page says under its title, as (name, value)."""
    shown = [("scored", f"{summary.scored:,}"), ("missing", f"{summary.missing:,}")]
    if summary.quartiles is not None:
        low, median, high = summary.quartiles
        half = f" (middle half {low:.1f}–{high:.1f})" if summary.scored >= 4 else ""
        shown.append(("median", f"{median:.1f}{half}"))
    shown.append(("scorer", str(facts.get("scorer", "unknown"))))
    shown += [
        (name.replace("_", " "), str(value))
        for name, value in facts.get("options", {}).items()
        if value is not None and name != "scorer"
    ]
    shown.append(("run", _date(run_dir, facts)))
    return shown


def _date(run_dir: Path, facts: dict[str, Any]) -> str:
    """When the run ended, or else began; as recorded, in UTC."""
    text = str(facts.get("started", ""))
    if is_done(run_dir):
        text = str(json.loads((run_dir / DONE).read_text("utf-8")).get("finished", text))
    try:
        return datetime.fromisoformat(text).strftime("%d %B %Y, %H:%M %Z").lstrip("0")
    except ValueError:
        return text or "no date recorded"


def _notice(run_dir: Path, summary: Digest) -> str:
    """What a reader must know before trusting the page; empty when there is nothing."""
    parts = []
    if not is_done(run_dir):
        parts.append("This run was cut short; the same command again goes on with it.")
    if (shown := len(summary.gallery)) < summary.scored:
        parts.append(
            f"The gallery holds {shown:,} of {summary.scored:,} pictures: the worst {shown // 2:,} "
            "and a sample of the others. Grey bars count every picture, coloured ones the gallery."
        )
    return " ".join(parts)


def _problems(summary: Digest) -> charts.Svg:
    counts = [summary.problems[name] for name in FAMILIES]
    return charts.bars(FAMILIES, counts, title="Most probable problem")


def _histogram(summary: Digest) -> charts.Svg:
    width = 100 / BINS
    edges = [width * i for i in range(BINS + 1)]
    colours = [score_colour(edge + width / 2) for edge in edges[:-1]]
    return charts.histogram(
        edges, summary.histogram, title="Distribution of scores", x_label="score", colours=colours
    )
