"""Libraries that take long to load, loaded while something else is still being done."""

from __future__ import annotations

import contextlib
import importlib
import threading

DRAWING = ("torch", f"{__package__}.drawing.generator_stream", "scipy.spatial", "scipy.interpolate")
"""What drawing needs and finding a face does not, in the order in which it is needed."""


def preload(*modules: str) -> None:
    """Begin to import `modules` in a thread of their own; whoever imports one meanwhile waits for it.

    What cannot be imported is left to say so to the one who needs it.
    """

    def load() -> None:
        for module in modules:
            with contextlib.suppress(Exception):
                importlib.import_module(module)

    threading.Thread(target=load, name="preload", daemon=True).start()
