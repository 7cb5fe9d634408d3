"""How unequal groups are, with an interval, and how unequal groups of a random split would be.

A measure is one column of per-customer values (recall@12) or several that divide a whole (shares of
a list). One column is compared by the distance between the best and the worst group, several by the
largest total variation distance of a group from everybody. Both are positive by construction, more
so the smaller the groups, so a gap is judged by a permutation test: the labels are shuffled, group
sizes unchanged (Good 2005). Shuffled only among customers with equally long histories, they show
the gap that histories alone would cause.

Intervals weight customers at random within their group (evaluation.significance). That adds noise
of its own to a distance, and the draws are shifted back by that noise. `chance` shows the noise
that is in the data already.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline.evaluation.fairness.groups import Grouping
from hemline.evaluation.significance import Draws, bootstrap_means, interval

Values = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

GAPS: Final = (
    "row",
    "measure",
    "attribute",
    "lowest",
    "highest",
    "gap",
    "low",
    "high",
    "chance",
    "chance_high",
    "p",
    "p_same_history",
)
_BLOCK = 50
_DIGITS = 12
_ROUNDING = 1e-12


def describe_groups(values: pd.DataFrame, draws: Draws, grouping: Grouping) -> pd.DataFrame:
    """Return one line per group and column of values: value, low, high (95 %) and n_customers.

    Args:
        values: per customer; columns are (row, measure, category).
        draws: from `draw_means`.
        grouping: of the same customers.
    """
    low, high = interval(draws, most=_most(values))
    lines = values.columns.to_frame(index=False)
    means = group_means(values.to_numpy(), grouping.codes, len(grouping.names))
    parts = [
        lines.assign(
            attribute=grouping.attribute,
            group=name,
            n_customers=grouping.sizes[group],
            value=means[group],
            low=low[group],
            high=high[group],
            everybody=values.to_numpy().mean(axis=0),
        )
        for group, name in enumerate(grouping.names)
    ]
    return pd.concat(parts, ignore_index=True)


def find_gaps(
    values: pd.DataFrame,
    draws: Draws,
    grouping: Grouping,
    strata: Codes,
    *,
    n_permutations: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return one line per row and measure: the gap between the large groups, and that of chance.

    Columns GAPS: lowest, highest (groups, by value or by distance from everybody), gap, low, high
    (95 %), chance (mean gap of random splits), chance_high (95 of 100 are below), p, and
    p_same_history (labels shuffled within strata only).

    Args:
        values: per customer; columns are (row, measure, category).
        draws: from `draw_means`.
        grouping: of the same customers; at least two groups are large.
        strata: int64 of shape (customers,); how long each history is.
        n_permutations: random splits; no p falls below 1 / (n_permutations + 1).
        rng: shuffles the labels.
    """
    n_groups, large = len(grouping.names), grouping.large
    table = values.to_numpy()
    means = group_means(table, grouping.codes, n_groups)[large]
    permuted = _permuted_means(table, grouping, np.zeros_like(strata), n_permutations, rng)
    within = _permuted_means(table, grouping, strata, n_permutations, rng)
    everybody_draws = np.tensordot(grouping.sizes / len(values), draws.means, (0, 1))
    most, lines = _most(values), []
    for (row, measure), places in _blocks(values):
        everybody = table[:, places].mean(axis=0)
        # Rounded, so that equal groups are named in the same order on every machine.
        distance = _distances(means[:, places], everybody).round(_DIGITS)
        low, high = int(distance.argmin()), int(distance.argmax())
        gap = _gap(means[:, places], everybody)
        null = _gap(permuted[:, :, places], everybody)
        resampled = _resampled_gap(
            draws.means[:, :, places], everybody_draws[:, places], large[[low, high]]
        )
        slack = _slack(draws, places, large[[low, high]], float(most[places].max()))
        shifted = resampled - resampled.mean() + gap
        ends = (
            max(float(np.quantile(shifted - slack[0], 0.025)), 0.0),
            float(np.quantile(shifted + slack[1], 0.975)),
        )
        tested = (
            *(float(gap), *ends, null.mean(), np.quantile(null, 0.95), _p_value(null, gap)),
            _p_value(_gap(within[:, :, places], everybody), gap),
        )
        extremes = [grouping.names[large[place]] for place in (low, high)]
        lines.append((row, measure, grouping.attribute, *extremes, *tested))
    return pd.DataFrame(lines, columns=list(GAPS))


