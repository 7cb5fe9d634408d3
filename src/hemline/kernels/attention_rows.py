"""Blocks of self-attention over the purchases of one customer, as torch computes them."""

import math
from typing import NamedTuple

import numpy as np

from hemline.kernels.compiled import inlined
from hemline.kernels.layers import Doubles, multiply, normalise


class AttentionLayers(NamedTuple):
    """Of the attention encoder; float64, matrices with a row per input, blocks on the first axis.

    Attributes:
        now: of shape (width,); the vector of the last place.
        n_heads: of shape (1,).
        norms_in: of shape (blocks, 2, width); scale and shift.
        queries_keys_values: of shape (blocks, width, 3 * width).
        split_bias: of shape (blocks, 3 * width).
        joined: of shape (blocks, width, width).
        joined_bias: of shape (blocks, width).
        norms_mid: of shape (blocks, 2, width).
        up: of shape (blocks, width, width).
        up_bias: of shape (blocks, width).
        down: of shape (blocks, width, width).
        down_bias: of shape (blocks, width).
        norm_out: of shape (2, width).
        out: of shape (width, width).
        out_bias: of shape (width,).
    """

    now: Doubles
    n_heads: Doubles
    norms_in: Doubles
    queries_keys_values: Doubles
    split_bias: Doubles
    joined: Doubles
    joined_bias: Doubles
    norms_mid: Doubles
    up: Doubles
    up_bias: Doubles
    down: Doubles
    down_bias: Doubles
    norm_out: Doubles
    out: Doubles
    out_bias: Doubles


@inlined
def attend(states: Doubles, layers: AttentionLayers) -> None:
    """Replace the last of the states by what the blocks make of it; the others are undefined.

    Args:
        states: of shape (purchases + 1, width); the last is that of now.
        layers: of the encoder.
    """
    n_places, width = states.shape
    n_blocks, n_heads = len(layers.joined), int(layers.n_heads[0])
    split, ready = np.empty((n_places, 3 * width)), np.empty(width)
    attended, deeper, last = np.empty(width), np.empty(width), n_places - 1
    for block in range(n_blocks):
        for place in range(n_places):
            normalise(states[place], layers.norms_in[block, 0], layers.norms_in[block, 1], ready)
            matrix, bias = layers.queries_keys_values[block], layers.split_bias[block]
            multiply(ready, matrix, bias, split[place])
        for place in range(last if block == n_blocks - 1 else 0, n_places):
            _look(place, split, n_heads, attended)
            multiply(attended, layers.joined[block], layers.joined_bias[block], ready)
            states[place] += ready
            normalise(states[place], layers.norms_mid[block, 0], layers.norms_mid[block, 1], ready)
            multiply(ready, layers.up[block], layers.up_bias[block], deeper)
            for unit in range(width):
                deeper[unit] = max(deeper[unit], 0.0)
            multiply(deeper, layers.down[block], layers.down_bias[block], ready)
            states[place] += ready
    normalise(states[last], layers.norm_out[0], layers.norm_out[1], ready)
    states[last] = ready


@inlined
def _look(place: int, split: Doubles, n_heads: int, attended: Doubles) -> None:
    """Write what a place sees of all places."""
    n_places, width = len(split), len(attended)
    size = width // n_heads
    weights = np.empty(n_places)
    for head in range(n_heads):
        first = head * size
        for other in range(n_places):
            product = 0.0
            for unit in range(first, first + size):
                product += split[place, unit] * split[other, width + unit]
            weights[other] = product / math.sqrt(size)
        highest, whole = weights.max(), 0.0
        for other in range(n_places):
            weights[other] = math.exp(weights[other] - highest)
            whole += weights[other]
        attended[first : first + size] = 0
        for other in range(n_places):
            share = weights[other] / whole
            for unit in range(first, first + size):
                attended[unit] += share * split[other, 2 * width + unit]
