"""What a second Draw costs, what the panel says of it before, and the strip that stays the same."""

from __future__ import annotations

import numpy as np
import pytest
from worlds import MODULE, move_lip, outcome, part

PICTURES = 9  # of the fake worker's 18 frames, one of which is held for ten


def test_one_edited_key_draws_the_frames_it_touches(drawn, blender):
    before = [path.read_bytes() for path in drawn.frames()]
    move_lip(drawn, 20)
    blender.ops.lineportrait.draw()
    after = [path.read_bytes() for path in drawn.frames()]
    assert [index for index in range(18) if before[index] != after[index]] == [9]
    assert "1 of 18 frames redrawn in" in outcome()


def test_a_key_too_small_to_see_draws_nothing(drawn, blender):
    move_lip(drawn, 20, 0.02 * part("rig").UNIT)
    blender.ops.lineportrait.draw()
    assert "Nothing had to be drawn: all 18 frames were there" in outcome()


def test_undo_redraws_nothing_and_another_style_redraws_all(drawn, blender):
    move_lip(drawn, 20)
    blender.ops.lineportrait.draw()
    drawn.rig.animation_data.action = None
    blender.ops.lineportrait.draw()
    assert "Nothing had to be drawn" in outcome()
    drawn.portrait.style = "pen"
    blender.ops.lineportrait.draw()
    assert f"{PICTURES} of 18 frames redrawn" in outcome()


def test_without_a_store_the_shown_take_serves(drawn, blender):
    blender.context.preferences.addons[MODULE].preferences.store_gigabytes = 0
    move_lip(drawn, 20)
    blender.ops.lineportrait.draw()
    assert "1 of 18 frames redrawn" in outcome()


def test_a_broken_drawing_goes_on_where_it_stopped(spoken, engine, blender):
    engine.mood(verb="draw", after=5, then="die")
    with pytest.raises(RuntimeError, match="Redraw goes on from there"):
        blender.ops.lineportrait.draw()
    engine.mood()
    blender.ops.lineportrait.draw()
    assert "4 of 18 frames redrawn" in outcome()


def test_a_drawing_of_another_size_fills_as_much_of_the_frame(drawn, blender):
    transform = drawn.drawing.transform
    transform.scale_x, transform.scale_y = 0.5, 0.75
    drawn.portrait.size *= 2
    blender.ops.lineportrait.draw()
    transform = drawn.drawing.transform
    assert (transform.scale_x, transform.scale_y) == pytest.approx((0.25, 0.375))


def test_the_plan_says_what_the_draw_then_does(drawn, blender):
    plan, measured = part("plan"), part("measured")
    assert plan.make(drawn.scene).sentence == "Nothing to draw: all 18 frames are there"
    move_lip(drawn, 20)
    assert plan.make(drawn.scene).to_draw == 1
    drawn.portrait.style = "pen"
    known = plan.make(drawn.scene)
    assert known.to_draw == PICTURES
    blender.ops.lineportrait.draw()
    assert f"{known.to_draw} of 18 frames redrawn" in outcome()
    move_lip(drawn, 22)
    known = plan.make(drawn.scene)
    assert known.seconds == pytest.approx(0.1 / PICTURES)
    assert "1 of 18 frames to draw, about 0.1 s, 0.1 MB" in known.sentence
    assert measured.cost(part("order").of(drawn.scene).kind) is not None


def test_the_start_of_a_first_drawing_is_not_expected_of_a_redraw(world):
    measured = part("measured")
    result = {"frames": 100, "drawn": 100, "seconds": 20.0, "drawing_seconds": 10.0, "bytes": 100}
    measured.remember_cost("ink", result)
    assert (measured.cost("ink"), measured.gathering()) == ((0.1, 1.0), 0.0)
    measured.remember_cost("ink", result | {"drawn": 10, "seconds": 2.0, "drawing_seconds": 1.0, "bytes": 10})
    assert (measured.cost("ink"), measured.gathering()) == ((0.1, 1.0), pytest.approx(0.01))


def test_the_plan_tells_finishing_from_drawing(drawn):
    drawn.portrait.ink = (0, 0, 1)
    known = part("plan").make(drawn.scene)
    assert (known.to_draw, known.to_finish) == (0, PICTURES)
    assert known.sentence.startswith(f"None of 18 frames to draw, {PICTURES} to finish anew")
    drawn.portrait.style = "pen"
    known = part("plan").make(drawn.scene)
    assert (known.to_draw, known.to_finish) == (PICTURES, 0)


