"""Films of talking people as landmark motion: tracked, the head's pose taken out of the face."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..audio.load import load
from ..errors import LpError
from ..face.detect import detect
from ..face.landmarks import landmarks
from ..files import prepare_folder, replacing
from ..motion.assemble import register
from ..motion.close import lip_gap
from ..train.ict import EAR_DISTANCE
from ..types import CROP, WHOLE_CROP, FaceBox, Portrait
from ..weights import sha256

EAR_UNITS = 300.0
"""Distance between the ears of a tracked face in crop units."""

_SHUT_SHARE = 0.1
"""Share of the frames, those with the smallest lip gap, whose mean is the face at rest."""


@dataclass(frozen=True, eq=False)
class Clip:
    """One talking person.

    name: stem of the film's file. fps: frames per second. samples: (N,) float32 at 16 kHz.
    points: (T, 68, 3) float32 crop units (ears `EAR_UNITS` apart), upright, without head motion.
    pose: (T, 5) yaw, pitch, roll in radians and shift x, y in ear distances, as `motion.pose` has them, zero on
        average.
    """

    name: str
    fps: float
    samples: np.ndarray
    points: np.ndarray
    pose: np.ndarray

    @property
    def neutral(self) -> np.ndarray:
        """(68, 3) the face at rest: the mean of the tenth of the frames in which the lips are closest to shut."""
        order = np.argsort(lip_gap(self.points), kind="stable")
        return self.points[order[: max(1, round(_SHUT_SHARE * len(order)))]].mean(axis=0)


def crop_units(points: np.ndarray) -> np.ndarray:
    """(..., 3) points of the normalised frame (ears 1.6 apart) as those of a face that fills the crop, float32."""
    return (points * (EAR_UNITS / EAR_DISTANCE) + np.array([256, 256, 0])).astype(np.float32)


def bare_portrait(landmarks: np.ndarray) -> Portrait:
    """A portrait that has nothing but landmarks (68, 3), which is all that `speak` looks at."""
    blank = np.zeros((CROP, CROP, 3), np.uint8)
    matte = np.zeros((CROP, CROP), np.float32)
    box = FaceBox(0, 0, CROP, CROP, 1.0)
    confidence = np.ones(len(landmarks), np.float32)
    return Portrait("", blank, matte, (box,), 0, WHOLE_CROP, blank, matte, landmarks, confidence)


def track(film: Path, reference: np.ndarray, cache: Path | None = None) -> Clip:
    """Landmarks and sound of a film with one face.

    Args:
        film: any file that OpenCV and ffmpeg read.
        reference: (68, 3) an average face in the normalised frame; it says what upright means.
        cache: folder for tracked landmarks.

    Raises:
        LpError: ``NO_FACE`` in some frame, ``AUDIO_MISSING``, ``AUDIO_UNREADABLE``.
    """
    samples = load(film)
    kept = cache / f"{film.stem}_{_digest(film)}.npz" if cache else None
    if kept and kept.exists():
        with np.load(kept, allow_pickle=False) as data:
            raw, fps = data["points"], float(data["fps"])
    else:
        raw, fps = _landmarks(film)
        if kept:
            prepare_folder(kept.parent)
            with replacing(kept) as file:
                np.savez(file, points=raw, fps=fps)
    points, pose = without_head(raw, reference)
    return Clip(film.stem, fps, samples, points, pose)


def _digest(film: Path) -> str:
    """Of the film and of the network that tracks it."""
    return hashlib.sha256(film.read_bytes() + sha256("face_mesh").encode()).hexdigest()[:16]


def without_head(raw: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split tracked landmarks (T, 68, 3) into the face's own motion and the head's.

    The person's average shape is found with the reference's help; then every frame is laid on that shape by the
    landmarks that speech does not move.

    Returns:
        points (T, 68, 3) float32 crop units and pose (T, 5), see `Clip`.
    """
    shape = np.mean([register(frame, reference).normalised(frame) for frame in raw], axis=0)
    places = [register(frame, shape) for frame in raw]
    still = np.stack([place.normalised(frame) for place, frame in zip(places, raw, strict=True)])
    ears = float(np.linalg.norm(shape[0] - shape[16]))
    points = crop_units(still * (EAR_DISTANCE / ears))
    turns = np.stack([place.rotation for place in places])
    yaw = np.arcsin(np.clip(turns[:, 2, 0], -1, 1))
    pitch = np.arctan2(turns[:, 2, 1], turns[:, 2, 2])
    roll = np.arctan2(turns[:, 1, 0], turns[:, 0, 0])
    # By the average size: a hair of doubt about the size in one frame would move the far corner of the picture.
    size = float(np.mean([place.scale for place in places])) * ears
    shift = np.stack([place.shift[:2] for place in places]) / size
    pose = np.column_stack([yaw, pitch, roll, shift])
    return points, pose - pose.mean(axis=0)


def _landmarks(film: Path) -> tuple[np.ndarray, float]:
    """(T, 68, 3) film pixels, and the frame rate."""
    capture = cv2.VideoCapture(str(film))
    found = []
    try:
        fps = capture.get(cv2.CAP_PROP_FPS)
        while True:
            taken, frame = capture.read()
            if not taken:
                break
            picture = np.ascontiguousarray(frame[..., ::-1])
            faces = next((round_ for round_ in detect(picture) if round_), None)
            if faces is None:
                raise LpError("NO_FACE", f"{film.name}, frame {len(found)}")
            found.append(landmarks(picture, faces[0]).points)
    finally:
        capture.release()
    if not found:
        raise LpError("NO_FACE", film.name)
    return np.stack(found), fps
