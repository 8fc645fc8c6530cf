"""Flow B against scipy's piecewise-linear interpolation, and the mesh that keeps it from popping."""

import numpy as np
import pytest
import torch
from conftest import drop_jaw
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial import Delaunay

from lpcore.drawing.flow import PiecewiseFlow, affine_maps, sample
from lpcore.drawing.mesh import build_mesh

SIDE = 96


def scattered(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Inner points and the frame's corners; targets displaced by little enough to keep the triangles upright."""
    rng = np.random.default_rng(seed)
    steps = np.linspace(12, SIDE - 13, 5)
    grid = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2) + rng.uniform(-3, 3, (25, 2))
    corners = np.array([[0, 0], [SIDE - 1, 0], [0, SIDE - 1], [SIDE - 1, SIDE - 1]], dtype=float)
    target = np.concatenate([grid + rng.uniform(-3, 3, grid.shape), corners])
    return np.concatenate([grid, corners]), target


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_positions_equal_scipy_inside_the_triangles(seed):
    source, target = scattered(seed)
    triangulation = Delaunay(target)
    flow = PiecewiseFlow(source, triangulation.simplices, (SIDE, SIDE))
    ours = flow.positions(target[None])[0].numpy()
    ys, xs = np.mgrid[:SIDE, :SIDE]
    oracle = LinearNDInterpolator(triangulation, source)(np.stack([xs, ys], -1))
    error = np.abs(ours - oracle)[~np.isnan(oracle).any(-1)]
    assert error.max() < 1e-3


def test_equal_points_give_the_identity():
    source, _ = scattered(1)
    flow = PiecewiseFlow(source, Delaunay(source).simplices, (SIDE, SIDE))
    ys, xs = np.mgrid[:SIDE, :SIDE]
    assert np.abs(flow.positions(source[None])[0].numpy() - np.stack([xs, ys], -1)).max() < 1e-4


def test_a_batch_equals_its_frames_one_by_one():
    source, target = scattered(2)
    flow = PiecewiseFlow(source, Delaunay(source).simplices, (SIDE, SIDE))
    frames = np.stack([source, target, 0.5 * (source + target)])
    together = flow.positions(frames)
    assert all(torch.equal(together[k], flow.positions(frames[k : k + 1])[0]) for k in range(3))


def test_turned_over_triangles_are_marked():
    source = np.array([[0, 0], [10, 0], [0, 10], [10, 10.0]])
    target = source.copy()
    target[3] = [2, 2]  # through the diagonal: the second triangle turns over
    _, kept = affine_maps(source, target[None], np.array([[0, 1, 2], [1, 3, 2], [0, 1, 2]]))
    assert kept.tolist() == [[True, False, True]]


def test_sampling_a_ramp_returns_the_positions():
    ys, xs = np.mgrid[:20, :30]
    ramp = torch.from_numpy(np.stack([xs, ys])).float()[None]
    positions = torch.rand(2, 8, 9, 2) * torch.tensor([29.0, 19.0])
    read = sample(ramp, positions).permute(0, 2, 3, 1)
    assert torch.allclose(read, positions, atol=1e-4)


def test_mesh_keeps_landmarks_and_border(face):
    mesh = build_mesh(face)
    talking = np.stack([face, drop_jaw(face, 25)])
    targets = mesh.targets(talking)
    assert np.allclose(targets[:, :68], talking[..., :2])
    assert np.allclose(targets[:, 78 + mesh.skull :], mesh.source[78 + mesh.skull :])
    assert np.allclose(targets[0], mesh.source, atol=1e-6)


def test_no_edge_of_the_mesh_crosses_the_mouth(face):
    mesh = build_mesh(face)
    upper, lower = {61, 62, 63}, {65, 66, 67}
    outer_upper, outer_lower = {49, 50, 51, 52, 53}, {55, 56, 57, 58, 59}
    for triangle in map(set, mesh.triangles.tolist()):
        assert not (triangle & outer_upper and triangle & lower)
        assert not (triangle & outer_lower and triangle & upper)


@pytest.mark.parametrize("angle", [-8, 5, 12])
def test_skull_points_follow_a_rotation_exactly(face, angle):
    mesh = build_mesh(face)
    c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    turn = np.array([[c, -s], [s, c]])
    turned = (face[:, :2] - 256) @ turn.T + 260
    expected = (mesh.source[68 : 78 + mesh.skull] - 256) @ turn.T + 260
    assert mesh.skull > 4
    assert np.allclose(mesh.targets(turned[None])[0, 68 : 78 + mesh.skull], expected)
