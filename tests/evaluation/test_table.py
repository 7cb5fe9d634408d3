from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from hemline import columns
from hemline.evaluation.beyond_accuracy import OF_LISTS
from hemline.evaluation.held_out_week import EVERYTHING, NEW, SCORES
from hemline.evaluation.score_report import ScorePage, as_markdown
from hemline.evaluation.score_table import headline, ratios, resample, score_table
from hemline.evaluation.significance import bootstrap_means
from hemline.evaluation.significant_rows import SignificantRows

RNG_SEED = 5
OF_ALL = dict.fromkeys(OF_LISTS, 0.25)


def scored(
    values: Mapping[str, np.ndarray],
    *,
    truth: str = EVERYTHING,
    customers: np.ndarray | None = None,
) -> pd.DataFrame:
    """Return scored lists in which every metric of a customer has the same value."""
    lines = []
    for model, of_customers in values.items():
        who = np.arange(len(of_customers)) if customers is None else customers
        about = {columns.CUSTOMER: who, "model": model, "truth": truth}
        lines.append(pd.DataFrame(about | dict.fromkeys(SCORES, of_customers)))
    return pd.concat(lines, ignore_index=True)


def table_of(
    lists: pd.DataFrame, references: tuple[str, ...] = ("popularity",), n_samples: int = 200
) -> pd.DataFrame:
    n_lists = int(((lists["model"] == lists["model"][0]) & (lists["truth"] == EVERYTHING)).sum())
    return score_table(
        lists,
        {"all": np.arange(n_lists), "cold": np.arange(2)},
        references,
        n_samples=n_samples,
        n_flips=999,
        rng=np.random.default_rng(RNG_SEED),
    )


def line(table: pd.DataFrame, model: str, part: str = "all", metric: str = "map@12") -> pd.Series:
    chosen = (table["model"] == model) & (table["slice"] == part) & (table["metric"] == metric)
    return table[chosen].iloc[0]


def test_columns_are_resampled_together() -> None:
    values = np.random.default_rng(1).normal(size=(50, 1))
    draws = bootstrap_means(np.hstack([values, values]), n_samples=20, rng=np.random.default_rng(2))
    assert np.array_equal(draws.means[:, 0], draws.means[:, 1])


def test_a_constant_gain_is_as_certain_as_the_number_of_customers_allows() -> None:
    base = np.random.default_rng(1).uniform(size=1000) / 2
    better = line(table_of(scored({"popularity": base, "better": base + 0.25})), "better")
    assert better["over_popularity"] == pytest.approx(0.25)
    # The customer nobody has seen gains 1 or loses 1, and weighs about 1 / 1000.
    assert 0.25 - 5 / 1000 < better["over_popularity_low"] < 0.25
    assert 0.25 < better["over_popularity_high"] < 0.25 + 5 / 1000
    assert better["over_popularity_p"] == 1 / 1000


def test_one_metric_is_tested_and_neither_the_reference_nor_the_oracle() -> None:
    values = {"popularity": np.zeros(9), "better": np.ones(9), "oracle": np.ones(9)}
    table = table_of(scored(values))
    tested = table[table["over_popularity_p"].notna()]
    assert set(tested["model"]) == {"better"}
    assert set(tested["metric"]) == {"map@12"}


def test_holms_correction_counts_the_rows_of_the_table() -> None:
    base, gain = np.zeros(4), np.array([1.0, 1, 1, 1])
    alone = line(table_of(scored({"popularity": base, "a": gain})), "a")
    one_of_four = {"popularity": base, "a": gain, "b": -gain, "c": gain, "d": gain}
    among = line(table_of(scored(one_of_four)), "a")
    assert alone["over_popularity_p"] == pytest.approx(2 / 16, abs=0.04)
    assert among["over_popularity_p"] == pytest.approx(4 * 2 / 16, abs=0.16)


def test_a_customers_weeks_are_resampled_together() -> None:
    """Ten customers seen in 40 weeks each are ten customers and not 400."""
    of_customers = np.random.default_rng(1).uniform(size=10)
    lists = scored({"popularity": np.tile(of_customers, 40)}, customers=np.tile(np.arange(10), 40))
    pooled = line(table_of(lists, n_samples=2000), "popularity")
    once = line(table_of(scored({"popularity": of_customers}), n_samples=2000), "popularity")
    assert pooled["value"] == pytest.approx(once["value"])
    assert pooled["high"] - pooled["low"] == pytest.approx(once["high"] - once["low"], rel=0.1)
    assert (pooled["n_customers"], pooled["n_lists"]) == (10, 400)


def test_a_customer_of_two_weeks_counts_twice_in_the_mean() -> None:
    lists = scored({"popularity": np.array([1.0, 1.0, 0.0])}, customers=np.array([4, 4, 7]))
    assert line(table_of(lists), "popularity")["value"] == pytest.approx(2 / 3)


def test_slices_of_articles_stand_beside_those_of_customers() -> None:
    everything = scored({"popularity": np.array([0.1, 0.2, 0.6])})
    new = scored({"popularity": np.array([0.5])}, truth=NEW)
    table = table_of(pd.concat([everything, new], ignore_index=True))
    values = {part: line(table, "popularity", part)["value"] for part in ("all", "cold", NEW)}
    assert values == pytest.approx({"all": 0.9 / 3, "cold": 0.3 / 2, NEW: 0.5})


