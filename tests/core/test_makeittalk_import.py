"""The published speech networks: imported, they compute what their description says; other files are refused."""

import hashlib
import json
import pickle
from dataclasses import replace

import numpy as np
import published_speech as published
import pytest
import torch

from lpcore import cli, weights
from lpcore.errors import LpError
from lpcore.motion import makeittalk
from lpcore.weights import convert, convert_speech

TABLES = {
    "makeittalk_mel": ("dataset/utils/MEAN_STD_AUTOVC_RETRAIN_MEL_AU.txt", np.linspace(0.1, 0.6, 160)),
    "makeittalk_target_voice": ("autovc/retrain_version/obama_emb.txt", np.linspace(0, 0.1, 256)),
    "makeittalk_face": ("dataset/utils/STD_FACE_LANDMARKS.txt", np.linspace(-1, 1, 204).reshape(68, 3)),
}


def parameters(state):
    return sum(t.numel() for name, t in state.items() if "running" not in name and ".pe." not in name)


@pytest.fixture(scope="module")
def states():
    speaker = published.speaker_state(3)
    published.add_unused_decoder(speaker)
    return published.converter_state(1), published.content_state(2), speaker


@pytest.fixture
def folder(tmp_path, monkeypatch, states):
    """The authors' tree with random contents, an empty cache, and checksums that fit these tables."""
    monkeypatch.setenv("LPCORE_WEIGHTS", str(tmp_path / "cache"))
    root = tmp_path / "Make It Talk"
    for name, key, state in zip(
        ("autovc", "content_branch", "speaker_branch"), ("model", "model_g_face_id", "G"), states, strict=True
    ):
        path = root / "examples" / "ckpt" / f"ckpt_{name}.pth"
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save({key: dict(state), "epoch": 7}, path)
    for name, (member, values) in TABLES.items():
        path = root / "src" / member
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savetxt(path, values)
        table = replace(
            convert_speech.TABLES[name], sha256=hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        )
        monkeypatch.setitem(convert_speech.TABLES, name, table)
    voices = {"one": np.arange(256.0), "two": np.ones(256, np.float32)}
    (root / "examples" / "emb.pickle").write_bytes(pickle.dumps(voices, protocol=2))
    yield root
    makeittalk._load.cache_clear()


def code_of(call, *args):
    with pytest.raises(LpError) as caught:
        call(*args)
    return caught.value.code


def test_published_sizes(states):
    assert [parameters(state) for state in states] == [14_320_960, 1_965_677, 3_000_908]
    speaker = {name: t for name, t in states[2].items() if not name.startswith("decoder.")}
    assert parameters(speaker) == 2_391_820


