"""Worlds that several tests share: a tiny copy of the project, trained once per test session.

Building it costs about a minute, so only tests that use it pay for it, and those that change its
params.yaml restore it.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run a file on one worker, all files that need the trained project on the same one.

    Each worker that needs the project would train it again. The longest files go first, so that no
    worker ends alone with one of them.
    """
    shared = {item.path for item in items if "trained" in getattr(item, "fixturenames", ())}
    for item in items:
        group = "trained" if item.path in shared else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: (item.path.name not in _LONGEST, item.path not in shared))


_LONGEST = ("test_closed_loop.py",)


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
