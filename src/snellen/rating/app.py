"""The study as a web service: the rater's page, the owner's page, and what they ask for.

Everything is behind a secret link: /r/TOKEN is one rater's, /study/KEY the owner's. Without one
there is nothing to see. Only the two pages, their script and style, JSON and the pictures of the
study are ever served; a picture is named by its content hash, so no path comes from outside.
"""

# No postponed annotations here: FastAPI reads them, and some name what only exists in create_app.

import hashlib
import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Body, Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, Field

from snellen.errors import InputError, StudyError
from snellen.rating import exchange, results
from snellen.rating.live import Live
from snellen.rating.store import Rater, Trial
from snellen.rating.study import LEVELS, Study

_ASSETS = Path(__file__).parent / "assets"
_LOCAL = {"127.0.0.1", "localhost", "[::1]", "testserver"}
_MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "jsonl": "application/jsonl",
}
_DISK_FULL = 507  # RFC 4918: the server cannot store what is needed


class Said(BaseModel):
    """One answer from the page."""

    trial: int
    value: str = Field(max_length=10)
    seconds: float | None = None
    window: list[int] = Field(default_factory=list, max_length=2)
    pixel_ratio: float | None = None
    fitted: bool = False


class Conditions(BaseModel):
    """How a rater sees the pictures, asked once."""

    screen: str = Field(max_length=40)
    distance: str = Field(max_length=40)
    light: str = Field(max_length=40)
    size: list[int] = Field(default_factory=list, max_length=2)
    pixel_ratio: float | None = None


def create_app(study: Study, live: Live, *, hosts: frozenset[str] | None = None) -> FastAPI:
    """The service of one study.

    live  : figures while it goes on.
    hosts : names it may be called by; None = this machine's own only. A page elsewhere that makes
            a browser here ask for it (DNS rebinding) calls it by another name and is refused.
    """
    app = FastAPI(title="Snellen: a study", docs_url=None, redoc_url=None, openapi_url=None)
    allowed = _LOCAL if hosts is None else _LOCAL | hosts

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Response:
        host = re.sub(r":\d+$", "", request.headers.get("host", ""))
        if host not in allowed:
            return JSONResponse({"error": f"this study is not served as {host!r}"}, 421)
        response: Response = await call_next(request)
        response.headers.update(_SAFETY)
        return response

    @app.exception_handler(StudyError)
    async def study_error(_: Request, error: StudyError) -> JSONResponse:
        cause = str(error.__cause__ or "")
        status = _DISK_FULL if "full" in cause or "I/O" in cause else 409
        return JSONResponse({"error": error.what, "fix": error.fix}, status)

    def rater_of(token: str) -> Rater:
        try:
            return study.rater(token)
        except StudyError as error:
            raise HTTPException(404, str(error)) from None

    def owner(key: str) -> None:
        if not _same(key, study.owner):
            raise HTTPException(404, "there is nothing here")

    Who = Annotated[Rater, Depends(rater_of)]

    @app.get("/r/{token}")
    def page(rater: Who) -> HTMLResponse:
        return HTMLResponse(_asset("rate.html"))

    @app.get("/study/{key}", dependencies=[Depends(owner)])
    def owner_page(key: str) -> HTMLResponse:
        return HTMLResponse(_asset("study.html"))

    @app.get("/asset/{name}")
    def asset(name: str) -> Response:
        kinds = {"js": "text/javascript", "css": "text/css"}
        if name not in _SERVED:
            raise HTTPException(404, "there is nothing here")
        return Response(_asset(name), media_type=kinds[name.rsplit(".", 1)[1]])

    @app.get("/api/r/{token}")
    def begin(rater: Who) -> dict[str, Any]:
        return {
            "rater": rater.name,
            "task": study.task,
            "levels": [{"value": str(n), "word": word} for n, word in LEVELS.items()],
            "ask_conditions": rater.conditions is None,
            **_step(study, live, rater),
        }

    @app.post("/api/r/{token}/conditions")
    def conditions(rater: Who, said: Conditions) -> dict[str, Any]:
        study.file.keep_conditions(rater, said.model_dump())
        return _step(study, live, rater)

    @app.post("/api/r/{token}/answer")
    def answer(rater: Who, said: Annotated[Said, Body()]) -> dict[str, Any]:
        about = said.model_dump(include={"window", "pixel_ratio", "fitted"})
        study.answer(rater, said.trial, said.value, said.seconds, about)
        return _step(study, live, rater)

    @app.post("/api/r/{token}/undo")
    def undo(rater: Who) -> dict[str, Any]:
        study.undo(rater)
        return _step(study, live, rater)

    @app.get("/api/r/{token}/picture/{trial}/{side}")
    def picture(rater: Who, trial: int, side: int) -> Response:
        """By its trial: nobody can ask for what was not shown to him, or see a copy's name."""
        shown = next((t.shown for t in study.file.trials(rater) if t.id == trial), ())
        if not 0 <= side < len(shown):
            raise HTTPException(404, "there is nothing here")
        data, kind = study.gallery.bytes_of(shown[side])
        return Response(data, media_type=kind, headers={"Cache-Control": "private, max-age=3600"})

    @app.get("/api/study/{key}", dependencies=[Depends(owner)])
    def overview(key: str, request: Request) -> dict[str, Any]:
        return _overview(study, live, str(request.base_url))

    @app.post("/api/study/{key}/raters", dependencies=[Depends(owner)])
    def invite(key: str, name: Annotated[str, Body(embed=True)], request: Request) -> Any:
        try:
            rater = study.join(name)
        except InputError as error:
            return JSONResponse({"error": error.what, "fix": error.fix}, 422)
        return {"rater": rater.name, "link": f"{request.base_url}r/{rater.token}"}

    @app.post("/api/study/{key}/calibrate", dependencies=[Depends(owner)])
    def calibrate(key: str) -> dict[str, Any]:
        return live.calibrate()

    @app.get("/api/study/{key}/export/{form}.{ending}", dependencies=[Depends(owner)])
    def export(key: str, form: str, ending: str) -> Response:
        if form not in exchange.FORMS or ending not in _MEDIA:
            raise HTTPException(404, "there is nothing here")
        try:
            text = exchange.export_text(study.file, form, f".{ending}")
        except InputError as error:
            return JSONResponse({"error": error.what, "fix": error.fix}, 409)
        name = quote(f"{form}.{ending}")
        return Response(
            text.encode("utf-8", "backslashreplace"),
            media_type=_MEDIA[ending],
            headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"},
        )

    return app


