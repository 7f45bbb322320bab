"""Give a seed's network its second opinion, trained alone and weighed on validation.

    OMP_NUM_THREADS=1 python -m runs.built_in_scorer.second --cache A B --seed 0

Naturalness is fitted first, because its features are among the statistics that are read. These are
computed once for every training sample, a few layers learn the same labels from them, and the share
of their opinion is the one of a grid that is best on validation contents, by the measure `finish`
chooses the seed with. A quarter of an hour, three seeds side by side on two cores.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from runs.built_in_scorer.finish import calibrate, merit, predict
from runs.built_in_scorer.natural import fit, pristine_crops
from runs.built_in_scorer.train import Shards, ranking
from snellen.students.network import ScorerNetwork
from snellen.students.second import SecondOpinion

CROPS = 6  # of the stored ones
EPOCHS, GROUPS_A_BATCH, RATE = 20, 42, 3e-3
RANK = 1.0
SHARES = tuple(i / 20 for i in range(15))


def statistics_of(network: ScorerNetwork, data: Shards, seed: int) -> Tensor:
    """Statistics of every training sample, (n, width)."""
    assert network.second is not None
    rng = np.random.default_rng((seed, 2))
    found, done = [], 0
    with torch.inference_mode():
        for crops in data.crops:
            for start in range(0, len(crops), 90):
                part = crops[start : start + 90]
                shown = np.ascontiguousarray(part[:, rng.permutation(part.shape[1])[:CROPS]])
                whole = data.whole[done : done + len(part)]
                seen = network.see(torch.from_numpy(shown), torch.from_numpy(whole))
                found.append(network.second.measure(seen))
                done += len(part)
    return torch.cat(found).clone()


def learn(second: SecondOpinion, statistics: Tensor, data: Shards, seed: int) -> None:
    """Train `second` on the statistics (n, width) of the samples of `data`."""
    torch.manual_seed(seed)
    second.middle.copy_(statistics.mean(0))
    second.inverse.copy_(1 / (statistics.std(0) + 1e-6))
    opinion, families = torch.from_numpy(data.opinion), torch.from_numpy(data.families)
    apart = torch.from_numpy(data.apart(np.arange(data.groups)))
    steps = EPOCHS * (data.groups // GROUPS_A_BATCH)
    optimizer = torch.optim.AdamW(second.parameters(), lr=RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    second.train()
    for _ in range(steps):
        groups = torch.randint(0, data.groups, (GROUPS_A_BATCH,))
        rows = (groups[:, None] * 3 + torch.arange(3)).ravel()
        score, logits = second(statistics[rows])
        naming = -(families[rows] * F.log_softmax(logits, 1)).sum(1).mean()
        loss = ((score - opinion[rows]) ** 2).mean() + naming
        loss = loss + RANK * ranking(score, opinion[rows], apart[groups])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    second.eval()


def weigh(network: ScorerNetwork, validation: Path) -> dict[float, float]:
    """Set the share of the second opinion that is best on `validation`; the merit of each."""
    assert network.second is not None
    # The prediction is a straight line in the share, so its two ends say all.
    ends = []
    for share in (0.0, 1.0):
        network.second.weight.fill_(share)
        out, labels = predict(network, validation)
        ends.append(out)
    merits = {}
    for share in SHARES:
        mixed = ends[0]._replace(
            score=torch.lerp(ends[0].score, ends[1].score, share),
            families=torch.lerp(ends[0].families, ends[1].families, share),
        )
        merits[share] = merit(calibrate(mixed, labels))
    network.second.weight.fill_(min(merits, key=lambda share: merits[share]))
    return merits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--cache", type=Path, nargs="+", default=[Path("runs/cache/built_in_scorer")]
    )
    parser.add_argument("--out", type=Path, default=Path("runs/out/built_in_scorer"))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    data = Shards(*args.cache)
    folder = args.out / f"seed-{args.seed}"
    network = ScorerNetwork(second=True, natural=True).eval()
    network.load_state_dict(torch.load(folder / "network.pt", weights_only=True), strict=False)
    second, natural = network.second, network.natural
    assert second is not None
    assert natural is not None
    print(f"naturalness of {fit(natural, pristine_crops(args.cache))} sharp crops", flush=True)
    learn(second, statistics_of(network, data, args.seed), data, args.seed)
    merits = weigh(network, args.cache[0] / "validation")
    torch.save(network.state_dict(), folder / "fused.pt")
    shown = ", ".join(f"{share:.2f}: {value:.4f}" for share, value in merits.items())
    print(f"{folder.name}: share {float(second.weight):.2f} of {{{shown}}}", flush=True)


if __name__ == "__main__":
    main()
