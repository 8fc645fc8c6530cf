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
