"""One rule: what must hold, how Great Expectations checks it, and which rows break it, as SQL.

The SQL lets a refusal show rows with their ids. Great Expectations' own expectations are used where
there is one; for patterns, joins and days it has none that runs on DuckDB, so there the SQL itself
is the expectation (UnexpectedRows).

DuckDB and Spark run the same text and must give the same rows. So text is cast to STRING, a number
is compared as DOUBLE (DuckDB would round a quoted bound to the column's float32), every ORDER BY
places nulls explicitly, and digits are checked with `translate`, because the two engines use
different pattern syntax. SQL passes through `sqlalchemy.text` and `str.format`, so it has no colons
and no braces except {batch}.
"""
# ruff: noqa: S608 (the SQL is made of our own names, and values from params.yaml are quoted)

from dataclasses import dataclass
from datetime import date, timedelta

from great_expectations.expectations.core import (  # type: ignore[attr-defined]  # no __all__
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToBeUnique,
    ExpectColumnValuesToNotBeNull,
    ExpectTableRowCountToBeBetween,
    UnexpectedRowsExpectation,
)
from great_expectations.expectations.expectation import Expectation

from hemline import columns
from hemline.data.expectations.thresholds import SCHEMAS, Table


@dataclass(frozen=True)
class Rule:
    """One rule about the tables.

    Attributes:
        suite: the table, or ACROSS for rules about several tables.
        table: the table whose rows break it.
        column: the column at fault, or "*" for whole rows.
        rule: what must hold, as a sentence.
        fix: what to do when it does not.
        rows: SQL of the rows that break it, reading from {batch}.
        expectation: what Great Expectations checks.
        is_of_values: whether it says nothing of a column without any value.
    """

    suite: str
    table: Table
    column: str
    rule: str
    fix: str
    rows: str
    expectation: Expectation
    is_of_values: bool = False


def min_rows(table: Table, n_rows: int) -> Rule:
    """Return the rule that the table is not truncated."""
    rule = f"{table} has at least {n_rows:,} rows"
    return Rule(
        suite=table,
        table=table,
        column="*",
        rule=rule,
        fix=corrected("the export is cut short", f"min_rows.{table}"),
        rows="SELECT count(*) AS n_rows FROM {batch}",
        expectation=ExpectTableRowCountToBeBetween(min_value=n_rows, description=rule),
    )


def filled(table: Table, column: str, max_share: float) -> Rule:
    """Return the rule that at most a share of the column is null."""
    share = "no row" if max_share == 0 else f"at most {max_share:.1%} of the rows"
    return _column_rule(
        table,
        column,
        f"{column} is missing in {share}",
        f"{column} IS NULL",
        ExpectColumnValuesToNotBeNull(column=column, mostly=1 - max_share),
        fix=corrected("fill them in", f"max_null_share.{table}.{column}"),
    )


def known(table: Table, column: str, values: list[str | int]) -> Rule:
    """Return the rule that the column holds these values or null."""
    listed = ", ".join(str(value) for value in values)
    quoted = ", ".join("'" + str(value).replace("'", "''") + "'" for value in values)
    return _column_rule(
        table,
        column,
        f"{column} is one of {listed}",
        f"CAST({column} AS STRING) NOT IN ({quoted})",
        ExpectColumnValuesToBeInSet(column=column, value_set=values),
        fix=corrected("a value has a new spelling", f"known_values.{table}.{column}"),
    )


def unique(table: Table, column: str) -> Rule:
    """Return the rule that no value of the column occurs twice."""
    return _column_rule(
        table,
        column,
        f"each {column} occurs once",
        f"{column} IN (SELECT {column} FROM {table} GROUP BY {column} HAVING count(*) > 1)",
        ExpectColumnValuesToBeUnique(column=column),
        fix=f"keep one row of each {column}",
    )


