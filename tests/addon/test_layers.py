"""Layers: new predictions, takes and adjustments come and go, what the animator keyed stays."""

from __future__ import annotations

import wave
from fractions import Fraction

import numpy as np
import pytest
from worlds import part

FRAMES = np.arange(11.0, 29.0)
LIPS = list(range(48, 68))


def sample(spoken) -> np.ndarray:
    return part("motion").sample(spoken.scene, spoken.rig, FRAMES)


def moved(spoken) -> np.ndarray:
    return sample(spoken) - part("rig").rest(spoken.rig)


def key_control(spoken, name: str, value: float, frame: int = 20) -> None:
    bone = part("controls").bones_of(spoken.rig)[name]
    bone.location[1] = value
    bone.keyframe_insert("location", index=1, frame=frame)


def curves(spoken):
    return [curve for pair in part("motion").predicted_curves(spoken.rig).values() for curve in pair]


@pytest.fixture
def two_takes(spoken, blender):
    """Take 1 as predicted, take 2 with half the lips."""
    spoken.portrait.lips = 0.5
    blender.ops.lineportrait.speak()
    return spoken


def test_curves_are_grouped_by_landmark_and_coloured_by_region(spoken):
    groups = {curve.group.name: curve.group for curve in curves(spoken)}
    assert set(groups) == {bone.name for bone in part("rig").pose_bones(spoken.rig)}
    colours = part("rig").COLOURS
    assert tuple(groups["lip_corner.L"].colors.normal) == pytest.approx(colours["lips_outer"], abs=0.01)


def test_speaking_again_keeps_corrections_of_controls_and_both_takes(spoken, blender):
    key_control(spoken, "jaw", -0.1)
    chin = moved(spoken)[:, 8, 1]
    spoken.portrait.lips = 0.0
    blender.ops.lineportrait.speak()
    assert moved(spoken)[:, 8, 1] == pytest.approx(np.full(18, 0.1 / part("rig").UNIT), abs=0.6)
    assert chin.max() > moved(spoken)[:, 8, 1].max() + 5
    assert len(part("predictions").all_of(spoken.rig)) == 2


def test_takes_are_chosen_and_deleted(two_takes, blender):
    predictions, motion = part("predictions"), part("motion")
    quiet = moved(two_takes)
    assert predictions.title_of(motion.take_of(two_takes.rig)) == "Take 2: Lips 0.5"
    blender.ops.lineportrait.choose_take(number=1)
    assert np.ptp(moved(two_takes)[:, 66, 1]) == pytest.approx(2 * np.ptp(quiet[:, 66, 1]), abs=1.5)
    assert part("portrait").made_from(two_takes.scene)["settings"]["lips"] == 1.0
    blender.ops.lineportrait.delete_take()
    assert [predictions.title_of(one) for one in predictions.all_of(two_takes.rig)] == ["Take 2: Lips 0.5"]
    assert moved(two_takes) == pytest.approx(quiet, abs=1e-6)
    with pytest.raises(RuntimeError, match="Only one take"):
        blender.ops.lineportrait.delete_take()


def test_a_take_is_called_by_the_labels_of_the_panel_and_no_folder_is_told(spoken, blender):
    spoken.portrait.silence_db, spoken.portrait.style_audio = -30, "//speech.wav"
    blender.ops.lineportrait.speak()
    title = part("predictions").title_of(part("motion").take_of(spoken.rig))
    assert title == "Take 2: Silence (dB) -30, Manner Of speech.wav"


def test_an_older_take_plays_where_the_speech_now_lies(two_takes, blender):
    blender.ops.lineportrait.draw()
    part("compat").move(two_takes.speech, 5)
    blender.ops.lineportrait.follow_speech()
    blender.ops.lineportrait.choose_take(number=1)
    assert part("motion").first_frame(two_takes.rig) == 16
    assert part("portrait").spoken(two_takes.scene).first == 16
    assert part("order").rig_frames(two_takes.scene, part("order").of(two_takes.scene))[0] == 16


