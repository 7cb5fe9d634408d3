"""The champion's lists for a complete week come from what was known before it, and nothing else."""

import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hemline import columns, tables
from hemline.data.guest_sales import select_guests
from hemline.data.purchases import select_purchases
from hemline.data.split import DataParams
from hemline.engine.engine import Engine
from hemline.evaluation.protocol import AP, score_customers
from hemline.models.popularity import Popularity, PopularityParams
from hemline.models.repurchase_hazard import RepurchaseHazard
from hemline.registry.versions import Version
from hemline.segments.attributes import customer_attributes
from hemline.segments.kmodes import fit_clusters
from hemline.serving.version_files import VersionFiles
from hemline.storefront import Storefront
from hemline.training.model_fitting import fit_models
from hemline.training.training_shop import Shop
from monitoring.champion_lists import Champion, ChampionLists
from monitoring.monitor_params import MonitorParams
from monitoring.performance import measure_performance
from monitoring.popular_lists import popular_at
from monitoring.recommendations import summarise_recommendations
from monitoring.records import PERFORMANCE_SCHEMA, read_all, write_once
from monitoring.summaries import SUMMARIES
from tests.tiny_project import change_params
from tests.tiny_shop import write_tiny_shop

WEEK_END = date(2020, 9, 16)
DAY = timedelta(days=1)
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
        assert isinstance(model, Popularity | RepurchaseHazard | type(clusters))
        model.save(root / "models" / name)
    warm = {"repeats": ["repurchase", "popularity"], "popular": ["popularity"]}
    return {name: version_of(root, name, order) for name, order in warm.items()}


def version_of(root: Path, name: str, warm: list[str]) -> Champion:
    own = root / "versions" / name
    own.mkdir(parents=True)
    shutil.copy(root / "params.yaml", own / "params.yaml")
    served = {"warm": warm, "cold": ["popularity"], "per_product": 0}
    change_params(own, {("serve", key): value for key, value in served.items()})
    files = VersionFiles(
        models=root / "models",
        articles=root / "data/tables/articles.parquet",
        customer_keys=root / "data/tables/customer_keys.parquet",
        segments=root / "data/segments/segments.parquet",
        histories=root / "not read",
        params=own / "params.yaml",
    )
    tags = {"cut": CUT.isoformat(), "models_hash": f"models of {name}"}
    return Version(name, "run", tags), Storefront(files)


def copied(root: Path, folder: Path) -> Path:
    return Path(shutil.copytree(root / "data/tables", folder / "tables"))


def rewrite(table_folder: Path, transactions: pd.DataFrame) -> None:
    path = table_folder / "transactions.parquet"
    tables.write_table(transactions, path, tables.TRANSACTIONS)


def lists_of(
    engine: Engine, root: Path, champion: Champion, cache: Path, table_folder: Path | None = None
) -> ChampionLists:
    where = table_folder or root / "data/tables"
    return ChampionLists.of(engine, where, champion, root / "params.yaml", cache)


def test_the_champion_gets_the_histories_that_the_pipeline_would_have_built(
    on_duckdb: Engine, root: Path, shop: Shop, champions: dict[str, Champion], tmp_path: Path
) -> None:
    lists_made = lists_of(on_duckdb, root, champions["repeats"], tmp_path).for_week(WEEK_END)
    bought = shop.bought_in(CUT, WEEK_END)
    buyers = np.flatnonzero(~bought.is_cold())
    assert lists_made[columns.CUSTOMER].tolist() == buyers.tolist()
    models = fit_models(shop, CUT, root / "params.yaml", ("popularity", "repurchase"))
    known = shop.known_at(CUT).rows(buyers)
    own = models["repurchase"].recommend(known, 12).articles
    lists = np.stack(lists_made["articles"].tolist())
    assert (own >= 0).any()
    assert np.array_equal(lists[own >= 0], own[own >= 0])
    assert lists_made["is_cold"].tolist() == known.is_cold().tolist()
    for name, expected in (
        ("ap_at_12", lists),
        ("popularity_ap_at_12", models["popularity"].recommend(known, 12).articles),
    ):
        scores = score_customers(expected, bought.units[buyers])[AP]
        assert lists_made[name].tolist() == pytest.approx(scores.tolist())


