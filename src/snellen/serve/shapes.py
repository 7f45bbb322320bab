"""What the service says, as JSON; OpenAPI's schemas and examples come from here."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from snellen.errors import SnellenError
from snellen.scorers import Score
from snellen.serve.desk import Outcome, Scored

_DIGITS = 3  # a thousandth of a point is far under any interval

_ROW: dict[str, Any] = {
    "name": "photo.jpg",
    "value": 38.214,
    "low": 22.1,
    "high": 54.3,
    "problem": "noise",
    "families": {"noise": 0.91, "clean": 0.02},
    "severity": 2.4,
    "width": 4000,
    "height": 3000,
    "format": "JPEG",
    "hash": "9f2c…",
    "notes": [],
    "missing": None,
    "fix": None,
}


class Error(BaseModel):
    """Why a request was refused, and what to do."""

    error: str
    fix: str = ""


class Row(BaseModel):
    """The score of one picture, or `missing`: why there is none."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ROW]})

    name: str = Field(description="of the uploaded file, or the address")
    value: float | None = Field(default=None, description="0–100, higher is better")
    low: float | None = Field(default=None, description="lower end of the 95 % interval")
    high: float | None = Field(default=None, description="upper end of the 95 % interval")
    problem: str | None = Field(default=None, description="the likeliest family; `clean` for none")
    families: dict[str, float] = Field(default_factory=dict, description="probability of each")
    severity: float | None = Field(default=None, description="0 imperceptible … 4 extreme")
    width: int | None = None
    height: int | None = None
    format: str | None = None
    hash: str | None = Field(default=None, description="SHA-256 of the file")
    notes: list[str] = Field(default_factory=list)
    missing: str | None = None
    fix: str | None = None


class Scores(BaseModel):
    """One row for each picture, in the order they were sent."""

    scorer: str
    results: list[Row]


class Cell(BaseModel):
    """One square of the map, in pixels of the picture, and the quality there."""

    x: int
    y: int
    width: int
    height: int
    score: float


class Explanation(Row):
    """A score with the evidence for it."""

    scorer: str
    cells: list[Cell] = Field(description="where it is good or bad; only what was looked at")
    view: dict[str, Any] = Field(description="what the scorer was shown")
    questions: list[dict[str, Any]] = Field(description="of scorers that ask a judge")


class Addresses(BaseModel):
    """Pictures by address."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"urls": ["https://images.example.org/photos/1.jpg"]}]}
    )

    urls: list[str] = Field(min_length=1)


class Health(BaseModel):
    """That the service works; `waiting` of `room` places in line are taken."""

    status: str = "ok"
    scorer: str
    version: str
    waiting: int
    room: int


def row(name: str, outcome: Outcome | BaseException) -> Row:
    """The row of one picture."""
    if isinstance(outcome, Scored):
        return Row(name=name, **_numbers(outcome))
    if isinstance(outcome, SnellenError):
        return Row(name=name, missing=reason(outcome), fix=outcome.fix or None)
    raise outcome


def reason(error: SnellenError) -> str:
    """What went wrong, without the place: bytes have no name here."""
    return error.what.removeprefix("the given bytes: ")


def explanation(scorer: str, name: str, scored: Scored) -> Explanation:
    """All there is to say of one picture."""
    score = scored.score
    return Explanation(
        name=name,
        scorer=scorer,
        cells=[
            Cell(x=c.x, y=c.y, width=c.width, height=c.height, score=round(c.score, 1))
            for c in score.cells
        ],
        view=dict(score.view),
        questions=[
            {
                "label": one.label,
                "text": one.text,
                "shown": list(one.shown),
                "probabilities": dict(zip(one.options, one.probabilities, strict=False)),
                "mass": one.mass,
                "weight": one.weight,
                "value": one.value,
                "missing": one.missing or None,
            }
            for one in score.evidence
        ],
        **_numbers(scored),
    )


def _numbers(scored: Scored) -> dict[str, Any]:
    score: Score = scored.score
    return {
        "value": round(score.value, _DIGITS),
        "low": round(score.low, _DIGITS),
        "high": round(score.high, _DIGITS),
        "problem": score.problem or None,
        "families": {name: round(p, _DIGITS) for name, p in score.families.items()},
        "severity": None if score.severity is None else round(score.severity, _DIGITS),
        "width": scored.width,
        "height": scored.height,
        "format": scored.format,
        "hash": scored.hash,
        "notes": [*scored.notes, *score.notes],
    }
