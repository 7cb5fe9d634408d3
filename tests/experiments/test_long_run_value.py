import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from hemline import columns
from hemline.cli import app
from hemline.errors import BadInput
from hemline.experiments.buying_records import buying_records
from hemline.experiments.customer_value import fit_customer_value
from hemline.experiments.experiment_files import (
    Experiment,
    add_step,
    experiments_folder,
    plan_experiment,
)
from hemline.experiments.secondary_metrics import SecondaryMetric
from hemline.shop.arm_values import arm_value_of
from hemline.shop.event_log import CUSTOMER, GUEST, EventLog, ShopEvent
from hemline.shop.session_stores import open_log
from hemline.shop.shop_clock import ShopClock
from hemline.tables import CUSTOMER_KEYS, SEGMENTS, TRANSACTIONS, write_table
from tests.experiments.test_customer_value import TRUE_SPEND, TRUE_VISITS, generated
from tests.shop.test_experiment_arms import planned
from tests.tiny_project import REPOSITORY

N = 600
FIRST_DAY = date(2021, 3, 1)  # of the shop; the tables end the day before
OPENED = datetime(2026, 1, 5, tzinfo=UTC)
CLOCK = ShopClock(OPENED.date(), FIRST_DAY)
NOW = OPENED + timedelta(days=14)


@pytest.fixture(scope="module")
def visits() -> pd.DataFrame:
    made = generated(N, TRUE_VISITS, TRUE_SPEND, 60, seed=8)
    last = np.datetime64(FIRST_DAY - timedelta(days=1), "s")
    one = pd.DataFrame({columns.CUSTOMER: [0], columns.DAY: [last], "spend": [5.0]})
    visits = pd.concat([made[made[columns.DAY] < last], one], ignore_index=True)
    return visits.sort_values([columns.CUSTOMER, columns.DAY])


def write_sales(visits: pd.DataFrame, root: Path) -> None:
    sold = visits.rename(columns={"spend": columns.PRICE})
    sold = sold.assign(**{columns.ARTICLE: 0, columns.CHANNEL: 2})
    sold[columns.DAY] = sold[columns.DAY].dt.date
    write_table(sold, root / "data/tables/transactions.parquet", TRANSACTIONS)


