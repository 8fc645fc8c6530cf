"""Training the generator: its batches, its losses fall, both players move, a resumed run goes on bit for bit."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from heads import made_up_head
from made_up_faces import write_faces
from safetensors import safe_open
from safetensors.torch import load_file

from lpcore import points68
from lpcore.drawing.flow_net import FlowNet, FlowNetConfig
from lpcore.drawing.generator import GeneratorConfig
from lpcore.train.drawing_batches import DrawingBatches, TargetMix, at_side
from lpcore.train.drawing_landmarks import DrawingLandmarkNet, LandmarkNetConfig
from lpcore.train.game import FrozenNets, Game, Players
from lpcore.train.generator import TrainGenerator, play, train
from lpcore.train.identity import IdentityNet
from lpcore.train.losses import ABLATIONS, FULL, LossWeights, ablated
from lpcore.train.pack import Pack, pack
from lpcore.train.pool import ImagePool

MODEL = GeneratorConfig(
    widths=(4, 8, 8), landmark_widths=(4, 4, 4), blocks=1, scale=2, laterals=True, warp_align_corners=True
)
TINY = TrainGenerator(
    model=MODEL,
    side=32,
    ablation="no_identity",
    steps=5,
    batch=2,
    critic_width=4,
    pool=2,
    judged=1,
    sheet_every=2,
)


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    pack(write_faces(root), root / "faces.pack", ("ink",), head=made_up_head(), identity=False)
    return root / "faces.pack"


@pytest.fixture(scope="module")
def nets():
    torch.manual_seed(0)
    flow = FlowNet(FlowNetConfig("unet_v2", width=4, max_width=8, levels=2, residuals=1, side=32, radius=2.0))
    landmarks = DrawingLandmarkNet(LandmarkNetConfig(widths=(4, 4, 4, 4)))
    frozen = (net.eval().requires_grad_(False) for net in (flow, landmarks, IdentityNet()))
    return FrozenNets(*frozen)


def batches(packed, **changes) -> DrawingBatches:
    return DrawingBatches(Pack(packed), "ink", 32, 2, **changes)


def test_batches_have_their_shapes_and_their_seed(packed):
    one, again, other = (batches(packed, seed=s).batch(1, 2) for s in (0, 0, 1))
    assert one.real is not None and again.real is not None
    for name, value in [*vars(one).items(), *vars(one.real).items()]:
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, getattr(again if hasattr(again, name) else again.real, name)), name
    assert not torch.equal(one.photo, other.photo)
    assert one.photo.shape == (2, 3, 64, 64) and one.static.shape == one.real.drawings.shape == (2, 1, 64, 64)
    assert one.flow_b.shape == (4, 32, 32, 2)
    assert one.real.adjacent.shape == one.real.apart.shape == (2, 2, 64, 64)
    assert one.photo.min() >= -1 and one.photo.max() <= 1 and one.static.min() < 0 < one.static.max()


def test_the_person_stands_on_white_unless_ablated(packed):
    alone, whole = (batches(packed, foreground=f).batch(0, 2) for f in (True, False))
    outside = (alone.matte == 0).expand(-1, 3, -1, -1)
    assert (alone.photo[outside] == 1).all() and (whole.photo[outside] < 0.9).any()


def carrying(packed, **mix):
    """Two portraits with their carried and wanted drawings."""
    batch = batches(packed, mix=TargetMix(**mix), carried=True).batch(0, 2)
    assert batch.carried is not None and batch.wanted is not None
    return batch, batch.carried, batch.wanted


def test_the_carried_drawing_moves_with_the_targets(packed):
    _, still, _ = carrying(packed, own=1, other=0, step=0)
    assert still.shape == (4, 1, 64, 64) and still.abs().max() <= 1
    assert torch.equal(still[:2], still[2:]), "nothing moves between the two"
    _, moved, _ = carrying(packed, own=0, other=0)
    assert (moved[:2] - moved[2:]).abs().max() > 0.1
    assert batches(packed).batch(0, 2).carried is None


def test_the_wanted_drawing_is_the_teachers_moved(packed):
    still, _, near = carrying(packed, own=1, other=0, step=0)
    moved, _, far = carrying(packed, own=0, other=0)
    apart = (near - still.static).abs().mean()
    assert apart < 0.07 and (far - moved.static).abs().mean() > 1.5 * apart


def test_a_generator_that_carries_comes_nearer_to_the_wanted_drawing(packed, nets):
    faithful = LossWeights(overall=0, regions=0, geometry=0, lip_line=0, identity=0, pair=0, warp=0)
    torch.manual_seed(0)
    players = Players(replace(MODEL, carried=True), 4)
    game, batch = Game(players, nets, faithful, 32), batches(packed, carried=True).batch(0, 2)
    optimizer = torch.optim.Adam(players.generator.parameters(), lr=5e-3)
    losses = [play(game, batch, optimizer, ImagePool(0))["content"] for _ in range(40)]
    assert losses[-1] < 0.92 * losses[0]


def test_own_targets_are_the_photo_s_landmarks_and_adjacent_ones_are_near(packed):
    own = batches(packed, mix=TargetMix(own=1, other=0)).batch(0, 4)
    assert torch.equal(own.first, own.source)
    moved = batches(packed, mix=TargetMix(own=0, other=0)).batch(0, 4)
    far = (moved.first - moved.source).norm(dim=-1).mean()
    near = (moved.second - moved.first).norm(dim=-1).mean()
    assert 0 < near < 0.3 * far
    foreign = batches(packed, mix=TargetMix(own=0, other=1)).batch(0, 4)
    assert (foreign.second - foreign.first).abs().max() <= 3 + 1e-3
    assert torch.allclose(foreign.first.mean(1), foreign.source.mean(1), atol=0.1), "cropped alike"


def test_only_lips_and_lids_move_between_calm_moments(packed):
    calm = batches(packed, mix=TargetMix(calm=1)).batch(0, 4)
    still = (calm.second == calm.first).all(dim=-1)
    moving = [*np.array(points68.LID_PAIRS).ravel(), *points68.LIPS]
    rest = [k for k in range(points68.COUNT) if k not in moving]
    assert still[:, rest].all()
    assert still[:, moving].float().mean() < 0.5


def test_flow_b_reads_the_source_at_each_target_landmark(packed):
    batch = batches(packed, mix=TargetMix(own=0, other=0, level=0.7)).batch(0, 3)
    nose = [27, 28, 29, 33]
    target, source = (at_side(p[:, nose], 32) for p in (batch.first, batch.source))
    grid = batch.flow_b[:3].permute(0, 3, 1, 2)
    read = torch.nn.functional.grid_sample(grid, 2 * target[:, None] / 31 - 1, align_corners=True)
    assert ((read[:, :, 0].mT + 1) * 31 / 2 - source).norm(dim=-1).max() < 0.4


def test_adjacent_frames_are_more_alike_than_frames_apart(packed):
    batch = batches(packed).batch(0, 6)
    near, far = ((pair[:, 0] - pair[:, 1]).abs().mean() for pair in (batch.real.adjacent, batch.real.apart))
    assert near < 0.6 * far


@pytest.mark.parametrize("name", ABLATIONS)
def test_an_ablation_leaves_out_its_losses(packed, nets, name):
    game, batch = Game(Players(MODEL, 4), nets, ablated(FULL, name), 32), batches(packed).batch(0, 1)
    with torch.no_grad():
        terms = game.generator_terms(batch, *game.draw(batch))
    kept = {key for key, weight in vars(ablated(FULL, name)).items() if key != "foreground" and weight}
    assert terms.keys() == kept and all(torch.isfinite(value) for value in terms.values())


def test_outside_the_moved_person_is_paper(packed, nets):
    batch = batches(packed).batch(0, 1)
    for name, blank in (("full", True), ("no_foreground", False)):
        game = Game(Players(MODEL, 4), nets, ablated(FULL, name), 32)
        with torch.no_grad():
            first, _ = game.draw(replace(batch, matte=batch.matte * 0))
        assert (first == 1).all().item() == blank


def test_without_flow_a_flow_b_stands_in(packed, nets):
    class Same(FlowNet):
        def regress(self, source, target, flow_b, size=256):
            pixels = torch.stack(torch.meshgrid(torch.arange(32), torch.arange(32), indexing="xy"))
            read = (batch.flow_b.permute(0, 3, 1, 2) + 1) * 31 / 2
            return read - pixels, torch.ones(len(read), 1, 32, 32)

    batch, players = batches(packed).batch(0, 1), Players(MODEL, 4)
    drawn = []
    for flow in (None, Same(nets.flow.config)):
        with torch.no_grad():
            drawn.append(Game(players, replace(nets, flow=flow), FULL, 32).draw(batch)[0])
    assert torch.allclose(*drawn, atol=1e-5)


def test_the_generator_learns_the_warped_static_drawing(packed, nets):
    faithful = LossWeights(overall=0, regions=0, geometry=0, lip_line=0, identity=0, pair=0)
    torch.manual_seed(0)
    players = Players(MODEL, 4)
    game, batch = Game(players, nets, faithful, 32), batches(packed).batch(0, 2)
    optimizer = torch.optim.Adam(players.generator.parameters(), lr=5e-3)
    losses = [play(game, batch, optimizer, ImagePool(0))["loss"] for _ in range(25)]
    assert losses[-1] < 0.6 * losses[0]


def test_the_discriminators_learn_and_the_generator_stays_out_of_it(packed, nets):
    torch.manual_seed(0)
    players = Players(MODEL, 4)
    game, batch = Game(players, nets, FULL, 32), batches(packed).batch(0, 2)
    with torch.no_grad():
        first, second = game.draw(batch)
    before = [p.clone() for p in players.generator.parameters()]
    optimizer = torch.optim.Adam(players.critics.parameters(), lr=2e-3)
    losses = []
    for _ in range(12):
        loss = game.critic_loss(batch, first, second, ImagePool(0))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]
    assert all(torch.equal(a, b) for a, b in zip(before, players.generator.parameters(), strict=True))


def test_each_player_moves_in_its_own_turn_with_one_optimizer(packed, nets):
    torch.manual_seed(0)
    players = Players(MODEL, 4)
    game, batch = Game(players, nets, FULL, 32), batches(packed).batch(0, 1)
    groups = [{"params": p.parameters()} for p in (players.generator, players.critics)]
    before = {name: p.clone() for name, p in players.named_parameters()}
    optimizer = torch.optim.Adam(groups, lr=1e-3)
    values = play(game, batch, optimizer, ImagePool(2))
    moved = {name.split(".")[0] for name, p in players.named_parameters() if not torch.equal(p, before[name])}
    assert moved == {"generator", "critics"} and all(np.isfinite(list(values.values())))
    assert {int(optimizer.state[p]["step"]) for p in players.parameters() if p in optimizer.state} == {1}


def test_a_resumed_run_goes_on_bit_for_bit(packed, nets, tmp_path):
    whole = load_file(train(TINY, packed, nets, tmp_path / "whole"))
    train(TINY, packed, nets, tmp_path / "parts", stop=3)
    state = torch.load(tmp_path / "parts" / "run.pt", weights_only=True)
    assert state["step"] == 3 and len(state["beside"]["pool"]["items"]) == 2
    path = train(TINY, packed, nets, tmp_path / "parts")
    resumed = load_file(path)
    assert resumed.keys() == whole.keys()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    assert (tmp_path / "whole" / "sheet_000002.png").exists() and (
        tmp_path / "whole" / "sheet_end.png"
    ).exists()
    log = (tmp_path / "whole" / "log.csv").read_text()
    assert "critics" in log and "unseen_identity" in log, (
        "what an ablation leaves out is measured all the same"
    )
    with safe_open(path, "pt") as file:
        assert GeneratorConfig.from_dict(json.loads(file.metadata()["config"])) == MODEL


def test_a_run_can_begin_from_another_style_s_weights(packed, nets, tmp_path):
    first = train(TINY, packed, nets, tmp_path / "first")
    second = train(replace(TINY, style="ink", steps=0), packed, nets, tmp_path / "second", start=first)
    begun, end = load_file(second), load_file(first)
    assert all(torch.equal(begun[name], end[name]) for name in end)


@pytest.mark.parametrize(("wanted", "given"), [(True, False), (False, True)])
def test_weights_tell_whether_flow_a_took_part(packed, nets, tmp_path, wanted, given):
    config = replace(TINY, model=replace(MODEL, flow_a=wanted), steps=0)
    path = train(config, packed, nets if given else replace(nets, flow=None), tmp_path)
    with safe_open(path, "pt") as file:
        assert not json.loads(file.metadata()["config"])["flow_a"]
