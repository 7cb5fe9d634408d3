from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hemline import tables
from hemline.data.acquire.feedback_events import read_events, with_feedback
from hemline.data.acquire.kaggle_files import find_sources
from hemline.data.acquire.typed_tables import Tables, read_tables, write_tables
from hemline.engine.engine import Engine, EngineParams
from hemline.errors import BadInput
from hemline.stages import acquire as stage

VEST, BLUE_VEST, TOP = "0108775015", "0108775044", "0110065001"
ANNA, BEN = "customer:" + "0" * 64, "customer:" + "a" * 64
DAY = date(2020, 9, 23)
DUCKDB = EngineParams.load(Path("params.yaml"))


def events(*rows: tuple[str, str, str], units: int = 1, price: float | None = 0.02) -> pa.Table:
    """Events of kind, visitor and article, on one day each from DAY."""
    return pa.Table.from_pylist(
        [
            {
                "sequence": place,
                "t_dat": DAY + timedelta(days=place),
                "at": datetime(2026, 1, 1, tzinfo=UTC),
                "kind": kind,
                "visitor": visitor,
                "article_id": article,
                "units": units,
                "price": price,
                "context": "{}",
            }
            for place, (kind, visitor, article) in enumerate(rows)
        ],
        tables.EVENTS,
    )


def acquired(engine: Engine, kaggle: Path, told: pa.Table | None) -> Tables:
    sources = find_sources(kaggle, keep_postal_code=False)
    return with_feedback(engine, read_tables(engine, sources), told)


def sold(engine: Engine, kaggle: Path, told: pa.Table | None) -> pd.DataFrame:
    """The transactions as they are written."""
    folder = kaggle.with_name("tables")
    write_tables(engine, acquired(engine, kaggle, told), folder)
    return tables.read_table(folder / "transactions.parquet", tables.TRANSACTIONS)


@pytest.mark.parametrize("engine", ["on_duckdb", "on_spark"])
def test_a_purchase_is_a_transaction_and_a_return_takes_the_latest_away(
    request: pytest.FixtureRequest, kaggle: Path, engine: str
) -> None:
    opened: Engine = request.getfixturevalue(engine)
    before = sold(opened, kaggle, None)
    told = events(
        ("purchase", ANNA, VEST), ("purchase", ANNA, VEST), ("return", ANNA, VEST),
        ("return", BEN, TOP), ("view", ANNA, TOP), ("impression", BEN, VEST),
    )  # fmt: skip
    after = sold(opened, kaggle, told)
    own = (before["customer"] == 1) & (before["article"] == 2)
    latest = before[own]["t_dat"].max()
    gone = before[own & (before["t_dat"] == latest)].head(1)
    bought = pd.DataFrame(
        {"t_dat": [pd.Timestamp(DAY)], "customer": [0], "article": [0], "price": [0.02],
         "sales_channel_id": [2]}
    ).astype(before.dtypes)  # fmt: skip
    expected = pd.concat([before.drop(gone.index), bought])
    order = ["t_dat", "customer", "article", "sales_channel_id", "price"]
    pd.testing.assert_frame_equal(
        after, expected.sort_values(order).reset_index(drop=True), check_exact=True
    )
    pd.testing.assert_frame_equal(after, sold(opened, kaggle, told), check_exact=True)  # once


def test_units_are_rows_and_a_missing_price_is_the_articles_mean(
    on_duckdb: Engine, kaggle: Path
) -> None:
    before = sold(on_duckdb, kaggle, None)
    after = sold(on_duckdb, kaggle, events(("purchase", ANNA, VEST), units=3, price=None))
    new = after[after["t_dat"] == pd.Timestamp(DAY)]
    assert len(new) == len(after) - len(before) == 3
    mean = before[before["article"] == 0]["price"].astype(float).mean()
    assert new["price"].tolist() == pytest.approx([mean] * 3)


def test_of_an_article_that_nobody_bought_the_price_is_the_mean_of_all(
    on_duckdb: Engine, kaggle: Path
) -> None:
    path = kaggle / "transactions_train.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if VEST not in line))
    before = sold(on_duckdb, kaggle, None)
    after = sold(on_duckdb, kaggle, events(("purchase", ANNA, VEST), price=None))
    assert after["price"].iloc[-1] == pytest.approx(before["price"].astype(float).mean())


