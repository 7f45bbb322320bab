"""The page of the service says what is so."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the serve extra is not installed")
pytest.importorskip("prometheus_client", reason="the serve extra is not installed")

import uvicorn
from service import Brightness, Client, picture
from typer.main import get_command

from snellen.cli import app
from snellen.serve import Limits, create_app
from snellen.serve.guard import Guard
from snellen.serve.listening import listen

PAGE = (Path(__file__).parents[2] / "docs" / "serve.md").read_text("utf-8")


def block(kind: str) -> str:
    [found] = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture
def service() -> Iterator[str]:
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(
        uvicorn.Config(create_app(Brightness(), Limits(jobs=1)), log_level="warning")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listener.close()


def test_the_client_of_the_page_runs(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    (tmp_path / "photo.jpg").write_bytes(picture(1, kind="JPEG"))
    (tmp_path / "other.png").write_bytes(picture(2))
    monkeypatch.chdir(tmp_path)
    exec(block("python"), {"service": service})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["photo.jpg", "other.png"]
    assert all(line.endswith("noise None") for line in lines)


def test_the_application_of_the_page_is_one() -> None:
    names: dict[str, Any] = {}
    exec(block("python app"), names)
    assert isinstance(names["app"], Guard)


def test_every_option_is_on_the_page_and_no_other() -> None:
    command = get_command(app).commands["serve"]  # type: ignore[attr-defined]
    has = {option for one in command.params for option in one.opts if option.startswith("--")}
    told = set(re.findall(r"^\| `(--[a-z-]+)`", PAGE, re.MULTILINE))
    assert told == has


def test_every_route_is_on_the_page() -> None:
    schema = Client().get("/openapi.json").json()
    routes = {
        f"{method.upper()} {path}" for path, ways in schema["paths"].items() for method in ways
    }
    told = set(re.findall(r"^\| `((?:GET|POST) [^`]+)`", PAGE, re.MULTILINE))
    assert told == routes | {"GET /openapi.json"}
    documented = set(schema["paths"]["/v1/score"]["post"]["responses"])
    refused = set(re.findall(r"^\| (\d{3}) \|", PAGE, re.MULTILINE))
    assert refused <= documented
