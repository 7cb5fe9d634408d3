import numpy as np
import pandas as pd
import pytest

from hemline.evaluation.bootstrap import bootstrap_means, interval
from hemline.evaluation.protocol import METRICS
from hemline.evaluation.table import as_markdown, headline, score_table

RNG_SEED = 5


def scores(values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(dict.fromkeys(METRICS, values))


def test_the_bootstrap_interval_has_the_textbook_width() -> None:
    values = np.random.default_rng(1).normal(size=(2000, 1))
    draws = bootstrap_means(values, n_samples=2000, rng=np.random.default_rng(2))
    low, high = interval(draws)
    assert high[0] - low[0] == pytest.approx(2 * 1.96 * values.std() / 2000**0.5, rel=0.1)


def test_columns_are_resampled_together() -> None:
    values = np.random.default_rng(1).normal(size=(50, 1))
    draws = bootstrap_means(np.hstack([values, values]), n_samples=20, rng=np.random.default_rng(2))
    assert np.array_equal(draws[:, 0], draws[:, 1])


def test_a_constant_gain_has_an_interval_of_no_width() -> None:
    base = np.random.default_rng(1).uniform(size=100)
    lines = score_table(
        {"popularity": scores(base), "better": scores(base + 0.25)},
        {"all": np.arange(100)},
        n_samples=50,
        rng=np.random.default_rng(RNG_SEED),
    )
    better = lines[lines["model"] == "better"]
    assert better[["gain", "gain_low", "gain_high"]].to_numpy() == pytest.approx(0.25)
    assert (better["high"] > better["low"]).all()


def test_the_table_lists_the_best_first_and_the_oracle_last() -> None:
    values = {
        "popularity": scores(np.full(10, 0.1)),
        "served": scores(np.full(10, 0.3)),
        "oracle": scores(np.ones(10)),
    }
    lines = score_table(
        values, {"all": np.arange(10)}, n_samples=10, rng=np.random.default_rng(RNG_SEED)
    )
    text = as_markdown(lines, {"popularity": 0.5, "served": 0.5}, {"served": "a, b"})
    first_cells = [line.split("|")[1].strip() for line in text.splitlines()[2:5]]
    assert first_cells == ["**served**", "popularity", "oracle"]
    assert "| **served** | 0.3000 |" in text.splitlines()[-2]
    assert "10 buyers" in text


def test_the_headline_holds_every_metric_and_the_coverage() -> None:
    lines = score_table(
        {"popularity": scores(np.full(4, 0.5))},
        {"all": np.arange(4), "warm": np.arange(2)},
        n_samples=10,
        rng=np.random.default_rng(RNG_SEED),
    )
    assert headline(lines, {"popularity": 0.25}) == {
        "popularity": {**dict.fromkeys(METRICS, 0.5), "coverage": 0.25}
    }