def test_takes_survive_saving(two_takes, blender):
    blender.ops.wm.save_mainfile()
    blender.ops.wm.open_mainfile(filepath=blender.data.filepath)
    takes = part("predictions").all_of(two_takes.rig)
    assert len(takes) == 2
    prediction = part("predictions").prediction_of(takes[0])
    assert prediction.face[:, 66, 1].max() > 10


def test_a_kept_prediction_comes_back_to_a_thousandth(spoken, tmp_path):
    adjust, predictions = part("adjust"), part("predictions")
    rng = np.random.default_rng(3)
    face, head = np.cumsum(rng.normal(0, 3, (2, 40, 68, 2)), axis=1)
    made = adjust.Prediction(rng.uniform(0, 512, (68, 3)), face, head, 0.25, Fraction(24))
    action = spoken.rig.animation_data.action
    predictions.keep(spoken.rig, action, made, {})
    back = predictions.prediction_of(action)
    assert back.face == pytest.approx(face, abs=1e-3)
    assert back.head == pytest.approx(head, abs=1e-3)
    assert back.neutral == pytest.approx(made.neutral, abs=1e-3)
    assert (back.start, back.fps) == (0.25, 24)


def test_a_muted_region_rests_and_keeps_its_corrections_through_a_new_prediction(spoken, blender):
    key_control(spoken, "lips_lower", -0.05)
    blender.ops.lineportrait.mute_prediction(region="mouth")
    for _ in range(2):
        lips = moved(spoken)[:, LIPS]
        assert np.ptp(lips, axis=0).max() < 1e-3
        assert lips[0, 66 - 48, 1] == pytest.approx(0.05 / part("rig").UNIT, abs=0.01)
        assert np.ptp(moved(spoken)[:, 8, 1]) > 10
        blender.ops.lineportrait.speak()
    blender.ops.lineportrait.mute_prediction(region="mouth")
    assert np.ptp(moved(spoken)[:, 66, 1]) > 10


def test_corrections_of_one_region_are_reset(spoken, blender):
    before = moved(spoken)
    key_control(spoken, "jaw", -0.1)
    key_control(spoken, "brow_in.L", 0.05)
    assert part("corrections").regions_of(spoken.rig) == {"jaw", "brow.L"}
    blender.ops.lineportrait.reset_corrections(region="jaw")
    assert part("corrections").regions_of(spoken.rig) == {"brow.L"}
    assert moved(spoken)[:, 8] == pytest.approx(before[:, 8], abs=1e-6)
    assert np.ptp(moved(spoken)[:, 22, 1] - before[:, 22, 1]) < 1e-6 < abs(moved(spoken)[0, 22, 1])


def test_a_correction_fades_around_the_playhead(spoken, blender):
    before = moved(spoken)
    key_control(spoken, "jaw", -0.1)
    spoken.scene.frame_set(20)
    blender.ops.lineportrait.fade_correction(reach=3)
    added = (moved(spoken) - before)[:, 8, 1]
    assert added[20 - 11] == pytest.approx(0.1 / part("rig").UNIT, abs=1e-3)
    assert np.flatnonzero(np.abs(added) > 1e-3).tolist() == [7, 8, 9, 10, 11]
    with pytest.raises(RuntimeError, match="other keys end it already"):
        blender.ops.lineportrait.fade_correction(reach=3)


def test_scale_moves_the_region_more_and_lasts_through_speak(spoken, blender):
    before = moved(spoken)
    blender.ops.lineportrait.scale_region(region="mouth", factor=1.5)
    for _ in range(2):
        assert moved(spoken)[:, LIPS] == pytest.approx(1.5 * before[:, LIPS], abs=1.5)
        assert moved(spoken)[:, 8] == pytest.approx(before[:, 8], abs=1e-6)
        blender.ops.lineportrait.speak()
    blender.ops.lineportrait.rekey(region="mouth")
    assert moved(spoken) == pytest.approx(before, abs=1.0)


