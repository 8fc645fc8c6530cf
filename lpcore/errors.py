"""Every failure that a user can meet has a code; `messages` holds the sentences."""

from __future__ import annotations


class LpError(Exception):
    """A failure the user can do something about.

    Args:
        code: key of `messages.MESSAGES`, for example ``"NO_FACE"``.
        detail: what was met, put into the cause sentence: a path, a size, a name.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        from .messages import sentence

        return sentence(self.code, self.detail)


class Cancelled(Exception):
    """Raised by a progress callback to stop the work in hand; never shown as an error."""


def as_lp_error(error: Exception, work: str) -> LpError:
    """`error` as what the user can be told: out of memory during `work`, or something unforeseen."""
    text = str(error).lower()
    if isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text:
        return LpError("OUT_OF_MEMORY", work)
    return LpError("INTERNAL", f"{type(error).__name__}: {error}")
