import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from hemline import columns
from hemline.cli import app
from hemline.errors import BadInput
from hemline.experiments.value_forecast import (
    NO_CLUSTER,
    ClusterValue,
    HeldOutPeriod,
    ValueForecast,
    forecast_value,
)
from hemline.experiments.value_report import as_value_page, write_value
from hemline.tables import CUSTOMER_KEYS, SEGMENTS, TRANSACTIONS, write_table
from tests.experiments.test_customer_value import TRUE_SPEND, TRUE_VISITS, generated
from tests.tiny_project import REPOSITORY

WEEKS = 8
FIRST = date(2020, 1, 6)
END = FIRST + timedelta(weeks=60)
N = 3000
IDS = pd.Series([f"id {number}" for number in range(N)])
CLUSTERS = pd.Series(np.arange(N - 50) % 3)  # the last 50 customers are in none


@pytest.fixture(scope="module")
def lived() -> pd.DataFrame:
    """The visits of 68 weeks, of which a forecast knows 60; cluster 0 spends thrice as much."""
    visits = generated(N, TRUE_VISITS, TRUE_SPEND, 60 + WEEKS, seed=5)
    rich = (visits[columns.CUSTOMER] % 3 == 0) & (visits[columns.CUSTOMER] < N - 50)
    return visits.assign(spend=visits["spend"] * np.where(rich, 3.0, 1.0))


@pytest.fixture(scope="module")
def visits(lived: pd.DataFrame) -> pd.DataFrame:
    return lived[lived[columns.DAY] < np.datetime64(END)]


@pytest.fixture(scope="module")
def found(visits: pd.DataFrame) -> ValueForecast:
    return forecast_value(visits, CLUSTERS, END, WEEKS)


def test_errors_are_in_units_of_the_observed_mean() -> None:
    names = np.array(["cluster 0"] * 2, object)
    period = HeldOutPeriod(END, names, np.array([1.0, 5.0]), np.array([2.0, 2.0]), 3.0)
    assert period.errors(period.predicted) == pytest.approx(
        ((1 + 3) / 2 / 2, np.sqrt((1 + 9) / 2) / 2, 3 / 2)
    )
    assert period.errors(period.naive) == pytest.approx((1 / 2, 1 / 2, 3 / 2))


def test_an_interval_is_students_and_no_spend_is_below_zero() -> None:
    value = ClusterValue("cluster 0", 10, 20.0, 1.0, 0.1, 4)
    assert value.interval == pytest.approx((20 - 2.776 * 2, 20 + 2.776 * 2), abs=1e-2)
    wide = ClusterValue("cluster 0", 10, 20.0, 1.0, 0.5, 4)
    assert wide.interval == pytest.approx((0.0, 20 + 2.776 * 10), abs=1e-2)
    assert ClusterValue("cluster 0", 10, 20.0, 1.0, None, 2).interval is None


def test_clusters_are_worth_what_they_spend_later(
    found: ValueForecast, lived: pd.DataFrame
) -> None:
    assert next(each.cluster for each in found.clusters) == "cluster 0"
    assert {each.cluster for each in found.clusters} == {
        "cluster 0", "cluster 1", "cluster 2", NO_CLUSTER,
    }  # fmt: skip
    assert sum(each.share for each in found.clusters) == pytest.approx(1.0)
    assert sum(each.n_customers for each in found.clusters) == N
    means = {each.cluster: each.mean for each in found.clusters}
    assert means["cluster 0"] / means["cluster 1"] == pytest.approx(3.0, rel=0.25)
    later = lived[lived[columns.DAY] >= np.datetime64(END)]
    observed = later.groupby(columns.CUSTOMER)["spend"].sum().reindex(range(N), fill_value=0.0)
    assert found.total.mean == pytest.approx(observed.mean(), rel=0.1)
    for each in found.clusters[:3]:
        mine = observed[CLUSTERS[each.cluster == ("cluster " + CLUSTERS.astype(str))].index]
        assert each.interval is not None
        assert each.interval[0] <= mine.mean() <= each.interval[1]


def test_held_out_weeks_are_predicted_better_than_by_the_naive_mean(found: ValueForecast) -> None:
    assert [each.start for each in found.held_out] == [
        END - timedelta(weeks=WEEKS * back) for back in (1, 2, 3, 4)
    ]
    latest = found.held_out[0]
    model, naive = (latest.errors(each) for each in (latest.predicted, latest.naive))
    assert model[0] < 0.9 * naive[0]
    assert model[1] < naive[1]
    assert model[2] == pytest.approx(1.0, abs=0.15)
    assert sum(each.n_customers for each in found.tenths) == len(latest.observed)


def test_a_season_that_predictions_missed_is_in_the_interval(
    found: ValueForecast, visits: pd.DataFrame
) -> None:
    late = visits[columns.DAY] >= np.datetime64(END - timedelta(weeks=WEEKS))
    doubled = visits.assign(spend=visits["spend"] * np.where(late, 2.0, 1.0))
    missed = forecast_value(doubled, CLUSTERS, END, WEEKS)
    latest, total = missed.held_out[0], missed.total
    usual = found.held_out[0].errors(found.held_out[0].predicted)[2]
    assert latest.errors(latest.predicted)[2] == pytest.approx(usual / 2)
    assert total.error is not None
    assert found.total.error is not None
    assert total.error == pytest.approx(1 / np.sqrt(4), abs=0.1)  # off by all in one of four
    assert found.total.error < 0.15


def test_two_earlier_periods_give_no_interval_and_the_page_says_so(visits: pd.DataFrame) -> None:
    short = visits[visits[columns.DAY] >= np.datetime64(END - timedelta(weeks=WEEKS * 4))]
    found = forecast_value(short, CLUSTERS, END, WEEKS)
    assert len(found.held_out) == 2
    assert found.total.interval is None
    assert "There is no interval: it needs 3 earlier periods" in as_value_page(found, {})


