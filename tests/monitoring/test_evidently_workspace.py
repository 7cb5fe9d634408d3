"""A planted change is seen in its own column; a week reported twice is in the workspace once."""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from litestar.testing import TestClient

from hemline import columns
from hemline.data.acquire.typed_tables import type_tables, write_tables
from hemline.data.synthetic.planted_events import Event
from hemline.data.synthetic.shop import SyntheticParams, generate_shop
from hemline.data.synthetic.world import ShopSize
from hemline.engine.engine import Engine
from hemline.errors import BadInput
from monitoring.column_names import ColumnNames
from monitoring.evidently_panels import PROJECT
from monitoring.evidently_server import evidently_app
from monitoring.evidently_workspace import add_to_workspace, plain_preset, run_id, run_path
from monitoring.monitor_params import MonitorParams
from monitoring.summaries import summarise_week
from monitoring.transactions import CATEGORIES, NUMBERS, sample_transactions
from tests.gift_shop import write_gift_tables
from tests.tiny_project import REPOSITORY, TINY, change_params

if TYPE_CHECKING:
    from litestar import Litestar

WEEK_END = date(2020, 9, 23)
WEEK = timedelta(weeks=1)
SIZE = ShopSize(
    n_customers=4000, n_articles=1000, first_day=date(2020, 3, 1), last_day=date(2020, 9, 22)
)

# Evidently 0.7.23 reaches for names that numpy and litestar have moved.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def shifted(on_duckdb: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of a shop whose customers change their channel in the last week."""
    planted = Event(kind="channel_shift", date=WEEK_END - WEEK, until=None, size="large")
    shop = generate_shop(SyntheticParams(size=SIZE, seed=3, events=(planted,)))
    folder = tmp_path_factory.mktemp("tables")
    frames = shop.articles, shop.customers, shop.transactions
    write_tables(on_duckdb, type_tables(on_duckdb, *frames, keep_postal_code=False), folder)
    return folder


def week_and_reference(
    on_duckdb: Engine, tables: Path, max_rows: int = 100_000
) -> tuple[pd.DataFrame, pd.DataFrame]:
    current = sample_transactions(
        on_duckdb, tables, [(WEEK_END - WEEK, WEEK_END)], max_rows=max_rows
    )
    before = [(WEEK_END - weeks * WEEK, WEEK_END - (weeks - 1) * WEEK) for weeks in (3, 4, 5)]
    return current, sample_transactions(on_duckdb, tables, before, max_rows=max_rows)


def report(
    root: Path, week_end: date, current: pd.DataFrame, reference: pd.DataFrame
) -> pd.DataFrame:
    return add_to_workspace(
        root / "evidently",
        week_end,
        current,
        {"recent weeks": reference},
        threshold=0.1,
        owner="recommendations",
        page=root / "pages" / "evidently.html",
    )


def small(n: int, online: float, seed: int = 0) -> pd.DataFrame:
    """Transactions of which nothing but the share bought online differs."""
    rng = np.random.default_rng(seed)
    texts = {name: ["same"] * n for name in CATEGORIES}
    channel = np.where(rng.random(n) < online, "2", "1")
    return pd.DataFrame({columns.PRICE: np.linspace(0, 1, n)} | texts | {columns.CHANNEL: channel})


