"""The add-on's preferences: where the engine's Python is, and what the engine says of itself."""

from pathlib import Path

import bpy
from bpy.props import StringProperty
from bpy.types import AddonPreferences, UILayout

from . import engine
from .compat import Context
from .lpcore.errors import LpError

BASE = str(__package__)
"""The extension's name in Blender, which depends on the repository it was installed from."""


class LINEPORTRAIT_AP_preferences(AddonPreferences):
    bl_idname = BASE

    engine_python: StringProperty(
        name="Engine Python",
        description="Python of the environment that holds lpcore; empty to use the one that the set-up made",
        subtype="FILE_PATH",
    )

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "engine_python")
        try:
            layout.label(text=f"Engine: {engine_python()}", icon="CHECKMARK")
        except LpError as error:
            layout.label(text=str(error), icon="ERROR")
        layout.operator("lineportrait.check_engine", icon="FILE_REFRESH")
        if engine.shared.greeting:
            _draw_greeting(layout.box())


def _draw_greeting(box: UILayout) -> None:
    said = engine.shared.greeting
    box.label(
        text=f"lpcore {said.get('version')}, Python {said.get('python')}, torch {said.get('torch')}, "
        f"running on {said.get('device')}"
    )
    for weight in said.get("weights", ()):
        here = weight.get("present")
        row = box.row()
        row.label(text=weight.get("name", ""), icon="CHECKMARK" if here else "ERROR")
        row.label(text=weight.get("licence", "") if here else "missing: run `lpcore weights fetch`")


def engine_python() -> Path:
    """The engine's Python by the preferences or found. Raises LpError ``NO_ENGINE``."""
    context: Context = bpy.context
    chosen = context.preferences.addons[BASE].preferences.engine_python
    return engine.find_python(bpy.path.abspath(chosen) if chosen else "")


def start_engine() -> engine.Engine:
    """The running engine. Raises LpError ``NO_ENGINE``."""
    log = Path(bpy.utils.extension_path_user(BASE, create=True)) / "engine.log"
    engine.shared.start(engine_python(), log)
    return engine.shared


CLASSES = (LINEPORTRAIT_AP_preferences,)