def test_smooth_calms_the_region(spoken, blender):
    def unrest() -> float:
        return float(np.abs(np.diff(moved(spoken)[:, LIPS], axis=0)).sum())

    before = unrest()
    blender.ops.lineportrait.smooth_region(region="mouth", seconds=0.15)
    assert unrest() < 0.7 * before


def test_rekeying_with_a_larger_error_takes_fewer_keys_and_undoes_hand_changes(spoken, blender):
    motion = part("motion")
    before, many = moved(spoken), motion.keys_a_landmark(spoken.rig, "mouth")
    curves(spoken)[2 * 66 + 1].keyframe_points[0].co[1] += 0.2
    blender.ops.lineportrait.rekey(region="mouth", error=3.0)
    assert motion.keys_a_landmark(spoken.rig, "mouth") < many
    assert np.linalg.norm(moved(spoken) - before, axis=-1).max() < 3.6
    assert "within 3 px" in part("operators.adjust").told_keys(spoken.rig, "mouth")


def speech_with_a_pause(path) -> None:
    """0.75 s at 48 kHz: silent but for the 0.25 s in the middle."""
    time = np.arange(36000) / 48000
    loud = (time >= 0.25) & (time < 0.5)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes((loud * 12000 * np.sin(time * 1000)).astype("<i2").tobytes())


def test_the_mouth_closes_in_the_pauses(spoken, blender, monkeypatch):
    monkeypatch.setattr(
        part("speech"), "mix_down", lambda scene, strip, heard, path: speech_with_a_pause(path)
    )
    opened = moved(spoken)
    blender.ops.lineportrait.close_in_silence()
    spans = part("predictions").adjustments_of(spoken.rig).silent
    start = part("portrait").spoken(spoken.scene).start
    assert np.array(spans) - start == pytest.approx(np.array([[0, 0.25], [0.5, 0.75]]), abs=0.05)
    gap = sample(spoken)[:, 66, 1] - sample(spoken)[:, 62, 1]
    assert gap[[4, 13]] == pytest.approx([0, 0], abs=1.0)
    assert gap[9] == pytest.approx(opened[9, 66, 1] - opened[9, 62, 1], abs=1.0)
    blender.ops.lineportrait.close_in_silence(state=False)
    assert moved(spoken) == pytest.approx(opened, abs=1.0)


def test_a_blink_is_keyed_at_the_playhead_and_taken_out_again(spoken, blender):
    before = moved(spoken)
    spoken.scene.frame_set(20)
    blender.ops.lineportrait.add_blink()
    opening = sample(spoken)[:, 41, 1] - sample(spoken)[:, 37, 1]
    assert opening[20 - 11] == pytest.approx(0, abs=0.1)
    assert opening[[0, 5, 17]] == pytest.approx(np.full(3, opening[0]), abs=0.1)
    spoken.scene.frame_set(22)
    blender.ops.lineportrait.remove_blink()
    assert moved(spoken) == pytest.approx(before, abs=1e-6)
    assert part("corrections").regions_of(spoken.rig) == set()
    with pytest.raises(RuntimeError, match="stay open at frame 22"):
        blender.ops.lineportrait.remove_blink()


def test_a_predicted_blink_is_taken_out_for_good(blender_once):
    adjust, close = part("adjust"), part("lpcore.motion.blink").close_lids
    from fake_worker import face

    amount = np.zeros(60)
    amount[30:36] = [0.5, 1, 1, 0.7, 0.4, 0.2]
    points = np.repeat(face()[None], 60, axis=0)
    blink = close(points, amount)[..., :2]
    prediction = adjust.Prediction(face(), blink, np.zeros_like(blink), 1.0, Fraction(25))
    assert adjust.blink_at(prediction, adjust.Adjustments(), 10) is None
    span = adjust.blink_at(prediction, adjust.Adjustments(), 32)
    assert span == pytest.approx((1 + 30 / 25, 1 + 36 / 25), abs=0.03)
    awake = adjust.Adjustments(waking=[span])
    assert np.abs(adjust.displacement(prediction, awake)).max() < 1e-6
    assert adjust.Adjustments.from_json(awake.to_json()).waking == (pytest.approx(span),)


