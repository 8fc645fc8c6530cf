"""*Follow Speech*: drawing and motion lie as their speech lies, moved, trimmed and muted."""

from __future__ import annotations

import numpy as np
import pytest
from timeline import follow, lying, split
from worlds import move_lip, outcome, part


def laid(world) -> tuple[int, int]:
    lies = part("compat").handles(world.drawing)
    return lies.start, lies.end


def shown_at(world, frame: int) -> bytes:
    """The picture that the strip shows at a timeline frame."""
    index = frame - round(part("compat").content_start(world.drawing))
    return world.frames()[index].read_bytes()


def test_the_drawing_follows_a_moved_and_trimmed_speech_without_drawing(drawn, blender):
    before = {frame: shown_at(drawn, frame) for frame in range(11, 29)}
    drawing = drawn.drawing
    drawing.transform.scale_x = 0.5
    part("compat").move(drawn.speech, 30)
    drawn.speech.frame_offset_start += 5
    drawn.speech.frame_offset_end += 2
    drawn.speech.mute = True
    assert blender.ops.lineportrait.follow_speech() == {"FINISHED"}
    assert laid(drawn) == (46, 57)
    assert all(shown_at(drawn, frame) == before[frame - 30] for frame in range(46, 57))
    assert drawn.drawing == drawing
    assert drawing.mute
    assert len(part("takes").all_of(drawn.portrait)) == 1
    drawn.speech.frame_offset_start -= 5
    blender.ops.lineportrait.follow_speech()
    assert laid(drawn) == (41, 57)


def test_the_motion_follows_too_with_its_corrections(drawn, blender):
    move_lip(drawn, 20)
    frames = np.arange(11.0, 29.0)
    sample = part("motion").sample
    before = sample(drawn.scene, drawn.rig, frames)
    for shift in (30, -37):
        part("compat").move(drawn.speech, shift)
        blender.ops.lineportrait.follow_speech()
        frames += shift
        assert np.abs(sample(drawn.scene, drawn.rig, frames) - before).max() < 1e-3
        assert part("motion").is_plain(drawn.rig)
    blender.ops.lineportrait.draw()
    assert "1 of 18 frames redrawn" in outcome()


def test_a_redraw_after_following_shows_all_of_the_speech(drawn, blender):
    part("compat").move(drawn.speech, 30)
    drawn.speech.frame_offset_start += 5
    blender.ops.lineportrait.follow_speech()
    blender.ops.lineportrait.draw()
    assert laid(drawn) == (46, 59)
    assert len(drawn.frames()) == 13
    assert "Nothing had to be drawn: all 13 frames were there" in outcome()


def change_rate(world):
    world.scene.render.fps = 30


def remove_drawing(world):
    part("compat").strips(world.scene).remove(world.drawing)


def slip_half_a_frame(world):
    if not hasattr(world.speech, "sound_offset"):
        pytest.skip("no sub-frame offsets in this Blender")
    world.speech.sound_offset = -0.5 / 24


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (change_rate, "it was drawn at 24 frames a second"),
        (remove_drawing, "no strip shows"),
        (slip_half_a_frame, "starts between two drawn frames"),
    ],
)
def test_what_cannot_follow_says_why(drawn, blender, change, why):
    change(drawn)
    with pytest.raises(RuntimeError, match=why):
        blender.ops.lineportrait.follow_speech()


def test_a_new_frame_rate_is_redrawn_and_the_button_says_so(drawn, blender):
    drawn.scene.render.fps = 30
    with pytest.raises(RuntimeError, match="24 frames a second and the scene now has 30; press Redraw"):
        blender.ops.lineportrait.follow_speech()
    heard = part("speech").describe(drawn.scene, drawn.speech)
    blender.ops.lineportrait.draw()
    assert lying(drawn) == [(heard.first, heard.first + heard.frames)]
    assert len(drawn.frames()) == heard.frames
    assert part("strips").recipe_of(drawn.drawing)["fps"] == "30"


def test_corrections_stay_with_their_words_at_another_frame_rate(drawn, blender):
    move_lip(drawn, 23)
    seconds = part("portrait").spoken(drawn.scene).start + (23 - 11) / 24
    drawn.scene.render.fps = 48
    blender.ops.lineportrait.speak()
    moved = part("portrait").spoken(drawn.scene).frame_at(seconds)
    (curve,) = part("compat").channels_of(drawn.rig.animation_data, drawn.rig).fcurves
    assert [key.co[0] for key in curve.keyframe_points] == pytest.approx(
        [moved - 2, moved, moved + 2], abs=0.01
    )


def test_the_panel_offers_to_follow_when_there_is_something_to_follow(drawn, blender):
    due = part("follow").is_due
    assert not due(drawn.scene)
    drawn.drawing.frame_offset_end = 3
    assert not due(drawn.scene)
    right = split(drawn, blender, 20)
    assert due(drawn.scene)
    follow(blender)
    assert not due(drawn.scene)
    part("compat").move(right, 30)
    assert due(drawn.scene)
    follow(blender)
    assert not due(drawn.scene)
    part("compat").strips(drawn.scene).remove(right)
    assert due(drawn.scene)
