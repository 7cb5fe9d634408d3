"""What the monitor reads of the tables is the same, to the last bit, on both engines."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hemline import columns
from hemline.data.acquire.typed_tables import type_tables, write_tables
from hemline.data.synthetic.shop import SyntheticParams, generate_shop
from hemline.data.synthetic.world import ShopSize
from hemline.engine.engine import Engine, EngineParams
from hemline.evaluation.fairness.aspects import sales_of_articles
from hemline.tables import ARTICLES, CUSTOMERS, PURCHASES, TRANSACTIONS, read_table, write_table
from monitoring.completeness import FreshDataParams, check_completeness
from monitoring.monitor_params import MonitorParams
from monitoring.signals import ALL
from monitoring.summary_cache import cached_summaries
from monitoring.transactions import sample_transactions
from monitoring.week_data import read_week
from monitoring.week_signals import signals_of
from monitoring.week_validation import check_week

PARAMS_YAML = Path("params.yaml")
WEEK_END = date(2020, 9, 2)
WEEK = timedelta(weeks=1)
PARAMS = MonitorParams.load(PARAMS_YAML).model_copy(
    update={"history_weeks": 4, "reference_weeks": 2, "replicates": 10}
)
SIZE = ShopSize(
    n_customers=300,
    n_articles=80,
    first_day=WEEK_END - 6 * WEEK,
    last_day=WEEK_END - timedelta(days=1),
)


@pytest.fixture(scope="module")
def tables(on_duckdb: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop some of whose rows lack a price, a channel, their article or their customer."""
    folder = tmp_path_factory.mktemp("tables")
    shop = generate_shop(SyntheticParams(size=SIZE, seed=3, events=()))
    frames = shop.articles, shop.customers, shop.transactions
    write_tables(on_duckdb, type_tables(on_duckdb, *frames, keep_postal_code=False), folder)
    for name, schema in (("articles", ARTICLES), ("customers", CUSTOMERS)):
        known = read_table(folder / f"{name}.parquet", schema).iloc[:-5]
        write_table(known, folder / f"{name}.parquet", schema)
    rows = read_table(folder / "transactions.parquet", TRANSACTIONS)
    rows[columns.CHANNEL] = rows[columns.CHANNEL].astype("Int8")
    for step, (name, broken) in enumerate(
        [(columns.PRICE, np.nan), (columns.PRICE, -0.5), (columns.CHANNEL, pd.NA)]
    ):
        rows.loc[rows.index[step::97], name] = broken
    write_table(rows, folder / "transactions.parquet", TRANSACTIONS)
    return folder


def test_a_week_is_read_alike(on_duckdb: Engine, on_spark: Engine, tables: Path) -> None:
    week, other = (read_week(engine, tables, WEEK_END, PARAMS) for engine in (on_duckdb, on_spark))
    assert week.has_prices
    assert week.lines["log_change"].notna().any()
    pd.testing.assert_frame_equal(week.lines, other.lines, check_exact=True)
    pd.testing.assert_frame_equal(week.attributes, other.attributes)
    assert week.customers.tolist() == other.customers.tolist()
    for name, coded in week.articles.items():
        assert coded.codes.tolist() == other.articles[name].codes.tolist()
        assert coded.names.tolist() == other.articles[name].names.tolist()
    assert week.past is not None
    assert (week.past != other.past).nnz == 0 < week.past.nnz


def test_a_free_article_is_in_no_mean_price_and_is_not_new(
    on_duckdb: Engine, tables: Path, tmp_path: Path
) -> None:
    before = read_week(on_duckdb, tables, WEEK_END, PARAMS)
    known = before.lines[~before.lines["is_new"]]
    gift = known[columns.ARTICLE].mode()[0]
    shutil.copytree(tables, tmp_path / "tables")
    rows = read_table(tmp_path / "tables" / "transactions.parquet", TRANSACTIONS)
    rows.loc[rows[columns.ARTICLE] == gift, columns.PRICE] = 0.0
    write_table(rows, tmp_path / "tables" / "transactions.parquet", TRANSACTIONS)
    week = read_week(on_duckdb, tmp_path / "tables", WEEK_END, PARAMS)
    is_gift = week.lines[columns.ARTICLE] == gift
    assert is_gift.any()
    assert week.lines.loc[is_gift, ["log_price", "log_change"]].isna().all(axis=None)
    assert not week.lines.loc[is_gift, "is_new"].any()
    assert np.isfinite(week.lines["log_price"][~is_gift]).sum() > 0
    assert week.lines["log_change"].abs().max() < np.log(10)
    signals = {(signal.column, signal.segment): signal for signal in signals_of(week, PARAMS)}
    levels = signals["price_level", ALL]
    assert levels.categories[-1] == "no price"
    assert np.isfinite(levels.measured.toarray()).all()


