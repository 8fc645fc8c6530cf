"""The three buttons from photo and speech to a strip, in Blender without a window."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from worlds import part

FRAMES = 18


def digest(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_photo_and_speech_become_one_strip_above_the_speech(spoken, blender):
    blender.ops.lineportrait.draw()
    drawings = [strip for strip in part("compat").all_strips(spoken.scene) if strip.type == "IMAGE"]
    assert len(drawings) == 1
    lies = part("compat").handles(drawings[0])
    assert (lies.start, lies.end) == (11, 29)
    assert drawings[0].channel == spoken.speech.channel + 1
    assert drawings[0].directory.startswith("//lineportrait/")


def test_frames_differ_while_the_mouth_moves_and_rest_while_it_does_not(spoken, blender):
    blender.ops.lineportrait.draw()
    hashes = [digest(path) for path in spoken.frames()]
    assert len(hashes) == FRAMES
    assert len(set(hashes[6:9])) == 3
    assert hashes[0] == hashes[1]


def test_sources_stay_untouched(spoken, blender):
    sources = [spoken.photo, spoken.folder / "speech.wav"]
    before = [digest(path) for path in sources]
    blender.ops.lineportrait.draw()
    assert [digest(path) for path in sources] == before


def test_redraw_swaps_the_folder_and_keeps_the_strip(spoken, blender):
    blender.ops.lineportrait.draw()
    strip = spoken.drawing
    strip.name = "my drawing"
    strip.transform.offset_x, strip.transform.scale_x, strip.blend_alpha = 40, 0.5, 0.7
    first_take = spoken.frames()
    blender.ops.lineportrait.draw()
    again = spoken.drawing
    assert (again.name, again.transform.offset_x, again.transform.scale_x) == ("my drawing", 40, 0.5)
    assert again.blend_alpha == pytest.approx(0.7)
    assert again.directory.rstrip("/\\").endswith("take_002")
    assert all(path.is_file() for path in first_take + spoken.frames())


def test_redraw_of_a_shortened_speech_shortens_the_strip_and_keeps_its_place_beside_it(spoken, blender):
    blender.ops.lineportrait.draw()
    part("compat").move(spoken.drawing, 3)  # the animator lets the picture lag on purpose
    part("compat").move(spoken.speech, 100)
    spoken.speech.frame_offset_end = 4
    blender.ops.lineportrait.draw()
    lies = part("compat").handles(spoken.drawing)
    assert (lies.start, lies.end) == (114, 128)
    assert len(spoken.frames()) == 14


def test_drawing_follows_the_sound_when_the_speech_was_moved_or_trimmed(spoken, blender):
    blender.ops.lineportrait.draw()
    before = [digest(path) for path in spoken.frames()]
    part("compat").move(spoken.speech, 30)
    spoken.speech.frame_offset_start += 5
    blender.ops.lineportrait.draw()
    assert [digest(path) for path in spoken.frames()] == before[5:]


def test_a_taken_channel_is_left_alone(spoken, blender):
    other = part("compat").strips_to_edit(spoken.scene).new_effect
    arguments = {"name": "title", "type": "COLOR", "channel": 2, "frame_start": 1}
    try:
        other(**arguments, frame_end=50)
    except TypeError:
        other(**arguments, length=50)
    blender.ops.lineportrait.draw()
    assert spoken.drawing.channel == 3


def test_corrections_survive_speaking_again(spoken, blender):
    index = 48
    bone = part("rig").pose_bones(spoken.rig)[index]
    spoken.scene.frame_set(20)
    bone.location[0] += 0.1
    bone.keyframe_insert("location", index=0)
    frames = np.arange(11.0, 29.0)
    corrected = part("motion").sample(spoken.scene, spoken.rig, frames)
    spoken.portrait.lips = 0.5
    blender.ops.lineportrait.speak()
    again = part("motion").sample(spoken.scene, spoken.rig, frames)
    rest = part("rig").rest(spoken.rig)
    unit = part("rig").UNIT
    assert again[:, index, 0] == pytest.approx(rest[index, 0] + 0.1 / unit, abs=0.05)
    assert corrected[:, index, 0] == pytest.approx(again[:, index, 0], abs=0.05)
    assert np.ptp(again[:, 66, 1]) == pytest.approx(np.ptp(corrected[:, 66, 1]) / 2, abs=1.1)
    assert len(part("predictions").all_of(spoken.rig)) == 2


def test_a_deleted_rig_is_made_again(spoken, blender):
    blender.data.objects.remove(spoken.rig)
    with pytest.raises(RuntimeError, match="Speak first"):
        blender.ops.lineportrait.draw()
    blender.ops.lineportrait.speak()
    assert blender.ops.lineportrait.draw() == {"FINISHED"}


def test_a_rig_without_a_bone_says_so_and_speak_repairs_it(spoken, blender):
    with part("rig")._edit_bones(spoken.rig) as bones:
        bones.remove(bones["chin"])
    with pytest.raises(RuntimeError, match="lacks the bone of chin"):
        blender.ops.lineportrait.draw()
    blender.ops.lineportrait.speak()
    assert blender.ops.lineportrait.draw() == {"FINISHED"}


def test_renamed_bones_and_rig_still_draw(spoken, blender):
    blender.ops.lineportrait.draw()
    before = [digest(path) for path in spoken.frames()]
    part("rig").pose_bones(spoken.rig)[66].name = "unterlippe"
    spoken.rig.name = "Anna"
    blender.ops.lineportrait.draw()
    assert [digest(path) for path in spoken.frames()] == before


def test_unsaved_files_draw_into_the_users_folder(world, blender):
    folder = part("takes").portrait_folder
    assert folder(world.portrait).parent == world.folder / "lineportrait"
    blender.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    unsaved = folder(part("portrait").add(blender.context.scene, str(world.photo)))
    assert blender.utils.extension_path_user("bl_ext.dev.lineportrait") in str(unsaved)


def test_frames_go_to_the_chosen_folder(spoken, blender, tmp_path):
    spoken.portrait.folder = str(tmp_path / "frames of Anna")
    blender.ops.lineportrait.draw()
    assert spoken.frames()[0].samefile(tmp_path / "frames of Anna" / "take_001" / "frame_00000.png")


def test_two_scenes_have_portraits_of_their_own(spoken, blender):
    second = blender.data.scenes.new("Second")
    assert not len(part("portrait").every(second))
    assert spoken.portrait.photo


def test_another_photo_asks_for_a_new_analysis(spoken, blender):
    spoken.portrait.photo = str(spoken.folder / "other.png")
    with pytest.raises(RuntimeError, match="press Analyze first"):
        blender.ops.lineportrait.speak()


def test_undo_takes_a_whole_step_back(spoken, blender):
    blender.ops.ed.undo_push(message="spoken")
    blender.ops.lineportrait.draw()
    blender.ops.ed.undo_push(message="drawn")
    blender.ops.ed.undo()
    assert spoken.drawing is None
    blender.ops.ed.redo()
    assert len(spoken.frames()) == FRAMES


def test_standard_view_keeps_paper_white(world, blender):
    world.scene.view_settings.view_transform = "AgX"
    blender.ops.lineportrait.exact_view()
    assert world.scene.view_settings.view_transform == "Standard"


def test_predicted_curves_can_be_shown_and_left_again(spoken, blender):
    corrections = spoken.rig.animation_data.action
    blender.ops.lineportrait.show_prediction()
    assert spoken.rig.mode == "POSE"
    assert spoken.rig.animation_data.action != corrections
    assert blender.ops.lineportrait.draw() == {"FINISHED"}
    blender.ops.lineportrait.show_prediction()
    assert spoken.rig.animation_data.action == corrections
