"""Frames by the generator, with made-up weights: which engine draws, equation 1, and the paper's own way."""

from dataclasses import asdict, replace
from fractions import Fraction

import cv2
import numpy as np
import pytest
import soundfile
import torch
from conftest import drawn_with_threads, drop_jaw
from scipy.interpolate import griddata
from scipy.special import expit, logit
from torch._dynamo.utils import counters
from weight_files import OWN, PUBLISHED, WeightFiles

from lpcore import draw
from lpcore.device import described
from lpcore.drawing.flow_net import load_flow_net
from lpcore.drawing.generator import Generator, load_generator
from lpcore.drawing.paper import load_matting, load_upd
from lpcore.drawing.paper.modnet import ModNet
from lpcore.drawing.paper.portrait import delaunay_flow, working_pixels
from lpcore.drawing.paper.upd import UpdGenerator
from lpcore.drawing.stream import FrameStream
from lpcore.film import encode_film
from lpcore.frames import write_png
from lpcore.types import CropTransform, Motion


@pytest.fixture
def files(tmp_path, monkeypatch):
    return WeightFiles(tmp_path, monkeypatch)


def moved(face):
    return np.stack([face, drop_jaw(face, 20), drop_jaw(face, 35)])


def agreed(drawn, shown):
    """What becomes of redrawn ink in [0, 1]: mean log odds with what was shown, less 0.08, spread to [0, 1] again."""
    pooled = expit(sum(logit(np.clip(ink, 5e-4, 1 - 5e-4)) for ink in (drawn, shown)) / 2)
    return np.maximum(pooled - 0.08, 0) / 0.92


def with_matte(portrait, value):
    return replace(portrait, matte=np.full_like(portrait.matte, value))


def test_the_engine_follows_the_weights(small_drawer, files, portrait):
    points = moved(portrait.landmarks)
    (before,) = FrameStream(portrait, "ink").frames(points[1:2])
    files.generator("generator_ink", OWN)
    (drawn,) = FrameStream(portrait, "ink").frames(points[1:2])
    (warped,) = FrameStream(portrait, "ink", engine="warp").frames(points[1:2])
    assert np.array_equal(before, warped)
    assert (np.abs(drawn.astype(int) - warped) > 30).mean() > 0.05


def test_same_points_same_bytes_in_any_batch(files, portrait):
    files.generator("generator_pen", OWN)
    points = moved(portrait.landmarks)
    stream = FrameStream(portrait, "pen")
    together = list(stream.frames(points))
    again = [next(FrameStream(portrait, "pen").frames(p[None])) for p in points]
    assert all(np.array_equal(a, b) for a, b in zip(together, again, strict=True))
    assert not np.array_equal(together[0], together[2])
    assert np.array_equal(stream.static, together[0])


def test_flow_a_is_left_to_generators_that_were_trained_with_it(files, portrait):
    points, frames = moved(portrait.landmarks)[1:2], {}
    for with_flow_a in (True, False):
        files.generator("generator_ink", replace(OWN, flow_a=with_flow_a))
        without = next(FrameStream(portrait, "ink").frames(points))
        files.flow_net()
        frames[with_flow_a] = without, next(FrameStream(portrait, "ink").frames(points))
        (files.folder / "flow_net.safetensors").unlink()
    assert np.array_equal(*frames[False])
    assert not np.array_equal(*frames[True])


def test_frames_do_not_depend_on_the_number_of_threads(files, portrait):
    files.generator("generator_ink", OWN)
    stream, points = FrameStream(portrait, "ink"), moved(portrait.landmarks)
    first, *others = drawn_with_threads(lambda: stream.frames(points), (1, 2, 6))
    assert all(np.array_equal(first, other) for other in others)


