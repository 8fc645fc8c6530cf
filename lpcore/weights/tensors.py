"""From a weight file to a network that is ready to run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from safetensors import safe_open
from torch import Tensor, nn

from ..device import compiler
from .store import require, sha256

Model = TypeVar("Model", bound=nn.Module)


_LOADED: dict[tuple[str, str], tuple[tuple[str, str], nn.Module]] = {}
"""Name and device -> digest of the file and compiler, and the network made of them."""


def load(name: str, build: Callable[[dict[str, Any]], Model], device: str = "cpu") -> Model:
    """The network of the weight file `name` on `device`: evaluation mode, float32, no gradients, channels last.

    Kept until the file changes, so that a recipe that names the file's digest tells the truth.
    Compiled, where `device.compiler` says so. build: makes the network from the "config" of the file's header. Raises
    LpError as `store.require` does.
    """
    state = sha256(name), compiler()
    known, kept = _LOADED.get((name, device), (None, None))
    if known == state:
        return kept  # type: ignore[return-value] made by the same `build`
    with safe_open(require(name), framework="pt") as file:
        model = build(json.loads(file.metadata()["config"]))
        restore(model, {key: file.get_tensor(key).float() for key in file.keys()})  # noqa: SIM118 not a dict
    model.eval().requires_grad_(False).to(device)
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload] torch's stub lacks it
    if compiler():
        model.compile(backend=compiler())
    _LOADED[name, device] = state, model
    return model


def restore(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Give `model` its tensors; raises ValueError as `check_fit` does."""
    check_fit(model, tensors)
    model.load_state_dict(tensors, strict=False)


def check_fit(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Raises ValueError naming the first tensor that is absent, unexpected or of another shape than in `model`.

    Only batch counters, which inference ignores, may be absent.
    """
    own = model.state_dict()
    needed = {key for key in own if not key.endswith("num_batches_tracked")}
    for key in sorted(needed ^ tensors.keys()):
        raise ValueError(f"{'lacks' if key in needed else 'has an unexpected'} {key}")
    for key, tensor in tensors.items():
        if tensor.shape != own[key].shape:
            raise ValueError(f"{key} is {tuple(tensor.shape)}, not {tuple(own[key].shape)}")
