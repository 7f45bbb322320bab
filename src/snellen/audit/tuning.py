"""Tune parts of a judge on naming distortions, and audit it before and after.

The experiment of arXiv 2512.09573: which part must learn for a judge to see? Photos are split by
reference; one set trains, the other is audited before and after each combination of parts. Only
wordings of `questions.TAUGHT` are trained with, so that the audit's unseen ones tell what was
learnt from the picture from what was learnt by heart.
"""

from __future__ import annotations

import gc
import hashlib
import json
import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snellen.audit.collect import collect, identity
from snellen.audit.findings import Findings, find_out
from snellen.audit.inside import Inside, look_inside, why_not
from snellen.audit.material import Item, Photos
from snellen.audit.parts import PARTS, Part, anatomy, white_box
from snellen.audit.planning import Cost, Plan, measured, plan
from snellen.audit.sheet import read_sheets
from snellen.audit.shelf import Shelf, split
from snellen.errors import InputError, JudgeError, RunError, UnknownName
from snellen.judges import Judge, load_judge
from snellen.judges.protocol import why_closed
from snellen.runs import Progress, Request, Run
from snellen.runs.files import write_json

if TYPE_CHECKING:
    from snellen.audit.training import Recipe

AUDITED = 240  # pictures of them, as many of each label
LOOKED = 80  # looked at inside
THOROUGH = 64  # asked in unseen wordings, too
LEARNT = 1200  # pictures to train on
_COPIED = ("*.json", "*.jinja", "*.model", "*.txt")  # of a checkpoint, all but its weights


@dataclass(frozen=True)
class Tuned:
    """One combination of parts, audited.

    parts     : empty for the judge as it came. folder : its checkpoint; None for that one.
    trained   : parameters that were trained. loss : mean over the last tenth of the steps.
    findings  : the audit on photos that were never trained on.
    """

    parts: tuple[Part, ...]
    folder: Path | None
    trained: int
    loss: float
    findings: Findings

    @property
    def name(self) -> str:
        return " + ".join(self.parts) or "as it came"


@dataclass(frozen=True)
class Tuning:
    """before, after : one a combination. photos : (trained on, audited)."""

    before: Tuned
    after: tuple[Tuned, ...]
    photos: tuple[int, int]
    recipe: Recipe

    @property
    def sentence(self) -> str:
        """Whether vision and projector explain most of the gain, as the paper found."""
        by_parts = {one.parts: gain(self.before, one) for one in self.after}
        sight, whole = by_parts.get(("vision", "projector")), by_parts.get(PARTS)
        if sight is None or whole is None:
            best = max(self.after, key=lambda one: gain(self.before, one))
            return f"{best.name}: {_points(gain(self.before, best))} of accuracy."
        learnt = next(one for one in self.after if one.parts == PARTS)
        seen = learnt.findings.perception
        if whole <= 0 or not seen.accuracy.low > seen.chance:
            told = f"Tuning all parts brings {_points(whole)} and is not surely above chance"
            return f"{told}: too little was learnt to say which part brings it."
        told = f"Tuning all parts brings {_points(whole)} of accuracy, vision and projector alone"
        share = sight / whole
        if share > 1:
            return f"{told} {_points(sight)}: more than all parts together in as many steps."
        found = "most of it" if share >= 0.5 else "less than half of it, against the paper"
        return f"{told} {_points(sight)}: {share:.0%}, {found}."


def gain(before: Tuned, after: Tuned) -> float:
    """Points of accuracy in [−1, 1] on photos never trained on."""
    return after.findings.perception.accuracy.value - before.findings.perception.accuracy.value


def relative_change(before: float, after: float) -> float:
    """(after − before) / |before|: how semantic distance is told; NaN for nothing before."""
    return (after - before) / abs(before) if before else math.nan


def parse_parts(texts: Sequence[str]) -> list[tuple[Part, ...]]:
    """ "vision,projector", "all", "every" (each combination) as tuples in the order of `PARTS`.

    Raises `UnknownName`, and `InputError` where nothing is named.
    """
    found: list[tuple[Part, ...]] = []
    for text in texts:
        words = [word.strip() for word in text.split(",") if word.strip()]
        if words == ["every"]:
            found += [one for size in (1, 2, 3) for one in combinations(PARTS, size)]
            continue
        for word in words:
            if word not in (*PARTS, "all"):
                raise UnknownName("part", word, (*PARTS, "all", "every"))
        found.append(tuple(part for part in PARTS if part in words or "all" in words))
    if not found or not all(found):
        raise InputError("no part is named to tune", "Give --parts vision,projector or all.")
    return list(dict.fromkeys(found))


