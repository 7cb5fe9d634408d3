"""A customer's latest purchases, joined into one vector by a trained encoder, without torch.

A row at a time, with sums in float64 in a fixed order, and the vector rounded to float32 at the
end: equal to the bit for one customer and for many, and within rounding of what torch computes.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.kernels.attention_rows import AttentionLayers, attend
from hemline.kernels.blocks import for_blocks
from hemline.kernels.compiled import compiled, inlined
from hemline.kernels.gru_rows import GruLayers, last_state
from hemline.kernels.heap import is_better, sink
from hemline.kernels.layers import Doubles, multiply
from hemline.kernels.linear_rows import position_of

Floats = npt.NDArray[np.float32]
Keys = npt.NDArray[np.int32]


class Latest(NamedTuple):
    """Customers' latest purchases, oldest first.

    Attributes:
        rows: int32 of shape (customers, window); which of the read articles, -1 after the last.
        days: int32 of the same shape; days ago, 0 after the last.
        ages: int64 of the same shape.
    """

    rows: Keys
    days: Keys
    ages: npt.NDArray[np.int64]


class PoolLayers(NamedTuple):
    """Of the pooling encoder; float64.

    Attributes:
        weight_of_age: logits.
        out: of shape (width, width), a row per input.
        out_bias: of shape (width,).
    """

    weight_of_age: Doubles
    out: Doubles
    out_bias: Doubles


def latest_purchases(
    indptr: npt.NDArray[np.signedinteger[Any]],
    articles: Keys,
    days: Floats,
    read: Keys,
    window: int,
) -> tuple[Keys, Keys]:
    """Return rows and days of each customer's latest purchases, as in `Latest`.

    Args:
        indptr: where the purchases of each customer start (histories.Histories).
        articles: of all purchases.
        days: float32 beside `articles`; days ago, at least 1.
        read: sorted keys of the articles that count.
        window: how many articles. Of those of one day the lower ones come first.
    """
    n_rows = len(indptr) - 1
    rows, ago = np.full((n_rows, window), -1, np.int32), np.zeros((n_rows, window), np.int32)

    def fill(some: slice) -> None:
        _fill_latest(some.start, indptr, articles, days, read, rows[some], ago[some])

    for_blocks(fill, n_rows)
    return rows, ago


def encode(
    latest: Latest,
    vectors: Floats,
    age_vectors: Floats,
    layers: PoolLayers | GruLayers | AttentionLayers,
) -> Floats:
    """Return the vector of each customer, float32 of shape (customers, width).

    Args:
        latest: purchases, at least one of every customer; rows without are undefined.
        vectors: float32 of shape (read articles, width).
        age_vectors: float32 of shape (ages, width), added to those of the articles.
        layers: of one of the encoders.
    """
    encoded = np.zeros((len(latest.rows), vectors.shape[1]), np.float32)
    loop: Callable[..., None] = _fill_pool
    if isinstance(layers, GruLayers):
        loop = _fill_gru
    elif isinstance(layers, AttentionLayers):
        loop = _fill_attention

    def fill(some: slice) -> None:
        loop(some.start, latest, vectors, age_vectors, layers, encoded[some])

    for_blocks(fill, len(encoded))
    return encoded


@compiled
def _fill_latest(
    first: int,
    indptr: npt.NDArray[np.signedinteger[Any]],
    articles: Keys,
    days: Floats,
    read: Keys,
    rows: Keys,
    ago: Keys,
) -> None:
    window = rows.shape[1]
    for place in range(len(rows)):
        start, end = indptr[first + place], indptr[first + place + 1]
        entries, scores = np.full(window, -1, np.int64), np.full(window, -np.inf)
        for entry in range(start, end):
            score = -np.float64(days[entry])
            if is_better(score, entry, entries, scores) and (
                position_of(articles[entry], read) >= 0
            ):
                sink(entries, scores, window, entry, score)
        n_latest = 0
        for entry in np.sort(entries):
            if entry >= 0:
                rows[place, n_latest] = position_of(articles[entry], read)
                ago[place, n_latest] = max(int(days[entry]), 1)
                n_latest += 1
        _oldest_first(rows[place, :n_latest], ago[place, :n_latest])


@inlined
def _oldest_first(rows: Keys, ago: Keys) -> None:
    """Sort by falling days; equal ones stay in their order."""
    for place in range(1, len(rows)):
        row, days, before = rows[place], ago[place], place - 1
        while before >= 0 and ago[before] < days:
            rows[before + 1], ago[before + 1] = rows[before], ago[before]
            before -= 1
        rows[before + 1], ago[before + 1] = row, days


@inlined
def _tokens(row: int, latest: Latest, vectors: Floats, age_vectors: Floats, tokens: Doubles) -> int:
    """Write the vectors of a customer's purchases; return how many there are."""
    n_tokens = 0
    while n_tokens < latest.rows.shape[1] and latest.rows[row, n_tokens] >= 0:
        vector = vectors[latest.rows[row, n_tokens]]
        age = age_vectors[latest.ages[row, n_tokens]]
        for column in range(len(vector)):
            tokens[n_tokens, column] = np.float64(vector[column]) + np.float64(age[column])
        n_tokens += 1
    return n_tokens


@compiled
def _fill_pool(
    first: int,
    latest: Latest,
    vectors: Floats,
    age_vectors: Floats,
    layers: PoolLayers,
    encoded: Floats,
) -> None:
    width = vectors.shape[1]
    tokens, pooled, out = np.empty((latest.rows.shape[1], width)), np.empty(width), np.empty(width)
    for place in range(len(encoded)):
        n_tokens = _tokens(first + place, latest, vectors, age_vectors, tokens)
        pooled[:], whole = 0, 0.0
        for token in range(n_tokens):
            weight = np.exp(layers.weight_of_age[latest.ages[first + place, token]])
            whole += weight
            for column in range(width):
                pooled[column] += weight * tokens[token, column]
        for column in range(width):
            pooled[column] /= max(whole, 1e-300)
        multiply(pooled, layers.out, layers.out_bias, out)
        encoded[place] = out


@compiled
def _fill_gru(
    first: int,
    latest: Latest,
    vectors: Floats,
    age_vectors: Floats,
    layers: GruLayers,
    encoded: Floats,
) -> None:
    width = vectors.shape[1]
    tokens, out = np.empty((latest.rows.shape[1], width)), np.empty(width)
    for place in range(len(encoded)):
        n_tokens = _tokens(first + place, latest, vectors, age_vectors, tokens)
        state = last_state(tokens[:n_tokens], latest.days[first + place], layers)
        multiply(state, layers.out, layers.out_bias, out)
        encoded[place] = out


@compiled
def _fill_attention(
    first: int,
    latest: Latest,
    vectors: Floats,
    age_vectors: Floats,
    layers: AttentionLayers,
    encoded: Floats,
) -> None:
    width = vectors.shape[1]
    states, out = np.empty((latest.rows.shape[1] + 1, width)), np.empty(width)
    for place in range(len(encoded)):
        n_tokens = _tokens(first + place, latest, vectors, age_vectors, states)
        states[n_tokens] = layers.now
        attend(states[: n_tokens + 1], layers)
        multiply(states[n_tokens], layers.out, layers.out_bias, out)
        encoded[place] = out
