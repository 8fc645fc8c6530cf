"""The 68 landmarks of the ICT-FaceKit face model (MIT): identities and expressions in the normalised frame.

The normalised frame is that of MakeItTalk's stage: origin between the ears (landmarks 0 and 16), which are 1.6
apart, x right, y down, z negative towards the viewer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

EAR_DISTANCE = 1.6

VERTICES = (
    276, 1047, 1893, 229, 758, 763, 803, 1496, 965, 3710, 3044, 3004, 2999, 2470, 4093, 3267, 2517,
    284, 287, 482, 1417, 2006, 4206, 3631, 2723, 2528, 2525, 977, 1348, 4839, 4857, 4586, 71, 4558, 2312, 5051,
    1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732,
    5708, 5719, 2081, 0, 4275, 6224, 6213, 6375, 6508, 5518, 6004, 5870,
    5702, 6037, 5533, 6541, 6207, 6513, 5517, 6009,
)  # fmt: skip
"""Mesh vertex of each landmark: where MediaPipe's points lie on face and lips, not where dlib's contours run."""


@dataclass(frozen=True, eq=False)
class FaceModel:
    """A linear face: neutral plus weighted identity and expression offsets of the 68 landmarks.

    neutral (68, 3), identities (I, 68, 3) for one standard deviation each, expressions (E, 68, 3) at weight 1;
    float32 model units with the axes of the normalised frame. names: the E expressions.
    """

    neutral: np.ndarray
    identities: np.ndarray
    expressions: np.ndarray
    names: tuple[str, ...]

    @classmethod
    def load(cls, path: Path) -> FaceModel:
        """Read ``ict_light.npz``: arrays neutral, ids, expr (y up, z towards the viewer) and names."""
        axes = np.array([1, -1, -1], np.float32)
        picks = list(VERTICES)
        with np.load(path, allow_pickle=False) as data:
            neutral = data["neutral"][picks].astype(np.float32) * axes
            identities = data["ids"][:, picks].astype(np.float32) * axes
            expressions = data["expr"][:, picks].astype(np.float32) * axes
            return cls(neutral, identities, expressions, tuple(str(name) for name in data["names"]))

    def face(self, identity: np.ndarray) -> tuple[np.ndarray, float]:
        """One person's resting face and the scale of their expressions.

        Args:
            identity: (I',) weights of the first I' identity offsets, 0 = the mean face.

        Returns:
            (68, 3) float32 in the normalised frame, and the factor from model units to it.
        """
        points = self.neutral + np.tensordot(identity, self.identities[: len(identity)], 1)
        scale = EAR_DISTANCE / float(np.linalg.norm(points[0] - points[16]))
        return ((points - (points[0] + points[16]) / 2) * scale).astype(np.float32), scale

    def displacement(self, weights: np.ndarray) -> np.ndarray:
        """(T, 68, 3) float32 offset from rest in model units, the same for every identity; weights (T, E)."""
        return np.tensordot(weights, self.expressions, 1).astype(np.float32)
