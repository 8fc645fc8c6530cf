"""Networks that only the paper's published checkpoints need: static drawers and matting."""

from __future__ import annotations

from ...weights.tensors import load
from .modnet import ModNet
from .photo2cartoon import CartoonGenerator
from .upd import UpdGenerator

__all__ = ["CartoonGenerator", "ModNet", "UpdGenerator", "load_cartoonist", "load_matting", "load_upd"]


def load_upd(device: str = "cpu") -> UpdGenerator:
    """The imported static drawing network; raises LpError as `weights.require` does."""
    return load("paper_static_drawing", lambda config: UpdGenerator(**config), device)


def load_cartoonist(device: str = "cpu") -> CartoonGenerator:
    """The imported static cartoon network; raises LpError as `weights.require` does."""
    return load("paper_static_cartoon", lambda config: CartoonGenerator(**config), device)


def load_matting(device: str = "cpu") -> ModNet:
    """The imported matting network; raises LpError as `weights.require` does."""
    return load("paper_matte", lambda config: ModNet(**config), device)
