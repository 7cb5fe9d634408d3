"""The chance that an own article is bought again, on shops whose rhythm is known."""

import math
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hemline import columns
from hemline.data.histories import Histories
from hemline.data.history_building import build_histories, no_unlikes
from hemline.data.past_weeks import PurchaseLog
from hemline.errors import BadInput
from hemline.kernels.bought_again import FEATURES, describe_bought
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.catalogue import load_model
from hemline.models.repurchase import Repurchase
from hemline.models.repurchase_hazard import (
    RepurchaseHazard,
    RepurchaseParams,
    fit_logistic,
    fit_repurchase_hazard,
)

CUT = date(2011, 6, 1)
N_CUSTOMERS = 60
N_ARTICLES = 40
BEST_SELLER = 39


def log_of(rows: list[tuple[int, int, int]], unlikes: pd.DataFrame | None = None) -> PurchaseLog:
    """Return a log of (customer, article, days before CUT), a dozen units each."""
    purchases = pd.DataFrame(rows, columns=[columns.CUSTOMER, columns.ARTICLE, "ago"])
    purchases[columns.DAY] = pd.Timestamp(CUT) - pd.to_timedelta(purchases.pop("ago"), unit="D")
    purchases[columns.UNITS] = 12
    ordered = purchases.sort_values(columns.DAY, ignore_index=True)
    return PurchaseLog(
        ordered, no_unlikes() if unlikes is None else unlikes, CUT, N_ARTICLES, week_days=7
    )


def stocked_up_every(period: int) -> list[tuple[int, int, int]]:
    """Return what shopkeepers buy: each has a staple every `period` days and novelties once.

    Customers differ in the day on which they come. The staple of a customer is one of the first
    ten articles, the novelties are others.
    """
    rows = []
    for customer in range(N_CUSTOMERS):
        for visit in range(12):
            ago = 1 + customer % period + period * visit
            rows.append((customer, customer % 10, ago))
            rows.append((customer, 10 + (3 * customer + visit) % 28, ago))
    return rows


def history_of(*pairs: tuple[int, int]) -> Histories:
    """Return the history of one customer: (article, days ago), a dozen units each."""
    articles, days = zip(*sorted(pairs), strict=True)
    return Histories.of_one(
        np.array(articles, np.int32),
        np.full(len(articles), 12, np.float32),
        np.array(days, np.float32),
        cluster=0,
        age_band=0,
        n_articles=N_ARTICLES,
    )


def known_at_cut(log: PurchaseLog) -> Histories:
    return build_histories(log.purchases, cut=CUT, n_customers=N_CUSTOMERS, n_articles=N_ARTICLES)


def test_the_weights_of_two_groups_are_their_log_odds() -> None:
    group = np.repeat([0.0, 1.0], 100)
    labels = np.concatenate([np.arange(100) < 20, np.arange(100) < 50])
    weights = fit_logistic(np.stack([np.ones(200), group], axis=1), labels, l2=0)
    assert weights == pytest.approx(
        [math.log(20 / 80), math.log(50 / 50) - math.log(20 / 80)], abs=1e-4
    )


def test_a_feature_that_is_everywhere_the_same_has_no_weight() -> None:
    features = np.stack([np.ones(100), np.full(100, 3.5), np.arange(100.0)], axis=1)
    weights = fit_logistic(features, np.arange(100) >= 50, l2=1)
    assert weights[1] == 0
    assert weights[2] > 0


@pytest.mark.parametrize("period", [7, 28])
def test_what_is_due_is_listed_first_whatever_the_rhythm_of_the_shop(period: int) -> None:
    log = log_of(stocked_up_every(period))
    model, known = fit_repurchase_hazard(log, RepurchaseParams()), known_at_cut(log)
    due = np.array([row for row in range(N_CUSTOMERS) if row % period >= period - 7])
    lists = model.recommend(known.rows(due), 3).articles
    assert lists[:, 0].tolist() == (due % 10).tolist()


def test_weeks_that_decide_every_label_give_finite_weights() -> None:
    features = np.stack([np.ones(40), np.arange(40.0), np.arange(40.0) ** 3], axis=1)
    weights = fit_logistic(features, np.arange(40) >= 20, l2=1)
    odds = features @ weights
    assert np.abs(odds).max() < 100
    assert (odds[20:] > odds[:20].max()).all()


