"""Frame and film files: whole or absent, and failures of the disk in words."""

import errno
from fractions import Fraction
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
import soundfile

from lpcore.errors import LpError
from lpcore.files import prepare_folder, write_atomically
from lpcore.film import encode_film
from lpcore.frames import write_frames, write_png


def failing_replace(number):
    def replace(self: Path, target: Path) -> Path:
        raise OSError(number, "made up")

    return replace


@pytest.mark.parametrize("channels", [(), (3,), (4,)])
def test_png_round_trip(tmp_path, channels):
    image = np.random.default_rng(0).integers(0, 256, (5, 7, *channels), dtype=np.uint8)
    write_png(tmp_path / "ü'1.png", image)
    read = cv2.imdecode(np.fromfile(tmp_path / "ü'1.png", np.uint8), cv2.IMREAD_UNCHANGED)
    if channels:
        read = cv2.cvtColor(read, cv2.COLOR_BGR2RGB if channels == (3,) else cv2.COLOR_BGRA2RGBA)
    assert np.array_equal(read, image)


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "DISK_FULL"), (errno.EACCES, "OUTPUT_READONLY")])
def test_disk_failures_have_codes_and_leave_the_old_file(tmp_path, monkeypatch, number, code):
    path = tmp_path / "frame.png"
    path.write_bytes(b"old")
    monkeypatch.setattr(Path, "replace", failing_replace(number))
    with pytest.raises(LpError) as caught:
        write_atomically(path, b"new")
    assert caught.value.code == code
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "out").write_text("I am a file")
    with pytest.raises(LpError) as caught:
        prepare_folder(tmp_path / "out")
    assert caught.value.code == "OUTPUT_READONLY"
    assert (tmp_path / "out").read_text() == "I am a file"


def test_frames_arrive_in_order_and_earlier_ones_survive_a_full_disk(tmp_path, monkeypatch):
    whole = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if "00003" in self.name:
            raise OSError(errno.ENOSPC, "made up")
        return whole(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    paths = [tmp_path / f"frame_{k:05d}.png" for k in range(6)]
    written = []
    with pytest.raises(LpError) as caught:
        written.extend(write_frames((p, np.zeros((4, 4), np.uint8)) for p in paths))
    assert caught.value.code == "DISK_FULL"
    assert all(p.exists() for p in paths[:3]) and not paths[3].exists()
    assert not list(tmp_path.glob(".*partial"))


def test_film_has_the_frames_and_the_length(tmp_path):
    folder = tmp_path / "take 100% 'ü'"
    folder.mkdir()
    for k in range(12):
        write_png(folder / f"frame_{k:05d}.png", np.full((63, 65), 20 * k, np.uint8))
    tone = np.sin(np.arange(32000) * 0.1) * 0.3
    soundfile.write(tmp_path / "speech.wav", tone, 16000)
    film = tmp_path / "film.mp4"
    encode_film(folder, "frame_%05d.png", Fraction(24), tmp_path / "speech.wav", 0.5, film, 12)
    reader = imageio_ffmpeg.read_frames(str(film))
    about = next(reader)
    frames = [np.frombuffer(f, np.uint8) for f in reader]
    assert about["size"] == (66, 64) and about["fps"] == 24 and about["audio_codec"] == "aac"
    assert len(frames) == 12
    assert abs(float(frames[5].mean()) - 100) < 8
    assert [p.name for p in tmp_path.glob("*.mp4")] == ["film.mp4"]


def test_encoder_failure_is_one_sentence_and_keeps_the_frames(tmp_path):
    write_png(tmp_path / "frame_00000.png", np.zeros((8, 8), np.uint8))
    (tmp_path / "speech.wav").write_text("no sound")
    with pytest.raises(LpError) as caught:
        encode_film(
            tmp_path, "frame_%05d.png", Fraction(25), tmp_path / "speech.wav", 0, tmp_path / "f.mp4", 1
        )
    assert caught.value.code == "FILM_FAILED" and "\n" not in str(caught.value)
    assert (tmp_path / "frame_00000.png").exists() and not list(tmp_path.glob("*.mp4"))