def test_a_name_cannot_end_the_script_of_evidentlys_page(tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script>"
    current = small(60, 0.5).assign(**dict.fromkeys(CATEGORIES[1:], evil))
    report(tmp_path, WEEK_END, current, current)
    page = (tmp_path / "pages" / "evidently.html").read_text(encoding="utf-8")
    assert "alert(1)" in page
    assert "<script>alert(1)" not in page


def test_a_name_is_drawn_as_it_is_and_no_link_for_plotly(tmp_path: Path) -> None:
    evil = '<a href="http://e.example">c</a> H&M \u202e'
    current = small(60, 0.5).assign(**dict.fromkeys(CATEGORIES[1:], evil))
    report(tmp_path, WEEK_END, current, current)
    page = (tmp_path / "pages" / "evidently.html").read_text(encoding="utf-8")
    written = json.dumps('&lt;a href="http://e.example"&gt;c&lt;/a&gt; H&amp;M \\u202e')
    assert written[1:-1] in page
    assert "c</a> H" not in page.replace("\\u003c", "<")


def test_a_channel_shift_is_seen_in_the_channel_and_written_to_the_page(
    on_duckdb: Engine, shifted: Path, tmp_path: Path
) -> None:
    lines = report(tmp_path, WEEK_END, *week_and_reference(on_duckdb, shifted))
    assert lines["column"].iloc[0] == columns.CHANNEL
    assert lines["drifted"].iloc[0]
    assert set(lines["column"]) == {*NUMBERS, *CATEGORIES}
    page = tmp_path / "pages" / "evidently.html"
    assert columns.CHANNEL in page.read_text(encoding="utf-8")


def test_the_same_transactions_are_no_drift(tmp_path: Path) -> None:
    lines = report(tmp_path, WEEK_END, small(50, 0.5), small(50, 0.5))
    assert (lines["distance"] == 0).all()
    assert not lines["drifted"].any()


def test_a_week_reported_twice_is_in_the_workspace_once_as_reported_last(
    tmp_path: Path,
) -> None:
    for week_end, online in ((WEEK_END - WEEK, 0.5), (WEEK_END, 0.5), (WEEK_END, 0.9)):
        report(tmp_path, week_end, small(200, online), small(200, 0.5, seed=1))
    runs = tmp_path / "evidently" / str(PROJECT) / "snapshots"
    ids = {str(run_id(week_end, "recent weeks")) for week_end in (WEEK_END - WEEK, WEEK_END)}
    assert {run.stem for run in runs.iterdir()} == ids
    assert str(run_id(WEEK_END, "recent weeks")) in run_path(WEEK_END, "recent weeks")
    latest = json.loads((runs / f"{run_id(WEEK_END, 'recent weeks')}.json").read_text("utf-8"))
    shares = [
        value["share"]["value"] for value in latest["metric_results"].values() if "share" in value
    ]
    assert shares == [pytest.approx(1 / len({*NUMBERS, *CATEGORIES}))]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_evidently_reads_the_workspace_and_finds_a_series_behind_every_panel(
    tmp_path: Path,
) -> None:
    from evidently.ui.workspace import Workspace  # noqa: PLC0415  (slow)

    current, reference = small(100, 0.5), small(100, 0.6, seed=1)
    add_to_workspace(
        tmp_path / "evidently",
        WEEK_END,
        current,
        {"recent weeks": reference, "last year": reference},
        threshold=0.1,
        owner="recommendations",
        page=tmp_path / "evidently.html",
    )
    workspace = Workspace(str(tmp_path / "evidently"))
    (project,) = workspace.list_projects()
    assert "Owner: recommendations" in str(project.description)
    runs = [workspace.get_run(project.id, run) for run in workspace.list_runs(project.id)]
    results = [(run, metric) for run in runs if run for metric in run.metric_results.values()]
    panels = workspace.get_dashboard(project.id).panels
    assert len(panels) == 2 * 3
    drawn = [one for panel in panels for one in panel.values]  # noqa: PD011  (no frame)
    assert len(drawn) == 2 * (1 + len({*NUMBERS, *CATEGORIES}))
    for metric in drawn:
        assert any(
            set(metric.tags) <= set(run.tags) and shows(result, metric.metric, metric.metric_labels)
            for run, result in results
        ), metric


@pytest.mark.parametrize("name", ["evidently", "s*p ? #1 [x] a::b \u00e4"])
def test_evidentlys_server_shows_the_workspace_of_a_folder_of_any_name(
    name: str, tmp_path: Path
) -> None:
    root = tmp_path / name
    root.mkdir()
    report(root, WEEK_END, small(60, 0.5), small(60, 0.5))
    with TestClient(cast("Litestar", evidently_app(root / "evidently"))) as client:
        [project] = client.get("/api/v2/projects").json()
        runs = client.get(f"/api/projects/{PROJECT}/reports").json()
    assert project["id"] == str(PROJECT)
    assert [run["id"] for run in runs] == [str(run_id(WEEK_END, "recent weeks"))]
    assert sorted(path.name for path in root.iterdir()) == ["evidently", "pages"]


def shows(result: object, kind: str, labels: dict[str, str]) -> bool:
    """Return whether a result holds a value that a panel of this kind and labels would draw."""
    parts = [getattr(result, name, None) for name in ("count", "share")]
    values = [part for part in parts if hasattr(part, "metric_value_location")] or [result]
    for value in values:
        location = value.metric_value_location  # type: ignore[union-attr]
        params = location.metric.params
        known = {name: str(param) for name, param in params.items()} | location.param
        if params["type"] == kind and labels.items() <= known.items():
            return True
    return False


def test_a_sample_is_even_over_all_of_its_spans(on_duckdb: Engine, shifted: Path) -> None:
    everything, sample = (
        week_and_reference(on_duckdb, shifted),
        week_and_reference(on_duckdb, shifted, max_rows=100),
    )
    for drawn, whole in zip(sample, everything, strict=True):
        assert 50 < len(drawn) <= 100 < len(whole)
        assert drawn[columns.PRICE].mean() == pytest.approx(whole[columns.PRICE].mean(), rel=0.2)
        assert not whole.isna().any(axis=None)
    assert "unknown" in set(everything[1][columns.AGE_BAND])


def test_a_sample_has_the_shops_own_texts_of_articles_and_customers(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    shutil.copy(REPOSITORY / "params.yaml", tmp_path)
    change_params(tmp_path, {**TINY, ("engine", "spill"): str(tmp_path / "spill")})
    write_gift_tables(tmp_path / "params.yaml", tmp_path / "tables", has_attributes=True)
    spans = [(date(2020, 9, 2), date(2020, 9, 16))]
    sample = sample_transactions(on_duckdb, tmp_path / "tables", spans, max_rows=1000)
    assert list(sample) == ["price", "Range (shop)", "Country"]
    assert set(sample["Country"]) == {"France", "United Kingdom"}


def test_an_attribute_of_both_articles_and_customers_is_two_columns(
    on_duckdb: Engine, tmp_path: Path
) -> None:
    shutil.copy(REPOSITORY / "params.yaml", tmp_path)
    change_params(tmp_path, {**TINY, ("engine", "spill"): str(tmp_path / "spill")})
    write_gift_tables(tmp_path / "params.yaml", tmp_path / "tables", has_attributes=True)
    articles = tmp_path / "tables" / "articles.parquet"
    rows = pq.read_table(articles)
    names = [{"Range (shop)": "Country"}.get(name, name) for name in rows.column_names]
    pq.write_table(rows.rename_columns(names), articles)
    week_end = date(2020, 9, 16)
    sample = sample_transactions(
        on_duckdb, tmp_path / "tables", [(date(2020, 9, 2), week_end)], max_rows=1000
    )
    assert list(sample) == ["price", "Country", "Country of customers"]
    params = MonitorParams.load(tmp_path / "params.yaml")
    summaries = summarise_week(on_duckdb, tmp_path / "tables", week_end, params)
    shares = summaries[summaries["about"] == "transactions"].groupby("column")["value"].sum()
    assert shares["Country"] == pytest.approx(1)
    assert shares["Country of customers"] == pytest.approx(1)


def test_a_report_calls_columns_as_the_shop_does(tmp_path: Path) -> None:
    current, reference = small(300, 0.9), small(300, 0.5, seed=1)
    lines = add_to_workspace(
        tmp_path / "evidently",
        WEEK_END,
        current,
        {"recent weeks": reference},
        threshold=0.1,
        owner="team",
        page=tmp_path / "page.html",
        names=ColumnNames({columns.CHANNEL: "Till"}),
    )
    assert "Till" in set(lines["column"])
    assert columns.CHANNEL not in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_spans_are_read_and_nothing_between_them(on_duckdb: Engine, shifted: Path) -> None:
    spans = [(WEEK_END - 3 * WEEK, WEEK_END - 2 * WEEK), (WEEK_END - WEEK, WEEK_END)]
    parts = [
        len(sample_transactions(on_duckdb, shifted, [span], max_rows=100_000)) for span in spans
    ]
    assert len(sample_transactions(on_duckdb, shifted, spans, max_rows=100_000)) == sum(parts)


def test_a_span_without_transactions_is_refused(on_duckdb: Engine, shifted: Path) -> None:
    with pytest.raises(BadInput, match="2021-01-06"):
        sample_transactions(
            on_duckdb, shifted, [(date(2021, 1, 6), date(2021, 1, 13))], max_rows=10
        )


def test_the_plain_preset_reports_a_shift_and_not_the_same_transactions() -> None:
    assert plain_preset(small(2000, 0.9), small(2000, 0.5, seed=1)).columns == (columns.CHANNEL,)
    assert plain_preset(small(500, 0.5), small(500, 0.5)).columns == ()
