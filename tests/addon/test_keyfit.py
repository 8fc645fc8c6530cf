"""Few keys, within the stated error, and the same curve in Blender."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from worlds import part

motions = hnp.arrays(
    np.float64,
    st.tuples(st.just(2), st.integers(1, 230), st.just(2)),
    elements=st.floats(-300, 300, width=32),
    fill=st.floats(-10, 10, width=32),
)


def waves(frames: int) -> np.ndarray:
    """(68, T, 2) speech-like motion: a few hertz at 25 fps, a few px."""
    seed = np.random.default_rng(3)
    frequency = np.fft.rfftfreq(frames, 1 / 25)
    spectrum = (
        np.fft.rfft(seed.normal(size=(68, frames, 2)), axis=1) * np.exp(-((frequency / 2) ** 2))[:, None]
    )
    motion = np.fft.irfft(spectrum, frames, axis=1)
    return 3 * motion / motion.std()


@settings(max_examples=150, deadline=None)
@given(motion=motions, tolerance=st.floats(0.01, 5))
def test_every_frame_is_within_the_tolerance(blender_once, motion, tolerance):
    keyfit = part("keyfit")
    frames = np.arange(motion.shape[1])
    for samples, keys in zip(motion, keyfit.reduce_keys(motion, tolerance), strict=True):
        assert keys.frames[0] == 0
        assert keys.frames[-1] == frames[-1]
        error = np.linalg.norm(keyfit.evaluate(keys, frames) - samples, axis=-1)
        assert error.max() <= tolerance * (1 + 1e-6) + 1e-9


def test_speech_takes_far_fewer_keys_than_frames(blender):
    keys = part("keyfit").reduce_keys(waves(750), 0.5)
    assert np.mean([len(landmark.frames) for landmark in keys]) < 250


def test_a_straight_line_takes_two_keys_a_block(blender):
    keyfit = part("keyfit")
    line = np.linspace([0, 0], [90, 45], keyfit.BLOCK)[None]
    assert list(keyfit.reduce_keys(line, 0.1)[0].frames) == [0, keyfit.BLOCK - 1]


def test_what_stands_still_stands_still_in_the_curve(blender):
    keyfit = part("keyfit")
    motion = np.zeros((1, 60, 2))
    motion[0, 20:40, 1] = 10 * np.sin(np.linspace(0, np.pi, 20)) ** 2
    keys = keyfit.reduce_keys(motion, 0.5)[0]
    curve = keyfit.evaluate(keys, np.arange(60))
    assert np.abs(curve[:20]).max() < 1e-6
    assert np.abs(curve[40:]).max() < 1e-6


def test_blender_evaluates_the_same_curve(blender):
    compat, curves, keyfit = part("compat"), part("curves"), part("keyfit")
    owner = blender.data.objects.new("Owner", None)
    action = blender.data.actions.new("Curve")
    keys = keyfit.reduce_keys(waves(200)[:1], 0.2)[0]
    channels = compat.channels(action, owner)
    curves.write(channels, "location", keys, 37, "Group")
    frames = np.arange(0, 199, 0.25)
    expected = keyfit.evaluate(keys, frames)
    for index in range(2):
        read = curves.read(channels, "location", index, frames + 37)
        assert read == pytest.approx(expected[:, index], abs=1e-4)
    kinds = np.zeros(len(keys.frames), np.int32)
    curve = channels.fcurves.find("location", index=0)
    curve.keyframe_points.foreach_get("handle_left_type", kinds)
    assert set(kinds) == {curves.ALIGNED}
    assert curve.group.name == "Group"


def test_reading_agrees_with_blender_whatever_the_animator_made_of_the_curve(blender):
    compat, curves, keyfit = part("compat"), part("curves"), part("keyfit")
    owner = blender.data.objects.new("Owner", None)
    channels = compat.channels(blender.data.actions.new("Curve"), owner)
    curves.write(channels, "location", keyfit.reduce_keys(waves(120)[:1], 0.2)[0], 1, "Group")
    curve = channels.fcurves.find("location", index=0)
    points = curve.keyframe_points
    points[3].interpolation, points[6].interpolation = "CONSTANT", "LINEAR"
    points[9].interpolation = "BOUNCE"
    points[12].handle_right_type = "FREE"
    points[12].handle_right[0] += 0.4
    points[15].co[1] += 7
    frames = np.arange(-10, 140, 0.37)
    expected = [curve.evaluate(frame) for frame in frames]
    assert curves.read(channels, "location", 0, frames) == pytest.approx(expected, abs=2e-3)
    curve.modifiers.new("NOISE")
    expected = [curve.evaluate(frame) for frame in frames]
    assert curves.read(channels, "location", 0, frames) == pytest.approx(expected)
