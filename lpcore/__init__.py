"""Speech-driven animated portrait line drawings: `analyze`, `speak` and `draw`.

Importing the package costs nothing: the three verbs load torch and the models when first called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .pipeline import analyze, draw, speak

__all__ = ["__version__", "analyze", "draw", "speak"]


def __getattr__(name: str) -> Any:
    if name in ("analyze", "speak", "draw"):
        from . import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
