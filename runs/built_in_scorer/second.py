"""Give a seed's network its second opinion, trained alone and weighed on validation.

    OMP_NUM_THREADS=1 python -m runs.built_in_scorer.second --cache A B --seed 0

Naturalness is fitted first, because its features are among the statistics that are read. These are
computed once for every training sample and kept, a few layers learn the same labels from them, and
the share of their opinion is the one of a grid that is best on validation contents: by the measure
`finish` chooses the seed with, and by the ladders. Twenty minutes, three seeds side by side on two
cores; a few where the statistics are there. They stay what they are while the stem's filters do
(`train --keep-filters`).
"""

from __future__ import annotations

import argparse
import hashlib
import inspect
import json
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from runs.built_in_scorer.finish import calibrate, merit, predict
from runs.built_in_scorer.measure import ladder_steps
from runs.built_in_scorer.natural import fit, parts_of, pristine_crops
from runs.built_in_scorer.train import Shards, ranking
from snellen.students.naturalness import Naturalness
from snellen.students.network import ScorerNetwork
from snellen.students.second import SecondOpinion
from snellen.students.stem import Stem

CROPS = (4, 6, 9)  # of the stored ones; any number must do, so the number varies
ROWS = 90  # samples seen at once
EPOCHS, GROUPS_A_BATCH, RATE = 20, 42, 3e-3
RANK = 1.0
SHARES = tuple(i / 20 for i in range(15))


def statistics_of(network: ScorerNetwork, data: Shards, seed: int, kept: Path) -> Tensor:
    """Statistics of every training sample, (n, width); those of a shard are kept in `kept`."""
    folder = kept / _digest_of(network)
    folder.mkdir(parents=True, exist_ok=True)
    found, done = [], 0
    for file, crops in zip(data.files, data.crops, strict=True):
        taken = json.loads((file.parent / "taken.json").read_text())
        name = f"{round(100 * taken)}-{file.stem}.npy"
        store = folder / f"{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}-{name}"
        if not store.exists():
            whole = data.whole[done : done + len(crops)]
            rng = np.random.default_rng((seed, zlib.crc32(name.encode())))
            partial = store.with_suffix(".part.npy")
            np.save(partial, statistics_of_shard(network, crops, whole, rng))
            partial.replace(store)
        found.append(torch.from_numpy(np.load(store)))
        done += len(crops)
    return torch.cat(found)


def statistics_of_shard(
    network: ScorerNetwork, crops: np.ndarray, whole: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Statistics of the samples of one shard, some of the crops of each, (n, width)."""
    assert network.second is not None
    found = []
    with torch.inference_mode():
        for start in range(0, len(crops), ROWS):
            part, n = crops[start : start + ROWS], int(rng.choice(CROPS))
            shown = np.ascontiguousarray(part[:, rng.permutation(part.shape[1])[:n]])
            views = torch.from_numpy(shown), torch.from_numpy(whole[start : start + ROWS])
            found.append(network.second.measure(network.see(*views)).numpy())
    return np.concatenate(found)


def _digest_of(network: ScorerNetwork) -> str:
    """Of all that statistics depend on beside the samples: filters, naturalness and the source."""
    assert network.natural is not None
    parts = (network.stem.mean, network.stem.detail, network.natural.middle, network.natural.axes)
    found = hashlib.sha256(b"".join(part.detach().numpy().tobytes() for part in parts))
    for part in (Stem, Naturalness, SecondOpinion):
        found.update(Path(inspect.getfile(part)).read_bytes())
    return found.hexdigest()[:12]


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
    """Set the share of the second opinion that is best on `validation`; of each the sum of `merit`
    and of the part of the ladder steps that go the wrong way (lower is better)."""
    assert network.second is not None
    files = sorted(validation.glob("*.npz"))
    contents = np.concatenate([np.load(file)["group"] for file in files])
    parts = parts_of(validation)
    # The prediction is a straight line in the share, so its two ends say all.
    ends = []
    for share in (0.0, 1.0):
        network.second.weight.fill_(share)
        out, labels = predict(network, validation)
        ends.append(out)
    found = {}
    for share in SHARES:
        mixed = ends[0]._replace(
            score=torch.lerp(ends[0].score, ends[1].score, share),
            families=torch.lerp(ends[0].families, ends[1].families, share),
        )
        steps, _ = ladder_steps(parts, contents, mixed.score.numpy())
        if not len(steps):
            raise SystemExit(f"no ladder in {validation}: it takes a photo with whole ones")
        found[share] = merit(calibrate(mixed, labels)) + 1 - float(steps.mean())
    network.second.weight.fill_(min(found, key=lambda share: found[share]))
    return found


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
    statistics = statistics_of(network, data, args.seed, folder / "statistics")
    learn(second, statistics, data, args.seed)
    found = weigh(network, args.cache[0] / "validation")
    torch.save(network.state_dict(), folder / "fused.pt")
    shown = ", ".join(f"{share:.2f}: {value:.4f}" for share, value in found.items())
    print(f"{folder.name}: share {float(second.weight):.2f} of {{{shown}}}", flush=True)


if __name__ == "__main__":
    main()
