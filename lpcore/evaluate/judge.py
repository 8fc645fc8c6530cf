"""What frozen networks see in drawings: what they look like, whom they show, and where the lips are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .. import weights
from ..errors import LpError
from ..provenance import digest
from ..train.identity import align_faces, load_identity_net
from .efficientnet import NAME, load_efficientnet
from .inception import load_inception
from .reading import read_landmarks

NETWORKS = ("efficientnet_lite0", "face_identity")
"""Weight files that are fetched for measuring only."""

DISTANCES = {"fd": NAME, "fid": "FID"}
"""Fréchet distances by their figure -> what they are called; the second where the user has Inception's file."""

_BATCH = 8


def require_networks() -> None:
    """Raises LpError ``WEIGHTS_MISSING`` that tells how `NETWORKS` are fetched, if any is not here."""
    if absent := [name for name in NETWORKS if not weights.present(name)]:
        raise LpError("WEIGHTS_MISSING", f"{absent[0]} (`lpcore weights fetch {' '.join(absent)}` brings it)")


class Judge:
    """The networks, all trained for something else and the same for every method.

    inception: the published file, see `inception`, for FID. made_of: the networks' names and digests.

    Raises:
        LpError: ``WEIGHTS_MISSING``, see `NETWORKS`; ``CHECKPOINT_WRONG``, see `inception.load_inception`.
        FileNotFoundError: there is no file `inception`.
    """

    def __init__(self, device: str = "cpu", inception: Path | None = None) -> None:
        self._device = device
        self._looks: dict[str, Callable[[Tensor], Tensor]] = {"fd": load_efficientnet(device).features}
        self.made_of = {name: weights.sha256(name) for name in (*NETWORKS, "face_mesh")}
        if inception:
            self._looks["fid"] = load_inception(inception, device).features
            self.made_of["inception"] = digest(inception)
        self._identity = load_identity_net(device)

    @torch.inference_mode()
    def looks(self, pictures: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """Features of (H, W) uint8 pictures by the distance (see `DISTANCES`) that is taken between them.

        (T, 1280) of EfficientNet-lite0; (T, 2048) of Inception.
        """
        parts = [self._tensor(pictures[k : k + _BATCH]) for k in range(0, len(pictures), _BATCH)]
        return {
            name: np.concatenate([features(part).cpu().numpy() for part in parts])
            for name, features in self._looks.items()
        }

    @torch.inference_mode()
    def people(self, pictures: Sequence[np.ndarray], points: np.ndarray) -> np.ndarray:
        """(T, 128) dlib's embeddings of the faces at `points` (T, 68, 2 or 3), in pixels."""
        found = []
        for start in range(0, len(pictures), _BATCH):
            some = slice(start, start + _BATCH)
            places = torch.from_numpy(np.asarray(points[some, :, :2], np.float32)).to(self._device)
            faces = align_faces(self._tensor(pictures[some]), places)
            found.append(self._identity(faces)[-1].cpu().numpy())
        return np.concatenate(found)

    def landmarks(self, pictures: Sequence[np.ndarray], points: np.ndarray) -> np.ndarray:
        """(T, 68, 2) landmarks found in the pictures, in pixels, near the wanted `points` (T, 68, 2 or 3).

        By the detector that finds them in photos, as in the paper: what generators learn from is another network.
        """
        return np.stack([read_landmarks(*pair) for pair in zip(pictures, points, strict=True)])

    def _tensor(self, pictures: Sequence[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(pictures)).to(self._device)[:, None].float() / 255
