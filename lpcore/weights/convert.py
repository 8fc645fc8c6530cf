"""Brings the paper's published checkpoints into the cache folder as safetensors files."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from ..drawing.flow_net import FlowNet, FlowNetConfig
from ..drawing.generator import Generator, GeneratorConfig
from ..drawing.paper.modnet import ModNet
from ..drawing.paper.photo2cartoon import CartoonGenerator
from ..drawing.paper.upd import UpdGenerator
from ..errors import LpError
from ..motion.content import ContentBranch
from ..motion.makeittalk import content_config
from ..motion.makeittalk.converter import ConverterConfig, VoiceConverter
from ..motion.speaker_branch import SpeakerBranch, SpeakerBranchConfig
from ..types import Progress, no_progress
from . import convert_keys, convert_speech
from .download import place
from .registry import IMPORTED, IMPORTED_SPEECH, WeightFile
from .store import location
from .tensors import check_fit

_UNREADABLE = (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, zipfile.BadZipFile)

VERSION = "1"
"""Changes whenever a converted file of before would no longer do."""


@dataclass(frozen=True)
class Published:
    """How one published checkpoint becomes a network of ours.

    convert: authors' state dict -> our configuration and tensors. build: configuration -> network.
    parameters: how many the published file has; 0 where its size is not known beforehand.
    statistics: whether its normalisation keeps running statistics (else such tensors are leftovers and dropped).
    container: key of the state dict inside the file, where it is wrapped.
    """

    kind: str
    convert: Callable[[convert_keys.State], convert_keys.Converted]
    build: Callable[[dict[str, Any]], nn.Module]
    parameters: int
    statistics: bool = False
    container: str = ""


def _build_generator(config: dict[str, Any]) -> Generator:
    return Generator(GeneratorConfig.from_dict(config))


def _build_speaker_branch(config: dict[str, Any]) -> SpeakerBranch:
    return SpeakerBranch(SpeakerBranchConfig.from_dict(config))


PUBLISHED = {
    "paper_generator_drawing": Published("generator", convert_keys.generator, _build_generator, 15_925_553),
    "paper_generator_cartoon": Published("generator", convert_keys.generator, _build_generator, 15_931_827),
    "paper_flow_net": Published(
        "flow_net", convert_keys.flow_net, lambda c: FlowNet(FlowNetConfig.from_dict(c)), 0, statistics=True
    ),
    "paper_static_drawing": Published("upd", convert_keys.upd, lambda c: UpdGenerator(**c), 11_968_897),
    "paper_static_cartoon": Published(
        "photo2cartoon",
        convert_keys.cartoon,
        lambda c: CartoonGenerator(**c),
        3_831_079,
        container="genA2B",
    ),
    "paper_matte": Published(
        "modnet", convert_keys.modnet, lambda c: ModNet(**c), 6_487_075, statistics=True
    ),
    "makeittalk_converter": Published(
        "autovc",
        convert_speech.converter,
        lambda c: VoiceConverter(ConverterConfig(**c)),
        14_320_960,
        container="model",
    ),
    "makeittalk_content_branch": Published(
        "content_branch",
        convert_speech.content_branch,
        lambda c: ContentBranch(content_config(c)),
        1_965_677,
        statistics=True,
        container="model_g_face_id",
    ),
    "makeittalk_speaker_branch": Published(
        "speaker_branch",
        convert_speech.speaker_branch,
        _build_speaker_branch,
        2_391_820,
        container="G",
    ),
}
"""By name in the registry."""


@dataclass(frozen=True)
class ImportReport:
    """converted: name -> parameters. missing: name -> the file looked for, as the authors name it."""

    converted: dict[str, int]
    missing: dict[str, str]


def import_animateportrait(folder: Path, progress: Progress = no_progress) -> ImportReport:
    """Convert every published drawing checkpoint found anywhere below `folder` (the authors' tree or a part of it).

    The files are read, never written. Raises LpError ``CHECKPOINTS_MISSING`` when there is none,
    ``CHECKPOINT_WRONG`` when one is not what its name says, ``DISK_FULL`` or ``OUTPUT_READONLY``.
    """
    return _import_all(folder, IMPORTED, progress)


def import_makeittalk(folder: Path, progress: Progress = no_progress) -> ImportReport:
    """Convert the published speech-to-landmark module: checkpoints and tables, out of MakeItTalk's tree or the
    paper's, whose first module it is. Raises like `import_animateportrait`.
    """
    return _import_all(folder, IMPORTED_SPEECH, progress)


def _import_all(folder: Path, files: tuple[WeightFile, ...], progress: Progress) -> ImportReport:
    converted, missing = {}, {}
    for done, file in enumerate(files):
        progress("import the checkpoints", done / len(files))
        if source := _find(folder, file.member):
            converted[file.name] = _import(source, file)
        else:
            missing[file.name] = file.member
    progress("import the checkpoints", 1.0)
    if not converted:
        raise LpError("CHECKPOINTS_MISSING", str(folder))
    return ImportReport(converted, missing)


def _find(folder: Path, member: str) -> Path | None:
    """The file below `folder` whose path ends in `member`, the one nearest to `folder` if there are several."""
    tail = PurePosixPath(member).parts
    # Resolved, so that a folder given from inside the authors' tree still shows the names above it.
    found = [path for path in folder.resolve().rglob(tail[-1]) if path.parts[-len(tail) :] == tail]
    return min((path for path in found if path.is_file()), key=lambda p: (len(p.parts), p), default=None)


def _import(source: Path, file: WeightFile) -> int:
    """Convert one file; the number of its parameters or plain numbers."""
    try:
        kind, config, tensors = _read(source, file.name)
    except (ValueError, KeyError, IndexError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise LpError("CHECKPOINT_WRONG", f"{source} {reason}") from error
    with source.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    header = {
        "kind": kind,
        "config": json.dumps(config),
        "source": file.member,
        "source_sha256": digest,
        "converter": VERSION,
        "licence": file.licence,
    }
    place(save({name: tensor.contiguous() for name, tensor in tensors.items()}, header), location(file))
    if file.name in PUBLISHED:
        return check(PUBLISHED[file.name], config, tensors)
    return sum(tensor.numel() for tensor in tensors.values())


def _read(source: Path, name: str) -> tuple[str, dict[str, Any], dict[str, Tensor]]:
    """Kind, configuration and tensors of the registry's file `name`; raises ValueError, KeyError or IndexError."""
    if name in convert_speech.TABLES:
        return "table", {}, convert_speech.read_table(source, convert_speech.TABLES[name])
    if name == "makeittalk_voices":
        return "voices", {}, convert_speech.read_voices(source)
    published = PUBLISHED[name]
    config, tensors = published.convert(read_state(source, published))
    check(published, config, tensors)
    return published.kind, config, tensors


def read_state(source: Path, published: Published) -> dict[str, Tensor]:
    """The state dict of a published file, unwrapped and without leftovers; raises ValueError for other files."""
    try:
        content = torch.load(source, weights_only=True, map_location="cpu")
    except _UNREADABLE as error:
        raise ValueError("is not a PyTorch checkpoint of plain tensors") from error
    if isinstance(content, dict) and published.container in content:
        content = content[published.container]
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise ValueError("holds something other than named tensors")
    state = {name.removeprefix("module."): tensor for name, tensor in content.items()}
    dropped = r".*\.num_batches_tracked" if published.statistics else r".*\.(num_batches_tracked|running_.*)"
    return {name: tensor.float() for name, tensor in state.items() if not re.fullmatch(dropped, name)}


def check(published: Published, config: dict[str, Any], tensors: dict[str, Tensor]) -> int:
    """Number of parameters of the network that takes `tensors`; raises ValueError unless all is as published."""
    with torch.device("meta"):
        model = published.build(config)
    check_fit(model, tensors)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    if published.parameters not in (0, parameters):
        raise ValueError(f"has {parameters} parameters, not {published.parameters}")
    return parameters
