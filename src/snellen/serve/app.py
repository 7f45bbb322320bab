"""The routes: score, explain, health, metrics, and a page to drop pictures on.

No path of this machine is ever taken from a request, and nothing of a request outlives it: uploads
stay in memory, or in files without a name where they are long.
"""

# No postponed annotations here: FastAPI reads them, and some name what only exists in create_app.

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Body, FastAPI, File, HTTPException, Request, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException as AnyHTTPException

from snellen import __version__
from snellen.errors import ImageError, SnellenError
from snellen.scorers import Scorer
from snellen.serve import shapes
from snellen.serve.desk import Busy, Desk, Outcome
from snellen.serve.fetching import Fetcher, NotFetched, Refused
from snellen.serve.guard import RETRY, Guard
from snellen.serve.limits import Limits
from snellen.serve.metrics import CONTENT_TYPE, Metrics
from snellen.serve.page import asset, page

_ROUTES = frozenset({"/", "/v1/score", "/v1/score-urls", "/v1/explain", "/health", "/metrics"})
_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": shapes.Error, "description": words}
    for status, words in {
        400: "the body is no form",
        408: "the request took too long to arrive",
        413: "the request is too long",
        422: "the request makes no sense",
        429: "too many pictures wait; ask again after `Retry-After` seconds",
        504: "not scored in time",
    }.items()
}

Upload = Annotated[UploadFile, File(description="A picture: JPEG, PNG, WebP, AVIF, TIFF, …")]


def create_app(
    scorer: Scorer, limits: Limits, *, urls: Sequence[str] = (), private: bool = False
) -> Guard:
    """The service as an ASGI application.

    urls    : prefixes of the addresses that /v1/score-urls fetches; see `fetching.Fetcher`.
    private : addresses in private networks, too.
    The threads that score start with it and end when the server shuts it down, after what was taken
    is finished. Raises `InputError` for a prefix that is none.
    """
    fetcher = Fetcher(urls, most=limits.bytes, seconds=limits.upload, private=private)
    desk: Desk
    metrics = Metrics(_ROUTES, lambda: desk.waiting)
    desk = Desk(scorer, limits, metrics.stage)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(desk.close)

    app = FastAPI(
        title="Snellen",
        version=__version__,
        summary="Image quality scores, and what is wrong where.",
        docs_url=None,  # its page comes from elsewhere, which the safety headers forbid
        redoc_url=None,
        lifespan=lifespan,
    )

    @app.exception_handler(SnellenError)
    async def refused(_: Request, error: SnellenError) -> JSONResponse:
        return _told(error)

    @app.exception_handler(AnyHTTPException)
    async def http_error(_: Request, error: AnyHTTPException) -> JSONResponse:
        detail: Any = error.detail
        body = detail if isinstance(detail, dict) else {"error": str(detail), "fix": ""}
        return JSONResponse(body, error.status_code, error.headers)

    async def scored(pictures: Sequence[bytes]) -> list[Outcome]:
        """Hand the pictures in and wait; what is late is given up."""
        waiting = [asyncio.wrap_future(future) for future in desk.hand_in(pictures)]
        try:
            found = await asyncio.wait_for(asyncio.gather(*waiting), limits.seconds)
        except asyncio.TimeoutError:
            detail = {
                "error": f"not scored within {limits.seconds:g} s",
                "fix": "Ask again later, or with smaller pictures.",
            }
            raise HTTPException(504, detail) from None
        for outcome in found:
            missing = isinstance(outcome, SnellenError)
            metrics.picture(type(outcome).__name__ if missing else "scored")
        return list(found)

    def check_count(count: int) -> None:
        if count > limits.files:
            detail = {
                "error": f"{count} pictures in one request, at most {limits.files} are taken",
                "fix": "Send several requests.",
            }
            raise HTTPException(413, detail)

    @app.post("/v1/score", responses=_REFUSALS)
    async def score(
        files: Annotated[list[UploadFile], File(description="One picture, or several.")],
    ) -> shapes.Scores:
        """Score uploaded pictures. One that cannot be scored is in the list with the reason."""
        check_count(len(files))
        found = await scored([await file.read() for file in files])
        names = [file.filename or "" for file in files]
        rows = [shapes.row(name, one) for name, one in zip(names, found, strict=True)]
        return shapes.Scores(scorer=scorer.name, results=rows)

    @app.post("/v1/score-urls", responses=_REFUSALS)
    async def score_urls(asked: Annotated[shapes.Addresses, Body()]) -> shapes.Scores:
        """Score pictures by address: only under the prefixes this service was started with."""
        check_count(len(asked.urls))
        fetched = await asyncio.gather(
            *(asyncio.to_thread(fetcher.fetch, url) for url in asked.urls), return_exceptions=True
        )
        for one in fetched:  # a refusal is the request's fault, and no row
            if isinstance(one, BaseException) and not isinstance(one, NotFetched):
                raise one
        found = iter(await scored([one for one in fetched if isinstance(one, bytes)]))
        outcomes = [next(found) if isinstance(one, bytes) else one for one in fetched]
        rows = [shapes.row(url, one) for url, one in zip(asked.urls, outcomes, strict=True)]
        return shapes.Scores(scorer=scorer.name, results=rows)

    @app.post("/v1/explain", responses=_REFUSALS)
    async def explain(file: Upload) -> shapes.Explanation:
        """Score one picture, with the map of where it is bad and what the scorer was shown."""
        [outcome] = await scored([await file.read()])
        if isinstance(outcome, SnellenError):
            raise outcome
        return shapes.explanation(scorer.name, file.filename or "", outcome)

    @app.get("/health")
    async def health() -> shapes.Health:
        """Whether the service works, and how full it is."""
        return shapes.Health(
            scorer=scorer.name, version=__version__, waiting=desk.waiting, room=limits.waiting
        )

    @app.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def counted() -> Response:
        """Counters in Prometheus' text format."""
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    @app.get("/", include_in_schema=False)
    async def drop_page() -> HTMLResponse:
        return HTMLResponse(page(scorer.name))

    @app.get("/asset/{name}", include_in_schema=False)
    async def served_asset(name: str) -> Response:
        found = asset(name)
        if found is None:
            raise HTTPException(404, "there is nothing here")
        content, kind = found
        return Response(content, media_type=kind)

    return Guard(app, limits, lambda: desk.full, metrics.served)


def _told(error: SnellenError) -> JSONResponse:
    """An error as a reply."""
    if isinstance(error, Busy):
        return JSONResponse({"error": error.what, "fix": error.fix}, 429, RETRY)
    known = isinstance(error, (ImageError, Refused))
    return JSONResponse({"error": shapes.reason(error), "fix": error.fix}, 422 if known else 500)
