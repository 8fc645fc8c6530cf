"""The add-on's preferences: the engine, where frames are kept, and what the engine says of itself."""

import shutil
from pathlib import Path

import bpy
from bpy.props import EnumProperty, FloatProperty, StringProperty
from bpy.types import AddonPreferences, UILayout

from . import engine, install
from .compat import Context
from .lpcore.errors import LpError

BASE = str(__package__)
"""The extension's name in Blender, which depends on the repository it was installed from."""

DEVICES = (
    ("auto", "Fastest Here", "The graphics processor where there is one that the engine can use"),
    ("cuda", "NVIDIA (CUDA)", "An NVIDIA graphics processor"),
    ("mps", "Apple (MPS)", "The graphics processor of an Apple computer"),
    ("cpu", "Processor", "The processor; works everywhere"),
)


class LINEPORTRAIT_AP_preferences(AddonPreferences):
    bl_idname = BASE

    engine_python: StringProperty(
        name="Engine Python",
        description="Python of the environment that holds lpcore; empty to use the one that the set-up made",
        subtype="FILE_PATH",
    )
    engine_source: StringProperty(
        name="Install From",
        description="Folder of the Line Portrait project, or its lpcore wheel, for Install Engine",
        subtype="FILE_PATH",
    )
    device: EnumProperty(name="Device", description="Where the engine computes", items=DEVICES)
    store: StringProperty(
        name="Frame Store",
        description="Folder in which drawn frames are kept for later takes; empty to use the add-on's own",
        subtype="DIR_PATH",
    )
    store_gigabytes: FloatProperty(
        name="Limit in GB",
        description="Gigabytes that the frame store may hold; what was of no use for longest goes first. "
        "0 keeps nothing: frames are then found in the shown and the newest take only",
        min=0,
        soft_max=100,
        default=2,
        precision=1,
    )

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        _draw_engine(layout.column(heading="Engine"), self)
        layout.separator()
        column = layout.column(heading="Frames")
        column.prop(self, "store", placeholder=str(own_store()))
        column.prop(self, "store_gigabytes")
        said = engine.shared.greeting
        if said:
            _draw_greeting(layout.box())


def _draw_engine(column: UILayout, chosen: LINEPORTRAIT_AP_preferences) -> None:
    column.prop(chosen, "engine_python")
    try:
        column.label(text=f"Engine: {engine_python()}", icon="CHECKMARK")
    except LpError as error:
        column.label(text=str(error), icon="ERROR")
    column.prop(chosen, "device")
    column.prop(chosen, "engine_source", placeholder="The project's folder or an lpcore wheel")
    row = column.row(align=True)
    row.operator("lineportrait.check_engine", icon="FILE_REFRESH")
    row.operator("lineportrait.install_engine", icon="IMPORT")
    row = column.row(align=True)
    row.operator("lineportrait.copy_report", icon="COPYDOWN")
    row.operator("wm.path_open", text="Open Log", icon="TEXT").filepath = str(log_file())
    progress = install.progress()
    if progress:
        column.progress(factor=progress[1], type="BAR", text=progress[0])


def _draw_greeting(box: UILayout) -> None:
    said = engine.shared.greeting
    box.label(
        text=f"lpcore {said.get('version')}, Python {said.get('python')}, torch {said.get('torch')}, "
        f"running on {said.get('device')}"
    )
    grid = box.grid_flow(row_major=True, columns=3, even_columns=False)
    for weight in said.get("weights", ()):
        here = weight.get("present")
        grid.label(text=weight.get("name", ""), icon="CHECKMARK" if here else "ERROR")
        grid.label(text=f"{weight.get('size', 0) / 1e6:.1f} MB" if here else "missing")
        grid.label(text=weight.get("licence", "") if here else "run `lpcore weights fetch`")
    box.label(text=disk_space())


def _own() -> LINEPORTRAIT_AP_preferences:
    context: Context = bpy.context
    return context.preferences.addons[BASE].preferences


def engine_python() -> Path:
    """The engine's Python by the preferences or found. Raises LpError ``NO_ENGINE``."""
    chosen = _own().engine_python
    return engine.find_python(bpy.path.abspath(chosen) if chosen else "")


def choose_engine(python: Path) -> None:
    """Use this Python from now on."""
    _own().engine_python = str(python)


def engine_source() -> str:
    """What Install Engine shall install lpcore from; empty while nothing is chosen."""
    chosen = _own().engine_source
    return bpy.path.abspath(chosen) if chosen else ""


def start_engine() -> engine.Engine:
    """The running engine. Raises LpError ``NO_ENGINE``."""
    device = _own().device
    engine.shared.start(engine_python(), log_file(), "" if device == "auto" else device)
    return engine.shared


def log_file() -> Path:
    """What the engine says aside."""
    return own_folder() / "engine.log"


def own_folder() -> Path:
    """The folder in the user's Blender configuration that is ours."""
    return Path(bpy.utils.extension_path_user(BASE, create=True))


def own_store() -> Path:
    """Where frames are kept unless the user chooses another folder."""
    return own_folder() / "frames"


def store_folder() -> Path | None:
    """Where frames are kept by key; None where none shall be."""
    chosen = _own()
    if not chosen.store_gigabytes:
        return None
    return Path(bpy.path.abspath(chosen.store)) if chosen.store else own_store()


def store_limit() -> int:
    """Bytes that the store may hold."""
    return int(_own().store_gigabytes * 1e9)


def disk_space() -> str:
    """How much room the disk of the frame store has."""
    folder = store_folder() or own_folder()
    there = next((path for path in (folder, *folder.parents) if path.is_dir()), None)
    if there is None:
        return f"The frame store's drive is missing: {folder}"
    return f"{shutil.disk_usage(there).free / 1e9:.1f} GB free for the frame store"


CLASSES = (LINEPORTRAIT_AP_preferences,)
