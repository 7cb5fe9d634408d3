"""A customer's vector by weighted least squares from the vectors of what they bought.

The normal equations of Hu, Koren & Volinsky 2008, (Y'Y + Y'(C - I)Y + regularisation) x = Y'C p,
solved by Cholesky's factorisation, all in float64 and in a fixed order, so that a customer gets the
same bits alone and among others. The solution is rounded to a grid as in hemline/arrays.py.
"""

import math

import numpy as np
import numpy.typing as npt

from hemline.arrays import BITS
from hemline.kernels.blocks import for_blocks
from hemline.kernels.compiled import compiled, inlined
from hemline.kernels.linear_rows import Inputs, rows_read

Floats = npt.NDArray[np.float32]
Exact = npt.NDArray[np.float64]


@compiled
def gram(vectors: Floats, regularisation: float) -> Exact:
    """Return vectors' vectors, and the regularisation on its diagonal."""
    width = vectors.shape[1]
    product = np.zeros((width, width))
    for row in range(len(vectors)):
        for one in range(width):
            value = np.float64(vectors[row, one])
            for other in range(width):
                product[one, other] += value * vectors[row, other]
    for one in range(width):
        product[one, one] += regularisation
    return product


def fold_in(inputs: Inputs, vectors: Floats, gram_of_all: Exact) -> Floats:
    """Return each customer's vector, float32 of shape (customers, width); zeros for an empty one.

    Args:
        inputs: what was bought; `counted` is the confidence in each purchase.
        vectors: float32, a row beside each of `inputs.read`.
        gram_of_all: of the vectors.
    """
    customers = np.empty((len(inputs.indptr) - 1, vectors.shape[1]), np.float32)

    def fill(rows: slice) -> None:
        _fill(rows.start, inputs, vectors, gram_of_all, customers[rows])

    for_blocks(fill, len(customers))
    return customers


@compiled
def _fill(first: int, inputs: Inputs, vectors: Floats, gram_of_all: Exact, out: Floats) -> None:
    width = vectors.shape[1]
    left, right = np.empty((width, width)), np.empty(width)
    for place in range(len(out)):
        left[:], right[:] = gram_of_all, 0
        for row, confidence in rows_read(first + place, inputs):
            vector = vectors[row]
            for one in range(width):
                right[one] += confidence * vector[one]
                value = (confidence - 1) * vector[one]
                for other in range(one + 1):
                    left[one, other] += value * vector[other]
        _solve(left, right)
        _round(right, out[place])


@inlined
def _solve(left: Exact, right: Exact) -> None:
    """Replace `right` by the solution; only the lower half of `left` is read, and is changed."""
    width = len(right)
    for one in range(width):
        for other in range(one + 1):
            total = left[one, other]
            for below in range(other):
                total -= left[one, below] * left[other, below]
            left[one, other] = math.sqrt(total) if one == other else total / left[other, other]
    for one in range(width):
        for below in range(one):
            right[one] -= left[one, below] * right[below]
        right[one] /= left[one, one]
    for one in range(width - 1, -1, -1):
        for above in range(one + 1, width):
            right[one] -= left[above, one] * right[above]
        right[one] /= left[one, one]


@inlined
def _round(values: Exact, out: Floats) -> None:
    """Write the values rounded as arrays.on_grid rounds one row."""
    _, exponent = math.frexp(np.abs(values).max())
    step = math.ldexp(1.0, exponent - BITS)
    for place in range(len(values)):
        out[place] = np.float32(np.rint(values[place] / step) * step + 0.0)
