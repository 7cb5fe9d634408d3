from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from hemline import columns, tables
from hemline.data import purchases as module
from hemline.data.purchases import latest_cut, select_purchases
from hemline.engine.engine import Engine
from hemline.errors import BadInput

NAMES = tables.TRANSACTIONS.names
TRANSACTIONS = pd.DataFrame(
    [
        (date(2020, 9, 15), 1, 4, 0.2, 2),
        (date(2020, 9, 15), 1, 4, 0.4, 1),
        (date(2020, 9, 16), 0, 3, 0.1, 1),
        (date(2020, 9, 23), 0, 2, 0.1, 1),
    ],
    columns=NAMES,
)


@pytest.fixture
def transactions(tmp_path: Path) -> Path:
    path = tmp_path / "transactions.parquet"
    tables.write_table(TRANSACTIONS, path, tables.TRANSACTIONS)
    return path


def test_rows_of_one_day_are_units_of_one_purchase(on_duckdb: Engine, transactions: Path) -> None:
    until = date(2020, 9, 16)
    purchases = select_purchases(on_duckdb, transactions, start=date(2020, 9, 1), end=until)
    whole = [columns.CUSTOMER, columns.ARTICLE, columns.UNITS, columns.CHANNEL]
    assert purchases[whole].to_numpy().tolist() == [[1, 4, 2, 1]]
    assert purchases[columns.PRICE].iloc[0] == pytest.approx((0.2 + 0.4) / 2)


def test_the_start_is_in_and_the_end_is_out(on_duckdb: Engine, transactions: Path) -> None:
    span = {"start": date(2020, 9, 16), "end": date(2020, 9, 23)}
    assert select_purchases(on_duckdb, transactions, **span)[columns.ARTICLE].tolist() == [3]


@pytest.mark.parametrize("year", [2019, 2021])
def test_a_span_outside_the_data_is_refused_with_the_span_of_the_data(
    on_duckdb: Engine, transactions: Path, year: int
) -> None:
    span = {"start": date(year, 1, 1), "end": date(year, 1, 8)}
    with pytest.raises(BadInput, match="2020-09-15 to 2020-09-23"):
        select_purchases(on_duckdb, transactions, **span)


def test_a_span_without_sales_inside_the_data_is_refused(
    on_duckdb: Engine, transactions: Path
) -> None:
    span = {"start": date(2020, 9, 18), "end": date(2020, 9, 20)}
    with pytest.raises(BadInput, match="2020-09-15 to 2020-09-23"):
        select_purchases(on_duckdb, transactions, **span)


def test_units_are_capped_at_what_their_type_holds(on_duckdb: Engine, tmp_path: Path) -> None:
    path = tmp_path / "transactions.parquet"
    many = TRANSACTIONS.iloc[[0] * 32_768]
    tables.write_table(many.reset_index(drop=True), path, tables.TRANSACTIONS)
    span = {"start": date(2020, 9, 1), "end": date(2020, 9, 30)}
    assert select_purchases(on_duckdb, path, **span)[columns.UNITS].tolist() == [32_767]


def with_units(*units: int) -> pa.Table:
    rows = pa.Table.from_pandas(TRANSACTIONS, tables.TRANSACTIONS, preserve_index=False)
    return rows.append_column(tables.UNITS_FIELD, pa.array(units, pa.int32()))


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pyspark leaves them open
@pytest.mark.parametrize("name", ["duckdb", "spark"])
def test_a_row_with_units_is_as_many_and_weighs_as_many_in_the_mean_price(
    request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    engine: Engine = request.getfixturevalue(f"on_{name}")
    rows, path = with_units(3, 1, 80_995, 2), tmp_path / "transactions.parquet"
    without = pa.array([0.2, 0.4, None, 0.1], pa.float32())
    tables.write_table(rows.set_column(3, columns.PRICE, without), path, rows.schema)
    span = {"start": date(2020, 9, 1), "end": date(2020, 9, 30)}
    purchases = select_purchases(engine, path, **span)
    assert purchases[columns.UNITS].tolist() == [3 + 1, 32_767, 2]
    assert purchases[columns.PRICE].tolist() == pytest.approx(
        [(3 * 0.2 + 1 * 0.4) / 4, np.nan, 0.1], nan_ok=True
    )


def test_units_of_one_are_the_rows_of_a_shop_without_units(
    on_duckdb: Engine, transactions: Path, tmp_path: Path
) -> None:
    path, span = tmp_path / "units.parquet", {"start": date(2020, 9, 1), "end": date(2020, 9, 30)}
    tables.write_table(with_units(1, 1, 1, 1), path, with_units(1, 1, 1, 1).schema)
    pd.testing.assert_frame_equal(
        select_purchases(on_duckdb, path, **span), select_purchases(on_duckdb, transactions, **span)
    )


def test_the_latest_cut_leaves_a_whole_test_week(on_duckdb: Engine, transactions: Path) -> None:
    assert latest_cut(on_duckdb, transactions, test_days=7) == date(2020, 9, 17)
    assert latest_cut(on_duckdb, transactions, test_days=1) == date(2020, 9, 23)


def drawn(n_rows: int) -> pd.DataFrame:
    """Return sales of 60 days; among so few customers and articles many are of several units."""
    rng = np.random.default_rng(1)
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(60, size=n_rows), unit="D")
    return pd.DataFrame(
        {
            columns.DAY: day.sort_values(),
            columns.CUSTOMER: rng.integers(9, size=n_rows).astype(np.int32),
            columns.ARTICLE: rng.integers(5, size=n_rows).astype(np.int32),
            columns.PRICE: rng.random(n_rows).astype(np.float32),
            columns.CHANNEL: rng.integers(1, 3, size=n_rows).astype(np.int8),
        }
    )


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pyspark leaves them open
@pytest.mark.parametrize("name", ["duckdb", "spark"])
@pytest.mark.parametrize("rows_at_a_time", [1_000_000, 700])
def test_both_engines_give_what_plain_sql_gives_in_one_span_or_in_several(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    rows_at_a_time: int,
) -> None:
    engine: Engine = request.getfixturevalue(f"on_{name}")
    monkeypatch.setattr(module, "_ROWS_AT_A_TIME", rows_at_a_time)
    path = tmp_path / "transactions.parquet"
    tables.write_table(drawn(3000), path, tables.TRANSACTIONS)
    start, end = date(2020, 1, 3), date(2020, 1, 3) + timedelta(days=40)
    expected = duckdb.sql(
        f"""select t_dat, customer, article, count(*)::smallint units, avg(price)::float price,
                   min(sales_channel_id) sales_channel_id
            from '{path}' where t_dat >= '{start}' and t_dat < '{end}'
            group by all order by all"""  # noqa: S608  (a path of this test)
    ).df()
    pd.testing.assert_frame_equal(select_purchases(engine, path, start=start, end=end), expected)
