"""A judge whose bias is known because it was planted: what debiasing must take out.

    world = World.make(contents=40, offset=0.25)
    JudgeScorer(world.judge(), make_method("debias")).score(world.views[0].picture)

It sees quality through noise and adds an offset that belongs to what a picture shows, as language
models are said to do (arXiv 2411.12791). It knows no method: it reads the English of a question and
looks at the pixels. In this world quality *is* the signal-to-noise ratio against the content's
pristine picture, not because people see so but because it is then known for every picture, the
copies that a method makes among them. All of it is ours.

What the judge is taken to do when a question says how good another image is ("the visual quality of
the first image is poor"): it sees that image too, offset and all, learns by how much its own
impression was off, and corrects its impression of the asked image by the share `trust` of that.
That is the paper's claim put in numbers; a trust of 0 is a judge that does not listen.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from snellen import distortions
from snellen.distortions import seed_of
from snellen.images import Picture, content_hash
from snellen.judges import ImagePart, Question, ScriptedJudge

SIDE = 64  # pixels: several blocks of JPEG, and copies are made fast
TYPES = ("gaussian-blur", "jpeg", "white-noise", "color-shift", "contrast-change")
"""Distortions of a world's pictures; none of them is among the copies of a method."""
LEVELS = (1, 3, 5)
MASS = 0.9

_WORDS = {"excellent": 1.0, "good": 0.75, "fair": 0.5, "average": 0.5, "poor": 0.25, "bad": 0.0}
_TOLD = re.compile(r"quality of the (first|second|third|last) image is (\w+)", re.IGNORECASE)
_PLACES = {"first": 0, "second": 1, "third": 2, "last": -1}
_GAIN = 8.0  # log-odds of "good" for each unit of quality
_WIDTH = 0.2  # of the levels a judge considers around its impression
_GRID = 32  # cells a side by which contents are told apart
_AROUND = 9  # cells a side whose mean is taken off: edges are left, as fog leaves them
_FLOOR, _CEILING = 15.0, 40.0  # dB that count as quality 0 and 1

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class View:
    """One picture of a world: content by number, distortion and level ("" and 0 if pristine), and
    its true quality in [0, 1]."""

    picture: Picture
    content: int
    type: str
    level: int
    quality: float


