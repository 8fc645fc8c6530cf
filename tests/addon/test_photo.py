"""The face that is drawn, and landmarks put right by hand, from the photo to engine, frames and recipe."""

from __future__ import annotations

import json

import numpy as np
import pytest
from worlds import part


def put_right(world, index: int = 48, by=(6.0, -3.0)) -> np.ndarray:
    """Move one landmark of the photo; returns all as they lie then."""
    points = part("corrected").landmarks(world.scene)
    points[index, :2] += by
    part("corrected").keep(world.scene, points)
    return points


def test_corrected_landmarks_reach_rig_speech_frames_and_recipe(spoken, blender):
    blender.ops.lineportrait.draw()
    before = [path.read_bytes() for path in spoken.frames()]
    points = put_right(spoken)
    assert part("rig").rest(spoken.rig) == pytest.approx(points, abs=1e-3)
    assert part("plan").make(spoken.scene).to_draw == len(set(before))
    blender.ops.lineportrait.draw()
    assert part("rig").rest(spoken.rig) == pytest.approx(points, abs=1e-3)
    assert (
        part("plan").make(spoken.scene).to_draw == 0
    )  # the engine's keys are ours: it drew from these landmarks
    recipe = json.loads((spoken.frames()[0].parent / "recipe.json").read_text())
    assert np.array(recipe["landmarks"]) == pytest.approx(points, abs=1e-3)
    blender.ops.lineportrait.speak()
    assert part("rig").rest(spoken.rig) == pytest.approx(points, abs=1e-3)
    assert part("plan").make(spoken.scene).to_draw == 0


def test_a_correction_is_told_apart_and_can_be_undone_and_reset(spoken, blender):
    blender.ops.lineportrait.draw()
    blender.ops.ed.undo_push(message="drawn")
    put_right(spoken)
    blender.ops.ed.undo_push(message="put right")
    why = part("operators.strip").why(spoken.scene)
    assert any("landmarks changed" in line for line in why)
    assert list(part("corrected").moves(spoken.scene)) == [48]
    blender.ops.ed.undo()
    assert part("corrected").moves(spoken.scene) == {}
    assert part("plan").make(spoken.scene).to_draw == 0
    blender.ops.ed.redo()
    blender.ops.lineportrait.reset_landmarks()
    assert part("corrected").moves(spoken.scene) == {}
    assert part("plan").make(spoken.scene).to_draw == 0
    with pytest.raises(RuntimeError, match="no landmark was put right"):
        blender.ops.lineportrait.reset_landmarks()


def test_corrections_survive_analyze_and_belong_to_one_face(world, engine, blender):
    engine.mood(faces=2)
    blender.ops.lineportrait.analyze()
    points = put_right(world)
    blender.ops.lineportrait.analyze()
    assert part("corrected").landmarks(world.scene) == pytest.approx(points, abs=1e-3)
    blender.ops.lineportrait.choose_face(face=1)
    with pytest.raises(RuntimeError, match="press Analyze first"):
        blender.ops.lineportrait.speak()
    blender.ops.lineportrait.analyze()
    assert part("corrected").moves(world.scene) == {}
    blender.ops.lineportrait.choose_face(face=0)
    blender.ops.lineportrait.analyze()
    assert len(part("corrected").moves(world.scene)) == 1


def test_the_face_under_the_pointer_is_taken(world, engine, blender):
    with pytest.raises(RuntimeError, match="press Analyze first"):
        blender.ops.lineportrait.choose_face(face=0)
    engine.mood(faces=2)
    blender.ops.lineportrait.analyze()
    boxes, face_at = np.array(part("portrait").faces(world.scene))[:, :4], part("operators.photo").face_at
    assert [face_at(boxes, np.array(place)) for place in ((120, 100), (400, 200), (5, 5))] == [0, 1, -1]
    overlapping = np.array([[0, 0, 100, 100], [60, 60, 100, 100]])
    assert face_at(overlapping, np.array([95, 95])) == 1
    assert part("portrait").photo_size(world.scene) == (640, 480)


def test_two_portraits_keep_pictures_of_their_own(world, blender, monkeypatch):
    folders = []
    analyze = part("operators.analyze").protocol.Analyze
    monkeypatch.setattr(
        part("operators.analyze").protocol,
        "Analyze",
        lambda *a, **k: folders.append(a[2]) or analyze(*a, **k),
    )
    blender.ops.lineportrait.analyze()
    part("portrait").add(world.scene, str(world.photo))
    blender.ops.lineportrait.analyze()
    assert len(set(folders)) == 2


def test_pictures_that_went_with_an_earlier_blender_are_missed(world, blender):
    blender.ops.lineportrait.analyze()
    assert all(path.is_file() for path in part("portrait").pictures(world.scene))
    found = json.loads(world.portrait.found)
    world.portrait.found = json.dumps(found | {"crop_image": str(world.folder / "gone.png")})
    with pytest.raises(Exception, match="press the button again"):
        part("portrait").pictures(world.scene)


def test_landmarks_are_dragged_taken_back_and_reset(blender_once):
    found = np.stack([np.arange(68.0) * 10, np.zeros(68), np.zeros(68)], -1)
    drag = part("landmark_drag").Drag(found, found)
    assert drag.nearest(np.array([101.0, 2.0]), 5) == 10
    assert drag.nearest(np.array([105.0, 9.0]), 5) is None
    drag.grab(10, np.array([101.0, 2.0]))
    drag.move(np.array([104.0, 9.0]))
    assert drag.points[10].tolist() == [103, 7, 0]
    drag.drop()
    drag.move(np.array([500.0, 500.0]))
    assert np.flatnonzero(drag.moved).tolist() == [10]
    drag.grab(37, np.zeros(2), with_region=True)
    drag.move(np.array([0.0, 4.0]))
    assert np.flatnonzero(drag.moved).tolist() == [10, *range(36, 42)]
    drag.release()
    assert np.flatnonzero(drag.moved).tolist() == [10]
    drag.reset(10)
    assert not drag.moved.any()
    drag.step_back()
    assert np.flatnonzero(drag.moved).tolist() == [10]
    drag.step_back()
    drag.step_back()
    assert not drag.moved.any()


def test_the_picture_keeps_its_place_under_the_pointer(blender_once):
    view = part("ui.overlay").View((512, 512), (900, 500))
    corners = view.to_region(np.array([[-0.5, -0.5], [511.5, 511.5]]))
    assert corners[0, 1] > corners[1, 1]  # a picture's first row is its top
    assert (corners >= 0).all() and (corners <= (900, 500)).all()
    assert view.to_region(np.array([255.5, 255.5]))[0] == pytest.approx(450)
    pointer = np.array([333.0, 222.0])
    shown = view.to_picture(pointer)
    assert view.to_region(shown) == pytest.approx(pointer)
    view.zoom(3, pointer)
    assert view.to_picture(pointer) == pytest.approx(shown)
    scale = view.scale
    view.zoom(1e9, pointer)
    assert view.scale > scale and view.to_picture(pointer) == pytest.approx(shown)
    view.pan(np.array([10, -20]))
    assert view.to_region(shown) == pytest.approx(pointer + np.array([10, -20]))
