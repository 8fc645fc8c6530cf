"""What is measured on drawn frames: pure functions of pictures, flows, landmarks and features.

Pictures are (H, W) uint8 grey, ink 0 and paper 255; ink is (H, W) float in [0, 1], 1 = black.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from ..drawing.flow import sample
from ..points68 import LIPS
from ..train.drawer_figures import specks

STILL = 0.05
"""Pixels by which flow B may move a place from one frame to the next for it to count as still."""

_FINER = 4
"""How much finer than the drawing its strokes are measured."""


def structural_similarity(first: np.ndarray, second: np.ndarray) -> float:
    """SSIM of two pictures (Wang, Bovik, Sheikh and Simoncelli, 2004): the mean of its map off a border of 5 pixels.

    The settings of the publication, which are scikit-image's ``structural_similarity(a, b, gaussian_weights=True,
    sigma=1.5, use_sample_covariance=False, data_range=255)``: Gaussian window of 11 x 11, K1 0.01, K2 0.03.
    """

    def blurred(picture: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(picture, (11, 11), 1.5)[5:-5, 5:-5]

    a, b = first.astype(np.float64), second.astype(np.float64)
    mean_a, mean_b = blurred(a), blurred(b)
    spread = blurred(a * a) - mean_a**2 + blurred(b * b) - mean_b**2
    together = blurred(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    likeness = (2 * mean_a * mean_b + c1) * (2 * together + c2)
    return float((likeness / ((mean_a**2 + mean_b**2 + c1) * (spread + c2))).mean())


def still(positions: np.ndarray, person: np.ndarray) -> np.ndarray:
    """(T - 1, H, W) bool: the person's pixels that flow B leaves where they are from one frame to the next.

    positions: (T, H, W, 2) what the frames read in the photo, in pixels. person: (T, H, W) matte in [0, 1].
    """
    return (np.linalg.norm(np.diff(positions, axis=0), axis=-1) < STILL) & (person[1:] > 0.5)


def flicker(frames: np.ndarray, where: np.ndarray) -> float:
    """Mean absolute change from frame to frame, in [0, 1], of the pixels that ought not to change; NaN without any.

    frames: (T, H, W) pictures. where: (T - 1, H, W) bool, the pixels of each change that count, see `still`.
    """
    changes = np.abs(np.diff(frames.astype(np.int16), axis=0))[where]
    return float(changes.mean()) / 255 if changes.size else float("nan")


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Fréchet distance of the normal distributions with the means and sample covariances of (N, D) and (M, D) features.

    |m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½) (Dowson and Landau, 1982; Heusel et al., 2017). With C = XᵀX of the centred,
    scaled features X, the last trace is the sum of the singular values of X1 X2ᵀ: exact, and defined for fewer
    samples than features too, where the distance comes out too large. Only distances of like N and M compare.
    """
    means = [features.mean(axis=0) for features in (first, second)]
    x1, x2 = (
        (features - mean) / np.sqrt(len(features) - 1)
        for features, mean in zip((first, second), means, strict=True)
    )
    spread = (x1**2).sum() + (x2**2).sum() - 2 * np.linalg.svd(x1 @ x2.T, compute_uv=False).sum()
    return float(((means[0] - means[1]) ** 2).sum() + spread)


def lip_error(found: np.ndarray, wanted: np.ndarray) -> float:
    """Mean distance of the lip landmarks of (T, 68, 2) and (T, 68, 2 or 3), in their unit."""
    lips = list(LIPS)
    return float(np.linalg.norm(found[:, lips] - wanted[:, lips, :2], axis=-1).mean())


def mouth_distance(found: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    """Landmark distance (LMD) of the mouths of (T, 68, 2) and (T, 68, 2 or 3) about their own middles, in their unit.

    Both published normalisations: the mean over frames and over the 20 points (Chen, Li, Maddox, Duan and Xu, ECCV
    2018), and the mean over frames of the sum over the points, as the program of ATVGnet (CVPR 2019) adds them up.
    """
    mouths = [points[:, list(LIPS), :2] for points in (found, wanted)]
    first, second = (mouth - mouth.mean(axis=1, keepdims=True) for mouth in mouths)
    apart = np.linalg.norm(first - second, axis=-1)
    return float(apart.mean()), float(apart.sum(axis=1).mean())


def warping_error(first: np.ndarray, second: np.ndarray, backward: np.ndarray, where: np.ndarray) -> float:
    """Mean squared difference, brightness in [0, 1], of a picture and the one before, moved there by the true flow.

    Lai et al., Learning Blind Video Temporal Consistency (ECCV 2018), who estimate the flow. NaN where nothing counts.

    first, second: (H, W) pictures. backward: (2, H, W) pixels to add to a place in the second to find it in the
    first. where: (H, W) bool, the places that count: visible in both.
    """
    if not where.any():
        return float("nan")
    grid = np.stack(np.meshgrid(np.arange(where.shape[1]), np.arange(where.shape[0])))
    places = torch.from_numpy((grid + backward).astype(np.float32)).permute(1, 2, 0)
    moved = sample(torch.from_numpy(first)[None, None].float() / 255, places[None])[0, 0].numpy()
    return float(np.square(second.astype(np.float32) / 255 - moved)[where].mean())


def likeness(features: np.ndarray, reference: np.ndarray) -> float:
    """Mean cosine of the angles between features (T, D) and those of the reference (D,)."""
    lengths = np.linalg.norm(features, axis=-1) * np.linalg.norm(reference)
    return float((features @ reference / lengths).mean())


def stroke_width(ink: np.ndarray) -> float:
    """Median width in pixels of the strokes of more than half ink, along their middle lines; 0 for an empty sheet.

    The middle line is the ridge of the distance to the paper (Blum's medial axis), on which the distance is half the
    width. Measured on a grid four times finer: lines one pixel wide would else be told apart from nothing else.
    """
    fine = cv2.resize(ink.astype(np.float32), None, fx=_FINER, fy=_FINER, interpolation=cv2.INTER_LINEAR)
    apart = cv2.distanceTransform((fine > 0.5).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    ridge = (apart > 0) & (apart >= cv2.dilate(apart, np.ones((3, 3), np.uint8)))
    # An odd number of fine pixels is 2 d - 1, an even one 2 d.
    return float((2 * np.median(apart[ridge]) - 0.5) / _FINER) if ridge.any() else 0.0


def line_statistics(picture: np.ndarray) -> dict[str, float]:
    """Share of ink, median stroke width in pixels, and specks: pieces of ink under 12 pixels."""
    ink = 1 - picture.astype(np.float32) / 255
    return {"ink": float(ink.mean()), "stroke_px": stroke_width(ink), "specks": float(specks(ink))}