def test_imported_networks_compute_what_is_described(folder, states, capsys):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert cli.main(["weights", "import", "--makeittalk", str(folder), "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["missing"] == {} and len(said["converted"]) == 7
    sizes = [
        said["converted"][f"makeittalk_{name}"] for name in ("converter", "content_branch", "speaker_branch")
    ]
    assert sizes == [14_320_960, 1_965_677, 2_391_820]
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for name, source in (("converter", "examples/ckpt/ckpt_autovc.pth"), ("voices", "examples/emb.pickle")):
        header = weights.metadata(f"makeittalk_{name}")
        assert header["source_sha256"] == hashlib.sha256((folder / source).read_bytes()).hexdigest()
        assert header["converter"] == convert.VERSION and header["licence"] == "CC-BY-NC-4.0"

    nets = makeittalk.load_networks()
    np.testing.assert_allclose(
        np.concatenate([nets.mel_mean, nets.mel_std]), TABLES["makeittalk_mel"][1], rtol=1e-6
    )
    np.testing.assert_allclose(nets.target_voice, TABLES["makeittalk_target_voice"][1], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(nets.standard, TABLES["makeittalk_face"][1], rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(makeittalk.imported_voices()["one"], np.arange(256))

    random = torch.Generator().manual_seed(5)
    mel, source, target = torch.rand(40, 80, generator=random), *torch.rand(2, 256, generator=random) * 0.1
    pitch = torch.randint(0, 257, (40,), generator=random)
    padded = torch.cat([mel, torch.zeros(24, 80)])[None]
    one_hot = torch.cat([torch.eye(257)[pitch], torch.zeros(24, 257)])[None]
    wanted = published.convert_voice(states[0], padded, source[None], target[None], one_hot)[0, :40]
    ours = nets.converter.convert(mel.numpy(), pitch.numpy(), source.numpy(), target.numpy(), parity=True)
    assert wanted.std() > 0.1
    np.testing.assert_allclose(ours, wanted, atol=2e-5)

    features, face = torch.randn(60, 80, generator=random), torch.randn(204, generator=random) * 0.5
    windows = published.windows_of(features)
    wanted = published.content(states[1], windows, face).reshape(-1, 68, 3)
    ours = nets.content.predict(features.numpy(), face.reshape(68, 3).numpy())
    assert ours.shape == (60, 68, 3) and wanted.std() > 0.05
    np.testing.assert_allclose(ours[:43], wanted, atol=2e-5)

    wanted = published.speaker(states[2], windows, source)
    with torch.inference_mode():
        read = nets.speaker.read(features.numpy())[:43]
        ours = nets.speaker.attend(read[None], source[None])[0]
    assert wanted.std() > 0.05
    torch.testing.assert_close(ours, wanted, atol=5e-5, rtol=1e-4)


def test_position_table_is_the_published_one():
    from lpcore.motion.speaker_branch import position_table

    table = position_table(512, 64)
    torch.testing.assert_close(table, published.published_positions())
    known = [0.8415, 0.7318, 0.5332, 0.9124, 0.3110, 0.9720]
    np.testing.assert_allclose(table[1, :6], known, atol=6e-5)


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("a file ran code",))


def damage_table(root, states):
    path = root / "src" / TABLES["makeittalk_mel"][0]
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))


def shorten_checkpoint(root, states):
    state = {name: t for name, t in states[1].items() if name != "fc.6.bias"}
    torch.save({"model_g_face_id": state}, root / "examples/ckpt/ckpt_content_branch.pth")


def change_size(root, states):
    torch.save({"model": dict(published.converter_state(width=64))}, root / "examples/ckpt/ckpt_autovc.pth")


def change_positions(root, states):
    state = {**states[2], "encoder.pe.pe": states[2]["encoder.pe.pe"] * 0.9}
    torch.save({"G": state}, root / "examples/ckpt/ckpt_speaker_branch.pth")


def set_trap(root, states):
    (root / "examples/emb.pickle").write_bytes(pickle.dumps({"one": Trap()}))


def set_trap_in_checkpoint(root, states):
    torch.save({"G": Trap()}, root / "examples/ckpt/ckpt_speaker_branch.pth")


def narrow_voices(root, states):
    (root / "examples/emb.pickle").write_bytes(pickle.dumps({"one": np.ones(3)}))


@pytest.mark.parametrize(
    "spoil",
    [
        damage_table,
        shorten_checkpoint,
        change_size,
        change_positions,
        set_trap,
        set_trap_in_checkpoint,
        narrow_voices,
    ],
)
def test_wrong_files_are_refused(folder, states, spoil):
    spoil(folder, states)
    assert code_of(convert.import_makeittalk, folder) == "CHECKPOINT_WRONG"


def test_tables_with_windows_line_ends_are_the_same_tables(folder):
    path = folder / "src" / TABLES["makeittalk_face"][0]
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert "makeittalk_face" in convert.import_makeittalk(folder).converted


def test_nothing_imported(tmp_path, monkeypatch):
    monkeypatch.setenv("LPCORE_WEIGHTS", str(tmp_path))
    assert code_of(makeittalk.load_networks) == "WEIGHTS_NOT_IMPORTED"
    assert code_of(convert.import_makeittalk, tmp_path) == "CHECKPOINTS_MISSING"
