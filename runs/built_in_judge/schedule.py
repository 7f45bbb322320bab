"""How the learning rate goes, and the loss by which photos are told apart: for all trainings."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def cosine(step: int, total: int, warm: int = 150) -> float:
    """Share of the learning rate at `step`: a warm-up, then half a cosine."""
    return min(1.0, (step + 1) / warm) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / total)))


def same_photo(embedding: Tensor, group: Tensor, temperature: float = 0.1) -> Tensor:
    """Supervised contrastive loss (Khosla 2020): samples of one photo are near, others far.

    embedding : (B, C); group : (B,) which photo. One loss for each sample; of those that have no
    other of their photo it means nothing.
    """
    unit = F.normalize(embedding, dim=1)
    near = unit @ unit.T / temperature
    near = near.masked_fill(torch.eye(len(near), dtype=torch.bool), -1e4)
    same = (group[:, None] == group).float().fill_diagonal_(0)
    return -(F.log_softmax(near, 1) * same).sum(1) / same.sum(1).clamp(min=1)
