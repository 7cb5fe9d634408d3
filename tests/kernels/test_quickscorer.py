"""Our reading of LightGBM's trees, held against LightGBM."""

import lightgbm as lgb
import numpy as np
import pytest

from hemline.kernels.quickscorer import make_scorer

N_FEATURES = 6


def trained(n_leaves: int, *, with_nan: bool = True) -> lgb.Booster:
    rng = np.random.default_rng(n_leaves)
    features = rng.normal(size=(4000, N_FEATURES)).astype(np.float32)
    labels = np.sin(features[:, 0] * 3) + features[:, 1] * features[:, 2]
    if with_nan:
        features[rng.random(features.shape) < 0.2] = np.nan
    settings = {"objective": "regression", "num_leaves": n_leaves, "min_data_in_leaf": 3}
    quiet = {"verbose": -1, "deterministic": True, "num_threads": 1, "seed": 1}
    return lgb.train({**settings, **quiet}, lgb.Dataset(features, labels), 20)


def on_and_beside_the_thresholds(booster: lgb.Booster) -> np.ndarray:
    """Pairs of the very values that the trees part at, the next ones, NaN and what is extreme."""
    rng = np.random.default_rng(1)
    at = booster.trees_to_dataframe()["threshold"].dropna().to_numpy()
    with np.errstate(over="ignore"):
        near = at.astype(np.float32)
    beside = [np.nextafter(near, np.float32(side)) for side in (-np.inf, np.inf)]
    extreme = np.array([np.nan, 0, -0.0, np.inf, -np.inf, 1e-36, -1e-36, 3e38], np.float32)
    values = np.concatenate([near, *beside, np.repeat(extreme, 20)])
    return rng.choice(values, (3001, N_FEATURES))


@pytest.mark.parametrize("n_leaves", [2, 31, 64])
@pytest.mark.parametrize("with_nan", [True, False])
def test_scores_are_lightgbms_to_the_bit(n_leaves: int, with_nan: bool) -> None:
    booster = trained(n_leaves, with_nan=with_nan)
    pairs = on_and_beside_the_thresholds(booster)
    assert np.array_equal(make_scorer(booster)(pairs), booster.predict(pairs))


def test_trees_with_more_leaves_than_bits_are_answered_by_lightgbm() -> None:
    booster = trained(90)
    assert booster.dump_model()["tree_info"][0]["num_leaves"] > 64
    pairs = on_and_beside_the_thresholds(booster)
    assert np.array_equal(make_scorer(booster)(pairs), booster.predict(pairs))


def test_only_the_trees_up_to_the_best_one_count() -> None:
    booster = trained(31)
    booster.best_iteration = 7
    pairs = on_and_beside_the_thresholds(booster)
    assert np.array_equal(make_scorer(booster)(pairs), booster.predict(pairs, num_iteration=7))


def test_no_pairs_have_no_scores() -> None:
    assert make_scorer(trained(4))(np.empty((0, N_FEATURES), np.float32)).shape == (0,)