def test_the_champion_lists_nothing_that_was_unliked_before_the_week(
    on_duckdb: Engine, root: Path, champions: dict[str, Champion], tmp_path: Path
) -> None:
    cache, changed = tmp_path / "cache", copied(root, tmp_path)
    before = lists_of(on_duckdb, root, champions["repeats"], cache).for_week(WEEK_END)
    first = [articles[0] for articles in before["articles"]]
    for day, is_known in ((CUT - timedelta(days=1), True), (CUT, False)):
        unlikes = pd.DataFrame(
            [(day, *pair, None) for pair in zip(before[columns.CUSTOMER], first, strict=True)],
            columns=tables.UNLIKES.names,
        )
        tables.write_table(unlikes, changed / "unlikes.parquet", tables.UNLIKES)
        lists = lists_of(on_duckdb, root, champions["repeats"], cache, changed).for_week(WEEK_END)
        pairs = zip(lists["articles"], first, strict=True)
        assert any(one in listed for listed, one in pairs) != is_known


def test_nothing_of_the_week_or_later_reaches_a_list(
    on_duckdb: Engine, root: Path, champions: dict[str, Champion], tmp_path: Path
) -> None:
    before = lists_of(on_duckdb, root, champions["repeats"], tmp_path / "before").for_week(WEEK_END)
    changed = copied(root, tmp_path)
    rows = tables.read_table(changed / "transactions.parquet", tables.TRANSACTIONS)
    is_future = pd.to_datetime(rows[columns.DAY]) >= pd.Timestamp(CUT)
    rows.loc[is_future, columns.ARTICLE] = (rows.loc[is_future, columns.ARTICLE] + 50) % 150
    rows = rows[pd.to_datetime(rows[columns.DAY]) < pd.Timestamp(WEEK_END)]
    rewrite(changed, rows)
    made = lists_of(on_duckdb, root, champions["repeats"], tmp_path / "after", changed)
    after = made.for_week(WEEK_END)
    for name in (columns.CUSTOMER, "is_cold", "repeat_share", "n_on_sale"):
        assert before[name].tolist() == after[name].tolist()
    assert np.array_equal(np.stack(before["articles"]), np.stack(after["articles"]))
    assert before["ap_at_12"].tolist() != after["ap_at_12"].tolist()


def test_popularity_counts_the_baskets_of_guests_as_in_training(
    on_duckdb: Engine, root: Path, shop: Shop, champions: dict[str, Champion], tmp_path: Path
) -> None:
    changed, yesterday = copied(root, tmp_path), CUT - timedelta(days=1)
    unsold = int(np.setdiff1d(np.arange(150), shop.purchases_before(CUT)[columns.ARTICLE])[0])
    baskets = pd.DataFrame({columns.BASKET: np.arange(500), columns.ARTICLE: unsold})
    later = baskets.assign(**{columns.ARTICLE: 0, columns.DAY: CUT})
    rows = pd.concat([baskets.assign(**{columns.DAY: yesterday}), later])
    rows = rows.assign(**{columns.UNITS: 1, columns.PRICE: 1.0, columns.CHANNEL: 1})
    tables.write_table(rows, changed / "guest_sales.parquet", tables.GUEST_SALES)
    made = lists_of(on_duckdb, root, champions["repeats"], tmp_path / "lists", changed)
    lists_made = made.for_week(WEEK_END)
    span = {"start": date(2019, 1, 1), "end": date(2021, 1, 1)}
    guests = select_guests(on_duckdb, changed / "guest_sales.parquet", **span)
    (trained,) = fit_models(
        replace(shop, guests=guests), CUT, root / "params.yaml", ["popularity"]
    ).values()
    buyers = lists_made[columns.CUSTOMER].to_numpy()
    lists = trained.recommend(shop.known_at(CUT).rows(buyers), 12).articles
    assert lists[0, 0] == unsold, "more baskets than anything has buyers"
    scores = score_customers(lists, shop.bought_in(CUT, WEEK_END).units[buyers])[AP]
    assert lists_made["popularity_ap_at_12"].tolist() == pytest.approx(scores.tolist())
    alone = lists_of(on_duckdb, root, champions["repeats"], tmp_path / "alone").for_week(WEEK_END)
    assert lists_made["n_on_sale"].iloc[0] == alone["n_on_sale"].iloc[0] + 1


