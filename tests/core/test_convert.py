"""Importing published checkpoints: what is found, converted, refused, and how it is loaded again."""

import hashlib
import json
from dataclasses import replace

import pytest
import torch
from test_convert_flow_net import published_unet
from test_convert_generator import published_generator

from lpcore import cli, weights
from lpcore.drawing import paper
from lpcore.drawing.flow_net import FlowNet, FlowNetConfig, load_flow_net
from lpcore.drawing.generator import Generator, GeneratorConfig, load_generator
from lpcore.errors import LpError
from lpcore.weights import convert

FULL_SIZE = {
    "paper_generator_drawing": {},
    "paper_generator_cartoon": {"outputs": 3},
    "paper_static_drawing": {},
    "paper_static_cartoon": {},
    "paper_matte": {},
}


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """The authors' folders, still empty, and an empty cache; small generators pass for published ones."""
    monkeypatch.setenv("LPCORE_WEIGHTS", str(tmp_path / "cache"))
    for name, published in convert.PUBLISHED.items():
        monkeypatch.setitem(convert.PUBLISHED, name, replace(published, parameters=0))
    folder = tmp_path / "Animate Portrait" / "Module2" / "checkpoints"
    for name in ("formal/drawing", "formal/cartoon", "FlowReg_id_flow_faces", "static"):
        (folder / name).mkdir(parents=True)
    return folder


def code_of(call, *args):
    with pytest.raises(LpError) as caught:
        call(*args)
    return caught.value.code


@pytest.mark.parametrize(("name", "config"), FULL_SIZE.items())
def test_published_sizes(name, config):
    published = convert.PUBLISHED[name]
    with torch.device("meta"):
        model = published.build(config)
    tensors = {name: t for name, t in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    assert convert.check(published, config, tensors) == published.parameters


def test_import_and_load(tree, capsys):
    state = published_generator(1)
    source = tree / "formal/drawing/70_net_G_A.pth"
    leftovers = {"model3.1.running_mean": torch.zeros(3), "model3.1.num_batches_tracked": torch.tensor(1)}
    torch.save(state | leftovers, source)
    torch.save(dict(published_unet(3, 2, 20)), tree / "FlowReg_id_flow_faces/best_net_netF.pth")
    before = source.read_bytes()

    assert cli.main(["weights", "import", "--animateportrait", str(tree.parents[1]), "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(said["converted"]) == {"paper_generator_drawing", "paper_flow_net"}
    assert said["missing"]["paper_matte"] == "modnet_photographic_portrait_matting.ckpt"
    assert len(said["missing"]) == 4 and source.read_bytes() == before

    header = weights.metadata("paper_generator_drawing")
    assert header["kind"] == "generator" and header["converter"] == convert.VERSION
    assert header["source_sha256"] == hashlib.sha256(before).hexdigest()
    generator, flow_net = load_generator("paper_generator_drawing"), load_flow_net("paper_flow_net")
    assert isinstance(generator, Generator) and isinstance(flow_net, FlowNet) and not generator.training
    assert generator.config == GeneratorConfig(widths=(6, 12, 24))
    assert flow_net.config == FlowNetConfig(width=3, max_width=20, levels=2)
    torch.testing.assert_close(generator.merge.weight, state["model_tri_merge.weight"])
    listed = {entry["name"] for entry in weights.listing()}
    assert "paper_flow_net" in listed and "paper_matte" not in listed
    assert code_of(paper.load_matting) == "WEIGHTS_NOT_IMPORTED"


def test_wrapped_and_prefixed_files(tree):
    torch.manual_seed(0)
    cartoonist, matting = paper.CartoonGenerator(8), paper.ModNet(4)
    torch.save({"genA2B": cartoonist.state_dict(), "epoch": 7}, tree / "static/cartoon.pt")
    own = matting.state_dict()
    twice = {f"lr_branch.{name}": t for name, t in own.items() if name.startswith("backbone.")}
    wrapped = {f"module.{name}": tensor for name, tensor in (own | twice).items()}
    torch.save(wrapped, tree / "modnet_photographic_portrait_matting.ckpt")
    report = convert.import_animateportrait(tree)
    assert set(report.converted) == {"paper_static_cartoon", "paper_matte"}
    for loaded, saved in ((paper.load_cartoonist(), cartoonist), (paper.load_matting(), matting)):
        torch.testing.assert_close(loaded.state_dict(), saved.state_dict())
        assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("a checkpoint ran code",))


@pytest.mark.parametrize(
    "content",
    [
        b"not a checkpoint",
        {"model3.7.bias": torch.zeros(1)},
        {"model3.7.bias": "text"},
        [1, 2],
        {"model3.7.bias": Trap()},
    ],
)
def test_wrong_files_are_refused(tree, content):
    path = tree / "formal/drawing/70_net_G_A.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    assert code_of(convert.import_animateportrait, tree) == "CHECKPOINT_WRONG"
    assert not (tree.parents[2] / "cache").exists()


def test_another_size_is_refused(tree, monkeypatch):
    published = convert.PUBLISHED["paper_generator_drawing"]
    monkeypatch.setitem(
        convert.PUBLISHED, "paper_generator_drawing", replace(published, parameters=15_925_553)
    )
    torch.save(dict(published_generator(1)), tree / "formal/drawing/70_net_G_A.pth")
    assert code_of(convert.import_animateportrait, tree) == "CHECKPOINT_WRONG"


def test_a_folder_without_checkpoints(tree):
    (tree / "70_net_G_A.pth").write_bytes(b"neither drawing nor cartoon")
    assert code_of(convert.import_animateportrait, tree) == "CHECKPOINTS_MISSING"
