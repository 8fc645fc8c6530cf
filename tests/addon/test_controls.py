"""Controls add to the landmarks, and what is read from the curves is what Blender shows."""

from __future__ import annotations

import numpy as np
import pytest
from fake_worker import face, talk
from worlds import part

FIRST = 7
MOVES = {
    "head": ("location", (0.05, -0.02, 0.0)),
    "jaw": ("location", (0.01, -0.06, 0.0)),
    "mouth_width": ("location", (0.0, 0.04, 0.0)),
    "mouth_corner.L": ("location", (0.03, 0.03, 0.0)),
    "lids.R": ("location", (0.0, -0.05, 0.0)),
    "brow_in.L": ("location", (0.0, 0.04, 0.0)),
}


@pytest.fixture
def rig(blender):
    return part("rig").build(blender.context.scene, "Portrait", face())


@pytest.fixture
def talking(rig):
    keys = part("keyfit").reduce_keys(talk(30)[..., :2].transpose(1, 0, 2), 0.25)
    part("motion").lay_prediction(rig, keys, FIRST)
    return rig


def control(rig, name):
    return part("controls").bones_of(rig)[name]


def posed(blender, rig) -> np.ndarray:
    """(68, 3) crop units: the landmarks as Blender shows them now."""
    blender.context.view_layer.update()
    points = [tuple(bone.matrix.translation) for bone in part("rig").pose_bones(rig)]
    return part("rig").to_crop(np.array(points))


def pull(blender, rig, name, *location) -> np.ndarray:
    """(68, 3) crop units by which the landmarks move when a control does, x right and y down."""
    unit = part("rig").UNIT
    control(rig, name).location = [part * unit for part in location]
    moved = posed(blender, rig) - face()
    control(rig, name).location = (0, 0, 0)
    return moved


def test_every_landmark_and_every_control_has_one_region(blender_once):
    regions, controls = part("regions").FACE.values(), part("controls").CONTROLS
    assert sorted(index for region in regions for index in region.landmarks) == list(range(68))
    assert sorted(name for region in regions for name in region.controls) == sorted(controls)
    assert all(name in part("regions").FACE[one.region].controls for name, one in controls.items())


def test_the_jaw_takes_chin_and_lower_lip_along_and_leaves_the_ears(blender, rig):
    moved = pull(blender, rig, "jaw", 0, -20, 0)
    assert moved[8, 1] == pytest.approx(20, abs=0.01)
    assert moved[66, 1] == pytest.approx(18, abs=0.01)
    assert np.abs(moved[[0, 16, 62, 30, 27, 19]]).max() < 0.01
    assert (np.diff(moved[:9, 1]) >= -1e-3).all()


def test_wide_moves_the_corners_apart_and_the_middle_stays(blender, rig):
    moved = pull(blender, rig, "mouth_width", 0, 10, 0)
    assert moved[[48, 54], 0] == pytest.approx([-10, 10], abs=0.01)
    assert moved[[51, 57, 62, 66], 0] == pytest.approx(np.zeros(4), abs=0.01)
    assert np.abs(moved[:, 1]).max() < 0.01


def test_lids_meet_when_their_control_has_come_down(blender, rig):
    travel = part("controls").LID_TRAVEL
    moved = face() + pull(blender, rig, "lids.R", 0, -travel, 0)
    assert moved[[37, 38], 1] == pytest.approx(moved[[41, 40], 1], abs=0.01)
    assert moved[43, 1] == pytest.approx(face()[43, 1], abs=0.01)


def test_inner_and_outer_brow_together_lift_the_whole_brow(blender, rig):
    moved = pull(blender, rig, "brow_in.L", 0, 10, 0) + pull(blender, rig, "brow_out.L", 0, 10, 0)
    assert moved[22:27, 1] == pytest.approx(np.full(5, -10), abs=0.05)
    assert np.abs(moved[:22]).max() < 0.01


def test_the_head_turns_in_depth(blender, rig):
    control(rig, "head").rotation_euler = (0, 0.3, 0)  # nose to image right
    moved = posed(blender, rig) - face()
    assert np.abs(moved[:, 1]).max() < 0.01
    assert moved[:, 2].std() > 5
    pivot = part("controls").head_pivot(face())
    away = face() - pivot
    assert moved[:, 0] == pytest.approx(away[:, 0] * (np.cos(0.3) - 1) - away[:, 2] * np.sin(0.3), abs=0.02)


def test_a_mirrored_pose_mirrors_the_controls(blender, rig):
    """Flipped paste: wide stays wide, the left corner's lift becomes the right one's."""
    part("rig").select(blender.context, rig, list(rig.pose.bones))
    unit = part("rig").UNIT
    control(rig, "mouth_width").location = (0, 9 * unit, 0)
    control(rig, "mouth_corner.L").location = (4 * unit, 6 * unit, 0)
    control(rig, "jaw").location = (5 * unit, 0, 0)
    before = posed(blender, rig) - face()
    blender.ops.pose.copy()
    blender.ops.pose.paste(flipped=True)
    after = posed(blender, rig) - face()
    mirrored = before[list(part("lpcore.points68").MIRROR)] * [-1, 1, 1]
    assert after == pytest.approx(mirrored, abs=0.35)  # the plain face itself is not quite symmetric
    assert control(rig, "mouth_width").location[1] == pytest.approx(9 * unit)
    assert control(rig, "mouth_corner.R").location[:2] == pytest.approx([-4 * unit, 6 * unit], abs=1e-5)


