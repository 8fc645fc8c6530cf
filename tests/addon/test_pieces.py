"""*Follow Speech* and *Draw* once the speech was cut into pieces: split, moved apart, heard twice, deleted."""

from __future__ import annotations

import contextlib
import shutil

import pytest
from timeline import follow, lying, seen, split
from worlds import DATA, move_lip, outcome, part


def add_glow(world, strip):
    """An effect on the strip, above it."""
    strips = part("compat").strips(world.scene)
    arguments = {"name": "glow", "type": "GLOW", "channel": 5, "frame_start": 11}
    for more in ({"frame_end": 29, "seq1": strip}, {"length": 18, "input1": strip}):
        with contextlib.suppress(TypeError):
            return strips.new_effect(**arguments, **more)
    return strips.new_effect(**arguments, frame_end=29, input1=strip)


def test_each_piece_of_a_split_speech_gets_its_piece_of_the_drawing(drawn, blender):
    before, drawing = seen(drawn), drawn.drawing
    drawing.transform.scale_x, drawing.blend_alpha = 0.5, 0.7
    right = split(drawn, blender, 20)
    part("compat").move(right, 30)
    assert follow(blender) == "Drawing and motion are in step with the speech, in 2 pieces."
    assert lying(drawn) == [(11, 20), (50, 59)]
    assert seen(drawn) == {frame + 30 * (frame >= 20): file for frame, file in before.items()}
    assert drawn.drawing == drawing
    both = part("strips").find_all(drawn.scene, drawn.portrait.uid)
    assert [(strip.transform.scale_x, strip.channel) for strip in both] == [(0.5, 2), (0.5, 2)]
    assert [strip.blend_alpha for strip in both] == pytest.approx([0.7, 0.7])
    assert len(part("takes").all_of(drawn.portrait)) == 1


def test_pieces_are_split_again_moved_past_each_other_trimmed_and_muted(drawn, blender):
    before = seen(drawn)
    middle = split(drawn, blender, 17)
    follow(blender)
    last = split(drawn, blender, 23, middle.name)
    move = part("compat").move
    move(drawn.speech, 60)
    move(last, -20)
    middle.mute = True
    last.frame_offset_start += 2
    assert "in 3 pieces" in follow(blender)
    assert lying(drawn) == [(5, 9), (17, 23), (71, 77)]
    assert seen(drawn) == {
        **{frame + 60: before[frame] for frame in range(11, 17)},
        **{frame: before[frame] for frame in range(17, 23)},
        **{frame - 20: before[frame] for frame in range(25, 29)},
    }
    assert [strip.mute for strip in part("strips").find_all(drawn.scene, drawn.portrait.uid)] == [
        False,
        True,
        False,
    ]
    assert not part("compat").strips(drawn.scene)["voice"].mute


def test_following_twice_changes_nothing(drawn, blender):
    part("compat").move(split(drawn, blender, 20), 30)
    follow(blender)
    before, names = seen(drawn), [strip.name for strip in part("compat").strips(drawn.scene)]
    follow(blender)
    assert seen(drawn) == before
    assert [strip.name for strip in part("compat").strips(drawn.scene)] == names


@pytest.mark.parametrize("gone", ["voice", "voice.001"])
def test_a_deleted_piece_takes_its_drawing_along(drawn, blender, gone):
    before = seen(drawn)
    split(drawn, blender, 20)
    follow(blender)
    strips = part("compat").strips(drawn.scene)
    strips.remove(strips[gone])
    left = range(20, 29) if gone == "voice" else range(11, 20)
    follow(blender)
    assert seen(drawn) == {frame: before[frame] for frame in left}
    blender.ops.lineportrait.draw()
    assert lying(drawn) == [(left[0], left[-1] + 1)]
    assert "Nothing had to be drawn: all 9 frames were there" in outcome()


def test_a_piece_heard_twice_is_seen_twice(drawn, blender):
    before = seen(drawn)
    right = split(drawn, blender, 20)
    part("compat").move(right, 30)
    right.frame_offset_start -= 9
    assert lying(drawn) == [(11, 29)]
    follow(blender)
    assert seen(drawn) == {
        **{frame: before[frame] for frame in range(11, 20)},
        **{frame + 30: before[frame] for frame in range(11, 29)},
    }


def test_pieces_that_overlap_in_time_lie_in_channels_of_their_own(drawn, blender):
    part("compat").move(split(drawn, blender, 20), -4)
    follow(blender)
    assert sorted(lying(drawn)) == [(11, 20), (16, 25)]
    both = part("strips").find_all(drawn.scene, drawn.portrait.uid)
    assert both[0].channel != both[1].channel