def test_after_a_closure_popularity_counts_back_from_the_last_guest_too(
    on_duckdb: Engine, root: Path, tmp_path: Path
) -> None:
    changed, closed = copied(root, tmp_path), CUT - timedelta(weeks=6)
    rows = tables.read_table(changed / "transactions.parquet", tables.TRANSACTIONS)
    day = pd.to_datetime(rows[columns.DAY])
    rewrite(changed, rows[~day.between(pd.Timestamp(closed), pd.Timestamp(CUT - timedelta(1)))])
    last = closed + timedelta(days=3)
    guest = {columns.BASKET: 1, columns.ARTICLE: 3, columns.UNITS: 1, columns.PRICE: 1.0}
    sales = pd.DataFrame([{columns.DAY: last, columns.CHANNEL: 1, **guest}])
    tables.write_table(sales, changed / "guest_sales.parquet", tables.GUEST_SALES)
    params = PopularityParams.load(root / "params.yaml")
    start = last + timedelta(days=1) - timedelta(days=params.window_days)
    counted = rows.loc[(day >= pd.Timestamp(start)) & (day < pd.Timestamp(closed)), columns.ARTICLE]
    popular = popular_at(on_duckdb, changed, CUT, 150, params)
    assert popular.n_on_sale == len({*counted, 3})


def test_units_in_a_column_give_the_lists_that_units_in_rows_give(
    on_duckdb: Engine, root: Path, champions: dict[str, Champion], tmp_path: Path
) -> None:
    made = lists_of(on_duckdb, root, champions["repeats"], tmp_path / "rows")
    changed = copied(root, tmp_path)
    rows = tables.read_table(made.transactions, tables.TRANSACTIONS)
    key = [columns.DAY, columns.CUSTOMER, columns.ARTICLE]
    rows = pd.concat([rows, rows[pd.to_datetime(rows[columns.DAY]) < pd.Timestamp(CUT)]])
    rows = rows.sort_values(key, kind="stable", ignore_index=True)
    rewrite(changed, rows)
    in_rows = lists_of(on_duckdb, root, champions["repeats"], tmp_path / "rows", changed)
    n_rows = rows.groupby(key)[columns.PRICE].transform("size")
    lines = rows.assign(**{columns.UNITS: n_rows}).drop_duplicates(key)
    path, schema = changed / "lines", tables.transactions_schema([columns.UNITS])
    shutil.copytree(changed, path)
    tables.write_table(lines, path / "transactions.parquet", schema)
    in_lines = lists_of(on_duckdb, root, champions["repeats"], tmp_path / "lines", path)
    pd.testing.assert_frame_equal(in_lines.for_week(WEEK_END), in_rows.for_week(WEEK_END))
    (stored, again) = (next(one.cache.glob("*.parquet")) for one in (in_rows, in_lines))
    assert pq.read_schema(stored).metadata == pq.read_schema(again).metadata, "the same histories"


def test_how_far_histories_reach_back_depends_on_the_week_and_not_on_the_cut_of_params(
    on_duckdb: Engine, root: Path, champions: dict[str, Champion], tmp_path: Path
) -> None:
    made = lists_of(on_duckdb, root, champions["repeats"], tmp_path / "before")
    later = made.data.model_copy(update={"cut": CUT + timedelta(days=3650)})
    moved = replace(made, data=later, cache=tmp_path / "after")
    pd.testing.assert_frame_equal(moved.for_week(WEEK_END), made.for_week(WEEK_END))