def test_plan_and_engine_agree_on_landmarks_that_only_just_round(drawn, monkeypatch, blender):
    """Halfway between two steps, double and single precision may round to different sides."""
    motion, sample = part("motion"), part("motion").sample
    edge = (np.arange(18)[:, None, None] + 0.5) / 16 - 1e-9
    monkeypatch.setattr(motion, "sample", lambda *arguments: np.round(sample(*arguments)) + edge)
    blender.ops.lineportrait.draw()
    assert part("plan").make(drawn.scene).to_draw == 0


def test_an_engine_never_heard_of_makes_no_promises(spoken, monkeypatch):
    monkeypatch.setattr(part("measured"), "greeting", dict)
    assert part("plan").make(spoken.scene).sentence == "Up to 18 frames to draw"


def test_the_panel_counts_once_the_hand_rests(drawn, monkeypatch):
    plan, order = part("plan"), part("order")
    wanted = order.of(drawn.scene)
    plan.forget()
    assert plan.glance(drawn.scene, wanted) is None
    plan.tick()
    assert plan.glance(drawn.scene, wanted) is None  # the hand has moved just now
    monkeypatch.setattr(plan, "REST", -1.0)
    plan.tick()
    assert plan.glance(drawn.scene, wanted).to_draw == 0
    drawn.portrait.style = "pen"
    assert plan.glance(drawn.scene, order.of(drawn.scene)) is None
    plan.tick()
    assert plan.glance(drawn.scene, order.of(drawn.scene)).to_draw == PICTURES


def test_a_key_edited_in_the_viewport_is_counted_without_a_glance(drawn, blender, monkeypatch):
    plan, order = part("plan"), part("order")
    monkeypatch.setattr(plan, "REST", -1.0)
    plan.glance(drawn.scene, order.of(drawn.scene))
    plan.tick()
    move_lip(drawn, 20)
    blender.context.view_layer.update()
    plan.tick()
    assert plan.glance(drawn.scene, order.of(drawn.scene)).to_draw == 1


def test_a_rig_with_constraints_is_not_counted_behind_the_users_back(drawn):
    part("rig").pose_bones(drawn.rig)[8].constraints.new("COPY_LOCATION")
    part("plan").forget()
    wanted = part("order").of(drawn.scene)
    assert part("plan").glance(drawn.scene, wanted).sentence == "Up to 18 frames to draw"


def test_figures_survive_the_session_and_damage(drawn, monkeypatch):
    measured = part("measured")
    cost = {"frames": 200, "drawn": 50, "seconds": 4.0, "drawing_seconds": 2.0, "bytes": 500}
    measured.remember_cost("x", cost)
    monkeypatch.setattr(measured, "_known", None)
    assert measured.cost("x") == (0.04, 10)
    assert measured.gathering() == pytest.approx(0.01)
    measured._path().write_text("{")
    monkeypatch.setattr(measured, "_known", None)
    assert measured.cost("x") is None


def test_the_strip_stays_the_same_strip(drawn, blender):
    strip = drawn.drawing
    strips = part("compat").strips(drawn.scene)
    arguments = {"name": "glow", "type": "GLOW", "channel": 5, "frame_start": 11}
    try:
        glow = strips.new_effect(**arguments, frame_end=29, seq1=strip)
    except TypeError:
        try:
            glow = strips.new_effect(**arguments, length=18, input1=strip)
        except TypeError:
            glow = strips.new_effect(**arguments, frame_end=29, input1=strip)
    strip.keyframe_insert("blend_alpha", frame=11)
    move_lip(drawn, 20)
    blender.ops.lineportrait.draw()
    assert drawn.drawing == strip
    assert glow.input_1 == strip
    assert drawn.scene.animation_data.action is not None


def test_the_preview_shows_the_new_frames(drawn, blender):
    scene = drawn.scene
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x = scene.render.resolution_y = 512
    scene.render.resolution_percentage = 100
    scene.frame_set(20)

    def rendered() -> np.ndarray:
        scene.render.filepath = str(drawn.folder / "seen.png")
        blender.ops.render.render(write_still=True)
        image = blender.data.images.load(scene.render.filepath)
        pixels = np.array(image.pixels[:])
        blender.data.images.remove(image)
        return pixels

    before = rendered()
    assert np.array_equal(rendered(), before)
    move_lip(drawn, 20, 0.2)
    blender.ops.lineportrait.draw()
    assert np.abs(rendered() - before).max() > 0.5


