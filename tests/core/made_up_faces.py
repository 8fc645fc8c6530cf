"""A tiny data folder in the layout of the training data: drawn faces of the made-up head."""

from pathlib import Path

import cv2
import numpy as np
from conftest import frontal_face

STEMS = ("canada_001", "stylegan2_2", "stylegan2_17")
"""Two faces to train on and one that is held out."""


def write_faces(root: Path) -> Path:
    """Photos, masks, ink drawings and landmarks of three faces; one photo is smaller than 512."""
    for name in ("faces", "masks", "drawings_ink"):
        (root / name).mkdir(parents=True)
    landmarks = {}
    for k, stem in enumerate(STEMS):
        side = 480 if k == 1 else 512
        face = (frontal_face()[:, :2] * (1, 1 - 0.03 * k) + 0.5) * side / 512 - 0.5
        mask, ink = np.zeros((side, side), np.uint8), np.full((side, side), 255, np.uint8)
        cv2.fillPoly(mask, [cv2.convexHull(face.astype(np.int32))], 255)
        mask = cv2.dilate(mask, np.ones((61, 61), np.uint8))
        photo = np.where(mask[..., None] > 0, np.uint8([150, 170, 220]), np.uint8([90, 120, 60 + 40 * k]))
        for curve in (range(17), range(17, 22), range(22, 27), range(36, 42), range(42, 48), range(48, 60)):
            for image, colour in ((photo, (40, 30, 30)), (ink, 0)):
                cv2.polylines(image, [face[list(curve)].astype(np.int32)], False, colour, 4)
        ink[:15] = 0  # clutter outside the person
        cv2.imwrite(str(root / "faces" / f"{stem}.jpg"), photo)
        cv2.imwrite(str(root / "masks" / f"{stem}.png"), mask)
        cv2.imwrite(str(root / "drawings_ink" / f"{stem}.png"), ink)
        landmarks[stem] = face.astype(np.float32)
    np.savez(root / "landmarks68.npz", **landmarks)
    return root
