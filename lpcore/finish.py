"""The finish of a drawing: line weight, ink, paper and transparency, set after the network has drawn.

The values are plain and importing the module costs nothing, so that the add-on can tell one finish from another; the
picture itself is worked on where OpenCV is at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from . import png

if TYPE_CHECKING:
    import numpy as np

LIGHTEST, HEAVIEST = -1.0, 3.0
BLACK, WHITE = (0, 0, 0), (255, 255, 255)


@dataclass(frozen=True)
class Finish:
    """How a grey drawing becomes a frame.

    weight: crop units by which every edge of the ink moves outwards, `LIGHTEST` to `HEAVIEST`, 0 = as drawn.
    ink, paper: 8-bit sRGB colours. alpha: no paper but transparency, straight alpha.
    mark: whether the file says of itself that it is AI-made.
    """

    weight: float = 0.0
    ink: tuple[int, int, int] = BLACK
    paper: tuple[int, int, int] = WHITE
    alpha: bool = False
    mark: bool = True

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Finish:
        """A finish from plain values; raises LpError ``BAD_VALUE`` for what is none."""
        from .errors import LpError

        try:
            plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
            made = cls(**plain)
            fits = (
                _is_colour(made.ink)
                and _is_colour(made.paper)
                and isinstance(made.alpha, bool)
                and isinstance(made.mark, bool)
                and not isinstance(made.weight, bool)
                and LIGHTEST <= made.weight <= HEAVIEST
            )
            if not fits:
                raise ValueError
        except (TypeError, ValueError) as error:
            raise LpError("BAD_VALUE", f"{dict(values)} is no finish of a drawing") from error
        return made

    @property
    def plain(self) -> bool:
        """Whether the frame is the drawing itself."""
        return self == Finish()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; the paper of a transparent frame has no say."""
        values = asdict(self)
        if self.alpha:
            values["paper"] = WHITE
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def drawn(self, drawing: np.ndarray, scale: float) -> np.ndarray:
        """The uint8 `drawing` (H, W) with the line weight; drawings in colour (H, W, 3) stay as they are.

        scale: frame pixels a crop unit. Colour becomes transparent as if white paper were taken away from behind it:
        (H, W, 4) straight RGBA, as clear as the darkest channel allows; over white it is the drawing again.
        """
        import numpy as np

        if drawing.ndim == 2:
            return _moved_edges(drawing, -self.weight * scale) if self.weight else drawing
        if not self.alpha:
            return drawing
        white = drawing.min(-1, keepdims=True)
        alpha = 255 - white
        colour = np.rint((drawing - white) * 255.0 / np.maximum(alpha, 1)).astype(np.uint8)
        return np.dstack([colour, alpha])

    def coloured(self, picture: bytes) -> bytes:
        """The grey PNG file `picture` in the colours of ink and paper.

        They are a palette over the same pixels: nothing is computed or compressed anew.
        """
        if (self.ink, self.paper, self.alpha) == (BLACK, WHITE, False):
            return picture
        greys = range(256)
        if self.alpha:
            return png.with_palette(picture, [self.ink] * 256, [255 - grey for grey in greys])
        mixed = [
            tuple(
                round(low + (high - low) * grey / 255) for low, high in zip(self.ink, self.paper, strict=True)
            )
            for grey in greys
        ]
        return png.with_palette(picture, mixed)


def _is_colour(value: object) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == 3
        and all(type(part) is int and 0 <= part <= 255 for part in value)  # bool is an int too
    )


def _moved_edges(drawing: np.ndarray, pixels: float) -> np.ndarray:
    """`drawing` with its bright parts grown by `pixels`, or shrunk where negative; fractions blend two radii."""
    import cv2
    import numpy as np

    move = cv2.dilate if pixels > 0 else cv2.erode

    def by(radius: int) -> np.ndarray:
        if radius == 0:
            return drawing
        side = 2 * radius + 1
        return move(drawing, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))

    whole, part = divmod(abs(pixels), 1)
    moved = by(int(whole)).astype(np.float32)
    if part:
        moved += part * (by(int(whole) + 1) - moved)
    return np.rint(moved).astype(np.uint8)
