"""Labels of a teacher: what `snellen label` writes and `snellen distil` learns from.

    labels = read_labels([Path("labels")])           # several runs, such as shards, are joined
    labels.levels, labels.first, labels.p

A run of labels is a run directory of the pictures, with a second one, `pairs`, inside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snellen.errors import DataError, RunError
from snellen.images import AnyFile, found_again
from snellen.runs import DONE, FACTS, ROWS, is_done, read_facts, scan
from snellen.stats.arrays import Floats, Ints
from snellen.wording import counted

PAIRS = "pairs"
VERB = "label"
_SHOWN = 3


@dataclass(frozen=True)
class Labels:
    """What a teacher said of n pictures and m pairs of them.

    paths, hashes : (n,) where each picture is, and its content hash.
    levels        : (n, 5) probabilities from bad to excellent, rows sum to 1.
    score         : (n,) the method's score, 0–100.
    reliability   : (n,) 0–1, how decided the teacher was (see `students.reliability`).
    audit         : (n,) 0–1, how far an audit trusts it on such pictures; 1 without an audit.
    first, second : (m,) rows of the pictures of each pair.
    p             : (m,) probability that the first is better.
    pair_reliability, disagreement : (m,) 0–1; how far the two orders differ.
    teacher, method : who was asked, and how it was read.
    notes         : what is missing or was left out, one sentence each.
    """

    paths: list[AnyFile]
    hashes: list[str]
    levels: Floats
    score: Floats
    reliability: Floats
    audit: Floats
    first: Ints
    second: Ints
    p: Floats
    pair_reliability: Floats
    disagreement: Floats
    teacher: str
    method: str
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def identity(self) -> str:
        """Hash of everything that is learned from."""
        digest = hashlib.sha256(f"{self.teacher}\n{self.method}\n{self.hashes}".encode())
        for values in (
            self.levels, self.reliability, self.audit, self.first, self.second, self.p,
            self.pair_reliability,
        ):  # fmt: skip
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()[:16]


def read_labels(folders: Sequence[Path], *, unfinished: bool = False) -> Labels:
    """The labels of one run or several of the same teacher and method.

    unfinished : take a run that was stopped half-way for what it has; refused otherwise.
    A picture in several runs is taken once. Raises `RunError` for a folder that is no run of
    labels or not finished, `DataError` where teachers or methods differ or nothing is labelled.
    """
    facts = [_facts(folder, unfinished) for folder in folders]
    teacher, method = _one_teacher(folders, facts)
    rows: dict[str, dict[str, Any]] = {}
    pairs: dict[str, dict[str, Any]] = {}
    missing, again = 0, 0
    for folder in folders:
        for row in _rows(folder):
            if row.get("missing"):
                missing += 1
            elif row["hash"] in rows:
                again += 1
            else:
                rows[row["hash"]] = row
        pairs |= {row["image"]: row for row in _rows(folder / PAIRS)}
    if not rows:
        raise DataError(
            f"none of the pictures in {_listed(folders)} has a label", "Label them again."
        )
    place = {name: at for at, name in enumerate(rows)}
    known = [
        row
        for row in pairs.values()
        if not row.get("missing") and row["first"] in place and row["second"] in place
    ]
    notes = [f"{counted(missing, 'picture')} without a label left out."] if missing else []
    if again:
        notes.append(f"{counted(again, 'picture')} labelled twice (the same content) taken once.")
    if len(known) < len(pairs):
        notes.append(f"{counted(len(pairs) - len(known), 'pair')} without an answer left out.")
    stopped = [str(folder) for folder in folders if not is_done(folder)]
    if stopped:
        notes.append(f"Not finished, taken for what there is: {', '.join(stopped)}.")
    points = list(rows.values())
    return Labels(
        paths=found_again(row["path"] for row in points),
        hashes=list(rows),
        levels=np.array([row["levels"] for row in points], np.float64),
        score=_column(points, "score"),
        reliability=_column(points, "reliability"),
        audit=_column(points, "audit"),
        first=np.array([place[row["first"]] for row in known], np.intp),
        second=np.array([place[row["second"]] for row in known], np.intp),
        p=_column(known, "p"),
        pair_reliability=_column(known, "reliability"),
        disagreement=_column(known, "disagreement"),
        teacher=teacher,
        method=method,
        notes=tuple(notes),
    )


def pair_name(first: str, second: str) -> str:
    """What a pair's row is called: both content hashes, the same for either order."""
    return " ".join(sorted((first[:32], second[:32])))


def _facts(folder: Path, unfinished: bool) -> Mapping[str, Any]:
    if not (folder / FACTS).is_file():
        raise RunError(
            f"{folder} is no run of labels: it has no {FACTS}",
            "Give the folder that `snellen label` made.",
        )
    facts = read_facts(folder)
    if facts.get("verb") != VERB:
        raise RunError(
            f"{folder} is a run of `snellen {facts.get('verb')}`, not of labels",
            "Give the folder that `snellen label` made.",
        )
    if not is_done(folder) and not unfinished:
        raise RunError(
            f"the labels in {folder} are not finished (there is no {DONE})",
            "Run the same `snellen label` again to go on, or add --unfinished to take what is"
            " there.",
        )
    return facts


def _one_teacher(folders: Sequence[Path], facts: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Judge and method of all runs. Raises `DataError` where they differ."""
    for key in ("judge", "method"):
        said = [str(one["options"].get(key)) for one in facts]
        if len(set(said)) > 1:
            other = next(at for at, name in enumerate(said) if name != said[0])
            raise DataError(
                f"labels of different {key}s do not mix: {folders[0]} is of {said[0]},"
                f" {folders[other]} of {said[other]}",
                "Distil from the runs of one teacher.",
            )
    options = facts[0]["options"]
    return str(options["judge"]), str(options["method"])


def _rows(folder: Path) -> Iterable[dict[str, Any]]:
    """The latest row of each name; nothing where there is no such run."""
    path = folder / ROWS
    if not path.exists():
        return []
    return {row["image"]: row for _, _, row in scan(path)}.values()


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> Floats:
    return np.array([row[name] for row in rows], np.float64)


def _listed(folders: Sequence[Path]) -> str:
    shown = ", ".join(map(str, folders[:_SHOWN]))
    return shown + " …" * (len(folders) > _SHOWN)