def test_on_twos_every_pose_lasts_two_frames_and_on_ones_all_is_as_before(spoken, blender):
    before = moved(spoken)
    blender.ops.lineportrait.hold_poses(frames=2)
    key_control(spoken, "jaw", 0.0, frame=12)
    key_control(spoken, "jaw", -0.2, frame=28)
    held = moved(spoken)
    assert np.abs(held[0::2] - held[1::2]).max() < 1e-6
    assert len(np.unique(held[:, 8, 1].round(3))) > 6
    blender.ops.lineportrait.reset_corrections(region="jaw")
    assert moved(spoken)[0::2] == pytest.approx(before[0::2], abs=1e-4)
    blender.ops.lineportrait.hold_poses(frames=1)
    assert moved(spoken) == pytest.approx(before, abs=1e-6)


def test_a_region_shows_its_bones_only(spoken, blender):
    blender.ops.lineportrait.show_region(region="jaw")
    owner = (
        spoken.rig.pose.bones
        if "select" in blender.types.PoseBone.bl_rna.properties
        else spoken.rig.data.bones
    )
    assert len([bone for bone in owner if bone.select]) == 18
    blender.ops.lineportrait.show_region(region="head", extend=True)
    assert len([bone for bone in owner if bone.select]) == 19


def test_buttons_undo(spoken, blender):
    before = moved(spoken)
    blender.ops.ed.undo_push(message="spoken")
    blender.ops.lineportrait.scale_region(region="mouth", factor=0.0)
    blender.ops.lineportrait.hold_poses(frames=3)
    blender.ops.ed.undo_push(message="adjusted")
    blender.ops.ed.undo()
    assert moved(spoken) == pytest.approx(before, abs=1e-6)


def test_without_motion_every_button_says_why(world, blender):
    for name in ("scale_region", "add_blink", "hold_poses", "close_in_silence", "front_view", "show_region"):
        with pytest.raises(RuntimeError, match="press Speak first"):
            getattr(blender.ops.lineportrait, name)()


def test_photo_and_drawing_stand_behind_the_rig(spoken, blender):
    pictures = part("pictures")
    uid = spoken.portrait.uid
    photo = pictures.empty_of(spoken.scene, pictures.PHOTO, uid)
    assert photo.parent == spoken.rig
    assert photo.location.z < -0.1
    assert photo.data.size[0] > 0
    blender.ops.lineportrait.draw()
    drawing = pictures.empty_of(spoken.scene, pictures.DRAWING, uid)
    assert drawing.data.source == "SEQUENCE"
    assert (drawing.image_user.frame_start, drawing.image_user.frame_duration) == (11, 18)
    assert drawing.empty_display_size == pytest.approx(2.0)
    assert photo.location.z < drawing.location.z


@pytest.mark.parametrize("prediction", [False, True])
def test_counting_frames_leaves_an_unkeyed_pose_alone(spoken, blender, prediction):
    key_control(spoken, "jaw", -0.1)
    before = sample(spoken)
    part("motion").show_prediction(spoken.rig, prediction)
    spoken.scene.frame_set(20)
    bone = part("rig").pose_bones(spoken.rig)[57]
    bone.location[1] += 0.25
    posed = bone.location[1]
    part("plan").make(spoken.scene)
    blender.context.view_layer.update()
    assert bone.location[1] == posed
    assert part("motion").shows_prediction(spoken.rig) == prediction
    assert sample(spoken) == pytest.approx(before, abs=1e-6)
