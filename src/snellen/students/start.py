"""The built-in scorer's network with its weights, read back from its ONNX file.

Whoever installs the package has that file and no other, so it is where students start. The export
folded each batch normalisation into the convolution before it; here the convolution takes the
folded weights and the normalisation becomes the identity with the folded bias. The same function
comes out, which is checked against ONNX Runtime every time; almost the same where the file's trunk
works in whole numbers, for here it does not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from snellen.errors import ScorerError
from snellen.images.view import make_view
from snellen.scorers.student import Student
from snellen.students.network import ScorerNetwork

_PREFIX = "networks.0."
# Points of 0–100: rounding makes a few thousandths, eight bits a few tenths.
_TOLERANCE, _OF_EIGHT_BITS = 0.05, 2.0


def network_of(path: Path) -> ScorerNetwork:
    """The network in an ONNX file that `students.export` made of one `ScorerNetwork`.

    Raises `ScorerError` where the file holds anything else.
    """
    import onnx

    try:
        graph = onnx.load(str(path)).graph
        given = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
        trunk, context = (
            [_Folded.of(node, given) for node in graph.node
             if node.op_type in ("Conv", "QLinearConv") and part in node.output[0]]
            for part in ("/trunk/", "/context/")
        )  # fmt: skip
        state = {
            name.removeprefix(_PREFIX): _tensor(value)
            for name, value in given.items()
            if name.startswith(_PREFIX)
        }
        network = ScorerNetwork(*_shape(trunk)).eval()
        network.have_parts_of(state)
        network.load_state_dict(state, strict=False)
        convolutions = [*_pairs(network.trunk), *_pairs(network.context)]
        for (conv, norm), found in zip(convolutions, [*trunk, *context], strict=True):
            _unfold(conv, norm, _tensor(found.weight), _tensor(found.bias))
        [cells] = [node for node in graph.node if "cell_score/MatMul" in node.output[0]]
        network.cell_score.weight.data.copy_(_tensor(given[cells.input[1]]).T)
    except Exception as error:  # whatever is not as we wrote it
        raise ScorerError(
            f"the weights in {path} cannot be read back ({type(error).__name__}: {error})",
            "Start from 'built-in', or from a student's directory.",
        ) from None
    whole_numbers = any(node.op_type == "QLinearConv" for node in graph.node)
    _check(network, path, _OF_EIGHT_BITS if whole_numbers else _TOLERANCE)
    return network


class _Folded(NamedTuple):
    """A convolution as the file has it."""

    weight: np.ndarray[Any, Any]
    bias: np.ndarray[Any, Any]
    stride: int

    @classmethod
    def of(cls, node: Any, given: dict[str, np.ndarray[Any, Any]]) -> _Folded:
        stride = next(item.ints[0] for item in node.attribute if item.name == "strides")
        if node.op_type == "Conv":
            return cls(given[node.input[1]], given[node.input[2]], stride)
        # Whole numbers, with a step for each filter; those of the bias are products of two steps.
        of_input, weight, steps, bias = (given[node.input[i]] for i in (1, 3, 4, 8))
        steps = steps.astype(np.float32)
        return cls(weight * steps[:, None, None, None], bias * (steps * of_input), stride)


def _shape(trunk: list[_Folded]) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Widths and depths of the stages: a convolution of stride 2 begins one."""
    widths, depths = [], []
    for found in trunk:
        if found.stride == 2:
            widths.append(len(found.weight))
            depths.append(0)
        else:
            depths[-1] += 1
    one, two, three = widths
    a, b, c = depths
    return (one, two, three), (a, b, c)


def _pairs(part: nn.Module) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Convolutions with the normalisation behind each, in the order they are run."""
    modules = list(part.modules())
    convs = [module for module in modules if isinstance(module, nn.Conv2d)]
    norms = [module for module in modules if isinstance(module, nn.BatchNorm2d)]
    return list(zip(convs, norms, strict=True))


def _unfold(conv: nn.Conv2d, norm: nn.BatchNorm2d, weight: Tensor, bias: Tensor) -> None:
    conv.weight.data.copy_(weight)
    nn.init.zeros_(norm.running_mean)  # type: ignore[arg-type]
    nn.init.constant_(norm.running_var, 1 - norm.eps)  # type: ignore[arg-type]
    nn.init.ones_(norm.weight)
    norm.bias.data.copy_(bias)


def _tensor(values: Any) -> Tensor:
    return torch.from_numpy(np.array(values))


def _check(network: ScorerNetwork, path: Path, tolerance: float) -> None:
    """Both must say the same of a picture, points; raises `ScorerError` where they do not."""
    slope = np.linspace(40, 210, 160)
    grain = np.random.default_rng(0).normal(0, 6, (160, 160, 3))
    picture = (slope[:, None, None] + slope[None, :, None]) / 2 + grain
    scorer = Student(path)
    view = make_view(picture.clip(0, 255).astype(np.uint8), scorer.policy)
    with torch.inference_mode():
        found = network(torch.from_numpy(view.crops)[None], torch.from_numpy(view.whole)[None])
    points = min(100.0, max(0.0, (float(found.score) - 1) * 25))
    expected = scorer.score_view(view).value
    if not abs(points - expected) < tolerance:
        raise ScorerError(
            f"the network read back from {path} says {points:.3f} where the file says"
            f" {expected:.3f}",
            "Install the version of Snellen that the file was made with.",
        )
