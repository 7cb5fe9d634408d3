"""Running the rules: Great Expectations on the engine that does the table work.

The same rules run on DuckDB or on Spark (see views.py), with the same findings. Each suite reads
one table, and a Spark run gets its frame with the call, so the suites run one by one.

Great Expectations' own pages (Data Docs) are not built: they load styles, fonts and a newsletter
form from four hosts, and are unstyled without a network. What they show stands in the findings.
"""
# ruff: noqa: S608 (the SQL is made of our own names)

import json
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

_QUERY: Final = "unexpected_rows_query"


@dataclass(frozen=True)
class Finding:
    """The result of one rule.

    Attributes:
        rule: the rule.
        passed: whether it holds, within its threshold.
        n_checked: rows of the table.
        n_unexpected: rows that break it; 1 if the rule is about the table as a whole.
        samples: up to N_SAMPLES of them, also where the threshold allows them.
        expectation: name of Great Expectations' expectation, with its arguments as json.
        query: its SQL, where it has one; else empty.
        observed: what was observed, in words.
    """

    rule: Rule
    passed: bool
    n_checked: int
    n_unexpected: int
    samples: list[dict[str, str]]
    expectation: str
    query: str
    observed: str


def check_tables(
    engine: EngineParams, tables: Path, rules: Sequence[Rule], *, run_day: date
) -> list[Finding]:
    """Return a finding per rule, in their order, but none where a rule has no value to check.

    Args:
        engine: what reads the tables; the findings are the same.
        tables: folder written by the stage acquire.
        rules: the rules to check.
        run_day: the time of the run, which does not read the clock.
    """
    context = _context()
    with open_views(engine, tables, context) as views:
        rules = [rule for rule in rules if not rule.is_of_values or _has_values(views, rule)]
        results = dict(_results(context, views, rules, run_day))
        n_rows = {table: _n_rows(views, table) for table in {rule.table for rule in rules}}
        return [
            _finding(rule, results[place], n_rows[rule.table], views)
            for place, rule in enumerate(rules)
        ]


def _has_values(views: Views, rule: Rule) -> bool:
    filled = f"SELECT count({rule.column}) AS n_filled FROM {rule.table}"
    return int(views.rows(filled)[0]["n_filled"]) > 0


def _context() -> Any:
    """Return a context in memory that writes nothing."""
    return gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(),
            data_docs_sites={},
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
    if n_unexpected is None and _QUERY in result.expectation_config.kwargs:
        n_unexpected = result.result["observed_value"]
    if n_unexpected is None:
        n_unexpected = int(not result.success)
    samples = _samples(rule, views) if n_unexpected else []
    return Finding(
        rule,
        bool(result.success),
        n_checked,
        n_unexpected,
        samples,
        expectation=_expectation(result),
        query=result.expectation_config.kwargs.get(_QUERY, ""),
        observed=_observed(result),
    )


def _observed(result: Any) -> str:
    """Return what was observed: a value, or how many values are at fault or missing."""
    found = result.result
    if _QUERY in result.expectation_config.kwargs:
        return f"the query returned {found['observed_value']:,} rows"
    if "observed_value" in found:
        value = found["observed_value"]
        return f"{value:,}" if isinstance(value, int) else str(value)
    n_values, n_missing = found["element_count"], found.get("missing_count", 0)
    n_unexpected = found["unexpected_count"] or 0  # None in a table without rows
    share = n_unexpected / n_values if n_values else 0.0
    missing = f", {n_missing:,} missing" if n_missing else ""
    return f"{n_unexpected:,} of {n_values:,} values ({share:.2%}){missing}"


def _expectation(result: Any) -> str:
    config = result.expectation_config.to_json_dict()
    arguments = {
        name: value for name, value in config["kwargs"].items() if name not in {"batch_id", _QUERY}
    }
    return f"{config['type']} {json.dumps(arguments, ensure_ascii=False)}"


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
