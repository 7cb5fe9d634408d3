"""Whether the data of a single week keep the project's rules, checked before they are evaluated.

The rules are checked on the week alone, because in two years of data one broken week goes unnoticed
(1 % of a week's prices are 0.01 % of the rows).

A single week cannot keep every rule as it stands. The rules about the number of rows and about days
without sales in the whole span are left out; that the week reaches its last day is checked before
(completeness.py). Limits that are a share are widened by what chance does with this few rows. The
price: rows without a day belong to no week, and only the validation of whole tables sees them.
"""

import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import narwhals as nw
import pyarrow.parquet as pq
from scipy.stats import binom

from hemline import columns, tables
from hemline.engine.engine import Engine, EngineParams, open_engine
from monitoring.daily_sales import WEEK

if TYPE_CHECKING:
    from hemline.data.expectations.checkpoint import Finding
    from hemline.data.expectations.rule import Rule
    from hemline.data.expectations.thresholds import ValidateParams

_GAPS: Final = "missing_days"  # what only the rule about days of the whole span reads
_BY_CHANCE: Final = 1e-4  # how often a week breaks a limit that equals its true share


def check_week(
    engine: EngineParams,
    table_folder: Path,
    week_end: date,
    params: "ValidateParams",
    report: Path,
    *,
    is_kaggle: bool = True,
) -> "list[Finding]":
    """Return a finding per rule about the week's transactions and the articles and customers in it.

    Writes report/index.html and report/summary.json.

    Args:
        engine: cuts the week out; DuckDB checks the rules, as a week fits on one machine.
        table_folder: the tables of acquire.
        week_end: the first day after the week, which holds transactions.
        params: section `validate`.
        report: folder, its pages replaced.
        is_kaggle: see rules.list_rules.
    """
    # Great Expectations takes seconds to import.
    from hemline.data.expectations.checkpoint import check_tables  # noqa: PLC0415
    from hemline.data.expectations.validation_report import write_report, write_summary  # noqa: PLC0415

    with TemporaryDirectory() as folder:
        with open_engine(engine) as opened:
            n_rows = _cut_out(opened, table_folder, week_end, Path(folder))
        rules = week_rules(params, week_end, n_rows, is_kaggle=is_kaggle)
        here = engine.model_copy(update={"name": "duckdb"})
        findings = check_tables(here, Path(folder), rules, run_day=week_end)
    shutil.rmtree(report / "docs", ignore_errors=True)  # of versions that wrote Data Docs
    write_summary(findings, report / "summary.json")
    write_report(findings, report)
    return findings


def week_rules(
    params: "ValidateParams", week_end: date, n_rows: dict[str, int], *, is_kaggle: bool = True
) -> "list[Rule]":
    """Return the rules that a single week can keep; n_rows is the number of its rows by table."""
    from hemline.data.expectations.rule import reaches  # noqa: PLC0415  (as above)
    from hemline.data.expectations.rules import list_rules  # noqa: PLC0415  (as above)

    null_shares = {
        table: {name: _widened(share, n_rows[table]) for name, share in shares.items()}
        for table, shares in params.max_null_share.items()
    }
    repeated_share = _widened(params.max_repeated_share, n_rows["transactions"])
    adapted = params.model_copy(
        update={
            "min_rows": {},
            "max_null_share": null_shares,
            "max_repeated_share": repeated_share,
        }
    )
    last_day = week_end - timedelta(days=1)
    rules = list_rules(adapted, needed_through=last_day, is_kaggle=is_kaggle)
    arrived = reaches(last_day).rule
    return [rule for rule in rules if rule.rule != arrived and _GAPS not in rule.rows]


def broken_rules(findings: "Sequence[Finding]") -> list[str]:
    """Return a sentence per broken rule: the rule, how many rows break it, and an example."""
    return [_broken(finding) for finding in findings if not finding.passed]


def _cut_out(engine: Engine, table_folder: Path, week_end: date, folder: Path) -> dict[str, int]:
    """Write the week as a folder of tables; return the rows of articles, customers, transactions.

    The transactions are ordered, by which the rules find repeated rows.
    """
    day, first = nw.col(columns.DAY), week_end - WEEK
    week = engine.read(table_folder / "transactions.parquet").filter(day >= first, day < week_end)
    schema = tables.transactions_schema(week.collect_schema().names())
    path = folder / "transactions.parquet"
    engine.write(week, path, schema, order_by=schema.names)
    for name, (noun, schema) in _TABLES.items():
        rows = engine.read(table_folder / f"{name}.parquet").join(week, on=noun, how="semi")
        engine.write(rows, folder / f"{name}.parquet", schema, order_by=[noun])
    counted = ("articles", "customers", "transactions")
    return {name: pq.read_metadata(folder / f"{name}.parquet").num_rows for name in counted}


_TABLES: Final = {
    "articles": (columns.ARTICLE, tables.ARTICLES),
    "article_keys": (columns.ARTICLE, tables.ARTICLE_KEYS),
    "customers": (columns.CUSTOMER, tables.CUSTOMERS),
    "customer_keys": (columns.CUSTOMER, tables.CUSTOMER_KEYS),
}


def _widened(limit: float, n_rows: int) -> float:
    """Return the share that n_rows of a table whose true share is the limit hardly ever exceed.

    >>> _widened(0.05, 100), _widened(0.0, 100)
    (0.15, 0.0)
    """
    if limit in {0, 1} or n_rows == 0:
        return limit
    return float(binom.ppf(1 - _BY_CHANCE, n_rows, limit)) / n_rows


def _broken(finding: "Finding") -> str:
    rule = finding.rule
    sentence = (
        f"{rule.table}.{rule.column}: {rule.rule}; "
        f"{finding.n_unexpected:,} of {finding.n_checked:,} rows break it"
    )
    example = ", ".join(
        f"{name} {value}" for row in finding.samples[:1] for name, value in row.items()
    )
    return f"{sentence}, for example {example}" if example else sentence
