"""Training flow A: truth in the net's unit, the loss falls, a resumed run goes on bit for bit, honest figures."""

import json

import numpy as np
import pytest
import torch
from heads import made_up_head
from made_up_faces import write_faces
from safetensors import safe_open
from safetensors.torch import load_file

from lpcore.drawing.flow import flow_grid
from lpcore.drawing.flow_net import FlowNet, FlowNetConfig, FlowOutput
from lpcore.train.flow import FRAME, FlowPairs, HeldOutFlow, TrainFlow, flow_loss, train
from lpcore.train.pack import Pack, pack

SMALL = FlowNetConfig("unet_v2", width=4, max_width=8, levels=2, residuals=1, side=64, radius=2.0, soft=True)
TINY = TrainFlow(model=SMALL, steps=6, batch=2, log_every=3)


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    pack(write_faces(root), root / "faces.pack", ("ink",), head=made_up_head(), identity=False)
    return root / "faces.pack"


def perfect(batch) -> FlowOutput:
    """The output of a net that knows the truth at two levels."""
    logits = torch.nn.functional.one_hot(batch.visibility, 3).permute(0, 3, 1, 2).float() * 20
    return FlowOutput((batch.flow, torch.nn.functional.avg_pool2d(batch.flow, 2)), logits)


def test_batches_are_decided_by_step_and_seed(packed):
    pairs = FlowPairs(Pack(packed), TINY, "cpu")
    one, again, other = pairs.batch(3), pairs.batch(3), pairs.batch(4)
    assert torch.equal(one.flow, again.flow) and torch.equal(one.target, again.target)
    assert not torch.equal(one.flow, other.flow)
    assert one.flow.shape == (2, 2, 32, 32) and one.source.shape == (2, 68, 2)
    assert set(one.visibility.unique().tolist()) <= {0, 1, 2}


def test_truth_leads_from_target_landmarks_to_source_landmarks_through_regress(packed):
    exact = TrainFlow(model=SMALL, batch=4, jitter=0, level=0.8)
    batch = FlowPairs(Pack(packed), exact, "cpu").batch(0)

    class Knowing(FlowNet):
        def forward(self, discs: torch.Tensor) -> FlowOutput:
            return perfect(batch)

    still = flow_grid(torch.zeros(4, 2, FRAME, FRAME))
    flow, visible = Knowing(SMALL).regress(batch.source, batch.target, still, FRAME)
    nose = [27, 28, 29]
    grid = 2 * batch.target[:, nose] / (FRAME - 1) - 1
    read = torch.nn.functional.grid_sample(flow, grid[:, None], align_corners=True)[:, :, 0].mT
    assert (batch.target[:, nose] + read - batch.source[:, nose]).norm(dim=-1).mean() < 0.5
    assert (batch.target - batch.source)[:, nose].norm(dim=-1).mean() > 1.5
    assert 0.1 < visible.mean() < 0.9


def test_the_loss_is_zero_for_the_truth_and_counts_pixels_in_its_unit(packed):
    batch = FlowPairs(Pack(packed), TINY, "cpu").batch(0)
    known = perfect(batch)
    assert flow_loss(known, batch.flow, batch.visibility) < 1e-3
    off = FlowOutput(
        tuple(f + torch.tensor([0.3, 0.4])[:, None, None] for f in known.flows), known.visibility
    )
    assert flow_loss(off, batch.flow, batch.visibility).item() == pytest.approx(0.5 * 0.32 * 1.5, rel=1e-2)


def test_loss_falls(packed):
    torch.manual_seed(0)
    batch = FlowPairs(Pack(packed), TINY, "cpu").batch(0)
    model = FlowNet(SMALL)
    discs = model.discs(batch.source, batch.target, FRAME)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(25):
        loss = flow_loss(model(discs), batch.flow, batch.visibility, 0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]


def test_figures_tell_truth_from_standing_still(packed):
    unseen = HeldOutFlow(Pack(packed), "cpu")

    class Still(FlowNet):
        def regress(self, source, target, flow_b, size=256):
            return torch.zeros(1, 2, size, size), torch.ones(1, 1, size, size)

    figures = unseen.evaluate(Still(SMALL))
    assert figures["a"] == pytest.approx(figures["still"]) and figures["still"] > 3
    assert figures["b"] < 0.7 * figures["still"]
    assert 0 < figures["person"] < 1


def test_a_resumed_run_goes_on_bit_for_bit(packed, tmp_path):
    whole = load_file(train(TINY, packed, tmp_path / "whole"))
    train(TINY, packed, tmp_path / "parts", stop=4)
    assert torch.load(tmp_path / "parts" / "run.pt", weights_only=True)["step"] == 4
    path = train(TINY, packed, tmp_path / "parts")
    resumed = load_file(path)
    assert resumed.keys() == whole.keys()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    assert (tmp_path / "whole" / "log.csv").read_text().count("\n") == 3
    assert (tmp_path / "whole" / "sheet_end.png").exists()
    with safe_open(path, "pt") as file:
        header = file.metadata()
    assert FlowNetConfig.from_dict(json.loads(header["config"])) == SMALL
    assert np.isfinite(json.loads(header["figures"])["a"])
