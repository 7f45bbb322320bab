"""What a run was asked for and with what: `run.json`, and whether two requests are the same."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from snellen import __version__
from snellen.errors import RunError
from snellen.runs.rows import FACTS

FORMAT = 1  # of the directory; a newer one is refused
BASE = Path("snellen-runs")  # where runs lie by default, in the working directory
_VERSIONS_OF = ("numpy", "pillow", "simplejpeg", "onnxruntime")
_MODULES = {"pillow": "PIL"}  # of distributions whose module has another name


@dataclass(frozen=True)
class Request:
    """What was asked for: everything that can change which rows there are or what they say.

    verb    : the job, `score`.
    paths   : as given, made absolute (`-` stays `-`).
    options : plain values by name.
    """

    verb: str
    paths: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Hash of the request: the same command has the same one."""
        text = json.dumps([self.verb, self.paths, self.options], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def directory(self, base: Path = BASE) -> Path:
        """Where this request's run lies unless the user says otherwise."""
        last = Path(self.paths[0]).name if self.paths else ""
        slug = re.sub(r"[^A-Za-z0-9]+", "-", last).strip("-").lower()[:40]
        return base / "-".join(filter(None, (self.verb, slug, self.identity[:8])))


def facts_of(request: Request, scorer: str, started: str) -> dict[str, Any]:
    """What `run.json` says; `started` is the time of the first start, for a resumed run too."""
    return {
        "format": FORMAT,
        "snellen": __version__,
        "verb": request.verb,
        "identity": request.identity,
        "paths": list(request.paths),
        "options": dict(request.options),
        "scorer": scorer,
        "versions": {
            "python": ".".join(map(str, sys.version_info[:3])),
            **{name: _version_of(name) for name in _VERSIONS_OF},
        },
        "started": started,
    }


def _version_of(distribution: str) -> str:
    """As the imported module tells it, for to read it from the installed files takes .04 s."""
    module = sys.modules.get(_MODULES.get(distribution, distribution))
    told: str | None = getattr(module, "__version__", None)
    if told is None:
        from importlib.metadata import version

        told = version(distribution)
    return told


def read_facts(directory: Path) -> dict[str, Any]:
    """`run.json` of a run directory. Raises `RunError` when it is none, or of a newer version."""
    path = directory / FACTS
    try:
        facts = json.loads(path.read_text("utf-8"))
        version = facts["format"]
    except FileNotFoundError:
        fix = "Give the directory that `snellen score` printed."
        raise RunError(f"{directory} is no run directory: it has no {FACTS}", fix) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        fix = "Use --fresh to begin the run again."
        raise RunError(f"{path} cannot be read ({error})", fix) from None
    if version > FORMAT:
        what = f"{directory} was written by a newer Snellen ({facts.get('snellen')})"
        raise RunError(what, "Update Snellen, or give another --run.")
    assert isinstance(facts, dict)
    return facts


def check_same(directory: Path, request: Request) -> dict[str, Any]:
    """The facts of the run there. Raises `RunError` when another request made it."""
    facts = read_facts(directory)
    if facts.get("identity") == request.identity:
        return facts
    asked = {"verb": request.verb, "paths": list(request.paths), **request.options}
    there = {"verb": facts.get("verb"), "paths": facts.get("paths"), **facts.get("options", {})}
    name = next((key for key in asked if asked[key] != there.get(key)), "options")
    what = f"{directory} is the run of another request ({name}: {there.get(name)!r} there, "
    what += f"{asked.get(name)!r} now)"
    raise RunError(what, "Give another --run, or --fresh to begin this one again.")


def now() -> str:
    """The time, UTC, as ISO 8601."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
