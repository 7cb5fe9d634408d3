"""The champion answers a complete week with what was known before it, and nothing else."""

import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hemline import columns, tables
from hemline.data.purchases import select_purchases
from hemline.data.split import DataParams
from hemline.engine.engine import Engine
from hemline.evaluation.protocol import AP, score_customers
from hemline.models.popularity import Popularity
from hemline.models.repurchase import Repurchase
from hemline.registry.versions import Version
from hemline.segments.attributes import customer_attributes
from hemline.segments.kmodes import fit_clusters
from hemline.storefront import Storefront, VersionFiles
from hemline.training import Shop, fit_models
from monitoring.champion_lists import Asking, Champion, ask_about
from monitoring.performance import measure_performance
from monitoring.recommendations import summarise_recommendations
from monitoring.records import PERFORMANCE_SCHEMA, read_all, write_once
from monitoring.summaries import SUMMARIES
from tests.tiny_project import change_params
from tests.tiny_shop import write_tiny_shop

WEEK_END = date(2020, 9, 16)
CUT = WEEK_END - timedelta(weeks=1)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_shop(tmp_path_factory.mktemp("asked") / "shop")


@pytest.fixture(scope="module")
def shop(root: Path, on_duckdb: Engine) -> Shop:
    transactions = root / "data/tables/transactions.parquet"
    return Shop(
        select_purchases(on_duckdb, transactions, start=date(2019, 1, 1), end=date(2021, 1, 1)),
        tables.read_table(root / "data/tables/articles.parquet", tables.ARTICLES),
        tables.read_table(root / "data/segments/segments.parquet", tables.SEGMENTS),
        DataParams.load(root / "params.yaml"),
    )


@pytest.fixture(scope="module")
def champions(root: Path, shop: Shop) -> dict[str, Champion]:
    """Two versions fitted at CUT: one repeats what customers bought, one lists what is popular."""
    fitted = fit_models(shop, CUT, root / "params.yaml", ("popularity", "repurchase"))
    people = tables.read_table(root / "data/tables/customers.parquet", tables.CUSTOMERS)
    clusters = fit_clusters(customer_attributes(people), n_clusters=5, n_init=5, seed=7)
    for name, model in {**fitted, "clusters": clusters}.items():
        (root / "models" / name).mkdir(parents=True)
        assert isinstance(model, Popularity | Repurchase | type(clusters))
        model.save(root / "models" / name)
    warm = {"repeats": ["repurchase", "popularity"], "popular": ["popularity"]}
    return {name: version_of(root, name, order) for name, order in warm.items()}


def version_of(root: Path, name: str, warm: list[str]) -> Champion:
    own = root / "versions" / name
    own.mkdir(parents=True)
    shutil.copy(root / "params.yaml", own / "params.yaml")
    change_params(own, {("serve", "warm"): warm, ("serve", "cold"): ["popularity"]})
    files = VersionFiles(
        models=root / "models",
        articles=root / "data/tables/articles.parquet",
        customer_keys=root / "data/tables/customer_keys.parquet",
        segments=root / "data/segments/segments.parquet",
        histories=root / "nobody asks for them",
        params=own / "params.yaml",
    )
    tags = {"cut": CUT.isoformat(), "models_hash": f"models of {name}"}
    return Version(name, "run", tags), Storefront(files)


def copied(root: Path, folder: Path) -> Path:
    return Path(shutil.copytree(root / "data/tables", folder / "tables"))


def rewrite(table_folder: Path, transactions: pd.DataFrame) -> None:
    path = table_folder / "transactions.parquet"
    tables.write_table(transactions, path, tables.TRANSACTIONS)


def asking(
    engine: Engine, root: Path, champion: Champion, kept: Path, table_folder: Path | None = None
) -> Asking:
    where = table_folder or root / "data/tables"
    return Asking.of(engine, where, champion, root / "params.yaml", kept)


