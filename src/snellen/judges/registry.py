"""From the name of a judge to the judge: `hf:Qwen/Qwen2.5-VL-3B-Instruct@revision`.

A name is SCHEME:ADDRESS. A package offers a scheme by an entry point in the group
`snellen.judges`, named after the scheme, that leads to `load(address, **options) -> Judge`; the
judges of this package go through the same door (see its pyproject.toml). Nothing is imported
before a judge of its scheme is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeAlias

from snellen.errors import InputError, JudgeError, MissingExtra, SnellenError, UnknownName
from snellen.judges.protocol import Judge

GROUP = "snellen.judges"
Load: TypeAlias = Callable[..., Judge]

# Everything that the extra `judges` brings, by the name it is imported and installed under.
_EXTRA = ("torch", "transformers", "accelerate", "openai", "num2words")
# Judges that lie in the package and need no scheme.
_BUILT_IN = ("built-in", "built-in-base")


def load_judge(name: str | Judge, **options: Any) -> Judge:
    """The judge of this name; a judge itself is given back as it is.

    name    : `built-in` or `built-in-base`, which ship with the package; or SCHEME:ADDRESS, such as
              `hf:MODEL@REVISION`, `onnx:built-in`, `server:MODEL@http://127.0.0.1:8000/v1`,
              `decisions:MODEL@URL`, `scripted:module:function`, `scripted:table.jsonl`.
    options : handed to the scheme's loader; each says in its page which it takes.
    Raises `UnknownName` for a scheme nobody offers, `MissingExtra` where packages are missing (the
    fix is the pip line), `InputError` for a name of no known form, `JudgeError` where the loader
    fails or gives something that is no judge, and what else the loader raises on purpose.
    """
    if not isinstance(name, str):
        return _checked(name, "it")
    if name in _BUILT_IN:
        return _built_in(name, options)
    scheme, colon, address = name.partition(":")
    known = schemes()
    if not colon or not address:
        raise _no_name(name, scheme, known)
    if scheme not in known:
        raise UnknownName("kind of judge", scheme, known)
    try:
        judge = known[scheme].load()(address, **options)
    except ImportError as error:
        raise _not_importable(name, known[scheme], error) from error
    except TypeError as error:
        if not options:
            raise
        raise InputError(f"{name} does not take these options: {error}") from error
    return _checked(judge, f"what {scheme}: loaded")


def _built_in(name: str, options: dict[str, Any]) -> Judge:
    """A judge that ships with the package."""
    from snellen.judges import built_in

    try:
        return built_in.load(name, **options)
    except ImportError as error:
        package = (error.name or "").partition(".")[0] or "torch"
        raise MissingExtra(package, "judges", f"use the judge {name}") from error
    except TypeError as error:
        raise InputError(f"{name} does not take these options: {error}") from error


def schemes() -> dict[str, EntryPoint]:
    """Scheme → its entry point, of all installed packages, in order of scheme.

    Raises `JudgeError` where two packages offer the same scheme, or where none does at all.
    """
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        before = found.setdefault(point.name, point)
        if before.value != point.value:  # the same one twice is a package that is installed twice
            raise JudgeError(
                f"two packages offer judges as {point.name!r}: {origin(before)} and"
                f" {origin(point)}",
                "Uninstall one of them.",
            )
    if not found:
        raise JudgeError(
            "no kind of judge is installed: the package's entry points are missing",
            "Install the package itself: pip install snellen (or pip install -e . in its source).",
        )
    return found


def origin(point: EntryPoint) -> str:
    """The package that offers an entry point, with its version."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def _no_name(name: str, scheme: str, known: Collection[str]) -> InputError:
    """The error for what has no form of a name: a scheme alone, or a model alone."""
    what = f"{name!r} names no judge"
    if scheme in known:
        return InputError(what, f"Write {scheme}:ADDRESS.")
    example = f"hf:{name or 'MODEL'}"
    return InputError(
        what, f"Write SCHEME:ADDRESS, such as {example}; schemes are {', '.join(sorted(known))}."
    )


def _not_importable(name: str, point: EntryPoint, error: ImportError) -> SnellenError:
    """What is missing for this judge, and the line that brings it."""
    package = (error.name or "").partition(".")[0]
    if package in _EXTRA:
        return MissingExtra(package, "judges", f"use {name}")
    return JudgeError(
        f"{name} cannot be loaded: {origin(point)} fails to import ({error})",
        "Install what it names, or uninstall that package.",
    )


def _checked(judge: object, what: str) -> Judge:
    """The judge, once it is sure that it has the parts of one."""
    if not isinstance(judge, Judge):
        raise JudgeError(
            f"{what} is no judge: {type(judge).__name__} lacks one of name, can and answer()",
            "A judge is a name or an object with these three; see docs/judges.md.",
        )
    return judge