def test_a_champion_that_is_popularity_differs_from_popularity_by_nothing(
    on_duckdb: Engine, root: Path, champions: dict[str, Champion], tmp_path: Path
) -> None:
    row = measured(on_duckdb, root, champions["popular"], tmp_path)
    assert row["map_at_12"] == row["popularity_map_at_12"] > 0
    assert row["difference"] == 0
    assert row["low"] < 0 < row["high"]


def measured(
    engine: Engine, root: Path, champion: Champion | None, folder: Path
) -> "pd.Series[float]":
    """Return the row about the week as it is recorded."""
    made = champion and lists_of(engine, root, champion, folder / "lists")
    row = measure_performance(WEEK_END, made)
    assert write_once(folder / "performance", WEEK_END, row, PERFORMANCE_SCHEMA)
    return read_all(folder / "performance", PERFORMANCE_SCHEMA).iloc[0]


def test_the_difference_is_the_mean_over_buyers_and_lies_in_its_interval(
    on_duckdb: Engine, root: Path, champions: dict[str, Champion], tmp_path: Path
) -> None:
    row = measured(on_duckdb, root, champions["repeats"], tmp_path)
    made = lists_of(on_duckdb, root, champions["repeats"], tmp_path / "lists")
    lists_made = made.for_week(WEEK_END)
    assert row["map_at_12"] == pytest.approx(lists_made["ap_at_12"].mean())
    assert row["difference"] == pytest.approx(row["map_at_12"] - row["popularity_map_at_12"])
    assert row["low"] < row["difference"] < row["high"]
    assert row["n_buyers"] == len(lists_made)
    assert (row["version"], row["version_cut"]) == ("repeats", CUT)
    assert row["n_buyers"] < 50
    assert row["note"] == "inconclusive: fewer than 50 customers"


def test_a_champion_that_has_seen_a_day_of_the_week_gets_no_number_but_a_note(
    on_duckdb: Engine, root: Path, champions: dict[str, Champion], tmp_path: Path
) -> None:
    version, storefront = champions["repeats"]
    later = {**version.tags, "cut": (CUT + timedelta(days=1)).isoformat()}
    row = measured(on_duckdb, root, (replace(version, tags=later), storefront), tmp_path)
    assert row["note"] == "the champion was trained on days of this week (its cut is 2020-09-10)"
    assert row["version"] == "repeats"
    assert row[["n_buyers", "map_at_12", "popularity_map_at_12", "low", "high"]].isna().all()


def test_without_a_champion_there_is_a_note(on_duckdb: Engine, root: Path, tmp_path: Path) -> None:
    row = measured(on_duckdb, root, None, tmp_path)
    assert row["note"] == "there is no champion"
    assert row.drop(["week_end", "note"]).isna().all()


def test_of_many_buyers_a_sample_gets_lists_the_same_one_every_time(
    on_duckdb: Engine, root: Path, champions: dict[str, Champion], tmp_path: Path
) -> None:
    everybody = lists_of(on_duckdb, root, champions["popular"], tmp_path / "all").for_week(WEEK_END)
    few = lists_of(on_duckdb, root, champions["popular"], tmp_path / "few")
    few = replace(few, params=few.params.model_copy(update={"max_buyers": 5}))
    drawn = few.for_week(WEEK_END)
    assert len(drawn) == 5 < len(everybody)
    ap_by_customer = everybody.set_index(columns.CUSTOMER)["ap_at_12"]
    assert drawn["ap_at_12"].tolist() == ap_by_customer[drawn[columns.CUSTOMER]].tolist()
    shutil.rmtree(few.cache)
    pd.testing.assert_frame_equal(few.for_week(WEEK_END), drawn)