def draw_means(
    values: pd.DataFrame, grouping: Grouping, *, n_samples: int, rng: np.random.Generator
) -> Draws:
    """Return bootstrap means of shape (samples, groups, columns), customers weighted per group."""
    parts = [
        bootstrap_means(values.to_numpy()[grouping.members(group)], n_samples=n_samples, rng=rng)
        for group in range(len(grouping.names))
    ]
    means, unseen = ([getattr(part, name) for part in parts] for name in ("means", "unseen"))
    return Draws(np.stack(means, axis=1), np.stack(unseen, axis=1))


def group_means(values: Values, codes: Codes, n_groups: int) -> Values:
    """Return the means of each group's rows, shape (groups, columns)."""
    member = codes[None, :] == np.arange(n_groups)[:, None]
    return np.asarray(member @ values / np.maximum(member.sum(axis=1, keepdims=True), 1))


def _blocks(values: pd.DataFrame) -> Iterator[tuple[tuple[str, str], Codes]]:
    """Yield every row and measure with the positions of its columns."""
    names = [(str(name[0]), str(name[1])) for name in values.columns.to_list()]
    for block in dict.fromkeys(names):
        yield block, np.flatnonzero([name == block for name in names])


def _permuted_means(
    values: Values, grouping: Grouping, strata: Codes, n: int, rng: np.random.Generator
) -> Values:
    """Return the large groups' means under permuted labels, shape (n, large groups, columns)."""
    large = grouping.large
    weight = 1 / grouping.sizes[large][None, :, None]
    parts = []
    for start in range(0, n, _BLOCK):
        permuted = _permute(grouping.codes, strata, min(_BLOCK, n - start), rng)
        member = permuted[:, None, :] == large[None, :, None]
        parts.append((member * weight).reshape(-1, len(values)) @ values)
    return np.concatenate(parts).reshape(n, len(large), -1)


def _permute(codes: Codes, strata: Codes, n: int, rng: np.random.Generator) -> Codes:
    """Return n rows of codes, each permuted within strata."""
    order = np.argsort(strata + rng.random((n, len(codes))), axis=1)
    permuted = np.empty((n, len(codes)), np.int64)
    permuted[:, np.argsort(strata, kind="stable")] = codes[order]
    return permuted


def _distances(means: Values, everybody: Values) -> Values:
    """Return each group's value, or its total variation distance from everybody."""
    if len(everybody) == 1:
        return means[..., 0]
    return np.asarray(np.abs(means - everybody).sum(axis=-1) / 2)


def _gap(means: Values, everybody: Values) -> Values:
    distances = _distances(means, everybody)
    lowest = distances.min(axis=-1) if len(everybody) == 1 else 0.0
    return np.asarray(distances.max(axis=-1) - lowest)


def _resampled_gap(draws: Values, everybody: Values, extremes: Codes) -> Values:
    low, high = draws[:, extremes[0]], draws[:, extremes[1]]
    if everybody.shape[1] == 1:
        return np.asarray((high - low)[:, 0])
    return np.asarray(np.abs(high - everybody).sum(axis=1) / 2)


def _slack(draws: Draws, places: Codes, extremes: Codes, most: float) -> tuple[Values, Values]:
    """Return by how much the customers nobody has seen may narrow and widen each draw's gap.

    Of a single value, each of the two groups may have one more customer with the smallest or the
    largest value. A distance from everybody changes by no more than that customer's weight.
    """
    unseen = draws.unseen[:, extremes]
    if len(places) > 1:
        return unseen[:, 1], unseen[:, 1]
    means = draws.means[:, extremes, places[0]]
    down, up = unseen * means, unseen * (most - means)
    return up[:, 0] + down[:, 1], down[:, 0] + up[:, 1]


def _most(values: pd.DataFrame) -> Values:
    """Return the largest value a customer can have: 1, or the largest there is (nats)."""
    return np.asarray(np.maximum(values.to_numpy().max(axis=0), 1.0))


def _p_value(null: Values, gap: Values) -> float:
    return float((1 + np.count_nonzero(null >= gap - _ROUNDING)) / (1 + len(null)))
