"""Snellen: image quality scores, debiased, audited and distilled.

    import snellen
    table = snellen.score("photos/")          # one row per image
    table.to_pandas().nsmallest(5, "score")   # the five worst

Names are loaded when first used, so that `import snellen` stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# public name -> the module that defines it
_PUBLIC = {
    "SnellenError": "snellen.errors",
    "Table": "snellen.table",
    "load_judge": "snellen.judges",
    "load_scorer": "snellen.scoring",
    "score": "snellen.engine",
}
__all__ = ["__version__", *sorted(_PUBLIC)]

if TYPE_CHECKING:
    from snellen.engine import score as score
    from snellen.errors import SnellenError as SnellenError
    from snellen.judges import load_judge as load_judge
    from snellen.scoring import load_scorer as load_scorer
    from snellen.table import Table as Table


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'snellen' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
