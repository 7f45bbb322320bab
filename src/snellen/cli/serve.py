"""`snellen serve`: a scorer as a web service, with a page to drop pictures on."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    scorer: Annotated[
        str, typer.Option("--with", help="Scorer, ONNX file or judge, as for `snellen score`.")
    ] = "built-in",
    method: Annotated[str | None, typer.Option(help="How a judge is asked.")] = None,
    crops: Annotated[int | None, typer.Option(min=1, help="Native crops of a picture.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8018,
    url: Annotated[
        list[str] | None,
        typer.Option(help="Fetch pictures under this prefix of addresses. Repeat. [default: none]"),
    ] = None,
    url_private: Annotated[
        bool, typer.Option("--url-private", help="Prefixes may lead into private networks.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option("-j", "--jobs", min=1, help="Threads. [default: one a core]")
    ] = None,
    waiting: Annotated[
        int, typer.Option(min=1, help="Pictures that may wait; more are refused with 429.")
    ] = 64,
    files: Annotated[int, typer.Option(min=1, help="Most pictures in a request.")] = 16,
    max_megabytes: Annotated[float, typer.Option(help="Of one request.")] = 64.0,
    max_megapixels: Annotated[float, typer.Option(help="Of one picture.")] = 100.0,
    seconds: Annotated[float, typer.Option(help="Until a request is given up with 504.")] = 60.0,
) -> None:
    """Serve a scorer over HTTP: score, explain, health, Prometheus metrics, and a page.

    Nothing of an upload is kept. Ctrl-C or SIGTERM finishes what was taken and ends it.
    """
    from snellen.errors import MissingExtra

    try:
        from snellen.serve import Limits, create_app
        from snellen.serve.running import serve
    except ImportError as error:
        raise MissingExtra(error.name or "fastapi", "serve", "serve a scorer") from None
    from snellen.scoring import load_scorer

    limits = Limits(
        jobs=jobs or 0,
        waiting=waiting,
        files=files,
        bytes=int(max_megabytes * 1e6),
        megapixels=max_megapixels,
        seconds=seconds,
    )
    loaded = load_scorer(scorer, crops=crops, method=method)
    app = create_app(loaded, limits, urls=url or (), private=url_private)

    def ready(address: str) -> None:
        typer.echo(f"{loaded.name}")
        typer.echo(f"page {address}   API {address}/openapi.json   metrics {address}/metrics")
        typer.echo("Ctrl-C ends it; what was taken is finished first.")

    serve(app, limits, host, port, ready)
