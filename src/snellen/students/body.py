"""Bodies: what turns a view into features; a student is a body with a head.

    body, policy = load_body("built-in")         # where students start unless told otherwise
    body, policy = load_body("convnext-tiny")    # pretrained, through transformers' AutoBackbone

A body looks at native-resolution crops cell by cell and at one small whole view, as
`students.network` does. It is frozen unless `distil --tune all` says otherwise, so its features are
computed once for each picture.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from snellen.errors import InputError, MissingExtra, ScorerError
from snellen.images.view import ViewPolicy
from snellen.students.network import ScorerNetwork, mean_and_deviation

BUILT_IN = "built-in"
ALIASES: Mapping[str, str] = {
    "convnext-base": "facebook/convnext-base-224",
    "convnext-small": "facebook/convnext-small-224",
    "convnext-tiny": "facebook/convnext-tiny-224",
    "convnextv2-atto": "facebook/convnextv2-atto-1k-224",
    "resnet-18": "microsoft/resnet-18",
}
"""Sizes by name, largest first; the first is the paper's (arXiv 2601.20689). Any other name is a
model or folder that `transformers.AutoBackbone` can load. MobileNet is not among them: transformers
offers it through timm alone, which needs torchvision."""

_COUNT, _CROPS = 4, 224  # crops of a backbone and their side: what such networks were trained on
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, which they expect


class Body(nn.Module, ABC):
    """What every body offers.

    cell_width : C, features of one cell of a crop.
    pooled     : features that come of the cells and the context: mean and deviation of each.
    width      : d, all features of a picture: the pooled ones, then what else the body measures.
    natural    : the last feature is how good the picture is by its naturalness alone, in MOS units.
    """

    cell_width: int
    pooled: int
    width: int
    natural: bool = False

    @abstractmethod
    def look(self, crops: Tensor, whole: Tensor) -> tuple[Tensor, Tensor]:
        """crops (B, n, s, s, 3), whole (B, w, w, 3), 0–255 → cells (B, n, p, C), features (B, d).

        The first C features are the mean of the cells.
        """

    def faults(self, features: Tensor) -> tuple[Tensor, Tensor] | None:
        """Family logits (B, 8) and severities (B, 7) in 0–1; None where nobody taught any."""
        return None


class BuiltInBody(Body):
    """The built-in scorer's trunk, which still names what is wrong with a picture."""

    def __init__(self, network: ScorerNetwork, sharpness: float = 1.0) -> None:
        """sharpness : factor on the family logits, fitted when the scorer was trained."""
        super().__init__()
        self.network = network
        self.sharpness = sharpness
        self.cell_width = network.cell_score.in_features
        self.pooled = network.head[0].num_features  # type: ignore[assignment]
        self.natural = network.natural is not None
        statistics = 0 if network.second is None else network.second.width
        self.width = self.pooled + statistics + self.natural

    def look(self, crops: Tensor, whole: Tensor) -> tuple[Tensor, Tensor]:
        network = self.network
        seen = network.see(crops, whole)
        cells, context = network.look(seen)
        features = [mean_and_deviation(cells.flatten(1, 2)), context]
        if network.second is not None:
            features.append(network.second.measure(seen))
        if network.natural is not None:
            assert seen.distance is not None
            features.append(network.natural.opinion(seen.distance)[:, None])
        return cells, torch.cat(features, 1)

    def with_parts_of(self, weights: Mapping[str, Any]) -> BuiltInBody:
        """A body that these weights fit, which may be of an earlier version; untrained. It takes
        over this one's network, so this one must not be used again."""
        self.network.have_parts_of(weights)
        return BuiltInBody(self.network, self.sharpness)

    def faults(self, features: Tensor) -> tuple[Tensor, Tensor]:
        network = self.network
        out = network.out(network.head(features[:, : self.pooled])).float()
        count = network.out.out_features // 2  # score, variance, k families, k − 1 grades
        families = out[:, 2 : 2 + count]
        if network.second is not None:
            statistics = features[:, self.pooled : self.width - self.natural]
            _, other = network.second(statistics)
            families = families + network.second.weight * (other - families)
        return self.sharpness * families, torch.sigmoid(out[:, 2 + count :])


class BackboneBody(Body):
    """Any image backbone of transformers: its last feature map has one cell a position."""

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: Any) -> None:
        super().__init__()
        self.backbone = backbone
        self.cell_width = int(backbone.channels[-1])
        self.width = self.pooled = 4 * self.cell_width
        self.register_buffer("mean", torch.tensor(_MEAN)[:, None, None] * 255)
        self.register_buffer("std", torch.tensor(_STD)[:, None, None] * 255)

    def look(self, crops: Tensor, whole: Tensor) -> tuple[Tensor, Tensor]:
        batch, n = crops.shape[:2]
        cells = self._cells(crops.flatten(0, 1))
        cells = cells.reshape(batch, n, *cells.shape[1:])
        context = mean_and_deviation(self._cells(whole))
        return cells, torch.cat([mean_and_deviation(cells.flatten(1, 2)), context], 1)

    def _cells(self, images: Tensor) -> Tensor:
        """(N, h, w, 3) 0–255 → (N, positions, C)."""
        pixels = (images.permute(0, 3, 1, 2).float() - self.mean) / self.std
        maps: Tensor = self.backbone(pixels).feature_maps[-1]
        return maps.float().flatten(2).transpose(1, 2)


def load_body(name: str = BUILT_IN, folder: Path | None = None) -> tuple[Body, ViewPolicy]:
    """A body with its weights, and the view it is shown.

    name   : "built-in", one of `ALIASES`, or any model of `AutoBackbone`.
    folder : where a student keeps the configuration of its backbone: the body is then built
             without weights, which the student brings, and nothing is downloaded.
    Raises `MissingExtra`, `InputError` where there is no such model.
    """
    if name == BUILT_IN:
        from snellen.scorers.built_in import FOLDER, load
        from snellen.students.start import network_of

        scorer = load()
        sharpness = float(scorer.card.get("sharpness", 1.0))
        return BuiltInBody(network_of(FOLDER / "built-in.onnx"), sharpness), scorer.policy
    try:
        from transformers import AutoBackbone, AutoConfig
    except ImportError:
        raise MissingExtra("transformers", "judges", f"use the backbone {name}") from None
    try:
        source = ALIASES.get(name, name) if folder is None else str(folder)
        config = AutoConfig.from_pretrained(source)
        backbone = AutoBackbone.from_config(config)
        if folder is None:
            # AutoBackbone.from_pretrained asks the hub even about a folder of this machine.
            backbone = type(backbone).from_pretrained(source, config=config)
    except (OSError, ValueError, KeyError) as error:
        if folder is not None:
            what = f"{folder} holds no backbone ({_brief(error)})"
            raise ScorerError(what, "Distil the student again.") from None
        raise InputError(
            f"the backbone {name!r} cannot be loaded ({_brief(error)})",
            f"Known: {BUILT_IN}, {', '.join(ALIASES)}, or a folder or hub name of an AutoBackbone;"
            " pretrained ones are downloaded from huggingface.co.",
        ) from None
    return BackboneBody(backbone.eval()), ViewPolicy(_COUNT, _CROPS, _CROPS)


def _brief(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
