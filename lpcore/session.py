"""What the engine answers to each request, with models, portraits and streams kept from one to the next."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from . import protocol
from .errors import LpError
from .types import Portrait, Progress, SpeakSettings, share_of
from .version import __version__

RECIPE = "recipe.json"
"""File in a take's folder that says what the take was made from."""

_STREAMS = 2  # the film's and the live preview's
_SMALL = 1024  # pixels: the longer side of the photo as shown to choose a face in


class Session:
    """The state between requests: the portrait and the frame streams last used, by what they were made from."""

    def __init__(self, detector: str = "mediapipe") -> None:
        self._detector = detector
        self._portrait: tuple[Any, Portrait] | None = None
        self._streams: dict[Any, Any] = {}

    def answer(self, request: protocol.Request, emit: Callable[[protocol.Event], None]) -> dict[str, Any]:
        """Do what `request` asks, reporting through `emit`; returns the result of its `Done`."""

        def progress(phase: str, fraction: float) -> None:
            emit(protocol.Phase(request.id, phase, round(fraction, 4)))

        match request:
            case protocol.Hello():
                return _about()
            case protocol.Analyze():
                return self._analyze(request, progress)
            case protocol.Speak():
                return self._speak(request, progress)
            case protocol.Draw():
                return self._draw(request, progress, emit)
            case protocol.Trace():
                return self._trace(request, progress)
        raise LpError("BAD_REQUEST", type(request).__name__)

    def _get_portrait(self, request: Any, progress: Progress) -> Portrait:
        from .pipeline import analyze

        path = Path(request.photo)
        point = tuple(request.point) if request.point else None
        status = path.stat() if path.is_file() else None
        key = (path, status and (status.st_mtime_ns, status.st_size), request.face, point)
        if self._portrait is None or self._portrait[0] != key:
            self._portrait, self._streams = None, {}
            self._portrait = (key, analyze(path, request.face, point, progress, self._detector))
        portrait, by_hand = self._portrait[1], getattr(request, "landmarks", None)
        return portrait if by_hand is None else portrait.with_landmarks(by_hand)

    def _analyze(self, request: protocol.Analyze, progress: Progress) -> dict[str, Any]:
        from .files import prepare_folder
        from .frames import shrunk, write_png

        folder = Path(request.folder)
        prepare_folder(folder)
        portrait = self._get_portrait(request, progress)
        image, small = folder / "face_crop.png", folder / "photo.png"
        write_png(image, portrait.image)
        write_png(small, shrunk(portrait.photo, _SMALL))
        return {
            "photo_sha256": portrait.photo_sha256,
            "photo_size": list(portrait.photo_size),
            "faces": [[f.left, f.top, f.width, f.height, f.score] for f in portrait.faces],
            "face": portrait.face,
            "crop": portrait.crop.to_dict(),
            "landmarks": portrait.landmarks.tolist(),
            "confidence": portrait.confidence.tolist(),
            "crop_image": str(image),
            "photo_image": str(small),
        }

    def _speak(self, request: protocol.Speak, progress: Progress) -> dict[str, Any]:
        from . import provenance
        from .files import prepare_folder
        from .motion.files import save_motion
        from .pipeline import speak

        clock = time.perf_counter()
        target = Path(request.motion)
        prepare_folder(target.parent)
        if request.fps[1] <= 0:
            raise LpError("BAD_VALUE", f"{request.fps} is no frame rate")
        settings = SpeakSettings.from_dict(request.settings)
        motion = speak(
            self._get_portrait(request, share_of(progress, 0.0, 0.3)),
            Path(request.audio),
            start=request.start,
            duration=request.duration,
            frames=request.frames,
            fps=Fraction(*request.fps),
            settings=settings,
            progress=share_of(progress, 0.3, 1.0),
        )
        save_motion(target, motion)
        return {
            "motion": str(target),
            "frames": len(motion),
            "seconds": time.perf_counter() - clock,
            "audio_sha256": provenance.digest(Path(request.audio)),
            "style_sha256": provenance.style_digest(settings),
            "detector": self._detector,
            "weights": provenance.face_weights(self._detector) | provenance.motion_weights(settings),
        }

    def _draw(
        self, request: protocol.Draw, progress: Progress, emit: Callable[[protocol.Event], None]
    ) -> dict[str, Any]:
        from . import provenance
        from .drawing.styles import pick_engine, style
        from .files import prepare_folder, write_atomically
        from .finish import Finish
        from .frame_keys import snapped
        from .frame_store import FrameStore
        from .motion.files import load_points
        from .pipeline import chosen_points

        clock = time.perf_counter()
        folder = Path(request.folder)
        prepare_folder(folder)
        points = load_points(Path(request.motion))
        chosen = list(range(len(points))) if request.frames is None else list(request.frames)
        points = snapped(chosen_points(points, chosen))
        wanted = style(request.style)
        engine = pick_engine(wanted, request.engine)
        portrait = self._get_portrait(request, share_of(progress, 0.0, 0.05))

        # These wait for torch, which a new process still loads while it finds the face.
        from .device import described, pick_device
        from .drawing.canvas import canvas
        from .redraw import Redraw, look_of

        device = pick_device()
        look = look_of(portrait, wanted, engine, device, request.size, request.canvas, request.background)
        page = canvas(portrait, request.canvas, request.size)
        store = FrameStore(Path(request.store) if request.store else None, [Path(f) for f in request.former])
        finish = Finish.from_dict(request.finish)
        redraw = Redraw(folder, request.prefix, chosen, points, look, finish, store, page.scale)

        done = 0

        def complete(indices: Iterator[int], phase: str) -> None:
            nonlocal done
            for index in indices:
                done += 1
                emit(protocol.Frame(request.id, index, str(redraw.path(index))))
                progress(phase, 0.1 + 0.9 * done / len(chosen))

        complete(redraw.gather(), "gather the frames")
        drawing_seconds = 0.0
        if len(redraw.rest):
            stream = self._get_stream(request, engine, share_of(progress, 0.05, 0.1))
            drawing_seconds = -time.perf_counter()
            complete(redraw.draw(stream.frames(redraw.rest)), "draw the frames")
            drawing_seconds += time.perf_counter()
        if request.exr:
            for count, _path in enumerate(redraw.write_exr(), start=1):
                progress("write the EXR files", count / len(chosen))
        if request.store and request.store_limit:
            store.trim(request.store_limit)
        result = {
            "frames": len(chosen),
            "drawn": redraw.drawn,
            "finished": redraw.finished,
            "seconds": time.perf_counter() - clock,
            "drawing_seconds": drawing_seconds,
            "bytes": redraw.written,
            "style": request.style,
            "size": list(page.size),
            "engine": engine,
            "device": described(device),
            "version": __version__,
            "look": look,
        }
        if request.recipe is not None:
            recipe = {**request.recipe, **result, "keys": redraw.keys, "detector": self._detector}
            recipe["versions"] = provenance.versions()
            recipe["weights"] = {
                **request.recipe.get("weights", {}),
                **provenance.face_weights(self._detector),
                **provenance.drawing_weights(wanted, engine),
            }
            write_atomically(folder / RECIPE, json.dumps(recipe, indent=1).encode())
        return result

    def _trace(self, request: protocol.Trace, progress: Progress) -> dict[str, Any]:
        from .files import prepare_folder
        from .trace import trace_files

        clock, folder = time.perf_counter(), Path(request.folder)
        prepare_folder(folder)
        lines = trace_files([Path(frame) for frame in request.frames], folder, request.ink, progress)
        seconds = time.perf_counter() - clock
        return {"lines": str(lines), "frames": len(request.frames), "seconds": seconds}

    def _get_stream(self, request: protocol.Draw, engine: str, progress: Progress) -> Any:
        from .device import pick_device
        from .drawing.stream import FrameStream

        portrait = self._get_portrait(request, progress)
        key = (request.style, request.size, request.canvas, engine, request.background)
        key += (portrait.landmarks.tobytes(),)
        stream = self._streams.pop(key, None)
        if stream is None:
            progress("draw the portrait", 1.0)
            stream = FrameStream(
                portrait,
                request.style,
                request.size,
                request.canvas,
                pick_device(),
                engine,
                request.background,
            )
        self._streams[key] = stream  # now the one used last
        while len(self._streams) > _STREAMS:
            del self._streams[next(iter(self._streams))]
        return stream


def _about() -> dict[str, Any]:
    import torch

    from . import weights
    from .device import described, pick_device
    from .redraw import styles_here

    device = pick_device()
    told = ("name", "present", "size", "licence", "source")
    return {
        "protocol": protocol.VERSION,
        "version": __version__,
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "device": described(device),
        "weights": [{k: entry[k] for k in told} for entry in weights.listing()],
        "weights_folder": str(weights.cache_folder()),
        "styles": styles_here(device),
    }
