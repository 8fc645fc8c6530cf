"""Weight files with made-up contents, in a cache folder of their own."""

import json
from dataclasses import asdict

import torch
from safetensors.torch import save_file

from lpcore.drawing.flow_net import FlowNet, FlowNetConfig
from lpcore.drawing.generator import Generator, GeneratorConfig
from lpcore.weights import REGISTRY, WeightFile

OWN = GeneratorConfig(
    widths=(8, 8), landmark_widths=(4, 4), blocks=1, scale=2, laterals=True, warp_align_corners=True,
    soft_landmarks=True,
)  # fmt: skip
PUBLISHED = GeneratorConfig(widths=(8, 8), landmark_widths=(4, 4), blocks=1)
FLOW = FlowNetConfig("unet_v2", width=4, max_width=8, levels=2, residuals=1, side=64, radius=2.0)


class WeightFiles:
    """Puts networks with random weights where `weights.require` finds them."""

    def __init__(self, folder, monkeypatch):
        self.folder, self._patch = folder, monkeypatch
        monkeypatch.setenv("LPCORE_WEIGHTS", str(folder))
        for name in ("generator_ink", "generator_pen", "flow_net"):
            monkeypatch.delitem(REGISTRY, name, raising=False)

    def put(self, name, net, config):
        file = WeightFile(name, sha256="", size=0, licence="", source="made up", origin="imported")
        self._patch.setitem(REGISTRY, name, file)
        tensors = {k: v.contiguous() for k, v in net.state_dict().items() if "num_batches" not in k}
        save_file(tensors, self.folder / file.filename, {"config": json.dumps(config)})

    def generator(self, name, config, seed=0):
        torch.manual_seed(seed)
        net = Generator(config)
        # As initialised, drawings would be nearly even grey.
        torch.nn.init.normal_(net.decoder.out.weight, 0, 0.3)
        self.put(name, net, asdict(config))

    def flow_net(self, name="flow_net"):
        torch.manual_seed(0)
        self.put(name, FlowNet(FLOW), asdict(FLOW))