def test_a_mirrored_pose_mirrors_the_landmarks(blender, rig):
    unit, points68 = part("rig").UNIT, part("lpcore.points68")
    bone = rig.pose.bones["lip_corner.L"]
    part("rig").select(blender.context, rig, [bone])
    bone.location = (4 * unit, 6 * unit, 0)
    blender.ops.pose.copy()
    bone.location = (0, 0, 0)
    blender.ops.pose.paste(flipped=True)
    moved = posed(blender, rig) - face()
    (index,) = np.flatnonzero(np.abs(moved[:, 1]) > 1)
    assert index == points68.MIRROR[part("rig").pose_bones(rig).index(bone)]
    assert moved[index, :2] == pytest.approx([-4, -6], abs=0.01)


def test_a_pose_of_the_pose_library_comes_back_at_another_frame(blender, talking):
    scene, motion, create = blender.context.scene, part("motion"), blender.ops.poselib.create_pose_asset
    part("rig").select(blender.context, talking, list(talking.pose.bones))
    corrections = talking.animation_data.action
    scene.frame_set(FIRST + 11)
    control(talking, "mouth_width").location[1] = 0.05
    wide = posed(blender, talking)
    new = "asset_library_reference" in create.get_rna_type().properties
    create(
        pose_name="Wide", **({"asset_library_reference": "LOCAL"} if new else {"activate_new_action": False})
    )
    control(talking, "mouth_width").location[1] = 0
    scene.frame_set(FIRST)
    assert np.abs(posed(blender, talking) - wide).max() > 3
    wanted = blender.data.actions["Wide"]
    # What the library's button does; the button itself wants an asset that was clicked.
    talking.pose.apply_pose_from_action(wanted, evaluation_time=wanted.frame_range[0])
    assert posed(blender, talking) == pytest.approx(wide, abs=0.05)
    for bone in talking.pose.bones:
        bone.keyframe_insert("location")
    scene.frame_set(FIRST + 20)
    scene.frame_set(FIRST)
    assert posed(blender, talking) == pytest.approx(wide, abs=0.05)
    assert motion.sample(scene, talking, np.array([float(FIRST)]))[0] == pytest.approx(wide, abs=0.05)
    assert talking.animation_data.action == corrections


@pytest.mark.parametrize("held", [1, 2])
def test_controls_are_read_from_their_curves_as_blender_plays_them(blender, talking, held):
    motion, scene = part("motion"), blender.context.scene
    for name, (channel, values) in MOVES.items():
        bone = control(talking, name)
        for frame, share in ((FIRST + 3, 0), (FIRST + 11, 1), (FIRST + 20, -0.4)):
            setattr(bone, channel, [share * value for value in values])
            bone.keyframe_insert(channel, frame=frame)
    head = control(talking, "head")
    for frame, angles in ((FIRST, (0, 0, 0)), (FIRST + 15, (0.1, 0.25, -0.15))):
        head.rotation_euler = angles
        head.keyframe_insert("rotation_euler", frame=frame)
    motion.set_hold(talking, held)
    frames = np.arange(FIRST, FIRST + 30.0)
    assert motion.is_plain(talking)
    sampled = motion.sample(scene, talking, frames)
    played = []
    for frame in frames:
        scene.frame_set(int(frame))
        played.append(posed(blender, talking))
    assert sampled == pytest.approx(np.array(played), abs=5e-3)
    assert np.ptp(sampled[:, 30, 0]) > 5
    pairs = sampled[: 2 * (len(sampled) // 2)].reshape(-1, 2, 68, 3)
    assert (np.abs(pairs[:, 0] - pairs[:, 1]).max() < 1e-6) == (held == 2)


def test_a_weakened_constraint_is_heeded_and_a_foreign_one_is_evaluated(blender, talking):
    motion, scene = part("motion"), blender.context.scene
    bone = control(talking, "jaw")
    bone.location = (0, -0.1, 0)
    bone.keyframe_insert("location", frame=FIRST)
    chin = part("rig").pose_bones(talking)[8]
    chin.constraints[0].influence = 0.5
    assert motion.is_plain(talking)
    scene.frame_set(FIRST)
    at = np.array([float(FIRST)])
    assert motion.sample(scene, talking, at)[0] == pytest.approx(posed(blender, talking), abs=5e-3)
    chin.constraints[0].mix_mode = "REPLACE"
    assert not motion.is_plain(talking)


def test_another_photo_moves_the_controls_along(blender, rig):
    before = np.array(control(rig, "jaw").bone.head_local)
    part("rig").set_rest(rig, face() + np.array([0, 12, 0]))
    after = np.array(control(rig, "jaw").bone.head_local)
    assert after - before == pytest.approx([0, -12 * part("rig").UNIT, 0], abs=1e-6)
    assert len(part("rig").pose_bones(rig)[8].constraints) == 1


def test_a_pose_from_the_library_becomes_a_correction(blender, talking):
    """Applying a stored pose and keying it stores its difference to the prediction, for controls and landmarks."""
    scene, motion, unit = blender.context.scene, part("motion"), part("rig").UNIT
    smile = blender.data.actions.new("Smile")
    channels = part("compat").channels(smile, talking)
    corner = control(talking, "mouth_corner.L")
    curve = channels.new(corner.path_from_id("location"), 1, corner.name)
    curve.keyframe_points.insert(1, 8 * unit)
    scene.frame_set(FIRST + 12)
    talking.pose.apply_pose_from_action(smile, evaluation_time=1)
    corner.keyframe_insert("location", index=1)
    moved = motion.sample(scene, talking, np.array([FIRST + 12.0]))[0] - face()
    assert moved[54, 1] == pytest.approx(talk(30)[12, 54, 1] - 8, abs=0.6)
