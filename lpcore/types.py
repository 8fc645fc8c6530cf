"""What the three verbs exchange: frozen records whose docstrings state shapes, units and conventions.

Landmarks follow iBUG 68 (see `points68`), x right, y down, z negative towards the viewer, pixel centres at
integers, in *crop units*: the face crop is `CROP` units wide and high.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

CROP = 512
"""Side of the face crop in crop units."""

Progress = Callable[[str, float], None]
"""Called with a phase name and the done share in [0, 1]; may raise `errors.Cancelled` to stop the work."""


def no_progress(phase: str, fraction: float) -> None:
    """The progress callback of callers that do not watch."""


def share_of(progress: Progress, low: float, high: float) -> Progress:
    """A callback for a part of the work: its [0, 1] becomes [low, high] of `progress`."""
    return lambda phase, fraction: progress(phase, low + (high - low) * fraction)


@dataclass(frozen=True)
class FaceBox:
    """One detected face in photo pixels: left, top, width, height, detector score in [0, 1]."""

    left: float
    top: float
    width: float
    height: float
    score: float


@dataclass(frozen=True)
class CropTransform:
    """Similarity between photo pixels and crop units.

    A photo point p maps to crop units by ``scale * R(-roll) @ (p - centre) + 255.5`` where R(roll) turns x
    towards y by `roll` radians: the crop of a face whose eye line is tilted by `roll` is upright.
    """

    centre: tuple[float, float]
    scale: float
    roll: float = 0.0

    def matrix(self) -> np.ndarray:
        """(2, 3) float64 affine matrix from photo pixels to crop units."""
        import numpy as np

        c, s = np.cos(self.roll) * self.scale, np.sin(self.roll) * self.scale
        linear = np.array([[c, s], [-s, c]])
        offset = (CROP - 1) / 2 - linear @ np.asarray(self.centre)
        return np.column_stack([linear, offset])

    def inverse_matrix(self) -> np.ndarray:
        """(2, 3) float64 affine matrix from crop units to photo pixels."""
        import numpy as np

        forward = self.matrix()
        linear = np.linalg.inv(forward[:, :2])
        return np.column_stack([linear, -linear @ forward[:, 2]])


@dataclass(frozen=True, eq=False)
class Portrait:
    """Everything known of one face in one photo.

    photo: (H, W, 3) uint8 RGB, turned upright by EXIF, alpha composed on white.
    photo_matte: (H, W) float32 in [0, 1], 1 = person.
    image: (512, 512, 3) uint8 RGB face crop; outside the photo it repeats the border.
    matte: (512, 512) float32 in [0, 1] of the crop.
    landmarks: (68, 3) float32 crop units.
    confidence: (68,) float32 in [0, 1].
    faces: all faces found, largest first; `face` is the chosen index.
    """

    photo_sha256: str
    photo: np.ndarray
    photo_matte: np.ndarray
    faces: tuple[FaceBox, ...]
    face: int
    crop: CropTransform
    image: np.ndarray
    matte: np.ndarray
    landmarks: np.ndarray
    confidence: np.ndarray

    @property
    def photo_size(self) -> tuple[int, int]:
        """(width, height) of the upright photo in pixels."""
        return self.photo.shape[1], self.photo.shape[0]


@dataclass(frozen=True)
class SpeakSettings:
    """What shapes the motion besides photo and speech. Amplitudes are factors, 1 = as predicted, 0 = off."""

    lips: float = 1.0
    jaw: float = 1.0
    expression: float = 1.0
    head: float = 1.0
    blink_rate: float = 15.0
    """Blinks per minute; 0 = none."""
    silence_db: float = -40.0
    """Sound this far (dB, negative) below the speech's loud level counts as silence; the lips are closed."""
    seed: int = 0

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SpeakSettings:
        """Settings from plain values; unknown names and what is no number raise LpError ``BAD_VALUE``."""
        from .errors import LpError

        unknown = set(values) - set(cls.__dataclass_fields__)
        if unknown:
            raise LpError("BAD_VALUE", f"there is no setting named {sorted(unknown)[0]!r}")
        for name, value in values.items():
            if isinstance(value, bool) or not isinstance(value, int if name == "seed" else (int, float)):
                raise LpError("BAD_VALUE", f"the setting {name} must be a number, not {value!r}")
        return cls(**values)


PARTS = ("lips", "expression", "pose", "blinks")
"""Names of the displacements that add up to a motion."""


@dataclass(frozen=True, eq=False)
class Motion:
    """Landmark motion of one speech span.

    fps: exact frame rate. start: seconds in the audio file at which frame 0 lies; frame k is at start + k / fps.
    neutral: (68, 3) float32 crop units, the photo's landmarks.
    parts: name in `PARTS` -> (T, 68, 3) float32 displacement in crop units; missing parts are zero.
    """

    fps: Fraction
    start: float
    neutral: np.ndarray
    parts: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(next(iter(self.parts.values())))

    @property
    def points(self) -> np.ndarray:
        """(T, 68, 3) float32 crop units: neutral plus every part."""
        return (self.neutral[None] + sum(self.parts.values())).astype(self.neutral.dtype)

    def with_part(self, name: str, displacement: np.ndarray) -> Motion:
        """The same motion with one part replaced; `displacement` is (T, 68, 3) crop units."""
        return replace(self, parts={**self.parts, name: displacement})


@dataclass(frozen=True)
class Recipe:
    """Everything that influences a result. Same recipe, same bytes on the same device."""

    photo_sha256: str
    audio_sha256: str
    face: int
    start: float
    duration: float
    fps: str
    style: str
    size: int
    canvas: str
    engine: str
    background: bool
    detector: str
    device: str
    settings: Mapping[str, Any]
    weights: Mapping[str, str] = field(default_factory=dict)
    """Weight file name -> SHA-256."""
    version: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)
