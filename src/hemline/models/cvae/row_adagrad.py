"""Adagrad over the rows of a large table, for steps that touch few of them.

Adam on both article tables reads and writes every row at every batch, whatever was bought. Here a
batch borrows the rows it needs, and only these come back changed. One number per row is remembered
(the sum of its mean squared gradients) instead of Adam's two per weight. The price: a row that is
not borrowed does not move, so there is no momentum.
"""

import torch
from torch import Tensor

_TINY = 1e-10


class RowAdagrad:
    """A table and the sum of squared gradients of each of its rows (Duchi et al. 2011)."""

    def __init__(self, table: Tensor, learning_rate: float) -> None:
        self.table = table
        self.learning_rate = learning_rate
        self.squares = torch.zeros(len(table), device=table.device)
        self._rows = torch.zeros(0, dtype=torch.int64, device=table.device)
        self._borrowed = table[:0]

    def borrow(self, rows: Tensor) -> Tensor:
        """Return a copy of the given rows (int64, none twice) that collects its gradient."""
        self._rows = rows
        self._borrowed = self.table.index_select(0, rows).requires_grad_()
        return self._borrowed

    @torch.no_grad()
    def step(self) -> None:
        """Put the borrowed rows back, each moved against its gradient."""
        gradient = self._borrowed.grad
        if gradient is None:
            raise RuntimeError("step() comes after backward() through what borrow() returned")
        squares = self.squares[self._rows] + gradient.square().mean(dim=1)
        self.squares[self._rows] = squares
        step = self.learning_rate / squares.sqrt().clamp_min(_TINY)
        moved = self._borrowed.addcmul_(step.unsqueeze(1), gradient, value=-1)
        self.table.index_copy_(0, self._rows, moved)
