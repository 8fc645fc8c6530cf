"""What goes wrong on the way, and what happens to the scene meanwhile."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from timeline import duplicate, lying, split
from worlds import part


def pump_until(job, condition) -> None:
    while not condition() and not job.pump(timeout=0.05):
        pass


def reported(operator) -> str:
    """The sentence with which an operator fails."""
    with pytest.raises(RuntimeError) as caught:
        operator()
    return str(caught.value)


@pytest.mark.parametrize(
    ("code", "detail", "words"),
    [
        ("NO_FACE", "x.png", "No face found: no face was found in x.png; use a photo"),
        ("PHOTO_TOO_SMALL", "40", "the face is only 40 pixels wide"),
        ("WEIGHTS_MISSING", "static_drawer", "run `lpcore weights fetch`"),
        ("OUT_OF_MEMORY", "draw", "choose a smaller size"),
    ],
)
def test_the_engines_failures_become_sentences(world, engine, blender, code, detail, words):
    engine.mood(verb="analyze", then="fail", code=code, detail=detail)
    assert words in reported(blender.ops.lineportrait.analyze)
    assert words in part("jobs").last().outcome
    assert world.portrait.found == ""


def test_a_missing_photo_is_named(world, engine, blender):
    world.photo.unlink()
    assert f"Photo missing: there is no file {world.photo}" in reported(blender.ops.lineportrait.analyze)


def test_without_a_photo_the_button_says_so(blender):
    assert "No photo: no photo is chosen" in reported(blender.ops.lineportrait.analyze)


def test_a_dying_engine_keeps_its_frames_and_the_next_try_works(spoken, engine, blender):
    engine.mood(verb="draw", after=5, then="die")
    words = reported(blender.ops.lineportrait.draw)
    assert "exit status 7" in words
    assert "told to die" in words
    assert "14 of 18 frames are kept in" in words  # five pictures, one of them held for ten frames
    assert len(spoken.frames()) == 9
    engine.mood()
    blender.ops.lineportrait.draw()
    assert len(spoken.frames()) == 18


def test_a_full_disk_leaves_the_former_drawing_in_place(spoken, engine, blender):
    blender.ops.lineportrait.draw()
    before = spoken.frames()
    spoken.portrait.style = "pen"
    engine.mood(verb="draw", after=3, then="fail", code="DISK_FULL", detail="frame_00003.png")
    words = reported(blender.ops.lineportrait.draw)
    assert "Disk full" in words
    assert "12 of 18 frames are kept" in words
    assert spoken.frames() == before
    assert all(path.is_file() for path in before)


@pytest.mark.parametrize(
    ("number", "title"), [(errno.ENOSPC, "Disk full"), (errno.EACCES, "Folder not writable")]
)
@pytest.mark.parametrize("place", [(Path, "mkdir"), (np, "savez")], ids=["take", "motion"])
def test_a_take_that_cannot_be_written_says_why(spoken, blender, monkeypatch, place, number, title):
    def refuse(*_, **__):
        raise OSError(number, "made up")

    with monkeypatch.context() as patched:
        patched.setattr(*place, refuse)
        assert title in reported(blender.ops.lineportrait.draw)
    assert not list((spoken.folder / "lineportrait").rglob("take_*"))


def test_a_take_in_which_a_frame_is_being_written_stays(tmp_path, blender):
    takes = part("takes")
    (tmp_path / takes.MOTION).touch()
    partial = tmp_path / f".{takes.frame_name(0)}.partial"
    partial.touch()
    takes.discard_if_empty(tmp_path)
    assert partial.is_file()
    partial.unlink()
    takes.discard_if_empty(tmp_path)
    assert not tmp_path.exists()


def test_a_take_without_frames_is_not_left_behind(spoken, engine, blender):
    engine.mood(verb="draw", then="fail", code="OUT_OF_MEMORY", detail="draw")
    reported(blender.ops.lineportrait.draw)
    assert spoken.drawing is None
    assert not list((spoken.folder / "lineportrait").rglob("take_*"))


def test_a_read_only_folder_is_named(spoken, blender, monkeypatch):
    def refuse(self, *_, **__):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert "Folder not writable" in reported(blender.ops.lineportrait.draw)


def test_cancel_stops_the_drawing_and_keeps_what_is_drawn(spoken, engine, start):
    engine.mood(verb="draw", after=4, then="pause")
    job = start("draw")
    pump_until(job, lambda: job.fraction > 0.2)
    assert not job.over
    job.cancel()
    job.run()
    assert job.state is part("jobs").State.STOPPED
    assert job.outcome.startswith("Drawing cancelled. 13 of 18 frames are kept")
    assert len(spoken.frames()) == 8
    assert engine.shared.running


def test_what_is_drawn_is_shown_though_the_speech_was_trimmed_meanwhile(spoken, engine, start):
    engine.mood(verb="draw", after=4, then="pause")
    job = start("draw")
    pump_until(job, lambda: job.fraction > 0.2)
    spoken.speech.frame_offset_start += 10
    job.cancel()
    job.run()
    assert job.outcome.startswith("Drawing cancelled. 13 of 18 frames are kept")
    lies = part("compat").handles(spoken.drawing)
    assert (lies.start, lies.end) == (11, 19)


def test_a_drawing_stays_with_its_speech_though_another_was_chosen_meanwhile(spoken, engine, start, blender):
    other = duplicate(spoken, blender, "voice", 4, 50)
    engine.mood(verb="draw", after=4, then="pause")
    job = start("draw")
    pump_until(job, lambda: job.fraction > 0.2)
    blender.ops.lineportrait.choose_speech(name=other.name)
    job.cancel()
    job.run()
    assert lying(spoken) == [(11, 19)]
    assert not other.get(part("pieces").MARK)


def test_a_drawing_lands_beside_what_is_left_of_its_speech(spoken, engine, start, blender):
    engine.mood(verb="draw", after=4, then="pause")
    job = start("draw")
    pump_until(job, lambda: job.fraction > 0.2)
    part("compat").move(split(spoken, blender, 14), 30)
    part("compat").strips(spoken.scene).remove(spoken.speech)
    job.cancel()
    job.run()
    assert lying(spoken) == [(44, 49)]


def test_an_engine_that_ignores_cancel_is_ended(spoken, engine, start):
    engine.mood(verb="draw", after=2, then="hang")
    job = start("draw")
    pump_until(job, lambda: job.fraction > 0.1)
    job.cancel_grace = 0.0
    job.cancel()
    job.run()
    assert job.state is part("jobs").State.STOPPED
    assert not engine.shared.running


def test_only_one_job_at_a_time(spoken, engine, blender, start):
    engine.mood(verb="draw", after=1, then="pause")
    job = start("draw")
    assert "Already working: Drawing is still running" in reported(blender.ops.lineportrait.speak)
    blender.ops.lineportrait.cancel()
    job.run()
    assert part("jobs").current() is None


def test_opening_another_file_stops_the_job(spoken, engine, blender, start):
    engine.mood(verb="draw", after=1, then="pause")
    job = start("draw")
    pump_until(job, lambda: job.fraction > 0)
    blender.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert job.over
    assert part("jobs").current() is None
    assert not part("compat").strips(blender.context.scene)


def remove_speech(world):
    part("compat").strips(world.scene).remove(world.speech)


def remove_rig(world):
    world.scene.collection.objects.unlink(world.rig)


def rename_everything(world):
    world.scene.name, world.speech.name, world.rig.name = "Other", "other", "other"


@pytest.mark.parametrize("meddle", [remove_speech, remove_rig, rename_everything])
def test_meddling_while_drawing_does_not_hurt(spoken, start, meddle):
    job = start("draw")
    meddle(spoken)
    job.run()
    assert job.state is part("jobs").State.DONE
    assert len(spoken.frames()) == 18


@pytest.mark.parametrize("meddle", [remove_speech, remove_rig, rename_everything])
def test_meddling_while_speaking_does_not_hurt(spoken, start, meddle):
    job = start("speak")
    meddle(spoken)
    job.run()
    assert job.state is part("jobs").State.DONE
    assert part("motion").has_prediction(spoken.rig)


def test_a_deleted_scene_is_reported_and_its_frames_kept(spoken, blender, start):
    blender.data.scenes.new("Second")
    job = start("draw")
    blender.data.scenes.remove(spoken.scene)
    job.run()
    assert "Scene gone" in job.outcome
    assert "the frames are kept in" in job.outcome


def test_no_engine_at_all(world, blender, monkeypatch, tmp_path):
    monkeypatch.delenv("LPCORE_PYTHON")
    monkeypatch.setattr(part("engine"), "pointer_file", lambda: tmp_path / "none.json")
    words = reported(blender.ops.lineportrait.analyze)
    assert "Engine not found" in words
    assert "`python3 scripts/up.py setup`" in words
    assert part("jobs").last().outcome in words


def test_the_engine_is_found_by_preference_variable_and_pointer(engine, blender, monkeypatch, tmp_path):
    module = part("engine")
    pointer = tmp_path / "engine.json"
    monkeypatch.setattr(module, "pointer_file", lambda: pointer)
    pointer.write_text(json.dumps({"python": sys.executable}))
    other = tmp_path / "python"
    other.write_text("")
    assert module.find_python(str(other)) == other
    monkeypatch.setenv("LPCORE_PYTHON", str(other))
    assert module.find_python() == other
    monkeypatch.delenv("LPCORE_PYTHON")
    assert module.find_python() == Path(sys.executable)
    for damaged in ("{", "[]", "{}"):
        pointer.write_text(damaged)
        with pytest.raises(part("lpcore.errors").LpError, match="cannot be read"):
            module.find_python()


def test_a_python_that_is_gone_or_no_program(world, blender, monkeypatch, tmp_path):
    monkeypatch.setenv("LPCORE_PYTHON", str(tmp_path / "gone"))
    assert "there is no Python at" in reported(blender.ops.lineportrait.analyze)
    (tmp_path / "gone").write_text("not a program")
    assert "cannot be started" in reported(blender.ops.lineportrait.analyze)


def test_a_python_without_lpcore_says_what_is_missing(world, blender, monkeypatch):
    monkeypatch.setattr(part("engine"), "command", lambda python: [str(python), "-I", "-m", "no_such_worker"])
    assert "No module named no_such_worker" in reported(blender.ops.lineportrait.analyze)


def test_a_foreign_protocol_is_refused(world, engine, blender):
    engine.mood(protocol=99)
    assert "speaks protocol 99" in reported(blender.ops.lineportrait.analyze)


def test_a_request_that_is_not_understood_ends_the_job(world, engine, blender):
    engine.mood(verb="analyze", then="misunderstand")
    assert "Request not understood" in reported(blender.ops.lineportrait.analyze)


def test_check_engine_reports_versions_and_missing_weights(engine, blender):
    blender.ops.lineportrait.check_engine()
    assert engine.shared.greeting["version"] == "0.1.0"
    engine.mood(weights_missing=True)
    assert "the model file face_mesh is not on this machine" in reported(
        blender.ops.lineportrait.check_engine
    )


def test_the_engines_environment_is_scrubbed(world, engine, blender, monkeypatch):
    for name in part("engine").INHERITED_BY_ACCIDENT:
        monkeypatch.setenv(name, "/nowhere")
    blender.ops.lineportrait.analyze()
    process = engine.shared._process
    assert process is not None
    if Path("/proc").is_dir():
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        assert b"/nowhere" not in environment
        assert os.getpgid(process.pid) != os.getpgid(0)


def test_the_engine_stays_between_requests_and_leaves_with_the_extension(world, engine, blender):
    blender.ops.lineportrait.analyze()
    process = engine.shared._process
    blender.ops.lineportrait.speak()
    assert engine.shared._process is process
    part("engine").unregister()
    assert process.returncode == 0
    part("engine").register()