def test_lists_are_made_once_and_again_when_the_version_or_the_past_changes(
    on_duckdb: Engine, root: Path, champions: dict[str, Champion], tmp_path: Path
) -> None:
    version, storefront = champions["popular"]
    first = lists_of(
        on_duckdb, root, (version, storefront), tmp_path / "cache", copied(root, tmp_path)
    )
    expected = first.for_week(WEEK_END)["ap_at_12"].tolist()
    spoil_cache(first)
    assert (first.for_week(WEEK_END)["ap_at_12"] == -1).all()
    other = replace(version, tags={**version.tags, "models_hash": "trained anew"})
    second = replace(first, champion=(other, storefront))
    assert second.for_week(WEEK_END)["ap_at_12"].tolist() == expected
    spoil_cache(second)
    rows = tables.read_table(second.transactions, tables.TRANSACTIONS)
    day = pd.to_datetime(rows[columns.DAY])
    is_past, of_week = day < pd.Timestamp(CUT), day.between(str(CUT), str(WEEK_END - DAY))
    of_buyer = rows[columns.CUSTOMER].isin(rows.loc[of_week, columns.CUSTOMER])
    rewrite(second.tables, rows.drop(rows.index[is_past & of_buyer][-1]))
    assert (second.for_week(WEEK_END)["ap_at_12"] >= 0).all()


def spoil_cache(lists: ChampionLists) -> None:
    """Make the cached lists recognisable, so that reading them differs from making them."""
    (path,) = lists.cache.glob(f"*-{WEEK_END}.parquet")
    lists_made = tables.read_table(path, pq.read_schema(path)).assign(ap_at_12=-1.0)
    pq.write_table(pa.Table.from_pandas(lists_made, pq.read_schema(path)), path)


def test_weeks_the_champion_has_seen_lack_what_depends_on_its_offered_articles(
    on_duckdb: Engine, root: Path, champions: dict[str, Champion], tmp_path: Path
) -> None:
    made = lists_of(on_duckdb, root, champions["popular"], tmp_path)
    params = MonitorParams.load(root / "params.yaml")
    summaries = summarise_recommendations([CUT, WEEK_END], made, params)
    assert list(summaries.columns) == SUMMARIES.names
    columns_of = {
        week_end: set(summaries.loc[summaries["week_end"] == week_end, "column"])
        for week_end in (CUT, WEEK_END)
    }
    of_offered = {"repeat_share", "top_ten_share", "gini", "coverage"}
    assert columns_of[WEEK_END] - columns_of[CUT] == of_offered
    assert {"product_group_name", "index_group_name", "stranger_share"} <= columns_of[CUT]
    # Everybody is shown the same twelve articles.
    value = summaries[summaries["week_end"] == WEEK_END].set_index("column")["value"]
    assert value["top_ten_share"] == pytest.approx(10 / 12)
    assert value["product_group_name"].sum() == pytest.approx(1)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"popular-{CUT}.parquet",
        f"popular-{WEEK_END}.parquet",
    }


def test_after_a_lockdown_popularity_is_that_of_the_weeks_before_it(
    on_duckdb: Engine, root: Path, champions: dict[str, Champion], tmp_path: Path
) -> None:
    changed, closed = copied(root, tmp_path), CUT - timedelta(weeks=6)
    rows = tables.read_table(changed / "transactions.parquet", tables.TRANSACTIONS)
    day = pd.to_datetime(rows[columns.DAY])
    rewrite(changed, rows[~day.between(pd.Timestamp(closed), pd.Timestamp(CUT - timedelta(1)))])
    made = lists_of(on_duckdb, root, champions["popular"], tmp_path / "lists", changed)
    last = rows.loc[day < pd.Timestamp(closed), columns.DAY].max() + pd.Timedelta(days=1)
    start = last - pd.Timedelta(days=made.popularity.window_days)
    on_sale = rows.loc[(day >= start) & (day < pd.Timestamp(closed)), columns.ARTICLE].nunique()
    lists_made = made.for_week(WEEK_END)
    assert lists_made["n_on_sale"].unique().tolist() == [on_sale]
    assert lists_made["popularity_ap_at_12"].sum() > 0
