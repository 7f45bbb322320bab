"""Step 9: write the measured figures into the card, between its marks.

python -m runs.built_in_judge.card
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from runs.built_in_judge.measure import Figure, shown
from snellen.judges import built_in

START, END = "<!-- figures -->", "<!-- end of figures -->"


def table(figures: dict[str, dict[str, Any]]) -> str:
    """Figures of both judges side by side, a table for each group of questions."""
    lines = []
    names = list(figures)
    first = figures[names[0]]
    for group in (key for key, value in first.items() if isinstance(value, dict)):
        lines += [f"| {group} | {' | '.join(f'`{name}`' for name in names)} |"]
        lines += ["| --- |" + " --- |" * len(names)]
        for label, value in first[group].items():
            if label == "examples":
                continue
            cells = [_cell(figures[name][group].get(label, value)) for name in names]
            lines.append(f"| {label} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    return shown(Figure(*value)) if isinstance(value, list) else shown(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/out/built_in_judge"))
    args = parser.parse_args()
    figures = {
        name: json.loads((args.out / f"figures-{name}-test.json").read_text())
        for name in built_in.NAMES
    }
    card = built_in.FOLDER / "CARD.md"
    before, _, rest = card.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    count = figures[built_in.NAMES[0]]
    head = f"{count['contents']} test contents, {count['pictures']} pictures.\n\n"
    card.write_text(f"{before}{START}\n{head}{table(figures)}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
