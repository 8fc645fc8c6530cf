"""What a person waits for, measured with the real worker."""

from pathlib import Path

import numpy as np
import pytest
from skimage.data import astronaut

from lpcore.evaluate.worker_cost import EDITED, Worker, waits
from lpcore.protocol import Done, Draw, Hello

pytestmark = pytest.mark.weights
SPEECH = Path(__file__).resolve().parents[2] / "examples" / "hello.flac"


def test_an_edited_key_draws_the_frames_it_touches_and_no_other(tmp_path):
    figures = waits(np.ascontiguousarray(astronaut()[..., :3]), SPEECH, tmp_path)
    assert figures["edit_redraw_frames"] == len(EDITED)
    assert 0 < figures["first_frame_warm_s"] < figures["first_frame_cold_s"]
    assert figures["edit_redraw_s"] > 0


def test_a_failed_request_is_told(tmp_path):
    with Worker() as worker:
        (end,) = worker.ask(Hello(1))
        assert isinstance(end, Done) and end.result["protocol"]
        with pytest.raises(RuntimeError, match="MOTION_UNREADABLE"):
            list(worker.ask(Draw(2, str(tmp_path / "none.png"), str(tmp_path / "none.npz"), str(tmp_path))))
