"""Flow B of a portrait."""

import numpy as np
from conftest import drop_jaw

from lpcore.drawing.canvas import apply, resize
from lpcore.drawing.flow import PiecewiseFlow
from lpcore.drawing.mesh import build_mesh
from lpcore.drawing.mesh_flow import MeshFlow


def test_it_is_the_mesh_moved_by_landmarks(face):
    mesh, talking = build_mesh(face), drop_jaw(face, 20)[None]
    plain = PiecewiseFlow(apply(resize(2), mesh.source), mesh.triangles, (1024, 1024))
    expected = plain.positions(apply(resize(2), mesh.targets(talking)))
    assert (MeshFlow(face, resize(2), (1024, 1024)).positions(talking) == expected).all()


def test_hair_beside_a_talking_jaw_stands_still(face):
    talking = face.copy()
    # As far as speech moves the cheeks, and the chin further.
    talking[[1, 2, 3, 4], 0] += [1, 2, 2.5, 2.5]
    talking[6:11, 1] += 20
    left = MeshFlow(face, np.eye(3), (512, 512)).positions(talking[None])[0].numpy()
    pixels = np.stack(np.meshgrid(np.arange(512), np.arange(512)), axis=-1)
    moved = np.linalg.norm(left - pixels, axis=-1)
    for x, y in face[[1, 2, 3], :2].astype(int):
        assert moved[y, x + 3] > 0.5
        assert moved[y - 5 : y + 5, x - 70 : x - 30].max() < 1e-3
    # The jaw is drawn some units outside its landmarks: it must not break where the hair begins.
    side = (left - pixels)[180:400, 90:200]
    assert max(np.abs(np.diff(side, axis=axis)).max() for axis in (0, 1)) < 0.8


def test_hair_goes_with_the_head_and_gives_way_to_a_wider_jaw(face):
    mesh = build_mesh(face)
    hair = np.s_[68:78]
    shifted = mesh.targets((face + np.array([7, -4, 0]))[None])[0]
    np.testing.assert_allclose(shifted[hair], mesh.source[hair] + [7, -4], atol=1e-4)
    wide = face.copy()
    wide[:5, 0] -= 30
    wide[12:17, 0] += 30
    outwards = [[-30, 0]] * 5 + [[30, 0]] * 5
    np.testing.assert_allclose(mesh.targets(wide[None])[0, hair], mesh.source[hair] + outwards, atol=1e-4)
    # It never jumps, and the jaw never reaches it.
    steps = np.linspace(0, 30, 301)
    ways = np.repeat(face[None], len(steps), axis=0)
    ways[:, :5, 0] -= steps[:, None]
    targets = mesh.targets(ways)
    assert np.abs(np.diff(targets[:, 68:73, 0], axis=0)).max() < 0.5
    assert (targets[:, 68:73, 0] < targets[:, :5, 0] - 5).all()


def test_hair_goes_with_the_sides_of_a_head_that_turns(face):
    mesh, turned = build_mesh(face), face.copy()
    turned[:17, 0] += 2.5
    hair = mesh.targets(turned[None])[0, 68:78]
    np.testing.assert_allclose(hair, mesh.source[68:78] + np.array([2.5, 0]), atol=1e-4)
