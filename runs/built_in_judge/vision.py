"""The judge's vision tower: a stock Segformer encoder, and how it starts.

A Segformer (Xie 2021) is the one stock encoder with overlapping convolutions that gives LLaVA a
short row of tokens: one for every 32 × 32 pixels, 49 for a picture of 224 px. It starts from a DCT
basis (ours): the first layer's filters are those of luma and chroma, scaled to equal strength on
photos, so that the layer norm behind them divides by local energy, as BRISQUE's coefficients are
(Mittal 2012); a filter that always answers 1 keeps that energy visible.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor

SIDE = 224  # pixels a side of what the judge sees, at native resolution
STRIDE = 32  # pixels a side of one visual token
TOKENS = (SIDE // STRIDE) ** 2
WIDTHS = (96, 160, 224)
MEAN, STD = 0.5, 0.5  # of the image processor

CONFIG: dict[str, Any] = {
    "model_type": "segformer",
    "num_encoder_blocks": 3,
    "hidden_sizes": list(WIDTHS),
    "hidden_size": WIDTHS[-1],  # LLaVA's projector asks for it; a Segformer itself does not
    "depths": [1, 2, 1],
    "mlp_ratios": [2, 3, 3],
    "patch_sizes": [11, 3, 3],
    "strides": [8, 2, 2],
    "sr_ratios": [4, 2, 1],
    "num_attention_heads": [3, 5, 7],
    "hidden_act": "relu",
    "drop_path_rate": 0.0,
    "reshape_last_stage": False,
}


def new_tower(samples: Tensor) -> Any:
    """A Segformer before training.

    samples : (n, 3, h, w) photos as the image processor gives them; they set the filters' scale.
    """
    from transformers import SegformerConfig, SegformerModel

    config = {key: value for key, value in CONFIG.items() if key != "model_type"}
    tower = SegformerModel(SegformerConfig(**config))
    _start_from_dct(tower.stages[0].patch_embeddings.proj, samples)
    return tower


@torch.no_grad()
def _start_from_dct(stem: torch.nn.Conv2d, samples: Tensor) -> None:
    """Fill `stem` with DCT filters of unit strength on `samples`; its last filter answers 1."""
    filters = dct_filters(stem.kernel_size[0], stem.out_channels - 1)
    stem.weight.zero_()
    stem.weight[:-1] = filters
    assert stem.bias is not None
    stem.bias.zero_()
    strength = stem(samples).std((0, 2, 3)).clamp(min=1e-4)
    stem.weight[:-1] /= strength[:-1, None, None, None]
    stem.bias[-1] = 1.0


def dct_filters(size: int, count: int) -> Tensor:
    """(count, 3, size, size): DCT filters, two thirds of luma and the rest of chroma.

    The lowest frequencies of each come first, and one luma filter in three is taken from the
    highest, where noise and the lack of detail show.
    """
    place = torch.arange(size) + 0.5
    waves = torch.cos(torch.pi / size * torch.arange(size)[:, None] * place)
    waves = waves / waves.norm(dim=1, keepdim=True)
    order = sorted(
        ((u, v) for u in range(size) for v in range(size)), key=lambda uv: uv[0] ** 2 + uv[1] ** 2
    )
    luma, blue, red = (0.299, 0.587, 0.114), (-0.169, -0.331, 0.5), (0.5, -0.419, -0.081)
    chroma = (count // 3) // 2
    bright = count - 2 * chroma
    high = bright // 3
    plan = [(luma, uv) for uv in order[: bright - high] + order[len(order) - high :]]
    plan += [(colour, uv) for colour in (blue, red) for uv in order[:chroma]]
    return torch.stack(
        [
            torch.tensor(colour)[:, None, None] * torch.outer(waves[u], waves[v])
            for colour, (u, v) in plan
        ]
    )


def to_pixel_values(images: Tensor) -> Tensor:
    """(n, h, w, 3) uint8 → (n, 3, h, w) as the image processor gives it."""
    return (images.permute(0, 3, 1, 2).float() / 255 - MEAN) / STD


def attention() -> str:
    """How a model attends while it learns: the fused way is many times slower backwards on a CPU,
    but only in bfloat16."""
    return "eager" if _has_bfloat16() else "sdpa"


def _has_bfloat16() -> bool:
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def precision() -> AbstractContextManager[Any]:
    """Autocast to bfloat16 where the processor has it; elsewhere that is ten times slower."""
    return torch.autocast("cpu", torch.bfloat16, enabled=_has_bfloat16())