@dataclass(frozen=True)
class World:
    """Contents, pictures of them, and a judge of them with a planted bias.

    references : pristine pixels of each content.
    offsets    : (contents,) what each content adds to the judge's impression.
    views      : every content pristine and with every type and level, content by content.
    noise      : standard deviation of the impression, drawn from each image's hash.
    trust      : share of its known error that the judge takes back, see above.
    shared     : share of the offset that a ruined copy keeps: it shows a little less.
    """

    references: tuple[Pixels, ...]
    offsets: npt.NDArray[np.float64]
    views: tuple[View, ...]
    noise: float
    trust: float
    shared: float
    _grids: npt.NDArray[np.float64] = field(repr=False)
    # Hash of an image → what is seen in it; worlds that differ in the judge alone share it.
    _known: dict[str, tuple[int, float]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def make(
        cls,
        contents: int = 40,
        offset: float = 0.25,
        noise: float = 0.03,
        trust: float = 0.9,
        shared: float = 0.95,
        seed: int = 0,
    ) -> World:
        """A world drawn from `seed`; `offset` is the standard deviation of the offsets."""
        rng = np.random.Generator(np.random.PCG64(seed))
        references = tuple(_scene(rng) for _ in range(contents))
        offsets = rng.normal(size=contents)
        offsets = offset * (offsets - offsets.mean()) / offsets.std()
        views = []
        for number, reference in enumerate(references):
            for kind, level in (("", 0), *((k, v) for k in TYPES for v in LEVELS)):
                views.append(_view(reference, number, kind, level))
        grids = np.stack([_grid(reference) for reference in references])
        return cls(references, offsets, tuple(views), noise, trust, shared, grids)

    def judge(self) -> ScriptedJudge:
        """The judge of this world; it answers any question about quality that it can read."""
        planted = hashlib.sha256(self.offsets.tobytes()).hexdigest()[:12]
        name = f"planted:{planted};noise={self.noise:g};trust={self.trust:g};shared={self.shared:g}"
        return ScriptedJudge(self.say, name)

    def say(self, question: Question) -> Mapping[str, float] | None:
        """Option → probability, from the text and the pixels alone; None where it cannot read."""
        words = {option.casefold(): option for option in question.options}
        if not question.images:
            return None
        if set(words) == {"a", "b"} and len(question.images) == 2:
            gap = self._impression(question.images[0]) - self._impression(question.images[1])
            p = 1 / (1 + math.exp(-_GAIN * gap))
            return {words["a"]: MASS * p, words["b"]: MASS * (1 - p)}
        if set(words) == {"yes", "no"} and len(question.images) == 2:
            p = 0.95 if len({self._seen(image)[0] for image in question.images}) == 1 else 0.05
            return {words["yes"]: MASS * p, words["no"]: MASS * (1 - p)}
        if not set(words) <= set(_WORDS):
            return None
        impression = self._impression(question.images[-1]) - self._known_error(question)
        if set(words) == {"good", "poor"}:
            p = 1 / (1 + math.exp(-_GAIN * (impression - 0.5)))
            return {words["good"]: MASS * p, words["poor"]: MASS * (1 - p)}
        near = {w: math.exp(-(((_WORDS[w] - impression) / _WIDTH) ** 2) / 2) for w in words}
        total = math.fsum(near.values())
        return {words[w]: MASS * value / total for w, value in near.items()}

    def _known_error(self, question: Question) -> float:
        """How far the impression of the images whose quality was told is off, times the trust."""
        errors = [
            self._impression(question.images[_PLACES[place.lower()]], ruined=True)
            - _WORDS[word.lower()]
            for place, word in _TOLD.findall(question.text)
            if word.lower() in _WORDS and _PLACES[place.lower()] < len(question.images)
        ]
        return self.trust * math.fsum(errors) / len(errors) if errors else 0.0

    def _impression(self, image: ImagePart, *, ruined: bool = False) -> float:
        """Quality as the judge sees it: the truth, the content's offset, and noise of its own."""
        content, quality = self._seen(image)
        offset = float(self.offsets[content]) * (self.shared if ruined else 1.0)
        rng = np.random.Generator(np.random.PCG64(list(bytes.fromhex(image.hash))))
        return quality + offset + self.noise * float(rng.standard_normal())

    def _seen(self, image: ImagePart) -> tuple[int, float]:
        """Which content a picture shows (the most alike in its edges), and its quality."""
        if image.hash not in self._known:
            pixels = image.pixels()
            content = int(np.argmax(self._grids @ _grid(pixels)))
            self._known[image.hash] = content, quality_of(pixels, self.references[content])
        return self._known[image.hash]


def quality_of(pixels: Pixels, reference: Pixels) -> float:
    """In [0, 1]: the peak signal-to-noise ratio, 15 dB and less 0, 40 dB and more 1."""
    error = float(np.mean((pixels.astype(np.float64) - reference) ** 2))
    if error == 0:
        return 1.0
    decibel = 10 * math.log10(255**2 / error)
    return min(1.0, max(0.0, (decibel - _FLOOR) / (_CEILING - _FLOOR)))


def _scene(rng: np.random.Generator) -> Pixels:
    """(SIDE, SIDE, 3): a ground of 1/f clouds in a few colours under some shapes with edges."""
    rows = np.fft.fftfreq(SIDE)[:, None]
    columns = np.fft.rfftfreq(SIDE)[None]
    falloff = 1 / np.maximum(np.hypot(rows, columns), 1 / SIDE)
    picture = np.empty((SIDE, SIDE, 3))
    for channel in range(3):
        spectrum = falloff * np.fft.rfft2(rng.normal(size=(SIDE, SIDE)))
        clouds = np.fft.irfft2(spectrum, s=(SIDE, SIDE))
        picture[..., channel] = rng.uniform(70, 180) + 30 * clouds / clouds.std()
    y, x = np.mgrid[:SIDE, :SIDE]
    for _ in range(6):
        centre, size = rng.uniform(0, SIDE, 2), rng.uniform(6, 30)
        round_ = np.hypot(y - centre[0], x - centre[1]) < size
        square = np.maximum(abs(y - centre[0]), abs(x - centre[1])) < size
        inside = round_ if rng.random() < 0.5 else square
        picture[inside] = 0.4 * picture[inside] + 0.6 * rng.uniform(20, 235, 3)
    return np.asarray(picture.clip(0, 255).round(), dtype=np.uint8)


def _view(reference: Pixels, content: int, kind: str, level: int) -> View:
    pixels = reference
    if kind:
        seed = seed_of(f"planted {content}", kind, level)
        pixels = distortions.apply(reference, kind, level, seed=seed)
    key = content_hash(pixels.tobytes())
    picture = Picture(pixels, key, SIDE, SIDE, "PNG", pixels.nbytes, "made")
    return View(picture, content, kind, level, quality_of(pixels, reference))


def _grid(pixels: Pixels) -> npt.NDArray[np.float64]:
    """(cells,) brightness of coarse cells about that around them, mean 0 and length 1.

    Of the copies of 26 pictures it told the content of all that were zoom-blurred, spattered or
    saturated, and of 92 % of those in fog.
    """
    from scipy.ndimage import uniform_filter

    height, width, _ = pixels.shape
    gray = pixels.mean(axis=2)[: height - height % _GRID, : width - width % _GRID]
    cells = gray.reshape(_GRID, height // _GRID, _GRID, width // _GRID).mean(axis=(1, 3))
    edges = (cells - uniform_filter(cells, _AROUND, mode="nearest")).ravel()
    edges -= edges.mean()
    return np.asarray(edges / (np.linalg.norm(edges) + 1e-9))


def planted_share(
    scores: Sequence[float], world: World, views: Sequence[View] | None = None
) -> float:
    """Variance of the scores due to the planted offsets, over that due to quality.

    scores : one a view of `views` (all of the world's unless given).
    From the regression of scores on true quality and planted offset: the square of what one unit of
    offset moves a score, over the square of what one unit of quality does, times the offsets'
    variance over that of quality. 0 where nothing of the offset is left. What else differs between
    contents is not counted: it was not planted.
    """
    shown = world.views if views is None else views
    quality = np.array([view.quality for view in shown])
    offset = world.offsets[[view.content for view in shown]]
    columns = np.stack([quality, offset, np.ones_like(quality)], axis=1)
    (per_quality, per_offset, _), *_ = np.linalg.lstsq(columns, np.asarray(scores), rcond=None)
    return float(per_offset**2 * offset.var() / (per_quality**2 * quality.var()))