def test_a_redrawn_frame_has_no_wash(small_drawer, files, portrait):
    torch.manual_seed(0)
    net = Generator(replace(OWN, carried=True))
    # Every pixel gets a little darker than the drawing that it was shown.
    torch.nn.init.constant_(net.decoder.out.bias, -0.05)
    files.put("generator_ink", net, asdict(net.config))
    head = slice(200, 300)
    drawn = 1 - FrameStream(portrait, "ink").static[head, head] / 255
    shown = 1 - FrameStream(portrait, "ink", engine="warp").static[head, head] / 255
    assert shown.std() > 0.01
    assert np.abs(drawn - agreed(shown + np.tanh(0.05), shown)).max() < 0.02


@pytest.mark.parametrize("size", [64, 256, 512, 700])
def test_frames_have_the_size_asked_for(files, portrait, size):
    files.generator("generator_ink", OWN)
    stream = FrameStream(portrait, "ink", size)
    frame = next(stream.frames(portrait.landmarks[None]))
    assert frame.shape == stream.size[::-1] == (size, size) and frame.dtype == np.uint8


def test_sizes_show_the_same_drawing(files, portrait):
    files.generator("generator_ink", OWN)
    large, small = (FrameStream(portrait, "ink", size).static for size in (512, 256))
    reduced = cv2.resize(large, (256, 256), interpolation=cv2.INTER_AREA)
    assert np.abs(reduced.astype(int) - small).mean() < 6


def test_without_a_person_there_is_paper(files, portrait):
    files.generator("generator_ink", OWN)
    for frame in FrameStream(with_matte(portrait, 0), "ink").frames(moved(portrait.landmarks)):
        assert (frame == 255).all()


def test_the_person_alone_is_the_networks_drawing(files, portrait):
    """Matte 1 everywhere: what the network says, computed here step by step at rest (flow B is the identity)."""
    files.generator("generator_ink", OWN)
    from lpcore.drawing.landmark_image import landmark_image

    net = load_generator("generator_ink")
    photo = torch.from_numpy(portrait.image).permute(2, 0, 1)[None].float() / 127.5 - 1
    points = torch.from_numpy((portrait.landmarks[None, :, :2] + 0.5) / 2 - 0.5)
    image = landmark_image(points, soft=True)
    steps = torch.linspace(-1, 1, 256)
    grid = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), dim=-1)[None]
    with torch.inference_mode():
        drawn = net.draw(photo, image, image, grid, torch.zeros(1, 2, 256, 256), torch.ones(1, 1, 256, 256))
    expected = (drawn[0, 0].numpy() + 1) * 127.5
    frame = FrameStream(with_matte(portrait, 1), "ink").static
    assert np.abs(frame - expected).max() < 1.5


def test_an_untrained_generator_that_carries_shows_the_moved_drawing(small_drawer, files, portrait):
    config = replace(OWN, carried=True)
    files.put("generator_ink", Generator(config), asdict(config))
    whole, points = with_matte(portrait, 1), moved(portrait.landmarks)
    drawn, warped = (
        np.stack(list(FrameStream(whole, "ink", 512, engine=engine).frames(points)))
        for engine in ("generator", "warp")
    )
    ink = 1 - warped / 255
    assert np.abs(1 - drawn / 255 - agreed(ink, ink)).max() < 0.02 and warped.std() > 5


def test_networks_are_compiled_on_request(files, portrait, monkeypatch):
    files.generator("generator_ink", OWN)
    plain = FrameStream(portrait, "ink").static
    monkeypatch.setenv("LPCORE_COMPILE", "eager")
    counters.clear()
    assert np.array_equal(FrameStream(portrait, "ink").static, plain)
    assert counters["frames"]["ok"] > 0 and described("cpu") == "cpu, eager"


def test_the_verb_hands_engine_and_background_on(small_drawer, files, portrait):
    files.generator("generator_ink", OWN)
    still = Motion(Fraction(25), 0.0, portrait.landmarks, {"lips": np.zeros((1, 68, 3), np.float32)})
    images = {
        (engine, background): next(draw(portrait, still, device="cpu", engine=engine, background=background))
        for engine in ("warp", "generator")
        for background in (False, True)
    }
    assert len({image.tobytes() for image in images.values()}) == 4
    assert np.array_equal(images["generator", False], FrameStream(portrait, "ink").static)


