"""Products of matrices by numpy's BLAS, for torch on a processor.

A stage may use only what all processors with AVX2 have (hemline.processor). MKL, which torch
multiplies with, then does without AVX2 on processors that are not Intel's, and takes four times as
long. numpy's OpenBLAS has one code for all of them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from hemline import processor


@contextmanager
def same_everywhere() -> Iterator[None]:
    """Hold BLAS to one thread meanwhile, so that sums do not depend on how many cores there are.

    Where `HEMLINE_NATIVE_CPU` is 1 it has as many as it would have.
    """
    is_native = os.environ.get(processor.NATIVE) == "1"
    with threadpool_limits(None if is_native else 1, "blas"):
        yield


def linear(rows: Tensor, table: Tensor, bias: Tensor) -> Tensor:
    """Return the product of each row with each row of the table, plus its bias.

    Args:
        rows: shape (n, width).
        table: shape (m, width).
        bias: shape (m,).

    Returns:
        Shape (n, m), on the device and of the type of the rows.
    """
    if rows.device.type != "cpu":
        return torch.nn.functional.linear(rows, table, bias)
    product: Tensor = _Products.apply(rows, table)  # type: ignore[no-untyped-call]
    return product + bias


class _Products(torch.autograd.Function):
    """rows @ table.T, with gradients."""

    @staticmethod
    def forward(context: Any, rows: Tensor, table: Tensor) -> Tensor:
        context.save_for_backward(rows, table)
        return _multiplied(rows, table.T)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        rows, table = context.saved_tensors
        return _multiplied(gradient, table), _multiplied(gradient.T, rows)


def _multiplied(left: Tensor, right: Tensor) -> Tensor:
    return torch.from_numpy(left.detach().numpy() @ right.detach().numpy())
