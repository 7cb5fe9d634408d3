"""Every buyer counts once, noise is that of the buyers, and the cache follows the rows."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from hemline import columns
from hemline.data.acquire.typed_tables import type_tables, write_tables
from hemline.data.synthetic.planted_events import Event
from hemline.data.synthetic.shop import SyntheticParams, generate_shop
from hemline.data.synthetic.world import ShopSize
from hemline.engine.engine import Engine
from hemline.errors import BadInput
from hemline.tables import (
    TRANSACTIONS,
    read_table,
    transactions_schema,
    write_table,
)
from monitoring.monitor_params import MonitorParams
from monitoring.summaries import draw_weights, summarise_week
from monitoring.summary_cache import cached_summaries
from monitoring.verdicts import judge_week

WEEK_END = date(2020, 9, 23)
WEEK = timedelta(weeks=1)
PARAMS = MonitorParams.load(Path("params.yaml")).model_copy(
    update={"history_weeks": 20, "replicates": 40, "min_buyers": 20}
)
SIZE = ShopSize(
    n_customers=6000, n_articles=500, first_day=date(2020, 4, 22), last_day=date(2020, 9, 22)
)


def make_tables(engine: Engine, folder: Path, *events: Event) -> Path:
    shop = generate_shop(SyntheticParams(size=SIZE, seed=3, events=events))
    frames = shop.articles, shop.customers, shop.transactions
    folder.mkdir()
    write_tables(engine, type_tables(engine, *frames, keep_postal_code=False), folder)
    return folder


@pytest.fixture(scope="module")
def tables(on_duckdb: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tables(on_duckdb, tmp_path_factory.mktemp("shop") / "tables")


@pytest.fixture(scope="module")
def summaries(on_duckdb: Engine, tables: Path) -> pd.DataFrame:
    return summarise_week(on_duckdb, tables, WEEK_END, PARAMS)


def transactions_of(tables: Path, week_end: date) -> pd.DataFrame:
    rows = read_table(tables / "transactions.parquet", TRANSACTIONS)
    days = pd.to_datetime(rows[columns.DAY])
    return rows[(days >= pd.Timestamp(week_end - WEEK)) & (days < pd.Timestamp(week_end))]


def value(summaries: pd.DataFrame, about: str, column: str, category: str = "") -> float:
    is_it = (summaries["about"] == about) & (summaries["column"] == column)
    is_it &= (summaries["segment"] == "all") & (summaries["category"] == category)
    return float(summaries.loc[is_it, "value"].item())


def test_a_buyer_counts_once_however_much_is_bought(tables: Path, summaries: pd.DataFrame) -> None:
    week = transactions_of(tables, WEEK_END)
    in_store = (week[columns.CHANNEL] == 1).groupby(week[columns.CUSTOMER]).mean()
    assert value(summaries, "transactions", columns.CHANNEL, "1") == pytest.approx(in_store.mean())
    assert value(summaries, "shop", "volume") == len(week)
    assert value(summaries, "shop", "buyers") == week[columns.CUSTOMER].nunique()


def test_shares_add_up_to_one(summaries: pd.DataFrame) -> None:
    shares = summaries[summaries["category"] != ""]
    totals = shares.groupby(["about", "column", "segment"])["value"].sum()
    assert totals.to_numpy() == pytest.approx(1)


def test_replicates_scatter_as_buyers_do(tables: Path, summaries: pd.DataFrame) -> None:
    week = transactions_of(tables, WEEK_END)
    in_store = (week[columns.CHANNEL] == 1).groupby(week[columns.CUSTOMER]).mean()
    is_it = (summaries["column"] == columns.CHANNEL) & (summaries["category"] == "1")
    drawn = summaries.loc[is_it & (summaries["segment"] == "all"), "replicates"].item()
    assert len(drawn) == PARAMS.replicates
    assert np.std(drawn) == pytest.approx(in_store.std() / len(in_store) ** 0.5, rel=0.35)


def test_a_price_rise_is_read_like_for_like(
    on_duckdb: Engine, tables: Path, tmp_path: Path
) -> None:
    rise = Event(kind="price_change", date=WEEK_END - WEEK, until=None, size="medium")
    risen = make_tables(on_duckdb, tmp_path / "tables", rise)
    before, after = (
        value(summarise_week(on_duckdb, folder, WEEK_END, PARAMS), "transactions", columns.PRICE)
        for folder in (tables, risen)
    )
    assert after - before == pytest.approx(np.log(1.15), abs=0.01)


def test_a_new_taste_breaks_the_habits(on_duckdb: Engine, tables: Path, tmp_path: Path) -> None:
    shift = Event(kind="taste_shift", date=WEEK_END - WEEK, until=None, size="large")
    shifted = make_tables(on_duckdb, tmp_path / "tables", shift)
    before, after = (habit(on_duckdb, folder) for folder in (tables, shifted))
    assert before[0] > before[1]
    assert after[0] < before[0] - 3 * before[1]


def habit(engine: Engine, tables: Path) -> tuple[float, float]:
    """Return the strength of the taste habit and its standard error."""
    summaries = summarise_week(engine, tables, WEEK_END, PARAMS)
    row = summaries[(summaries["about"] == "habits") & (summaries["column"] == "taste")]
    return row["value"].item(), float(np.std(row["replicates"].item()))


def test_units_in_a_column_are_the_same_week_as_units_in_rows(
    on_duckdb: Engine, tables: Path, summaries: pd.DataFrame, tmp_path: Path
) -> None:
    shutil.copytree(tables, tmp_path / "tables")
    rows = pq.read_table(tables / "transactions.parquet")
    lines = rows.group_by(rows.column_names).aggregate([([], "count_all")])
    lines = lines.rename_columns([*rows.column_names, columns.UNITS])
    assert len(lines) < len(rows)
    schema = transactions_schema(lines.column_names)
    write_table(lines, tmp_path / "tables" / "transactions.parquet", schema)
    of_lines = summarise_week(on_duckdb, tmp_path / "tables", WEEK_END, PARAMS)
    pd.testing.assert_frame_equal(of_lines, summaries, rtol=1e-6)


def test_without_enough_past_habits_are_silent(on_duckdb: Engine, tables: Path) -> None:
    early = summarise_week(on_duckdb, tables, WEEK_END - 2 * WEEK, PARAMS)
    assert "habits" not in set(early["about"])
    assert "transactions" in set(early["about"])


def test_the_same_week_gives_the_same_numbers(
    on_duckdb: Engine, tables: Path, summaries: pd.DataFrame
) -> None:
    pd.testing.assert_frame_equal(summaries, summarise_week(on_duckdb, tables, WEEK_END, PARAMS))


def test_an_empty_week_is_refused(on_duckdb: Engine, tables: Path) -> None:
    with pytest.raises(BadInput, match="2021-01-06"):
        summarise_week(on_duckdb, tables, date(2021, 1, 6), PARAMS)


def test_a_past_week_without_sales_is_a_gap_and_not_the_end(
    on_duckdb: Engine, tables: Path, tmp_path: Path
) -> None:
    for name in ("articles", "customers"):
        (tmp_path / f"{name}.parquet").write_bytes((tables / f"{name}.parquet").read_bytes())
    rows = read_table(tables / "transactions.parquet", TRANSACTIONS)
    day = pd.to_datetime(rows[columns.DAY])
    closed = (day >= "2020-05-13") & (day < "2020-05-20")
    write_table(rows[~closed], tmp_path / "transactions.parquet", TRANSACTIONS)
    params = PARAMS.model_copy(update={"history_weeks": 2, "reference_weeks": 2})
    until = date(2020, 6, 24)
    summaries = cached_summaries(on_duckdb, tmp_path, tmp_path / "summaries", until, params)
    assert date(2020, 5, 20) not in set(summaries["week_end"])
    assert summaries["week_end"].nunique() == 8
    assert not judge_week(summaries, until, params).empty


def test_the_first_of_the_weights_is_the_week_as_it_was() -> None:
    weights = draw_weights(500, 60, np.random.default_rng(1))
    assert (weights[:, 0] == 1).all()
    assert weights[:, 1:].mean() == pytest.approx(1, abs=0.05)
    assert weights[:, 1:].var() == pytest.approx(1, abs=0.1)


def test_cached_weeks_are_made_again_only_where_rows_changed(
    on_duckdb: Engine, tables: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "changed"
    folder.mkdir()
    for name in ("articles", "customers", "transactions"):
        (folder / f"{name}.parquet").write_bytes((tables / f"{name}.parquet").read_bytes())
    cache = tmp_path / "summaries"
    params = PARAMS.model_copy(update={"history_weeks": 2, "reference_weeks": 2})
    first = cached_summaries(on_duckdb, folder, cache, date(2020, 6, 24), params)
    stamps = {path.name: path.stat().st_mtime_ns for path in cache.iterdir()}
    assert len(stamps) == first["week_end"].nunique() == 9
    rows = read_table(folder / "transactions.parquet", TRANSACTIONS)
    write_table(rows.iloc[:-1], folder / "transactions.parquet", TRANSACTIONS)
    later = cached_summaries(on_duckdb, folder, cache, date(2020, 6, 24), params)
    pd.testing.assert_frame_equal(first, later)
    assert stamps == {path.name: path.stat().st_mtime_ns for path in cache.iterdir()}
    changed = rows.copy()
    is_old = pd.to_datetime(changed[columns.DAY]) == pd.Timestamp("2020-06-20")
    changed.loc[is_old, columns.CHANNEL] = 2
    write_table(changed, folder / "transactions.parquet", TRANSACTIONS)
    cached_summaries(on_duckdb, folder, cache, date(2020, 6, 24), params)
    touched = {p.name for p in cache.iterdir() if p.stat().st_mtime_ns != stamps[p.name]}
    assert touched == {"2020-06-24.parquet"}
