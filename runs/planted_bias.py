"""Does debiasing take out a content bias of known size? The table of docs/content-index.md.

    python -m runs.planted_bias --seeds 3 --contents 12

Defaults were chosen on seeds 0–6; figures are of 100 and above. Each seed is a world of its own
(`snellen.scoring.planted`): scenes, offsets and noise anew. Every method scores the same pictures
with the same judges; intervals: Student's t over worlds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from scipy.stats import spearmanr, t

from snellen.judges import Question
from snellen.scoring import Method, make_method
from snellen.scoring.content_index import content_index
from snellen.scoring.planted import World, planted_share

OUT = Path(__file__).parent / "out" / "planted_bias.json"
Row: TypeAlias = dict[str, float | str | int]
OFFSET = 0.25
JUDGES = {  # name → offset, trust
    "listens as claimed": (OFFSET, 0.9),
    "listens by half": (OFFSET, 0.5),
    "does not listen": (OFFSET, 0.0),
    "no bias": (0.0, 0.9),
}
METHODS = {
    "two-words": make_method("two-words"),
    "levels": make_method("levels"),
    "contrast": make_method("contrast"),
    "debias": make_method("debias"),
    "debias, copy only": make_method("debias", alone=0.0),
    "debias --copies 4": make_method("debias", copies=4),
    "debias --as-published": make_method("debias", as_published=True),
}


def rows(seed: int, contents: int, methods: Mapping[str, Method]) -> Iterator[Row]:
    """Every method with every judge in one world."""
    base = World.make(contents, offset=1.0, seed=seed)
    quality = [view.quality for view in base.views]
    table = (
        [str(view.content) for view in base.views],
        [view.type for view in base.views],
        [view.level for view in base.views],
    )
    for name, method in methods.items():
        asked = [method.questions(view.picture) for view in base.views]
        for judge, (offset, trust) in JUDGES.items():
            world = replace(base, offsets=base.offsets * offset, trust=trust)
            scores = _scores(world, method, asked)
            yield {
                "seed": seed,
                "method": name,
                "judge": judge,
                "srcc": float(spearmanr(scores, quality).statistic),
                "planted": planted_share(scores, world) if offset else 0.0,
                "index": content_index(scores, *table, resamples=40).value,
            }


def _scores(world: World, method: Method, asked: list[list[Question]]) -> list[float]:
    judge = world.judge()
    return [method.score(judge.answer(questions)).value for questions in asked]


def summary(found: list[Row], methods: Iterable[str]) -> Iterator[str]:
    """A Markdown table: mean and 95 % interval over the worlds."""
    yield "| judge | method | SRCC | planted variance removed | content index |"
    yield "| --- | --- | --- | --- | --- |"
    for judge, (offset, _) in JUDGES.items():
        plain = _column(found, judge, "levels", "planted")
        for method in methods:
            left = _column(found, judge, method, "planted")
            removed = _interval(100 * (1 - left / plain), 0, " %") if offset else "–"
            srcc = _interval(_column(found, judge, method, "srcc"), 3)
            index = _interval(_column(found, judge, method, "index"), 2)
            yield f"| {judge} | {method} | {srcc} | {removed} | {index} |"


def _column(found: list[Row], judge: str, method: str, what: str) -> np.ndarray:
    kept = [row for row in found if (row["judge"], row["method"]) == (judge, method)]
    return np.array([row[what] for row in sorted(kept, key=lambda row: row["seed"])])


def _interval(values: np.ndarray, digits: int, unit: str = "") -> str:
    half = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    return f"{values.mean():.{digits}f} ± {half:.{digits}f}{unit}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=100)
    parser.add_argument("--contents", type=int, default=12)
    parser.add_argument("--methods", nargs="*", choices=METHODS, default=list(METHODS))
    given = parser.parse_args()
    methods = {name: METHODS[name] for name in ("levels", *given.methods)}  # against levels
    found: list[Row] = []
    for seed in range(given.first_seed, given.first_seed + given.seeds):
        found += rows(seed, given.contents, methods)
        print(f"world {seed} done", flush=True)
        OUT.parent.mkdir(parents=True, exist_ok=True)
        OUT.write_text(json.dumps(found, indent=1))
    print("\n".join(summary(found, methods)))


if __name__ == "__main__":
    main()
