"""The packed data set: what goes in comes out, held-out people stay apart, it is small and complete."""

import cv2
import numpy as np
import pytest
from heads import made_up_head
from made_up_faces import write_faces

from lpcore.train import pack as packing
from lpcore.train.drawing_batches import DrawingBatches, TargetMix
from lpcore.train.head import landmark_vertices
from lpcore.train.pack import Pack, pack
from lpcore.train.pairs import compose, from_side, random_pair, random_place, to_side


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_faces(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def packed(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("pack") / "faces.pack"
    pack(data, path, ("ink",), head=made_up_head(), identity=False)
    return Pack(path)


def test_held_out_people_lie_in_their_own_part(packed):
    assert packed.train.stems == ["canada_001", "stylegan2_2"] and len(packed.train) == 2
    assert packed.held_out.stems == ["stylegan2_17"]


def test_pictures_come_back_at_the_crop_s_size(data, packed):
    photo = cv2.imread(str(data / "faces" / "canada_001.jpg"))[..., ::-1]
    assert np.abs(packed.train.photo(0).astype(int) - photo).mean() < 4
    drawing = 255 - cv2.imread(str(data / "drawings_ink" / "canada_001.png"), cv2.IMREAD_GRAYSCALE)
    mask = cv2.imread(str(data / "masks" / "canada_001.png"), cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(packed.train.mask(0), mask)
    assert np.abs(packed.train.ink(0, "ink").astype(int) - drawing * (mask > 127)).mean() < 3
    assert packed.train.ink(1, "ink").shape == (512, 512) and packed.train.photo(1).shape == (512, 512, 3)


def test_landmarks_are_in_crop_units_and_fitted(data, packed):
    with np.load(data / "landmarks68.npz") as landmarks:
        assert np.allclose(packed.train.landmarks[0], landmarks["canada_001"])
        assert np.allclose(packed.train.landmarks[1], (landmarks["stylegan2_2"] + 0.5) * 512 / 480 - 0.5)
    for k in range(2):
        fitted = landmark_vertices(packed.head, packed.train.states[k])[:, :2]
        assert np.linalg.norm(fitted - packed.train.landmarks[k], axis=1).mean() < 4


def test_the_head_comes_back(packed):
    head = made_up_head()
    assert packed.head.names == head.names and packed.head.landmarks == head.landmarks
    assert np.array_equal(packed.head.neutral, head.neutral) and np.array_equal(
        packed.head.inside, head.inside
    )
    assert np.array_equal(packed.head.triangles, head.triangles)
    assert np.allclose(packed.head.expressions, head.expressions, atol=2e-3)
    assert np.allclose(packed.head.identities, head.identities, atol=2e-3)


@pytest.fixture
def with_films(data, tmp_path, monkeypatch):
    """A pack with two films, one of them held out; a made-up moment stands for what a face detector would need."""
    (data / "clips").mkdir(exist_ok=True)
    for stem in ("grid_one", "grid_lwbsza"):
        (data / "clips" / f"{stem}.mpg").touch()

    def moments(film, styles, count):
        bars = np.zeros((len(styles), 2, 512, 512), np.uint8)
        bars[:, 0, :, 250:262], bars[:, 1, :, 256:268] = 255, 255
        return [bars] * (2 if film.stem == "grid_one" else 1)

    monkeypatch.setattr(packing, "film_pairs", moments)
    figures = pack(data, tmp_path / "films.pack", ("ink",), head=made_up_head(), identity=False)
    assert figures["train_films"] == 2 and figures["held_out_films"] == 1
    return Pack(tmp_path / "films.pack")


def test_moments_of_films_come_back_and_teach_coherence(packed, with_films):
    before, after = with_films.train.film(1, "ink")
    assert before[100, 255] > 200 > 50 > before[100, 265] and after[100, 265] > 200 > 50 > after[100, 252]
    assert packed.train.films == 0 and with_films.train.films == 2 and with_films.held_out.films == 1

    mix = TargetMix(film=1)
    film = DrawingBatches(with_films, "ink", 64, 1, mix=mix).batch(0, 2).real.adjacent
    assert film.shape == (2, 2, 64, 64) and film.min() < -0.5
    first, second = film[:, 0], film[:, 1]
    # Nothing but bars, a little apart.
    assert 0.02 < (first < 0).float().mean() < 0.06 and 0.005 < (first != second).float().mean() < 0.2


def test_a_pack_that_cannot_travel_is_refused(data, tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "LIMIT", 1000)
    with pytest.raises(ValueError, match="travel"):
        pack(data, tmp_path / "large.pack", ("ink",), head=made_up_head(), identity=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seed", range(4))
def test_a_placed_picture_lies_under_its_landmarks(packed, seed):
    pair = random_pair(packed.train, packed.head, seed % 2, np.random.default_rng(seed))
    ink = cv2.dilate(pair.picture(packed.train.ink(pair.index, "ink"), 256, 0), np.ones((3, 3), np.uint8))
    brows = (pair.source[17:27] + 0.5) / 2 - 0.5
    x, y = brows.round().astype(int).T
    inside = (x >= 0) & (x < 256) & (y >= 0) & (y < 256)
    assert (ink[y[inside], x[inside]] > 60).mean() > 0.9
    assert pair.source[17, 0] < pair.source[26, 0], "landmark 17 stays at image left in a mirrored face"
    assert np.abs(pair.target - pair.source).max() > 1


def test_sides_are_sizes_of_the_whole_crop():
    assert np.allclose(compose(to_side(128), from_side(128)), np.eye(3)[:2], atol=1e-6)
    corner = to_side(256) @ [511.5, -0.5, 1]
    assert np.allclose(corner, [255.5, -0.5])


@pytest.mark.parametrize("seed", range(8))
def test_a_covering_place_shows_no_border(seed):
    place = random_place(np.random.default_rng(seed), covering=True)
    seen = cv2.warpAffine(np.full((512, 512), 255, np.uint8), place, (512, 512))
    assert (seen[1:-1, 1:-1] == 255).all()
