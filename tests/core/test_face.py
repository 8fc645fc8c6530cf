"""`analyze` on a real photo and what cameras, editors and people make of it."""

import hashlib

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut, coffee

from lpcore import points68
from lpcore.errors import Cancelled, LpError
from lpcore.face import analyze
from lpcore.face.window import to_photo

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def photo():
    return np.ascontiguousarray(astronaut()[..., :3])


@pytest.fixture(scope="module")
def plain(photo):
    return analyze(photo)


def in_photo(portrait):
    """(68, 2) landmarks in photo pixels."""
    return to_photo(portrait.landmarks, portrait.crop)[:, :2]


def error_between(found, wanted):
    """Mean distance as a share of the distance between the outer eye corners."""
    across = np.linalg.norm(wanted[36] - wanted[45])
    return np.linalg.norm(found - wanted, axis=1).mean() / across


def failure_of(*args, **kwargs):
    with pytest.raises(LpError) as caught:
        analyze(*args, **kwargs)
    return caught.value


def test_portrait_holds_what_its_type_says(photo, plain):
    assert plain.photo_size == (512, 512) and np.array_equal(plain.photo, photo)
    assert plain.image.shape == (512, 512, 3) and plain.image.dtype == np.uint8
    assert plain.photo_matte.shape == photo.shape[:2] and plain.photo_matte.dtype == np.float32
    assert plain.matte.shape == (512, 512) and plain.matte.dtype == np.float32
    for matte in (plain.matte, plain.photo_matte):
        assert matte.min() >= 0 and matte.max() <= 1
    assert plain.landmarks.shape == (68, 3) and plain.landmarks.dtype == np.float32
    assert plain.confidence.shape == (68,) and 0.5 < plain.confidence.mean() <= 1
    assert len(plain.faces) == 1 and plain.face == 0


def test_landmarks_lie_on_the_features(plain):
    """Places read off the photograph by eye, within 4 pixels."""
    points = in_photo(plain)
    for indices, place in [
        (points68.EYE_RIGHT, (204, 101)),
        (points68.EYE_LEFT, (247, 103)),
        (points68.INNER_LIPS, (223, 146)),
        ((30,), (226, 126)),
    ]:
        assert np.linalg.norm(points[list(indices)].mean(axis=0) - place) < 4


def test_depth_points_away_from_the_viewer(plain):
    depth = plain.landmarks[:, 2]
    assert depth[30] == depth.min() and depth[[0, 16]].min() > depth[[36, 45]].max()


def test_face_fills_the_papers_window(plain):
    x, y = plain.landmarks[:, 0] / 512, plain.landmarks[:, 1] / 512
    assert x.min() > 0.15 and x.max() < 0.85 and y.min() > 0.2 and 0.85 < y[8] < 0.9
    assert x.max() + x.min() == pytest.approx(1, abs=0.01)


def test_crop_is_the_photo_under_its_transform(photo, plain):
    expected = cv2.warpAffine(photo, plain.crop.matrix(), (512, 512), borderMode=cv2.BORDER_REPLICATE)
    assert np.abs(expected.astype(int) - plain.image).mean() < 1


def test_matte_holds_the_person_and_nothing_else(plain):
    jaw = cv2.fillConvexPoly(np.zeros((512, 512), np.uint8), plain.landmarks[:17, :2].astype(np.int32), 1)
    assert plain.matte[jaw > 0].mean() > 0.97
    assert plain.matte[:200, :8].mean() < 0.1
    assert plain.photo_matte[150:300, :60].mean() < 0.1  # the flag
    assert plain.photo_matte[330:360, 220:260].mean() > 0.95  # the suit


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_turned_photo_gives_the_same_face_upright(photo, plain, quarters):
    found = analyze(np.rot90(photo, quarters).copy())
    points = in_photo(found)
    for _ in range(quarters):  # undo np.rot90: (x, y) of the turned photo came from (511 - y, x)
        points = np.stack([511 - points[:, 1], points[:, 0]], axis=1)
    assert error_between(points, in_photo(plain)) < 0.03
    assert np.abs(found.landmarks - plain.landmarks)[:, :2].mean() < 6
    assert abs(abs(np.degrees(found.crop.roll)) - min(quarters, 4 - quarters) * 90) < 6


def test_slight_tilt_stays_in_the_crop(photo, plain):
    matrix = cv2.getRotationMatrix2D((227, 130), 10, 1)
    found = analyze(cv2.warpAffine(photo, matrix, (512, 512), borderMode=cv2.BORDER_REPLICATE))
    assert found.crop.roll == 0
    wanted = in_photo(plain) @ matrix[:, :2].T + matrix[:, 2]
    assert error_between(in_photo(found), wanted) < 0.03


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_exif_orientation_is_applied(photo, plain, tmp_path, orientation):
    stored = {3: 2, 6: 1, 8: 3}[orientation]  # quarter turns that the camera's tag undoes
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photo.jpg"
    Image.fromarray(np.rot90(photo, stored).copy()).save(path, exif=exif, quality=95)
    found = analyze(path)
    assert found.crop.roll == 0
    assert error_between(in_photo(found), in_photo(plain)) < 0.02


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tiff"])
def test_file_formats_and_names(photo, plain, tmp_path, suffix):
    path = tmp_path / f"ein „Bild“ 顔 it's{suffix}"
    Image.fromarray(photo).save(path)
    before = path.read_bytes()
    found = analyze(path)
    assert found.photo_sha256 == hashlib.sha256(before).hexdigest()
    assert path.read_bytes() == before
    assert error_between(in_photo(found), in_photo(plain)) < 0.02