def test_halves_of_a_split_strip_are_redrawn_alike(drawn, blender):
    first = drawn.drawing
    try:
        second = first.split(frame=20, split_method="SOFT")
    except (AttributeError, RuntimeError) as error:
        pytest.skip(f"this Blender splits no strip without a window: {error}")
    move_lip(drawn, 22)
    blender.ops.lineportrait.draw()
    handles = part("compat").handles
    assert [(handles(s).start, handles(s).end) for s in (first, second)] == [(11, 20), (20, 29)]
    assert first.directory == second.directory
    assert first.directory.rstrip("/\\").endswith("take_002")


# recipes


# takes


# several portraits


def test_two_portraits_in_one_scene_have_strips_of_their_own(drawn, blender):
    portrait, strips = part("portrait"), part("strips")
    first = drawn.portrait.uid
    second = portrait.add(drawn.scene, str(drawn.photo)).uid
    assert portrait.values(drawn.scene).name.endswith(" 2")
    assert drawn.portrait.uid == second
    for verb in ("analyze", "speak", "draw"):
        getattr(blender.ops.lineportrait, verb)()
    both = [strips.find(drawn.scene, uid) for uid in (first, second)]
    assert both[0] != both[1]
    assert both[0].channel != both[1].channel
    assert portrait.rig_in(drawn.scene, first) != portrait.rig_in(drawn.scene, second)
    assert "Nothing had to be drawn" in outcome()  # the same photo and the same words
    blender.ops.lineportrait.remove_portrait()
    assert drawn.portrait.uid == first
    assert strips.find(drawn.scene, second) == both[1]


def test_a_portrait_removed_while_it_is_analysed_is_reported(world, start):
    job = start("analyze")
    part("portrait").remove(world.scene, world.portrait.uid)
    job.run()
    assert "Portrait gone" in job.outcome


def test_choosing_a_photo_makes_a_portrait(engine, blender, tmp_path):
    scene = blender.context.scene
    with pytest.raises(RuntimeError, match="No photo"):
        blender.ops.lineportrait.analyze()
    blender.ops.lineportrait.choose_photo(filepath=str(tmp_path / "Anna.jpg"))
    assert part("portrait").values(scene).name == "Anna"
    blender.ops.lineportrait.choose_photo(filepath=str(tmp_path / "Bert.jpg"))
    assert [one.photo for one in part("portrait").every(scene)] == [str(tmp_path / "Bert.jpg")]
    blender.ops.lineportrait.choose_photo(filepath=str(tmp_path / "Cleo.jpg"), new=True)
    assert [one.name for one in part("portrait").every(scene)] == ["Anna", "Cleo"]


# live preview


def wait_for_preview(preview) -> None:
    while True:
        preview.tick()
        if preview._asked is None:
            return


def test_the_live_preview_draws_the_pose_as_it_is_dragged(spoken, blender, engine):
    preview = part("preview")
    blender.ops.lineportrait.live_preview()
    wait_for_preview(preview)  # asks
    wait_for_preview(preview)
    image = preview.image_of(spoken.portrait.uid)
    assert tuple(image.size) == (preview.SIZE, preview.SIZE)
    first = np.array(image.pixels[:])
    part("rig").pose_bones(spoken.rig)[8].location[1] -= 0.2  # not keyed
    blender.context.view_layer.update()
    preview.tick()
    wait_for_preview(preview)
    assert np.abs(np.array(image.pixels[:]) - first).max() > 0.5
    shown = [thing for thing in spoken.scene.objects if thing.get(preview.KEY)]
    assert [thing.data for thing in shown] == [image]
    blender.ops.lineportrait.live_preview()
    assert not preview.is_on(spoken.scene)


def test_the_live_preview_waits_for_jobs_and_tells_of_trouble(spoken, blender, engine, start):
    preview = part("preview")
    blender.ops.lineportrait.live_preview()
    preview.tick()
    job = start("draw")
    preview.tick()
    assert preview._asked is None
    job.run()
    assert job.state is part("jobs").State.DONE
    engine.mood(verb="draw", then="fail", code="OUT_OF_MEMORY", detail="draw")
    preview.tick()
    wait_for_preview(preview)
    assert "Out of memory" in preview.trouble
    assert not preview.is_on(spoken.scene)


# engine