def test_effects_and_keys_go_with_both_pieces(drawn, blender):
    drawing = drawn.drawing
    glow = add_glow(drawn, drawing)
    for frame, alpha in ((12, 1.0), (27, 0.5)):
        drawing.blend_alpha = alpha
        drawing.keyframe_insert("blend_alpha", frame=frame)
    part("compat").move(split(drawn, blender, 20), 30)
    follow(blender)
    first, second = part("strips").find_all(drawn.scene, drawn.portrait.uid)
    assert glow.input_1 == first == drawing
    effects = {
        strip.input_1.name: strip for strip in part("compat").strips(drawn.scene) if strip.type == "GLOW"
    }
    handles = part("compat").handles
    lies = {name: (handles(effect).start, handles(effect).end) for name, effect in effects.items()}
    assert lies == {first.name: (11, 20), second.name: (50, 59)}
    data = drawn.scene.animation_data
    keys = {
        curve.data_path: [round(key.co[0]) for key in curve.keyframe_points]
        for curve in part("compat").channels_of(data, drawn.scene).fcurves
    }
    assert keys == {
        first.path_from_id("blend_alpha"): [12, 27],
        second.path_from_id("blend_alpha"): [42, 57],
    }


def test_neighbours_in_the_channel_are_not_touched(drawn, blender):
    strips = part("compat").strips(drawn.scene)
    for name, first in (("before", 1), ("after", 29)):
        arguments = {"name": name, "type": "COLOR", "channel": 2, "frame_start": first}
        try:
            strips.new_effect(**arguments, frame_end=first + 10)
        except TypeError:
            strips.new_effect(**arguments, length=10)
    split(drawn, blender, 20)
    follow(blender)
    handles = part("compat").handles
    assert [(strips[name].channel, handles(strips[name]).start) for name in ("before", "after")] == [
        (2, 1),
        (2, 29),
    ]
    assert lying(drawn) == [(11, 20), (20, 29)]
    assert {strip.channel for strip in part("strips").find_all(drawn.scene, drawn.portrait.uid)} == {2}


def test_a_redraw_of_a_split_speech_draws_what_changed_and_lands_in_every_piece(drawn, blender):
    right = split(drawn, blender, 20)
    part("compat").move(right, 30)
    follow(blender)
    before = {frame: file.read_bytes() for frame, file in seen(drawn).items()}
    move_lip(drawn, 22)
    blender.ops.lineportrait.draw()
    assert "1 of 18 frames redrawn" in outcome()
    after = {frame: file.read_bytes() for frame, file in seen(drawn).items()}
    assert [frame for frame in after if after[frame] != before[frame]] == [52]
    assert all(file.parent.name == "take_002" for file in seen(drawn).values())


def test_a_redraw_follows_a_split_by_itself_and_keeps_trims_of_the_drawing(drawn, blender):
    drawn.drawing.frame_offset_end = 3  # the animator cuts away early
    part("compat").move(split(drawn, blender, 20), 30)
    move_lip(drawn, 14)
    blender.ops.lineportrait.draw()
    assert lying(drawn)[0] == (11, 20)
    assert "1 of 18 frames redrawn" in outcome()
    assert lying(drawn)[1][0] == 50


def test_speaking_again_hears_every_piece(drawn, blender):
    part("compat").move(split(drawn, blender, 20), 30)
    follow(blender)
    blender.ops.lineportrait.speak()
    assert part("portrait").spoken(drawn.scene).frames == 18
    assert list(part("motion").frames_of(drawn.rig)) == list(range(11, 29))
    blender.ops.lineportrait.draw()
    assert lying(drawn) == [(11, 20), (50, 59)]


def test_the_rig_goes_along_with_the_active_piece(drawn, blender):
    right = split(drawn, blender, 20)
    part("compat").move(right, 30)
    follow(blender)
    assert part("motion").first_frame(drawn.rig) == 11
    drawn.scene.sequence_editor.active_strip = right
    follow(blender)
    assert part("motion").first_frame(drawn.rig) == 41
    drawn.scene.sequence_editor.active_strip = None
    follow(blender)
    assert part("motion").first_frame(drawn.rig) == 41  # in step with one piece: it stays
    assert lying(drawn) == [(11, 20), (50, 59)]
    blender.ops.lineportrait.draw()
    assert "Nothing had to be drawn" in outcome()
    assert lying(drawn) == [(11, 20), (50, 59)]