def test_the_champion_is_asked_with_the_histories_that_the_pipeline_would_have_built(
    on_duckdb: Engine, root: Path, shop: Shop, champions: dict[str, Champion], tmp_path: Path
) -> None:
    answers = ask_about(WEEK_END, asking(on_duckdb, root, champions["repeats"], tmp_path))
    bought = shop.bought_in(CUT, WEEK_END)
    buyers = np.flatnonzero(~bought.is_cold())
    assert answers[columns.CUSTOMER].tolist() == buyers.tolist()
    models = fit_models(shop, CUT, root / "params.yaml", ("popularity", "repurchase"))
    known = shop.known_at(CUT).rows(buyers)
    own = models["repurchase"].recommend(known, 12).articles
    lists = np.stack(answers["articles"].tolist())
    assert (own >= 0).any()
    assert np.array_equal(lists[own >= 0], own[own >= 0])
    assert answers["is_cold"].tolist() == known.is_cold().tolist()
    for name, expected in (
        ("ap_at_12", lists),
        ("popularity_ap_at_12", models["popularity"].recommend(known, 12).articles),
    ):
        scores = score_customers(expected, bought.units[buyers])[AP]
        assert answers[name].tolist() == pytest.approx(scores.tolist())


def test_nothing_of_the_week_or_later_reaches_a_list(
    on_duckdb: Engine, root: Path, champions: dict[str, Champion], tmp_path: Path
) -> None:
    before = ask_about(WEEK_END, asking(on_duckdb, root, champions["repeats"], tmp_path / "before"))
    changed = copied(root, tmp_path)
    rows = tables.read_table(changed / "transactions.parquet", tables.TRANSACTIONS)
    is_future = pd.to_datetime(rows[columns.DAY]) >= pd.Timestamp(CUT)
    rows.loc[is_future, columns.ARTICLE] = (rows.loc[is_future, columns.ARTICLE] + 50) % 150
    rows = rows[pd.to_datetime(rows[columns.DAY]) < pd.Timestamp(WEEK_END)]
    rewrite(changed, rows)
    after = ask_about(
        WEEK_END, asking(on_duckdb, root, champions["repeats"], tmp_path / "after", changed)
    )
    for name in (columns.CUSTOMER, "is_cold", "repeat_share", "n_on_sale"):
        assert before[name].tolist() == after[name].tolist()
    assert np.array_equal(np.stack(before["articles"]), np.stack(after["articles"]))
    assert before["ap_at_12"].tolist() != after["ap_at_12"].tolist()


def test_a_champion_that_is_popularity_differs_from_popularity_by_nothing(
    on_duckdb: Engine, root: Path, champions: dict[str, Champion], tmp_path: Path
) -> None:
    row = measured(on_duckdb, root, champions["popular"], tmp_path)
    assert row["map_at_12"] == row["popularity_map_at_12"] > 0
    assert row["difference"] == row["low"] == row["high"] == 0


def measured(
    engine: Engine, root: Path, champion: Champion | None, kept: Path
) -> "pd.Series[float]":
    """Return the row about the week as the journal keeps it."""
    row = measure_performance(
        engine, root / "data/tables", WEEK_END, champion, root / "params.yaml", kept / "answers"
    )
    assert write_once(kept / "performance", WEEK_END, row, PERFORMANCE_SCHEMA)
    return read_all(kept / "performance", PERFORMANCE_SCHEMA).iloc[0]


def test_the_difference_is_the_mean_over_buyers_and_lies_in_its_interval(
    on_duckdb: Engine, root: Path, champions: dict[str, Champion], tmp_path: Path
) -> None:
    row = measured(on_duckdb, root, champions["repeats"], tmp_path)
    answers = ask_about(
        WEEK_END, asking(on_duckdb, root, champions["repeats"], tmp_path / "answers")
    )
    assert row["map_at_12"] == pytest.approx(answers["ap_at_12"].mean())
    assert row["difference"] == pytest.approx(row["map_at_12"] - row["popularity_map_at_12"])
    assert row["low"] < row["difference"] < row["high"]
    assert row["n_buyers"] == len(answers)
    assert (row["version"], row["version_cut"], row["note"]) == ("repeats", CUT, "")


def test_a_champion_that_has_seen_a_day_of_the_week_gets_no_number_but_a_note(
    on_duckdb: Engine, root: Path, champions: dict[str, Champion], tmp_path: Path
) -> None:
    version, storefront = champions["repeats"]
    later = {**version.tags, "cut": (CUT + timedelta(days=1)).isoformat()}
    row = measured(on_duckdb, root, (replace(version, tags=later), storefront), tmp_path)
    assert row["note"] == "the champion was fitted up to 2020-09-10 and has seen this week"
    assert row["version"] == "repeats"
    assert row[["n_buyers", "map_at_12", "popularity_map_at_12", "low", "high"]].isna().all()