_SERVED = ("rate.js", "rate.css", "study.js")
_SAFETY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the link is the secret
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text("utf-8")


def _same(one: str, other: str) -> bool:
    """Compared by their digests, which takes the same time however much is right."""
    return hashlib.sha256(one.encode()).digest() == hashlib.sha256(other.encode()).digest()


def _step(study: Study, live: Live, rater: Rater) -> dict[str, Any]:
    """What the page shows next."""
    trial = study.next(rater)
    standing = study.standing(rater)
    answered = [t for t in study.file.trials(rater) if t.value is not None]
    step: dict[str, Any] = {
        "done": standing.done,
        "total": standing.total,
        "rounds": standing.rounds,
        "can_undo": bool(answered),
        "trial": None if trial is None else _told(study, trial),
    }
    if trial is None or not answered or answered[-1].round != trial.round:
        step["figures"] = live.for_rater(rater.name)  # there is a break in front of it
    return step


def _told(study: Study, trial: Trial) -> dict[str, Any]:
    """A trial as the page may know it: not its name, and not whether it is a check."""
    known = [study.gallery.known[stimulus.image] for stimulus in trial.shown]
    return {
        "id": trial.id,
        "training": trial.kind == "training",
        "round": trial.round,
        "shown": [
            {"url": f"picture/{trial.id}/{side}", "width": p.width, "height": p.height}
            for side, p in enumerate(known)
        ],
    }


def _overview(study: Study, live: Live, base: str) -> dict[str, Any]:
    """What the owner sees."""
    tokens = {rater.name: rater for rater in study.file.raters()}
    trials = study.file.trials()
    raters = []
    for report in study.reports():
        rater = tokens[report.rater]
        standing = study.standing(rater)
        others = results.agreement_with_others(trials, rater.name) if study.task == "acr" else None
        raters.append(
            {
                "name": rater.name,
                "link": f"{base}r/{rater.token}",
                "done": standing.done,
                "total": standing.total,
                "seconds": report.seconds,
                "checks": [report.checks - report.missed, report.checks],
                "repeats": [report.same, report.repeats],
                "steps": report.steps,
                "leading": report.leading,
                "others": others,
                "flags": list(report.flags),
                "conditions": rater.conditions,
            }
        )
    return {
        "task": study.task,
        "n": study.n,
        "pictures": len(study.gallery.known),
        "missing": [{"name": name, "reason": reason} for name, reason in study.gallery.missing],
        "raters": raters,
        "opinions": exchange.opinions_of(study.file),
        "figures": live.figures(),
    }
