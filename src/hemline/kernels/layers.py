"""Layers of a network as loops: float64, each sum in a fixed order."""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.kernels.compiled import inlined

Doubles = npt.NDArray[np.float64]

_EPSILON: Final = 1e-5
"""Of a normalisation, as torch has it."""


@inlined
def multiply(inputs: Doubles, matrix: Doubles, bias: Doubles, outputs: Doubles) -> None:
    """Write the product of a vector with a matrix, which has a row per input, plus the bias."""
    outputs[:] = bias
    for row in range(len(inputs)):
        value, weights = inputs[row], matrix[row]
        for column in range(len(outputs)):
            outputs[column] += value * weights[column]


@inlined
def normalise(inputs: Doubles, scale: Doubles, shift: Doubles, outputs: Doubles) -> None:
    """Write the inputs with mean 0 and variance 1, scaled and shifted."""
    mean, square = 0.0, 0.0
    for value in inputs:
        mean += value
    mean /= len(inputs)
    for value in inputs:
        square += (value - mean) ** 2
    spread = math.sqrt(square / len(inputs) + _EPSILON)
    for place in range(len(inputs)):
        outputs[place] = (inputs[place] - mean) / spread * scale[place] + shift[place]


@inlined
def sigmoid(value: float) -> float:
    """Return 1 / (1 + exp(-value))."""
    return 1.0 / (1.0 + math.exp(-value))
