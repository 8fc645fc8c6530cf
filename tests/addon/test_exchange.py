"""The motion in other worlds."""

from __future__ import annotations

import numpy as np
import pytest
from fake_worker import face
from worlds import part

FRAMES = 18


def character(blender, names) -> object:
    """A mesh with shape keys of these names, selected and active."""
    mesh = blender.data.meshes.new("Hero")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    hero = blender.data.objects.new("Hero", mesh)
    blender.context.scene.collection.objects.link(hero)
    for name in ("Basis", *names):
        hero.shape_key_add(name=name)
    choose(blender, hero)
    return hero


def choose(blender, thing) -> None:
    if blender.context.object and blender.context.object.mode != "OBJECT":
        blender.ops.object.mode_set(mode="OBJECT")
    for other in blender.context.view_layer.objects:
        other.select_set(other == thing)
    blender.context.view_layer.objects.active = thing


def test_coefficients_of_known_shapes_come_back(blender_once):
    arkit = part("arkit")
    rest, names = face().astype(np.float64), arkit.names()
    ears = np.linalg.norm(rest[16, :2] - rest[0, :2])
    wanted = np.zeros((4, 52))
    wanted[1, names.index("jawOpen")] = 0.5
    wanted[2, names.index("eyeBlinkLeft")] = 1.0
    wanted[3, [names.index("mouthSmileLeft"), names.index("mouthSmileRight")]] = 0.7
    points = np.repeat(rest[None], 4, axis=0)
    points[..., :2] += ears * np.einsum("tn,nld->tld", wanted, arkit.shapes())
    found, _ = arkit.solve(points, rest)
    assert found[0] == pytest.approx(np.zeros(52), abs=0.01)
    assert ((found >= 0) & (found <= 1)).all()
    for row, name in ((1, "jawOpen"), (2, "eyeBlinkLeft"), (3, "mouthSmileLeft")):
        assert found[row, names.index(name)] == pytest.approx(wanted[row, names.index(name)], abs=0.1)
    assert (found > 0.1).sum(axis=1).tolist() == [0, 1, 1, 2]
    redrawn = rest[:, :2] + ears * np.einsum("tn,nld->tld", found, arkit.shapes())
    assert np.abs(redrawn - points[..., :2]).max() < 3.0


def test_a_turned_head_is_no_expression(blender_once):
    arkit, turns = part("arkit"), np.radians([[0, 0, 8], [12, 0, 0], [0, 9, 0]])
    rest = face().astype(np.float64)
    rest[list(part("lpcore.points68").NOSE), 2] -= 40
    rotations = part("sampling")._rotations(turns)
    centre = rest[27]
    points = (rest - centre) @ np.swapaxes(rotations, 1, 2) + centre + [5, -3, 0]
    found, turned = arkit.solve(points, rest)
    assert found.max() < 0.05
    assert turned == pytest.approx(rotations, abs=0.02)


def test_names_of_other_programs(blender_once):
    known = part("arkit").name_of
    for other in ("jawOpen", "JawOpen", "jaw_open", "jaw open"):
        assert known(other) == "jawOpen"
    for other in ("mouthSmileLeft", "mouthSmile_L", "mouthSmile.l", "Mouth_Smile_Left"):
        assert known(other) == "mouthSmileLeft"
    assert known("Basis") is None
    assert known("tail") is None


def test_shape_keys_follow_the_motion(spoken, blender):
    hero = character(blender, ["jawOpen", "mouthSmile_L", "mouthClose", "wave"])
    assert blender.ops.lineportrait.drive() == {"FINISHED"}
    values = []
    for frame in range(11, 29):
        spoken.scene.frame_set(frame)
        values.append(hero.data.shape_keys.key_blocks["jawOpen"].value)
    points = part("motion").sample(spoken.scene, spoken.rig, np.arange(11.0, 29.0))
    found, _ = part("arkit").solve(points, part("rig").rest(spoken.rig))
    assert values == pytest.approx(found[:, part("arkit").names().index("jawOpen")], abs=0.011)
    assert max(values) > 0.1 > 0.02 > min(values)
    curves = part("compat").channels_of(hero.data.shape_keys.animation_data, hero.data.shape_keys).fcurves
    assert len(curves) == 3
    blender.ops.lineportrait.drive()
    assert len(curves) == 3


def test_pose_bones_of_these_names_follow_too(spoken, blender):
    armature = blender.data.armatures.new("Puppet")
    puppet = blender.data.objects.new("Puppet", armature)
    spoken.scene.collection.objects.link(puppet)
    choose(blender, puppet)
    blender.ops.object.mode_set(mode="EDIT")
    bone = armature.edit_bones.new("jaw_open")
    bone.tail = (0, 0, 2)
    blender.ops.object.mode_set(mode="OBJECT")
    blender.ops.lineportrait.drive()
    heights = []
    for frame in range(11, 29):
        spoken.scene.frame_set(frame)
        heights.append(puppet.pose.bones["jaw_open"].location[1])
    assert max(heights) > 0.2
    assert puppet.pose.bones["jaw_open"].location[0] == 0


def test_without_a_character_the_button_says_why(spoken, blender):
    choose(blender, spoken.rig)
    with pytest.raises(RuntimeError, match="ARKit's names"):
        blender.ops.lineportrait.drive()


def test_drawings_become_svg_files_beside_the_take(spoken, blender):
    blender.ops.lineportrait.draw()
    before = spoken.frames()
    assert blender.ops.lineportrait.trace_svg() == {"FINISHED"}
    folder = before[0].parent.with_name(before[0].parent.name + "_svg")
    assert len(list(folder.glob("frame_*.svg"))) == FRAMES
    assert spoken.frames() == before
    assert part("takes").all_of(spoken.portrait) == [before[0].parent]


def test_drawings_become_grease_pencil_where_the_face_lies(spoken, blender):
    blender.ops.lineportrait.draw()
    if not part("compat").has_grease_pencil():
        with pytest.raises(RuntimeError, match=r"4\.3 or later"):
            blender.ops.lineportrait.trace_grease()
        return
    for _ in range(2):
        blender.ops.lineportrait.trace_grease()
    lines = [thing for thing in spoken.scene.objects if part("grease").KEY in thing]
    assert len(lines) == 1
    frames = lines[0].data.layers[0].frames
    assert [frame.frame_number for frame in frames] == [
        11,
        *range(13, 29),
    ]  # the first pose is held for two frames
    drawing = frames[0].drawing
    assert len(drawing.strokes) == 2
    places = np.zeros(8 * 3, np.float32)
    drawing.attributes["position"].data.foreach_get("vector", places)
    crop = part("rig").to_crop(places.reshape(-1, 3))[:4, :2]
    assert crop.min(axis=0) == pytest.approx(np.full(2, 100.5 * 512 / 384 - 0.5), abs=1e-3)
    materials = np.zeros(2, np.int32)
    drawing.attributes["material_index"].data.foreach_get("value", materials)
    assert materials.tolist() == [0, 1]
    assert lines[0].data.materials[1].grease_pencil.use_fill_holdout


def test_what_is_not_drawn_cannot_be_traced(spoken, blender):
    with pytest.raises(RuntimeError, match="press Draw first"):
        blender.ops.lineportrait.trace_svg()
