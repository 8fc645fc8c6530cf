"""The extension enters and leaves Blender cleanly."""

from __future__ import annotations

import addon_utils
import pytest
from worlds import MODULE, part


def traces(blender) -> list[str]:
    """What of the extension Blender knows at the moment."""
    found = [name for name in dir(blender.types) if name.startswith("LINEPORTRAIT_")]
    found += dir(blender.ops.lineportrait)
    found += [handler.__name__ for handler in blender.app.handlers.load_pre if MODULE in handler.__module__]
    return found + [name for name in ("lineportrait",) if hasattr(blender.types.Scene, name)]


def test_it_comes_and_goes_twice(blender):
    there = traces(blender)
    assert "LINEPORTRAIT_PT_drawing" in there
    for _ in range(2):
        addon_utils.disable(MODULE, default_set=True)
        assert traces(blender) == []
        assert addon_utils.enable(MODULE, default_set=True)
        assert traces(blender) == there


def test_a_failing_registration_is_loud_and_undone(blender, monkeypatch):
    there = traces(blender)
    addon_utils.disable(MODULE, default_set=True)
    registry, panel = part("registry"), part("ui.sequencer_panel")

    def fail() -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(panel, "register", fail, raising=False)
    with pytest.raises(RuntimeError, match="no"):
        registry.register()
    assert traces(blender) == []
    monkeypatch.undo()
    assert addon_utils.enable(MODULE, default_set=True)
    assert traces(blender) == there


def test_blender_sees_no_policy_violation(blender):
    addon_utils._extensions_warnings_get._is_first = True
    warnings = addon_utils._extensions_warnings_get()
    assert MODULE not in str(warnings), warnings


def test_the_panels_draw(world, blender):
    """Polls and drawing run without a window as far as Python is concerned: every label, in every state."""
    panel = part("ui.sequencer_panel")
    seen: list[str] = []

    class Layout:
        def __getattr__(self, name):
            def record(*_, **arguments):
                seen.append(str(arguments.get("text", "")))
                return self

            return record

    def draw() -> str:
        seen.clear()
        for section in (panel.draw_photo, panel.draw_speech, panel.draw_drawing, panel.draw_output):
            section(Layout(), world.scene, 30)
        panel.draw_finish(Layout(), world.scene)
        return " | ".join(seen)

    assert "Draw" in draw()
    blender.ops.lineportrait.analyze()
    assert "Face found" in draw()
    blender.ops.lineportrait.speak()
    assert "Motion for 18 frames" in draw()
    blender.ops.lineportrait.draw()
    drawn = draw().replace(" | ", " ")
    assert "9 of 18 frames drawn in" in drawn
    assert "18 frames in take_001" in drawn
    assert "AgX view turns white" in drawn
    part("compat").move(world.speech, 5)
    assert "The speech was moved or cut" in draw()
    blender.data.objects.remove(world.rig)
    assert "Motion for" not in draw()
