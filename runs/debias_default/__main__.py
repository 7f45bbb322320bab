"""Ask a judge everything that the candidates read, and print what each is worth."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from runs.debias_default.candidates import candidates, questions, reader
from runs.debias_default.pictures import Rated, pictures
from snellen.judges import Answer, Memory, load_judge
from snellen.stats import srcc

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Worth:
    """What a candidate is worth on one part.

    srcc, low, high : with the opinions; 95 % interval by resampling contents.
    content         : spread of scores over contents at the same distortion, over the spread of the
                      distortions' means: 0 = only quality counts. Interval likewise.
    asked           : questions a picture.
    """

    called: str
    srcc: float
    low: float
    high: float
    content: float
    content_low: float
    content_high: float
    asked: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--judge", default="built-in")
    parser.add_argument("--part", choices=("validation", "test"), default="validation")
    parser.add_argument("--contents", type=int, default=24)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache/debias_default"))
    parser.add_argument("--out", type=Path, default=Path("runs/out/debias_default"))
    given = parser.parse_args()
    for folder in (given.cache, given.out):
        folder.mkdir(parents=True, exist_ok=True)
    rated, said = _asked(given)
    opinions = np.array([one.opinion for one in rated])
    contents = np.array([one.content for one in rated])
    applied = np.array([one.applied for one in rated])
    found = []
    for candidate in candidates():
        read = reader(candidate)
        scores = np.array([read(answers) for answers in said])
        agreement = srcc(scores, opinions, clusters=contents)
        spread, low, high = content_spread(scores, contents, applied)
        found.append(
            Worth(
                candidate.called,
                agreement.value,
                agreement.low,
                agreement.high,
                spread,
                low,
                high,
                len(candidate.places),
            )
        )
    name = f"{given.judge.replace('/', '-').replace(':', '-')}-{given.part}.json"
    rows = [worth.__dict__ for worth in found]
    (given.out / name).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(f"{given.judge}, {given.contents} {given.part} contents, {len(rated)} pictures")
    print("| candidate | questions | SRCC | content spread |\n| --- | --- | --- | --- |")
    for worth in sorted(found, key=lambda one: -one.srcc):
        print(
            f"| {worth.called} | {worth.asked}"
            f" | {worth.srcc:.3f} [{worth.low:.3f}, {worth.high:.3f}]"
            f" | {worth.content:.2f} [{worth.content_low:.2f}, {worth.content_high:.2f}] |"
        )


def _asked(given: argparse.Namespace) -> tuple[list[Rated], list[dict[str, list[Answer]]]]:
    """All pictures and all answers about each, by group."""
    rated: list[Rated] = []
    said: list[dict[str, list[Answer]]] = []
    with Memory(load_judge(given.judge), given.cache / "answers.db", batch=1024) as judge:
        for one in pictures(given.data, given.part, given.contents):
            asked = questions(one.picture)
            answers = iter(judge.answer([q for some in asked.values() for q in some]))
            said.append({group: [next(answers) for _ in some] for group, some in asked.items()})
            rated.append(one)
            print(f"\r{len(rated)} pictures", end="", flush=True)
    print()
    return rated, said


def content_spread(
    scores: Floats, contents: npt.NDArray[np.int64], applied: npt.NDArray[np.int64]
) -> tuple[float, float, float]:
    """Spread over contents at the same distortion / spread of the distortions' means; 95 %
    percentile interval over 1,000 draws of contents.

    scores, contents, applied : (n,) every content has every distortion once.
    """
    table = np.full((contents.max() + 1, applied.max() + 1), np.nan)
    table[contents, applied] = scores
    rng = np.random.default_rng(0)
    draws = [_spread(table[rng.integers(0, len(table), len(table))]) for _ in range(1000)]
    low, high = np.quantile(draws, (0.025, 0.975))
    return _spread(table), float(low), float(high)


def _spread(table: Floats) -> float:
    between = table.mean(axis=0).std()
    return float(np.sqrt(table.var(axis=0, ddof=1).mean()) / between) if between else np.inf


if __name__ == "__main__":
    main()
