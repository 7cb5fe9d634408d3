"""The CVAE's encoder and decoder for rows of any number, without torch.

Sums are float64, each in a fixed order, and a layer is rounded to float32 as the network's own are.
A customer's last hidden layer is therefore equal to the bit alone and among others, on any number
of threads, and within rounding of what torch computes in float32.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.kernels.blocks import for_blocks
from hemline.kernels.compiled import compiled, inlined
from hemline.kernels.linear_rows import Inputs, position_of

Floats = npt.NDArray[np.float32]
Exact = npt.NDArray[np.float64]


class Layers(NamedTuple):
    """The network between purchases and the last hidden layer; matrices have a row per input.

    Attributes:
        articles_in: float32 of shape (read articles, hidden).
        condition_in: float32 of shape (conditions, hidden).
        bias_in: float32 of shape (hidden,).
        to_mean: float32 of shape (hidden, latent).
        mean_bias: float32 of shape (latent,).
        from_latent: float32 of shape (latent + conditions, hidden).
        latent_bias: float32 of shape (hidden,).
    """

    articles_in: Floats
    condition_in: Floats
    bias_in: Floats
    to_mean: Floats
    mean_bias: Floats
    from_latent: Floats
    latent_bias: Floats


def last_hidden(
    inputs: Inputs, conditions: npt.NDArray[np.int64], layers: Layers
) -> npt.NDArray[np.float32]:
    """Return the last hidden layer by the mean of the posterior, of shape (customers, hidden).

    Args:
        inputs: what was bought; each row is scaled to Euclidean length 1.
        conditions: of shape (customers, n); numbers of the conditions that hold, -1 for none.
        layers: of the network.
    """
    hidden = np.empty((len(conditions), len(layers.latent_bias)), np.float32)

    def fill(rows: slice) -> None:
        _fill(rows.start, inputs, conditions, layers, hidden[rows])

    for_blocks(fill, len(hidden))
    return hidden


@compiled
def _fill(
    first: int,
    inputs: Inputs,
    conditions: npt.NDArray[np.int64],
    layers: Layers,
    out: Floats,
) -> None:
    hidden, latent = np.empty(len(layers.bias_in)), np.empty(len(layers.mean_bias))
    decoded = np.empty(len(layers.latent_bias))
    for place in range(len(out)):
        _bought(first + place, inputs, layers.articles_in, hidden)
        for condition in conditions[first + place]:
            if condition >= 0:
                _add(1.0, layers.condition_in[condition], hidden)
        _tanh(layers.bias_in, hidden)
        latent[:] = 0
        for unit in range(len(hidden)):
            _add(hidden[unit], layers.to_mean[unit], latent)
        _add(1.0, layers.mean_bias, latent)
        decoded[:] = 0
        for unit in range(len(latent)):
            _add(np.float64(np.float32(latent[unit])), layers.from_latent[unit], decoded)
        for condition in conditions[first + place]:
            if condition >= 0:
                _add(1.0, layers.from_latent[len(latent) + condition], decoded)
        _tanh(layers.latent_bias, decoded)
        out[place] = decoded


@inlined
def _bought(row: int, inputs: Inputs, articles_in: Floats, hidden: Exact) -> None:
    """Write the sum of the articles' rows, weighted by a row of inputs of length 1."""
    start, end = inputs.indptr[row], inputs.indptr[row + 1]
    positions, square = np.empty(end - start, np.int64), 0.0
    for entry in range(start, end):
        positions[entry - start] = position_of(inputs.articles[entry], inputs.read)
        if positions[entry - start] >= 0:
            square += np.float64(inputs.counted[entry]) ** 2
    factor = 1.0 / math.sqrt(max(square, 1e-24))
    hidden[:] = 0
    for entry in range(start, end):
        if positions[entry - start] >= 0:
            weight = np.float64(np.float32(inputs.counted[entry] * factor))
            _add(weight, articles_in[positions[entry - start]], hidden)


@inlined
def _add(weight: float, values: Floats, sums: Exact) -> None:
    for place in range(len(sums)):
        sums[place] += weight * values[place]


@inlined
def _tanh(bias: Floats, layer: Exact) -> None:
    """Replace a layer's sums by its outputs, rounded to float32."""
    for place in range(len(layer)):
        layer[place] = np.float32(math.tanh(layer[place] + bias[place]))
