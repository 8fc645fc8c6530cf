"""The *Line Portrait* tab in the Graph Editor's sidebar: layers, regions and what can be done to their curves."""

from __future__ import annotations

from typing import Any

from bpy.types import Menu, Panel, UILayout

from .. import corrections, motion, predictions
from ..compat import Context
from ..lpcore.errors import LpError
from ..operators.adjust import told_keys
from ..operators.rig_base import active_region, rig_of
from ..regions import FACE

HOLDS = ((1, "Ones"), (2, "Twos"), (3, "Threes"))


class GraphPanel:
    """Where the panels live."""

    bl_space_type = "GRAPH_EDITOR"
    bl_region_type = "UI"
    bl_category = "Line Portrait"


class NeedsRig:
    """A panel that has nothing to say before there is motion."""

    @classmethod
    def poll(cls, context: Context) -> bool:
        try:
            rig_of(context)
        except LpError:
            return False
        return True


class LINEPORTRAIT_PT_layers(GraphPanel, Panel):
    bl_label = "Layers"

    def draw(self, context: Context) -> None:
        draw_layers(self.layout.column(), context)


class LINEPORTRAIT_PT_regions(NeedsRig, GraphPanel, Panel):
    bl_label = "Regions"

    def draw(self, context: Context) -> None:
        draw_regions(self.layout.column(align=True), rig_of(context))


class LINEPORTRAIT_PT_adjust(NeedsRig, GraphPanel, Panel):
    bl_label = "Prediction"

    def draw(self, context: Context) -> None:
        draw_adjustments(self.layout.column(), rig_of(context))


class LINEPORTRAIT_PT_blinks(NeedsRig, GraphPanel, Panel):
    bl_label = "Timing"

    def draw(self, context: Context) -> None:
        draw_timing(self.layout.column(), rig_of(context))


class LINEPORTRAIT_MT_take(Menu):
    bl_label = "Take"

    def draw(self, context: Context) -> None:
        for action in reversed(predictions.all_of(rig_of(context))):
            choice = self.layout.operator("lineportrait.choose_take", text=predictions.title_of(action))
            choice.number = predictions.about_of(action)["number"]


def draw_layers(column: UILayout, context: Context) -> None:
    """Which curves are edited, and which take of the prediction plays."""
    try:
        body = rig_of(context)
    except LpError:
        column.label(text="No motion yet", icon="INFO")
        column.label(text="Press Speak in the Sequencer", icon="BLANK1")
        return
    column.label(text=body.name, icon="ARMATURE_DATA")
    shown = motion.shows_prediction(body)
    row = column.row(align=True)
    row.operator("lineportrait.edit_layer", text="Corrections", depress=not shown).prediction = False
    row.operator("lineportrait.edit_layer", text="Prediction", depress=shown).prediction = True
    told = "Speak replaces changes" if shown else "Keys add to the prediction"
    column.label(text=told, icon="ERROR" if shown else "INFO")
    if not shown:
        column.operator("lineportrait.fade_correction", icon="IPO_EASE_IN_OUT")
    action = motion.take_of(body)
    if predictions.about_of(action):
        row = column.row(align=True)
        row.menu("LINEPORTRAIT_MT_take", text=predictions.title_of(action), icon="ACTION")
        row.operator("lineportrait.delete_take", text="", icon="TRASH")


def draw_regions(column: UILayout, body: Any) -> None:
    """A row for each region: show its curves, mute its prediction, reset its corrections."""
    active, muted, corrected = active_region(body), motion.muted_regions(body), corrections.regions_of(body)
    for name, region in FACE.items():
        row = column.row(align=True)
        show = row.operator("lineportrait.show_region", text=region.label, depress=name == active)
        show.region = name
        if region.landmarks:
            icon = "HIDE_ON" if name in muted else "HIDE_OFF"
            mute = row.operator("lineportrait.mute_prediction", text="", icon=icon, depress=name in muted)
            mute.region = name
        else:
            row.label(text="", icon="BLANK1")
        reset = row.row(align=True)
        reset.active = name in corrected
        reset.operator("lineportrait.reset_corrections", text="", icon="LOOP_BACK").region = name


def draw_adjustments(column: UILayout, body: Any) -> None:
    """What is done to the prediction of the active region."""
    region, now = active_region(body), predictions.adjustments_of(body)
    keys = told_keys(body, region)
    column.label(text=keys.partition(",")[0])
    column.label(text=keys.partition(", ")[2] + " of the prediction", icon="BLANK1")
    for operator, text in (
        ("scale_region", f"Scale: {now.scale.get(region, 1.0):.2f}"),
        ("smooth_region", f"Smooth: {now.smooth.get(region, 0.0):.2f} s"),
        ("rekey", "Re-Key from Audio"),
    ):
        button = column.operator(f"lineportrait.{operator}", text=text)
        button.region = region
    closed = bool(now.silent)
    button = column.operator("lineportrait.close_in_silence", icon="MUTE_IPO_ON", depress=closed)
    button.state = not closed


def draw_timing(column: UILayout, body: Any) -> None:
    """Blinks at the playhead, and how long a pose lasts."""
    row = column.row(align=True)
    row.operator("lineportrait.add_blink", icon="ADD")
    row.operator("lineportrait.remove_blink", text="Remove", icon="REMOVE")
    held = motion.hold(body)
    column.label(text="A new pose on")
    row = column.row(align=True)
    for frames, text in HOLDS:
        row.operator("lineportrait.hold_poses", text=text, depress=held == frames).frames = frames


CLASSES = (
    LINEPORTRAIT_MT_take,
    LINEPORTRAIT_PT_layers,
    LINEPORTRAIT_PT_regions,
    LINEPORTRAIT_PT_adjust,
    LINEPORTRAIT_PT_blinks,
)
