"""The TFLite networks of this room, run by OpenCV: built once per process, usable from any thread."""

from __future__ import annotations

import threading
from functools import cache

import cv2
import numpy as np

from ..weights import require


class Net:
    """One network from a weight file of the registry.

    Args:
        name: weight file name.
        outputs: layers whose values are wanted.
    """

    def __init__(self, name: str, outputs: tuple[str, ...]) -> None:
        # Read here, not by OpenCV, whose file functions fail on non-ASCII paths under Windows.
        self._net = cv2.dnn.readNetFromTFLite(np.fromfile(require(name), np.uint8))
        self._outputs = outputs
        self._lock = threading.Lock()

    def __call__(self, image: np.ndarray) -> list[np.ndarray]:
        """The outputs for one (H, W, 3) image, as float32 arrays with their leading batch axis of 1."""
        blob = np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32)
        with self._lock:
            self._net.setInput(blob)
            # One by one: OpenCV 5 refuses to give inner layers together with the last.
            return [np.array(self._net.forward(output)) for output in self._outputs]


_building = threading.Lock()


def net(name: str, *outputs: str) -> Net:
    """The network of weight file `name`; raises LpError ``WEIGHTS_MISSING`` or ``WEIGHTS_DAMAGED``."""
    with _building:
        return _built(name, outputs)


@cache
def _built(name: str, outputs: tuple[str, ...]) -> Net:
    return Net(name, outputs)
