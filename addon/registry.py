"""Registration in order; a failure is loud and leaves nothing behind.

Every module names its `CLASSES` and may have `register` and `unregister` of its own, called after its classes
are known and before they go.
"""

from __future__ import annotations

from types import ModuleType

import bpy

from . import commands, engine, install, jobs, plan, preferences, preview, properties
from .operators import adjust, analyze, draw, exchange, layers, manage, portraits, speak, strip
from .operators import engine as engine_buttons
from .operators import photo as photo_buttons
from .operators import rig as rig_buttons
from .ui import graph_panel, rig_panel, sequencer_panel

MODULES: tuple[ModuleType, ...] = (
    engine,
    install,
    jobs,
    preferences,
    properties,
    plan,
    preview,
    portraits,
    photo_buttons,
    analyze,
    speak,
    draw,
    strip,
    manage,
    engine_buttons,
    layers,
    adjust,
    rig_buttons,
    exchange,
    sequencer_panel,
    graph_panel,
    rig_panel,
    commands,
)


def register() -> None:
    done: list[ModuleType] = []
    try:
        for module in MODULES:
            _register(module)
            done.append(module)
    except Exception:
        for module in reversed(done):
            _unregister(module)
        raise


def unregister() -> None:
    for module in reversed(MODULES):
        _unregister(module)


def _register(module: ModuleType) -> None:
    known = []
    try:
        for cls in module.CLASSES:
            bpy.utils.register_class(cls)
            known.append(cls)
        if hasattr(module, "register"):
            module.register()
    except Exception:
        for cls in reversed(known):
            bpy.utils.unregister_class(cls)
        raise


def _unregister(module: ModuleType) -> None:
    if hasattr(module, "unregister"):
        module.unregister()
    for cls in reversed(module.CLASSES):
        bpy.utils.unregister_class(cls)
