"""Photos drawn one by one, as the paper's baselines "+UPD" do (section 4.2), with our static drawer in UPD's role."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from ..drawing.canvas import to_grey
from ..drawing.flow import sample
from ..drawing.mesh_flow import MeshFlow
from ..drawing.static import draw_logits
from ..drawing.styles import Style
from ..types import CROP, Portrait


def draw_photo(photo: np.ndarray, matte: np.ndarray, style: Style, device: str = "cpu") -> np.ndarray:
    """The (H, W) uint8 drawing of an RGB photo (H, W, 3) uint8 with its matte (H, W) float32."""
    logits = draw_logits(photo, np.ascontiguousarray(matte), device)[style.channel]
    return to_grey(torch.sigmoid(style.gain * logits).cpu().numpy())


class PerFrame:
    """The baseline MakeItTalk+UPD: a moving photo of which every frame is drawn for itself.

    The photo moves by flow B, its mouth stretched and not repainted. Frames have 512 x 512 pixels; see
    `drawing.stream.FrameStream`.
    """

    def __init__(self, portrait: Portrait, style: Style, device: str = "cpu") -> None:
        self._style, self._device, self._rest = style, device, portrait.landmarks
        self._flow = MeshFlow(portrait.landmarks, np.eye(3), (CROP, CROP), device)
        picture = np.concatenate([portrait.image / 255, portrait.matte[..., None]], axis=-1, dtype=np.float32)
        self._photo = torch.from_numpy(picture).to(device).permute(2, 0, 1)[None]

    @property
    def static(self) -> np.ndarray:
        """(512, 512) uint8 drawing of the photo itself."""
        return next(self.frames(self._rest[None]))

    def frames(self, points: np.ndarray) -> Iterator[np.ndarray]:
        """One (512, 512) uint8 grey image per row of `points` (T, 68, 2 or 3) in crop units."""
        for one in points:
            moved = sample(self._photo, self._flow.positions(one[None]))[0].permute(1, 2, 0).cpu().numpy()
            photo = np.rint(255 * moved[..., :3]).astype(np.uint8)
            yield draw_photo(photo, moved[..., 3], self._style, self._device)
