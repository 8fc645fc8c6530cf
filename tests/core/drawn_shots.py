"""Shots without networks: a made-up motion, frames of known noise, and a judge of known error."""

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import soundfile
from conftest import drop_jaw

from lpcore.evaluate import shots
from lpcore.evaluate.look import Seen, look
from lpcore.evaluate.methods import drawn_by
from lpcore.evaluate.shots import Shot, ShotPlan
from lpcore.types import SpeakSettings

_OPEN = (0, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0)
"""In which frames the jaw is open."""


def spoken(portrait, speech, *, start, frames, settings=None) -> SimpleNamespace:
    """A jaw that opens and closes, on a head that sinks unless it is to be still."""
    head = (settings or SpeakSettings()).head
    points = np.stack([drop_jaw(portrait.landmarks, 12 * _OPEN[k % len(_OPEN)]) for k in range(frames)])
    points[..., 1] += head * np.arange(frames)[:, None]
    return SimpleNamespace(points=points)


def beating(path, start=0.0, duration=1.0, rate=16000) -> np.ndarray:
    """Sound that is loud while the jaw is open."""
    time = np.arange(round(duration * rate)) / rate
    loud = np.array(_OPEN)[np.round(time * 25).astype(int) % len(_OPEN)]
    return (np.where(loud, 0.3, 0.03) * np.sin(2 * np.pi * 200 * time)).astype(np.float32)


def patch_shots(monkeypatch, portrait) -> None:
    """Let shots be of this portrait, without networks or files."""
    monkeypatch.setattr(shots, "analyze", lambda photo: portrait)
    monkeypatch.setattr(shots, "speak", spoken)
    monkeypatch.setattr(shots, "load", beating)


class Drawn:
    """Frames that are the static drawing, changed at random by up to `noise`."""

    def __init__(self, noise: int) -> None:
        self.static = np.full((512, 512), 255, np.uint8)
        self.static[360:363, 206:306] = 0
        self._noise = noise

    def frames(self, points):
        rng = np.random.default_rng(0)
        for _ in points:
            change = rng.integers(0, self._noise + 1, self.static.shape)
            yield (self.static - np.minimum(change, self.static)).astype(np.uint8)


class Blind:
    """A judge who finds the landmarks `error` pixels to the right, and means."""

    made_of = {"judge": "blind"}  # noqa: RUF012 nobody changes it

    def __init__(self, error: float = 0.0) -> None:
        self.error = error

    def looks(self, pictures):
        small = [cv2.resize(picture, (4, 4), interpolation=cv2.INTER_AREA) for picture in pictures]
        return {"fd": np.stack([picture.ravel() / 255 for picture in small])}

    def people(self, pictures, points):
        return self.looks(pictures)["fd"]

    def landmarks(self, pictures, points):
        return points[..., :2] + (self.error, 0)


def seen_of(shot: Shot, stream, judge) -> Seen:
    """What a judge sees of a stream's frames."""
    return look(drawn_by(lambda portrait: stream)(shot), shot, judge)


def pictures(folder: Path, count: int, side: int = 64) -> Path:
    """A folder of pictures, each lighter than the one before."""
    folder.mkdir(parents=True)
    for k in range(count):
        cv2.imwrite(str(folder / f"{k:03d}.png"), np.full((side, side, 3), 10 * k + 5, np.uint8))
    return folder


def film(path: Path, count: int, rate: float, shape: tuple[int, int] = (64, 64)) -> Path:
    """A film whose frames are each lighter than the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate, shape[::-1])
    for k in range(count):
        writer.write(np.full((*shape, 3), 5 * k + 5, np.uint8))
    writer.release()
    return path


def plans_of(data: Path) -> list[ShotPlan]:
    face, speech = data / "faces" / "stylegan2_17.jpg", data / "speech.wav"
    soundfile.write(speech, np.zeros(32000), 16000)
    return [ShotPlan("one", face, speech, 16, 0.5, 3), ShotPlan("two", face, speech, 12)]
