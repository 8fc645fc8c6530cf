"""What the three verbs exchange: frozen records whose docstrings state shapes, units and conventions.

Landmarks follow iBUG 68 (see `points68`), x right, y down, z negative towards the viewer, pixel centres at
integers, in *crop units*: the face crop is `CROP` units wide and high.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, asdict, dataclass, field, fields, replace
from fractions import Fraction
from math import inf, isfinite
from typing import TYPE_CHECKING, Any

from .errors import LpError

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

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {"centre": list(self.centre), "scale": self.scale, "roll": self.roll}

    def inverse_matrix(self) -> np.ndarray:
        """(2, 3) float64 affine matrix from crop units to photo pixels."""
        import numpy as np

        forward = self.matrix()
        linear = np.linalg.inv(forward[:, :2])
        return np.column_stack([linear, -linear @ forward[:, 2]])


WHOLE_CROP = CropTransform(centre=((CROP - 1) / 2, (CROP - 1) / 2), scale=1.0)
"""Of a photo that is a face crop itself."""


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

    def with_landmarks(self, points: Sequence[Sequence[float]]) -> Portrait:
        """The same portrait with other landmarks, (68, 3) crop units; raises LpError ``BAD_VALUE`` for others."""
        import numpy as np

        try:
            landmarks = np.asarray(points, np.float32)
        except ValueError:  # rows of different lengths
            landmarks = np.empty(0, np.float32)
        if landmarks.shape != self.landmarks.shape or not np.isfinite(landmarks).all():
            raise LpError("BAD_VALUE", "the landmarks must be 68 points of three finite numbers")
        if min(np.linalg.norm(landmarks[a] - landmarks[b]) for a, b in ((0, 16), (36, 45), (27, 8))) < 1:
            raise LpError("BAD_VALUE", "the landmarks lie on top of one another")
        return replace(self, landmarks=landmarks)


EMOTIONS = ("neutral", "happy", "sad", "angry", "surprised")
MODULES = ("default", "makeittalk", "makeittalk-parity")
"""What predicts the motion: this project's networks, or MakeItTalk's, with its programs' faults mended or kept."""


_FAR = 100.0
"""Greatest amplitude; beyond it nothing is a face, and at last no number."""

_SEEDS = 2**32 - 1
"""Greatest seed that every generator of random numbers takes."""


def _setting(default: Any, about: str, low: float | None = 0.0, high: float = _FAR, **more: Any) -> Any:
    """A field with what the user is told of it and the range [low, high] that it must lie in."""
    return field(default=default, metadata={"about": about, "low": low, "high": high, **more})


@dataclass(frozen=True)
class SpeakSettings:
    """What shapes the motion besides photo and speech. Amplitudes are factors, 1 = as predicted, 0 = off.

    The metadata of each field tell its meaning (``about``), its range (``low``, ``high``) or its ``choices``; the
    command line is made from them. Making settings of a wrong type or out of range raises LpError ``BAD_VALUE``.
    """

    lips: float = _setting(1.0, "how far the lips move")
    jaw: float = _setting(1.0, "how far the jaw moves")
    brows: float = _setting(1.0, "how far the brows go up and down")
    blinks: float = _setting(1.0, "how far the lids close in a blink, 1 = fully", high=1.0)
    blink_rate: float = _setting(15.0, "blinks a minute, 0 = none")
    blink_seed: int | None = _setting(
        None, "another number gives other blinks; none = that of --seed", high=_SEEDS
    )
    head: float = _setting(1.0, "how far the head moves altogether")
    yaw: float = _setting(1.0, "how far the head turns to the sides")
    pitch: float = _setting(1.0, "how far the head nods")
    roll: float = _setting(1.0, "how far the head tilts")
    shift: float = _setting(1.0, "how far the head wanders")
    smoothing: float = _setting(1.0, "how smooth lips and jaw move; 0 = raw, 5 = sluggish", high=20.0)
    silence_db: float = _setting(
        -40.0,
        "sound this many dB below the speech's loud level is silence, in which the lips close; -200 = never",
        low=-inf,
        high=0.0,
    )
    emotion: str = _setting("neutral", "the face's expression", choices=EMOTIONS)
    emotion_strength: float = _setting(1.0, "how strong the expression is, 0 to 1", high=1.0)
    style_audio: str | None = _setting(
        None, "sound file of a voice whose way of moving head and brows is taken over"
    )
    hold: int = _setting(1, "frames that each pose lasts: 2 = on twos, 3 = on threes", low=1, high=240)
    seed: int = _setting(0, "another number gives other head motion, brows and blinks", high=_SEEDS)
    module: str = _setting(
        "default",
        "which networks move the face: our own, or MakeItTalk's once imported, mended or with all their quirks",
        choices=MODULES,
    )

    def __post_init__(self) -> None:
        for setting in fields(self):
            complaint = _complaint(setting, getattr(self, setting.name))
            if complaint:
                raise LpError("BAD_VALUE", f"the setting {setting.name} {complaint}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SpeakSettings:
        """Settings from plain values; unknown names raise LpError ``BAD_VALUE`` too."""
        unknown = sorted(set(values) - set(cls.__dataclass_fields__))
        if unknown:
            raise LpError("BAD_VALUE", f"there is no setting named {unknown[0]!r}")
        return cls(**values)


def kind_of(setting: Field[Any]) -> type:
    """What a setting's value is made of: float, int or str."""
    return {"float": float, "int": int, "str": str}[str(setting.type).removesuffix(" | None")]


def _complaint(setting: Field[Any], value: Any) -> str:
    """What is wrong with `value`, empty if nothing is."""
    about, kind = setting.metadata, kind_of(setting)
    if value is None and setting.default is None:
        return ""
    if kind is str:
        known = about.get("choices", (value,)) if isinstance(value, str) and value else ()
        if value in known:
            return ""
        return f"must be one of {', '.join(about['choices'])}" if "choices" in about else "must be a path"
    if isinstance(value, bool) or not isinstance(value, int if kind is int else (int, float)):
        return f"must be a {'whole ' * (kind is int)}number, not {value!r}"
    if isfinite(value) and about["low"] <= value <= about["high"]:
        return ""
    low = "" if about["low"] == -inf else f"at least {about['low']:g}"
    high = "" if about["high"] == inf else f"at most {about['high']:g}"
    return f"is {value:g}, it must be {' and '.join(filter(None, (low, high)))}"


PARTS = ("lips", "jaw", "brows", "emotion", "blinks", "head")
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
        import numpy as np

        # In place: an hour's parts are large enough without copies of them.
        total = np.repeat(self.neutral[None], len(self), axis=0)
        for part in self.parts.values():
            total += part
        return total

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
    style_sha256: str = ""
    """Of the sound file whose voice lends its way of moving, where there is one."""
    version: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of Python and of the libraries that computed: torch, numpy, opencv, onnxruntime, python."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)
