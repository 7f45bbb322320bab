"""Ratings in and out: CSV and JSON lines, Label Studio's JSON, columns for FiftyOne.

Out: `write_votes` (every answer with its flag), `write_opinions` (one row a picture), and both in
the forms other programs read. In: votes or pairs that were collected elsewhere, as raters of the
study. Label Studio's form is that of its task format (https://labelstud.io/guide/task_format):
`<Rating name="quality" toName="image"/>` for levels and `<Pairwise name="better"
toName="left,right"/>` for pairs.
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from snellen.data.tables import (
    IMAGE_NAMES,
    RATER_NAMES,
    VOTE_NAMES,
    find_column,
    find_optional,
    read_table,
    texts,
)
from snellen.errors import DataError, InputError
from snellen.rating import results
from snellen.rating.screening import report_rater
from snellen.rating.store import Kind, Rater, Stimulus, StudyFile, Task, Trial
from snellen.runs import atomic

Row = dict[str, Any]
IMPORTED_ROUND = -2  # trials that came from elsewhere
_LEVELS = {"1", "2", "3", "4", "5"}


def votes_of(file: StudyFile) -> list[Row]:
    """Every answer of a study, see `results.votes`."""
    task, trials = _task(file), file.trials()
    reports = [report_rater(task, rater.name, trials) for rater in file.raters()]
    return results.votes(task, trials, file.names(), reports)


def opinions_of(file: StudyFile, *, keep_flagged: bool = False) -> list[Row]:
    """One row a picture: image, hash, mos, std, low, high, n; flagged raters are left out."""
    names = file.names()
    return [
        {
            "image": names.get(opinion.image, opinion.image),
            "hash": opinion.image,
            "mos": opinion.mos,
            "std": opinion.std,
            "low": opinion.low,
            "high": opinion.high,
            "n": opinion.n,
        }
        for opinion in results.opinions(
            _task(file), file.trials(), () if keep_flagged else flagged(file)
        )
    ]


def flagged(file: StudyFile) -> set[str]:
    """Raters whose own answers speak against them, see `screening`."""
    task, trials = _task(file), file.trials()
    return {rater.name for rater in file.raters() if report_rater(task, rater.name, trials).flags}


def label_studio(file: StudyFile) -> list[Row]:
    """Tasks with their annotations, as Label Studio imports and exports them."""
    found: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    pairs = _task(file) == "pairs"
    for row in votes_of(file):
        if row["kind"] != "rating":
            continue
        shown = (row["first"], row["second"]) if pairs else (row["image"],)
        found[shown].append(
            {
                "completed_by": {"email": row["rater"]},
                "lead_time": row["seconds"],
                "result": [_pairwise(row) if pairs else _rating(row)],
            }
        )
    keys = ("left", "right") if pairs else ("image",)
    return [
        {"data": dict(zip(keys, shown, strict=True)), "annotations": annotations}
        for shown, annotations in found.items()
    ]


def _rating(row: Row) -> Row:
    value = {"rating": row["score"]}
    return {"type": "rating", "from_name": "quality", "to_name": "image", "value": value}


def _pairwise(row: Row) -> Row:
    """A tie selects neither side, as an empty selection does there."""
    side = {"first": "left", "second": "right"}.get(row["preferred"])
    value = {"selected": side} if side else {}
    return {"type": "pairwise", "from_name": "better", "to_name": "left,right", "value": value}


def fiftyone(file: StudyFile) -> list[Row]:
    """Columns that FiftyOne takes as sample fields: filepath, quality, quality_std, ratings."""
    return [
        {
            "filepath": row["image"],
            "quality": row["mos"],
            "quality_std": row["std"],
            "ratings": row["n"],
        }
        for row in opinions_of(file)
    ]


def counting_of(file: StudyFile) -> list[Row]:
    """The votes that make opinions: no training, repeats, checks or flagged raters."""
    return [row for row in votes_of(file) if row["kind"] == "rating" and not row["flag"]]


_FORMS: dict[str, Callable[[StudyFile], list[Row]]] = {
    "votes": votes_of,
    "counting": counting_of,
    "mos": opinions_of,
    "label-studio": label_studio,
    "fiftyone": fiftyone,
}
FORMS = tuple(_FORMS)


def export(file: StudyFile, path: Path, form: str) -> int:
    """Write one of `FORMS` as .csv, .json or .jsonl, by the file's ending; gives its length.

    Raises `InputError` for another form or ending, or where there is nothing to write yet.
    """
    text = export_text(file, form, path.suffix.lower())
    with atomic(path) as out:
        out.write(text.encode("utf-8", "backslashreplace"))
    return len(text)


def export_text(file: StudyFile, form: str, ending: str) -> str:
    """What `export` writes."""
    if form not in _FORMS:
        raise InputError(f"unknown form {form!r}", f"Forms are {', '.join(FORMS)}.")
    rows = _FORMS[form](file)
    if not rows:
        raise InputError("nobody has rated anything yet", "Rate some pictures first.")
    return as_text(rows, ending)


def as_text(rows: Sequence[Row], ending: str) -> str:
    """Rows as .csv, .json or .jsonl."""
    if ending == ".json":
        return json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
    if ending == ".jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if ending == ".csv" and not any(isinstance(v, (dict, list)) for v in rows[0].values()):
        out = io.StringIO()
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue()
    raise InputError(
        f"cannot write this as {ending or 'a file without an ending'}",
        "Use .csv, .json or .jsonl; Label Studio's form is .json.",
    )


# --- in ---------------------------------------------------------------------------------------


def import_votes(file: StudyFile, path: Path) -> tuple[int, int]:
    """Take ratings that were collected elsewhere into the study.

    path : a table (rater, image, score; or rater, first, second, preferred), or Label Studio's
           JSON. Images go by the study's names, the ends of their paths, or their hashes.
    A rater who is in the study already gets only what he has not answered there.
    Returns votes taken and votes whose image is not of this study.
    Raises `DataError` for a file of another form.
    """
    task = _task(file)
    rows = _from_label_studio(path) if path.suffix.lower() == ".json" else _from_table(path, task)
    find = _Names(file.names())
    by_rater: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
    unknown = 0
    for rater, shown, value in rows:
        images = tuple(find(name) for name in shown)
        if None in images:
            unknown += 1
        else:
            by_rater[rater].append((tuple(map(str, images)), value))
    return sum(_add(file, name, said) for name, said in by_rater.items()), unknown


def _add(file: StudyFile, name: str, said: Iterable[tuple[tuple[str, ...], str]]) -> int:
    """Answers of one rater, as trials of the imported round; gives how many were new."""
    rater = file.join(name)
    known = {_key(trial) for trial in file.trials(rater)}
    new = {frozenset(images): (images, value) for images, value in said}
    new = {key: pair for key, pair in new.items() if key not in known}
    kind: Kind = "rating"
    planned = [(kind, tuple(map(Stimulus, images))) for images, _ in new.values()]
    file.add_trials(rater, IMPORTED_ROUND, planned)
    values = {frozenset(images): value for images, value in new.values()}
    for trial in _of_round(file, rater, IMPORTED_ROUND):
        if trial.value is None and _key(trial) in values:
            file.answer(trial, values[_key(trial)], None, {"imported": True})
    return len(values)


def _of_round(file: StudyFile, rater: Rater, number: int) -> list[Trial]:
    return [trial for trial in file.trials(rater) if trial.round == number]


def _key(trial: Trial) -> frozenset[str]:
    return frozenset(stimulus.key for stimulus in trial.shown)


Vote = tuple[str, tuple[str, ...], str]


def _from_table(path: Path, task: Task) -> list[Vote]:
    """Votes of a table, whose columns may have any of the field's usual names."""
    table = read_table(path)
    raters = _column(table, path, RATER_NAMES, "imported")
    if task == "pairs":
        first, second, preferred = (
            texts(table, find_column(table, (name,), where=path))
            for name in ("first", "second", "preferred")
        )
        said = _preferences(first, second, preferred)
        shown: list[tuple[str, ...]] = list(zip(first, second, strict=True))
    else:
        scores = find_column(table, VOTE_NAMES, where=path)
        said = [_level(path, text) for text in texts(table, scores)]
        images = texts(table, find_column(table, IMAGE_NAMES, where=path))
        shown = [(image,) for image in images]
    return [vote for vote in zip(raters, shown, said, strict=True) if vote[2]]


