"""The paper's own landmarks: FAN (Bulat and Tzimiropoulos 2017) by the package face-alignment, extra `paper`.

Nothing is downloaded here: the two weight files are looked for where the package keeps them, torch's hub cache, and
named when they are absent. Both are read with `torch.load(weights_only=True)`. The package's depth network is left
alone: it would be unpickled without that guard, and the paper throws its depth away.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from ..device import pick_device
from ..errors import LpError

NETWORK = "3DFAN4-7835d9f11d.pth.tar"
FACE_FINDER = "s3fd-619a316812.pth"
"""Weight files as the package's authors name them."""


def fan_landmarks(image: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks (68, 3) float32 in crop units and confidence (68,) float32 in [0, 1] of a face crop.

    image: (512, 512, 3) uint8 RGB, as the paper's step 1 shows it to FAN (whose script confuses RGB and BGR).
    near: (68, 3) landmarks found by other means, crop units: they tell which face is meant, and keep their depth.

    Raises LpError ``FAN_NOT_INSTALLED``, ``FAN_FILES_MISSING``, ``NO_FACE``.
    """
    faces, scores, _ = _aligner(pick_device()).get_landmarks_from_image(
        image, return_bboxes=True, return_landmark_score=True
    )
    if not faces:
        raise LpError("NO_FACE", "the face crop by FAN's face finder")
    flat = [np.asarray(face)[:, :2] for face in faces]
    chosen = min(range(len(flat)), key=lambda k: np.linalg.norm(flat[k] - near[:, :2], axis=1).mean())
    points = np.column_stack([flat[chosen], near[:, 2]]).astype(np.float32)
    # The peaks of two heat maps, the image's and its mirror image's, are added up.
    confidence = np.clip(np.asarray(scores[chosen], np.float32).reshape(-1) / 2, 0, 1)
    return points, confidence


def checksums() -> dict[str, str]:
    """SHA-256 of FAN's weight files by name; raises LpError ``FAN_FILES_MISSING``."""
    found = {}
    for name in (NETWORK, FACE_FINDER):
        with _weights(name).open("rb") as file:
            found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _weights(name: str) -> Path:
    from torch import hub

    path = Path(hub.get_dir()) / "checkpoints" / name
    if not path.is_file():
        raise LpError("FAN_FILES_MISSING", str(path))
    return path


@functools.cache
def _aligner(device: str) -> Any:
    try:
        from face_alignment import FaceAlignment, LandmarksType  # type: ignore[import-not-found] optional
        from face_alignment.api import models_urls  # type: ignore[import-not-found] optional
    except ImportError as error:
        raise LpError("FAN_NOT_INSTALLED", str(error)) from error
    # A version that asks for another file would go online for it.
    if models_urls.get("3DFAN-4", "").rpartition("/")[2] != NETWORK:
        raise LpError("FAN_NOT_INSTALLED", f"this version does not read {NETWORK}")
    _weights(NETWORK)
    return FaceAlignment(
        LandmarksType.TWO_HALF_D,
        device=device,
        face_detector="sfd",
        face_detector_kwargs={"path_to_detector": str(_weights(FACE_FINDER))},
        compile=False,
    )
