"""Flow B of a portrait, and that a talking face leaves the hair beside it alone."""

import numpy as np
import pytest
from conftest import drop_jaw

from lpcore.drawing.canvas import apply, resize
from lpcore.drawing.flow import PiecewiseFlow
from lpcore.drawing.mesh import build_mesh, head_moves
from lpcore.drawing.mesh_flow import MeshFlow

SIZE = (512, 512)
PIXELS = np.stack(np.meshgrid(np.arange(512), np.arange(512)), axis=-1)


def flow(face, scale=1, steady=False):
    return MeshFlow(face, resize(scale), (scale * 512, scale * 512), steady=steady)


def turned(points, degrees=4.0, shift=(6, -3)):
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.concatenate(
        [(points[..., :2] - 256) @ [[c, s], [-s, c]] + 256 + shift, points[..., 2:]], axis=-1
    )


def test_it_is_the_mesh_moved_by_landmarks(face):
    mesh, talking = build_mesh(face), drop_jaw(face, 20)[None]
    plain = PiecewiseFlow(apply(resize(2), mesh.source), mesh.triangles, (1024, 1024))
    expected = plain.positions(apply(resize(2), mesh.targets(talking)))
    assert (flow(face, 2).positions(talking) == expected).all()


@pytest.mark.parametrize("scale", [1, 2])
def test_faint_moves_are_left_out(face, scale):
    hinted = drop_jaw(face, 0.14)[None]
    here = np.stack(np.meshgrid(*2 * [np.arange(scale * 512)]), axis=-1)
    moved, steady = (flow(face, scale, kind).positions(hinted)[0].numpy() - here for kind in (False, True))
    assert np.abs(moved).max() > 0.1 * scale
    assert np.abs(steady).max() < 1e-3


def test_moves_that_can_be_seen_are_whole_and_fade_in_between(face):
    talking = drop_jaw(face, 20)[None]
    moved, steady = (flow(face, steady=kind).positions(talking)[0].numpy() - PIXELS for kind in (False, True))
    far, kept = np.linalg.norm(moved, axis=-1), np.linalg.norm(steady, axis=-1)
    np.testing.assert_allclose(steady[far > 0.6], moved[far > 0.6], atol=1e-3)
    assert (kept[far < 0.15] < 1e-3).all() and (far < 0.15).mean() > 0.3
    between = (far > 0.2) & (far < 0.55)
    assert between.any() and (kept[between] > 0).all() and (kept[between] < far[between]).all()


def test_what_the_face_hardly_moves_goes_with_the_head(face):
    talking = turned(drop_jaw(face, 10))[None]
    with_the_head = turned(PIXELS - [6, -3], -4, (0, 0))
    plain, steady = (flow(face, steady=kind).positions(talking)[0].numpy() for kind in (False, True))
    hair = np.linalg.norm(plain - with_the_head, axis=-1) < 0.14
    brow = tuple(turned(face)[19, 1::-1].round().astype(int))
    assert hair[brow] and hair.mean() > 0.1
    np.testing.assert_allclose(steady[hair], with_the_head[hair], atol=1e-3)


def test_the_heads_move_is_found_from_what_no_expression_moves(face):
    found = head_moves(face, np.stack([turned(drop_jaw(face, 30)), face]))
    np.testing.assert_allclose(apply(found[0], face), turned(face)[:, :2], atol=1e-3)
    np.testing.assert_allclose(found[1], np.eye(3), atol=1e-4)


def test_a_face_shrunk_to_a_point_is_no_trouble(face):
    shrunk = np.stack([np.full_like(face, 200), drop_jaw(face, 10)])
    positions = flow(face, steady=True).positions(shrunk)
    assert positions.isfinite().all()
    assert (positions[1:] == flow(face, steady=True).positions(shrunk[1:])).all()
