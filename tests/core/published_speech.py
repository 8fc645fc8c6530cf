"""The published speech networks, written line by line from their description on tensors under the authors' names."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from lpcore.motion import makeittalk
from lpcore.motion.content import ContentBranch
from lpcore.motion.makeittalk.converter import ConverterConfig, VoiceConverter
from lpcore.motion.speaker_branch import SpeakerBranch, SpeakerBranchConfig
from lpcore.weights import convert_speech
from lpcore.weights.tensors import restore


class Tensors(dict):
    """Random tensors that are made when a layer first asks for them, under the authors' names."""

    def __init__(self, seed=0):
        super().__init__()
        self.random = torch.Generator().manual_seed(seed)

    def made(self, name, *shape, spread=None, around=0.0):
        if name not in self:
            spread = spread or 1 / math.sqrt(math.prod(shape[1:]) or 1)
            self[name] = around + spread * torch.randn(shape, generator=self.random)
        return self[name]

    def linear(self, name, x, outputs):
        weight = self.made(f"{name}.weight", outputs, x.shape[-1], spread=1.5 / math.sqrt(x.shape[-1]))
        return x @ weight.T + self.made(f"{name}.bias", outputs, spread=0.1)

    def conv(self, name, x, outputs):
        weight = self.made(f"{name}.weight", outputs, x.shape[1], 5)
        return F.conv1d(x, weight, self.made(f"{name}.bias", outputs, spread=0.1), padding=2)

    def group_norm(self, name, x, groups):
        weight = self.made(f"{name}.weight", x.shape[1], spread=0.2, around=1.0)
        return F.group_norm(x, groups, weight, self.made(f"{name}.bias", x.shape[1], spread=0.1))

    def batch_norm(self, name, x):
        width = x.shape[-1]
        mean = self.made(f"{name}.running_mean", width, spread=0.1)
        variance = self.made(f"{name}.running_var", width, spread=0.1, around=1.0).abs_()
        weight = self.made(f"{name}.weight", width, spread=0.2, around=1.0)
        return (x - mean) / (variance + 1e-5).sqrt() * weight + self.made(f"{name}.bias", width, spread=0.1)

    def spread_norm(self, name, x):
        alpha = self.made(f"{name}.alpha", x.shape[-1], spread=0.2, around=1.0)
        away = x - x.mean(-1, keepdim=True)
        spread = (away.pow(2).sum(-1, keepdim=True) / (x.shape[-1] - 1)).sqrt()
        return alpha * away / (spread + 1e-6) + self.made(f"{name}.bias", x.shape[-1], spread=0.1)

    def lstm(self, name, x, hidden, layers, both_ways=False):
        for layer in range(layers):
            ways = [self._run(f"{name}.{{}}_l{layer}", x, hidden)]
            if both_ways:
                ways.append(self._run(f"{name}.{{}}_l{layer}_reverse", x.flip(1), hidden).flip(1))
            x = torch.cat(ways, dim=2)
        return x

    def _run(self, name, x, hidden):
        made = [
            self.made(name.format(part), 4 * hidden, *width, spread=1 / math.sqrt(hidden))
            for part, width in (
                ("weight_ih", [x.shape[2]]), ("weight_hh", [hidden]), ("bias_ih", []), ("bias_hh", []),
            )
        ]  # fmt: skip
        state = cell = torch.zeros(len(x), hidden)
        states = []
        for frame in x.unbind(1):
            gates = frame @ made[0].T + made[2] + state @ made[1].T + made[3]
            enter, forget, new, leave = gates.chunk(4, dim=1)
            cell = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
            state = leave.sigmoid() * cell.tanh()
            states.append(state)
        return torch.stack(states, dim=1)


