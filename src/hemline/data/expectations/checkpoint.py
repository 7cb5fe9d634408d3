"""Running the rules: one Great Expectations checkpoint over DuckDB views of the parquet files.

Great Expectations does not support DuckDB officially; over SQLAlchemy it works as soon as nothing
opens a transaction, which the small dialect below sees to. For that everything stays SQL over
columns: 31.8 million rows are judged in seconds, where pandas goes row by row through float32.

The Data Docs carry random element ids and the time of rendering. Both are replaced after the run,
so that the same tables give the same pages and DVC can cache them.
"""
# ruff: noqa: S608 (the SQL is made of our own names)

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb
import duckdb_engine
import great_expectations as gx
import sqlalchemy
from great_expectations.checkpoint.actions import UpdateDataDocsAction
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from sqlalchemy.dialects import registry

from hemline.data.expectations.rule import Rule
from hemline.data.expectations.rules import DERIVED
from hemline.errors import BadInput

N_SAMPLES: Final = 5

_TABLES: Final = ("articles", "customers", "transactions", "article_keys", "customer_keys")
_RANDOM_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CLOCK: Final = re.compile(r"\d{8}T\d{6}\.\d{6}Z")


class _Dialect(duckdb_engine.Dialect):
    """DuckDB without transactions: a read-only run needs none, and GX closes them out of order."""

    supports_statement_cache = False

    def do_begin(self, _connection: Any) -> None:
        pass

    def do_commit(self, _connection: Any) -> None:
        pass

    def do_rollback(self, _connection: Any) -> None:
        pass


@dataclass(frozen=True)
class Finding:
    """What a run found about one rule.

    Attributes:
        rule: the rule.
        passed: whether it holds, within its threshold.
        n_checked: rows of the table.
        n_unexpected: rows that break it; 1 where a number of the whole table does.
        samples: up to N_SAMPLES of them, when it does not hold.
    """

    rule: Rule
    passed: bool
    n_checked: int
    n_unexpected: int
    samples: list[dict[str, str]]


def check_tables(
    tables: Path, rules: Sequence[Rule], *, docs: Path, run_day: date
) -> list[Finding]:
    """Return a finding per rule, in the order of the rules, and write Data Docs anew.

    Args:
        tables: the folder that the stage acquire wrote.
        rules: what must hold.
        docs: folder of the Data Docs, replaced; index.html is the start.
        run_day: stands in the docs as the time of the run, so that they do not read the clock.
    """
    shutil.rmtree(docs, ignore_errors=True)
    with _views(tables) as url:
        context = _context(docs)
        source = context.data_sources.add_sql("tables", connection_string=url)
        results = _run_checkpoint(context, source, rules, run_day)
        with sqlalchemy.create_engine(url).connect() as connection:
            findings = [
                _finding(rule, results[place], connection) for place, rule in enumerate(rules)
            ]
        source.get_engine().dispose()
    _make_stable(docs, run_day)
    return findings


@contextmanager
def _views(tables: Path) -> Iterator[str]:
    """Yield the SQLAlchemy URL of a DuckDB file with a view per table; it is gone afterwards."""
    registry.register("duckdb.hemline", __name__, "_Dialect")
    missing = [f"{name}.parquet" for name in _TABLES if not (tables / f"{name}.parquet").is_file()]
    if missing:
        raise BadInput(
            f"{tables} holds the tables that the stage acquire writes",
            found=f"no {', '.join(missing)}",
            fix="dvc repro acquire",
        )
    with TemporaryDirectory() as folder:
        database = Path(folder) / "tables.duckdb"
        with duckdb.connect(database) as connection:
            for name in _TABLES:
                path = str((tables / f"{name}.parquet").resolve()).replace("'", "''")
                connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{path}')")
            for name, query in DERIVED.items():
                connection.execute(f"CREATE TABLE {name} AS {query}")
        yield f"duckdb+hemline:///{database}?access_mode=read_only"