def _column(
    table: Mapping[str, Sequence[object]], path: Path, names: Sequence[str], otherwise: str
) -> list[str]:
    """A column that need not be there; `otherwise` stands for its empty cells."""
    name = find_optional(table, names, where=path)
    cells = [""] * len(next(iter(table.values()))) if name is None else texts(table, name)
    return [cell or otherwise for cell in cells]


def _level(path: Path, text: str) -> str:
    """ "4" from "4" or "4.0"; empty stays empty."""
    short = text.strip().removesuffix(".0")
    if short and short not in _LEVELS:
        raise DataError(f"{path} has the score {text!r}", "A study of levels takes 1, 2, 3, 4, 5.")
    return short


def _preferences(first: Sequence[str], second: Sequence[str], said: Sequence[str]) -> list[str]:
    """ "first", "second" or "same" for each row, in the words `snellen pairs` understands."""
    from snellen.stats.pairs import read_preferences

    codes = read_preferences(first, second, list(said))
    return [{1: "first", 2: "second", 0: "same"}.get(int(code), "") for code in codes]


def _from_label_studio(path: Path) -> list[Vote]:
    try:
        tasks = json.loads(path.read_text("utf-8"))
        return [vote for task in tasks for vote in _votes_of_task(task)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is no Label Studio export ({type(error).__name__}: {error})",
            "Export as JSON there, with a Rating or a Pairwise control.",
        ) from error


def _votes_of_task(task: Mapping[str, Any]) -> Iterable[Vote]:
    data = task["data"]
    for annotation in task["annotations"]:
        who = annotation.get("completed_by", "imported")
        if isinstance(who, dict):
            who = who.get("email") or who.get("id") or "imported"
        rater = str(who)
        for result in annotation["result"]:
            if result["type"] == "rating":
                yield rater, (str(data[result["to_name"]]),), str(int(result["value"]["rating"]))
            elif result["type"] == "pairwise":
                left, right = result["to_name"].split(",")
                side = result["value"].get("selected")
                value = {"left": "first", "right": "second"}.get(side, "same")
                yield rater, (str(data[left]), str(data[right])), value


class _Names:
    """From what a table calls an image to its hash: by name, hash, or a path's unique ending."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._exact = {name: image for image, name in names.items()} | {i: i for i in names}
        ends: dict[str, set[str]] = defaultdict(set)
        for image, name in names.items():
            ends[Path(name).name].add(image)
        self._ends = {end: next(iter(images)) for end, images in ends.items() if len(images) == 1}

    def __call__(self, name: str) -> str | None:
        return self._exact.get(name) or self._ends.get(Path(name.split("?d=")[-1]).name)


def _task(file: StudyFile) -> Task:
    settings = file.settings()
    if "task" not in settings:
        raise InputError(f"{file.path} holds no study", "Begin one: snellen rate PHOTOS.")
    task: Task = settings["task"]
    return task