def test_flow_a_takes_part_once_its_net_is_there(files, portrait):
    files.generator("generator_ink", OWN)
    points = moved(portrait.landmarks)[1:2]
    (alone,) = FrameStream(portrait, "ink").frames(points)
    files.flow_net()
    (both,) = FrameStream(portrait, "ink").frames(points)
    assert not np.array_equal(alone, both)


def test_photo_frames_move_inside_the_crop_only(small_drawer, files, portrait):
    files.generator("generator_ink", OWN)
    photo, matte = np.full((400, 600, 3), 128, np.uint8), np.zeros((400, 600), np.float32)
    inside = replace(portrait, photo=photo, photo_matte=matte, crop=CropTransform((350.0, 200.0), 1.6, 0.3))
    stream = FrameStream(inside, "ink", 0, "photo")
    still, frame = stream.frames(moved(portrait.landmarks)[[0, 2]])
    page = FrameStream(inside, "ink", 0, "photo", engine="warp").static
    assert frame.shape == (400, 600)
    yx = np.argwhere(np.abs(frame.astype(int) - still) > 8)
    assert len(yx) > 50
    crop = (yx[:, ::-1] - (350, 200)) @ inside.crop.matrix()[:, :2].T
    assert np.abs(crop).max() <= 256
    assert np.abs(page[:, :90].astype(int) - frame[:, :90]).max() <= 1


def at_256(points):
    """The authors' landmarks: crop units retouched (slimmer lips, wider eyes), then halved."""
    points = points[:, :2].astype(np.float64).copy()
    points[49:54, 1] += 1
    points[55:60, 1] -= 1
    points[[37, 38, 43, 44], 1] -= 2
    points[[40, 41, 46, 47], 1] += 2
    return points / 2


def discs(points):
    canvas = np.zeros((256, 256), np.uint8)
    for x, y in np.rint(points).astype(int):
        cv2.circle(canvas, (int(x), int(y)), 3, 255, -1)
    return torch.from_numpy(canvas / np.float32(127.5) - 1)[None, None]


def scipy_flow(source, target):
    """(256, 256, 2) source pixels, as the authors interpolate them."""
    corners = np.array([[0, 0], [255, 0], [0, 255], [255, 255]])
    ys, xs = np.mgrid[:256, :256]
    return griddata(np.vstack([target, corners]), np.vstack([source, corners]), (xs, ys), method="linear")


def test_the_papers_flow_b_is_scipys(face):
    source, target = at_256(face), at_256(drop_jaw(face, 30))
    assert np.allclose(working_pixels(face), source)
    apart = np.abs(delaunay_flow(source, target)[0].numpy() - scipy_flow(source, target)).max(-1)
    # Some quadrangles of a symmetric face may be cut along either diagonal.
    assert np.quantile(apart, 0.99) < 1e-3


