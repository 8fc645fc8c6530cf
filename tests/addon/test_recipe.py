"""What a strip knows of how it was made, and what is done with it: recipe, settings, takes, clean-up, report."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import pytest
from worlds import MODULE, move_lip, outcome, part

PICTURES = 9  # of the fake worker's 18 frames, one of which is held for ten


def test_the_strip_carries_its_recipe_and_the_ai_mark(drawn, blender):
    recipe = part("strips").recipe_of(drawn.drawing)
    assert recipe["look"]["style"] == "ink"
    assert recipe["settings"]["blink_rate"] == 15
    assert len(recipe["audio_sha256"]) == 64
    assert "trained networks" in drawn.drawing[part("strips").AI_MADE]
    take = part("strips").folder_of(drawn.drawing)
    written = json.loads((take / "recipe.json").read_text())
    assert written["frames"] == 18
    assert (written["detector"], written["style_sha256"]) == ("mediapipe", "")
    assert set(written["weights"]) == {"hama"}
    drawn.portrait.mark = False
    blender.ops.lineportrait.draw()
    assert part("strips").AI_MADE not in drawn.drawing


def test_why_is_this_different_names_what_changed(drawn):
    why = part("operators.strip").why
    assert why(drawn.scene) == ["Nothing: Draw would make the same frames."]
    drawn.portrait.style, drawn.portrait.lips, drawn.portrait.ink = "pen", 0.5, (1, 0, 0)
    assert why(drawn.scene) == ["Style: ink when drawn, pen now.", "Ink: #000000 when drawn, #ff0000 now."]
    drawn.portrait.style, drawn.portrait.ink = "ink", (0, 0, 0)
    move_lip(drawn, 20)
    assert why(drawn.scene) == ["The landmarks moved in 1 of 18 frames: 20."]
    found = json.loads(drawn.portrait.found)
    found["crop"]["roll"] += 0.01
    drawn.portrait.found = json.dumps(found)
    assert why(drawn.scene)[0] == "The face's place in the photo changed."


def test_why_names_speech_and_engine(drawn, engine, blender):
    why = part("operators.strip").why
    drawn.portrait.lips = 0.5
    blender.ops.lineportrait.speak()
    assert "Lips: 1 when drawn, 0.5 now." in why(drawn.scene)
    drawn.portrait.style = "pen"
    blender.ops.lineportrait.draw()
    assert why(drawn.scene) == ["Nothing: Draw would make the same frames."]
    engine.mood(pen="other networks")
    blender.ops.lineportrait.check_engine()
    assert why(drawn.scene) == ["The engine's networks, its code or its libraries changed since."]
    assert part("plan").make(drawn.scene).to_draw == PICTURES


def test_every_setting_of_the_motion_is_offered_recorded_and_explained(drawn, blender):
    usual = asdict(part("lpcore.types").SpeakSettings())
    assert part("portrait").settings(drawn.scene) == usual
    assert part("strips").recipe_of(drawn.drawing)["settings"] == usual
    chosen = drawn.portrait
    chosen.emotion, chosen.emotion_strength, chosen.module = "happy", 0.5, "makeittalk"
    chosen.yaw, chosen.brows, chosen.silence_db, chosen.style_audio = 0.5, 2, -30, "//speech.wav"
    blender.ops.lineportrait.speak()
    assert part("portrait").made_from(drawn.scene)["settings"]["style_audio"] == str(
        drawn.folder / "speech.wav"
    )
    assert set(part("operators.strip").why(drawn.scene)) == {
        "Brows: 1 when drawn, 2 now.",
        "Turn: 1 when drawn, 0.5 now.",
        "Emotion: neutral when drawn, happy now.",
        "The emotion's Strength: 1 when drawn, 0.5 now.",
        "Silence (dB): -40 when drawn, -30 now.",
        f"Manner Of: none when drawn, {drawn.folder / 'speech.wav'} now.",
        "Networks: default when drawn, makeittalk now.",
    }
    blender.ops.lineportrait.copy_settings()
    assert part("portrait").settings(drawn.scene) == usual


def test_frames_are_named_in_ranges():
    ranges = part("order").as_ranges
    assert ranges([3, 4, 5, 9], 10) == "13-15, 19"
    assert ranges([], 1) == ""
    assert ranges(range(0, 40, 2), 0).endswith(", …")


def test_settings_can_be_taken_back_from_the_strip(drawn, blender):
    portrait = drawn.portrait
    portrait.line_weight, portrait.ink, portrait.size = 0.5, (0, 0.2, 1), 256
    blender.ops.lineportrait.draw()
    wanted = part("order").of(drawn.scene)
    portrait.line_weight, portrait.ink, portrait.size, portrait.style = 0, (0, 0, 0), 512, "pen"
    blender.ops.lineportrait.copy_settings()
    assert part("order").of(drawn.scene) == wanted


def test_clean_up_removes_what_no_strip_shows_and_nothing_else(drawn, blender):
    for frame in (20, 22):
        move_lip(drawn, frame)
        blender.ops.lineportrait.draw()
    takes, strips = part("takes"), part("strips")
    first, second, third = sorted(takes.all_of(drawn.portrait))
    (second / "my notes.txt").write_text("keep")
    assert strips.folder_of(drawn.drawing) == third
    shown = [path.read_bytes() for path in drawn.frames()]
    blender.ops.lineportrait.clean_up()
    assert not first.exists()
    assert [path.name for path in second.iterdir()] == ["my notes.txt"]
    assert [path.read_bytes() for path in drawn.frames()] == shown


def test_a_missing_take_is_told_and_redrawn_from_the_store(drawn, blender):
    import shutil

    shutil.rmtree(part("strips").folder_of(drawn.drawing))
    blender.ops.lineportrait.draw()
    assert "Nothing had to be drawn" in outcome()
    assert all(path.is_file() for path in drawn.frames())


def test_the_device_is_told_to_the_engine_and_changes_restart_it(world, engine, blender):
    blender.ops.lineportrait.analyze()
    process = engine.shared._process
    blender.context.preferences.addons[MODULE].preferences.device = "cpu"
    blender.ops.lineportrait.analyze()
    assert engine.shared._process is not process
    assert engine.shared.device == "cpu"


def test_the_report_names_versions_and_hides_the_home_folder(world, engine, blender, monkeypatch, tmp_path):
    from pathlib import Path

    monkeypatch.setattr(Path, "home", lambda: Path(sys.executable).parent)
    blender.ops.lineportrait.check_engine()
    text = part("operators.engine").report()
    assert "Line Portrait 0.1.0, Blender" in text
    assert "static_drawer: present, CC0-1.0" in text
    assert str(Path(sys.executable).parent) not in text
    assert "GB free" in text


def test_a_missing_drive_is_done_without(drawn, blender, tmp_path):
    (tmp_path / "gone").write_text("a file where the drive was mounted")
    blender.context.preferences.addons[MODULE].preferences.store = str(tmp_path / "gone" / "store")
    assert "GB free" in part("preferences").disk_space() or "missing" in part("preferences").disk_space()
    drawn.portrait.style = "pen"
    blender.ops.lineportrait.draw()
    assert f"{PICTURES} of 18 frames redrawn" in outcome()
    drawn.portrait.folder = str(tmp_path / "gone" / "frames")
    with pytest.raises(RuntimeError, match="Folder not writable"):
        blender.ops.lineportrait.draw()
