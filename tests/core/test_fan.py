"""The paper's landmark detector: which files it wants, which face it takes, what it does to a portrait."""

import importlib.util
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import frontal_face

from lpcore import analyze, messages, protocol
from lpcore.errors import LpError
from lpcore.face import fan
from lpcore.frames import write_png
from lpcore.session import Session


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    """An empty torch hub cache; returns its folder of checkpoints."""
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    monkeypatch.setenv("LPCORE_DEVICE", "cpu")
    fan._aligner.cache_clear()
    yield folder
    fan._aligner.cache_clear()


@pytest.fixture
def files(hub):
    for name in (fan.NETWORK, fan.FACE_FINDER):
        (hub / name).write_bytes(name.encode())
    return hub


class Library(types.ModuleType):
    """Stands for face-alignment: finds the faces it is told to, and remembers how it was made."""

    def __init__(self, faces=(), network=fan.NETWORK):
        super().__init__("face_alignment")
        self.made = []
        outer = self

        class FaceAlignment:
            def __init__(self, kind, **options):
                outer.made.append((kind, options))

            def get_landmarks_from_image(self, image, return_bboxes, return_landmark_score):
                assert image.shape == (512, 512, 3) and image.dtype == np.uint8
                if not faces:
                    return None, None, None
                return list(faces), [torch.full((68,), 1.2)] * len(faces), [None] * len(faces)

        self.FaceAlignment = FaceAlignment
        self.LandmarksType = types.SimpleNamespace(TWO_D=1, TWO_HALF_D=2, THREE_D=3)
        self.api = types.ModuleType("face_alignment.api")
        self.api.models_urls = {"3DFAN-4": f"https://example.org/{network}"}

    def install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "face_alignment", self)
        monkeypatch.setitem(sys.modules, "face_alignment.api", self.api)
        return self


BLANK = np.zeros((512, 512, 3), np.uint8)


def code_of(*args):
    with pytest.raises(LpError) as caught:
        fan.fan_landmarks(*args)
    assert caught.value.code in messages.MESSAGES
    return caught.value.code, caught.value.detail


def test_an_absent_package_is_named(monkeypatch, files):
    monkeypatch.setitem(sys.modules, "face_alignment", None)
    assert code_of(BLANK, frontal_face())[0] == "FAN_NOT_INSTALLED"


def test_a_version_that_would_fetch_another_file_is_refused(monkeypatch, files):
    library = Library(network="3DFAN4-newer.zip").install(monkeypatch)
    assert code_of(BLANK, frontal_face())[0] == "FAN_NOT_INSTALLED"
    assert not library.made


@pytest.mark.parametrize("absent", [fan.NETWORK, fan.FACE_FINDER])
def test_an_absent_file_is_named_before_anything_is_built(monkeypatch, files, absent):
    (files / absent).unlink()
    library = Library([frontal_face()]).install(monkeypatch)
    assert code_of(BLANK, frontal_face()) == ("FAN_FILES_MISSING", str(files / absent))
    assert not library.made
    with pytest.raises(LpError):
        fan.checksums()


def test_the_face_meant_is_taken_and_keeps_its_depth(monkeypatch, files):
    near = frontal_face()
    near[:, 2] = np.arange(68)
    found = near[:, :2] + (3, -2)
    other = near[:, :2] * 0.4
    library = Library([other, found]).install(monkeypatch)
    points, confidence = fan.fan_landmarks(BLANK, near)
    assert points.dtype == np.float32 and np.allclose(points[:, :2], found)
    assert np.array_equal(points[:, 2], near[:, 2])
    assert confidence.shape == (68,) and np.allclose(confidence, 0.6)
    ((kind, options),) = library.made
    assert kind == library.LandmarksType.TWO_HALF_D
    assert options["device"] == "cpu" and options["compile"] is False
    assert options["face_detector_kwargs"]["path_to_detector"] == str(files / fan.FACE_FINDER)


def test_no_face_found_is_said(monkeypatch, files):
    Library().install(monkeypatch)
    assert code_of(BLANK, frontal_face())[0] == "NO_FACE"


def test_checksums_follow_the_files(files):
    before = fan.checksums()
    (files / fan.NETWORK).write_bytes(b"other")
    after = fan.checksums()
    assert set(before) == {fan.NETWORK, fan.FACE_FINDER}
    assert before[fan.NETWORK] != after[fan.NETWORK] and before[fan.FACE_FINDER] == after[fan.FACE_FINDER]


def test_unknown_detectors_are_refused():
    with pytest.raises(LpError) as caught:
        analyze(BLANK, detector="dlib")
    assert caught.value.code == "BAD_VALUE"


@pytest.mark.weights
def test_a_portrait_gets_the_detectors_landmarks(monkeypatch, files):
    photo = np.ascontiguousarray(pytest.importorskip("skimage").data.astronaut()[..., :3])
    usual = analyze(photo)
    Library([usual.landmarks[:, :2] + 1.5]).install(monkeypatch)
    portrait = analyze(photo, detector="fan")
    assert np.allclose(portrait.landmarks[:, :2], usual.landmarks[:, :2] + 1.5)
    assert np.array_equal(portrait.landmarks[:, 2], usual.landmarks[:, 2])
    assert np.array_equal(portrait.image, usual.image)


@pytest.mark.weights
def test_the_worker_can_be_told_the_detector(monkeypatch, files, tmp_path):
    photo = tmp_path / "photo.png"
    write_png(photo, pytest.importorskip("skimage").data.astronaut())
    request = protocol.Analyze(1, str(photo), str(tmp_path / "out"))
    usual = np.array(Session().answer(request, lambda event: None)["landmarks"])
    Library([usual[:, :2] + 2]).install(monkeypatch)
    found = np.array(Session("fan").answer(request, lambda event: None)["landmarks"])
    assert np.allclose(found[:, :2], usual[:, :2] + 2, atol=1e-4)


@pytest.mark.skipif(importlib.util.find_spec("face_alignment") is None, reason="needs the extra `paper`")
def test_the_real_package_reads_made_up_weights(monkeypatch, hub):
    """Built from files of the real networks' shapes, without a connection."""
    from face_alignment.detection.sfd.net_s3fd import s3fd
    from face_alignment.models import FAN

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse_download)
    monkeypatch.setattr("face_alignment.utils.download_url_to_file", refuse_download)
    torch.save(FAN(4).state_dict(), hub / fan.NETWORK)
    torch.save(s3fd().state_dict(), hub / fan.FACE_FINDER)
    aligner = fan._aligner("cpu")
    assert not aligner.face_alignment_net.training
    box = np.array([100.0, 100.0, 400.0, 400.0, 1.0])
    (points,), (scores,), _ = aligner.get_landmarks_from_image(BLANK, [box], True, True)
    assert points.shape == (68, 2) and scores.shape == (68,)


def refuse_download(url: str, *args, **kwargs) -> Path:
    raise AssertionError(f"went online for {url}")
