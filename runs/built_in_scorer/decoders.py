"""Pictures as a generator's decoder leaves them: photos through small autoencoders of our own.

    OMP_NUM_THREADS=1 python -m runs.built_in_scorer.decoders --data ../shared/data

What generators of pictures have in common is the last step: a learned network paints pixels from a
coarse code. It smears what the code did not keep, invents texture and leaves its grid. Three
autoencoders that differ in how they enlarge are trained on the training photos, two of them also
against a critic, as generators are; noise on the code, up to little of it being left, is the dial
(after learned compression, Ballé et al. 2017, where noise stands for rounding). All ours; twenty to
forty minutes for the three, side by side (`--kind`) on two cores that do other work too. Resumable:
a decoder that exists is not trained again.
"""

from __future__ import annotations

import argparse
import time
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from runs.built_in_scorer.photos import photos, pristine, role
from snellen.distortions.planes import Planes, from_uint8, to_uint8

FOLDER = Path("runs/cache/decoders")
KINDS = ("nearest", "shuffle", "transposed")  # how each enlarges
CRITICISED = ("nearest", "shuffle")
STRIDE, CODE = 8, 32  # pixels a side and channels of one place of the code
NOISE = (0.03, 2.0)  # on a code in [-1, 1], weakest and strongest that it learns from
AMOUNTS = (0.1, 1.5)  # of it in a chain; weaker looks the same, stronger is no picture any more
SCALES = (0.5, 0.75, 1.0, 1.25)  # at which a picture passes through
PHOTOS, SIDE, BATCH, STEPS, RATE = 400, 96, 8, 3_000, 1e-3
CRITIC_FROM, CRITIC = 1_000, 0.02  # step it begins at, weight of its word


