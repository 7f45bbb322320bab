"""Is it ink on paper, or drawn by a program, rather than a photo? Ours.

Where there is print, blocks that hold an edge hold two values, paper and ink, little between them,
and more paper than ink. In photos edges are soft and neither side leads. Thresholds were set on
every sixth photo of our folders (0 of 261 above them), two scans and a drawn page.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_SIDE = 8  # pixels of a block
_EDGE = 60  # grey levels between the darkest and the lightest pixel of a block with an edge
_EDGES = 0.15  # share of such blocks, at least
_BETWEEN = 0.25  # share of their pixels in the middle 40 % of the block's reach, at most
_PAPER = 0.595  # share of their pixels in the lightest 30 % of it, at least


def screen_content(pixels: npt.NDArray[np.uint8]) -> bool:
    """Whether (h, w, 3) pixels look like a document or a screen with text, dark on light."""
    height, width = (side // _SIDE * _SIDE for side in pixels.shape[:2])
    if not height or not width:
        return False
    gray = pixels[:height, :width].mean(axis=2, dtype=np.float32)
    blocks = gray.reshape(height // _SIDE, _SIDE, width // _SIDE, _SIDE).swapaxes(1, 2)
    blocks = blocks.reshape(-1, _SIDE * _SIDE)
    reach = np.ptp(blocks, axis=1)
    edges = reach > _EDGE
    if edges.mean() < _EDGES:
        return False
    place = (blocks[edges] - blocks[edges].min(axis=1, keepdims=True)) / reach[edges, None]
    between = float(((place > 0.3) & (place < 0.7)).mean())
    return between <= _BETWEEN and float((place > 0.7).mean()) >= _PAPER
