"""Scores LightGBM's trees for many pairs at once: the same bits in a tenth of the time.

A tree is not traversed. All its splits are evaluated for a block of pairs, and each split that
sends a pair to the right masks out the leaves to its left. The first leaf not masked out is the one
LightGBM ends in (QuickScorer, Lucchese et al. 2015). Without branches to predict this is faster
than traversal, although most splits are evaluated in vain.

The mask is the bits of one integer, so trees of more than 64 leaves (`rank.leaves`) are scored by
LightGBM itself, and so are categorical splits and linear trees, which the ranker never has.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.kernels.compiled import compiled, inlined

if TYPE_CHECKING:
    import lightgbm as lgb

Scorer = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float64]]

_LANES: Final = 128
_MOST_LEAVES: Final = 64
_ALL: Final = (1 << _MOST_LEAVES) - 1
_EVERY_LEAF: Final = np.uint64(_ALL)
_ZERO: Final = np.float32(1e-35)
"""LightGBM treats values this close to zero as zero (kZeroThreshold)."""
_DE_BRUIJN: Final = 0x03F79D71B4CB0A89
"""Multiplied by a power of two, its top six bits differ for each: the index of a single set bit."""


class Trees(NamedTuple):
    """The splits and the leaves of all trees.

    Attributes:
        ends: int64 of shape (trees, 2); end of a tree's splits that send NaN to the left, and of
            those that send it to the right, which follow.
        features: int32 of shape (splits,).
        thresholds: float32 of shape (splits,); values above it go to the right.
        masks: uint32 or uint64 of shape (splits,); the leaves still possible to the right, as bits.
        values: float64 of shape (trees, 64); value of the leaf whose bit has that index.
    """

    ends: npt.NDArray[np.int64]
    features: npt.NDArray[np.int32]
    thresholds: npt.NDArray[np.float32]
    masks: npt.NDArray[np.unsignedinteger[Any]]
    values: npt.NDArray[np.float64]


class _Split(NamedTuple):
    nan_goes_right: bool
    feature: int
    threshold: float
    leaves: int


def make_scorer(booster: "lgb.Booster") -> Scorer:
    """Return a function that scores float32 features exactly as `booster.predict` does."""
    plain = plain_trees(booster)
    if plain is None:
        return lambda features: np.asarray(booster.predict(features), np.float64)
    return lambda features: score_trees(plain, features)


def plain_trees(booster: "lgb.Booster") -> Trees | None:
    """Return the booster's trees up to its best one; None if the arrays cannot hold one of them."""
    trees = booster.dump_model(num_iteration=booster.best_iteration)["tree_info"]
    return read_trees(trees) if all(_is_plain(tree) for tree in trees) else None


def read_trees(dumped: list[dict[str, Any]]) -> Trees:
    """Return the trees in `tree_info` of a `dump_model`."""
    ends, splits = [], list[_Split]()
    values = np.zeros((len(dumped), _MOST_LEAVES))
    for number, tree in enumerate(dumped):
        leaves: list[float] = []
        own = sorted(_splits(tree["tree_structure"], leaves), key=lambda one: one.nan_goes_right)
        values[number, [(_DE_BRUIJN << bit & _ALL) >> 58 for bit in range(len(leaves))]] = leaves
        n_left = sum(not one.nan_goes_right for one in own)
        ends.append((len(splits) + n_left, len(splits) + len(own)))
        splits += own
    is_narrow = max((tree["num_leaves"] for tree in dumped), default=0) <= _MOST_LEAVES // 2
    masks = np.array([one.leaves for one in splits], np.uint64)
    return Trees(
        np.array(ends, np.int64).reshape(-1, 2),
        np.array([one.feature for one in splits], np.int32),
        _rounded_down(np.array([one.threshold for one in splits], np.float64)),
        masks.astype(np.uint32) if is_narrow else masks,
        values,
    )