def tune(
    judge: str,
    photos: Photos,
    combinations: Sequence[tuple[Part, ...]],
    recipe: Recipe,
    directory: Path,
    *,
    others: Photos | None = None,
    minutes: float | None = None,
    learnt: int = LEARNT,
    audited: int = AUDITED,
    progress: Callable[[str, int, int], None] = lambda doing, done, total: None,
    say: Callable[[str], None] = lambda told: None,
    **options: Any,
) -> Tuning:
    """Train each combination on a fresh copy of `judge`, and audit all of them.

    judge     : name of a judge whose weights are on disk; checkpoints go to DIRECTORY/PARTS/.
    photos    : three of ten are audited and never trained on; all are trained on where `others`
                are given to be audited.
    recipe    : its `parts` are those of each combination in turn, its steps what `minutes` allow.
    minutes   : the whole may take on this machine, as it is now; None for the recipe's steps.
    learnt, audited : pictures to train on and to audit.
    progress  : called with (what is being done, done, total). say : with what is decided.
    options   : for `load_judge`.
    Whatever is finished is kept: the same call goes on where it was stopped.
    Raises `JudgeError` for a judge that cannot be trained, `InputError` for too few photos, and
    for one that would be trained on and audited.
    """
    began = time.perf_counter()
    base = load_judge(judge, **options)
    if not base.can.tunable:
        why, way = why_closed(base)
        raise JudgeError(
            f"{base.name} cannot be tuned: {why}",
            way or "Name a model that runs here: hf:MODEL, built-in-base.",
        )
    from snellen.audit.training import usual_rate  # needs torch, which a script can do without

    train_items, test_items = split(photos, learnt, audited, others)
    if recipe.rate is None:
        size = sum(one.numel() for one in white_box(base).model.parameters())
        recipe = replace(recipe, rate=usual_rate(size, recipe.lora))
    _claim(directory, base.name, recipe, minutes, [*train_items, *test_items], photos.side)
    shelf = Shelf(photos, train_items, directory / "pictures", progress)
    tested = replace(others or photos, items=test_items)
    start = time.perf_counter()
    before = _audit(base, tested, directory / "as-it-came", progress)
    if minutes is not None:
        now = time.perf_counter()
        left, audit = 60 * minutes - (now - began), now - start
        steps = _planned(judge, combinations, shelf, recipe, directory, left, audit, options)
        say(steps.told(minutes, len(combinations)))
        recipe = replace(recipe, steps=steps.steps)
    first = Tuned((), None, 0, math.nan, before)
    done = []
    for parts in combinations:
        done.append(_one(judge, parts, shelf, tested, recipe, directory, progress, options))
        gc.collect()  # a model is a cycle of modules and hooks; two at a time may not fit
    counted = [len({item.reference for item in items}) for items in (train_items, test_items)]
    return Tuning(first, tuple(done), (counted[0], counted[1]), recipe)


def _planned(
    judge: str,
    combinations: Sequence[tuple[Part, ...]],
    shelf: Shelf,
    recipe: Recipe,
    directory: Path,
    left: float,
    audit: float,
    options: dict[str, Any],
) -> Plan:
    """The steps that fit, measured once: a run that was stopped goes on with what it began with.

    left : seconds for all that follows. audit : seconds of one audit.
    """
    path = directory / "plan.json"
    if path.exists():
        return Plan(**json.loads(path.read_text("utf-8")))
    began = time.perf_counter()
    costs: list[Cost] = []
    for parts in combinations:
        costs.append(measured(judge, parts, shelf.examples, shelf.picture, recipe, options))
        gc.collect()
    found = plan(costs, audit, left - (time.perf_counter() - began))
    write_json(path, asdict(found))
    return found


