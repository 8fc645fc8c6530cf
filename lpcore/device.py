"""Where networks run, and how."""

from __future__ import annotations

import os


def pick_device(wanted: str = "") -> str:
    """ "cuda", "mps" or "cpu": `wanted`, else the environment variable ``LPCORE_DEVICE``, else the fastest present.

    Raises LpError ``BAD_VALUE`` for a device that this machine or this torch does not have.
    """
    import torch

    from .errors import LpError

    present = ["cpu"]
    if torch.backends.mps.is_available():
        present.insert(0, "mps")
    if torch.cuda.is_available():
        present.insert(0, "cuda")
    wanted = wanted or os.environ.get("LPCORE_DEVICE", "")
    if wanted and wanted not in present:
        raise LpError("BAD_VALUE", f"the device must be one of {', '.join(present)} here, not {wanted!r}")
    return wanted or present[0]


def compiler() -> str:
    """Backend of torch.compile that the environment variable ``LPCORE_COMPILE`` names ("inductor", …); empty = none.

    Worth its minute of compiling for long films on an accelerator. Compiled networks may round differently, so recipes
    name the backend.
    """
    return os.environ.get("LPCORE_COMPILE", "")


def described(device: str) -> str:
    """What a recipe says of where and how the networks ran."""
    return f"{device}, {compiler()}" if compiler() else device
