"""A model fitted on shuffled purchases is judged: real models, real files, the real gate.

Shuffling gives every purchase to a customer drawn from all buyers: popularity stays what it was,
and nothing is left to learn about tastes. Both models recommend from the true histories.
"""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hemline import columns, tables
from hemline.data.acquire.typed_tables import type_tables, write_tables
from hemline.data.histories import save_histories
from hemline.data.purchases import select_purchases
from hemline.data.split import DataParams
from hemline.data.synthetic.shop import SyntheticParams, generate_shop
from hemline.data.synthetic.world import ShopSize
from hemline.engine.engine import Engine
from hemline.evaluation.gate.gate_verdict import GateVerdict, judge
from hemline.evaluation.gate.guardrails import (
    Evidence,
    GateParams,
    check_against_champion,
    check_challenger,
)
from hemline.evaluation.gate.version_comparison import compare
from hemline.evaluation.version_lists import TargetWeek, WeekLists
from hemline.models.catalogue import entry_of
from hemline.segments.attributes import age_band_index, customer_attributes
from hemline.segments.kmodes import fit_clusters
from hemline.serving.version_files import VersionFiles
from hemline.storefront import Storefront
from hemline.training.model_fitting import fit_models
from hemline.training.training_shop import Shop
from tests.tiny_project import REPOSITORY, change_params

CUT, END = date(2020, 9, 16), date(2020, 9, 23)
FITTED = ("popularity", "item_knn")
SIZE = ShopSize(
    n_customers=6000, n_articles=1200, first_day=date(2020, 3, 1), last_day=date(2020, 9, 22)
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, on_duckdb: Engine) -> tuple[Path, Shop]:
    """Tables, params and the test week as files, and the shop that models are fitted from."""
    root = tmp_path_factory.mktemp("shop")
    params = root / "params.yaml"
    params.write_text((REPOSITORY / "params.yaml").read_text())
    change_params(root, {("serve", "warm"): [*FITTED[::-1]], ("serve", "cold"): ["popularity"]})
    drawn = generate_shop(SyntheticParams(size=SIZE, seed=7, events=()))
    frames = (drawn.articles, drawn.customers, drawn.transactions)
    write_tables(on_duckdb, type_tables(on_duckdb, *frames, keep_postal_code=False), root)
    people = tables.read_table(root / "customers.parquet", tables.CUSTOMERS)
    attributes = customer_attributes(people)
    (root / "clusters").mkdir()
    clusters = fit_clusters(attributes, n_clusters=2, n_init=1, seed=7)
    clusters.save(root / "clusters")
    segments = pd.DataFrame(
        {
            columns.CUSTOMER: people[columns.CUSTOMER],
            columns.CLUSTER: clusters.assign(attributes),
            columns.AGE_BAND: age_band_index(people[columns.AGE]),
        }
    )
    tables.write_table(segments, root / "segments.parquet", tables.SEGMENTS)
    everything = Shop(
        select_purchases(on_duckdb, root / "transactions.parquet", start=SIZE.first_day, end=END),
        tables.read_table(root / "articles.parquet", tables.ARTICLES),
        segments,
        DataParams.load(params),
    )
    save_histories(everything.known_at(CUT), root / "histories.npz")
    save_histories(everything.bought_in(CUT, END), root / "test.npz")
    return root, everything


def fit_version(root: Path, shop: Shop, name: str) -> Storefront:
    models = root / name
    for fitted, model in fit_models(shop, CUT, root / "params.yaml", FITTED).items():
        (models / fitted).mkdir(parents=True)
        model.save(models / fitted)
        assert entry_of(fitted).load(models / fitted).name == fitted
    (models / "clusters").symlink_to(root / "clusters")
    return Storefront(
        VersionFiles(
            models=models,
            articles=root / "articles.parquet",
            customer_keys=root / "customer_keys.parquet",
            segments=root / "segments.parquet",
            histories=root / "histories.npz",
            params=root / "params.yaml",
        )
    )


def shuffled(shop: Shop, rng: np.random.Generator) -> Shop:
    dealt = rng.permutation(shop.purchases[columns.CUSTOMER].to_numpy())
    return replace(shop, purchases=shop.purchases.assign(**{columns.CUSTOMER: dealt}))


def judged(champion: WeekLists, challenger: WeekLists, popularity: WeekLists) -> GateVerdict:
    gate = GateParams.load(REPOSITORY / "params.yaml")
    rng = np.random.default_rng(7)
    evidence = Evidence(challenger, popularity.average_precision, None, np.full(100, 20.0))
    guardrails = (
        *check_challenger(evidence, gate, n_samples=300, rng=rng),
        *check_against_champion(champion, challenger, gate, n_samples=300, rng=rng),
    )
    comparison = compare(
        champion.average_precision, challenger.average_precision, n_samples=300, rng=rng
    )
    return judge(comparison, guardrails, max_relative_loss=gate.max_relative_loss)


def test_a_model_of_shuffled_purchases_is_rejected_with_numbers(shop: tuple[Path, Shop]) -> None:
    root, everything = shop
    week = TargetWeek.read(
        test=root / "test.npz",
        histories=root / "histories.npz",
        articles=root / "articles.parquet",
        customers=root / "customers.parquet",
    )
    champion = fit_version(root, everything, "champion")
    poisoned = fit_version(root, shuffled(everything, np.random.default_rng(7)), "poisoned")
    good, bad = champion.lists_for_week(week), poisoned.lists_for_week(week)
    popularity = champion.lists_for_week(week, models=("popularity",))

    verdict = judged(good, bad, popularity)
    assert not verdict.promotes
    assert verdict.comparison is not None
    assert verdict.comparison.is_conclusive
    assert f"MAP@12 {verdict.comparison.challenger:.4f} against" in verdict.reason
    assert "than the 5.0% allowed" in verdict.reason

    assert judged(good, good, popularity).promotes
    assert np.array_equal(champion.lists_for_week(week).articles, good.articles)