def test_two_faces_are_listed_and_chosen(photo):
    small = cv2.resize(photo, (400, 400), interpolation=cv2.INTER_AREA)
    pair = np.full((512, 912, 3), 200, np.uint8)
    pair[:, :512], pair[:400, 512:] = photo, small
    found = [
        analyze(pair),
        analyze(pair, face=1),
        analyze(pair, point=(690, 90)),
        analyze(pair, point=(225, 120)),
    ]
    assert [portrait.face for portrait in found] == [0, 1, 1, 0]
    assert all(portrait.faces == found[0].faces and len(portrait.faces) == 2 for portrait in found)
    assert found[0].faces[0].width > found[0].faces[1].width
    assert in_photo(found[0])[:, 0].max() < 512 < in_photo(found[1])[:, 0].min()
    for wrong in ({"face": 2}, {"face": -1}, {"point": (5, 5)}):
        error = failure_of(pair, **wrong)
        assert error.code == "FACE_CHOICE" and "0: " in error.detail and "1: " in error.detail


def test_neighbour_is_cut_out_of_the_matte(photo):
    gap = np.full((512, 300, 3), 230, np.uint8)
    person = np.where(analyze(photo).photo_matte[..., None] > 0.5, photo, 230).astype(np.uint8)
    found = analyze(np.hstack([person, gap, person]), face=0)
    chosen = int(in_photo(found)[:, 0].mean() > 512)
    halves = found.photo_matte[:, :512].mean(), found.photo_matte[:, -512:].mean()
    assert halves[chosen] > 0.3 and halves[1 - chosen] < 0.02


def test_small_face_in_a_large_photo(photo, plain):
    large = cv2.resize(coffee(), (3000, 2000))
    large[1400:1912, 300:812] = photo
    found = analyze(large)
    assert error_between(in_photo(found) - np.array([300, 1400]), in_photo(plain)) < 0.03


def test_large_photo_is_reduced_without_shift(photo, plain):
    found = analyze(cv2.resize(photo, None, fx=7, fy=7, interpolation=cv2.INTER_CUBIC))
    assert found.photo_matte.shape == (3584, 3584)
    assert error_between((in_photo(found) + 0.5) / 7 - 0.5, in_photo(plain)) < 0.01
    assert np.abs(found.image.astype(int) - plain.image).mean() < 4


def test_close_up_repeats_the_border_and_ends_the_matte(photo, plain):
    found = analyze(photo[60:190, 160:290])
    assert error_between(in_photo(found) + np.array([160, 60]), in_photo(plain)) < 0.03
    assert np.all(found.image[:5] == found.image[:1]) and not found.matte[:5].any()


def test_painted_face_is_found(photo, plain):
    painted = np.ascontiguousarray(cv2.stylization(photo, sigma_s=60, sigma_r=0.45))
    assert error_between(in_photo(analyze(painted)), in_photo(plain)) < 0.08


def test_analysis_repeats_exactly(photo, plain):
    again = analyze(photo)
    for name in ("landmarks", "confidence", "image", "matte", "photo_matte"):
        assert np.array_equal(getattr(again, name), getattr(plain, name))


@pytest.mark.parametrize(
    ("rows", "columns", "side"),
    [
        (slice(0, 140), slice(0, 512), "bottom"),
        (slice(110, 512), slice(0, 512), "top"),
        (slice(0, 512), slice(215, 512), "left"),
        (slice(0, 512), slice(0, 230), "right"),
    ],
)
def test_cut_off_face_names_the_side(photo, rows, columns, side):
    error = failure_of(photo[rows, columns].copy())
    assert (error.code, error.detail) == ("FACE_CUT_OFF", side)


def test_no_face_and_too_small_a_face(photo):
    assert failure_of(coffee()).code == "NO_FACE"
    assert failure_of(np.zeros((3, 2000, 3), np.uint8)).code == "NO_FACE"
    error = failure_of(cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA))
    assert error.code == "PHOTO_TOO_SMALL" and 30 < int(error.detail) < 60


def test_progress_runs_forward_and_can_stop(photo):
    seen = []
    analyze(photo, progress=lambda phase, share: seen.append(share))
    assert seen == sorted(seen) and seen[0] == 0 and seen[-1] == 1

    def stop(phase, share):
        raise Cancelled

    with pytest.raises(Cancelled):
        analyze(photo, progress=stop)
