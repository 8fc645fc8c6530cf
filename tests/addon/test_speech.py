"""Which strip speaks, and which span of which file it plays; Blender's own mixdown is the oracle."""

from __future__ import annotations

import errno
import shutil
import wave
from fractions import Fraction

import numpy as np
import pytest
from worlds import DATA, part

RATE = 16000


@pytest.fixture
def ramp(blender, tmp_path):
    """A 4 s sound whose value tells its own time: 0 at the start, 1 at the end."""
    path = tmp_path / "ramp.wav"
    samples = (np.arange(4 * RATE) / (4 * RATE) * 32000).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return path


@pytest.fixture
def strip(blender, ramp):
    """The ramp as a strip at frame 41 of a 24 fps scene; needs a Blender with sound."""
    scene = blender.context.scene
    scene.render.fps, scene.render.fps_base = 24, 1
    try:
        return part("compat").strips_to_edit(scene).new_sound("ramp", str(ramp), 1, 41)
    except RuntimeError as error:
        pytest.skip(f"this Blender makes no sound strips: {error}")


def heard_at(path, seconds: float) -> float:
    """Seconds that the ramp's value tells at `seconds` of a WAV file."""
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return float(samples[int(seconds * file.getframerate())]) / 32000 * 4


def describe(blender, strip):
    return part("speech").describe(blender.context.scene, strip)


def test_a_strip_made_elsewhere_is_read_with_its_trim(world):
    heard = part("speech").describe(world.scene, world.speech)
    assert (heard.first, heard.frames, heard.fps) == (11, 18, 24)
    assert heard.start == pytest.approx(6 / 24)
    assert not heard.mixed
    assert (
        part("speech").sound_file(world.scene, heard, world.folder / "mixed.wav")
        == world.folder / "speech.wav"
    )


def trim_left(strip):
    strip.frame_offset_start = 20


def trim_and_slip(strip):
    strip.frame_offset_start = 20
    strip.animation_offset_start = 6
    strip.frame_offset_end = 7


def trim_and_shift_sound(strip):
    strip.frame_offset_start = 20
    strip.sound_offset = 0.08


@pytest.mark.parametrize("change", [trim_left, trim_and_slip, trim_and_shift_sound])
def test_the_span_is_what_blender_plays(blender, strip, tmp_path, change):
    change(strip)
    heard = describe(blender, strip)
    assert not heard.mixed
    scene = blender.context.scene
    scene.frame_start, scene.frame_end = heard.first, heard.first + heard.frames - 1
    mixed = tmp_path / "mixed.wav"
    part("compat").mix_down(scene, mixed, RATE, heard.frames / 24)
    for frame in (3, heard.frames // 2):
        assert heard_at(mixed, frame / 24) == pytest.approx(heard.times()[frame], abs=2e-3)


def test_broken_frame_rates_are_exact(blender):
    scene = blender.context.scene
    scene.render.fps, scene.render.fps_base = 24, 1.001
    assert part("compat").frame_rate(scene) == Fraction(24000, 1001)
    scene.render.fps, scene.render.fps_base = 25, 1
    assert part("compat").frame_rate(scene) == 25


def lengthen(scene, strip):
    strip.frame_offset_end = -10


def begin_early(scene, strip):
    strip.frame_offset_start = -10


def pack(scene, strip):
    strip.sound.pack()


def animate_volume(scene, strip):
    strip.keyframe_insert("volume", frame=1)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lengthen, "ends after its sound"),
        (begin_early, "starts before its sound"),
        (pack, "has its sound packed into the .blend file"),
        (animate_volume, "has an animated volume"),
    ],
)
def test_what_no_file_holds_is_mixed_down_alone(blender, strip, ramp, tmp_path, change, why):
    scene = blender.context.scene
    other = part("compat").strips(scene).new_sound("other", str(ramp), 2, 1)
    strip.mute, other.mute = True, False
    scene.frame_start, scene.frame_end = 5, 20
    change(scene, strip)
    heard = describe(blender, strip)
    assert (heard.mixed, heard.start_in_file) == (why, 0)
    path = part("speech").sound_file(scene, heard, tmp_path / "mixed.wav")
    middle = heard.frames / 24 / 2
    expected = max(middle - max(0, 41 - heard.first) / 24, 0)
    assert heard_at(path, middle) == pytest.approx(expected, abs=3e-3)
    assert (strip.mute, other.mute) == (True, False)
    assert (scene.frame_start, scene.frame_end) == (5, 20)


