"""After step 8: what runs the shipped judges without torch, two ONNX graphs beside each checkpoint.

    python -m runs.built_in_judge.ship && python -m runs.built_in_judge.export

`eyes.onnx` is tower and projector, `words.onnx` the language model between its embeddings and its
head; `snellen.judges.onnx_model` runs them. They hold no weights: each one is read out of
`model.safetensors` where it lies, in half precision, and cast to float32 when the graph is loaded.
So both ways of running a judge have the same weights, and a graph takes a hundred kilobytes.

Nothing here knows how many layers there are. `ship` empties the folders, so this comes after it
each time; both write the list of hashes anew.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from snellen.judges import built_in
from snellen.judges.onnx_model import GRAPHS, WEIGHTS, Model, Part, Place, part_of, where

_OPSET = 17
_UNSEEN = -1e9  # added to what is not looked at; −inf would be NaN in a row that sees nothing
_NEAR = 1e-3  # of logits, between what was exported and what runs


class Eyes(nn.Module):
    """One picture as the processor crops it → what the language model is given of it.

    forward : (side, side, 3) uint8 → (tokens, width).
    """

    def __init__(self, llava: Any, processor: dict[str, Any]) -> None:
        super().__init__()
        self.tower, self.projector = llava.model.vision_tower, llava.model.multi_modal_projector
        mean, std = processor["image_mean"], processor["image_std"]
        # Plain numbers, so that they become part of the graph and are looked for in no file.
        [self.mean], [self.std] = set(mean), set(std)

    def forward(self, picture: Tensor) -> Tensor:
        pixels = (picture.permute(2, 0, 1)[None].float() / 255 - self.mean) / self.std
        seen: Tensor = self.projector(self.tower(pixels).last_hidden_state)
        return seen[0]


class Words(nn.Module):
    """A row of tokens → logits of the next token at some of its places.

    forward : ids (tokens,), those from the vocabulary's size on being rows of `seen` (n, width);
    positions (tokens,); sees (tokens, tokens), whether a token (row) looks at another (column);
    places (asked,) → (asked, vocabulary).
    """

    def __init__(self, llava: Any) -> None:
        super().__init__()
        self.language, self.head = llava.model.language_model, llava.lm_head

    def forward(
        self, ids: Tensor, seen: Tensor, positions: Tensor, sees: Tensor, places: Tensor
    ) -> Tensor:
        table = torch.cat([self.language.embed_tokens.weight, seen])
        out = self.language(
            inputs_embeds=nn.functional.embedding(ids, table)[None],
            attention_mask=torch.where(sees, 0.0, _UNSEEN)[None, None],
            position_ids=positions[None],
            use_cache=False,
        )
        logits: Tensor = self.head(out.last_hidden_state[0, places])
        return logits


def export(folder: Path) -> float:
    """Write both graphs of the checkpoint in `folder`; give how far they are from the model.

    Raises `SystemExit` for a checkpoint that the graphs cannot stand for.
    """
    from transformers import LlavaForConditionalGeneration

    model = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    processor = json.loads((folder / "preprocessor_config.json").read_text())
    _check_processor(processor)
    side, width = processor["crop_size"]["height"], model.config.text_config.hidden_size
    length = 24
    rows: dict[Part, tuple[nn.Module, dict[str, Tensor], dict[str, list[str]], str]] = {
        "eyes": (
            Eyes(model, processor),
            {"picture": torch.randint(0, 256, (side, side, 3), dtype=torch.uint8)},
            {},
            "seen",
        ),
        "words": (
            Words(model),
            {
                "ids": torch.arange(8, 8 + length),
                "seen": torch.randn(model.config.image_seq_length, width),
                "positions": torch.arange(length),
                "sees": torch.ones(length, length, dtype=torch.bool).tril(),
                "places": torch.tensor([length // 2, length - 1]),
            },
            {
                "ids": ["tokens"], "seen": ["features"], "positions": ["tokens"],
                "sees": ["tokens", "tokens"], "places": ["asked"], "logits": ["asked"],
            },
            "logits",
        ),
    }  # fmt: skip
    apart = 0.0
    wanted = {}
    for part, (module, inputs, axes, output) in rows.items():
        wanted[part] = module(*inputs.values()).detach().numpy()
        _write(module, folder, part, inputs, axes, output)
    made = Model(folder)
    for part, (_, inputs, _, _) in rows.items():
        found = made.run(part, {name: value.numpy() for name, value in inputs.items()})
        apart = max(apart, float(np.abs(found - wanted[part]).max()))
    if apart > _NEAR:
        raise SystemExit(f"{folder}: the graphs are {apart:.2g} away from the model")
    return apart


def _check_processor(processor: dict[str, Any]) -> None:
    """The judge crops and the graph scales; nothing else may be asked for."""
    size = processor["crop_size"]
    plain = (
        processor["do_center_crop"] and processor["do_rescale"] and processor["do_normalize"]
        and not processor["do_resize"] and size["height"] == size["width"]
        and len(set(processor["image_mean"])) == len(set(processor["image_std"])) == 1
    )  # fmt: skip
    if not plain:
        raise SystemExit(f"an image processor that the graph does not stand for: {processor}")


def _write(
    module: nn.Module,
    folder: Path,
    part: Part,
    inputs: dict[str, Tensor],
    axes: dict[str, list[str]],
    output: str,
) -> None:
    import onnx
    from onnxscript import optimizer

    path = folder / GRAPHS[part]
    tags = _tag(module, folder, part)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own successor
        torch.onnx.export(
            module,
            tuple(inputs.values()),
            str(path),
            dynamo=False,
            opset_version=_OPSET,
            input_names=list(inputs),
            output_names=[output],
            dynamic_axes={name: dict(enumerate(names)) for name, names in axes.items()},
            do_constant_folding=False,  # it would turn matrices round, and they lie in a file
        )
    graph = onnx.load(str(path))
    weights = _take_weights_out(graph, tags)
    # Most of a trace is arithmetic on shapes, which takes time at every load. What is an input
    # while that is folded stays as it is.
    graph = optimizer.optimize(graph)
    given = [one for one in graph.graph.input if one.name not in weights]
    del graph.graph.input[:]
    graph.graph.input.extend(given)
    graph.graph.initializer.extend(weights.values())
    onnx.save(graph, str(path))


def _tag(module: nn.Module, folder: Path, part: Part) -> dict[int, tuple[str, Place]]:
    """Fill every weight with a number of its own; number → name and place in the checkpoint.

    The exporter makes one of weights that are equal, which the next training may not be; with
    numbers none are. The checkpoint has other names than the model, so a weight is found by its
    values. Raises `SystemExit` where the weights of the module are not those of this part.
    """
    data = (folder / WEIGHTS).read_bytes()
    known: dict[tuple[tuple[int, ...], bytes], list[tuple[str, Place]]] = {}
    for name, place in where(data).items():
        if part_of(name) == part:
            key = (place.shape, data[place.start : place.end])
            known.setdefault(key, []).append((name, place))
    tags = {}
    for number, (own, weight) in enumerate(module.named_parameters()):
        equal = known.get((tuple(weight.shape), weight.detach().half().numpy().tobytes()))
        if not equal:
            raise SystemExit(f"{folder}: the file has no weight like {own}")
        tags[number] = equal.pop()
        weight.data.fill_(number)
    left = [name for some in known.values() for name, _ in some]
    if left:
        raise SystemExit(f"{folder}: {part} has no use for {left}")
    return tags


def _take_weights_out(model: Any, tags: dict[int, tuple[str, Place]]) -> dict[str, Any]:
    """Make every weight of a graph an input, cast to float32; give what is to fill them.

    Returns name → tensor whose values lie in the checkpoint's file, by that file's own name.
    """
    from onnx import TensorProto, helper, numpy_helper

    found: dict[str, Any] = {}
    inputs, casts = [], []
    for tensor in model.graph.initializer:
        name, place = tags[int(numpy_helper.to_array(tensor).flat[0])]
        half = TensorProto(name=name, dims=place.shape, data_type=TensorProto.FLOAT16)
        half.data_location = TensorProto.EXTERNAL
        lies = {"location": WEIGHTS, "offset": place.start, "length": place.end - place.start}
        for key, value in lies.items():
            half.external_data.add(key=key, value=str(value))
        found[name] = half
        inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT16, place.shape))
        casts.append(helper.make_node("Cast", [name], [tensor.name], to=TensorProto.FLOAT))
    if len(found) < len(tags):
        raise SystemExit(f"{len(found)} of {len(tags)} weights came into the graph")
    nodes = list(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.input.extend(inputs)
    model.graph.node.extend([*casts, *nodes])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=built_in.NAMES, help="default: both")
    args = parser.parse_args()
    for name in args.names:
        apart = export(built_in.FOLDER / name)
        print(f"{name}: graphs written, {apart:.1g} away from the model in a logit")
    hashes = built_in.list_hashes()
    (built_in.FOLDER / "files.sha256").write_text(hashes, encoding="utf-8")
    print(hashes, end="")


if __name__ == "__main__":
    main()
