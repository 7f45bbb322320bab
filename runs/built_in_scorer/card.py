"""Put the measured figures into the card, so that none is copied by hand.

    python -m runs.built_in_scorer.card

Reads what `measure` saved and rewrites what lies between the two markers in CARD.md.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

CARD = Path("src/snellen/scorers/built_in/CARD.md")
START, END = "<!-- figures -->", "<!-- end of figures -->"
SHIPPED = "built-in"
REAL = {"pcuid": "pcuid (148 underwater photos)", "avt-ai": "avt-ai (75, mostly generated)"}


def _cell(figure: dict[str, float]) -> str:
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def _over_seeds(figures: list[dict[str, float]]) -> str:
    return ", ".join(f"{figure['value']:.3f}" for figure in figures)


def tables(results: dict[str, dict[str, Any]]) -> str:
    """Markdown tables: held-out contents, then the human-rated sets with the baselines."""
    seeds = sorted(name for name in results if name.startswith("seed-"))
    lines = [
        "| held-out contents, never used for any choice | shipped file [95 %] | each seed |",
        "| --- | --- | --- |",
    ]
    for label, figure in results[SHIPPED]["test"].items():
        others = _over_seeds([results[seed]["test"][label] for seed in seeds])
        lines.append(f"| {label} | {_cell(figure)} | {others} |")
    baselines = [name for name in results if name not in seeds and name != SHIPPED]
    for name in baselines:
        label, figure = next(iter(results[name]["test"].items()))
        lines.append(f"| *baseline, {name}*: {label} | {_cell(figure)} | |")
    lines += ["", "| SRCC with people's ratings |" + "".join(f" {t} |" for t in REAL.values())]
    lines.append("| --- |" + " --- |" * len(REAL))
    for name in [SHIPPED, *seeds, *baselines]:
        cells = [_cell(results[name][real][name]) for real in REAL]
        shown = "**shipped file**" if name == SHIPPED else name
        lines.append(f"| {shown} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/out/built_in_scorer"))
    args = parser.parse_args()
    results = json.loads((args.out / "figures-test.json").read_text(encoding="utf-8"))
    before, _, rest = CARD.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    CARD.write_text(f"{before}{START}\n{tables(results)}\n{END}{after}", encoding="utf-8")
    print(f"wrote {CARD}")


if __name__ == "__main__":
    main()
