"""Train the generator against its discriminators (paper section 3.3.3): `lpcore train generator --data PACK`."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from ..drawing.flow_net import FlowNet, FlowNetConfig
from ..drawing.generator import DEFAULT, PAPER, SMALL, Generator, GeneratorConfig
from ..weights.tensors import restore
from .drawing_batches import DrawingBatch, DrawingBatches, TargetMix
from .drawing_landmarks import load_landmark_net
from .export import export
from .game import FrozenNets, Game, Players
from .losses import ABLATIONS, CARRIED, FULL, LOSSES, ablated
from .pack import Pack
from .pool import ImagePool
from .run import Run

DATA = "London set, composites and Canada faces (CC BY 4.0), StyleGAN2 faces; teacher drawings by TEED (MIT)"
MODELS = {"default": DEFAULT, "small": SMALL, "paper": PAPER}


@dataclass(frozen=True)
class TrainGenerator:
    """All that decides a training run of the generator.

    side: working resolution in pixels. ablation: which losses take part, see `losses.ABLATIONS`. critic_width:
    features of the discriminators' first layer (the paper's: 64). critic_region: share of the drawing's side that the
    discriminators of regions see (the paper's: 1). warm_up: steps before the discriminators join; they cost half of a
    step, and a generator that is still far off learns little from them. pool: how many old pairs the coherence
    discriminator is shown again. judged: held-out batches per evaluation.
    """

    model: GeneratorConfig = field(default_factory=lambda: DEFAULT)
    style: str = "ink"
    side: int = 256
    ablation: str = "full"
    mix: TargetMix = field(default_factory=TargetMix)
    steps: int = 20000
    batch: int = 4
    rate: float = 2e-4
    critic_rate: float = 1e-4
    critic_width: int = 32
    critic_region: float = 0.5
    warm_up: int = 0
    pool: int = 16
    seed: int = 0
    judged: int = 4
    sheet_every: int = 500


def train(
    config: TrainGenerator,
    data: Path,
    nets: FrozenNets,
    out: Path,
    *,
    start: Path | None = None,
    minutes: float | None = None,
    stop: int | None = None,
) -> Path:
    """Run or resume the training in `out` on the pack `data`; returns the weights file (moving average, float16).

    start: a weights file of the same model to begin from, such as another style's.
    """
    device = next(nets.landmarks.parameters()).device.type
    torch.manual_seed(config.seed)
    model = replace(config.model, flow_a=config.model.flow_a and nets.flow is not None)
    nets = nets if model.flow_a else replace(nets, flow=None)
    players = Players(model, config.critic_width)
    if start:
        restore(players.generator, {name: tensor.float() for name, tensor in load_file(start).items()})
    players.to(device)
    groups = [
        {"params": players.generator.parameters(), "lr": config.rate},
        {"params": players.critics.parameters(), "lr": config.critic_rate},
    ]
    # One optimiser for both: it passes over parameters without a gradient, and each player has one in its turn only.
    optimizer = torch.optim.Adam(groups, betas=(0.5, 0.999))
    pool = ImagePool(config.pool, config.seed)
    run = Run(
        out,
        players.generator,
        optimizer,
        steps=config.steps,
        minutes=minutes,
        stop=stop,
        beside={"critics": players.critics, "pool": pool},
    )
    pack = Pack(data)
    weights = ablated(CARRIED if model.carried else FULL, config.ablation)
    game = Game(players, nets, weights, config.side, config.critic_region)
    alone = Game(players, nets, replace(weights, overall=0, regions=0, pair=0), config.side)
    batches, unseen = (
        DrawingBatches(
            pack,
            config.style,
            config.side,
            model.scale,
            mix=config.mix,
            carried=model.carried,
            foreground=game.weights.foreground,
            held_out=held_out,
            seed=config.seed,
            device=device,
        )
        for held_out in (False, True)
    )

    seen: list[dict[str, float]] = []
    for step in run.steps():
        # Reported before the step: the average has then taken in the one before.
        if seen and step % config.sheet_every == 0:
            sheet = out / f"sheet_{step:06d}.png"
            run.log(**_means(seen), **evaluate(game, unseen, run.average, config, sheet))
            seen.clear()
        watched = step >= config.warm_up
        batch = batches.batch(step, config.batch, real=watched)
        seen.append(play(game if watched else alone, batch, optimizer, pool))
    figures = evaluate(game, unseen, run.average, config, out / "sheet_end.png")
    if seen:
        run.log(**_means(seen), **figures)
    path = out / f"generator_{config.style}.safetensors"
    played = {"style": config.style, "ablation": config.ablation}
    export(run, path, kind="generator", model=model, figures=figures, data=DATA, **played)
    return path


def play(
    game: Game, batch: DrawingBatch, optimizer: torch.optim.Optimizer, pool: ImagePool
) -> dict[str, float]:
    """One step of the generator, then one of the discriminators; returns their losses, 0 for those left out."""
    players, device = game.players.train(), batch.photo.device.type
    players.critics.requires_grad_(False)
    with torch.autocast(device, torch.bfloat16):
        first, second = game.draw(batch)
        terms = game.generator_terms(batch, first, second)
        loss = game.weights.total(terms)
    _step(optimizer, loss, players.generator)
    players.critics.requires_grad_(True)
    with torch.autocast(device, torch.bfloat16):
        critic = game.critic_loss(batch, first, second, pool)
    _step(optimizer, critic, players.critics)
    values = {
        "loss": loss,
        **{name: terms.get(name, loss.new_zeros(())) for name in LOSSES},
        "critics": critic,
    }
    return {name: value.item() for name, value in values.items()}


def _step(optimizer: torch.optim.Optimizer, loss: Tensor, player: nn.Module) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(player.parameters(), 10.0)
    optimizer.step()


def _means(rows: list[dict[str, float]]) -> dict[str, float]:
    names = rows[0] if rows else ()
    return {name: float(np.mean([row[name] for row in rows])) for name in names}


@torch.no_grad()
def evaluate(
    game: Game, unseen: DrawingBatches, generator: Generator, config: TrainGenerator, sheet: Path
) -> dict[str, float]:
    """Unweighted losses of `generator` on fixed held-out batches, discriminators apart, as unseen_NAME.

    Every ablation gets every figure. carried_NAME: what the carried drawings alone would have to pay.
    sheet: gets a row per portrait of the first batch: photo, the teacher's drawing moved with flow B, the carried
    drawing, if any, the two drawings.
    """
    weights = replace(FULL, overall=0, regions=0, pair=0, foreground=game.weights.foreground)
    judge = Game(game.players, game.nets, weights, game.side)
    rows = []
    for number in range(config.judged):
        batch = unseen.batch(number, config.batch, real=False)
        drawings = judge.draw(batch, generator)
        terms = judge.generator_terms(batch, *drawings)
        rows.append({f"unseen_{name}": value.item() for name, value in terms.items()})
        if batch.carried is not None:
            terms = judge.generator_terms(batch, *batch.carried.chunk(2))
            rows[-1] |= {f"carried_{name}": value.item() for name, value in terms.items()}
        if number == 0:
            _draw_sheet(batch, drawings, sheet)
    return _means(rows)


def _draw_sheet(batch: DrawingBatch, drawings: tuple[Tensor, Tensor], path: Path) -> None:
    side = batch.static.shape[-1]
    count = len(batch.photo)
    if batch.carried is None or batch.wanted is None:
        grid = batch.flow_b[:count].permute(0, 3, 1, 2)
        grid = F.interpolate(grid, (side, side), mode="bilinear", align_corners=True).permute(0, 2, 3, 1)
        moved = [F.grid_sample(batch.static, grid, padding_mode="border", align_corners=True)]
    else:
        moved = [batch.wanted, batch.carried[:count]]
    columns = [batch.photo, *(d.expand(-1, 3, -1, -1) for d in (*moved, *drawings))]
    sheet = torch.cat(columns, dim=3).permute(0, 2, 3, 1).flatten(0, 1)
    cv2.imwrite(str(path), ((sheet.clamp(-1, 1) + 1) * 127.5).byte().cpu().numpy()[..., ::-1])


def load_flow_weights(path: Path) -> FlowNet:
    """The frozen flow net in a weights file written by `flow.train`."""
    with safe_open(path, framework="pt") as file:
        net = FlowNet(FlowNetConfig.from_dict(json.loads(file.metadata()["config"])))
    restore(net, {name: tensor.float() for name, tensor in load_file(path).items()})
    return net.eval().requires_grad_(False)


def main(argv: list[str] | None = None) -> int:
    """Command line of the trainer."""
    parser = argparse.ArgumentParser(prog="lpcore train generator", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a file written by `lpcore train pack`")
    parser.add_argument(
        "--flow",
        type=Path,
        help="weights written by `lpcore train flow`; without, flow B alone, as ever with the small model",
    )
    parser.add_argument(
        "--landmarks", type=Path, required=True, help="weights written by `lpcore train drawing-landmarks`"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/generator"))
    parser.add_argument("--start", type=Path, help="weights of the same model to begin from")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--model", choices=MODELS, default="default")
    parser.add_argument("--ablation", choices=ABLATIONS, default="full")
    counts = ("steps", "batch", "warm_up", "critic_width", "seed", "judged", "sheet_every")
    kinds = {"style": str, "rate": float, "critic_rate": float, **dict.fromkeys(counts, int)}
    for name, kind in kinds.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=getattr(TrainGenerator, name))
    options = parser.parse_args(argv)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    nets = FrozenNets(
        load_flow_weights(options.flow).to(device) if options.flow else None,
        load_landmark_net(options.landmarks, device),
        Pack(options.data).identity_net(device),
    )
    settings = {name: getattr(options, name) for name in kinds}
    config = TrainGenerator(model=MODELS[options.model], ablation=options.ablation, **settings)
    train(config, options.data, nets, options.out, start=options.start, minutes=options.minutes)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
