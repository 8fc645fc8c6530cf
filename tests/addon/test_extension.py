"""The zip builds, validates, installs and enables; the tree stays as it is."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile

import addon_utils
import pytest
from conftest import ROOT

BUILD = [sys.executable, str(ROOT / "scripts" / "build_extension.py")]
INSTALLED = "bl_ext.user_default.lineportrait"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a build's “folder”")
    subprocess.run([*BUILD, "--output", str(folder)], check=True)
    return next(folder.glob("lineportrait-*.zip"))


def test_it_holds_what_blender_needs_and_nothing_heavy(archive):
    names = zipfile.ZipFile(archive).namelist()
    assert {"blender_manifest.toml", "__init__.py", "lpcore/protocol.py", "LICENSE"} <= set(names)
    assert not [name for name in names if not name.endswith((".py", ".toml", ".json")) and name != "LICENSE"]
    assert archive.stat().st_size < 200_000


def test_it_installs_and_enables_beside_the_other(archive, blender):
    blender.ops.extensions.package_install_files(
        filepath=str(archive), repo="user_default", enable_on_install=False
    )
    addon_utils.disable("bl_ext.dev.lineportrait", default_set=True)
    try:
        assert addon_utils.enable(INSTALLED, default_set=True)
        assert hasattr(blender.types.Scene, "lineportrait")
    finally:
        addon_utils.disable(INSTALLED, default_set=True)


def test_the_tree_stays_as_it_is(tmp_path):
    sources = [*(ROOT / "addon").rglob("*"), *(ROOT / "lpcore").glob("*.py"), ROOT / "blender_manifest.toml"]
    before = {path: path.stat().st_mtime_ns for path in sources if path.is_file()}
    subprocess.run([*BUILD, "--output", str(tmp_path)], check=True)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_staging_again_leaves_nothing_stale(tmp_path):
    folder = tmp_path / "lineportrait"
    subprocess.run([*BUILD, "--stage", str(folder)], check=True)
    first = {path.relative_to(folder) for path in folder.rglob("*")}
    (folder / "operators" / "removed_since.py").touch()
    subprocess.run([*BUILD, "--stage", str(folder)], check=True)
    assert {path.relative_to(folder) for path in folder.rglob("*")} == first


@pytest.mark.parametrize("mine", ["thesis.txt", "blender_manifest.toml"])
def test_staging_spares_folders_that_it_did_not_make(tmp_path, mine):
    (tmp_path / mine).write_text('id = "lineportrait"\n')
    done = subprocess.run([*BUILD, "--stage", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 1
    assert "choose a new or empty folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [mine]


def test_versions_that_differ_are_refused(tmp_path):
    copy = tmp_path / "tree"
    for name in ("scripts/build_extension.py", "lpcore/version.py", "blender_manifest.toml"):
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    (copy / "lpcore" / "version.py").write_text('__version__ = "99.0.0"\n')
    done = subprocess.run(
        [sys.executable, str(copy / "scripts" / "build_extension.py")], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "99.0.0" in done.stderr
