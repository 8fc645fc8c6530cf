"""The straight per-frame pipeline of the published script, to measure time against.

For every frame it draws the photo anew, mattes it anew, draws the landmarks, finds both flows, runs the generator and
writes nine pictures. The networks have the published sizes and random weights, as only their time counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..drawing.background import blend
from ..drawing.flow_net import PAPER_UNET, FlowNet
from ..drawing.generator import PAPER, Generator, warp
from ..drawing.landmark_image import landmark_image
from ..drawing.paper.modnet import ModNet
from ..drawing.paper.portrait import SIDE, delaunay_flow, working_pixels
from ..drawing.paper.upd import UpdGenerator
from ..types import Portrait


@dataclass(frozen=True, eq=False)
class Reference:
    """The published networks, ready to run on a processor; see `reference`."""

    matting: nn.Module
    static: nn.Module
    flow: FlowNet
    generator: Generator

    @torch.inference_mode()
    def frame(self, portrait: Portrait, points: np.ndarray, folder: Path) -> None:
        """One frame for landmarks (68, 2 or 3) in crop units; the nine PNG files go to `folder`."""
        photo = cv2.resize(portrait.image, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        picture = torch.from_numpy(photo).permute(2, 0, 1)[None].float() / 127.5 - 1
        matte = (self.matting(picture) > 0.5).float()
        finer = F.interpolate(picture, scale_factor=2, mode="bilinear", align_corners=False)
        static = F.interpolate(self.static(finer), scale_factor=0.5, mode="bilinear", align_corners=False)

        places = [working_pixels(p) for p in (portrait.landmarks, points)]
        source, target = (torch.from_numpy(p[None].astype(np.float32)) for p in places)
        grid = delaunay_flow(places[0], places[1]) * (2 / (SIDE - 1)) - 1
        flow_a, visible = self.flow.regress(source, target, grid, SIDE)
        discs = landmark_image(source), landmark_image(target)
        person = blend(picture, matte, torch.ones_like(picture))
        drawn = self.generator.draw(person, discs[0], discs[1], grid, flow_a, visible)
        moved = warp(matte, grid, align_corners=False)
        whole = blend(drawn, moved, static)
        shown = (picture, *discs, whole, whole, 2 * matte - 1, static, drawn, 2 * moved - 1)
        for number, image in enumerate(shown):
            cv2.imwrite(str(folder / f"{number}.png"), _pixels(image))


def reference() -> Reference:
    """The published networks with random weights, the same in every run."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Reference(
            ModNet().eval(), UpdGenerator().eval(), FlowNet(PAPER_UNET).eval(), Generator(PAPER).eval()
        )


def _pixels(image: Tensor) -> np.ndarray:
    """(H, W, 1 or 3) uint8 BGR of a picture (1, C, H, W) in [-1, 1]."""
    pixels = ((image[0].clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    return np.ascontiguousarray(pixels[..., ::-1])
