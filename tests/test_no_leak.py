"""No purchase from the cut on reaches a model; what is fitted first sees no validation week."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from hemline import columns, tables
from hemline.backtest.backtest import check_leaks
from hemline.backtest.weekly_lists import Backtest, Reused, lists_at
from hemline.data.histories import Histories
from hemline.errors import BadInput
from hemline.evaluation.leakage import Lists, find_leaks
from hemline.models.catalogue import CATALOGUE
from hemline.models.copurchase import CopurchaseParams, fit_copurchase
from hemline.models.popularity import PopularityParams, fit_popularity
from hemline.models.ranker.ranker import Ranker
from hemline.models.recommender import Recommender
from hemline.stages import prepare
from hemline.training.training_shop import Shop
from tests.tiny_shop import write_tiny_shop

ROOT = Path(__file__).parent.parent
STAGES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]
VALIDATION_START, CUT = date(2020, 9, 9), date(2020, 9, 16)
SALES = [
    (date(2020, 8, 1), 0, 1, 0.1, 1),
    (date(2020, 9, 8), 1, 2, 0.2, 2),
    (date(2020, 9, 9), 0, 2, 0.1, 1),
    (date(2020, 9, 15), 2, 3, 0.1, 2),
    (date(2020, 9, 16), 2, 3, 0.1, 2),
    (date(2020, 9, 22), 0, 4, 0.1, 2),
]
ELSEWISE = [(3, 0, 0.5, 1), (1, 4, 0.4, 2), (1, 4, 0.4, 2)]


def changed_from(day: date) -> list[tuple[Any, ...]]:
    """Return SALES with other buyers, articles, prices and units on and after the day."""
    later = {sale[0] for sale in SALES if sale[0] >= day}
    return [sale for sale in SALES if sale[0] < day] + [
        (when, *what) for when in sorted(later) for what in ELSEWISE
    ]


def prepared(
    folder: Path, sales: list[tuple[Any, ...]], unlikes: list[tuple[Any, ...]] | None = None
) -> dict[str, bytes]:
    """Return what the stage writes, by name of the file."""
    for name, n_rows in {"customers": 4, "articles": 5}.items():
        folder.mkdir(exist_ok=True)
        pd.DataFrame({"key": range(n_rows)}).to_parquet(folder / f"{name}.parquet")
    names = [columns.DAY, columns.CUSTOMER, columns.ARTICLE, columns.PRICE, columns.CHANNEL]
    transactions = pd.DataFrame(sales, columns=names)
    tables.write_table(transactions, folder / "transactions.parquet", tables.TRANSACTIONS)
    if unlikes is not None:
        unliked = pd.DataFrame(unlikes, columns=tables.UNLIKES.names)
        tables.write_table(unliked, folder / "unlikes.parquet", tables.UNLIKES)
    prepare.main(ROOT / "params.yaml", folder, folder / "prepared")
    return {path.name: path.read_bytes() for path in (folder / "prepared").iterdir()}


def differing(left: dict[str, bytes], right: dict[str, bytes]) -> set[str]:
    assert left.keys() == right.keys()
    return {name for name in left if left[name] != right[name]}


def test_what_happens_from_the_cut_on_changes_the_test_week_only(tmp_path: Path) -> None:
    unchanged = prepared(tmp_path / "one", SALES)
    changed = prepared(tmp_path / "two", changed_from(CUT))
    assert differing(unchanged, changed) == {"test.npz"}


def test_the_validation_week_does_not_change_what_is_fitted_before_it(tmp_path: Path) -> None:
    unchanged = prepared(tmp_path / "one", SALES)
    changed = prepared(tmp_path / "two", changed_from(VALIDATION_START))
    no_guests = {"guests.npz", "guest_purchases.parquet"}
    assert set(unchanged) - differing(unchanged, changed) == {"fit_histories.npz"} | no_guests


@pytest.mark.parametrize(
    ("day", "changed"),
    [
        (date(2020, 9, 8), {"histories.npz", "fit_histories.npz"}),
        (VALIDATION_START, {"histories.npz"}),
        (date(2020, 9, 15), {"histories.npz"}),
        (CUT, set()),
    ],
)
def test_an_unlike_is_known_from_the_cut_after_its_day_on(
    tmp_path: Path, day: date, changed: set[str]
) -> None:
    without = prepared(tmp_path / "one", SALES)
    assert not differing(without, prepared(tmp_path / "two", SALES, []))
    unliked = prepared(tmp_path / "three", SALES, [(day, 1, 2, None)])
    assert differing(without, unliked) == changed
    undone = prepared(tmp_path / "four", SALES, [(day, 1, 2, CUT)])
    assert differing(unliked, undone) == set()  # which nobody knew before the cut


def test_only_audits_read_the_test_week_and_no_model_the_transactions() -> None:
    def readers(file: str) -> set[str]:
        return {stage for stage, about in STAGES.items() if file in map(str, about["deps"])}

    assert readers("${paths.prepared}/test.npz") == {"evaluate", "fairness"}
    assert readers("${paths.tables}") == {"validate", "prepare"}
    assert readers("${paths.tables}/transactions.parquet") == set()
    assert readers("${paths.prepared}") == set()


@pytest.mark.parametrize("missing", [slice(0, 2), slice(2, 4)])
def test_an_empty_part_is_refused_before_anything_is_fitted_on_it(
    tmp_path: Path, missing: slice
) -> None:
    sales = [sale for sale in SALES if sale not in SALES[missing]]
    with pytest.raises(BadInput, match="before, in and after the validation week"):
        prepared(tmp_path / "tables", sales)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Backtest:
    """The generated tiny shop, with every model as a row of its own, and what is served."""
    root = write_tiny_shop(tmp_path_factory.mktemp("shop"))
    files = [root / "params.yaml", root / "data/tables", root / "data/segments/segments.parquet"]
    backtest = Backtest.of(*files, root / "backtest")
    rows = {name: (name,) for name in (*CATALOGUE, Ranker.name)}
    alone = backtest.evaluation.model_copy(update={"rows": rows})
    return replace(backtest, evaluation=alone)


def test_no_model_and_nothing_served_sees_what_comes_after_the_cut(tiny: Backtest) -> None:
    check_leaks(tiny)


def test_no_list_depends_on_unlikes_from_the_cut_on(tiny: Backtest) -> None:
    shop, (cut,) = tiny.load_shop(1), tiny.cuts(1)
    buyers = np.flatnonzero(~shop.bought_in(cut, cut + timedelta(days=7)).is_cold())[:40]
    rows = {"popularity": ("popularity",), "item_knn": ("item_knn",)}
    test = replace(tiny, evaluation=tiny.evaluation.model_copy(update={"rows": rows}), serve=None)

    def lists_with(day: date, undone: date | None = None) -> Lists:
        unlikes = pd.DataFrame(
            [(day, customer, article, undone) for customer, article in listed],
            columns=tables.UNLIKES.names,
        )
        return lists_at(test, replace(shop, unlikes=unlikes), cut, buyers, Reused())

    listed: list[tuple[int, int]] = []
    without = lists_with(cut)
    first = without["item_knn"][:, 0]
    assert (first >= 0).any()
    pairs = zip(buyers.tolist(), first.tolist(), strict=True)
    listed = [(customer, article) for customer, article in pairs if article >= 0]
    for name, lists in lists_with(cut).items():
        assert np.array_equal(lists, without[name])
    for undone in (None, cut):
        known = lists_with(cut - timedelta(days=1), undone)
        assert not any(
            ((known[name] == first[:, None]) & (known[name] >= 0)).any() for name in rows
        )
    undone_before = lists_with(cut - timedelta(days=2), cut - timedelta(days=1))
    for name, lists in undone_before.items():
        assert np.array_equal(lists, without[name])


def leaking_models(tiny: Backtest, shop: Shop, cut: date) -> dict[str, Recommender]:
    """Two models with a leak: one counts the test week, one was fitted once on all there is."""
    popularity = PopularityParams.load(tiny.params)
    copurchase = CopurchaseParams.load(tiny.params)
    week_end, last_day = cut + timedelta(days=7), date(2020, 9, 22)
    return {
        "honest": fit_popularity(shop.known_at(cut), popularity),
        "counts the week": fit_popularity(shop.bought_in(cut, week_end), popularity),
        "fitted once": fit_copurchase(shop.known_at(last_day), copurchase),
    }


def test_a_planted_leak_is_detected_and_an_honest_model_beside_it_is_not(tiny: Backtest) -> None:
    shop, (cut,) = tiny.load_shop(1), tiny.cuts(1)
    known: Histories = shop.known_at(cut)

    def recommend_at(purchases: pd.DataFrame, at: date) -> Lists:
        models = leaking_models(tiny, replace(shop, purchases=purchases), at)
        return {name: model.recommend(known, 12).articles for name, model in models.items()}

    leaks = find_leaks(recommend_at, shop.purchases, cut, rng=np.random.default_rng(1))
    observed = {(leak.model, leak.change) for leak in leaks}
    assert observed == {
        (model, change)
        for model in ("counts the week", "fitted once")
        for change in ("shuffled", "deleted")
    } | {("counts the week", "stored fit")}  # which no other past can change
