"""What is being said, frame by frame: the hidden state and phone posteriors of a small speech recogniser.

The recogniser is `hama` (Apache-2.0): 16 kHz samples in, CTC log-probabilities of 191 phones out, 50 frames per
second. It cuts its input at 30 s without a word, so long speech goes through in overlapping chunks.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..types import Progress, no_progress

if TYPE_CHECKING:
    import onnxruntime

RATE = 50
"""Feature frames per second; frame k describes the sound from k / RATE on."""

SAMPLE_RATE = 16000
HIDDEN = 256
PHONES = 191
WIDTH = HIDDEN + PHONES

BILABIALS = tuple(HIDDEN + i for i in (10, 31, 35, 36, 37, 82))
"""Feature columns with the posteriors of the phones b, m, p, aspirated p, tense p and implosive b."""

_HOP = SAMPLE_RATE // RATE
_CHUNK = 10 * SAMPLE_RATE
_CONTEXT = SAMPLE_RATE
_FEWEST_SAMPLES = 4000
_HIDDEN_NODE = "/acoustic_model/Transpose_2_output_0"
_FLOAT16 = 10


def features(samples: np.ndarray, progress: Progress = no_progress) -> np.ndarray:
    """Content features of speech of any length.

    Args:
        samples: (N,) float32 at `SAMPLE_RATE`.
        progress: called after each chunk of 10 s.

    Returns:
        (ceil(N / 320), WIDTH) float32: `HIDDEN` hidden units, then `PHONES` posteriors in [0, 1].

    Raises:
        LpError: ``WEIGHTS_MISSING`` or ``WEIGHTS_DAMAGED``.
    """
    from ..weights import require

    session = _session(require("hama"))
    count = -(-len(samples) // _HOP)
    result = np.empty((count, WIDTH), np.float32)
    for begin in range(0, len(samples), _CHUNK):
        low, high = max(0, begin - _CONTEXT), min(len(samples), begin + _CHUNK + _CONTEXT)
        frames = _run(session, samples[low:high])
        row, skip = begin // _HOP, (begin - low) // _HOP
        rows = min(_CHUNK // _HOP, count - row)
        result[row : row + rows] = frames[skip : skip + rows]
        progress("listen to the speech", min(1.0, (begin + _CHUNK) / len(samples)))
    return result


def _run(session: onnxruntime.InferenceSession, samples: np.ndarray) -> np.ndarray:
    """(ceil(n / 320), WIDTH) float32 features of one chunk of less than 30 s."""
    count = -(-len(samples) // _HOP)
    padded = np.zeros((1, max(len(samples), _FEWEST_SAMPLES)), np.float32)
    padded[0, : len(samples)] = np.clip(samples, -1, 1)
    feeds = {"waveform": padded, "waveform_lengths": np.array([padded.shape[1]], np.int64)}
    log_posteriors, hidden = (np.asarray(o)[0] for o in session.run(["log_probs", _HIDDEN_NODE], feeds))
    frames = np.concatenate([hidden.T.astype(np.float32), np.exp(log_posteriors)], axis=1)
    return frames[:count]


@lru_cache(maxsize=1)
def _session(path: Path) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # The net is so small that one thread runs it at 200 times real time; more only contend.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    model = path.read_bytes() + extra_output(_HIDDEN_NODE, _FLOAT16)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def extra_output(node: str, element_type: int) -> bytes:
    """Bytes that, appended to a serialised ONNX model, make `node` one more output of its graph.

    Parsers of protocol buffers merge a repeated embedded message into the first one, so a second
    ``ModelProto.graph`` (field 7) that holds nothing but one ``GraphProto.output`` (field 12) adds that output. It is
    a ``ValueInfoProto``: name (1) and type (2), a tensor (1) with its element type (1).
    """

    def field(number: int, content: bytes) -> bytes:
        assert len(content) < 128, "lengths of one byte are enough here"
        return bytes([number << 3 | 2, len(content)]) + content

    kind = field(2, field(1, bytes([1 << 3, element_type])))
    return field(7, field(12, field(1, node.encode()) + kind))
