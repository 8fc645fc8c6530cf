"""Registration, the head's turn, brows and motion files."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from lpcore.errors import LpError
from lpcore.motion import assemble, brows, pose
from lpcore.motion.files import load_motion, save_motion
from lpcore.points68 import BROWS, JAW, LIPS
from lpcore.types import Motion

REFERENCE = np.random.default_rng(5).standard_normal((68, 3)).astype(np.float32)


@given(st.floats(-40, 40), st.floats(-25, 25), st.floats(-20, 20), st.floats(50, 400))
@settings(max_examples=40)
def test_registration_recovers_the_heads_pose(yaw, pitch, roll, scale):
    turn = Rotation.from_euler("yxz", [yaw, pitch, roll], degrees=True).as_matrix()
    photo = (scale * REFERENCE @ turn.T + [250, 260, 5]).astype(np.float32)
    found = assemble.register(photo, REFERENCE)
    np.testing.assert_allclose(found.rotation, turn, atol=1e-3)
    assert found.scale == pytest.approx(scale, rel=1e-4)
    np.testing.assert_allclose(found.place(REFERENCE), photo, atol=0.05)
    np.testing.assert_allclose(found.normalised(photo), REFERENCE, atol=1e-3)


def test_registration_never_mirrors(face):
    found = assemble.register(face, face * [1, 1, -1])
    assert np.linalg.det(found.rotation) == pytest.approx(1)


def test_speech_moves_lips_and_jaw_alone_by_their_amplitudes():
    moved = np.random.default_rng(0).standard_normal((4, 68, 3)).astype(np.float32)
    upright = assemble.Registration(np.eye(3), 100.0, np.zeros(3))
    result = assemble.speech_displacement(moved, upright, 1.1, lips=0.5, jaw=2.0)
    np.testing.assert_allclose(result[:, list(LIPS)], 55 * moved[:, list(LIPS)], rtol=1e-5)
    np.testing.assert_allclose(result[:, 3:14], 220 * moved[:, 3:14], rtol=1e-5)
    assert not np.delete(result, [*LIPS, *JAW], axis=1).any()


def test_the_jaw_turns_about_its_ends_beside_the_ears():
    upright = assemble.Registration(np.eye(3), 100.0, np.zeros(3))
    result = assemble.speech_displacement(np.ones((1, 68, 3), np.float32), upright, 1.0)
    jaw = result[0, list(JAW), 1]
    assert jaw[0] == jaw[-1] == 0
    assert (np.diff(jaw[:4]) > 0).all() and (jaw[3:14] == 100).all()
    np.testing.assert_array_equal(jaw, jaw[::-1])


def test_a_wider_mouth_moves_more_within_limits(face):
    found = assemble.register(face, face)
    wide = face.copy()
    wide[48, 0] -= 5
    wide[54, 0] += 5
    assert assemble.mouth_scale(face, face, found) == pytest.approx(1)
    assert assemble.mouth_scale(wide, face, found) == pytest.approx(110 / 100, rel=1e-3)
    wide[54, 0] += 200
    assert assemble.mouth_scale(wide, face, found) == pytest.approx(assemble.MOUTH_RANGE[1])


def test_turning_is_a_real_rotation(face):
    face[:, 2] = np.linspace(-80, 40, 68)
    swing = np.radians([[3.0, -2.0, 1.5]])
    moved = face[None] + pose.pose_displacement(face[None], face, np.column_stack([swing, [[0, 0]]]))
    before = np.linalg.norm(face[:, None] - face[None], axis=-1)
    after = np.linalg.norm(moved[0][:, None] - moved[0][None], axis=-1)
    np.testing.assert_allclose(after, before, atol=1e-2)
    assert not pose.pose_displacement(face[None], face, np.zeros((1, 5))).any()


@pytest.mark.parametrize(("axis", "points"), [(0, (1, 0)), (1, (1, 1)), (2, None)])
def test_signs_of_the_angles(axis, points):
    angles = np.zeros((1, 3))
    angles[0, axis] = 0.1
    nose, top = np.array([0, 0, -1.0]), np.array([0, -1.0, 0])
    turned = pose.rotation(angles)[0]
    if points:  # the nose goes right, or down
        assert (turned @ nose)[1 if axis == 1 else 0] > 0.09
    else:  # the top of the head goes right
        assert (turned @ top)[0] > 0.09


def test_brows_move_alone_and_both_ways():
    moved = brows.brow_displacement(np.array([0, 1, -0.5]), np.array([0, -5.0, 0]))
    np.testing.assert_allclose(moved[:, list(BROWS), 1], np.repeat([[0], [-5], [2.5]], 10, axis=1))
    assert not np.delete(moved, BROWS, axis=1).any()


def test_motion_files_keep_everything(tmp_path, face):
    parts = {"lips": np.random.default_rng(0).standard_normal((7, 68, 3)).astype(np.float32)}
    motion = Motion(Fraction(24000, 1001), 1.25, face, parts)
    path = tmp_path / "a motion.npz"
    save_motion(path, motion)
    again = load_motion(path)
    assert again.fps == motion.fps and again.start == 1.25 and again.parts.keys() == parts.keys()
    np.testing.assert_array_equal(again.points, motion.points)
    with np.load(path, allow_pickle=False) as data:
        np.testing.assert_array_equal(data["points"], motion.points)
        assert data["fps"].tolist() == [24000, 1001] and data["fps"].dtype == np.int64
    assert [p.name for p in tmp_path.iterdir()] == ["a motion.npz"]


def test_what_is_no_motion_file_is_named(tmp_path):
    (tmp_path / "x.npz").write_text("no")
    for name in ("x.npz", "absent.npz"):
        with pytest.raises(LpError) as caught:
            load_motion(tmp_path / name)
        assert caught.value.code == "MOTION_UNREADABLE" and name in caught.value.detail
    with pytest.raises(LpError) as caught:
        save_motion(
            tmp_path / "none" / "m.npz",
            Motion(Fraction(25), 0, np.zeros((68, 3)), {"lips": np.zeros((1, 68, 3))}),
        )
    assert caught.value.code == "OUTPUT_READONLY"
