"""An audit from its request to its files: the run, the findings, `reliability.json`, tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from snellen.audit import tables
from snellen.audit.collect import Asks, collect, identity
from snellen.audit.findings import Findings, find_out
from snellen.audit.material import Material
from snellen.audit.reliability import NAME, write_reliability
from snellen.audit.sheet import read_sheets
from snellen.audit.versus import Difference, versus
from snellen.errors import InputError
from snellen.judges import Judge, Memory, check_images
from snellen.runs import Progress, Request, Run

if TYPE_CHECKING:
    from snellen.audit.inside import Inside
    from snellen.scoring import Method

THOROUGH = 120  # pictures asked in other words, orders and files
ANSWERS = "answers.db"
FINDINGS = "findings.json"


@dataclass(frozen=True)
class Audit:
    """A finished audit.

    run         : its directory.
    findings    : one a judge, in the order they were named.
    differences : of the second judge against the first; empty for one judge.
    notes, left_out : of the material.
    missing     : pictures without a named distortion or a score, all judges together.
    """

    run: Path
    findings: tuple[Findings, ...]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]
    left_out: tuple[str, ...]
    pictures: int

    @property
    def missing(self) -> int:
        return sum(one.perception.missing + one.score_missing for one in self.findings)


def audit(
    judges: Sequence[Judge],
    material: Material,
    method: Method,
    request: Request,
    *,
    directory: Path | None = None,
    fresh: bool = False,
    thorough: int = THOROUGH,
    inside: bool = True,
    progress: Callable[[Progress], None] | None = None,
    elsewhere: Asks | None = None,
) -> Audit:
    """Audit one judge, or two side by side, on `material`.

    request   : what was asked for; the same one goes on where it stopped.
    directory : of the run; one for the request without.
    thorough  : how many pictures are asked in other words, orders and files, too.
    inside    : look into judges that can be looked into: alignment, layers.
    elsewhere : who asks instead of this process; `judges` are then known by name only.
    Writes into the run `findings.json`, `reliability.json` (of a second judge
    `reliability-2.json`), `types.csv` and `pictures.csv`. Raises `RunError`, `JudgeError`.
    """
    _check(judges, method)
    place = directory if directory is not None else request.directory()
    scorer = " & ".join(identity(judge, method) for judge in judges)
    with Run.open(place, request, scorer, fresh=fresh) as run, ExitStack() as stack:
        if fresh:
            for old in place.glob(f"{ANSWERS}*"):
                old.unlink()
        asked = [stack.enter_context(Memory(judge, place / ANSWERS)) for judge in judges]
        collect(
            asked, method, material, run,
            thorough=thorough, progress=progress, elsewhere=elsewhere,
        )  # fmt: skip
    sheets = read_sheets(place, len(judges))
    findings = []
    for judge, sheet in zip(judges, sheets, strict=True):
        looked, skipped = _look_inside(judge, material, inside)
        findings.append(
            find_out(
                sheet, judge.name, method.name,
                samples=judge.can.samples, inside=looked, skipped=skipped,
            )
        )  # fmt: skip
    done = Audit(
        run=place,
        findings=tuple(findings),
        differences=versus(*sheets) if len(sheets) == 2 else (),
        notes=tuple(material.notes),
        left_out=tuple(material.left_out),
        pictures=len(material.items),
    )
    for number, one in enumerate(findings, 1):
        name = NAME if number == 1 else NAME.replace(".json", f"-{number}.json")
        write_reliability(place / name, one.reliability)
    tables.write_types(place / "types.csv", findings)
    tables.write_pictures(place / "pictures.csv", sheets)
    tables.write_findings(place / FINDINGS, tables.audit_plain(done))
    return done


def _check(judges: Sequence[Judge], method: Method) -> None:
    if not 1 <= len(judges) <= 2:
        raise InputError(f"{len(judges)} judges are named", "Name one, or two to compare.")
    if len(judges) == 2 and judges[0].name == judges[1].name:
        raise InputError(f"both judges are {judges[0].name}", "Name two different ones.")
    for judge in judges:
        check_images(judge, method.name, method.images, "Use --method levels or two-words.")


def _look_inside(
    judge: Judge, material: Material, wanted: bool
) -> tuple[Inside | None, dict[str, str]]:
    """Alignment and layers, or why not."""
    from snellen.audit.inside import look_inside, why_not

    reason = "not asked for" if not wanted else why_not(judge)
    if reason:
        return None, {"alignment": reason}
    return look_inside(judge, material), {}
