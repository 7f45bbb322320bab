"""How many comparisons an image does a tournament need? The table of docs/tournament.md.

    python -m runs.tournament_size

Judges are simulated: quality is normal over 60 images, log-odds are its difference times the gain
plus noise of the pair. What is compared with is what the same judge would say of all pairs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import expit
from scipy.stats import spearmanr

from snellen.scoring.pairing import next_round
from snellen.scoring.pairs import Verdict
from snellen.scoring.standing import final, provisional

N, SEEDS = 60, 8
JUDGES = {  # name → gain, noise, whether it only votes
    "sharp": (3.0, 0.5, False),
    "noisy": (3.0, 3.0, False),
    "weak": (1.0, 1.0, False),
    "votes, sharp": (3.0, 0.0, True),
    "votes, weak": (1.0, 0.0, True),
}


def run(judge: str, per_image: int, seed: int) -> tuple[float, float, float]:
    """SRCC with the share of wins over all pairs, mean half-width, share of intervals that hold."""
    gain, noise, votes = JUDGES[judge]
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=N)
    wobble = np.triu(rng.normal(size=(N, N)) * noise, 1)
    chance = expit(gain * np.subtract.outer(quality, quality) + wobble - wobble.T)
    said = np.triu(rng.random((N, N)) < chance, 1)
    said = (said + np.tril(~said.T, -1)).astype(float) if votes else chance
    played: list[tuple[int, int]] = []
    verdicts: list[Verdict] = []
    for number in range(per_image):
        standing = provisional(N, played, verdicts) if played else np.zeros(N)
        new = next_round(standing, played, number, str(seed))
        verdicts += [Verdict(p, p, p, 1.0) for p in (float(said[pair]) for pair in new)]
        played += new
    found = final(N, played, verdicts)
    wins = 100 * (chance.sum(axis=1) - 0.5) / (N - 1)
    wins = wins[np.array(found.comparisons.items, dtype=int)]
    holds = np.mean((found.low <= wins) & (wins <= found.high))
    half = np.mean(found.high - found.low) / 2
    return float(spearmanr(found.percent, wins).statistic), float(half), float(holds)


def table() -> Iterator[str]:
    """Markdown: means over the seeds."""
    yield "| judge | comparisons an image | SRCC with all pairs | ± points | intervals that hold |"
    yield "| --- | --- | --- | --- | --- |"
    for judge in JUDGES:
        for per_image in (4, 8, 16):
            means = np.mean([run(judge, per_image, seed) for seed in range(SEEDS)], axis=0)
            yield f"| {judge} | {per_image} | {means[0]:.3f} | {means[1]:.1f} | {means[2]:.0%} |"


if __name__ == "__main__":
    for line in table():
        print(line, flush=True)
