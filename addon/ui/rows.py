"""Rows that the panels have in common: wrapped sentences, and a button with the progress of its job."""

from __future__ import annotations

import textwrap
from typing import Any

from bpy.types import UILayout

from .. import jobs
from ..compat import Context
from ..operators.base import JobOperator
from ..preferences import BASE

CHARACTER = 6.5
"""Average width in pixels of a character of the interface font at scale 1."""

ENGINE_TROUBLE = ("NO_ENGINE", "ENGINE_DIED", "ENGINE_VERSION", "WEIGHTS_MISSING", "WEIGHTS_DAMAGED")


def column(layout: Any) -> UILayout:
    layout.use_property_split = True
    layout.use_property_decorate = False
    return layout.column()


def draw_button(column: UILayout, operator: type[JobOperator], icon: Any, width: int, text: str = "") -> None:
    """The operator's button; while its job runs, the progress instead; afterwards how the job ended."""
    job, last = jobs.current(), jobs.last()
    if job and job.title == operator.title:
        row = column.row(align=True)
        row.progress(factor=job.fraction, type="BAR", text=f"{job.phase}  {job.fraction:.0%}")
        row.operator("lineportrait.cancel", text="", icon="X")
        return
    column.operator(operator.bl_idname, text=text or operator.bl_label, icon=icon)
    if last and last.title == operator.title and last.state is not jobs.State.DONE:
        draw_text(column, last.outcome, width, "ERROR" if last.error else "INFO")
        if last.error and last.error.code in ENGINE_TROUBLE:
            shown = column.operator("preferences.addon_show", text="Set Up Engine", icon="PREFERENCES")
            shown.module = BASE


def draw_text(column: UILayout, text: str, width: int, icon: Any) -> None:
    """A sentence broken into rows that fit the sidebar."""
    rows = column.column(align=True)
    for number, line in enumerate(textwrap.wrap(text, width)):
        rows.label(text=line, icon=icon if number == 0 else "BLANK1")


def characters(context: Context) -> int:
    """How many characters fit into a row of the sidebar, beside icon and margins."""
    scale = context.preferences.system.ui_scale
    return max(int((context.region.width / scale - 60) / CHARACTER), 16)
