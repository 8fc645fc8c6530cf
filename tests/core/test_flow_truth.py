"""The whole-head mesh: fitting it to landmarks, drawing it, the flow between two of its states."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from heads import made_up_head
from hypothesis import given, settings
from hypothesis import strategies as st

from lpcore.drawing.flow import sample
from lpcore.train.expressions import random_expression, random_turn, turned
from lpcore.train.fit import fit, fit_error
from lpcore.train.flow_truth import BACKGROUND, HIDDEN, VISIBLE, FlowTruthMaker, draw_mesh, spread
from lpcore.train.head import FaceState, landmark_vertices

SIDE = 64
UPRIGHT = np.diag([1.0, -1.0, -1.0]).astype(np.float32)


def state(scale: float = 2.4, identity: float = 0.0, jaw: float = 0.0, side: int = SIDE) -> FaceState:
    """The made-up head upright in the middle of the picture."""
    middle = np.full(2, (side - 1) / 2, np.float32)
    weights = np.array([identity, 0], np.float32), np.array([jaw, 0, 0], np.float32)
    return FaceState(*weights, scale * side / SIDE * UPRIGHT, middle)


def truth(start: FaceState, end: FaceState, person: float = 1.0, side: int = SIDE):
    make = FlowTruthMaker(made_up_head())
    return make(FaceState.stack([start]), FaceState.stack([end]), torch.full((1, side, side), person))


@settings(max_examples=15, deadline=None)
@given(
    pitch=st.floats(-15, 15),
    yaw=st.floats(-25, 25),
    roll=st.floats(-20, 20),
    scale=st.floats(2, 30),
    identity=st.floats(-2, 2),
    jaw=st.floats(0, 1),
)
def test_a_projected_head_is_found_again(pitch, yaw, roll, scale, identity, jaw):
    head = made_up_head()
    wanted = turned(state(scale, identity, jaw), pitch, yaw, roll)
    points = landmark_vertices(head, wanted)[:, :2]
    found = fit(head, points)
    assert fit_error(head, found, points) < 0.015
    turn = found.axes / np.linalg.norm(found.axes, axis=1, keepdims=True)
    true_turn = wanted.axes / np.linalg.norm(wanted.axes, axis=1, keepdims=True)
    assert np.degrees(np.arccos(np.clip((np.trace(turn @ true_turn.T) - 1) / 2, -1, 1))) < 5
    assert np.linalg.norm(found.axes[0]) == pytest.approx(np.linalg.norm(wanted.axes[0]), rel=0.05)
    assert abs(found.identity[0] - identity) < 0.8 and abs(found.expression[0] - jaw) < 0.35
    assert (found.expression >= 0).all() and (found.expression <= 1).all()


def test_the_nose_turns_to_image_right_and_nods_down():
    head, rest = made_up_head(), state()
    tip = landmark_vertices(head, rest)[30]
    assert landmark_vertices(head, turned(rest, 0, 10, 0))[30, 0] > tip[0]
    assert landmark_vertices(head, turned(rest, 10, 0, 0))[30, 1] > tip[1]
    assert tip[2] < landmark_vertices(head, rest)[0, 2], "the nose is nearer than the ear"


def test_a_state_moves_and_mirrors_with_its_picture():
    head, face = made_up_head(), turned(state(jaw=0.5), 5, 12, -4)
    matrix = np.array([[-1.2, 0.1, 50.0], [0.1, 1.2, -3.0]])
    before, after = landmark_vertices(head, face), landmark_vertices(head, face.moved(matrix))
    assert np.allclose(after[:, :2], before[:, :2] @ matrix[:, :2].T + matrix[:, 2], atol=1e-3)
    assert np.allclose(after[:, 2], before[:, 2] * np.sqrt(1.45), atol=1e-3)


def test_expressions_keep_their_ranges_and_their_seed():
    names = made_up_head().names
    drawn = np.stack([random_expression(names, np.random.default_rng(k)) for k in range(300)])
    assert np.array_equal(drawn[5], random_expression(names, np.random.default_rng(5)))
    jaw, left, right = drawn.T
    assert 0.3 < jaw.max() <= 0.35 and jaw.min() >= 0
    assert 0.25 < (left > 0).mean() < 0.55 and np.array_equal(left > 0, right > 0)
    assert (np.abs(left - right) <= 0.5 * np.maximum(left, right)).all()
    still = random_turn(state(), 30.0, np.random.default_rng(0), level=0)
    assert np.allclose(still.axes, state().axes, atol=1e-5) and np.allclose(
        still.shift, state().shift, atol=1e-5
    )


def test_the_nearest_triangle_is_drawn_and_values_are_linear():
    far = torch.tensor([[2.0, 2, 5], [30, 2, 5], [2, 30, 5]])
    near = torch.tensor([[2.0, 2, 1], [10, 2, 1], [2, 10, 1]])
    vertices, triangles = torch.cat([far, near])[None], torch.tensor([[0, 1, 2], [3, 4, 5]])
    index = draw_mesh(vertices, triangles, 32)
    assert index[0, 4, 4] == 1 and index[0, 12, 12] == 0 and index[0, 31, 31] == 2
    drawn = spread(vertices[..., :2], index, vertices, triangles)[0]
    y, x = (index[0] < 2).nonzero(as_tuple=True)
    assert torch.allclose(drawn[:, y, x].T, torch.stack([x, y], -1).float(), atol=1e-4)
    assert drawn[:, 31, 31].abs().max() == 0


def test_a_shift_of_the_whole_head_is_the_flow_on_the_face():
    start = state()
    moved = truth(start, replace(start, shift=start.shift + np.float32([3, -1.5])))
    face = moved.face[0].clone()
    face[SIDE // 2 + 20 :] = False  # the neck stands still
    assert face.float().mean() > 0.1
    assert (moved.backward[0, :, face] - torch.tensor([[-3.0], [1.5]])).abs().max() < 1e-3
    assert torch.allclose(moved.motion[0, :, :2], torch.tensor([3.0, -1.5]).expand(68, 2), atol=1e-4)
    assert moved.backward[0, :, 0].abs().max() == 0 and moved.backward[0, :, :, -1].abs().max() == 0


def test_flow_leads_back_to_where_it_came_from_and_follows_the_landmarks():
    start = state()
    end = turned(replace(start, expression=np.float32([0.3, 0.2, 0.2])), 4, 8, 3)
    moved = truth(start, end)
    rows = torch.arange(SIDE)
    grid = torch.stack(torch.meshgrid(rows, rows, indexing="xy"), -1).float()
    source = grid + moved.backward.permute(0, 2, 3, 1)
    back = (moved.backward + sample(moved.forward, source)).norm(dim=1)
    assert back[moved.face].median() < 0.02
    targets = landmark_vertices(made_up_head(), start)[:, :2] + moved.motion[0, :, :2].numpy()
    inner = [27, 28, 29, 21, 22, 39, 42]  # where the made-up head is smooth
    at = torch.from_numpy(targets[inner]).float()[None, :, None]
    read = sample(moved.backward, at)[0, :, :, 0].T
    assert (read + moved.motion[0, inner, :2]).abs().max() < 0.15


def test_what_the_source_hides_and_what_is_nobody_have_classes_of_their_own():
    start = state()
    opened = truth(start, replace(start, expression=np.float32([1, 0, 0])), person=0.0)
    seen = {k: (opened.visibility[0] == k) for k in (VISIBLE, HIDDEN, BACKGROUND)}
    assert seen[BACKGROUND][0].all() and seen[VISIBLE].sum() > seen[HIDDEN].sum() > 0
    middle_of_mouth = (
        landmark_vertices(made_up_head(), state(jaw=1.0))[[62, 66], :2].mean(0).round().astype(int)
    )
    assert seen[HIDDEN][middle_of_mouth[1], middle_of_mouth[0]]
    assert (truth(start, start).visibility == HIDDEN).float().mean() < 0.01, "slivers between closed lips"


def test_no_motion_is_no_flow():
    still = truth(state(), state())
    assert still.backward.abs().max() < 1e-5 and still.face.any()
