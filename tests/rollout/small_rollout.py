"""A project with a registry, a history and an event log, small enough to begin anew in a second."""

import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from mlflow import MlflowClient

from hemline import columns, environment
from hemline.clock import VARIABLE, set_clock
from hemline.evaluation.gate.gate_verdict import GateVerdict
from hemline.experiments.experiment_files import (
    Experiment,
    experiments_folder,
    read_experiments,
)
from hemline.registry.champions import change_champion
from hemline.registry.promotion import record_verdict
from hemline.registry.versions import MODEL, known_version
from hemline.serving.version_files import FORMAT_VERSION
from hemline.shop.event_log import CUSTOMER, ShopEvent
from hemline.shop.session_stores import open_log
from tests.mlflow_database import put_database
from tests.tiny_project import REPOSITORY, change_params

START: Final = datetime(2020, 9, 23, 8, 0, tzinfo=UTC)
N_CUSTOMERS: Final = 400
NOWHERE: Final = (("models", "{}"), ("models", "{}"))
DATABASE: Final = ".hemline/mlflow.db"
EVENTS: Final = "sqlite:.hemline/shop/events.db"


@dataclass(frozen=True)
class SmallRollout:
    """The project; version 1 is champion, version 2 has passed the gate and waits."""

    root: Path

    @property
    def client(self) -> MlflowClient:
        return MlflowClient()

    def at(self, days: float) -> datetime:
        """Let the clock show so many days after the start."""
        moment = START + timedelta(days=days)
        set_clock(self.root / "clock", moment)
        return moment

    def tags(self, number: int = 2) -> Mapping[str, str]:
        return known_version(str(number)).tags

    def experiment(self) -> Experiment:
        [found] = read_experiments(experiments_folder(self.root))
        return found

    def expose(self, day: float, n: int = N_CUSTOMERS) -> None:
        """Let customers meet their arms in turns, and buy for the same amounts in both."""
        rng = np.random.default_rng(0)
        prices = rng.exponential(1.0, n // 2)
        events = []
        for number in range(n):
            who, arm = f"{CUSTOMER}c{number}", ("control", "treatment")[number % 2]
            context = {"experiment": "canary-v2", "arm": arm}
            at = START + timedelta(days=day)
            events += [
                ShopEvent("exposure", who, "", f"e{number}", at, context=context),
                ShopEvent("purchase", who, "a", f"p{number}", at, price=prices[number // 2]),
            ]
        self.record(events)

    def unlike(self, day: float) -> None:
        """Let who is in the treatment arm unlike three articles each, and others one."""
        at = START + timedelta(days=day)
        self.record(
            [
                ShopEvent("unlike", f"{CUSTOMER}c{number}", "a", f"u{number}-{time}", at)
                for number in range(N_CUSTOMERS)
                for time in range(1 + 2 * (number % 2))
            ]
        )

    def record(self, events: list[ShopEvent]) -> None:
        log = open_log(EVENTS, self.root)
        try:
            log.append(events).result(timeout=60)
        finally:
            log.close()


def small_rollout(root: Path, stored: Sequence[tuple[str, str]] = NOWHERE) -> SmallRollout:
    """Write the project, whose environment has to be that of `environment_of`.

    Args:
        root: an empty folder with a folder .hemline.
        stored: address of the files and hashes of each of the two versions.
    """
    shutil.copy(REPOSITORY / "params.yaml", root)
    shutil.copy(REPOSITORY / "dvc.yaml", root)
    change_params(root, {("gate", "rollout"): "canary"})
    write_tables(root / "data")
    put_database(root / DATABASE)
    rollout = SmallRollout(root)
    rollout.at(0)
    rollout.client.create_registered_model(MODEL)
    for place, hashes in stored:
        add_version(rollout.client, place, stored_hashes=hashes)
    change_champion("1", how="gate", reason="there was none", at=START)
    let_pass(2)
    return rollout


def environment_of(root: Path) -> dict[str, str]:
    """The variables that a process needs to work on the project."""
    return {
        **environment.defaults(root),
        VARIABLE: str(root / "clock"),
        "HEMLINE_SHOP_EVENTS": EVENTS,
    }


def add_version(client: MlflowClient, source: str = "models", **tags: str) -> str:
    every = {"cut": "2020-09-16", "source": "synthetic", "form": FORMAT_VERSION, **tags}
    return str(client.create_model_version(MODEL, source=source, tags=every).version)


def let_pass(number: int) -> None:
    """What the gate records of a version that it lets pass."""
    verdict = GateVerdict(promotes=True, reason="not worse than version 1", champion="1")
    assert record_verdict(known_version(str(number)), verdict, START, as_canary=True)


def save(root: Path, saved: Path) -> None:
    """Copy what changes of a project, to begin again from."""
    shutil.copytree(experiments_folder(root), experiments_folder(saved))
    _copy_database(root / DATABASE, saved / DATABASE)


def begin_again(saved: Path, root: Path) -> None:
    """Make a project what it was when it was saved; its clock stays."""
    shutil.rmtree(experiments_folder(root))
    shutil.copytree(experiments_folder(saved), experiments_folder(root))
    _copy_database(saved / DATABASE, root / DATABASE)


def _copy_database(source: Path, target: Path) -> None:
    """Copy into the file that MLflow holds open."""
    with closing(sqlite3.connect(source)) as there, closing(sqlite3.connect(target)) as here:
        there.backup(here)


def write_tables(data: Path) -> None:
    """Write what the shop knows of 400 customers in two clusters, and what they bought."""
    rng = np.random.default_rng(7)
    keys = np.arange(N_CUSTOMERS)
    (data / "tables").mkdir(parents=True)
    (data / "segments").mkdir()
    pd.DataFrame(
        {columns.CUSTOMER: keys, columns.CUSTOMER_ID: [f"c{key}" for key in keys]}
    ).to_parquet(data / "tables" / "customer_keys.parquet")
    pd.DataFrame({columns.CUSTOMER: keys, columns.CLUSTER: keys % 2}).to_parquet(
        data / "segments" / "segments.parquet"
    )
    n_sold = 10 * N_CUSTOMERS
    days = pd.Timestamp("2020-09-22") - pd.to_timedelta(rng.integers(0, 16 * 7, n_sold), "D")
    pd.DataFrame(
        {
            columns.DAY: days,
            columns.CUSTOMER: rng.integers(0, N_CUSTOMERS, n_sold),
            columns.PRICE: rng.exponential(1.0, n_sold),
        }
    ).to_parquet(data / "tables" / "transactions.parquet")