def test_what_guests_and_unknown_customers_do_is_left_out(
    on_duckdb: Engine, kaggle: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told = events(
        ("purchase", "guest:12345678", VEST), ("purchase", "customer:zoe", VEST),
        ("purchase", ANNA, "0000000000"), ("view", ANNA, TOP),
    )  # fmt: skip
    caplog.set_level("INFO")
    pd.testing.assert_frame_equal(
        sold(on_duckdb, kaggle, told), sold(on_duckdb, kaggle, None), check_exact=True
    )
    assert "3 of 4 events are of guests or unknown" in caplog.text


def test_more_is_never_returned_than_was_bought(on_duckdb: Engine, kaggle: Path) -> None:
    before = sold(on_duckdb, kaggle, None)
    after = sold(on_duckdb, kaggle, events(("return", ANNA, TOP), units=50))
    is_own = (before["customer"] == 0) & (before["article"] == 2)
    assert is_own.any()
    pd.testing.assert_frame_equal(after, before[~is_own].reset_index(drop=True), check_exact=True)


def test_where_rows_have_units_a_return_takes_its_units_off_the_latest(
    on_duckdb: Engine, kaggle: Path, tmp_path: Path
) -> None:
    read = acquired(on_duckdb, kaggle, None)
    rows = on_duckdb.to_arrow(read.transactions.sort(*tables.TRANSACTIONS.names))
    rows = rows.append_column(tables.UNITS_FIELD, pa.array([3] * len(rows), pa.int32()))
    changed = with_feedback(
        on_duckdb,
        replace(read, transactions=on_duckdb.from_arrow(rows)),
        events(("return", ANNA, TOP), ("purchase", BEN, TOP), units=4),
    )
    write_tables(on_duckdb, changed, tmp_path)
    schema = tables.transactions_schema(["units"])
    after = tables.read_table(tmp_path / "transactions.parquet", schema)
    before = rows.to_pandas()
    own = before[(before["customer"] == 0) & (before["article"] == 2)]
    assert after["units"].sum() == 3 * len(rows) - min(4, 3 * len(own)) + 4
    assert after["units"].max() == 3
    assert after["units"].isin([1, 2, 3]).all()


def test_an_unlike_holds_from_its_first_day_until_it_is_undone(
    on_duckdb: Engine, kaggle: Path
) -> None:
    told = events(
        ("unlike", BEN, VEST), ("unlike", ANNA, TOP), ("undo", BEN, VEST), ("unlike", ANNA, VEST),
        ("unlike", BEN, BLUE_VEST), ("undo", BEN, BLUE_VEST), ("unlike", BEN, BLUE_VEST),
        ("unlike", ANNA, TOP), ("undo", ANNA, BLUE_VEST),
    )  # fmt: skip
    unlikes = acquired(on_duckdb, kaggle, told).unlikes
    assert unlikes.schema.equals(tables.UNLIKES)
    assert unlikes.to_pydict() == {
        "t_dat": [date(2020, 9, day) for day in (23, 24, 26, 27, 29)],
        "customer": [1, 0, 0, 1, 1],
        "article": [0, 2, 0, 1, 1],
        "undone": [date(2020, 9, 25), None, None, date(2020, 9, 28), None],
    }


def test_an_unlike_undone_on_its_day_never_was(on_duckdb: Engine, kaggle: Path) -> None:
    told = events(("unlike", BEN, VEST), ("undo", BEN, VEST))
    told = told.set_column(1, "t_dat", pa.array([date(2020, 9, 23)] * 2))
    assert acquired(on_duckdb, kaggle, told).unlikes.num_rows == 0


def test_files_are_read_in_order_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    for name, event in (("2020-09-24", "unlike"), ("2020-09-23", "purchase")):
        pq.write_table(events((event, ANNA, VEST)), tmp_path / f"{name}.parquet")
    assert read_events(tmp_path)["kind"].to_pylist() == ["purchase", "unlike"]
    assert len(read_events(tmp_path / "none")) == 0
    (tmp_path / "2020-09-25.parquet").write_bytes(b"damaged")
    with pytest.raises(BadInput, match=r"2020-09-25\.parquet is a day of events"):
        read_events(tmp_path)


def test_the_stage_counts_a_posted_purchase_once(kaggle: Path, tmp_path: Path) -> None:
    spill = DUCKDB.model_copy(update={"spill": tmp_path / "spill"})
    params = tmp_path / "params.yaml"
    params.write_text(
        "acquire: {source: kaggle, keep_postal_code: false, feedback: true}\n"
        f"engine: {spill.model_dump_json()}\n"
    )
    feedback = tmp_path / "feedback"
    rows: list[int] = []
    for name in ("before", "once", "again"):
        stage.main(params, kaggle, tmp_path / name, feedback)
        rows.append(pq.read_metadata(tmp_path / name / "transactions.parquet").num_rows)
        if name == "before":
            feedback.mkdir()
            pq.write_table(events(("purchase", ANNA, VEST)), feedback / f"{DAY}.parquet")
    assert rows == [rows[0], rows[0] + 1, rows[0] + 1]
    once, again = (tmp_path / name / "transactions.parquet" for name in ("once", "again"))
    assert once.read_bytes() == again.read_bytes()
