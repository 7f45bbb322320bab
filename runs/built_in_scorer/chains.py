"""Faults as pictures meet them outside a laboratory: one after the other. All ours.

The catalogue's distortions come one or two at a time, on a clean photo. A camera blurs, exposes,
counts photons, smooths, sharpens and compresses; a generator paints flat, enlarges and leaves a
grid; the web scales and compresses again. A *chain* is a draw of such steps, each with a share of
its full strength, so that one chain at several strengths is a ladder.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from runs.built_in_scorer.decoders import decoded
from snellen.distortions import Family, blur, camera, color, compression
from snellen.distortions.catalogue import Recipe
from snellen.distortions.planes import Planes, from_uint8, gaussian, guided, to_uint8

Rng = np.random.Generator


class Step(NamedTuple):
    """One link of a chain.

    family : what it is named as, where it is the worst of its picture.
    weak, strong : the recipe's parameter at strength 0 and 1; between them it runs evenly.
    """

    family: Family
    recipe: Recipe
    weak: float
    strong: float


def smoothed(planes: Planes, tolerance: float, rng: Rng) -> Planes:
    """A camera's noise reduction: flat within edges. tolerance : variance of what goes flat."""
    return guided(planes, size=5, tolerance=tolerance)


def painted(planes: Planes, radius: float, rng: Rng) -> Planes:
    """Brush strokes: each pixel takes the mean of the calmest of its four neighbouring squares.

    Source: Kuwahara et al. 1976. radius : pixels; fractions mix two radii.
    """
    low = int(radius)
    share = np.float32(radius - low)
    small = _kuwahara(planes, low) if low else planes
    return small if share < 0.05 else (1 - share) * small + share * _kuwahara(planes, low + 1)


def _kuwahara(planes: Planes, radius: int) -> Planes:
    size = radius + 1
    mean = ndimage.uniform_filter(planes, (0, size, size), mode="nearest")
    square = ndimage.uniform_filter(planes**2, (0, size, size), mode="nearest")
    spread = (square - mean**2).sum(0)
    # The filter's squares are centred; moved by half a side they become the four quadrants.
    back, forth = size // 2, (size - 1) // 2
    moves = [(down, right) for down in (back, -forth) for right in (back, -forth)]
    spreads = np.stack([np.roll(spread, move, (0, 1)) for move in moves])
    means = np.stack([np.roll(mean, move, (1, 2)) for move in moves])
    calmest = np.broadcast_to(spreads.argmin(0)[None, None], (1, *planes.shape))
    return np.asarray(np.take_along_axis(means, calmest, 0)[0], np.float32)


def enlarged(planes: Planes, factor: float, rng: Rng) -> Planes:
    """Averaged down by `factor` and enlarged again by Lanczos' kernel."""
    h, w = planes.shape[1:]
    small = (max(8, round(w / factor)), max(8, round(h / factor)))
    kinds = Image.Resampling.BOX, Image.Resampling.LANCZOS
    image = Image.fromarray(to_uint8(planes)).resize(small, kinds[0]).resize((w, h), kinds[1])
    return from_uint8(np.asarray(image))


def sharpened(planes: Planes, amount: float, rng: Rng) -> Planes:
    """Unsharp mask of a camera or an editor: radius one pixel, every channel."""
    sharper: Planes = planes + np.float32(amount) * (planes - gaussian(planes, 1.0))
    return sharper