def test_a_ratio_has_the_interval_of_the_paired_resamples() -> None:
    base = np.random.default_rng(1).uniform(0.1, 1, size=100)
    lists = scored({"popularity": base, "twice": 2 * base, "none": 0 * base})
    drawn = resample(lists, n_samples=50, rng=np.random.default_rng(RNG_SEED))
    twice = ratios(drawn, "popularity").set_index("model").loc["twice"]
    assert twice["ratio"] == pytest.approx(2)
    # Of 100 customers the one nobody has seen weighs a hundredth, and popularity's mean is 0.55.
    assert 2 * (1 - 10 / 100) < twice["low"] < 2 < twice["high"] < 2 * (1 + 10 / 100)
    itself = ratios(drawn, "popularity").set_index("model").loc["popularity"]
    assert itself["ratio"] == 1
    assert itself[["low", "high"]].isna().all()
    assert np.isnan(ratios(drawn, "none").set_index("model").loc["twice", "ratio"])


def test_the_page_lists_the_best_first_and_the_oracle_last() -> None:
    values = {
        "popularity": np.full(10, 0.1),
        "served": np.full(10, 0.3),
        "oracle": np.ones(10),
    }
    table = table_of(scored(values), ("popularity", "served"))
    text = page_of(table, min_customers=2)
    assert [row.split("|")[1].strip() for row in text[2:5]] == [
        "**served**",
        "popularity",
        "oracle",
    ]
    served = line(table, "served")
    assert text[2].startswith(
        f"| **served** | 0.3000 [{served['low']:.4f}, {served['high']:.4f}] | +0.2000 ["
    )
    assert any(row.startswith("10 buyers of the test week") for row in text)
    # Ten customers who all lose: 2 of 2 ** 10 sign vectors are as far, about 0.002.
    against = next(row for row in text if row.startswith("| popularity | -0.2000"))
    assert float(against.split("|")[3].replace("<", "")) <= 0.01
    assert "| cold (2) | 0.3000 | 0.1000 |" in text


def page_of(table: pd.DataFrame, min_customers: int) -> list[str]:
    of_lists = dict.fromkeys(table["model"], OF_ALL)
    page = ScorePage(table, of_lists, {"served": "a, b"}, "the test week", min_customers)
    return as_markdown(page).splitlines()


def rows_of(n_customers: int) -> dict[str, np.ndarray]:
    """Rows that are better, worse and as good as popularity for every customer."""
    base = np.full(n_customers, 0.4)
    turns = np.resize([0.1, -0.1], n_customers)
    better = {"served": base + 0.2, "worse": base - 0.2, "alike": base + turns}
    return {"popularity": base, **better, "oracle": np.ones(n_customers)}


def test_a_sentence_under_each_table_says_which_differences_are_significant() -> None:
    text = page_of(table_of(scored(rows_of(200)), ("popularity", "served")), min_customers=50)
    told = "Significantly different from popularity in MAP@12: served (higher); worse (lower). "
    assert f"{told}Not significantly different: alike." in text
    assert (
        "Significantly different from served in MAP@12: popularity, alike, worse (lower)." in text
    )
    (beyond,) = (
        one
        for one in text
        if one.startswith("Not significantly different from popularity: novelty")
    )
    assert "diversity: alike" in beyond
    assert beyond.endswith("are of all lists together and have no interval.")
    assert "| all (200) | 0.6000* | 0.4000 | 0.4000 | 0.2000* |" in [
        one.replace("**", "") for one in text
    ]


def test_a_slice_of_few_customers_shows_no_score() -> None:
    text = page_of(table_of(scored(rows_of(200)), ("popularity", "served")), min_customers=50)
    assert "| cold (2) | too few | too few | too few | too few |" in text
    (starred,) = (one for one in text if one.startswith("A star: "))
    assert "2 of 3 scores" in starred
    assert starred.endswith("Slices of fewer than 50 customers show no score: cold (2).")


def test_of_few_customers_no_sentence_claims_anything() -> None:
    text = page_of(table_of(scored(rows_of(49)), ("popularity", "served")), min_customers=50)
    few = [one for one in text if one.startswith("49 customers are too few for")]
    assert len(few) == 3
    assert not any(
        "ignificantly different from" in one for one in text if not one.startswith("A star")
    )


def test_a_row_whose_corrected_p_value_is_large_is_not_significant() -> None:
    table = table_of(scored(rows_of(200)))
    lines = table[(table["slice"] == "all") & (table["metric"] == "map@12")]
    told = SignificantRows.among(lines, "popularity", min_customers=50)
    assert (told.better, told.worse, told.alike) == (["served"], ["worse"], ["alike"])
    among_many = lines.assign(over_popularity_p=0.06)
    assert SignificantRows.among(among_many, "popularity", min_customers=50).rows == []


def test_the_headline_holds_every_metric_and_what_all_lists_show() -> None:
    table = table_of(scored({"popularity": np.full(4, 0.5)}))
    assert headline(table, {"popularity": OF_ALL}) == {
        "popularity": {**dict.fromkeys(SCORES, 0.5), **OF_ALL}
    }
