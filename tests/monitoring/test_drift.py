"""A week in which nothing was planted is quiet; a planted change is seen in its own column."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from hemline import columns
from hemline.data.acquire.typed_tables import type_tables, write_tables
from hemline.data.synthetic.events import Event
from hemline.data.synthetic.shop import ShopSize, SyntheticParams, generate_shop
from hemline.errors import BadInput
from monitoring.drift import measure_drift
from monitoring.windows import CATEGORIES, NUMBERS, Windows, read_windows

AS_OF = date(2020, 9, 16)
SIZE = ShopSize(
    n_customers=4000, n_articles=1000, first_day=date(2020, 3, 1), last_day=date(2020, 9, 22)
)

# Evidently 0.7.23 reaches for names that numpy and litestar have moved.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def windows_with(folder: Path, *events: Event, max_rows: int = 100_000) -> Windows:
    folder.mkdir(exist_ok=True)
    shop = generate_shop(SyntheticParams(size=SIZE, seed=3, events=events))
    tables = type_tables(shop.articles, shop.customers, shop.transactions, keep_postal_code=False)
    write_tables(tables, folder)
    return read_windows(folder, as_of=AS_OF, current_days=7, reference_weeks=4, max_rows=max_rows)


def test_a_channel_shift_is_seen_in_the_channel_and_written_to_the_page(tmp_path: Path) -> None:
    planted = Event(kind="channel_shift", date=AS_OF, until=None, size="large")
    page = tmp_path / "reports" / "week.html"
    lines = measure_drift(windows_with(tmp_path / "tables", planted), threshold=0.1, page=page)
    assert lines["column"].iloc[0] == columns.CHANNEL
    assert lines["drifted"].iloc[0]
    assert set(lines["column"]) == {*NUMBERS, *CATEGORIES}
    assert columns.CHANNEL in page.read_text(encoding="utf-8")


def test_the_same_transactions_are_no_drift(tmp_path: Path) -> None:
    week = windows_with(tmp_path / "tables").current
    lines = measure_drift(Windows(week, week), threshold=0.1, page=tmp_path / "week.html")
    assert (lines["distance"] == 0).all()
    assert not lines["drifted"].any()


def test_windows_are_sampled_evenly_and_meet_at_the_cut(tmp_path: Path) -> None:
    everything = windows_with(tmp_path / "tables")
    sample = windows_with(tmp_path / "tables", max_rows=100)
    for name in ("current", "reference"):
        drawn, whole = getattr(sample, name), getattr(everything, name)
        assert 50 < len(drawn) <= 100 < len(whole)
        assert drawn[columns.PRICE].mean() == pytest.approx(whole[columns.PRICE].mean(), rel=0.2)
    assert not everything.current.isna().any(axis=None)


def test_a_span_without_transactions_is_refused(tmp_path: Path) -> None:
    windows_with(tmp_path / "tables")
    with pytest.raises(BadInput, match="2021-01-06"):
        read_windows(
            tmp_path / "tables",
            as_of=date(2021, 1, 6),
            current_days=7,
            reference_weeks=1,
            max_rows=10,
        )


def test_a_missing_attribute_is_a_category(tmp_path: Path) -> None:
    bands = windows_with(tmp_path / "tables").reference[columns.AGE_BAND]
    assert isinstance(bands, pd.Series)
    assert "unknown" in set(bands)