def convert_voice(s, mel, source, target, pitch, neck=16, width=512):
    """AutoVC: mel (1, T, bands), voices (1, V), one-hot pitch (1, T, classes), T a multiple of 16."""
    frames, bands = mel.shape[1:]
    x = torch.cat([mel, source[:, None].repeat(1, frames, 1)], dim=2).transpose(1, 2)
    for k in range(3):
        x = s.conv(f"encoder.convolutions.{k}.0.conv", x, width)
        x = F.relu(s.group_norm(f"encoder.convolutions.{k}.1", x, 32))
    states = s.lstm("encoder.lstm", x.transpose(1, 2), neck, 2, both_ways=True)
    rows = []
    for k in range(frames):
        block = k // 16 * 16
        code = torch.cat([states[:, block + 15, :neck], states[:, block, neck:]], dim=1)
        rows.append(torch.cat([code, target, pitch[:, k]], dim=1))
    decoded = s.lstm("decoder.lstm", torch.stack(rows, dim=1), width, 3)
    rough = s.linear("decoder.linear_projection.linear_layer", decoded, bands)
    x = rough.transpose(1, 2)
    for k in range(4):
        x = s.conv(f"postnet.convolutions.{k}.0.conv", x, width)
        x = torch.tanh(s.group_norm(f"postnet.convolutions.{k}.1", x, 32))
    x = s.group_norm("postnet.convolutions.4.1", s.conv("postnet.convolutions.4.0.conv", x, bands), 5)
    return rough + x.transpose(1, 2)


def content(s, windows, face, hidden=256, code=161):
    """The content branch: windows (W, 18, bands), face (204,) -> (W, 204)."""
    x = s.batch_norm("fc_prior.1", s.linear("fc_prior.0", windows, 256))
    x = s.linear("fc_prior.3", F.leaky_relu(x, 0.2), code)
    state = s.lstm("bilstm", x, hidden, 3)[:, -1]
    x = torch.cat([state, face.repeat(len(state), 1)], dim=1)
    x = F.leaky_relu(s.batch_norm("fc.1", s.linear("fc.0", x, 512)), 0.2)
    x = F.leaky_relu(s.batch_norm("fc.4", s.linear("fc.3", x, 256)), 0.2)
    return s.linear("fc.6", x, 204)


def published_positions(length=512, width=64):
    table = torch.zeros(length, width)
    for position in range(length):
        for i in range(0, width, 2):
            table[position, i] = math.sin(position / 10000 ** (2 * i / width))
            table[position, i + 1] = math.cos(position / 10000 ** (2 * (i + 1) / width))
    return table


