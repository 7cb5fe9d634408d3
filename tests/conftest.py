"""Worlds that several tests share: a tiny copy of the project, trained once per test session.

Building it costs about a minute, so only tests that use it pay for it, and those that change its
params.yaml restore it.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from hemline import environment
from hemline.engine.engine import Engine, EngineParams, open_engine
from tests.tiny_project import copy_project


def pytest_configure(config: pytest.Config) -> None:
    """Keep the tools out of the developer's state; let the libraries' own warnings pass.

    Prefect makes its home when it is first imported, which may be while tests are collected.
    """
    home = tempfile.TemporaryDirectory(prefix="hemline-tests-")
    config.add_cleanup(home.cleanup)
    os.environ.update(environment.defaults(Path(home.name)))
    (Path(home.name) / ".hemline").mkdir()
    for ignored in (
        "ignore:.*inferred as AnyType:UserWarning",  # mlflow 3.17, about its own type hints
    ):
        config.addinivalue_line("filterwarnings", ignored)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """Run a file on one worker, and all files that need the trained project on the same one.

    Each worker that needs the project would train it again.
    """
    return _Schedule(config, log)


class _Schedule(LoadFileScheduling):  # type: ignore[misc]
    def _split_scope(self, nodeid: str) -> str:
        scope: str = super()._split_scope(nodeid)
        return "trained" if scope in _TRAINED else scope


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the longest files, so that no worker ends alone with one of them.

    A file that needs the trained project has to be listed, or two workers train it.
    """
    files = {item.nodeid.split("::")[0] for item in items if "trained" in _fixtures(item)}
    assert files <= _TRAINED, f"add to _TRAINED: {files - _TRAINED}"
    items.sort(key=lambda item: item.nodeid.split("::")[0] not in {_LONGEST, *_TRAINED})
    items.sort(key=lambda item: item.nodeid.split("::")[0] != _LONGEST)


def _fixtures(item: pytest.Item) -> Iterable[str]:
    """Return the session's fixtures of a test; some tests have a `trained` model of their own."""
    info = getattr(item, "_fixtureinfo", None)
    definitions = info.name2fixturedefs if info else {}
    return {name for name, found in definitions.items() if found[-1].scope == "session"}


_LONGEST = "tests/flows/test_closed_loop.py"
_TRAINED = {
    "tests/flows/test_monitor.py",
    "tests/flows/test_replay.py",
    "tests/flows/test_train.py",
    "tests/shop/test_api.py",
    "tests/shop/test_two_workers.py",
    "tests/test_cli.py",
    "tests/test_experiment_commands.py",
    "tests/test_registry.py",
    "tests/test_storefront.py",
}


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A tiny project whose tools all work inside it; nothing has run in it yet."""
    root = copy_project(tmp_path_factory.mktemp("project"))
    before = dict(os.environ)
    for name in environment.defaults(root):
        os.environ.pop(name, None)
    environment.apply(root)
    yield root
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def on_duckdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The default engine, for tests that only need one."""
    spill = tmp_path_factory.mktemp("spill")
    params = EngineParams.load(Path("params.yaml")).model_copy(update={"spill": spill})
    with open_engine(params) as engine:
        yield engine


@pytest.fixture(scope="session")
def on_spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Spark in this machine; its queries are not compiled, which costs more than running them."""
    from pyspark.sql import SparkSession  # noqa: PLC0415  (slow)

    builder = SparkSession.builder.master("local[1]")
    for name, value in _SMALL_SPARK.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    change = {"name": "spark", "spill": tmp_path_factory.mktemp("spill")}
    with open_engine(EngineParams.load(Path("params.yaml")).model_copy(update=change)) as engine:
        yield engine
    session.stop()


_SMALL_SPARK = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


@pytest.fixture(scope="session")
def prefect_api() -> Iterator[None]:
    """A Prefect server of the session's own."""
    from prefect.testing.utilities import prefect_test_harness  # noqa: PLC0415  (slow)

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(scope="session")
def trained(project: Path, prefect_api: None) -> Path:  # noqa: ARG001  (has to run)
    """The tiny project after one training: every stage ran, version 1 is the champion."""
    from flows.train import train  # noqa: PLC0415  (slow)

    state = train(root=project, return_state=True)
    assert state.is_completed(), state.message
    return project
