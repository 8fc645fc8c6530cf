"""How the files of the published speech-to-landmark module name their contents, and what is in its tables.

The tables and checkpoints of MakeItTalk are CC BY-NC 4.0; the user brings them, nothing of them comes with lpcore.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import re
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..motion.speaker_branch import position_table
from .convert_keys import Converted, Rule, State, rename

_NORM = {"0.conv": "0", "1": "1"}

_CONVERTER: tuple[Rule, ...] = (
    (r"encoder\.convolutions\.(\d)\.(0\.conv|1)", lambda m: f"encoder.{m[1]}.{_NORM[m[2]]}"),
    (r"encoder\.lstm", r"code"),
    (r"decoder\.lstm", r"decoder"),
    (r"decoder\.linear_projection\.linear_layer", r"out"),
    (r"postnet\.convolutions\.(\d)\.(0\.conv|1)", lambda m: f"polish.{m[1]}.{_NORM[m[2]]}"),
)


def converter(state: State) -> Converted:
    """The AutoVC voice converter."""
    tensors = rename(state, _CONVERTER)
    neck = tensors["code.weight_hh_l0"].shape[1]
    bands = len(tensors["out.bias"])
    voice = tensors["encoder.0.0.weight"].shape[1] - bands
    return {
        "neck": neck,
        "voice": voice,
        "width": len(tensors["encoder.0.0.bias"]),
        "bands": bands,
        "pitches": tensors["decoder.weight_ih_l0"].shape[1] - 2 * neck - voice,
    }, tensors


_CONTENT: tuple[Rule, ...] = (
    (r"fc_prior\.(\d)", r"prior.\1"),
    (r"bilstm", r"lstm"),
    (r"fc\.(\d)", r"head.\1"),
)


def content_branch(state: State) -> Converted:
    """The content branch. It reads features already standardised and is always given a face."""
    tensors = rename(state, _CONTENT)
    features = tensors["prior.0.weight"].shape[1]
    tensors |= _identity(features) | {"mean_face": torch.zeros(68, 3)}
    return {
        "features": features,
        "rate": 62.5,
        "look_ahead": 17,
        "windowed": True,
        "prior": len(tensors["prior.0.bias"]),
        "code": len(tensors["prior.3.bias"]),
        "hidden": tensors["lstm.weight_hh_l0"].shape[1],
        "layers": _count(r"lstm\.weight_ih_l(\d)", tensors),
        "head": [len(tensors["head.0.bias"]), len(tensors["head.3.bias"])],
        "dropout": 0.5,
    }, tensors


_SPEAKER: tuple[Rule, ...] = (
    (r"audio_content_encoder", r"lstm"),
    (r"spk_emb_encoder\.(\d)", r"voice.\1"),
    (r"encoder\.embed\.embed", r"embed"),
    (r"encoder\.layers\.(\d)\.norm_([12])", r"blocks.\1.norm\2"),
    (r"encoder\.layers\.(\d)\.attn\.q_linear", r"blocks.\1.attention.query"),
    (r"encoder\.layers\.(\d)\.attn\.k_linear", r"blocks.\1.attention.key"),
    (r"encoder\.layers\.(\d)\.attn\.v_linear", r"blocks.\1.attention.value"),
    (r"encoder\.layers\.(\d)\.attn\.out", r"blocks.\1.attention.out"),
    (r"encoder\.layers\.(\d)\.ff\.linear_([12])", lambda m: f"blocks.{m[1]}.feed.{(int(m[2]) - 1) * 3}"),
    (r"encoder\.norm", r"norm"),
    (r"out\.(\d)", r"head.\1"),
)
_HEADS = 2


def speaker_branch(state: State) -> Converted:
    """The speaker branch without the decoder and the mixing layers that the file holds but nothing uses.

    Its position table is not kept: ours is computed. A file with another table raises ValueError.
    """
    state = dict(state)
    table = state.pop("encoder.pe.pe")[0]
    if not torch.allclose(table, position_table(*table.shape), atol=1e-4):
        raise ValueError("has another position table")
    used = {name: t for name, t in state.items() if not name.startswith(("decoder.", "comb_mlp."))}
    tensors = {_gain(name): tensor for name, tensor in rename(used, _SPEAKER).items()}
    features = tensors["lstm.weight_ih_l0"].shape[1]
    tensors |= _identity(features)
    model = len(tensors["embed.bias"])
    return {
        "features": features,
        "rate": 62.5,
        "look_ahead": 17,
        "windowed": True,
        "hidden": tensors["lstm.weight_hh_l0"].shape[1],
        "layers": _count(r"lstm\.weight_ih_l(\d)", tensors),
        "voice": tensors["voice.0.weight"].shape[1],
        "voice_gain": 3.0,
        "voice_widths": [len(tensors[f"voice.{k}.bias"]) for k in (0, 2, 4)],
        "noise": tensors["head.0.weight"].shape[1] - model,
        "model": model,
        "heads": _HEADS,
        "feed_forward": len(tensors["blocks.0.feed.0.bias"]),
        "blocks": _count(r"blocks\.(\d)\.norm1\.gain", tensors),
        "dropout": 0.1,
        "span": len(table),
        "head": [len(tensors[f"head.{k}.bias"]) for k in (0, 2)],
        "outputs": len(tensors["head.4.bias"]),
    }, tensors


def _gain(name: str) -> str:
    return name.removesuffix("alpha") + "gain" if name.endswith(".alpha") else name


def _identity(features: int) -> dict[str, Tensor]:
    return {"feature_mean": torch.zeros(features), "feature_std": torch.ones(features)}


def _count(pattern: str, tensors: dict[str, Tensor]) -> int:
    return len([name for name in tensors if re.fullmatch(pattern, name)])


@dataclass(frozen=True)
class Table:
    """One text file of numbers: how its SHA-256 begins, and the arrays it holds, one after the other."""

    sha256: str
    arrays: dict[str, tuple[int, ...]]


TABLES = {
    "makeittalk_mel": Table("3904ca83b05cd7e8", {"mean": (80,), "std": (80,)}),
    "makeittalk_target_voice": Table("92f3251844a551b2", {"voice": (256,)}),
    "makeittalk_face": Table("a9bbaab5b3c6c595", {"standard": (68, 3)}),
}
"""By name in the registry."""


def read_table(path: Path, table: Table) -> dict[str, Tensor]:
    """The arrays of a published table, float32; raises ValueError for any other file."""
    content = path.read_bytes()
    # A checkout on Windows may have other line ends than the published file.
    digests = [hashlib.sha256(c).hexdigest() for c in (content, content.replace(b"\r\n", b"\n"))]
    if not any(digest.startswith(table.sha256) for digest in digests):
        raise ValueError("has a wrong checksum")
    values = np.array(content.split(), np.float32)
    sizes = [prod(shape) for shape in table.arrays.values()]
    if len(values) != sum(sizes):
        raise ValueError(f"holds {len(values)} numbers, not {sum(sizes)}")
    pieces = np.split(values, np.cumsum(sizes)[:-1])
    return {
        name: torch.from_numpy(piece.reshape(shape).copy())
        for piece, (name, shape) in zip(pieces, table.arrays.items(), strict=True)
    }


_ALLOWED = {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")} | {
    (f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core")
}
"""What a pickled numpy array is made of."""


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickles numpy arrays inside plain containers and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"refuses {module}.{name}")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def read_voices(path: Path) -> dict[str, Tensor]:
    """The training speakers' voices (256,) by name out of ``emb.pickle``; raises ValueError for any other file."""
    try:
        found = _ArrayUnpickler(io.BytesIO(path.read_bytes()), encoding="latin1").load()
        arrays = {str(name): np.asarray(voice, np.float32) for name, voice in found.items()}
    except Exception as error:  # a damaged pickle may raise anything
        raise ValueError("is not a pickled dictionary of arrays") from error
    if not arrays or any(voice.shape != (256,) or not np.isfinite(voice).all() for voice in arrays.values()):
        raise ValueError("holds something other than voices of 256 numbers")
    return {name: torch.from_numpy(voice.copy()) for name, voice in arrays.items()}