def _context(docs: Path) -> Any:
    """Return a context that lives in memory and writes Data Docs to the folder only."""
    backend = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs.resolve())}
    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": backend,
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }
    return gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(),
            data_docs_sites={"docs": site},
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False),
        ),
    )


def _run_checkpoint(
    context: Any, source: Any, rules: Sequence[Rule], run_day: date
) -> dict[int, Any]:
    """Return Great Expectations' result by place of the rule."""
    for place, rule in enumerate(rules):
        rule.expectation.meta = {"place": place}
    suites = groupby(sorted(rules, key=lambda rule: rule.suite), key=lambda rule: rule.suite)
    definitions = [_definition(context, source, name, list(suite)) for name, suite in suites]
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(
            name="tables",
            validation_definitions=definitions,
            actions=[UpdateDataDocsAction(name="docs", site_names=["docs"])],
            result_format={"result_format": "SUMMARY", "partial_unexpected_count": N_SAMPLES},
        )
    )
    midnight = datetime.combine(run_day, time(), UTC)
    run = checkpoint.run(run_id=RunIdentifier(f"as-of-{run_day}", midnight))
    return {
        result.expectation_config.meta["place"]: result
        for suite in run.run_results.values()
        for result in suite.results
    }


def _definition(context: Any, source: Any, name: str, rules: list[Rule]) -> Any:
    table = rules[0].table
    batch = source.add_table_asset(name, table_name=table).add_batch_definition_whole_table("all")
    suite = gx.ExpectationSuite(name, expectations=[rule.expectation for rule in rules])
    return context.validation_definitions.add(
        gx.ValidationDefinition(name=name, data=batch, suite=context.suites.add(suite))
    )


def _finding(rule: Rule, result: Any, connection: sqlalchemy.Connection) -> Finding:
    """Return what the result says; a check that could not run is our error, never a finding."""
    if result.exception_info.get("raised_exception", True):
        raise RuntimeError(f"{rule.table}: {rule.rule}: {result.exception_info}")
    n_checked = connection.exec_driver_sql(f"SELECT count(*) FROM {rule.table}").scalar_one()
    n_unexpected = result.result.get("unexpected_count")
    if n_unexpected is None and "unexpected_rows_query" in result.expectation_config.kwargs:
        n_unexpected = result.result["observed_value"]
    if n_unexpected is None:
        n_unexpected = int(not result.success)
    samples = [] if result.success else _samples(rule, connection)
    return Finding(rule, bool(result.success), n_checked, n_unexpected, samples)


def _samples(rule: Rule, connection: sqlalchemy.Connection) -> list[dict[str, str]]:
    """Return rows that break the rule, with the ids that their keys stand for."""
    rows = connection.exec_driver_sql(f"{rule.rows.format(batch=rule.table)} LIMIT {N_SAMPLES}")
    return [
        {name: _told(value) for name, value in _with_ids(dict(row), connection).items()}
        for row in rows.mappings().all()
    ]


def _with_ids(row: dict[str, Any], connection: sqlalchemy.Connection) -> dict[str, Any]:
    for noun in ("customer", "article"):
        if noun in row:
            query = f"SELECT {noun}_id FROM {noun}_keys WHERE {noun} = {row.pop(noun)}"
            row[f"{noun}_id"] = connection.exec_driver_sql(query).scalar_one()
    return row


def _told(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _make_stable(docs: Path, run_day: date) -> None:
    """Number the random ids of each page and set its clock to the run day."""
    clock = f"{run_day:%Y%m%d}T000000.000000Z"
    for page in sorted(docs.rglob("*.html")):
        text = page.read_text(encoding="utf-8")
        for number, random_id in enumerate(dict.fromkeys(_RANDOM_ID.findall(text))):
            text = text.replace(random_id, f"id-{number}")
        page.write_text(_CLOCK.sub(clock, text), encoding="utf-8")