def test_without_a_champion_there_is_a_note(on_duckdb: Engine, root: Path, tmp_path: Path) -> None:
    row = measured(on_duckdb, root, None, tmp_path)
    assert row["note"] == "there is no champion"
    assert row.drop(["week_end", "note"]).isna().all()


def test_of_many_buyers_an_even_draw_is_asked_the_same_one_every_time(
    on_duckdb: Engine, root: Path, champions: dict[str, Champion], tmp_path: Path
) -> None:
    everybody = ask_about(WEEK_END, asking(on_duckdb, root, champions["popular"], tmp_path / "all"))
    few = asking(on_duckdb, root, champions["popular"], tmp_path / "few")
    few = replace(few, params=few.params.model_copy(update={"max_buyers": 5}))
    drawn = ask_about(WEEK_END, few)
    assert len(drawn) == 5 < len(everybody)
    ap_by_customer = everybody.set_index(columns.CUSTOMER)["ap_at_12"]
    assert drawn["ap_at_12"].tolist() == ap_by_customer[drawn[columns.CUSTOMER]].tolist()
    shutil.rmtree(few.kept)
    pd.testing.assert_frame_equal(ask_about(WEEK_END, few), drawn)


def test_an_answer_is_asked_for_once_and_again_when_version_or_past_are_others(
    on_duckdb: Engine, root: Path, champions: dict[str, Champion], tmp_path: Path
) -> None:
    version, storefront = champions["popular"]
    first = asking(
        on_duckdb, root, (version, storefront), tmp_path / "kept", copied(root, tmp_path)
    )
    expected = ask_about(WEEK_END, first)["ap_at_12"].tolist()
    spoil_kept_answers(first)
    assert (ask_about(WEEK_END, first)["ap_at_12"] == -1).all()
    other = replace(version, tags={**version.tags, "models_hash": "trained anew"})
    second = replace(first, champion=(other, storefront))
    assert ask_about(WEEK_END, second)["ap_at_12"].tolist() == expected
    spoil_kept_answers(second)
    rows = tables.read_table(second.transactions, tables.TRANSACTIONS)
    is_past = pd.to_datetime(rows[columns.DAY]) < pd.Timestamp(CUT)
    rewrite(second.tables, rows.drop(rows.index[is_past][-1]))
    assert (ask_about(WEEK_END, second)["ap_at_12"] >= 0).all()


def spoil_kept_answers(asked: Asking) -> None:
    """Make the kept answers recognisable, so that reading them differs from asking."""
    (path,) = asked.kept.glob(f"*-{WEEK_END}.parquet")
    pd.read_parquet(path).assign(ap_at_12=-1.0).to_parquet(path)


def test_of_weeks_the_champion_has_seen_only_what_needs_no_shelf_is_told(
    on_duckdb: Engine, root: Path, champions: dict[str, Champion], tmp_path: Path
) -> None:
    summaries = summarise_recommendations(
        on_duckdb,
        root / "data/tables",
        [CUT, WEEK_END],
        champions["popular"],
        root / "params.yaml",
        tmp_path,
    )
    assert list(summaries.columns) == SUMMARIES.names
    told = {
        week_end: set(summaries.loc[summaries["week_end"] == week_end, "column"])
        for week_end in (CUT, WEEK_END)
    }
    about_the_shelf = {"repeat_share", "top_ten_share", "gini", "coverage"}
    assert told[WEEK_END] - told[CUT] == about_the_shelf
    assert {"product_group_name", "index_group_name", "stranger_share"} <= told[CUT]
    # Everybody is shown the same twelve articles.
    value = summaries[summaries["week_end"] == WEEK_END].set_index("column")["value"]
    assert value["top_ten_share"] == pytest.approx(10 / 12)
    assert value["product_group_name"].sum() == pytest.approx(1)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"popular-{CUT}.parquet",
        f"popular-{WEEK_END}.parquet",
    }
