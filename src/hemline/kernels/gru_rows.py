"""A gated recurrent unit over the days of one customer, as torch.nn.GRU computes it."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.kernels.compiled import inlined
from hemline.kernels.layers import Doubles, multiply, sigmoid


class GruLayers(NamedTuple):
    """Of the GRU encoder; float64, matrices with a row per input.

    Attributes:
        from_input: of shape (width, 3 * width); reset, update and new state.
        input_bias: of shape (3 * width,).
        from_state: of shape (width, 3 * width).
        state_bias: of shape (3 * width,).
        out: of shape (width, width).
        out_bias: of shape (width,).
    """

    from_input: Doubles
    input_bias: Doubles
    from_state: Doubles
    state_bias: Doubles
    out: Doubles
    out_bias: Doubles


@inlined
def last_state(tokens: Doubles, days: npt.NDArray[np.int32], layers: GruLayers) -> Doubles:
    """Return the state after the last day, of shape (width,).

    Args:
        tokens: of shape (purchases, width), oldest first; those of a day are averaged.
        days: beside `tokens`; days ago.
        layers: of the encoder.
    """
    width = tokens.shape[1]
    state, mean = np.zeros(width), np.empty(width)
    inputs, states = np.empty(3 * width), np.empty(3 * width)
    first = 0
    while first < len(tokens):
        last = first
        mean[:] = 0
        while last < len(tokens) and days[last] == days[first]:
            mean += tokens[last]
            last += 1
        mean /= last - first
        first = last
        multiply(mean, layers.from_input, layers.input_bias, inputs)
        multiply(state, layers.from_state, layers.state_bias, states)
        for unit in range(width):
            reset = sigmoid(inputs[unit] + states[unit])
            update = sigmoid(inputs[width + unit] + states[width + unit])
            new = math.tanh(inputs[2 * width + unit] + reset * states[2 * width + unit])
            state[unit] = (1.0 - update) * new + update * state[unit]
    return state
