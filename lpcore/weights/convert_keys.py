"""How the published checkpoints name their tensors, and what their shapes tell about the networks.

Each function takes a state dict with the authors' names and returns our configuration as plain values and the
tensors under our names. Names that no rule knows raise ValueError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

State = Mapping[str, Tensor]
Converted = tuple[dict[str, Any], dict[str, Tensor]]
Rule = tuple[str, str | Callable[[re.Match[str]], str]]


def rename(state: State, rules: tuple[Rule, ...]) -> dict[str, Tensor]:
    """`state` under new names: for each tensor the first rule whose pattern matches the name without its ending."""
    renamed = {}
    for name, tensor in state.items():
        layer, _, ending = name.rpartition(".")
        for pattern, new in rules:
            if match := re.fullmatch(pattern, layer):
                target = match.expand(new) if isinstance(new, str) else new(match)
                renamed[f"{target}.{ending}"] = tensor
                break
        else:
            raise ValueError(f"has an unexpected {name}")
    return renamed


def _numbered(pattern: str, state: State) -> list[int]:
    """Sorted distinct numbers that the pattern's group captures over all names."""
    return sorted({int(match[1]) for name in state if (match := re.match(pattern, name))})


_GENERATOR: tuple[Rule, ...] = (
    (r"model_tri(\d)0\.1", r"encoder.\1.0.conv"),
    (r"model_tri(\d)([12])\.0", r"encoder.\1.\2.conv"),
    (r"model_tri_merge", r"merge"),
    (r"model_landmark_trans\.([036])", lambda m: f"landmarks.{int(m[1]) // 3}.conv"),
    (r"model2\.(\d)\.conv_block\.1", r"trunk.\1.conv0"),
    (r"model2\.(\d)\.conv_block\.5", r"trunk.\1.conv1"),
    (r"model2\.(\d)\.shortcut\.0", r"trunk.\1.skip.0"),
    (r"model3\.([03])", lambda m: f"decoder.up.{int(m[1]) // 3}.conv"),
    (r"model3\.7", r"decoder.out"),
)


def generator(state: State) -> Converted:
    """The drawing or cartoon generator."""
    tensors = rename(state, _GENERATOR)
    joined = _numbered(r"model2\.(\d)\.shortcut", state)
    return {
        "inputs": tensors["encoder.0.0.conv.weight"].shape[1],
        "outputs": len(tensors["decoder.out.bias"]),
        "widths": [
            len(tensors[f"{name}.bias"]) for name in ("encoder.2.0.conv", "encoder.2.1.conv", "merge")
        ],
        "landmark_widths": [len(tensors[f"landmarks.{k}.conv.bias"]) for k in range(3)],
        "blocks": len(_numbered(r"model2\.(\d)\.conv_block", state)),
        "landmark_every": joined[1] - joined[0],
    }, tensors


_UPD: tuple[Rule, ...] = (
    (r"model0\.([147])", lambda m: f"encoder.{int(m[1]) // 3}.conv"),
    (r"model\.0", r"style_in.conv"),
    (r"model\.(\d+)\.conv_block\.([15])", lambda m: f"trunk.{int(m[1]) - 3}.conv{int(m[2]) // 5}"),
    (r"model\.(12|15)", lambda m: f"up.{int(m[1]) // 3 - 4}.conv"),
    (r"model\.19", r"out"),
)


def upd(state: State) -> Converted:
    """The static portrait drawer."""
    tensors = rename(state, _UPD)
    blocks = len(_numbered(r"model\.(\d+)\.conv_block", state))
    return {"width": len(tensors["encoder.0.conv.bias"]), "blocks": blocks}, tensors


def cartoon(state: State) -> Converted:
    """The static cartoon drawer, whose names we keep."""
    return {"width": len(state["ConvBlock1.1.weight"])}, dict(state)


def modnet(state: State) -> Converted:
    """The matting network, whose names we keep; the file holds its backbone twice."""
    kept = {name: tensor for name, tensor in state.items() if not name.startswith("lr_branch.backbone.")}
    return {"width": len(state["hr_branch.tohr_enc2x.layers.0.bias"])}, kept


_UNET: tuple[Rule, ...] = (
    (r"conv_downsample\.(\d+)", lambda m: f"body.stem.{int(m[1]) // 3 * 2}.{int(m[1]) % 3}"),
    (r"unet_block\.down\.([01])", r"body.down.0.\1"),
    (
        r"unet_block((?:\.submodule)+)\.down\.([12])",
        lambda m: f"body.down.{m[1].count('submodule')}.{int(m[2]) - 1}",
    ),
    (
        r"unet_block((?:\.submodule)*)\.up\.([12])",
        lambda m: f"body.up.{m[1].count('submodule')}.{int(m[2]) - 1}",
    ),
    (r"unet_block((?:\.submodule)*)\.predict_flow\.1", lambda m: f"body.flow.{m[1].count('submodule')}.1"),
    (r"predict_vis\.1", r"body.visibility.1"),
)

_UNET_V2: tuple[Rule, ...] = (
    (r"pre_conv\.0\.([01])", r"body.stem.\1"),
    (r"pre_conv\.(\d+)\.conv\.([01])", lambda m: f"body.shrink.{int(m[1]) // 4}.0.conv.{m[2]}"),
    (r"pre_conv\.(\d+)", lambda m: f"body.shrink.{(int(m[1]) - 1) // 4}.2.{(int(m[1]) + 1) % 4}"),
    (r"enc_(\d)_res_(\d)\.conv\.([01])", r"body.encode.\1.\2.conv.\3"),
    (r"enc_(\d)_downsample\.([12])", lambda m: f"body.down.{m[1]}.1.{int(m[2]) - 1}"),
    (r"dec_(\d)_upsample\.([13])", r"body.up.\1.\2"),
    (r"dec_(\d)_res_(\d)\.conv\.([01])", r"body.decode.\1.\2.conv.\3"),
    (r"dec_(\d)_res_(\d)\.conv_a\.([01])", r"body.decode.\1.\2.skip.\3"),
    (r"pred_flow_(\d)\.1", r"body.flow.\1.1"),
    (r"pred_vis\.1", r"body.visibility.1"),
)


def flow_net(state: State) -> Converted:
    """The flow net in either variant; the authors' option file is not needed."""
    if "conv_downsample.0.weight" in state:
        tensors = rename(state, _UNET)
        variant = {
            "variant": "unet",
            "width": len(state["conv_downsample.0.weight"]),
            "halvings": len(_numbered(r"conv_downsample\.(\d+)", state)) // 2 - 1,
        }
    else:
        state = _nested(state)
        tensors = rename(state, _UNET_V2)
        variant = {
            "variant": "unet_v2",
            "width": len(state["pre_conv.0.0.weight"]),
            "halvings": _numbered(r"pre_conv\.(\d+)", state)[-1] // 4,
            "residuals": len(_numbered(r"enc_0_res_(\d)", state)),
        }
    downs = [
        tensor for name, tensor in tensors.items() if name.startswith("body.down.") and tensor.dim() == 4
    ]
    return {**variant, "levels": len(downs), "max_width": max(len(tensor) for tensor in downs)}, tensors


def _nested(state: State) -> State:
    """The first two layers of ``pre_conv`` as one, whichever way the file numbers them."""
    if "pre_conv.0.0.weight" in state:
        return state

    def shifted(match: re.Match[str]) -> str:
        index = int(match[1])
        return f"pre_conv.0.{index}." if index < 2 else f"pre_conv.{index - 1}."

    return {re.sub(r"^pre_conv\.(\d+)\.", shifted, name): tensor for name, tensor in state.items()}
