"""Running the rules: Great Expectations on the engine that does the table work.

The same rules run on DuckDB or on Spark (see views.py), with the same findings. Each suite reads
one table, and a Spark run gets its frame with the call, so the suites run one by one and the Data
Docs are built once, at the end.

The Data Docs contain random element ids and the time of rendering. Both are replaced after the run,
so that the same tables give the same pages and DVC can cache them.
"""
# ruff: noqa: S608 (the SQL is made of our own names)

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import great_expectations as gx
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)

from hemline.data.expectations.rule import Rule
from hemline.data.expectations.views import Views, open_views
from hemline.engine.engine import EngineParams

N_SAMPLES: Final = 5

_RANDOM_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CLOCK: Final = re.compile(r"\d{8}T\d{6}\.\d{6}Z")


@dataclass(frozen=True)
class Finding:
    """The result of one rule.

    Attributes:
        rule: the rule.
        passed: whether it holds, within its threshold.
        n_checked: rows of the table.
        n_unexpected: rows that break it; 1 if the rule is about the table as a whole.
        samples: up to N_SAMPLES of them, when it does not hold.
    """

    rule: Rule
    passed: bool
    n_checked: int
    n_unexpected: int
    samples: list[dict[str, str]]


def check_tables(
    engine: EngineParams, tables: Path, rules: Sequence[Rule], *, docs: Path, run_day: date
) -> list[Finding]:
    """Return a finding per rule, in the order of the rules, and replace the Data Docs.

    Args:
        engine: what reads the tables; the findings are the same.
        tables: folder written by the stage acquire.
        rules: the rules to check.
        docs: folder of the Data Docs, replaced; index.html is the start.
        run_day: the time of the run shown in the docs, which do not read the clock.
    """
    shutil.rmtree(docs, ignore_errors=True)
    context = _context(docs)
    with open_views(engine, tables, context) as views:
        results = dict(_results(context, views, rules, run_day))
        n_rows = {table: _n_rows(views, table) for table in {rule.table for rule in rules}}
        findings = [
            _finding(rule, results[place], n_rows[rule.table], views)
            for place, rule in enumerate(rules)
        ]
    context.build_data_docs()
    _make_stable(docs, run_day)
    return findings


def _context(docs: Path) -> Any:
    """Return a context in memory that writes Data Docs to the folder only."""
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


def _results(
    context: Any, views: Views, rules: Sequence[Rule], run_day: date
) -> Iterator[tuple[int, Any]]:
    """Yield the place of each rule and Great Expectations' result."""
    for place, rule in enumerate(rules):
        rule.expectation.meta = {"place": place}
    run = RunIdentifier(f"as-of-{run_day}", datetime.combine(run_day, time(), UTC))
    for name, suite in groupby(sorted(rules, key=lambda rule: rule.suite), lambda rule: rule.suite):
        for result in _run_suite(context, views, name, list(suite), run):
            yield result.expectation_config.meta["place"], result


def _run_suite(
    context: Any, views: Views, name: str, rules: list[Rule], run: RunIdentifier
) -> list[Any]:
    batch, parameters = views.batch(name, rules[0].table)
    suite = gx.ExpectationSuite(name, expectations=[rule.expectation for rule in rules])
    definition = gx.ValidationDefinition(name=name, data=batch, suite=context.suites.add(suite))
    results = context.validation_definitions.add(definition).run(
        batch_parameters=parameters,
        result_format={"result_format": "SUMMARY", "partial_unexpected_count": N_SAMPLES},
        run_id=run,
    )
    return list(results.results)


def _finding(rule: Rule, result: Any, n_checked: int, views: Views) -> Finding:
    """Return the finding of a result; a check that could not run is a bug, not a finding."""
    if result.exception_info.get("raised_exception", True):
        raise RuntimeError(f"{rule.table}: {rule.rule}: {result.exception_info}")
    n_unexpected = result.result.get("unexpected_count")
    if n_unexpected is None and "unexpected_rows_query" in result.expectation_config.kwargs:
        n_unexpected = result.result["observed_value"]
    if n_unexpected is None:
        n_unexpected = int(not result.success)
    samples = [] if result.success else _samples(rule, views)
    return Finding(rule, bool(result.success), n_checked, n_unexpected, samples)


def _n_rows(views: Views, table: str) -> int:
    return int(views.rows(f"SELECT count(*) AS n_rows FROM {table}")[0]["n_rows"])


def _samples(rule: Rule, views: Views) -> list[dict[str, str]]:
    """Return rows that break the rule, with ids in place of keys."""
    rows = views.rows(f"{rule.rows.format(batch=rule.table)} LIMIT {N_SAMPLES}")
    return [
        {name: _as_text(value) for name, value in _with_ids(row, views).items()} for row in rows
    ]


def _with_ids(row: dict[str, Any], views: Views) -> dict[str, Any]:
    for noun in ("customer", "article"):
        if noun in row:
            query = f"SELECT {noun}_id FROM {noun}_keys WHERE {noun} = {row.pop(noun)}"
            row |= views.rows(query)[0]
    return row


def _as_text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _make_stable(docs: Path, run_day: date) -> None:
    """Number the random ids of each page and set its clock to the run day."""
    clock = f"{run_day:%Y%m%d}T000000.000000Z"
    for page in sorted(docs.rglob("*.html")):
        text = page.read_text(encoding="utf-8")
        for number, random_id in enumerate(dict.fromkeys(_RANDOM_ID.findall(text))):
            text = text.replace(random_id, f"id-{number}")
        page.write_text(_CLOCK.sub(clock, text), encoding="utf-8")