def between(table: Table, column: str, low: float | date, high: float | date, keys: str) -> Rule:
    """Return the rule that the column lies in [low, high]; keys name the thresholds."""
    return _column_rule(
        table,
        column,
        f"{column} lies between {low} and {high}",
        f"{column} NOT BETWEEN {_literal(low)} AND {_literal(high)}",
        ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high),
        fix=corrected("the values are wrong", keys),
    )


def reaches(needed_through: date) -> Rule:
    """Return the rule that the transactions are fresh enough for a whole test week.

    A last day on which the shop is closed every week is not waited for: nothing was sold on its
    weekday in the four weeks before.
    """
    weekly = timedelta(days=7)
    sells = " OR ".join(
        f"(t_dat > last_day - INTERVAL {weekly.days * back} DAY "
        f"AND t_dat <= DATE '{needed_through - back * weekly}')"
        for back in range(1, 5)
    )
    return query_rule(
        "transactions",
        columns.DAY,
        f"the transactions reach {needed_through}, the last day of the test week",
        "SELECT last_day FROM (SELECT max(last_day) AS last_day, "
        f"max(CASE WHEN {sells} THEN 1 ELSE 0 END) AS sells FROM {{batch}} "
        "CROSS JOIN (SELECT max(t_dat) AS last_day FROM {batch}) AS latest) AS reached "
        f"WHERE last_day IS NULL OR last_day <= DATE '{needed_through - weekly}' "
        f"OR (last_day < DATE '{needed_through}' AND sells = 1)",
        fix="get newer transactions, or set data.cut back in params.yaml",
    )


def never(
    table: Table, column: str, rule: str, broken: str, *, fix: str, suite: str | None = None
) -> Rule:
    """Return the rule that no row meets the SQL condition `broken`."""
    rows = _rows(table, column, broken)
    return query_rule(table, column, rule, rows, fix=fix, suite=suite)


def query_rule(
    table: Table, column: str, rule: str, rows: str, *, fix: str, suite: str | None = None
) -> Rule:
    """Return the rule that the SQL `rows`, reading from {batch}, returns no rows."""
    expectation = UnexpectedRowsExpectation(unexpected_rows_query=rows, description=rule)
    return Rule(suite or table, table, column, rule, fix, rows, expectation)


def _column_rule(
    table: Table, column: str, rule: str, broken: str, expectation: Expectation, *, fix: str
) -> Rule:
    expectation.description = rule
    return Rule(table, table, column, rule, fix, _rows(table, column, broken), expectation)


def _rows(table: Table, column: str, broken: str) -> str:
    """Return the SQL of rows to show: ids and the column at fault, never the whole customer."""
    shown = {
        "articles": ["article_id", "product_code"],
        "customers": ["customer_id"],
        "transactions": SCHEMAS["transactions"].names,
    }[table]
    extra = [column] if column in SCHEMAS[table].names and column not in shown else []
    names = [*shown, *extra]
    return f"SELECT {', '.join(names)} FROM {{batch}} WHERE {broken} {ordered_by(*names)}"


def ordered_by(*names: str) -> str:
    """Return the ORDER BY of these columns, nulls last: the engines' defaults differ."""
    return "ORDER BY " + ", ".join(f"{name} NULLS LAST" for name in names)


def only_of(column: str, characters: str) -> str:
    """Return the condition that the text is not empty and has only these characters.

    >>> only_of("article_id", "0123456789")
    "(article_id <> '' AND translate(article_id, '0123456789', '') = '')"
    """
    return f"({column} <> '' AND translate({column}, '{characters}', '') = '')"


def _literal(bound: float | date) -> str:
    return f"DATE '{bound}'" if isinstance(bound, date) else f"CAST({bound} AS DOUBLE)"


def corrected(wrong: str, keys: str) -> str:
    """Return the advice to correct the file or to change thresholds of params.yaml."""
    return f"correct the file ({wrong}), or change {keys} under validate in params.yaml"