def _claim(
    directory: Path,
    judge: str,
    recipe: Recipe,
    minutes: float | None,
    items: Sequence[Item],
    side: int,
) -> None:
    """Make the directory of this request, or refuse one of another: its checkpoints would lie."""
    names = "\n".join(item.name for item in items).encode("utf-8", "replace")
    asked = {
        "judge": judge,
        **asdict(replace(recipe, parts=())),  # each combination has its own
        "parts": [],
        "steps": recipe.steps if minutes is None else None,
        "minutes": minutes,
        "side": side,
        "pictures": hashlib.sha256(names).hexdigest()[:16],
    }
    path = directory / "request.json"
    if path.exists():
        there = json.loads(path.read_text("utf-8"))
        other = [name for name in asked if asked[name] != there.get(name)]
        if other:
            raise RunError(
                f"{directory} holds the tuning of another request ({other[0]}:"
                f" {there.get(other[0])!r} there, {asked[other[0]]!r} now)",
                "Give another --run.",
            )
        return
    directory.mkdir(parents=True, exist_ok=True)
    write_json(path, asked)


def _one(
    judge: str,
    parts: tuple[Part, ...],
    shelf: Shelf,
    tested: Photos,
    recipe: Recipe,
    directory: Path,
    progress: Callable[[str, int, int], None],
    options: dict[str, Any],
) -> Tuned:
    """Train one combination, save its checkpoint, audit that."""
    from snellen.audit.training import train

    folder = directory / "-".join(parts)
    folder.mkdir(exist_ok=True)
    checkpoint, losses = folder / "checkpoint", folder / "loss.csv"
    loaded = load_judge(judge, **options)
    opened = white_box(loaded)
    model, processor = opened.model, opened.processor
    count = sum(one.numel() for part in parts for _, one in anatomy(model).parameters(part))
    if not (checkpoint / "config.json").exists():
        own = replace(recipe, parts=parts)

        def step(number: int, loss: float) -> None:
            with losses.open("a") as file:
                file.write(f"{number},{loss:.5f}\n")
            progress(f"training {' + '.join(parts)}", number, recipe.steps)

        trained = train(
            model.float(), processor, shelf.examples, shelf.picture, own, folder / "state.pt",
            prefill=loaded.can.prefill, step=step,
        )  # fmt: skip
        _save(trained, processor, model.config._name_or_path, checkpoint)
    audited = load_judge(f"hf:{checkpoint}")
    findings = _audit(audited, tested, folder / "audit", progress)
    return Tuned(parts, checkpoint, count, _last_loss(losses), findings)


def _audit(
    judge: Judge, material: Photos, place: Path, progress: Callable[[str, int, int], None]
) -> Findings:
    """A small audit in a run of its own: naming, unseen wordings, scores, inside."""
    from snellen.scoring import make_method

    method = make_method("levels")
    request = Request("audit", (str(place.absolute()),), {"judges": [judge.name]})

    def told(one: Progress) -> None:
        progress(f"auditing {place.parent.name}", one.done, one.total)

    with Run.open(place, request, identity(judge, method)) as run:
        collect([judge], method, material, run, thorough=THOROUGH, progress=told)
    [sheet] = read_sheets(place, 1)
    reason = why_not(judge)
    inside: Inside | None = None if reason else look_inside(judge, material, pictures=LOOKED)
    skipped = {"alignment": reason} if reason else {}
    return find_out(
        sheet, judge.name, method.name, samples=judge.can.samples, inside=inside, skipped=skipped
    )


def _save(model: Any, processor: Any, source: str, folder: Path) -> None:
    """A checkpoint that `hf:FOLDER` loads; `config.json` comes last, so that it marks a whole."""
    half = folder.with_name("checkpoint-part")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir()
    model.save_pretrained(half)
    processor.save_pretrained(half)
    origin = Path(source)
    if origin.is_dir():  # whatever the classes do not write again
        for pattern in _COPIED:
            for path in origin.glob(pattern):
                if not (half / path.name).exists() and ".safetensors" not in path.name:
                    shutil.copy(path, half / path.name)
    shutil.rmtree(folder, ignore_errors=True)
    half.replace(folder)


def _last_loss(path: Path) -> float:
    """Mean over the last tenth of the steps; NaN where none were written."""
    if not path.exists():
        return math.nan
    by_step = dict(line.split(",") for line in path.read_text().splitlines())
    values = [float(value) for value in by_step.values()]
    return float(np.mean(values[-max(len(values) // 10, 1) :]))


def _points(value: float) -> str:
    return f"{100 * value:+.1f} points".replace("-", "−")
