"""What the projector's tokens must already say, before the language model has read them.

The loss of the answers alone reaches the tower through everything in between, and in a training of
an hour little of it arrives. So two more losses look at the tokens themselves (both are ours):

- *aligned*: the mean of a picture's projected tokens, read by the language model's own last layer
  as if it were an answer, names the level, the family and the strength of the fault. It is what
  the audit calls alignment, taught;
- *cells*: the tower's tokens still tell what the built-in scorer's network says of the same
  32 × 32 pixels, so that what step 1 taught is not unlearnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from runs.built_in_judge import wordings as w
from runs.built_in_judge.packing import tokens
from runs.built_in_judge.questions import Facts, levels, logistic
from runs.built_in_judge.vision import WIDTHS
from snellen.distortions import FAMILIES
from snellen.scorers import built_in
from snellen.scorers.base import SEVERITY_WORDS
from snellen.students.start import network_of

_WORDS: tuple[tuple[str, ...], ...] = (w.LEVELS, FAMILIES, SEVERITY_WORDS, ("good", "poor"))


def _wanted(facts: Facts) -> list[list[float]]:
    """Probabilities of the words of each group of `_WORDS`."""
    strength = levels(float(facts.severity.max()), SEVERITY_WORDS[::-1])
    good = logistic((facts.worth - 0.5) / 0.11)
    return [
        list(levels(facts.worth).values()),
        facts.families.tolist(),
        [strength[word] for word in SEVERITY_WORDS],
        [good, 1 - good],
    ]


class Sight(nn.Module):
    """Both losses; `cells` is a layer of its own, which only training needs."""

    def __init__(self) -> None:
        super().__init__()
        teacher = network_of(built_in.FOLDER / "built-in.onnx")
        teacher.to(memory_format=torch.channels_last)
        self._teacher = [teacher]  # in a list: its weights are not ours to save or to train
        self.cells = nn.Linear(WIDTHS[-1], teacher.cell_score.in_features)
        self._ids = [torch.tensor([tokens(word)[0] for word in words]) for words in _WORDS]

    def aligned(self, model: Any, projected: Tensor, facts: Sequence[Facts]) -> Tensor:
        """projected : (n, 49, width) of `packing.look`; facts of the n pictures."""
        said = model.lm_head(model.model.language_model.norm(projected.float().mean(1)))
        wanted = [np.asarray(group, np.float32) for group in zip(*map(_wanted, facts), strict=True)]
        parts = [
            -(torch.from_numpy(group) * F.log_softmax(said[:, ids], 1)).sum(1).mean()
            for group, ids in zip(wanted, self._ids, strict=True)
        ]
        return torch.stack(parts).mean()

    def taught(self, seen: Tensor, pixels: Tensor) -> Tensor:
        """seen : (n, 49, width) of the tower; pixels : (n, 224, 224, 3) uint8 of the same."""
        whole = torch.zeros(len(pixels), 64, 64, 3, dtype=torch.uint8)  # says nothing of the cells
        with torch.no_grad():
            cells, _ = self._teacher[0].look(pixels[:, None], whole)
            cells = F.layer_norm(cells[:, 0].float(), cells.shape[-1:])
        return F.mse_loss(self.cells(seen.float()), cells)
