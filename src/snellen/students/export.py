"""Export a trained network as one ONNX file with its card inside.

The contract of the file is in `snellen.scorers.student`, which runs it.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from snellen.distortions import FAMILIES
from snellen.images.view import ViewPolicy
from snellen.scorers.student import FORMAT
from snellen.students.network import ScorerNetwork

_OPSET = 17


class _OnScale(nn.Module):
    """The network for one picture, its outputs in the units of `Score`.

    networks   : one or several of the same shape, whose predictions are averaged.
    spread     : factor on the predicted standard deviation, fitted on validation contents.
    sharpness  : factor on the family logits (inverse temperature), fitted likewise.
    """

    def __init__(self, networks: list[ScorerNetwork], spread: float, sharpness: float) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.spread, self.sharpness = spread, sharpness

    def forward(self, crops: Tensor, whole: Tensor) -> tuple[Tensor, ...]:
        all_out = [network(crops[None], whole[None]) for network in self.networks]
        score, log_variance, logits, severity, cells = (
            (torch.stack(parts).mean(0) if len(parts) > 1 else parts[0])[0]
            for parts in zip(*all_out, strict=True)
        )
        # The map keeps its own contrast but agrees with the score on the average.
        cells = cells + (score - cells.mean())
        return (
            _points(score),
            torch.exp(log_variance / 2) * (self.spread * 25),
            torch.softmax(logits * self.sharpness, 0),
            severity.amax() * 4,
            _points(cells),
        )


def _points(opinion: Tensor) -> Tensor:
    """Mean opinion 1–5 → 0–100."""
    return (opinion - 1) * 25


def export(
    networks: list[ScorerNetwork],
    path: Path,
    card: dict[str, Any],
    *,
    spread: float = 1.0,
    sharpness: float = 1.0,
    policy: ViewPolicy | None = None,
) -> None:
    """Write `path`, an ONNX file of the average of `networks` with `card` inside.

    card : at least `name` and `version`; `format`, `families` and `view` are added here.
    """
    model = _OnScale([network.eval().float() for network in networks], spread, sharpness).eval()
    outputs = ("score", "spread", "families", "severity", "cells")
    write_onnx(model, path, card, outputs, policy or ViewPolicy())


def write_onnx(
    model: nn.Module, path: Path, card: dict[str, Any], outputs: Sequence[str], policy: ViewPolicy
) -> None:
    """Write `path`, an ONNX file of `model` with `card` inside.

    model   : crops (n, s, s, 3) and whole (w, w, 3), uint8, of one picture → a tensor for each of
              `outputs`, in the units of the file's contract.
    outputs : `cells` last, as the one whose first side is the number of crops.
    card    : as `export` takes it; `families` only where the model names any.
    """
    import onnx

    crops = torch.zeros(policy.crops, policy.size, policy.size, 3, dtype=torch.uint8)
    whole = torch.zeros(policy.whole, policy.whole, 3, dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own successor
        torch.onnx.export(
            model,
            (crops, whole),
            str(path),
            dynamo=False,
            opset_version=_OPSET,
            input_names=["crops", "whole"],
            output_names=list(outputs),
            dynamic_axes={"crops": {0: "n"}, "cells": {0: "n"}},
        )
    view = {"policy": policy.name, "crops": policy.crops, "size": policy.size}
    families = FAMILIES if "families" in outputs else ()
    card = {"format": FORMAT, **card, "families": families, "view": {**view, "whole": policy.whole}}
    saved = onnx.load(str(path))
    entry = saved.metadata_props.add()
    entry.key, entry.value = "snellen", json.dumps(card, sort_keys=True)
    onnx.save(saved, str(path))
