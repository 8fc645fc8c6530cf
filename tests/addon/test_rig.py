"""The rig rests on the photo's landmarks and gives back what was laid on it."""

from __future__ import annotations

import numpy as np
import pytest
from fake_worker import face, talk
from worlds import part

FIRST = 7


@pytest.fixture
def rig(blender):
    return part("rig").build(blender.context.scene, "Portrait", face())


def lay(rig, moved: np.ndarray, tolerance: float = 0.25) -> None:
    flat = moved[..., :2].transpose(1, 0, 2)
    part("motion").lay_prediction(rig, part("keyfit").reduce_keys(flat, tolerance), FIRST)


def played(blender, rig, frames) -> np.ndarray:
    """(T, 68, 3) crop units as Blender itself evaluates them: the oracle for `motion.sample`."""
    points = []
    for frame in frames:
        blender.context.scene.frame_set(int(frame))
        points.append([tuple(bone.matrix.translation) for bone in part("rig").pose_bones(rig)])
    return part("rig").to_crop(np.array(points))


def key(rig, index: int, frame: int, value: float) -> None:
    bone = part("rig").pose_bones(rig)[index]
    bone.location[1] = value
    bone.keyframe_insert("location", index=1, frame=frame)


def test_mapping_there_and_back(blender):
    points = np.random.default_rng(0).uniform(0, 512, (5, 68, 3))
    assert part("rig").to_crop(part("rig").to_rig(points)) == pytest.approx(points)


def test_bones_rest_on_the_landmarks_unrotated(rig):
    assert part("rig").rest(rig) == pytest.approx(face(), abs=1e-3)
    for bone in (posed.bone for posed in part("rig").pose_bones(rig)):
        assert np.array(bone.matrix_local.to_3x3()) == pytest.approx(np.eye(3), abs=1e-6)


def test_the_face_looks_at_the_front_view_upright(blender, rig):
    blender.context.view_layer.update()
    bones = part("rig").pose_bones(rig)
    chin, brow, left, right = (rig.matrix_world @ bones[index].head for index in (8, 19, 0, 16))
    assert chin.z < brow.z
    assert left.x < right.x
    nose, ear = (rig.matrix_world @ bones[index].head for index in (30, 0))
    assert nose.y < ear.y


def test_every_bone_is_named_collected_and_coloured_by_region(rig):
    names = {bone.name for bone in rig.data.bones}
    assert {"lip_corner.L", "lip_corner.R", "chin", "brow_inner.L"} <= names
    assert len(names) == 68 + len(part("controls").CONTROLS)
    collected = {bone.name for group in rig.data.collections for bone in group.bones}
    assert collected == names
    assert {group.name for group in rig.data.collections} >= {"Lips Outer", "Jaw", "Eye.L"}
    assert all(bone.color.palette == "CUSTOM" for bone in rig.data.bones)


def test_prediction_comes_back_within_the_stated_error(blender, rig):
    moved = talk(40)
    lay(rig, moved, tolerance=0.25)
    points = part("motion").sample(blender.context.scene, rig, np.arange(FIRST, FIRST + 40.0))
    assert np.linalg.norm(points - face() - moved, axis=-1).max() < 0.25 + 1e-3


def test_a_fresh_prediction_needs_no_scene_evaluation(rig):
    lay(rig, talk(12))
    assert part("motion").is_plain(rig)


def test_curves_are_summed_exactly_as_blender_does(blender, rig):
    lay(rig, talk(30))
    key(rig, 57, FIRST + 10, 0.2)
    key(rig, 57, FIRST + 20, -0.1)
    frames = np.arange(FIRST - 5.0, FIRST + 40)
    assert part("motion").is_plain(rig)
    sampled = part("motion").sample(blender.context.scene, rig, frames)
    assert sampled == pytest.approx(played(blender, rig, frames), abs=1e-3)
    assert np.ptp(sampled[:, 57, 1]) > 0.1 / part("rig").UNIT