@pytest.fixture
def root(visits: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(REPOSITORY / name, tmp_path)
    write_sales(visits, tmp_path)
    keys = pd.DataFrame({columns.CUSTOMER: range(N), columns.CUSTOMER_ID: map(str, range(N))})
    write_table(keys, tmp_path / "data/tables/customer_keys.parquet", CUSTOMER_KEYS)
    segments = keys.assign(**{columns.CLUSTER: 0, columns.AGE_BAND: 0})
    write_table(segments, tmp_path / "data/segments/segments.parquet", SEGMENTS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def log(root: Path) -> Iterator[EventLog]:
    opened = open_log("sqlite:.hemline/shop/events.db", root)
    yield opened
    opened.close()


def exposed(root: Path, log: EventLog) -> Experiment:
    """Expose all customers, the odd ones to the treatment, and 100 guests of each arm."""
    folder = experiments_folder(root)
    plan_experiment(folder, planned(cap=1e6, share=1.0))
    started = add_step(folder, "popular", "started", exposed=1.0, reason="test", at=OPENED)
    names = [f"{CUSTOMER}{n}" for n in range(N)] + [f"{GUEST}{n:03d}" for n in range(200)]
    arms = ("control", "treatment")
    events = [
        ShopEvent("exposure", name, "", f"e{number}", OPENED,
                  context={"experiment": "popular", "arm": arms[number % 2]})
        for number, name in enumerate(names)
    ]  # fmt: skip
    log.append(events).result(timeout=60)
    return started


def bought(log: EventLog, kind: str = "purchase", price: float = 12.0) -> None:
    """Let every customer of the treatment buy, or send back, on the fourth day."""
    at = OPENED + timedelta(days=3, hours=1 if kind == "purchase" else 2)
    rows = [
        ShopEvent(kind, f"{CUSTOMER}{n}", "0000000001", f"{kind}{n}", at, price=price)  # type: ignore[arg-type]
        for n in range(1, N, 2)
    ]
    log.append(rows).result(timeout=60)


def value(experiment: Experiment, log: EventLog, root: Path) -> SecondaryMetric:
    return arm_value_of(experiment, log, CLOCK, root, NOW)


def test_arms_that_did_nothing_are_worth_the_same(log: EventLog, root: Path) -> None:
    found = value(exposed(root, log), log, root).comparison
    assert abs(found.z) < 3
    assert found.variance_left < 0.05  # what was expected before explains nearly all of it
    assert (found.n_control, found.n_treatment) == (400, 400)


def test_what_was_bought_raises_the_expected_spend_as_the_model_says(
    log: EventLog, root: Path, visits: pd.DataFrame
) -> None:
    experiment = exposed(root, log)
    before = value(experiment, log, root).comparison
    bought(log)
    found = value(experiment, log, root)
    assert found.name == "expected spend of the next 12 weeks"
    assert found.interval[0] > 0
    model = fit_customer_value(visits, FIRST_DAY, 12)
    today, odd = FIRST_DAY + timedelta(days=15), range(1, N, 2)
    more = pd.DataFrame(
        {
            columns.CUSTOMER: odd,
            columns.DAY: np.datetime64(FIRST_DAY + timedelta(days=3)),
            "spend": 12.0,
        }
    )
    quiet, bought_more = (
        pd.Series(model.of(records), index=records.customer).reindex(odd, fill_value=0.0).sum()
        for records in (
            buying_records(visits, today),
            buying_records(pd.concat([visits, more]), today),
        )
    )
    # 400 units an arm, of whom 100 are guests; adjusting moves the means of both arms alike.
    raised = found.comparison.difference - before.difference
    assert raised == pytest.approx((bought_more - quiet) / 400, rel=0.1)


def test_a_purchase_that_is_in_the_tables_too_counts_once(
    log: EventLog, root: Path, visits: pd.DataFrame
) -> None:
    experiment = exposed(root, log)
    bought(log)
    first = value(experiment, log, root)
    exported = visits[visits[columns.CUSTOMER] % 2 == 1].drop_duplicates(columns.CUSTOMER)
    exported = exported.assign(**{columns.DAY: np.datetime64(FIRST_DAY + timedelta(days=3), "s")})
    write_sales(pd.concat([visits, exported]), root)
    assert value(experiment, log, root) == first


def test_what_was_sent_back_is_worth_less(log: EventLog, root: Path) -> None:
    experiment = exposed(root, log)
    bought(log)
    held = value(experiment, log, root).comparison.difference
    bought(log, "return")
    assert value(experiment, log, root).comparison.difference < held


def test_a_short_history_is_refused(log: EventLog, root: Path, visits: pd.DataFrame) -> None:
    late = visits[columns.DAY] >= np.datetime64(FIRST_DAY - timedelta(weeks=23))
    write_sales(visits[late], root)
    with pytest.raises(BadInput, match="at least 24 weeks before the experiment"):
        value(exposed(root, log), log, root)


def test_the_readout_adds_it_when_it_is_asked_for(
    log: EventLog, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exposed(root, log)
    bought(log)
    (root / "now").write_text(NOW.isoformat(), encoding="utf-8")
    monkeypatch.setenv("HEMLINE_CLOCK", str(root / "now"))
    first_day = FIRST_DAY + (log.opened.date() - OPENED.date())
    params = (root / "params.yaml").read_text(encoding="utf-8")
    params = params.replace("first_day: '2020-09-23'    # what", f"first_day: {first_day}  # what")
    assert str(first_day) in params
    (root / "params.yaml").write_text(params, encoding="utf-8")
    plain, long = (
        CliRunner().invoke(app, ["experiment", "readout", "popular", *options])
        for options in ((), ("--long-run",))
    )
    assert (plain.exit_code, long.exit_code) == (0, 0), plain.output + long.output
    assert "decide nothing" in " ".join(plain.stdout.split())
    assert long.stdout.startswith(plain.stdout)
    assert "In the long run: an estimate of a model" in long.stdout
    assert "expected spend of the next 12 weeks" in " ".join(long.stdout.split())
