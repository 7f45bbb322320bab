"""Features of pictures, computed once: distilling, calibrating and choosing all start from them.

    looked = look_at(student, [Path("a.jpg"), …])
    looked.features, looked.scores, looked.missing

They lie in one SQLite file for each body, keyed by the pictures' content, so that a second ratings
file or another λ costs no second look at the pixels.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from snellen.errors import ImageError, InputError, ScorerError
from snellen.images import AnyFile, content_hash, read
from snellen.images.view import View, make_view
from snellen.runs import Database, Schema
from snellen.runs.request import BASE
from snellen.stats.arrays import Floats
from snellen.students.model import StudentModel

_SCHEMA = Schema(
    called="file of features",
    application=0x534E_4645,  # "SNFE"
    steps=(("CREATE TABLE features (hash BLOB PRIMARY KEY, vector BLOB NOT NULL)",),),
    error=ScorerError,
    rescue="Delete it: it is made again.",
)
_BATCH = 32  # pictures read ahead and written together
_CHUNK = 500  # hashes in one SELECT

Vectors = npt.NDArray[np.float32]
Told = Callable[[int, int], None]
"""Called with how many are done, and of how many."""


@dataclass(frozen=True)
class Looked:
    """What a student sees and says of n pictures.

    paths    : (n,) those that could be read, in the order given.
    hashes   : (n,) content hash of each.
    raw      : (n, d) features as the body gives them; `features` the same, normalised.
    scores   : (n,) the distilled score, points of 0–100, not clipped.
    missing  : path → reason, of those that could not be read.
    again    : paths whose content another one has already; they are left out.
    """

    paths: list[AnyFile]
    hashes: list[str]
    raw: Vectors
    features: Floats
    scores: Floats
    missing: dict[AnyFile, str]
    again: list[AnyFile]

    def __len__(self) -> int:
        return len(self.paths)


def look_at(
    student: StudentModel,
    paths: Sequence[AnyFile],
    *,
    cache: Path | None = None,
    told: Told = lambda done, total: None,
) -> Looked:
    """What `student` sees of each picture; from the file of features where it is known.

    cache : folder of the files of features; `snellen-runs/features` without.
    Pictures that cannot be read are in `missing`, with the reason.
    """
    folder = cache or BASE / "features"
    folder.mkdir(parents=True, exist_ok=True)
    missing: dict[AnyFile, str] = {}
    hashes: dict[str, AnyFile] = {}
    again: list[AnyFile] = []
    for path in paths:
        try:
            name = content_hash(path.read_bytes())
        except (OSError, ValueError, ImageError) as error:
            missing[path] = f"{path.name}: it cannot be read ({error})"
            continue
        if name in hashes:
            again.append(path)
        else:
            hashes[name] = path
    with Database(folder / f"{student.body_identity()}.db", _SCHEMA) as file:
        known = _known(file, hashes)
        todo = [(name, path) for name, path in hashes.items() if name not in known]
        done = len(paths) - len(todo)
        told(done, len(paths))
        for start in range(0, len(todo), _BATCH):
            fresh = _look(student, todo[start : start + _BATCH], missing)
            with file.transaction() as connection:
                connection.executemany(
                    "INSERT OR IGNORE INTO features VALUES (?, ?)",
                    [(bytes.fromhex(name), vector.tobytes()) for name, vector in fresh.items()],
                )
            known |= fresh
            done += len(todo[start : start + _BATCH])
            told(done, len(paths))
    kept = [name for name in hashes if name in known]
    width = student.network.body.width
    raw = np.stack([known[name] for name in kept]) if kept else np.zeros((0, width), np.float32)
    features, scores = judged(student, raw)
    return Looked([hashes[name] for name in kept], kept, raw, features, scores, missing, again)


def judged(student: StudentModel, raw: Vectors) -> tuple[Floats, Floats]:
    """Normalised features (n, d) and distilled scores (n,), points, of raw features (n, d)."""
    import torch

    with torch.inference_mode():
        given = torch.from_numpy(raw)
        score, _ = student.network.head(given)
        features = student.network.head.normalise(given)
    return features.numpy().astype(np.float64), (score.numpy().astype(np.float64) - 1) * 25


def found_images(paths: Iterable[str | os.PathLike[str]]) -> list[AnyFile]:
    """Every image file under `paths`, sorted by name. Raises `NothingFound`, `InputError`."""
    from snellen.images import Census, find

    given, census = [os.fspath(path) for path in paths], Census()
    found = {one.name: one for one in find(given, census=census)}
    if not found:
        raise census.nothing_found(given)
    usable = [found[name].path for name in sorted(found) if found[name].problem is None]
    if not usable:
        raise InputError(*next(iter(found.values())).problem.args)  # type: ignore[union-attr]
    return usable


def _known(file: Database, hashes: Iterable[str]) -> dict[str, Vectors]:
    """hash → stored vector (d,) float32."""
    wanted = [bytes.fromhex(name) for name in hashes]
    found: dict[str, Vectors] = {}
    for start in range(0, len(wanted), _CHUNK):
        part = wanted[start : start + _CHUNK]
        marks = ", ".join("?" * len(part))
        rows = file.rows(f"SELECT hash, vector FROM features WHERE hash IN ({marks})", part)
        found |= {name.hex(): np.frombuffer(vector, np.float32) for name, vector in rows}
    return found


def _look(
    student: StudentModel, batch: Sequence[tuple[str, AnyFile]], missing: dict[AnyFile, str]
) -> dict[str, Vectors]:
    """Read in threads, which decode side by side; look one by one, so that a picture's features
    never depend on its neighbours."""
    import torch

    def view(path: AnyFile) -> View | ImageError:
        try:
            return make_view(read(path).pixels, student.policy)
        except ImageError as error:
            return error

    fresh: dict[str, Vectors] = {}
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool, torch.inference_mode():
        for (name, path), shown in zip(batch, pool.map(view, [p for _, p in batch]), strict=True):
            if isinstance(shown, ImageError):
                missing[path] = str(shown)
                continue
            crops, whole = torch.from_numpy(shown.crops), torch.from_numpy(shown.whole)
            fresh[name] = student.network.body.look(crops[None], whole[None])[1][0].numpy()
    return fresh