def checkered(planes: Planes, amount: float, rng: Rng) -> Planes:
    """The grid that learned upsampling leaves: a random tile of 2, 4 or 8 pixels, repeated.

    amount : its deviation beside the local deviation of the picture. Source of the fault: Odena
    et al. 2016.
    """
    size = int(rng.choice([2, 4, 8]))
    tile = rng.standard_normal((3, size, size)).astype(np.float32)
    tile = 0.7 * tile[:1] + 0.3 * tile  # mostly grey
    tile -= tile.mean((1, 2), keepdims=True)
    tile /= tile.std() + np.float32(1e-6)
    h, w = planes.shape[1:]
    pattern = np.tile(tile, (1, h // size + 1, w // size + 1))[:, :h, :w]
    mean = ndimage.uniform_filter(planes, (0, 9, 9), mode="nearest")
    square = ndimage.uniform_filter(planes**2, (0, 9, 9), mode="nearest")
    local = np.sqrt(np.maximum(square - mean**2, 0)) + np.float32(0.01)
    return np.asarray(planes + np.float32(amount) * local * pattern, np.float32)


def repeated(planes: Planes, amount: float, rng: Rng) -> Planes:
    """Texture told twice: the picture's detail once more, a few pixels beside itself."""
    detail = planes - gaussian(planes, 2.0)
    angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(5, 16)
    move = round(reach * np.sin(angle)), round(reach * np.cos(angle))
    return np.asarray(planes + np.float32(amount) * np.roll(detail, move, (1, 2)), np.float32)


def tinted(planes: Planes, amount: float, rng: Rng) -> Planes:
    """White balance missed: gains of the channels, mean one, about `amount` apart."""
    gains = rng.standard_normal(3)
    gains = 1 + amount * (gains - gains.mean()) / (gains.std() + 1e-6)
    return planes * gains.astype(np.float32)[:, None, None]


def jpeg_off_grid(planes: Planes, quality: float, rng: Rng) -> Planes:
    """JPEG whose blocks do not start at the corner: what a crop of a JPEG carries."""
    down, right = int(rng.integers(1, 8)), int(rng.integers(1, 8))
    inner = compression.jpeg(np.ascontiguousarray(planes[:, down:, right:]), quality, rng)
    out = planes.copy()
    out[:, down:, right:] = inner
    return out


STEPS: dict[str, Step] = {
    "defocus": Step("blur", blur.gaussian_blur, 0.3, 2.5),
    "shake": Step("blur", blur.motion_blur, 1, 9),
    "under-exposed": Step("brightness", camera.under_exposure, 0, 2.2),
    "over-exposed": Step("brightness", camera.over_exposure, 0, 1.3),
    "photons": Step("noise", camera.sensor_noise, 0.0002, 0.009),
    "smoothed": Step("blur", smoothed, 1e-5, 0.006),
    "painted": Step("blur", painted, 0.2, 4),
    "enlarged": Step("blur", enlarged, 1, 4),
    "sharpened": Step("contrast", sharpened, 0.1, 3),
    "checkered": Step("jitter", checkered, 0, 0.7),
    "repeated": Step("jitter", repeated, 0, 0.8),
    "tinted": Step("colorfulness", tinted, 0, 0.25),
    "faded": Step("colorfulness", color.saturation_hsv, 1, 0.2),
    "jpeg": Step("compression", compression.jpeg, 96, 12),
    "jpeg-off-grid": Step("compression", jpeg_off_grid, 96, 15),
    "webp": Step("compression", compression.webp, 95, 5),
    "decoded": Step("blur", decoded, 0, 1),
}

# Where the chain comes from: (step, how often it takes part), in the order of nature.
Sources = dict[str, tuple[tuple[str, float], ...]]
SOURCES: Sources = {
    "camera": (
        ("defocus", 0.5), ("shake", 0.2), ("under-exposed", 0.35), ("over-exposed", 0.25),
        ("photons", 0.75), ("smoothed", 0.6), ("tinted", 0.25), ("sharpened", 0.5), ("jpeg", 0.7),
    ),
    "generator": (
        ("painted", 0.5), ("smoothed", 0.35), ("enlarged", 0.5), ("checkered", 0.4),
        ("repeated", 0.25), ("sharpened", 0.4), ("faded", 0.15), ("jpeg", 0.3),
    ),
    "web": (
        ("enlarged", 0.6), ("sharpened", 0.4), ("jpeg-off-grid", 0.7), ("enlarged", 0.2),
        ("webp", 0.25), ("jpeg", 0.8),
    ),
}  # fmt: skip

# A generator's last step learned and not made by hand. Apart from the others, so that faults which
# no scorer was taught remain to choose by.
DECODED: Sources = {
    "decoder": (
        ("decoded", 1), ("repeated", 0.15), ("enlarged", 0.25), ("sharpened", 0.25),
        ("faded", 0.15), ("jpeg", 0.35),
    ),
}  # fmt: skip

Chain = tuple[tuple[str, float], ...]


def draw(rng: Rng, sources: Sources = SOURCES, fewest: int = 2) -> Chain:
    """`fewest` to four steps of one source, in order: (step, share of the chain's strength)."""
    source = sources[str(rng.choice(list(sources)))]
    while True:
        taken = [name for name, often in source if rng.random() < often]
        if fewest <= len(taken) <= 4:
            return tuple((name, round(float(rng.uniform(0.2, 1)), 3)) for name in taken)


def apply(
    pixels: np.ndarray, chain: Chain, strength: float, seed: int
) -> list[tuple[Family, np.ndarray]]:
    """What each step of `chain` makes of `pixels` (h, w, 3) uint8, one after the other.

    strength : 0–1, of the whole chain. Randomness depends on `seed` and the step only, so that
    two strengths are rungs of one ladder.
    """
    states = []
    planes = from_uint8(pixels)
    for i, (name, share) in enumerate(chain):
        step = STEPS[name]
        parameter = step.weak + (step.strong - step.weak) * share * strength
        rng = np.random.Generator(np.random.PCG64(seed + i))
        planes = np.clip(step.recipe(planes, parameter, rng), 0, 1)
        states.append((step.family, to_uint8(planes)))
    return states
