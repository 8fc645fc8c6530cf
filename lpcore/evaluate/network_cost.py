"""What each network of the drawing stage costs: parameters, floating-point operations, milliseconds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ..drawing.drawer import DrawerConfig, StaticDrawer
from ..drawing.flow_net import DEFAULT as FLOW
from ..drawing.flow_net import PAPER_UNET, FlowNet, FlowNetConfig
from ..drawing.generator import DEFAULT, PAPER, Generator, GeneratorConfig
from ..drawing.paper.modnet import ModNet
from ..drawing.paper.upd import UpdGenerator
from .timing import median_seconds

SIDE = 256
"""Working resolution in pixels."""


@dataclass(frozen=True)
class Cost:
    """Of one network: how often it runs ("photo" = once, "frame" = for each), parameters, 10^9 operations of one run
    (a multiplication and its addition are two), median milliseconds of one run (NaN where not measured).
    """

    name: str
    runs: str
    parameters: int
    gflop: float
    milliseconds: float


def costs(repeats: int = 5) -> list[Cost]:
    """Our networks and the published ones, with random weights, on this processor; repeats: 0 = do not time them."""
    with torch.device("meta"):
        counted = [(name, runs, network, _gflop(call)) for name, runs, network, call in _parts()]
    times = [_milliseconds(call, repeats) for *_, call in _parts()] if repeats else [math.nan] * len(counted)
    return [
        Cost(name, runs, sum(p.numel() for p in network.parameters()), gflop, spent)
        for (name, runs, network, gflop), spent in zip(counted, times, strict=True)
    ]


def _parts() -> list[tuple[str, str, nn.Module, Callable[[], object]]]:
    parts: list[tuple[str, str, nn.Module, Callable[[], object]]] = []

    def add(name: str, runs: str, network: nn.Module, call: Callable[[], object] | None = None, *shape: int):
        picture = torch.zeros(1, *shape)
        parts.append((name, runs, network.eval(), call or (lambda: network(picture))))

    add("static drawer, 512", "photo", StaticDrawer(DrawerConfig()), None, 4, 2 * SIDE, 2 * SIDE)
    for title, config, flow in (("default", DEFAULT, FLOW), ("paper", PAPER, PAPER_UNET)):
        generator = Generator(config)
        prepare, draw = generator_calls(generator, config)
        add(f"generator {title}, photo", "photo", generator.encoder, prepare)
        add(f"generator {title}", "frame", generator, draw)
        add(f"flow A {title}", "frame", *_flow_call(flow))
    add("UPD, 512", "frame", UpdGenerator(), None, 3, 2 * SIDE, 2 * SIDE)
    add("MODNet, 256", "frame", ModNet(), None, 3, SIDE, SIDE)
    return parts


def generator_calls(
    generator: Generator, config: GeneratorConfig, batch: int = 1
) -> tuple[Callable[[], object], Callable[[], object]]:
    """What the generator does once for a photo, and what for `batch` frames together."""
    drawn = config.scale * SIDE
    photo, discs = torch.zeros(1, config.inputs, drawn, drawn), torch.zeros(1, 1, SIDE, SIDE)
    carried = torch.zeros(batch, config.outputs, drawn, drawn) if config.carried else None
    frame = (
        discs.expand(batch, -1, -1, -1),
        torch.zeros(batch, SIDE, SIDE, 2),
        torch.zeros(batch, 2, SIDE, SIDE),
        torch.ones(batch, 1, SIDE, SIDE),
        carried,
    )
    with torch.inference_mode():
        code = generator.eval().prepare(photo, discs)
    return lambda: generator.prepare(photo, discs), lambda: generator(code, *frame)


def _flow_call(config: FlowNetConfig) -> tuple[nn.Module, Callable[[], object]]:
    net, face = FlowNet(config), 99 * torch.ones(1, 68, 2)
    return net, lambda: net.regress(face, face, torch.zeros(1, SIDE, SIDE, 2), SIDE)


@torch.inference_mode()
def _gflop(call: Callable[[], object]) -> float:
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops() / 1e9


@torch.inference_mode()
def _milliseconds(call: Callable[[], object], repeats: int) -> float:
    return 1000 * median_seconds(call, repeats)
