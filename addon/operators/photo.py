"""The buttons that work on the photo itself, laid over the sequencer: choose a face, put landmarks right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.app.handlers import persistent
from bpy.props import IntProperty
from bpy.types import Event, Operator, Scene

from .. import compat, corrected, jobs, plan, portrait
from ..compat import Context
from ..landmark_drag import Drag
from ..lpcore.errors import LpError
from ..ui import overlay
from ..ui.photo_marks import paint_faces, paint_landmarks
from .base import Returned, WaitingOperator

REACH = 14  # region pixels from a landmark at which it can be taken
ZOOM = 1.25
DOUBTFUL = 0.5  # confidence below which a landmark is shown as uncertain

CHOOSE_LEGEND = ("Click the face to draw", "Esc: leave it as it is")
CORRECT_LEGEND = (
    "Drag: one landmark",
    "Shift Drag: its whole region",
    "Backspace: as found",
    "Ctrl Z: take back",
    "Enter: keep",
    "Esc: discard",
    "Wheel: zoom",
    "Middle mouse: shift",
)


class OverlayOperator(WaitingOperator):
    """Base of the modal operators over a picture; a subclass has `require`, `open` and `handle`."""

    bl_options = {"UNDO"}
    _stage: overlay.Stage

    def open(self, scene: Scene) -> tuple[Path, tuple[str, ...]]:
        """The picture to show and the phrases below it. May raise LpError."""
        raise NotImplementedError

    def handle(self, context: Context, event: Event) -> Returned:
        """Answer an event over the picture."""
        raise NotImplementedError

    def begin(self, context: Context) -> bool:
        """Open the stage; where the pictures are gone, Analyze begins instead."""
        area: Any = context.area
        try:
            if area is None or area.type != "SEQUENCE_EDITOR" or bpy.app.background:
                raise LpError("NO_SEQUENCER")
            region = overlay.picture_region(area)
            picture, legend = self.open(compat.sequencer_scene(context))
        except LpError as error:
            if error.code == "PICTURES_GONE":
                bpy.ops.lineportrait.analyze("INVOKE_DEFAULT")  # pyright: ignore[reportAttributeAccessIssue]
            self.report({"WARNING"}, str(error))
            return False
        overlay.close_all()
        self._stage = overlay.Stage(region, picture, legend)
        context.window_manager.modal_handler_add(self)  # pyright: ignore[reportArgumentType]
        return True

    def modal(self, context: Context, event: Event) -> Returned:
        if self._stage.region is None:  # its area, or the file, is gone, or another overlay took its place
            return self.leave()
        if event.type in ("ESC", "RIGHTMOUSE") and event.value == "PRESS":
            return self.leave()
        if not self._stage.covers(event) and not self.holds():
            return {"PASS_THROUGH"}
        try:
            return self.handle(context, event)
        except LpError as error:
            self.report({"ERROR"}, str(error))
            self._stage.close()
            return {"CANCELLED"}

    def holds(self) -> bool:
        """Whether something is in hand, so that the mouse may leave the picture."""
        return False

    def leave(self) -> Returned:
        self._stage.close()
        return {"CANCELLED"}

    def cancel(self, context: Context) -> None:
        """Blender ends the operator."""
        self._stage.close()


class LINEPORTRAIT_OT_choose_face(OverlayOperator, Operator):
    bl_idname = "lineportrait.choose_face"
    bl_label = "Choose Face"
    bl_description = "Show the photo and click the face to draw"

    face: IntProperty(name="Face", description="0 is the largest", min=0, options={"SKIP_SAVE"})

    @staticmethod
    def require(scene: Scene) -> None:
        if not portrait.faces(scene):
            raise LpError("NOT_ANALYZED")

    def execute(self, context: Context) -> Returned:
        return _take_face(compat.sequencer_scene(context), self.face)

    def invoke(self, context: Context, event: Event) -> Returned:
        if not self.begin(context):
            return {"CANCELLED"}
        scene = compat.sequencer_scene(context)
        scale = self._stage.view.picture[0] / portrait.photo_size(scene)[0]
        self._boxes = np.array(portrait.faces(scene))[:, :4] * scale
        self._hover = hover = [-1]
        stage, boxes, now = self._stage, self._boxes, portrait.values(scene).face
        stage.paint = lambda: paint_faces(stage, boxes, hover[0], now)
        return {"RUNNING_MODAL"}

    def open(self, scene: Scene) -> tuple[Path, tuple[str, ...]]:
        return portrait.pictures(scene)[0], CHOOSE_LEGEND

    def handle(self, context: Context, event: Event) -> Returned:
        stage = self._stage
        self._hover[0] = face_at(self._boxes, stage.view.to_picture(stage.mouse(event)))
        stage.refresh()
        if event.type == "LEFTMOUSE" and event.value == "PRESS" and self._hover[0] >= 0:
            stage.close()
            return _take_face(compat.sequencer_scene(context), self._hover[0])
        return {"RUNNING_MODAL"}


class LINEPORTRAIT_OT_correct_landmarks(OverlayOperator, Operator):
    bl_idname = "lineportrait.correct_landmarks"
    bl_label = "Correct Landmarks"
    bl_description = (
        "Show the landmarks found in the photo, and drag those that lie wrong to where they belong"
    )

    @staticmethod
    def require(scene: Scene) -> None:
        portrait.analysis(scene)

    def invoke(self, context: Context, event: Event) -> Returned:
        if not self.begin(context):
            return {"CANCELLED"}
        scene = compat.sequencer_scene(context)
        self._portrait = portrait.values(scene).uid
        self._drag = drag = Drag(corrected.landmarks(scene), corrected.found(scene))
        self._hover = hover = [-1]
        self._panned: np.ndarray | None = None
        stage, doubt = self._stage, np.array(portrait.analysis(scene)["confidence"]) < DOUBTFUL
        stage.paint = lambda: paint_landmarks(stage, drag, doubt, hover[0])
        return {"RUNNING_MODAL"}

    def open(self, scene: Scene) -> tuple[Path, tuple[str, ...]]:
        return portrait.pictures(scene)[1], CORRECT_LEGEND

    def holds(self) -> bool:
        return bool(self._drag.held) or self._panned is not None

    def leave(self) -> Returned:
        if self._drag.held and self._stage.region:
            self._drag.release()
            self._stage.refresh()
            return {"RUNNING_MODAL"}
        return super().leave()

    def handle(self, context: Context, event: Event) -> Returned:
        stage, drag, view = self._stage, self._drag, self._stage.view
        mouse = stage.mouse(event)
        place = view.to_picture(mouse)
        pressed, released = event.value == "PRESS", event.value == "RELEASE"
        stage.refresh()
        if self._panned is not None and event.type != "MIDDLEMOUSE":
            view.pan(mouse - self._panned)
            self._panned = mouse
        elif drag.held:
            drag.move(place)
            if event.type == "LEFTMOUSE" and released:
                drag.drop()
        else:
            near = drag.nearest(place, REACH / view.scale)
            self._hover[0] = -1 if near is None else near
            if event.type == "LEFTMOUSE" and pressed and near is not None:
                drag.grab(near, place, event.shift)
            elif event.type == "MIDDLEMOUSE":
                self._panned = mouse if pressed else None
            elif event.type in ("WHEELUPMOUSE", "WHEELDOWNMOUSE"):
                view.zoom(ZOOM if event.type == "WHEELUPMOUSE" else 1 / ZOOM, mouse)
            elif event.type == "Z" and pressed and (event.ctrl or event.oskey):
                drag.step_back()
            elif event.type in ("BACK_SPACE", "DEL") and pressed and near is not None:
                drag.reset(near)
            elif event.type in ("RET", "NUMPAD_ENTER") and pressed:
                return self._keep(context)
        return {"RUNNING_MODAL"}

    def _keep(self, context: Context) -> Returned:
        running = jobs.current()
        if running:
            self.report({"WARNING"}, str(LpError("BUSY", running.title)))
            return {"RUNNING_MODAL"}
        self._stage.close()
        count = corrected.keep(compat.sequencer_scene(context), self._drag.points, self._portrait)
        plan.forget()
        self.report({"INFO"}, f"Landmarks put right: {count}. Speak again for a motion made for them.")
        return {"FINISHED"}


class LINEPORTRAIT_OT_reset_landmarks(Operator):
    bl_idname = "lineportrait.reset_landmarks"
    bl_label = "Reset Landmarks"
    bl_description = "Take the landmarks of the photo as they were found"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        try:
            if jobs.current():
                raise LpError("BUSY", "another job")
            if not corrected.moves(compat.sequencer_scene(context)):
                raise LpError("NOT_CORRECTED")
        except LpError as error:
            cls.poll_message_set(str(error))
            return False
        return True

    def execute(self, context: Context) -> Returned:
        corrected.reset(compat.sequencer_scene(context))
        plan.forget()
        return {"FINISHED"}


def face_at(boxes: np.ndarray, place: np.ndarray) -> int:
    """Which of `boxes` (N, 4: left, top, width, height) holds `place`, the one with the nearest centre; -1 for none."""
    inside = np.all((place >= boxes[:, :2]) & (place <= boxes[:, :2] + boxes[:, 2:]), axis=1)
    distances = np.linalg.norm(boxes[:, :2] + boxes[:, 2:] / 2 - place, axis=1)
    return int(np.where(inside, distances, np.inf).argmin()) if inside.any() else -1


def _take_face(scene: Scene, face: int) -> Returned:
    """Let the portrait be of this face, and look at it."""
    portrait.values(scene).face = face
    if not bpy.app.background:
        bpy.ops.lineportrait.analyze("INVOKE_DEFAULT")  # pyright: ignore[reportAttributeAccessIssue]
    return {"FINISHED"}


@persistent
def _before_load(*_: Any) -> None:
    overlay.close_all()


CLASSES = (
    LINEPORTRAIT_OT_choose_face,
    LINEPORTRAIT_OT_correct_landmarks,
    LINEPORTRAIT_OT_reset_landmarks,
)


def register() -> None:
    bpy.app.handlers.load_pre.append(_before_load)


def unregister() -> None:
    bpy.app.handlers.load_pre.remove(_before_load)
    overlay.close_all()
