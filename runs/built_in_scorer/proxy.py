"""A full-reference proxy for human severity, where no human table exists (ours).

The severity table gives a human mean for 25 types × 5 levels. Mixes, camera-like chains and the
catalogue's other types have none. Here the *original is known*, so a few full-reference measures
(structure, contrast and luminance of SSIM, gradient similarity, colour, clipping) are fitted to
the table and then asked about what the table does not hold. `fit` reports how well that works on
types left out of the fit: the honest figure for a distortion it has never seen.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from sklearn.ensemble import HistGradientBoostingRegressor

PRISTINE = 4.65  # mean opinion of a picture nothing was done to, as read off the table


def luma_chroma(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """uint8 (h, w, 3) → Y, Cb, Cr in [0, 1]-like units, float32."""
    r, g, b = (pixels[..., i].astype(np.float32) / 255 for i in range(3))
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return y, 0.564 * (b - y), 0.713 * (r - y)


def _half(x: np.ndarray) -> np.ndarray:
    h, w = x.shape[0] // 2 * 2, x.shape[1] // 2 * 2
    x = x[:h, :w]
    return (x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]) / 4


def _structure(a: np.ndarray, b: np.ndarray) -> list[float]:
    """Of one scale: SSIM's three parts, gradient similarity, energies; a is the original."""
    mean_a, mean_b = ndimage.uniform_filter(a, 7), ndimage.uniform_filter(b, 7)
    var_a = np.maximum(ndimage.uniform_filter(a * a, 7) - mean_a**2, 0)
    var_b = np.maximum(ndimage.uniform_filter(b * b, 7) - mean_b**2, 0)
    cov = ndimage.uniform_filter(a * b, 7) - mean_a * mean_b
    c1, c2 = 1e-4, 9e-4
    light = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    contrast = (2 * np.sqrt(var_a * var_b) + c2) / (var_a + var_b + c2)
    shape = (cov + c2 / 2) / (np.sqrt(var_a * var_b) + c2 / 2)
    ga, gb = (np.hypot(x[:-1, 1:] - x[:-1, :-1], x[1:, :-1] - x[:-1, :-1]) for x in (a, b))
    similar = (2 * ga * gb + 2.6e-3) / (ga**2 + gb**2 + 2.6e-3)
    flat = var_a <= np.quantile(var_a, 0.3)
    deviation = np.sqrt(var_a), np.sqrt(var_b)
    return [
        float(light.mean()),
        float(contrast.mean()),
        float(shape.mean()),
        float(np.quantile(shape, 0.1)),
        float(similar.mean()),
        float(similar.std()),
        float(np.log((gb.mean() + 1e-3) / (ga.mean() + 1e-3))),
        float(np.log((deviation[1].mean() + 1e-3) / (deviation[0].mean() + 1e-3))),
        float(np.log((deviation[1][flat].mean() + 3e-3) / (deviation[0][flat].mean() + 3e-3))),
    ]


def features(original: np.ndarray, degraded: np.ndarray) -> np.ndarray:
    """Full-reference measures of `degraded` against `original`, both uint8 (h, w, 3)."""
    a, b = luma_chroma(original), luma_chroma(degraded)
    out: list[float] = []
    ya, yb = a[0], b[0]
    for _ in range(3):
        out += _structure(ya, yb)
        ya, yb = _half(ya), _half(yb)
    ca = [_half(_half(x)) for x in a]
    cb = [_half(_half(x)) for x in b]
    chroma_a, chroma_b = np.hypot(*ca[1:]), np.hypot(*cb[1:])
    shift = np.hypot(ca[1] - cb[1], ca[2] - cb[2])
    fine = [
        np.abs((x - y) - ndimage.uniform_filter(x - y, 5)).mean() for x, y in zip(a, b, strict=True)
    ]
    out += [
        float(np.log10(((a[0] - b[0]) ** 2).mean() + 1e-5)),
        float(b[0].mean() - a[0].mean()),
        float(np.log((b[0].std() + 1e-2) / (a[0].std() + 1e-2))),
        float(shift.mean()),
        float(np.quantile(shift, 0.95)),
        float(np.log((chroma_b.mean() + 5e-3) / (chroma_a.mean() + 5e-3))),
        *(float(np.log10(x + 1e-4)) for x in fine),
        float(((degraded == 0) | (degraded == 255)).mean()),
    ]
    return np.asarray(out, np.float32)


class SeverityProxy:
    """Mean opinion (1–5) of a degraded photo, its original being known."""

    def __init__(self, seed: int = 0) -> None:
        self._model = HistGradientBoostingRegressor(
            max_iter=250, learning_rate=0.06, max_leaf_nodes=12, l2_regularization=1.0,
            random_state=seed,
        )  # fmt: skip

    def fit(self, x: np.ndarray, opinion: np.ndarray) -> SeverityProxy:
        """x (n, k) from `features`; opinion (n,) means of the severity table, 1–5."""
        self._model.fit(x, opinion)
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Mean opinion of each row, clipped to [1, PRISTINE]."""
        return np.clip(self._model.predict(x), 1.0, PRISTINE)
