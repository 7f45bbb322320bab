"""A student on disk: a folder with its weights, its card and, once calibrated, people's opinion.

    student.json       the card: body, view, teacher, how it was distilled and calibrated
    network.pt         all weights
    backbone/          configuration of the body, where it is one of transformers'
    opinion.npz        the calibrated head; absent before `snellen calibrate`

`snellen export` makes one ONNX file of it, which is what scores pictures.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snellen.errors import MissingExtra, ScorerError
from snellen.images.view import ViewPolicy
from snellen.runs import atomic
from snellen.students.opinion import Opinion

if TYPE_CHECKING:
    from snellen.students.head import StudentNetwork

FORMAT = 1
CARD, WEIGHTS, OPINION, BACKBONE = "student.json", "network.pt", "opinion.npz", "backbone"
BUILT_IN = "built-in"


@dataclass
class StudentModel:
    """A student that can be trained, calibrated and exported.

    network : body and head, in evaluation mode.
    policy  : how pictures are shown to it.
    card    : what it is and how it came about; plain values.
    opinion : people's opinion on its features, None before calibration.
    """

    network: StudentNetwork
    policy: ViewPolicy
    card: dict[str, Any] = field(default_factory=dict)
    opinion: Opinion | None = None

    @property
    def name(self) -> str:
        """What to call it in front of people."""
        return str(self.card.get("name", "student"))

    def body_identity(self) -> str:
        """Hash of everything that makes the features: weights of the body and the view."""
        view = [self.policy.name, self.policy.crops, self.policy.size, self.policy.whole]
        return _hash_of(self.network.body, json.dumps(view))

    def identity(self) -> str:
        """Hash of everything that makes the distilled score."""
        return _hash_of(self.network, self.body_identity())

    def save(self, folder: Path) -> None:
        """Write the folder; the card last, so that a folder with a card is whole."""
        import torch

        from snellen.students.body import BackboneBody

        folder.mkdir(parents=True, exist_ok=True)
        with atomic(folder / WEIGHTS) as file:
            torch.save(self.network.state_dict(), file)
        if isinstance(self.network.body, BackboneBody):
            self.network.body.backbone.config.save_pretrained(str(folder / BACKBONE))
        (folder / OPINION).unlink(missing_ok=True)
        if self.opinion is not None:
            with atomic(folder / OPINION) as file:
                np.savez(file, **self.opinion.arrays())
        view = {"crops": self.policy.crops, "size": self.policy.size, "whole": self.policy.whole}
        card = {"format": FORMAT, **self.card, "view": {"policy": self.policy.name, **view}}
        with atomic(folder / CARD) as file:
            file.write(json.dumps(card, indent=1, sort_keys=True).encode() + b"\n")


def open_student(where: str | Path) -> StudentModel:
    """The student in a folder; "built-in" is the built-in scorer as a student of its own.

    Raises `ScorerError` for a folder that holds none or is damaged, `MissingExtra` without torch.
    """
    need_torch(f"open the student {where}")
    if str(where) == BUILT_IN:
        return new_student(BUILT_IN)
    folder = Path(where)
    card = read_card(folder)
    import torch

    from snellen.students.body import BuiltInBody, load_body
    from snellen.students.head import StudentNetwork, start_head

    name = card["body"]
    body, _ = load_body(name, None if name == BUILT_IN else folder / BACKBONE)
    try:
        weights = torch.load(folder / WEIGHTS, weights_only=True)
        if isinstance(body, BuiltInBody):
            prefix = "body.network."
            own = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
            body = body.with_parts_of(own)
        network = StudentNetwork(body, start_head(body))
        network.load_state_dict(weights)
        opinion = None
        if card.get("calibration"):
            with np.load(folder / OPINION, allow_pickle=False) as arrays:
                opinion = Opinion.from_arrays(arrays)
    except Exception as error:  # torch, zipfile and numpy each raise their own
        raise ScorerError(
            f"the student in {folder} is damaged ({type(error).__name__}: {_line(error)})",
            "Make it again with the command that made it.",
        ) from None
    view = card["view"]
    policy = ViewPolicy(view["crops"], view["size"], view["whole"])
    return StudentModel(network, policy, card, opinion)


def new_student(backbone: str = BUILT_IN) -> StudentModel:
    """A student before any training: a body with its weights and the head it starts from."""
    from snellen.students.body import load_body
    from snellen.students.head import StudentNetwork, start_head

    body, policy = load_body(backbone)
    network = StudentNetwork(body, start_head(body))
    return StudentModel(network, policy, {"name": backbone, "version": "0", "body": backbone})


def read_card(folder: Path) -> dict[str, Any]:
    """The card of the student in `folder`. Raises `ScorerError`."""
    try:
        card: dict[str, Any] = json.loads((folder / CARD).read_text("utf-8"))
        version = card["format"]
        _ = card["body"], card["view"]["crops"]
    except (FileNotFoundError, NotADirectoryError):
        near = " An ONNX file is already exported." if folder.suffix == ".onnx" else ""
        raise ScorerError(
            f"{folder} holds no student: it has no {CARD}.{near}".rstrip("."),
            "Give the folder that `snellen distil` made, or 'built-in'.",
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ScorerError(
            f"{folder / CARD} cannot be read ({error})", "Distil the student again."
        ) from None
    if version > FORMAT:
        raise ScorerError(
            f"{folder} was written by a newer Snellen", "Run: pip install --upgrade snellen"
        )
    return card


def need_torch(purpose: str) -> None:
    """Raises `MissingExtra` with the pip line where what trains students is not installed."""
    from importlib.util import find_spec

    for package in ("torch", "onnx"):
        if find_spec(package) is None:
            raise MissingExtra(package, "train", purpose)


def _hash_of(module: Any, more: str) -> str:
    digest = hashlib.sha256(more.encode())
    for name, value in module.state_dict().items():
        digest.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:120]
