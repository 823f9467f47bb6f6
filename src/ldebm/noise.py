"""Random numbers that do not depend on how a batch is shared out over processes.

A step's noise is drawn for the whole batch from one seeded generator on every process; each process keeps its own rows.
So training on several processes equals training on one, and the extra cost is that of drawing small latents.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Share:
    """The rows of a batch that this process works on: rank, rank + processes, rank + 2 processes, ..."""

    rank: int = 0
    processes: int = 1

    def rows(self, total: int) -> slice:
        return slice(self.rank, total, self.processes)


WHOLE = Share()


@dataclass(frozen=True)
class Noise:
    """A generator together with the share of the batch that this process holds.

    Args:
        generator: the same state on every process.
        share: which rows this process holds.
        total: rows B of the whole batch.
    """

    generator: torch.Generator | None
    share: Share = WHOLE
    total: int = 0

    def normal(self, *shape: int, device: torch.device, axis: int = 0) -> Tensor:
        """Standard normal numbers of this process' `shape`; `axis` runs over the batch's rows, or copies of them."""
        return self._rows(shape, axis, device, torch.randn)

    def uniform(self, *shape: int, device: torch.device, axis: int = 0) -> Tensor:
        """Uniform numbers in [0, 1), shaped as in `normal`."""
        return self._rows(shape, axis, device, torch.rand)

    def permutation(self, device: torch.device) -> Tensor:
        """This process' rows of a random permutation of the whole batch."""
        order = torch.randperm(self.total, generator=self.generator, device=self._device(device))
        return order.to(device)[self.share.rows(self.total)]

    def integer(self, below: int) -> int:
        """A number in 0 .. below - 1, the same on every process."""
        device = None if self.generator is None else self.generator.device
        return int(torch.randint(below, (), generator=self.generator, device=device))

    def _device(self, device: torch.device) -> torch.device:
        return self.generator.device if self.generator is not None else device

    def _rows(self, shape: tuple[int, ...], axis: int, device: torch.device, draw) -> Tensor:  # type: ignore[no-untyped-def]
        where = self._device(device)
        if self.share.processes == 1:
            return draw(shape, generator=self.generator, device=where).to(device)
        local = len(range(self.total)[self.share.rows(self.total)])
        copies = shape[axis] // local
        whole = draw((*shape[:axis], copies, self.total, *shape[axis + 1 :]), generator=self.generator, device=where)
        mine = whole.narrow(axis, 0, copies).movedim(axis + 1, 0)[self.share.rows(self.total)].movedim(0, axis + 1)
        return mine.reshape(shape).to(device)
