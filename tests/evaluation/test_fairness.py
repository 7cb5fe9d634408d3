"""The fairness audit on worlds whose unfairness is known."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from hemline import columns, tables
from hemline.data.histories import Histories
from hemline.engine.engine import Engine
from hemline.evaluation.fairness.aspects import (
    ARTICLE_GROUP,
    INDEX_GROUP,
    NOVELTY,
    POPULARITY,
    PRICE,
    Aspect,
    article_aspects,
    sales_of_articles,
)
from hemline.evaluation.fairness.exposure import concentration, expose_categories
from hemline.evaluation.fairness.gaps import describe_groups, draw_means, find_gaps
from hemline.evaluation.fairness.groups import HISTORY, Grouping, group_customers
from hemline.evaluation.fairness.outcomes import PRECISION, RECALL, ListOutcomes, compare_outcomes

TWO_GROUPS = np.repeat([0, 1], 100)


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def grouping(codes: np.ndarray, min_group: int = 10) -> Grouping:
    names = tuple(f"group {code}" for code in range(int(codes.max()) + 1))
    return Grouping("attribute", names, codes.astype(np.int64), min_group)


def measured(*parts: np.ndarray, measure: str = "recall") -> pd.DataFrame:
    names = [
        ("served", measure, f"part {part}" if len(parts) > 1 else "") for part in range(len(parts))
    ]
    index = pd.MultiIndex.from_tuples(names, names=["row", "measure", "category"])
    return pd.DataFrame(np.stack(parts, axis=1).astype(np.float64), columns=index)


def gap_of(
    values: pd.DataFrame, groups: Grouping, strata: np.ndarray | None = None
) -> dict[str, float]:
    same = np.zeros(len(values), np.int64)
    draws = draw_means(values, groups, n_samples=300, rng=rng())
    lines = find_gaps(
        values,
        draws,
        groups,
        same if strata is None else strata,
        n_permutations=199,
        rng=rng(),
    )
    return dict(lines.iloc[0].to_dict())


def test_a_planted_gap_is_wider_than_any_random_split() -> None:
    recall = np.where(TWO_GROUPS == 1, 0.6, 0.2) + rng().normal(0, 0.1, 200)
    gap = gap_of(measured(recall), grouping(TWO_GROUPS))
    assert gap["gap"] == pytest.approx(recall[100:].mean() - recall[:100].mean())
    assert (gap["lowest"], gap["highest"]) == ("group 0", "group 1")
    assert gap["p"] == pytest.approx(1 / (199 + 1))
    assert gap["low"] < 0.4 < gap["high"]
    assert gap["chance_high"] < 0.1


def test_groups_that_differ_by_luck_alone_are_within_chance() -> None:
    p_values = [
        gap_of(measured(np.random.default_rng(seed).normal(size=200)), grouping(TWO_GROUPS))["p"]
        for seed in range(40)
    ]
    assert sum(p <= 0.05 for p in p_values) <= 6
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.15)


def test_equal_lists_for_everybody_have_no_gap_at_all() -> None:
    gap = gap_of(measured(np.full(200, 0.3), np.full(200, 0.7)), grouping(TWO_GROUPS))
    assert (gap["gap"], gap["p"]) == (pytest.approx(0), 1)


def test_the_gap_of_shares_is_the_total_variation_distance_from_everybody() -> None:
    first = np.where(TWO_GROUPS == 0, 1.0, 0.25)
    gap = gap_of(measured(first, 1 - first), grouping(TWO_GROUPS))
    everybody = (1 + 0.25) / 2
    assert gap["gap"] == pytest.approx((abs(1 - everybody) + abs(0 - (1 - everybody))) / 2)


def test_a_gap_that_history_explains_vanishes_among_customers_with_the_same_history() -> None:
    strata = np.where(rng().random(200) < np.where(TWO_GROUPS == 1, 0.9, 0.1), 1, 0)
    recall = 0.5 * strata + rng().normal(0, 0.1, 200)
    gap = gap_of(measured(recall), grouping(TWO_GROUPS), strata)
    assert gap["p"] <= 0.01
    assert gap["p_same_history"] > 0.05


def test_a_group_that_is_too_small_makes_no_gap() -> None:
    codes = np.concatenate([TWO_GROUPS, [2, 2, 2]])
    recall = np.concatenate([np.full(200, 0.2), np.ones(3)])
    groups = grouping(codes)
    assert groups.large.tolist() == [0, 1]
    assert gap_of(measured(recall), groups)["gap"] == pytest.approx(0)
    draws = draw_means(measured(recall), groups, n_samples=50, rng=rng())
    described = describe_groups(measured(recall), draws, groups).set_index("group")
    assert described.loc["group 2", "value"] == 1
    assert described.loc["group 2", "n_customers"] == 3
    assert described["everybody"].to_numpy() == pytest.approx((200 * 0.2 + 3) / 203)


def test_the_interval_of_a_group_mean_has_the_textbook_width() -> None:
    values = measured(rng().normal(size=200))
    draws = draw_means(values, grouping(TWO_GROUPS), n_samples=2000, rng=rng())
    line = describe_groups(values, draws, grouping(TWO_GROUPS)).iloc[0]
    spread = values.to_numpy()[:100].std() / 100**0.5
    assert line["high"] - line["low"] == pytest.approx(2 * 1.96 * spread, rel=0.1)


def test_recall_and_precision_count_every_customer_once() -> None:
    outcome = ListOutcomes(np.array([1, 2, 0]), np.array([2, 8, 1]), np.array([4, 4, 0]))
    scores = outcome.per_customer()
    assert scores[RECALL].tolist() == [1 / 2, 2 / 8, 0 / 1]
    assert scores[PRECISION].tolist() == [1 / 4, 2 / 4, 0]


def test_fairlearn_and_the_permutation_test_speak_of_the_same_gap() -> None:
    draw = rng()
    bought = draw.integers(1, 9, 200)
    outcome = ListOutcomes(draw.integers(0, bought + 1), bought, np.full(200, 12))
    groups = grouping(np.concatenate([draw.integers(3, size=195), np.full(5, 3)]))
    compared = compare_outcomes(outcome, groups)
    for measure, values in outcome.per_customer().items():
        means = [values[groups.codes == group].mean() for group in range(3)]
        assert compared.loc[measure, "worst"] == pytest.approx(min(means))
        assert compared.loc[measure, "ratio"] == pytest.approx(min(means) / max(means))
        ours = gap_of(measured(values.to_numpy()), groups)["gap"]
        assert compared.loc[measure, "difference"] == pytest.approx(ours)


def test_everybody_is_in_one_group_of_each_attribute() -> None:
    units = sparse.csr_matrix(np.tri(3, 70, 0, np.float32)[[0, 0, 2]] * [[0], [1], [1]])
    known = Histories.from_interactions(units, clusters=np.array([1, -1, 0], np.int8))
    people = pd.DataFrame(
        {columns.AGE_BAND: ["unknown"] * 3, columns.CLUB: ["ACTIVE", "unknown", "ACTIVE"]}
    )
    by_name = {one.attribute: one for one in group_customers(people, known, min_group=2)}
    labels = {name: [one.names[code] for code in one.codes] for name, one in by_name.items()}
    assert labels == {
        columns.AGE_BAND: ["unknown"] * 3,
        columns.CLUB: ["ACTIVE", "unknown", "ACTIVE"],
        columns.CLUSTER: ["cluster 1", "unknown", "cluster 0"],
        HISTORY: ["no purchase", "1 to 4", "1 to 4"],
    }
    assert by_name[columns.CLUB].large.tolist() == [0]
    assert not by_name[columns.CLUB].is_comparable


def catalogue(n_articles: int) -> pd.DataFrame:
    articles = pd.DataFrame("", index=range(n_articles), columns=tables.ARTICLES.names)
    articles[INDEX_GROUP] = ["Ladieswear", None] * (n_articles // 2)
    articles[ARTICLE_GROUP] = "Shoes"
    return articles


def test_sales_are_counted_in_the_last_days_and_everything_else_before_the_cut(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    rows = [
        (date(2020, 8, 1), 0, 0, 1, 0.1, 1),
        (date(2020, 9, 15), 1, 0, 1, 0.3, 1),
        (date(2020, 9, 14), 0, 2, 1, 0.5, 1),
        (date(2020, 9, 14), 1, 2, 1, 0.0, 1),  # a gift has no price
        (date(2020, 8, 14), 1, 3, 1, 0.0, 1),
    ]
    purchases = pd.DataFrame(rows, columns=tables.PURCHASES.names)
    tables.write_table(purchases, tmp_path / "purchases.parquet", tables.PURCHASES)
    sales = sales_of_articles(
        on_duckdb,
        tmp_path / "purchases.parquet",
        cut=date(2020, 9, 16),
        recent_days=28,
        n_articles=4,
    )
    assert sales["sales"].tolist() == [1, 0, 2, 0]
    assert sales["days_on_sale"].tolist()[::2] == [46, 2]
    assert sales["price"].tolist()[::2] == pytest.approx([0.2, 0.5])
    assert sales["price"].iloc[[1, 3]].isna().all()
    assert sales["days_on_sale"].isna().tolist() == [False, True, False, False]


def test_tiers_hold_equal_sales_and_articles_without_sales_stand_apart() -> None:
    sales = pd.DataFrame(
        {
            "sales": [6, 3, 3, 2, 2, 2, 0, 0],
            "price": [0.1, 0.4, 0.2, 0.3, 0.2, 0.4, 0.3, np.nan],
            "days_on_sale": [10, 28, 29, 182, 183, 700, 400, np.nan],
        }
    )
    by_name = {one.name: one for one in article_aspects(catalogue(8), sales, new_days=28)}
    assert by_name[INDEX_GROUP].categories == ("Ladieswear", "unknown")
    assert by_name[INDEX_GROUP].sold.tolist() == pytest.approx([11 / 18, 7 / 18])
    popularity = by_name[POPULARITY]
    assert popularity.categories == ("head", "middle", "tail", "not sold lately")
    assert popularity.codes.tolist() == [0, 1, 1, 2, 2, 2, 3, 3]
    assert popularity.sold.tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    assert by_name[PRICE].codes[-1] == len(by_name[PRICE].categories) - 1
    assert by_name[PRICE].codes[1] == by_name[PRICE].codes[5]
    novelty = by_name[NOVELTY]
    assert [novelty.categories[code] for code in novelty.codes] == [
        *["new (28 days)"] * 2,
        *["half a year"] * 2,
        *["older"] * 3,
        "never sold",
    ]


def test_exposure_holds_places_against_sales() -> None:
    aspect = Aspect("kind", ("a", "b", "c"), np.array([0, 1, 2]), np.array([0.5, 0.4, 0.1]))
    listed = sparse.csr_matrix(np.repeat([[1, 0, 0], [1, 1, 0]], 100, axis=0).astype(float))
    lines = expose_categories(listed, (aspect,), tolerance=0.8, n_samples=200, rng=rng())
    assert lines["places"].tolist() == pytest.approx([3 / 4, 1 / 4, 0])
    assert lines["ratio"].tolist() == pytest.approx([0.75 / 0.5, 0.25 / 0.4, 0])
    assert lines["verdict"].tolist() == ["over-exposed", "under-exposed", "under-exposed"]


def test_a_departure_within_the_tolerance_is_proportion_and_within_the_noise_no_verdict() -> None:
    aspect = Aspect("kind", ("a", "b"), np.array([0, 1]), np.array([0.55, 0.45]))
    many = sparse.csr_matrix(np.repeat([[1.0, 1.0]], 500, axis=0))
    few = sparse.csr_matrix(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    # Two thirds of the places of three customers: 1.21 and 0.74 times the sales.
    verdicts = {"many": ["in proportion"] * 2, "few": ["in proportion", "may be chance"]}
    for listed, expected in zip((many, few), verdicts.values(), strict=True):
        lines = expose_categories(listed, (aspect,), tolerance=0.8, n_samples=200, rng=rng())
        assert lines["verdict"].tolist() == expected


def test_concentration_leaves_out_articles_that_nobody_sells_or_lists() -> None:
    listed = sparse.csr_matrix(np.array([[1.0, 0, 0, 0], [1.0, 0, 0, 0]]))
    shares = concentration(listed, np.array([0.0, 3.0, 3.0, 0.0]))
    assert shares["n_offered"] == 3
    assert shares["listed_share"] == pytest.approx(1 / 3)
    assert shares["gini_places"] == pytest.approx(2 / 3)
    assert shares["gini_sales"] == pytest.approx(1 / 3)
