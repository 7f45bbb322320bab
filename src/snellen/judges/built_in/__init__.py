"""The judges that ship with the package: `built-in`, and `built-in-base`, its biased sibling.

Each is a folder beside this file with a stock LLaVA checkpoint, which the transformers judge loads
as it loads any other (`hf:FOLDER` works too), and two graphs by which ONNX Runtime answers from the
same weights (`onnx:NAME`), which is taken where torch or transformers are not installed. `CARD.md`
says what they are and what they are not. `files.sha256` holds the hash of every file: an altered
judge is another judge, and is refused.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snellen.errors import JudgeError
from snellen.judges.catalogue import missing_packages

if TYPE_CHECKING:
    from snellen.judges.protocol import Judge

FOLDER = Path(__file__).parent
NAMES = ("built-in", "built-in-base")
_HASHES = "files.sha256"
FIX = "Install Snellen again: pip install --force-reinstall --no-deps snellen"


def load(name: str, *, folder: Path = FOLDER, **options: Any) -> Judge:
    """The judge `name`, one of `NAMES`, after checking its files.

    folder  : where the judges' folders and their hashes lie.
    options : of the transformers judge: `dtype`, `device`, `share`, `batch`.
    Without torch or transformers it is the judge `onnx:NAME`, which says so when it describes
    itself; it has none of these options. Raises `JudgeError` where a file is missing or is not what
    was shipped, `ImportError` where options need what is not installed.
    """
    absent = missing_packages("built-in")
    if absent and not options:
        from snellen.judges import onnx

        why = f"without {' and '.join(absent)}, which pip install 'snellen[judges]' brings"
        return onnx.load(name, folder=folder, why=why)
    check(name, folder)
    from snellen.judges import transformers

    judge = transformers.load(str(folder / name), **options)
    judge.name = judge.name.removeprefix("hf:")
    return judge


def check(name: str, folder: Path = FOLDER) -> None:
    """Compare every file of judge `name` with the hash it was shipped with.

    Raises `JudgeError` that names the first file that is missing or altered, with both hashes.
    """
    for path, wanted in shipped(name, folder).items():
        try:
            found = _sha256(path)
        except OSError:
            raise JudgeError(
                f"the judge {name!r} lacks {path.name} (SHA-256 {wanted}) in {path.parent}", FIX
            ) from None
        if found != wanted:
            raise JudgeError(
                f"{path} of the judge {name!r} is not the file that was shipped: SHA-256 {found},"
                f" not {wanted}",
                FIX,
            )


def shipped(name: str, folder: Path = FOLDER) -> dict[Path, str]:
    """Every file of judge `name` → its SHA-256, as `files.sha256` says.

    Raises `JudgeError` where that list is missing or names no file of this judge.
    """
    try:
        lines = (folder / _HASHES).read_text(encoding="utf-8").splitlines()
    except OSError:
        raise JudgeError(
            f"the judges' list of hashes, {folder / _HASHES}, is missing", FIX
        ) from None
    pairs = (line.split("  ", 1) for line in lines if "  " in line)
    files = {folder / path: wanted for wanted, path in pairs if path.startswith(f"{name}/")}
    if not files:
        raise JudgeError(f"{folder / _HASHES} names no file of the judge {name!r}", FIX)
    return files


def list_hashes(folder: Path = FOLDER) -> str:
    """The text of `files.sha256` for the judges as they now lie in `folder`; for shipping them."""
    files = sorted(path for name in NAMES for path in (folder / name).glob("*") if path.is_file())
    return "".join(f"{_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
