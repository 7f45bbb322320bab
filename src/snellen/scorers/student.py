"""Run an exported student: an ONNX file that holds the network and its card.

The built-in scorer is one; `snellen export` makes others. Inference is ONNX Runtime on the CPU and
needs no torch.

The file's contract: inputs `crops` (n, s, s, 3) and `whole` (w, w, 3), both uint8; outputs `score`
and `spread` (points of 0–100), `cells` (n, c, c) points, and from a student that names what is
wrong `families` (k,) probabilities and `severity` (0–4); its metadata entry `snellen` is the card
as JSON.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snellen.errors import ScorerError
from snellen.images.view import View, ViewPolicy, make_view
from snellen.scorers.base import Cell, Score

if TYPE_CHECKING:
    from snellen.images import Picture

FORMAT = 1  # of the file's contract; newer ones are refused
_Z95 = 1.959964
_CARD_KEYS = ("format", "name", "version", "families", "view")


class Student:
    """A scorer read from an ONNX file.

    path   : the file.
    crops  : native crops a picture is shown in, instead of the card's own number: more are
             slower, cover more of a large picture and draw a finer map.
    sha256 : what the file's bytes must hash to; None for a file the user gave.

    Attributes: `card` (dict, as exported), `policy` (ViewPolicy), `name` (identity).
    Raises `ScorerError` when the file is missing, altered, no student, or of a newer format.
    """

    def __init__(self, path: Path, *, crops: int | None = None, sha256: str | None = None) -> None:
        import onnxruntime

        data = _bytes_of(path)
        digest = hashlib.sha256(data).hexdigest()
        if sha256 is not None and digest != sha256:
            raise ScorerError(
                f"{path} is altered: sha256 {digest[:16]}…, expected {sha256[:16]}…",
                "Install Snellen again: pip install --force-reinstall --no-deps snellen",
            )
        options = onnxruntime.SessionOptions()
        # Pictures are scored side by side in threads; each needs one core, and no spinning.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                data, options, providers=["CPUExecutionProvider"]
            )
            meta = self._session.get_modelmeta().custom_metadata_map
        except Exception as error:  # onnxruntime raises its own unnamed classes
            raise ScorerError(
                f"{path} cannot be loaded as an ONNX model ({_first_line(error)})",
                "Give an ONNX file made by Snellen, or 'built-in'.",
            ) from None
        self.card = _card_of(meta, path)
        view = self.card["view"]
        self.policy = ViewPolicy(
            crops=crops if crops is not None else view["crops"],
            size=view["size"],
            whole=view["whole"],
        )
        self._families = tuple(self.card["families"])
        self._outputs = tuple(output.name for output in self._session.get_outputs())
        self._name = f"{self.card['name']}@{self.card['version']}+{digest[:12]}"
        if self.policy.crops != view["crops"]:
            self._name += f"?crops={self.policy.crops}"

    @property
    def name(self) -> str:
        """Identity: name and version of the card, hash of the file, and the dial if turned."""
        return self._name

    def score(self, picture: Picture) -> Score:
        """Score one picture; thread-safe, deterministic."""
        return self.look(picture)()

    def look(self, picture: Picture) -> Callable[[], Score]:
        """Cut the view of one picture; what comes back scores it and holds none of its pixels."""
        view = make_view(picture.pixels, self.policy)
        if picture.scale == 1:
            return partial(self.score_view, view)
        return partial(self._score_scaled, view, picture.scale, (picture.width, picture.height))

    def _score_scaled(self, view: View, scale: int, size: tuple[int, int]) -> Score:
        score = self.score_view(view)
        return replace(score, cells=_in_original(score.cells, scale, size))

    def score_view(self, view: View) -> Score:
        """Score what a network is shown; see `snellen.images.view`."""
        said = self._session.run(self._outputs, {"crops": view.crops, "whole": view.whole})
        found = dict(zip(self._outputs, said, strict=True))
        value, deviation = float(found["score"]), float(found["spread"])
        if not (math.isfinite(value) and math.isfinite(deviation)):
            raise ScorerError(f"{self.name} gave no finite score", "Report it with the picture.")
        value = min(100.0, max(0.0, value))
        return Score(
            value=value,
            low=max(0.0, value - _Z95 * deviation),
            high=min(100.0, value + _Z95 * deviation),
            spread=deviation,
            families=dict(zip(self._families, self._probabilities(found), strict=True)),
            severity=float(found["severity"]) if "severity" in found else None,
            cells=_cells_of(view, found["cells"]),
            view=view.record,
        )

    @staticmethod
    def _probabilities(found: dict[str, Any]) -> list[float]:
        """Of each family; none where the student names none."""
        return found["families"].tolist() if "families" in found else []


def _cells_of(view: View, cells: np.ndarray[Any, Any]) -> tuple[Cell, ...]:
    """Cells of all crops in picture coordinates; those that lie in mirrored fill are left out."""
    side = view.crops.shape[1] // cells.shape[1]
    scores = np.clip(cells, 0, 100).tolist()
    return tuple(
        Cell(x + left, y + top, w, h, score)
        for (x, y, width, height), grid in zip(view.boxes.tolist(), scores, strict=True)
        for (top, h), line in zip(_steps(height, side), grid, strict=False)
        for (left, w), score in zip(_steps(width, side), line, strict=False)
    )


@lru_cache(maxsize=64)
def _steps(length: int, side: int) -> tuple[tuple[int, int], ...]:
    """Start and extent of each cell along a side of a crop."""
    return tuple((start, min(side, length - start)) for start in range(0, length, side))


def _in_original(cells: tuple[Cell, ...], scale: int, size: tuple[int, int]) -> tuple[Cell, ...]:
    """The map of a picture that was decoded smaller, in pixels of the original of that `size`."""
    found = []
    for cell in cells:
        left, top = cell.x * scale, cell.y * scale
        # The last decoded pixel stands for fewer than `scale` pixels where the side is no multiple.
        width = min(cell.width * scale, size[0] - left)
        height = min(cell.height * scale, size[1] - top)
        found.append(Cell(left, top, width, height, cell.score))
    return tuple(found)


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ScorerError(f"no model file at {path}", "Check the path.") from None
    except OSError as error:
        raise ScorerError(f"{path} cannot be read ({error.strerror})", "Check the path.") from None


def _card_of(meta: dict[str, str], path: Path) -> dict[str, Any]:
    if "snellen" not in meta:
        raise ScorerError(
            f"{path} is an ONNX model without a Snellen card",
            "Give an ONNX file made by Snellen, or 'built-in'.",
        )
    try:
        card: dict[str, Any] = json.loads(meta["snellen"])
        missing = [key for key in _CARD_KEYS if key not in card]
    except ValueError:
        card, missing = {}, list(_CARD_KEYS)
    if missing:
        raise ScorerError(f"the card in {path} lacks {', '.join(missing)}", "Export it again.")
    if card["format"] > FORMAT:
        raise ScorerError(
            f"{path} has format {card['format']}, newer than this version's {FORMAT}",
            "Run: pip install --upgrade snellen",
        )
    return card


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
