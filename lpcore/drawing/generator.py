"""The generator: a photo's features, warped to new landmarks, redrawn as lines (paper section 3.3.1).

Prepare a photo once, then ask for frames: everything before the warps depends on the photo alone.

    code = generator.prepare(photo, landmark_image(source))
    drawings = generator(code, landmark_image(targets), flow_b, flow_a, visible)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..weights.tensors import load
from .flow import flow_grid
from .layers import (
    Layer,
    ResidualBlock,
    doubling,
    halving,
    initialise,
    initialise_plain,
    normalisation,
    stem,
)


@dataclass(frozen=True)
class GeneratorConfig:
    """All that distinguishes one generator from another.

    inputs, outputs: channels of the photo and of the drawing (1 = grey, 3 = colour).
    widths: features at full, half, quarter … resolution; there is one encoder stream per level.
    landmark_widths: features of the landmark encoder at the same levels.
    blocks: residual blocks at the coarsest level. landmark_every: which of them get the landmark features, 0, n, 2n …
    scale: output pixels per working pixel along each side (sub-pixel head); the photo is read that finely too.
    laterals: whether each decoder level also sees the warped features of its own resolution.
    norm: "instance" (statistics of the frame), "batch" (learnt statistics) or "none". With the first, lines that stand
        still flicker with whatever moves elsewhere.
    warp_align_corners: False keeps the published half-pixel drift (see `warp`).
    outside: value of features that flow A calls not visible; below 0 no ReLU feature is mistaken for it.
    soft_landmarks: which kind of landmark image the network was trained on (see `landmark_image`).
    carried: whether it redraws a drawing that was moved there (`forward`'s `carried`) instead of starting from paper.
    flow_a: whether it was trained with flow A; where not, flow B stands in for it. Every move of the lips changes what
        flow A adds a little all over the picture, and hair shimmers.
    """

    inputs: int = 3
    outputs: int = 1
    widths: tuple[int, ...] = (64, 128, 256)
    landmark_widths: tuple[int, ...] = (8, 16, 16)
    blocks: int = 9
    landmark_every: int = 3
    scale: int = 1
    laterals: bool = False
    norm: str = "instance"
    warp_align_corners: bool = False
    outside: float = -1.0
    soft_landmarks: bool = False
    carried: bool = False
    flow_a: bool = True

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> GeneratorConfig:
        """The configuration from JSON values (lists become tuples)."""
        widths = {name: tuple(values[name]) for name in ("widths", "landmark_widths") if name in values}
        return cls(**{**values, **widths})


PAPER = GeneratorConfig()
"""The published drawing network; the cartoon network differs in ``outputs=3``."""

DEFAULT = GeneratorConfig(
    widths=(16, 32, 64, 80),
    landmark_widths=(8, 16, 16, 16),
    blocks=6,
    scale=2,
    laterals=True,
    warp_align_corners=True,
    soft_landmarks=True,
    carried=True,
)
"""Ours: a tenth of the parameters, 512-pixel drawings from 256-pixel work, begun from the moved static drawing."""

SMALL = replace(
    DEFAULT, widths=(8, 16, 32, 64), landmark_widths=(8, 8, 8, 8), blocks=4, norm="none", flow_a=False
)
"""A quarter of its work, for training and drawing without a GPU."""


@dataclass(frozen=True)
class PhotoCode:
    """All that the frames of one portrait share.

    features: per encoder stream s, (B, widths[s] / 2, S / 2^s, S / 2^s), ready to be warped.
    landmarks: (B, landmark_widths[-1], s, s) features of the photo's own landmarks at the coarsest level.
    """

    features: tuple[Tensor, ...]
    landmarks: Tensor


def warp(features: Tensor, grid: Tensor, align_corners: bool) -> Tensor:
    """`features` (1 or T, C, h, w) read bilinearly at `grid` (T, h, w, 2); zeros outside.

    grid: x, y with −1 and +1 at the centres of the outermost pixels. `align_corners=False` reads this grid in the
    wrong unit, where −1 and +1 are the outer edges: position p is read at p·w/(w − 1) − ½. The published weights
    learnt that half-pixel drift, new ones should not.
    """
    # Half precision would misplace what is read by up to half a pixel.
    batch = features.float().expand(len(grid), -1, -1, -1)
    return F.grid_sample(batch, grid.float(), align_corners=align_corners).to(features.dtype)


def _resized(maps: Tensor, side: int) -> Tensor:
    if maps.shape[-1] == side:
        return maps
    return F.interpolate(maps, (side, side), mode="bilinear", align_corners=True)


class Encoder(nn.ModuleList):
    """One stream: a layer per level; the one before the warp has half width, since two warped copies follow it."""

    def __init__(self, config: GeneratorConfig, warp_level: int) -> None:
        super().__init__()
        self.level = warp_level
        inputs = config.inputs * config.scale**2
        for level, width in enumerate(config.widths):
            outputs = width // 2 if level == warp_level else width
            conv = halving(inputs, outputs) if level else stem(inputs, outputs)
            self.append(Layer(conv, normalisation(config.norm, outputs)))
            inputs = width

    def forward(self, x: Tensor, *, warped: bool) -> Tensor:
        """The layers up to the warp, or those behind it once `x` is warped."""
        layers = list(self)
        for layer in layers[self.level + 1 :] if warped else layers[: self.level + 1]:
            x = layer(x)
        return x


class LandmarkEncoder(nn.ModuleList):
    """Features of a landmark image at the coarsest level; no activation at the end."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        inputs = 1
        for level, width in enumerate(config.landmark_widths):
            conv = halving(inputs, width) if level else nn.Conv2d(inputs, width, 3, padding=1)
            self.append(Layer(conv, normalisation(config.norm, width)))
            inputs = width
        self[-1].act = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        for layer in self:
            x = layer(x)
        return x


class Trunk(nn.ModuleList):
    """Residual blocks at the coarsest level; some of them get the landmark features on top."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.landmark_every = config.landmark_every
        for index in range(config.blocks):
            extra = 0 if index % config.landmark_every else 2 * config.landmark_widths[-1]
            self.append(ResidualBlock(config.widths[-1], config.norm, extra))

    def forward(self, x: Tensor, landmarks: Tensor) -> Tensor:
        for index, block in enumerate(self):
            x = block(x if index % self.landmark_every else torch.cat([x, landmarks], dim=1))
        return x


class Decoder(nn.Module):
    """From the coarsest level up to the drawing, −1 black to +1 white."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        widths, norm = config.widths, config.norm
        pixels = config.outputs * config.scale**2
        self.up = nn.ModuleList(
            Layer(doubling(coarse, fine), normalisation(norm, fine))
            for coarse, fine in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.join = nn.ModuleList(
            Layer(nn.Conv2d(2 * width, width, 3, padding=1), normalisation(norm, width))
            for width in widths[-2::-1]
            if config.laterals
        )
        if config.carried:
            self.redraw = Layer(stem(widths[0] + pixels, widths[0]), normalisation(norm, widths[0]))
        self.out = stem(widths[0], pixels)
        self.scale = config.scale

    def forward(self, x: Tensor, laterals: list[Tensor], carried: Tensor | None) -> Tensor:
        for level, up in enumerate(self.up):
            x = up(x)
            if self.join:
                x = self.join[level](torch.cat([x, laterals[-2 - level]], dim=1))
        if carried is None:
            return torch.tanh(F.pixel_shuffle(self.out(x), self.scale).float())
        x = self.redraw(torch.cat([x, F.pixel_unshuffle(carried, self.scale).to(x)], dim=1))
        change = torch.tanh(F.pixel_shuffle(self.out(x), self.scale).float())
        # Twice the range, so that paper can become ink.
        return (carried + 2 * change).clamp(-1, 1)


class Generator(nn.Module):
    """Photo, landmarks and flows in, drawing out. Working resolution S × S, a multiple of 2^(levels − 1).

    Safe under autocast: statistics, grids and the drawing stay float32.
    """

    def __init__(self, config: GeneratorConfig = DEFAULT) -> None:
        super().__init__()
        self.config = config
        width, levels = config.widths[-1], len(config.widths)
        self.encoder = nn.ModuleList(Encoder(config, level) for level in range(levels))
        self.merge = nn.Conv2d(levels * width, width, 3, padding=1)
        self.landmarks = LandmarkEncoder(config)
        self.trunk = Trunk(config)
        self.decoder = Decoder(config)
        self.apply(initialise if config.norm != "none" else initialise_plain)
        if config.carried:
            # An untrained network leaves the drawing as it came.
            nn.init.zeros_(self.decoder.out.weight)

    def prepare(self, photo: Tensor, source_image: Tensor) -> PhotoCode:
        """What all frames share, from the photo (B, inputs, scale·S, scale·S) and its landmark image (B, 1, S, S).

        Both lie in [−1, 1]; the paper's networks want the person alone, on white (+1).
        """
        photo = F.pixel_unshuffle(photo, self.config.scale)  # (B, inputs·scale², S, S)
        # per stream (B, widths[s]/2, S/2^s, S/2^s)
        features = tuple(stream(photo, warped=False) for stream in self.encoder)
        return PhotoCode(features, self.landmarks(source_image))

    def forward(
        self,
        code: PhotoCode,
        target_image: Tensor,
        flow_b: Tensor,
        flow_a: Tensor,
        visible: Tensor,
        carried: Tensor | None = None,
    ) -> Tensor:
        """Drawings (T, outputs, scale·S, scale·S) in [−1, 1] of T frames.

        Args:
            code: from `prepare`, for one photo or for T of them.
            target_image: (T, 1, S, S) landmark images, −1 background, +1 discs.
            flow_b: (T, S, S, 2) grid, the position to read, −1 and +1 at the outermost pixel centres.
            flow_a: (T, 2, S, S) pixels to add to a target pixel to find its source.
            visible: (T, 1, S, S) in [0, 1], where flow A holds.
            carried: (T, outputs, scale·S, scale·S) in [−1, 1], for a network configured so: the photo's static drawing,
                moved to the frame.

        Raises:
            ValueError: `carried` is missing or not wanted.
        """
        if (carried is not None) != self.config.carried:
            raise ValueError("a carried drawing goes with a network configured for it")
        warped = self.warp_features(code, flow_b, flow_a, visible)  # per stream (T, widths[s], S/2^s, S/2^s)
        streams = [stream(x, warped=True) for stream, x in zip(self.encoder, warped, strict=True)]
        x = self.merge(torch.cat(streams, dim=1))  # (T, widths[-1], s, s), s the coarsest side
        source = code.landmarks.expand(len(x), -1, -1, -1)
        target = self.landmarks(target_image)
        landmarks = torch.cat([source, target], dim=1)  # (T, 2·landmark_widths[-1], s, s)
        x = self.trunk(x, landmarks)  # (T, widths[-1], s, s)
        return self.decoder(x, warped, carried)

    def draw(
        self,
        photo: Tensor,
        source_image: Tensor,
        target_image: Tensor,
        flow_b: Tensor,
        flow_a: Tensor,
        visible: Tensor,
        carried: Tensor | None = None,
    ) -> Tensor:
        """`prepare` and `forward` in one."""
        return self(self.prepare(photo, source_image), target_image, flow_b, flow_a, visible, carried)

    def warp_features(self, code: PhotoCode, flow_b: Tensor, flow_a: Tensor, visible: Tensor) -> list[Tensor]:
        """Per stream, its features warped with flow B, then with flow A, side by side."""
        corners = self.config.warp_align_corners
        planes = flow_b.permute(0, 3, 1, 2).float()  # (T, 2, S, S)
        warped = []
        for level, features in enumerate(code.features):
            side = features.shape[-1]
            by_b = warp(features, _resized(planes, side).permute(0, 2, 3, 1), corners)
            by_a = warp(features, flow_grid(_resized(flow_a.float() / 2**level, side)), corners)
            seen = _resized(visible.float(), side) > 0.5
            warped.append(torch.cat([by_b, by_a.where(seen, self.config.outside)], dim=1))
        return warped


def load_generator(name: str = "generator", device: str = "cpu") -> Generator:
    """The generator of the weight file `name`, ready to run; raises LpError as `weights.require` does."""
    return load(name, lambda config: Generator(GeneratorConfig.from_dict(config)), device)