def test_an_article_that_a_best_seller_beats_is_left_to_the_next_model() -> None:
    rows = [(customer, customer % 10, ago) for customer in range(N_CUSTOMERS) for ago in (5, 40)]
    rows += [(customer, 10 + customer % 20, 30 + customer) for customer in range(N_CUSTOMERS)]
    rows += [(customer, BEST_SELLER, 1 + customer % 6) for customer in range(N_CUSTOMERS)]
    model = fit_repurchase_hazard(log_of(rows), RepurchaseParams())
    chance = 1 / (1 + math.exp(-model.least))
    assert 0 < chance < 1
    listed = model.recommend(known_at_cut(log_of(rows)), 20)
    is_listed = listed.articles != NO_ARTICLE
    assert (listed.scores[is_listed] >= np.float32(model.least)).all()
    bold = RepurchaseHazard(model.weights, -math.inf, model.sold)
    assert (bold.recommend(known_at_cut(log_of(rows)), 20).articles != NO_ARTICLE).sum() > (
        is_listed.sum()
    )


def test_the_features_of_a_purchase() -> None:
    own = history_of((3, 2), (5, 8), (7, 8))
    sold = np.zeros((N_ARTICLES, 2), np.int32)
    sold[5] = 1, 6
    described = describe_bought(own.indptr, own.indices, own.counts, own.days, sold)
    gap, of_all, on_days = math.log(8), math.log(3), math.log(2)
    assert dict(zip(FEATURES, described[1], strict=True)) == pytest.approx({
        "constant": 1, "gap": gap, "gap_2": gap**2, "gap_3": gap**3, "units": math.log(12),
        "n_articles": of_all, "latest": math.log(2), "n_days": on_days, "first": gap,
        "gap_by_n_articles": gap * of_all, "gap_by_n_days": gap * on_days,
        "sold_7d": math.log(1 + 1), "sold_28d": math.log(1 + 6),
    })  # fmt: skip


def test_a_week_of_the_past_knows_nothing_of_itself() -> None:
    unlikes = no_unlikes()
    log = log_of([(4, 1, 3), (4, 2, 9), (9, 2, 5), (4, 1, 20), (4, 3, 30)], unlikes)
    weeks = list(log.weeks(5, max_buyers=100))
    assert [week.start for week in weeks] == [CUT - timedelta(days=ago) for ago in (7, 14, 21)]
    latest = weeks[0]
    assert latest.known.indices.tolist() == [1, 2, 3], "customer 4; customer 9 is new"
    assert latest.known.days.tolist() == [13, 2, 23]
    assert latest.bought.indices.tolist() == [1, 2]
    assert log.n_buyers(CUT, days=7)[[1, 2, 3]].tolist() == [1, 1, 0]
    assert log.n_buyers(CUT, days=28)[[1, 2, 3]].tolist() == [1, 2, 0]


def test_of_many_buyers_an_even_sample_is_learned_from() -> None:
    (week,) = log_of(stocked_up_every(7)).weeks(1, max_buyers=7)
    assert week.known.n_customers == week.bought.n_customers == 7


def test_a_shop_where_nobody_comes_again_is_refused() -> None:
    with pytest.raises(BadInput, match="customers buy who had bought before"):
        fit_repurchase_hazard(log_of([(1, 2, 3), (2, 2, 9)]), RepurchaseParams())


def test_a_saved_hazard_gives_the_same_lists_and_a_version_of_before_its_window(
    tmp_path: Path,
) -> None:
    log = log_of(stocked_up_every(28))
    model, known = fit_repurchase_hazard(log, RepurchaseParams()), known_at_cut(log)
    (tmp_path / "new").mkdir()
    model.save(tmp_path / "new")
    again = load_model("repurchase", tmp_path / "new").recommend(known, 12)
    assert np.array_equal(again.scores, model.recommend(known, 12).scores)
    (tmp_path / "old").mkdir()
    window = Repurchase(14, 0.5)
    window.save(tmp_path / "old")
    old = load_model("repurchase", tmp_path / "old").recommend(known, 12)
    assert np.array_equal(old.articles, window.recommend(known, 12).articles)