@pytest.mark.parametrize("change", ["constraint", "influence", "blend", "track", "muted", "solo"])
def test_an_altered_rig_is_sampled_as_blender_plays_it(blender, rig, change):
    lay(rig, talk(12))
    data, bones = rig.animation_data, part("rig").pose_bones(rig)
    key(rig, 57, FIRST + 4, 0.2)
    if change == "constraint":
        copy = bones[8].constraints.new("COPY_LOCATION")
        copy.target, copy.subtarget = rig, bones[57].name
    elif change == "influence":
        data.action_influence = 0.5
    elif change == "blend":
        data.nla_tracks[0].strips[0].blend_in = 5
    elif change == "muted":
        data.nla_tracks[0].mute = True
    else:
        extra = data.nla_tracks.new()
        extra.strips.new("again", FIRST + 2, data.nla_tracks[0].strips[0].action)
        extra.is_solo = change == "solo"
    frames = np.arange(FIRST, FIRST + 12.0)
    assert not part("motion").is_plain(rig)
    blender.context.scene.frame_set(3)
    sampled = part("motion").sample(blender.context.scene, rig, frames)
    assert blender.context.scene.frame_current == 3
    assert sampled == pytest.approx(played(blender, rig, frames), abs=1e-3)


def test_a_muted_curve_has_no_say(blender, rig):
    lay(rig, talk(12))
    key(rig, 57, FIRST, 0.2)
    data = rig.animation_data
    for curve in part("compat").channels_of(data, rig).fcurves:
        curve.mute = True
    frames = np.arange(FIRST, FIRST + 12.0)
    sampled = part("motion").sample(blender.context.scene, rig, frames)
    assert sampled == pytest.approx(played(blender, rig, frames), abs=1e-3)


def test_keying_in_the_viewport_stores_the_difference(blender, rig):
    lay(rig, talk(20))
    scene, bone = blender.context.scene, part("rig").pose_bones(rig)[57]
    scene.frame_set(FIRST + 7)
    predicted = bone.location[1]
    bone.location[1] = predicted + 0.3
    bone.keyframe_insert("location", index=1)
    curve = (
        part("compat")
        .channels_of(rig.animation_data, rig)
        .fcurves.find(bone.path_from_id("location"), index=1)
    )
    assert abs(predicted) > 0.01
    assert curve.evaluate(FIRST + 7) == pytest.approx(0.3, abs=1e-5)


def test_another_photo_moves_the_rest_and_leaves_mode_selection_and_keys(blender, rig):
    lay(rig, talk(20))
    key(rig, 57, FIRST, 0.2)
    part("rig").show(blender.context, rig, [48])
    moved = face() + np.array([5, -3, 0])
    part("rig").set_rest(rig, moved)
    assert part("rig").rest(rig) == pytest.approx(moved, abs=1e-3)
    assert rig.mode == "POSE"
    assert blender.context.view_layer.objects.active == rig
    assert [scene.name for scene in blender.data.scenes] == ["Scene"]
    sampled = part("motion").sample(blender.context.scene, rig, np.array([FIRST + 0.0]))
    assert sampled[0, 57, 1] == pytest.approx(face()[57, 1] - 3 - 0.2 / part("rig").UNIT, abs=0.01)


def test_building_leaves_the_users_mode_alone(blender):
    mesh = blender.data.objects.new("Mine", blender.data.meshes.new("Mine"))
    blender.context.scene.collection.objects.link(mesh)
    blender.context.view_layer.objects.active = mesh
    mesh.select_set(True)
    blender.ops.object.mode_set(mode="EDIT")
    part("rig").build(blender.context.scene, "Portrait", face())
    assert mesh.mode == "EDIT"
    assert blender.context.view_layer.objects.active == mesh
    blender.ops.object.mode_set(mode="OBJECT")


def test_one_frame_of_speech(blender, rig):
    lay(rig, talk(1) + 4)
    sampled = part("motion").sample(blender.context.scene, rig, np.array([float(FIRST)]))
    assert sampled[0, :, 0] == pytest.approx(face()[:, 0] + 4, abs=1e-3)


def test_showing_landmarks_selects_their_bones_only(blender, rig):
    part("rig").show(blender.context, rig, (48, 51, 54, 57))
    owner = rig.pose.bones if "select" in blender.types.PoseBone.bl_rna.properties else rig.data.bones
    selected = {bone.name for bone in owner if bone.select}
    assert selected == {"lip_corner.R", "lip_upper", "lip_corner.L", "lip_lower"}
