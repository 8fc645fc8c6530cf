"""What frozen networks see in drawings: what they look like, whom they show, and where the lips are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .. import weights
from ..train.drawing_landmarks import face_windows, load_landmark_net, read_landmarks
from ..train.identity import align_faces, load_identity_net
from .efficientnet import load_efficientnet

NETWORKS = ("efficientnet_lite0", "face_identity")
"""Weight files that are fetched for measuring only."""

_BATCH = 8


class Judge:
    """The networks, all trained for something else and the same for every method.

    Raises LpError ``WEIGHTS_MISSING``, see `NETWORKS`.
    """

    def __init__(self, device: str = "cpu") -> None:
        self._device = device
        self._looks = load_efficientnet(device)
        self._identity = load_identity_net(device)
        self._landmarks = load_landmark_net(weights.require("drawing_landmarks"), device)

    @torch.inference_mode()
    def looks(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """(T, 1280) EfficientNet-lite0 features of (H, W) uint8 pictures."""
        parts = (pictures[k : k + _BATCH] for k in range(0, len(pictures), _BATCH))
        return np.concatenate([self._looks.features(self._tensor(p)).cpu().numpy() for p in parts])

    @torch.inference_mode()
    def people(self, pictures: Sequence[np.ndarray], points: np.ndarray) -> np.ndarray:
        """(T, 128) dlib's embeddings of the faces at `points` (T, 68, 2 or 3), in pixels."""
        return self._by_face(
            lambda drawn, places: self._identity(align_faces(drawn, places))[-1], pictures, points
        )

    @torch.inference_mode()
    def landmarks(self, pictures: Sequence[np.ndarray], points: np.ndarray) -> np.ndarray:
        """(T, 68, 2) landmarks read off the pictures, in pixels, in the face windows of the wanted `points`."""
        return self._by_face(
            lambda drawn, places: read_landmarks(self._landmarks, drawn, face_windows(places)),
            pictures,
            points,
        )

    def _by_face(self, network, pictures: Sequence[np.ndarray], points: np.ndarray) -> np.ndarray:
        found = []
        for start in range(0, len(pictures), _BATCH):
            some = slice(start, start + _BATCH)
            places = torch.from_numpy(np.asarray(points[some, :, :2], np.float32)).to(self._device)
            found.append(network(self._tensor(pictures[some]), places).cpu().numpy())
        return np.concatenate(found)

    def _tensor(self, pictures: Sequence[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(pictures)).to(self._device)[:, None].float() / 255
