"""What a trainer hands over: one safetensors file that tells what it is and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from .run import Run


def export(
    run: Run[Any],
    path: Path,
    *,
    kind: str,
    model: Any,
    figures: Mapping[str, float],
    data: str,
    **header: str,
) -> Path:
    """Write the moving average as float16 safetensors; returns `path`.

    Args:
        kind: what the network is. model: its configuration, a dataclass. figures: measured on held-out data.
        data: what it was trained on, with licences. header: further entries of the file's header.
    """
    state = run.average.state_dict()
    tensors = {
        name: (value.half() if value.is_floating_point() else value).contiguous().cpu()
        for name, value in state.items()
        if not name.endswith("num_batches_tracked")
    }
    header |= {
        "kind": kind,
        "config": json.dumps(asdict(model)),
        "steps": str(run.step),
        "figures": json.dumps({name: round(value, 4) for name, value in figures.items()}),
        "data": data,
        "licence": "GPL-3.0-or-later",
    }
    save_file(tensors, path, metadata=header)
    return path
