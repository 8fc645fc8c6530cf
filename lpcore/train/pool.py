"""A pool of former fakes, so that a discriminator does not only judge the generator's latest habit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class ImagePool:
    """Hands back half of the time what it was given and half of the time an older item, which it then replaces.

    An item is whatever has to stay together: one drawing (C, H, W), or two adjacent ones as one tensor (2 C, H, W)
    from `discriminators.pair_input`. Querying the two apart would mix frames of different portraits.

    Args:
        size: how many items are kept; 0 = hand everything back.
        seed: decides every choice.
    """

    def __init__(self, size: int = 50, seed: int = 0) -> None:
        self.size = size
        self._items: list[Tensor] = []
        self._random = torch.Generator().manual_seed(seed)

    def query(self, batch: Tensor) -> Tensor:
        """(B, C, H, W) detached items in place of the given ones."""
        return torch.stack([self._exchange(item) for item in batch.detach()])

    def _exchange(self, item: Tensor) -> Tensor:
        if len(self._items) < self.size:
            self._items.append(item.clone())
            return item
        if self.size == 0 or torch.rand((), generator=self._random) < 0.5:
            return item
        place = int(torch.randint(self.size, (), generator=self._random))
        older, self._items[place] = self._items[place], item.clone()
        return older.to(item.device)

    def state_dict(self) -> dict[str, Any]:
        """Items and random state, for `load_state_dict`; `torch.load(weights_only=True)` takes it."""
        return {"items": list(self._items), "random": self._random.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where the pool that gave `state` stopped."""
        self._items = list(state["items"])
        self._random.set_state(state["random"].cpu())
