"""Duplicates of the drawing strip, as layers over it or later on, stay through *Draw* and *Follow Speech*."""

from __future__ import annotations

import pytest
from timeline import duplicate, follow, lying, split
from worlds import move_lip, part


@pytest.fixture(params=[0, 100])
def doubled(request, drawn, blender):
    """The world with a second strip that shows the same drawing, in the same place or later; and how much later."""
    drawn.drawing.transform.scale_x = 0.5
    copy = duplicate(drawn, blender, drawn.drawing.name, 6, request.param)
    copy.transform.scale_x, copy.blend_type = 1.5, "ADD"
    assert not part("follow").is_due(drawn.scene)
    return drawn, request.param


def looks(world) -> list[tuple[float, str]]:
    """What the animator did to the strips, in the order of their channels."""
    found = sorted(part("strips").find_all(world.scene, world.portrait.uid), key=lambda strip: strip.channel)
    return [(strip.transform.scale_x, strip.blend_type) for strip in found]


KEPT = [(0.5, "ALPHA_OVER"), (1.5, "ADD")]


def test_a_redraw_renews_both(doubled, blender):
    world, later = doubled
    move_lip(world, 20)
    blender.ops.lineportrait.draw()
    assert lying(world) == [(11, 29), (11 + later, 29 + later)]
    assert looks(world) == KEPT
    both = part("strips").find_all(world.scene, world.portrait.uid)
    assert {part("strips").folder_of(strip).name for strip in both} == {"take_002"}
    assert not part("follow").is_due(world.scene)


def test_both_follow_a_moved_speech(doubled, blender):
    world, later = doubled
    part("compat").move(world.speech, 30)
    assert part("follow").is_due(world.scene)
    for _ in range(2):
        follow(blender)
        assert lying(world) == [(41, 59), (41 + later, 59 + later)]
        assert looks(world) == KEPT
        assert not part("follow").is_due(world.scene)


def test_a_layer_is_as_long_as_its_speech_again(drawn, blender):
    duplicate(drawn, blender, drawn.drawing.name, 6)
    for first in (16, 11):
        drawn.speech.frame_offset_start += first - part("compat").handles(drawn.speech).start
        follow(blender)
        assert lying(drawn) == [(first, 29), (first, 29)]


def test_no_duplicate_is_lost_to_a_split_speech(doubled, blender):
    world, later = doubled
    part("compat").move(split(world, blender, 20), 30)
    follow(blender)
    assert set(looks(world)) == set(KEPT)
    if not later:
        # A layer goes wherever the strip goes that it lies over.
        assert sorted(looks(world)) == sorted(2 * KEPT)
    assert not part("follow").is_due(world.scene)
