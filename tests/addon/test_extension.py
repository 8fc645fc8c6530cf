"""The zip builds, validates, installs and enables; the tree stays as it is."""

from __future__ import annotations

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
    assert not [name for name in names if not name.endswith((".py", ".toml")) and name != "LICENSE"]
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


def test_the_tree_stays_as_it_is(archive):
    status = subprocess.run(
        [
            "git",
            "-C",
            str(ROOT),
            "status",
            "--porcelain",
            "--",
            "addon",
            "blender_manifest.toml",
            "lpcore/version.py",
        ],
        capture_output=True,
        text=True,
    )
    again = subprocess.run([*BUILD, "--output", str(archive.parent)], check=True, capture_output=True)
    after = subprocess.run(status.args, capture_output=True, text=True)
    assert again.returncode == 0
    assert after.stdout == status.stdout