def test_a_drawing_that_was_moved_along_with_its_speech_is_not_moved_again(drawn, blender):
    for strip in (drawn.drawing, drawn.speech):
        part("compat").move(strip, 30)
    follow(blender)
    assert lying(drawn) == [(41, 59)]
    for strip in (drawn.drawing, drawn.speech):
        part("compat").move(strip, 30)
    blender.ops.lineportrait.draw()
    assert lying(drawn) == [(71, 89)]


def test_speech_and_drawing_split_and_moved_together_stay_as_they_are(drawn, blender):
    sound = split(drawn, blender, 20)
    picture = split(drawn, blender, 20, drawn.drawing.name)
    for strip in (sound, picture):
        part("compat").move(strip, 30)
    before = seen(drawn)
    follow(blender)
    assert seen(drawn) == before


def test_another_speaker_with_the_same_recording_is_left_alone(drawn, blender):
    portrait, compat = part("portrait"), part("compat")
    first = drawn.portrait.uid
    right = split(drawn, blender, 20)
    second = portrait.add(drawn.scene, str(drawn.photo))
    blender.ops.lineportrait.analyze()
    blender.ops.lineportrait.choose_speech(name=right.name)
    blender.ops.lineportrait.speak()
    blender.ops.lineportrait.draw()
    uid = portrait.every(drawn.scene)[1].uid
    assert lying(drawn, uid) == [(20, 29)]
    compat.move(compat.strips(drawn.scene)["voice.001"], 30)
    compat.move(drawn.speech, 5)
    assert follow(blender) == "Drawing and motion are in step with the speech."
    assert (lying(drawn, first), lying(drawn, uid)) == ([(11, 29)], [(50, 59)])
    portrait.activate(drawn.scene, first)
    follow(blender)
    assert (lying(drawn, first), lying(drawn, uid)) == ([(16, 25)], [(50, 59)])
    assert second is not None


def test_two_portraits_that_share_a_speech_both_follow_its_pieces(drawn, blender):
    portrait = part("portrait")
    first = drawn.portrait.uid
    portrait.add(drawn.scene, str(drawn.photo))
    for verb in ("analyze", "speak", "draw"):
        getattr(blender.ops.lineportrait, verb)()
    second = drawn.portrait.uid
    part("compat").move(split(drawn, blender, 20), 30)
    for uid in (first, second):
        portrait.activate(drawn.scene, uid)
        follow(blender)
        assert lying(drawn, uid) == [(11, 20), (50, 59)]


def test_choosing_one_piece_lets_the_others_go(drawn, blender):
    right = split(drawn, blender, 20)
    blender.ops.lineportrait.choose_speech(name=right.name)
    follow(blender)
    assert lying(drawn) == [(20, 29)]


def test_of_pieces_that_must_be_mixed_down_one_can_be_chosen(drawn, blender, monkeypatch):
    monkeypatch.setattr(
        part("compat"), "mix_down", lambda scene, path, *_: shutil.copyfile(DATA / "speech.wav", path)
    )
    part("compat").move(split(drawn, blender, 20), 30)
    drawn.speech.sound.pack()
    with pytest.raises(RuntimeError, match=r"cut into 2 pieces, .* or choose one piece"):
        blender.ops.lineportrait.speak()
    assert drawn.portrait.speech == "voice"
    blender.ops.lineportrait.choose_speech(name="voice")
    blender.ops.lineportrait.speak()
    assert part("portrait").spoken(drawn.scene).frames == 9


def test_following_a_split_is_one_step_of_undo(drawn, blender):
    part("compat").move(split(drawn, blender, 20), 30)
    blender.ops.ed.undo_push(message="split")
    blender.ops.lineportrait.follow_speech()
    blender.ops.ed.undo_push(message="followed")
    assert lying(drawn) == [(11, 20), (50, 59)]
    blender.ops.ed.undo()
    assert lying(drawn) == [(11, 29)]
    blender.ops.ed.redo()
    assert lying(drawn) == [(11, 20), (50, 59)]


def test_the_split_survives_saving_and_opening(drawn, blender):
    part("compat").move(split(drawn, blender, 20), 30)
    blender.ops.wm.save_mainfile()
    blender.ops.wm.open_mainfile(filepath=blender.data.filepath)
    follow(blender)
    assert lying(drawn) == [(11, 20), (50, 59)]