def test_what_one_engine_has_summarised_the_other_reads_from_the_cache(
    on_duckdb: Engine, on_spark: Engine, tables: Path, tmp_path: Path
) -> None:
    first = cached_summaries(on_duckdb, tables, tmp_path, WEEK_END, PARAMS)
    stamps = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    pd.testing.assert_frame_equal(
        first, cached_summaries(on_spark, tables, tmp_path, WEEK_END, PARAMS), check_exact=True
    )
    assert stamps == {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(stamps) == 6


def test_the_same_transactions_are_drawn(on_duckdb: Engine, on_spark: Engine, tables: Path) -> None:
    spans = [(WEEK_END - 4 * WEEK, WEEK_END - 3 * WEEK), (WEEK_END - WEEK, WEEK_END)]
    drawn, other = (
        sample_transactions(engine, tables, spans, max_rows=100) for engine in (on_duckdb, on_spark)
    )
    assert 50 < len(drawn) <= 100
    pd.testing.assert_frame_equal(drawn, other, check_exact=True)


def test_the_same_days_are_missing(on_duckdb: Engine, on_spark: Engine, tables: Path) -> None:
    fresh, path = FreshDataParams.load(PARAMS_YAML), tables / "transactions.parquet"
    late = WEEK_END + timedelta(days=2)
    seen, other = (
        check_completeness(engine, path, late, fresh) for engine in (on_duckdb, on_spark)
    )
    assert seen == other
    assert seen.missing == (WEEK_END, WEEK_END + timedelta(days=1))


def test_articles_have_sold_alike(on_duckdb: Engine, on_spark: Engine, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    n, path = 500, tmp_path / "purchases.parquet"
    purchases = pd.DataFrame({name: np.ones(n) for name in PURCHASES.names}).assign(
        article=rng.integers(0, 9, n),
        price=rng.random(n),
        t_dat=[WEEK_END - timedelta(days=int(back)) for back in rng.integers(1, 90, n)],
    )
    write_table(purchases, path, PURCHASES)
    sales, other = (
        sales_of_articles(engine, path, cut=WEEK_END, recent_days=28, n_articles=10)
        for engine in (on_duckdb, on_spark)
    )
    pd.testing.assert_frame_equal(sales, other, check_exact=True)
    by_article = purchases.astype({columns.PRICE: np.float32}).groupby(columns.ARTICLE)
    assert sales[columns.PRICE][:9].tolist() == pytest.approx(
        by_article[columns.PRICE].mean().tolist(), rel=1e-6
    )


@pytest.mark.usefixtures("on_spark")  # its session is joined
def test_a_week_cut_out_by_spark_breaks_the_same_rules(tables: Path, tmp_path: Path) -> None:
    from hemline.data.expectations.thresholds import ValidateParams  # noqa: PLC0415  (slow)

    rules = ValidateParams.load(PARAMS_YAML)
    params = EngineParams.load(PARAMS_YAML).model_copy(update={"spill": tmp_path / "spill"})
    findings, other = (
        check_week(
            params.model_copy(update={"name": name}), tables, WEEK_END, rules, tmp_path / name
        )
        for name in ("duckdb", "spark")
    )
    counts, others = (
        [(one.rule.rule, one.passed, one.n_checked, one.n_unexpected) for one in side]
        for side in (findings, other)
    )
    assert counts == others
    assert sum(not one.passed for one in findings) > 2
