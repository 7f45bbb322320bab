"""Where is the information lost: in the encoder, the projector, or the language model?

Three looks into a model while it names distortions (arXiv 2512.09573, section on semantic distance;
formulas ours): how near its visual tokens lie to the right word, how probable the right word is,
and how well a linear reader could name the distortion from each layer.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from snellen.audit import questions as q
from snellen.audit.material import Item, Material
from snellen.audit.rates import Rate, mean, share
from snellen.errors import ImageError, JudgeError
from snellen.judges import ImagePart, Judge
from snellen.judges.protocol import why_closed

if TYPE_CHECKING:
    from snellen.audit.glimpse import Glimpse

Floats = npt.NDArray[np.float64]
PICTURES = 160  # looked at: twenty a label
_STAGES = (
    ("encoder", "vision encoder"),
    ("projector", "projector"),
    ("language", "language model"),
)
_DROP = 0.10  # of accuracy: less than this between two stages is no loss worth a sentence (ours)


@dataclass(frozen=True)
class Layer:
    """One layer of the model.

    name  : "encoder 3", "projector", "language 2".
    probe : accuracy of a linear reader of this layer, each photo read by one that never saw it.
    lens  : accuracy of the model's own head at this layer; None outside the language model.
    """

    name: str
    probe: Rate
    lens: Rate | None


@dataclass(frozen=True)
class Alignment:
    """One label: how near pictures with that distortion lie to its word.

    similarity : mean Sim(v, t) with the right word. others : with the other seven.
    logprob    : mean natural log-probability of the right word among all the model might say.
    """

    label: str
    similarity: Rate
    others: Rate
    logprob: Rate


@dataclass(frozen=True)
class Inside:
    """layers : encoder first. alignment : a row a label. answered : accuracy of the answer itself.

    n : pictures looked at; chance : one in so many labels as they have.
    """

    layers: tuple[Layer, ...]
    alignment: tuple[Alignment, ...]
    answered: Rate
    chance: float
    n: int

    def best(self, stage: str) -> Layer | None:
        """The layer of a stage that a linear reader reads best."""
        own = [layer for layer in self.layers if layer.name.split()[0] == stage]
        return max(own, key=lambda layer: layer.probe.value, default=None)

    @property
    def sentence(self) -> str:
        """Where the information is lost, in words."""
        stages = [(told, self.best(stage)) for stage, told in _STAGES]
        figures = [(told, layer.probe.value) for told, layer in stages if layer is not None]
        figures.append(("answer", self.answered.value))
        path = " → ".join(f"{told} {value:.0%}" for told, value in figures)
        falls = [
            (before - after, name) for (_, before), (name, after) in itertools.pairwise(figures)
        ]
        worst, where = max(falls, default=(0.0, ""))
        if figures[0][1] < self.chance + 2 * _DROP:
            return f"{path}: the vision encoder hardly holds it."
        if worst < _DROP:
            return f"{path}: what the encoder holds arrives."
        lost = (
            f"on the way into the {where}"
            if where != "answer"
            else "between the last layer and the answer"
        )
        return f"{path}: most is lost {lost}."


def why_not(judge: Judge) -> str:
    """Why a judge cannot be looked into; empty where it can."""
    if not judge.can.embeddings:
        why, way = why_closed(judge)
        return f"the judge gives no embeddings: {why}" + (f". {way}" if way else "")
    return ""


def look_inside(
    judge: Judge,
    material: Material,
    *,
    pictures: int = PICTURES,
    step: Callable[[], None] = lambda: None,
) -> Inside:
    """Look at some pictures of every label on their way through the model.

    step : called after each picture. Raises `JudgeError` where the model's parts are not found.
    """
    from snellen.audit.glimpse import glimpse
    from snellen.audit.parts import anatomy, white_box

    opened = white_box(judge)
    body = anatomy(opened.model)
    looked: list[tuple[Item, Glimpse, Floats, float]] = []
    for item in balanced(material.items, pictures):
        try:
            picture = material.picture(item)
        except ImageError:
            continue
        order = q.order_of(picture.hash)
        asked = q.naming(ImagePart(picture, item.name), order=order, prefill=judge.can.prefill)
        [answer] = judge.answer([asked])
        if not answer.missing:
            seen = glimpse(opened, body, asked, q.LABELS)
            right = answer.logprobs[answer.options.index(item.family)]
            looked.append((item, seen, q.by_label(answer, order), right))
        step()
    if not looked:
        raise JudgeError(f"{judge.name} answered nothing that could be looked into")
    return _assemble(looked)


def balanced(items: Sequence[Item], count: int) -> list[Item]:
    """About `count` items, as many of each label as of any other, the first by hash."""
    labels = sorted({item.family for item in items if item.family})
    each = max(count // max(len(labels), 1), 1)
    chosen = []
    for label in labels:
        own = [item for item in items if item.family == label]
        chosen += sorted(own, key=lambda item: hashlib.sha256(item.name.encode()).digest())[:each]
    return sorted(chosen, key=lambda item: item.reference)


def linear_probe(vectors: Floats, truth: npt.NDArray[np.int64], groups: Sequence[str]) -> Floats:
    """(n,) what a linear reader says of each row, fitted without the row's group.

    vectors : (n, d). truth : (n,) labels. groups : (n,) photos, dealt to at most ten folds.
    Ridge regression onto one-hot labels of standardised vectors, solved in the n × n dual, with a
    penalty of a tenth of the mean squared length: one fixed number, as nothing is chosen. (Ours.)
    """
    names = sorted(set(groups))
    fold_of = {name: place % min(10, len(names)) for place, name in enumerate(names)}
    folds = np.array([fold_of[name] for name in groups])
    said = np.full(len(truth), -1)
    labels = np.unique(truth)
    for fold in range(folds.max() + 1):
        out = folds == fold
        if out.all():
            break
        centre, scale = vectors[~out].mean(0), vectors[~out].std(0)
        x = (vectors - centre) / np.where(scale > 1e-9, scale, 1.0)
        known = x[~out]
        kernel = known @ known.T
        penalty = 0.1 * float(np.trace(kernel)) / len(known) + 1e-9
        hot = (truth[~out][:, None] == labels) - 1 / len(labels)
        weights = np.linalg.solve(kernel + penalty * np.eye(len(known)), hot)
        said[out] = labels[(x[out] @ known.T @ weights).argmax(1)]
    return said


def _assemble(looked: Sequence[tuple[Item, Glimpse, Floats, float]]) -> Inside:
    truth = np.array([q.LABELS.index(item.family) for item, *_ in looked])
    references = [item.reference for item, *_ in looked]
    layers = []
    for name in looked[0][1].layers:
        vectors = np.array([seen.layers[name] for _, seen, _, _ in looked])
        lens = None
        if name in looked[0][1].lens:
            read = np.array([seen.lens[name].argmax() for _, seen, _, _ in looked])
            lens = share(read == truth, references)
        said = linear_probe(vectors, truth, references)
        layers.append(Layer(name, share(said == truth, references), lens))
    likeness = np.array([seen.likeness for _, seen, _, _ in looked])
    logprob = np.array([right for *_, right in looked])
    alignment = []
    for place in np.unique(truth):
        own = truth == place
        names = [reference for reference, kept in zip(references, own, strict=True) if kept]
        apart = np.delete(likeness[own], place, axis=1).mean(1)
        alignment.append(
            Alignment(
                q.LABELS[place],
                mean(likeness[own, place], names),
                mean(apart, names),
                mean(logprob[own], names),
            )
        )
    named = np.array([p.argmax() for _, _, p, _ in looked])
    return Inside(
        tuple(layers),
        tuple(alignment),
        share(named == truth, references),
        1 / len(np.unique(truth)),
        len(looked),
    )
