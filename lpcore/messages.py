"""The sentences shown to the user, keyed by error code: what happened, why, and the remedy.

The one place with wording for failures; the command line, the worker and the add-on all read it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """One failure in words.

    `title` is a few words for a headline; `cause` is a clause; `remedy` says what to do next. ``{detail}`` stands
    for what was met.
    """

    title: str
    cause: str
    remedy: str


MESSAGES: dict[str, Message] = {
    # photo
    "PHOTO_UNREADABLE": Message(
        "Photo unreadable", "{detail} is not an image that can be read", "choose a JPEG, PNG or WebP photo"
    ),
    "PHOTO_MISSING": Message("Photo missing", "there is no file {detail}", "choose the photo again"),
    "PHOTO_TOO_LARGE": Message(
        "Photo too large", "{detail} has more than 178 million pixels", "choose a smaller copy of the photo"
    ),
    "PHOTO_TOO_SMALL": Message(
        "Photo too small",
        "the face is only {detail} pixels wide",
        "use a larger photo in which the face is at least 60 pixels wide",
    ),
    "NO_FACE": Message(
        "No face found",
        "no face was found in {detail}",
        "use a photo that shows one face from the front or three-quarter view",
    ),
    "FACE_CUT_OFF": Message(
        "Face cut off",
        "the face leaves the picture at the {detail}",
        "use a photo that shows the whole face from forehead to chin",
    ),
    "FACE_CHOICE": Message(
        "No such face", "{detail}", "choose one of the faces that Analyze lists, or leave the choice open"
    ),
    # speech
    "AUDIO_MISSING": Message("Speech missing", "there is no file {detail}", "choose the speech again"),
    "AUDIO_UNREADABLE": Message(
        "Speech unreadable",
        "{detail} holds no sound that can be read",
        "convert it to WAV, FLAC, OGG, MP3 or M4A and choose it again",
    ),
    "AUDIO_TOO_SHORT": Message(
        "Speech too short", "the span holds only {detail} of sound", "use at least 0.04 seconds of speech"
    ),
    "SPAN_OUTSIDE": Message(
        "Span outside the speech", "{detail}", "choose a span that lies inside the sound file"
    ),
    # motion and drawing
    "BAD_VALUE": Message("Value out of range", "{detail}", "correct the value and try again"),
    "MOTION_UNREADABLE": Message(
        "Motion unreadable", "{detail}", "make it again with `lpcore speak`, or see docs/motion-format.md"
    ),
    "CUES_UNREADABLE": Message(
        "Mouth cues unreadable", "{detail}", "use a TSV or JSON file as Rhubarb Lip Sync writes it"
    ),
    "STYLE_UNKNOWN": Message(
        "Style unknown", "there is no style named {detail}", "choose one that `lpcore styles` lists"
    ),
    "NO_FRAMES": Message(
        "Nothing to draw", "no frames were asked for", "choose a range with at least one frame"
    ),
    # files
    "OUTPUT_READONLY": Message(
        "Folder not writable", "{detail} cannot be written to", "choose another output folder"
    ),
    "DISK_FULL": Message(
        "Disk full",
        "the disk ran full while writing {detail}",
        "free some space and start again; frames already written are kept",
    ),
    "TRACER_MISSING": Message(
        "Tracer not installed",
        "the package vtracer is not here ({detail})",
        "install the engine again, or vtracer into its Python",
    ),
    "FRAME_UNREADABLE": Message(
        "Frame unreadable", "{detail} is not a picture that can be read", "press Redraw and try again"
    ),
    "FILM_FAILED": Message(
        "Film not written", "the film encoder stopped: {detail}", "the PNG frames are complete; try again"
    ),
    # training
    "DATA_MISSING": Message(
        "Data missing",
        "there is no file {detail}",
        "give the folder or file that the command's --help names",
    ),
    # measuring
    "SHOTS_MISSING": Message(
        "Frames of another program missing",
        "{detail}",
        "give each shot a folder of square pictures or a film file under its name (see docs/measuring.md)",
    ),
    "TEST_SET_UNREADABLE": Message(
        "Test set unreadable",
        "{detail}",
        "make it again with `lpcore evaluate table --data DIR --write-manifest FILE`",
    ),
    "TEST_SET_CHANGED": Message(
        "Test set changed",
        "{detail}",
        "use the data the test set names, or make one of your own with "
        "`lpcore evaluate table --data DIR --write-manifest FILE`",
    ),
    "PLOTS_NOT_INSTALLED": Message(
        "Plots not installed",
        "the package {detail} is not here",
        "install lpcore with its extra `evaluate`",
    ),
    # user studies
    "STUDY_WRONG": Message("Study not understood", "{detail}", "see docs/user-study.md"),
    "ANSWERS_WRONG": Message(
        "Answers not counted",
        "{detail}",
        "use the files as the study's page saved them, with the key of that study",
    ),
    # weights and engine
    "WEIGHTS_MISSING": Message(
        "Weights missing",
        "the model file {detail} is not on this machine",
        "run `lpcore weights fetch` once while online, or install lpcore again if the file came with it",
    ),
    "WEIGHTS_DAMAGED": Message(
        "Weights damaged",
        "the model file {detail} does not match its checksum",
        "delete it and run `lpcore weights fetch` again",
    ),
    "WEIGHTS_NOT_IMPORTED": Message(
        "Published weights missing",
        "the converted checkpoint {detail} is not on this machine",
        "run `lpcore weights import` on the authors' files, as its --help tells",
    ),
    "FAN_NOT_INSTALLED": Message(
        "The paper's landmarks not installed",
        "the package face-alignment, version 1.5 or later, is not here ({detail})",
        "install lpcore with its extra `paper`, or use MediaPipe's landmarks",
    ),
    "FAN_FILES_MISSING": Message(
        "The paper's landmarks incomplete",
        "there is no file {detail}",
        "put the file there as the authors of face-alignment publish it, or use MediaPipe's landmarks",
    ),
    "CHECKPOINTS_MISSING": Message(
        "No checkpoints found",
        "{detail} holds none of the paper's model files",
        "unpack the authors' checkpoint archives and choose the folder that holds them",
    ),
    "CHECKPOINT_WRONG": Message(
        "Checkpoint not understood", "{detail}", "use the file as the paper's authors published it"
    ),
    "FETCH_FAILED": Message(
        "Weights not fetched",
        "{detail}",
        "check the network connection and run `lpcore weights fetch` again",
    ),
    "OUT_OF_MEMORY": Message(
        "Out of memory",
        "the machine ran out of memory during {detail}",
        "choose a smaller size and try again",
    ),
    # the add-on
    "NO_PHOTO": Message("No photo", "no photo is chosen", "choose a photo of one face"),
    "NO_PORTRAIT": Message("No such portrait", "{detail}", "name one of the portraits that `list` shows"),
    "PORTRAIT_GONE": Message(
        "Portrait gone", "the portrait was removed meanwhile", "its frames are kept; choose the photo again"
    ),
    "NOTHING_DRAWN": Message("Nothing drawn yet", "{detail}", "press Draw first"),
    "NOT_DRAWN_THERE": Message("Not drawn there", "{detail}", "press Redraw to draw what is missing"),
    "OFFLINE": Message(
        "Blender is offline",
        "this needs the network",
        "tick Allow Online Access in Blender's preferences under System",
    ),
    "NO_SOURCE": Message(
        "Nothing to install from",
        "{detail}",
        "choose the folder of the Line Portrait project, or its lpcore wheel",
    ),
    "INSTALL_FAILED": Message(
        "Engine not installed", "{detail}", "read the log file, mend the cause and press Install Engine again"
    ),
    "SHOTS_UNREADABLE": Message(
        "Shot list unreadable",
        "{detail}",
        "write CSV with a header row, a JSON list, or TOML with [[shot]] tables (see `render --help`)",
    ),
    "NOT_ANALYZED": Message("Photo not analysed", "the photo's face is not known yet", "press Analyze first"),
    "PICTURES_GONE": Message(
        "Photo to be looked at again",
        "what Analyze wrote went with the Blender that it ran in",
        "press the button again once Analyze, now running, is done",
    ),
    "NOT_CORRECTED": Message(
        "Nothing to reset", "no landmark was put right by hand", "Correct Landmarks lets you drag them"
    ),
    "NO_SEQUENCER": Message(
        "No sequencer here", "this lays the photo over the sequencer", "press it in the sequencer's sidebar"
    ),
    "NO_SPEECH": Message("No speech", "{detail}", "add a sound strip and choose it as the speech"),
    "NO_MIXDOWN": Message(
        "Speech not mixed down",
        "{detail}",
        "use a plain sound strip of one file, neither packed nor retimed, or choose one piece where it is cut",
    ),
    "NOT_SPOKEN": Message("No motion yet", "there is no landmark rig to draw from", "press Speak first"),
    "RIG_INCOMPLETE": Message(
        "Rig incomplete",
        "the rig lacks the bone of {detail}",
        "undo the deletion, or press Speak to rebuild the rig",
    ),
    "RIG_ELSEWHERE": Message(
        "Rig not in this scene",
        "the rig {detail} is not among this window's objects",
        "show its scene in this window first",
    ),
    "NO_VIEW": Message("No 3D View", "this window shows no 3D View", "open one, or press this in one"),
    "ONLY_TAKE": Message("Only one take", "there is no other take to play", "press Speak for another one"),
    "NO_CORRECTION": Message(
        "Nothing keyed here",
        "no correction is keyed at frame {detail}, or other keys end it already",
        "key one, or move the playhead onto one",
    ),
    "NO_BLINK": Message(
        "No blink here", "the eyes stay open at frame {detail}", "move the playhead onto a blink"
    ),
    "NO_GREASE_PENCIL": Message(
        "Grease Pencil too old", "this is Blender {detail}", "use Blender 4.3 or later, or Trace to SVG"
    ),
    "NOTHING_TO_DRIVE": Message(
        "Nothing to drive",
        "{detail} has no shape keys or pose bones with ARKit's names, such as jawOpen",
        "select a character whose shape keys or bones have these names",
    ),
    "SCENE_GONE": Message("Scene gone", "the scene was deleted meanwhile", "{detail}"),
    "BUSY": Message("Already working", "{detail} is still running", "wait for it or cancel it"),
    "NO_ENGINE": Message(
        "Engine not found",
        "{detail}",
        "run `python3 scripts/up.py setup` once, or choose the engine's Python in the add-on's preferences",
    ),
    "ENGINE_DIED": Message(
        "Engine stopped",
        "the drawing engine ended unexpectedly ({detail})",
        "try again; if it happens twice, press Check Engine in the add-on's preferences",
    ),
    "ENGINE_VERSION": Message(
        "Engine does not fit",
        "{detail}",
        "update the add-on and the engine to the same version",
    ),
    "BAD_REQUEST": Message(
        "Request not understood",
        "{detail}",
        "make sure that the add-on and the engine have the same version",
    ),
    "INTERNAL": Message(
        "Engine error",
        "something unforeseen happened: {detail}",
        "set the variable LPCORE_DEBUG=1, try again and send what it prints, or the engine's log file, with a report",
    ),
}


def sentence(code: str, detail: str = "") -> str:
    """One sentence for `code`: title, cause and remedy, with `detail` filled in."""
    message = MESSAGES.get(code, MESSAGES["INTERNAL"])
    text = f"{message.title}: {message.cause}; {message.remedy}."
    return text.replace("{detail}", detail or "it")