def test_a_meta_strip_speaks_through_a_mixdown(blender, strip, tmp_path):
    scene = blender.context.scene
    meta = part("compat").strips(scene).new_meta("dialogue", 3, 41)
    strip.move_to_meta(meta)
    meta = part("speech").find(scene, "dialogue")
    heard = describe(blender, meta)
    assert heard.mixed == "is a meta strip"
    assert part("speech").sound_file(scene, heard, tmp_path / "mixed.wav").is_file()


def test_a_sound_selected_inside_a_meta_strip_is_told_apart_from_none(blender, strip):
    scene = blender.context.scene
    strip.move_to_meta(part("compat").strips(scene).new_meta("dialogue", 3, 41))
    scene.sequence_editor.active_strip = strip
    with pytest.raises(part("lpcore.errors").LpError, match="ramp lies inside a meta strip"):
        part("speech").find(scene, "")
    # Nor is another sound, such as the music, taken for it.
    part("compat").strips(scene).new_sound("music", strip.sound.filepath, 5, 1)
    scene.sequence_editor.active_strip = strip
    with pytest.raises(part("lpcore.errors").LpError, match="ramp lies inside a meta strip"):
        part("speech").find(scene, "")


def test_without_sound_support_the_mixdown_says_so(world, blender, monkeypatch):
    def refuse(*_):
        raise RuntimeError("Blender compiled without Audaspace support")

    monkeypatch.setattr(part("compat"), "mix_down", refuse)
    world.speech.sound.pack()
    blender.ops.lineportrait.analyze()
    with pytest.raises(
        RuntimeError, match=r"Speech not mixed down: the strip voice has its sound packed .*plain sound strip"
    ):
        blender.ops.lineportrait.speak()


def test_every_speak_has_a_mixdown_of_its_own(world, blender, monkeypatch):
    mixed = []

    def copy(scene, path, rate, seconds):
        mixed.append(path)
        shutil.copyfile(DATA / "speech.wav", path)

    monkeypatch.setattr(part("compat"), "mix_down", copy)
    world.speech.sound.pack()
    blender.ops.lineportrait.analyze()
    blender.ops.lineportrait.speak()
    blender.ops.lineportrait.speak()
    assert len(set(mixed)) == 2
    assert not any(path.exists() for path in mixed)


@pytest.mark.parametrize(
    ("number", "title"), [(errno.ENOSPC, "Disk full"), (errno.EACCES, "Folder not writable")]
)
def test_a_mixdown_that_cannot_be_written_says_so(world, blender, monkeypatch, number, title):
    def refuse(*_):
        raise OSError(number, "made up")

    monkeypatch.setattr(part("compat"), "mix_down", refuse)
    world.speech.sound.pack()
    blender.ops.lineportrait.analyze()
    with pytest.raises(RuntimeError, match=rf"{title}: .*speech_\d+\.wav"):
        blender.ops.lineportrait.speak()


def test_a_missing_sound_file_is_named(world, blender):
    (world.folder / "speech.wav").unlink()
    blender.ops.lineportrait.analyze()
    with pytest.raises(RuntimeError, match=r"Speech missing: there is no file .*speech\.wav"):
        blender.ops.lineportrait.speak()


def test_the_speech_is_the_named_the_active_or_the_only_sound(world):
    speech, scene = part("speech"), world.scene
    error = part("lpcore.errors").LpError
    assert speech.find(scene, "").name == "voice"
    with pytest.raises(error, match="no sound strip named gone"):
        speech.find(scene, "gone")
    copy = world.speech.sound
    assert copy.filepath == "//speech.wav"
    part("compat").strips(scene).remove(world.speech)
    with pytest.raises(error, match="holds no sound strip"):
        speech.find(scene, "")


def test_of_several_sounds_the_selected_one_speaks(blender, strip, ramp):
    scene, speech = blender.context.scene, part("speech")
    second = part("compat").strips(scene).new_sound("second", str(ramp), 2, 1)
    scene.sequence_editor.active_strip = None
    with pytest.raises(part("lpcore.errors").LpError, match="no sound strip is selected"):
        speech.find(scene, "")
    scene.sequence_editor.active_strip = second
    assert speech.find(scene, "") == second
    assert speech.find(scene, "ramp") == strip
    assert [candidate.name for candidate in speech.candidates(scene)] == ["second", "ramp"]


def test_data_is_what_its_script_makes():
    with wave.open(str(DATA / "speech.wav")) as file:
        assert (file.getframerate(), file.getnframes()) == (RATE, RATE)
    assert (DATA / "speech_strip.blend").stat().st_size < 100_000