class Autoencoder(nn.Module):
    """RGB in [-1, 1] (N, 3, h, w), sides multiples of `STRIDE` → the same, by way of a code."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            _down(3, 32), _down(32, 64), _down(64, 96), nn.Conv2d(96, CODE, 3, 1, 1), nn.Tanh()
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(CODE + 1, 96, 3, 1, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(96, 96, 3, 1, 1), nn.LeakyReLU(0.2),
            _up(96, 64, kind), _up(64, 32, kind), _up(32, 24, kind), nn.Conv2d(24, 3, 3, 1, 1),
        )  # fmt: skip

    def forward(self, x: Tensor, noise: Tensor, amount: Tensor) -> Tensor:
        """noise : deviations, of the code's shape; amount (N,) multiplies them and is told to the
        decoder."""
        code = self.encoder(x) + noise * amount[:, None, None, None]
        told = torch.log(amount)[:, None, None, None].expand(-1, 1, *code.shape[2:])
        return self.decoder(torch.cat([code, told], 1))


def _down(cin: int, cout: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(cin, cout, 5, 2, 2), nn.LeakyReLU(0.2))


def _up(cin: int, cout: int, kind: str) -> nn.Sequential:
    enlarge: list[nn.Module]
    if kind == "nearest":
        enlarge = [nn.Upsample(scale_factor=2), nn.Conv2d(cin, cout, 3, 1, 1)]
    elif kind == "shuffle":
        enlarge = [nn.Conv2d(cin, 4 * cout, 3, 1, 1), nn.PixelShuffle(2)]
    else:
        enlarge = [nn.ConvTranspose2d(cin, cout, 3, 2, 1, 1)]
    return nn.Sequential(*enlarge, nn.LeakyReLU(0.2))


def _critic() -> nn.Sequential:
    """Patches of 22 pixels a side: real or painted?"""
    return nn.Sequential(
        nn.Conv2d(3, 32, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(32, 64, 4, 2, 1),
        nn.LeakyReLU(0.2), nn.Conv2d(64, 1, 4, 1, 1),
    )  # fmt: skip


def train(kind: str, paths: list[Path]) -> Autoencoder:
    """An autoencoder of `kind`, from crops of these photos."""
    torch.manual_seed(KINDS.index(kind))
    rng = np.random.default_rng(KINDS.index(kind))
    pictures = [pristine(path, rng) for path in paths]
    network, critic = Autoencoder(kind).train(), _critic()
    ours = torch.optim.Adam(network.parameters(), RATE, betas=(0.5, 0.99))
    theirs = torch.optim.Adam(critic.parameters(), RATE / 4, betas=(0.5, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(ours, STEPS)
    started, error = time.time(), 0.0
    for step in range(STEPS):
        x = _batch(pictures, rng)
        amount = torch.exp(torch.empty(BATCH).uniform_(*np.log(NOISE)))
        noise = torch.randn(BATCH, CODE, SIDE // STRIDE, SIDE // STRIDE)
        made = network(x, noise, amount)
        loss = F.l1_loss(made, x)
        error = 0.98 * error + 0.02 * float(loss.detach())
        heard = kind in CRITICISED and step >= CRITIC_FROM
        if heard:
            loss = loss - CRITIC * critic(made).mean()
        ours.zero_grad()
        loss.backward()
        ours.step()
        schedule.step()
        if heard:
            fooled = F.relu(1 + critic(made.detach())).mean() + F.relu(1 - critic(x)).mean()
            theirs.zero_grad()
            fooled.backward()
            theirs.step()
        if step % 250 == 249:
            spent = (time.time() - started) / 60
            print(f"{kind} {step + 1}/{STEPS} error {error:.4f} after {spent:.1f} min", flush=True)
    return network.eval()


def _batch(pictures: list[np.ndarray], rng: np.random.Generator) -> Tensor:
    crops = []
    for i in rng.integers(len(pictures), size=BATCH):
        height, width = pictures[i].shape[:2]
        y, x = rng.integers(height - SIDE + 1), rng.integers(width - SIDE + 1)
        crop = pictures[i][y : y + SIDE, x : x + SIDE]
        crops.append(crop[:, ::-1] if rng.random() < 0.5 else crop)
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 127.5 - 1


@lru_cache
def trained(kind: str) -> Autoencoder:
    """The autoencoder of this kind."""
    network = Autoencoder(kind).eval()
    try:
        network.load_state_dict(torch.load(FOLDER / f"{kind}.pt", weights_only=True))
    except FileNotFoundError:
        raise SystemExit("no decoders; run: python -m runs.built_in_scorer.decoders") from None
    return network


def decoded(planes: Planes, amount: float, rng: np.random.Generator) -> Planes:
    """Through one of the decoders: planes (3, h, w), 0–1, there and back.

    amount : 0–1, evenly over the logarithm of the noise. Which decoder and at what scale are drawn,
    so one photo at several amounts is a ladder.
    """
    network = trained(str(rng.choice(KINDS)))
    scale = rng.choice(SCALES)
    height, width = planes.shape[1:]
    sides = [max(SIDE, round(side * scale / STRIDE) * STRIDE) for side in (width, height)]
    image = Image.fromarray(to_uint8(planes)).resize(sides, Image.Resampling.LANCZOS)
    low, high = np.log(AMOUNTS)
    noise = rng.standard_normal((1, CODE, sides[1] // STRIDE, sides[0] // STRIDE), np.float32)
    with torch.inference_mode():
        x = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 127.5 - 1
        level = torch.tensor([np.exp(low + (high - low) * amount)], dtype=torch.float32)
        made = network(x, torch.from_numpy(noise), level)[0]
    pixels = to_uint8(np.clip((made.numpy() + 1) / 2, 0, 1))
    back = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
    return from_uint8(np.asarray(back))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--kind", choices=KINDS, nargs="*", default=KINDS)
    args = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    paths = [path for path in photos(args.data) if role(path) == "train"]
    chosen = np.random.default_rng(0).choice(len(paths), min(PHOTOS, len(paths)), replace=False)
    for kind in args.kind:
        if not (FOLDER / f"{kind}.pt").exists():
            network = train(kind, [paths[i] for i in chosen])
            torch.save(network.state_dict(), FOLDER / f"{kind}.part")
            (FOLDER / f"{kind}.part").replace(FOLDER / f"{kind}.pt")


if __name__ == "__main__":
    main()