@pytest.mark.parametrize("name", ["paper", "paper-cartoon"])
@pytest.mark.parametrize("with_flow_net", [False, True])
def test_published_networks_are_run_as_the_authors_do(files, portrait, name, with_flow_net):
    """Against the steps of the authors' script written out: griddata flow, hard matte, OpenCV discs, blending."""
    outputs = 3 if name == "paper-cartoon" else 1
    kind = "cartoon" if outputs == 3 else "drawing"
    files.generator(f"paper_generator_{kind}", replace(PUBLISHED, outputs=outputs))
    if with_flow_net:
        files.flow_net("paper_flow_net")
    source, target = at_256(portrait.landmarks), at_256(drop_jaw(portrait.landmarks, 30))
    read, (ys, xs) = scipy_flow(source, target), np.mgrid[:256, :256]
    grid = torch.from_numpy((read / 127.5 - 1).astype(np.float32))[None]
    if with_flow_net:
        as_tensor = [torch.from_numpy(p[None].astype(np.float32)) for p in (source, target)]
        flow_a, seen = load_flow_net("paper_flow_net").regress(*as_tensor, grid, 256)
    else:
        flow_a = torch.from_numpy((read - np.stack([xs, ys], -1)).astype(np.float32)).permute(2, 0, 1)[None]
        seen = torch.ones(1, 1, 256, 256)
    photo, matte = at_256_photo(portrait)
    net = load_generator(f"paper_generator_{kind}")
    with torch.inference_mode():
        drawn = net.draw(photo * matte + 1 - matte, discs(source), discs(target), grid, flow_a, seen)
    person = torch.nn.functional.grid_sample(matte, grid, align_corners=True)
    expected = ((drawn + 1) / 2 * person + 1 - person)[0].permute(1, 2, 0).numpy() * 255

    (frame,) = FrameStream(portrait, name, 256).frames(drop_jaw(portrait.landmarks, 30)[None])
    assert frame.shape == ((256, 256, 3) if outputs == 3 else (256, 256))
    apart = np.abs(frame.reshape(expected.shape) - expected)
    # Delaunay triangles of a symmetric face are ambiguous in places; everywhere else the same.
    assert np.median(apart) < 0.6 and (apart > 3).mean() < 0.005


def at_256_photo(portrait):
    from PIL import Image

    small = np.array(Image.fromarray(portrait.image).resize((256, 256), Image.Resampling.BICUBIC))
    photo = torch.from_numpy(small).permute(2, 0, 1)[None].float() / 127.5 - 1
    matte = cv2.resize(portrait.matte, (256, 256), interpolation=cv2.INTER_AREA) > 0.5
    return photo, torch.from_numpy(matte)[None, None].float()


def test_imported_matte_and_static_drawing_are_used(files, portrait):
    files.generator("paper_generator_drawing", PUBLISHED)
    torch.manual_seed(0)
    files.put("paper_static_drawing", UpdGenerator(4, 1), {"width": 4, "blocks": 1})
    photo, _ = at_256_photo(portrait)
    matting = ModNet().eval()
    last = [m for m in matting.f_branch.modules() if isinstance(m, torch.nn.Conv2d)][-1]
    with torch.no_grad():  # about half of the picture shall be person
        last.bias -= torch.logit(matting(photo)).median()
    files.put("paper_matte", matting, {})
    with torch.inference_mode():
        person = (load_matting()(photo) > 0.5)[0, 0].numpy()
        twice = torch.nn.functional.interpolate(photo, scale_factor=2, mode="bilinear")
        drawn = torch.nn.functional.interpolate(load_upd()(twice), scale_factor=0.5, mode="bilinear")
    backdrop = (drawn[0, 0].numpy() + 1) * 127.5
    frame = FrameStream(portrait, "paper", 256).static
    clear = cv2.erode((~person).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert clear.mean() > 0.02
    assert np.abs(frame - backdrop)[clear].mean() < 1.5


def test_frames_in_colour_become_files_and_film(files, portrait, tmp_path):
    files.generator("paper_generator_cartoon", replace(PUBLISHED, outputs=3))
    frames = list(FrameStream(portrait, "paper-cartoon", 128).frames(moved(portrait.landmarks)))
    assert len({tuple(channel.ravel()[::97]) for channel in np.moveaxis(frames[0], -1, 0)}) == 3
    for k, frame in enumerate(frames):
        write_png(tmp_path / f"f_{k}.png", frame)
    read = cv2.imread(str(tmp_path / "f_0.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(read[..., ::-1], frames[0])
    soundfile.write(tmp_path / "s.wav", np.zeros(16000), 16000)
    film = tmp_path / "film.mp4"
    encode_film(tmp_path, "f_%d.png", Fraction(10), tmp_path / "s.wav", 0.0, film, len(frames))
    assert film.stat().st_size > 500