def score_trees(trees: Trees, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the sum over the trees for each row of features, as LightGBM's raw score."""
    scores = np.zeros(len(features))
    _add_scores(*trees, features, scores)
    return scores


def _is_plain(tree: dict[str, Any]) -> bool:
    nodes, is_plain = [tree["tree_structure"]], bool(tree["num_leaves"] <= _MOST_LEAVES)
    while nodes:
        node = nodes.pop()
        if "left_child" in node:
            is_plain &= node["decision_type"] == "<=" and node["missing_type"] != "Zero"
            nodes += node["left_child"], node["right_child"]
        is_plain &= "leaf_coeff" not in node  # a linear tree
    return is_plain


def _splits(node: dict[str, Any], leaves: list[float]) -> Iterator[_Split]:
    """Yield the splits below a node; append the values of its leaves from left to right."""
    if "left_child" not in node:
        leaves.append(node["leaf_value"])
        return
    first = len(leaves)
    yield from _splits(node["left_child"], leaves)
    left_leaves = (1 << len(leaves)) - (1 << first)
    yield from _splits(node["right_child"], leaves)
    # A feature without NaN in training: LightGBM treats NaN as zero.
    nan_goes_left = (
        node["default_left"] if node["missing_type"] == "NaN" else node["threshold"] >= 0
    )
    yield _Split(not nan_goes_left, node["split_feature"], node["threshold"], _ALL & ~left_leaves)


def _rounded_down(thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return the largest float32 not above each threshold: it splits float32 values the same way.

    LightGBM writes 1e300 for infinity.
    """
    with np.errstate(over="ignore"):
        near = thresholds.astype(np.float32)
    is_above = (near > thresholds) & np.isfinite(near)
    return np.where(is_above, np.nextafter(near, np.float32(-np.inf)), near)


@compiled
def _add_scores(
    ends: npt.NDArray[np.int64],
    features: npt.NDArray[np.int32],
    thresholds: npt.NDArray[np.float32],
    masks: npt.NDArray[np.unsignedinteger[Any]],
    values: npt.NDArray[np.float64],
    pairs: npt.NDArray[np.float32],
    scores: npt.NDArray[np.float64],
) -> None:
    """Add each pair's leaf of every tree to its score, the trees in order."""
    inputs = np.zeros((pairs.shape[1], _LANES), np.float32)
    left, every_leaf = np.empty(_LANES, masks.dtype), np.empty(1, masks.dtype)
    every_leaf[0] = _EVERY_LEAF
    for start in range(0, len(pairs), _LANES):
        block = pairs[start : start + _LANES]
        for lane in range(len(block)):
            for feature in range(pairs.shape[1]):
                value = block[lane, feature]
                inputs[feature, lane] = np.float32(0) if abs(value) <= _ZERO else value
        first = 0
        for tree in range(len(ends)):
            left[:] = every_leaf[0]
            for split in range(first, ends[tree, 0]):
                given = inputs[features[split]], thresholds[split]
                _mask_above(*given, masks[split], every_leaf[0], left)
            for split in range(ends[tree, 0], ends[tree, 1]):
                given = inputs[features[split]], thresholds[split]
                _mask_unless_below(*given, masks[split], every_leaf[0], left)
            first = ends[tree, 1]
            _add_leaf(left, values[tree], scores[start : start + _LANES])


@inlined
def _mask_above(
    inputs: npt.NDArray[np.float32],
    threshold: np.float32,
    mask: np.unsignedinteger[Any],
    every_leaf: np.unsignedinteger[Any],
    left: npt.NDArray[np.unsignedinteger[Any]],
) -> None:
    for lane in range(_LANES):  # a choice between two masks, not a jump: four times as fast
        left[lane] &= mask if inputs[lane] > threshold else every_leaf


@inlined
def _mask_unless_below(
    inputs: npt.NDArray[np.float32],
    threshold: np.float32,
    mask: np.unsignedinteger[Any],
    every_leaf: np.unsignedinteger[Any],
    left: npt.NDArray[np.unsignedinteger[Any]],
) -> None:
    for lane in range(_LANES):
        left[lane] &= every_leaf if inputs[lane] <= threshold else mask


@inlined
def _add_leaf(
    left: npt.NDArray[np.unsignedinteger[Any]],
    values: npt.NDArray[np.float64],
    scores: npt.NDArray[np.float64],
) -> None:
    for lane in range(len(scores)):
        leaves = np.uint64(left[lane])
        first = leaves & (~leaves + np.uint64(1))
        scores[lane] += values[(first * np.uint64(_DE_BRUIJN)) >> np.uint64(58)]