def test_a_short_history_and_missing_prices_are_refused(visits: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match="at least 63 weeks") as refused:
        forecast_value(visits, CLUSTERS, END, 21)
    assert "--weeks 20" in str(refused.value)
    forecast_value(visits, CLUSTERS, END, 20)
    with pytest.raises(BadInput, match="transactions have prices"):
        forecast_value(visits.assign(spend=0.0), CLUSTERS, END, WEEKS)
    with pytest.raises(BadInput, match="at least 100 customers"):
        forecast_value(visits[visits[columns.CUSTOMER] < 50], CLUSTERS, END, WEEKS)
    gap = visits[visits[columns.DAY] < np.datetime64(END - timedelta(weeks=WEEKS))]
    with pytest.raises(BadInput, match="bought in the last 8 weeks"):
        forecast_value(gap, CLUSTERS, END, WEEKS)


def test_the_same_values_give_the_same_files(found: ValueForecast, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_value(found, tmp_path / name, IDS, {})
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == [f"customer_value.{kind}" for kind in ("json", "md", "parquet", "png")]
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.fixture
def project(visits: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(REPOSITORY / "dvc.yaml", tmp_path)
    sold = visits.rename(columns={"spend": columns.PRICE})
    sold = sold.assign(**{columns.ARTICLE: 0, columns.CHANNEL: 2})
    sold[columns.DAY] = sold[columns.DAY].dt.date
    write_table(sold, tmp_path / "data/tables/transactions.parquet", TRANSACTIONS)
    segments = {columns.CUSTOMER: CLUSTERS.index, columns.CLUSTER: CLUSTERS, columns.AGE_BAND: 0}
    write_table(pd.DataFrame(segments), tmp_path / "data/segments/segments.parquet", SEGMENTS)
    keys = {columns.CUSTOMER: range(N), columns.CUSTOMER_ID: IDS}
    write_table(pd.DataFrame(keys), tmp_path / "data/tables/customer_keys.parquet", CUSTOMER_KEYS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def hemline_value(*options: str) -> Result:
    return CliRunner().invoke(app, ["value", *options])


def test_the_command_writes_page_numbers_and_picture(project: Path) -> None:
    done = hemline_value("--weeks", str(WEEKS))
    assert done.exit_code == 0, done.output
    assert "3,000 customers are expected to spend" in done.stdout
    assert "the naive mean" in done.stdout
    page = (project / "reports/customer_value.md").read_text(encoding="utf-8")
    assert f"in the 8 weeks from {END} on" in page
    assert (project / "reports/customer_value.png").read_bytes().startswith(b"\x89PNG")
    numbers = json.loads((project / "reports/customer_value.json").read_text(encoding="utf-8"))
    assert [each["cluster"] for each in numbers["clusters"]][-1] == "all"
    assert sum(each["share"] for each in numbers["clusters"][:-1]) == pytest.approx(1.0)
    for each in numbers["clusters"]:
        low, high = each["interval"]
        assert low < each["mean"] < high
        assert f"| {each['cluster']} | {each['customers']:,} | {each['mean']:.4g} |" in page


def test_each_customer_has_its_expected_visits_and_spend(project: Path) -> None:
    assert hemline_value("--weeks", str(WEEKS)).exit_code == 0
    rows = pd.read_parquet(project / "reports/customer_value.parquet")
    assert list(rows) == ["customer_id", "cluster", "expected_visits", "expected_spend"]
    assert rows["customer_id"].tolist() == IDS.tolist()
    numbers = json.loads((project / "reports/customer_value.json").read_text(encoding="utf-8"))
    means = rows.groupby("cluster")["expected_spend"].mean()
    for each in numbers["clusters"][:-1]:
        assert means[each["cluster"]] == pytest.approx(each["mean"])
    assert rows["expected_visits"].between(0, 7 * WEEKS).all()
    assert rows["cluster"].tolist()[-1] == NO_CLUSTER


def test_the_clusters_are_described_beside_what_they_are_worth(project: Path) -> None:
    assert hemline_value("--weeks", str(WEEKS)).exit_code == 0
    page = project / "reports/customer_value.md"
    assert "profiles.json` is not there" in page.read_text(encoding="utf-8")
    words = ["club_member ACTIVE (92%, all customers 90%)", "*young*", "old"]
    profiles = [{"cluster": number, "in_words": text} for number, text in enumerate(words)]
    (project / "data/segments/profiles.json").write_text(json.dumps(profiles), encoding="utf-8")
    assert hemline_value("--weeks", str(WEEKS)).exit_code == 0
    text = page.read_text(encoding="utf-8")
    numbers = json.loads((project / "reports/customer_value.json").read_text(encoding="utf-8"))
    first = numbers["clusters"][0]
    assert first["cluster"] == "cluster 0"
    assert (
        f"- **cluster 0** ({first['customers']:,} customers, {first['mean']:.4g} each, "
        f"{first['share']:.1%} of all spend): club_member ACTIVE (92%, all customers 90%)"
    ) in text
    assert r"\*young\*" in text
    assert "**no cluster**" in text


def test_what_cannot_be_predicted_is_refused_in_words(project: Path) -> None:
    long = hemline_value("--weeks", "30")
    assert long.exit_code != 0
    assert "at least 90 weeks" in " ".join(long.stderr.split())
    (project / "data/segments/segments.parquet").unlink()
    assert "segments.parquet" in hemline_value("--weeks", "8").stderr
    (project / "data/tables/transactions.parquet").unlink()
    assert "history" in hemline_value().stderr
    assert not (project / "reports").exists()