def attention(s, name, x, heads=2):
    width = x.shape[1]
    query, key, value = (s.linear(f"{name}.{letter}_linear", x, width) for letter in "qkv")
    mixed = []
    for head in range(heads):
        part = slice(head * width // heads, (head + 1) * width // heads)
        scores = query[:, part] @ key[:, part].T / math.sqrt(width // heads)
        mixed.append(scores.softmax(dim=1) @ value[:, part])
    return s.linear(f"{name}.out", torch.cat(mixed, dim=1), width)


def speaker(s, windows, voice, hidden=256, noise=128):
    """The speaker branch: windows (W, 18, bands), voice (256,) -> (W, 204)."""
    states = s.lstm("audio_content_encoder", windows, hidden, 3)[:, -1]
    x = F.leaky_relu(s.linear("spk_emb_encoder.0", 3 * voice, 256), 0.02)
    x = s.linear("spk_emb_encoder.4", F.leaky_relu(s.linear("spk_emb_encoder.2", x, 128), 0.02), 128)
    zeros = torch.zeros(len(states), noise)
    x = s.linear("encoder.embed.embed", torch.cat([states, x.repeat(len(states), 1), zeros], dim=1), 64)
    s.setdefault("encoder.pe.pe", published_positions()[None])
    x = 8 * x + published_positions()[: len(x)]
    for k in range(2):
        name = f"encoder.layers.{k}"
        x = x + attention(s, f"{name}.attn", s.spread_norm(f"{name}.norm_1", x))
        wide = s.linear(f"{name}.ff.linear_1", s.spread_norm(f"{name}.norm_2", x), 2048)
        x = x + s.linear(f"{name}.ff.linear_2", F.relu(wide), 64)
    x = torch.cat([s.spread_norm("encoder.norm", x), zeros], dim=1)
    x = F.leaky_relu(s.linear("out.0", x, 512), 0.02)
    return s.linear("out.4", F.leaky_relu(s.linear("out.2", x, 256), 0.02), 204)


def add_unused_decoder(s):
    """Weights of the speaker branch's file that nothing uses."""
    x = s.linear("decoder.embed.embed", torch.zeros(2, 204), 64)
    s["decoder.pe.pe"] = published_positions()[None]
    for k in range(2):
        name = f"decoder.layers.{k}"
        for norm in (1, 2, 3):
            s.spread_norm(f"{name}.norm_{norm}", x)
        for which in (1, 2):
            attention(s, f"{name}.attn_{which}", x)
        s.linear(f"{name}.ff.linear_2", s.linear(f"{name}.ff.linear_1", x, 2048), 64)
    s.spread_norm("decoder.norm", x)


def windows_of(features):
    """(T, bands) -> (T - 17, 18, bands)."""
    return features.unfold(0, 18, 1).transpose(1, 2)


def converter_state(seed=0, **sizes):
    """A random AutoVC state dict under the authors' names."""
    s = Tensors(seed)
    convert_voice(
        s, torch.zeros(1, 16, 80), torch.zeros(1, 256), torch.zeros(1, 256), torch.zeros(1, 16, 257), **sizes
    )
    return s


def content_state(seed=0, **sizes):
    s = Tensors(seed)
    content(s, torch.zeros(1, 18, 80), torch.zeros(204), **sizes)
    return s


def speaker_state(seed=0, **sizes):
    s = Tensors(seed)
    speaker(s, torch.zeros(1, 18, 80), torch.zeros(256), **sizes)
    return s


def small_states():
    """Converter, content and speaker branch, narrower than the published ones."""
    return (
        converter_state(1, neck=8, width=64),
        content_state(2, hidden=32, code=20),
        speaker_state(3, hidden=32),
    )


def small_networks(states):
    """The imported module with `small_states`, made-up statistics and a standard face that looks at the viewer."""
    kinds = (
        (convert_speech.converter, lambda config: VoiceConverter(ConverterConfig(**config))),
        (convert_speech.content_branch, lambda config: ContentBranch(makeittalk.content_config(config))),
        (convert_speech.speaker_branch, lambda config: SpeakerBranch(SpeakerBranchConfig.from_dict(config))),
    )
    nets = []
    for state, (convert, build) in zip(states, kinds, strict=True):
        config, tensors = convert(state)
        nets.append(build(config).eval())
        restore(nets[-1], tensors)
    random = np.random.default_rng(4)
    standard = random.normal(0, 0.3, (68, 3)).astype(np.float32)
    standard[[0, 16, 30], 2] = -0.8, -0.8, 0.3
    mean, std = random.uniform(0.2, 0.6, 80), random.uniform(0.1, 0.2, 80)
    return makeittalk.Networks(
        *nets, mean.astype(np.float32), std.astype(np.float32), unit(random.random(256)), standard
    )


def unit(vector):
    return (vector / np.linalg.norm(vector)).astype(np.float32)


VOICE = unit(np.random.default_rng(9).random(256))
"""Everybody's, where the networks are `install`ed."""


def install(nets, monkeypatch):
    """Put `nets` in the place of the imported module, with one voice for every sound."""
    monkeypatch.setattr(makeittalk, "load_networks", lambda: nets)
    monkeypatch.setattr("lpcore.audio.voice.partial_embeddings", lambda samples, most=None: VOICE[None])


def buzz(seconds, seed=0):
    """Something like speech: syllables of a buzz whose pitch and loudness change."""
    time = np.arange(round(seconds * 16000)) / 16000
    phase = 2 * np.pi * np.cumsum(160 + 40 * np.sin(2.1 * time)) / 16000
    syllables = np.clip(np.sin(2 * np.pi * 2.3 * time) + 0.4, 0, 1)
    noise = np.random.default_rng(seed).normal(0, 0.002, len(time))
    return (sum(np.sin(k * phase) / k for k in range(1, 15)) * 0.1 * syllables + noise).astype(np.float32)
