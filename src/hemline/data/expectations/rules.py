"""The rules that the three tables must meet, each alone and together.

Ids are checked by anti-join: an in-set of 105,542 values is slow and fills the docs. Thresholds are
in params.yaml; rules without exceptions (no unknown ids, no repeated ids) have none.
"""
# ruff: noqa: S608 (the SQL is made of our own names and of numbers)

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Final

from hemline import columns, tables
from hemline.data.expectations.derived_tables import MISSING_DAYS
from hemline.data.expectations.rule import (
    Rule,
    between,
    corrected,
    filled,
    known,
    min_rows,
    never,
    only_of,
    ordered_by,
    query_rule,
    reaches,
    unique,
)
from hemline.data.expectations.thresholds import ValidateParams

ACROSS: Final = "across"
"""The suite of rules about several tables."""

_MOST_REPEATED_FIRST: Final = "ORDER BY n_rows DESC, t_dat, customer, article"
_MOST_UNITS_FIRST: Final = "ORDER BY n_units DESC, t_dat, customer, article"
_DIGITS: Final = "0123456789"
_SHORTENED: Final = f"{only_of(columns.ARTICLE_ID, _DIGITS)} AND length(article_id) < 10"
_AS_TEXT: Final = (
    "the id was read as a number somewhere and lost its leading zero: export ids as text"
)


def list_rules(
    params: ValidateParams, *, needed_through: date, is_kaggle: bool = True
) -> list[Rule]:
    """Return all rules.

    Args:
        params: thresholds.
        needed_through: the day that the transactions must reach.
        is_kaggle: whether ids have the form of Kaggle's files, real or generated; those of another
            shop are any text.
    """
    return [
        *_rules_of_every_table(params),
        *_rules_of_articles(is_kaggle=is_kaggle),
        *_rules_of_customers(params, is_kaggle=is_kaggle),
        *_rules_of_transactions(params, needed_through),
        *_rules_across(is_kaggle=is_kaggle),
    ]


def _rules_of_every_table(params: ValidateParams) -> Iterator[Rule]:
    for table, n_rows in params.min_rows.items():
        yield min_rows(table, n_rows)
    for table, share_by_column in params.max_null_share.items():
        for column, share in share_by_column.items():
            yield filled(table, column, share)
    for table, values_by_column in params.known_values.items():
        for column, values in values_by_column.items():
            yield known(table, column, values)


def _rules_of_articles(*, is_kaggle: bool) -> Iterator[Rule]:
    yield unique("articles", columns.ARTICLE_ID)
    if is_kaggle:
        yield from _rules_of_kaggle_article_ids()
    for code, name in tables.NAME_BY_CODE.items():
        rows = _named_otherwise(code, name)
        one_name = query_rule(
            "articles",
            code,
            f"a {code} always has the same {name}",
            rows if is_kaggle else rows.replace(" ORDER BY article_id", _HAS_CODE.format(code)),
            fix="give the name a code of its own",
        )
        yield replace(one_name, is_of_values=not is_kaggle)


_HAS_CODE: Final = " AND {} IS NOT NULL ORDER BY article_id"


def _rules_of_kaggle_article_ids() -> Iterator[Rule]:
    yield never(
        "articles",
        columns.ARTICLE_ID,
        "an article_id keeps its leading zero",
        _SHORTENED,
        fix=_AS_TEXT,
    )
    yield never(
        "articles",
        columns.ARTICLE_ID,
        "an article_id is 10 digits",
        f"NOT {only_of(columns.ARTICLE_ID, _DIGITS)} OR length(article_id) > 10",
        fix="export the ids unchanged",
    )
    yield never(
        "articles",
        columns.PRODUCT_CODE,
        "a product_code is the first 7 digits of its article_id",
        "product_code <> left(lpad(article_id, 10, '0'), 7)",
        fix="export both columns unchanged",
    )


def _named_otherwise(code: str, name: str) -> str:
    """Return the SQL of rows whose name differs from the most frequent name of their code."""
    counted = (
        f"SELECT article_id, {code}, {name}, "
        f"count({name}) OVER (PARTITION BY {code}, {name}) AS n_named FROM {{batch}}"
    )
    usual = f"first_value({name}) OVER (PARTITION BY {code} ORDER BY n_named DESC, {name})"
    return (
        f"SELECT article_id, {code}, {name}, usually "
        f"FROM (SELECT *, {usual} AS usually FROM ({counted}) AS counted) AS named "
        f"WHERE {name} <> usually {ordered_by('article_id', code, name)}"
    )


def _rules_of_customers(params: ValidateParams, *, is_kaggle: bool) -> Iterator[Rule]:
    yield unique("customers", columns.CUSTOMER_ID)
    if is_kaggle:
        yield never(
            "customers",
            columns.CUSTOMER_ID,
            "a customer_id is 64 hexadecimal digits",
            f"NOT {only_of(columns.CUSTOMER_ID, _DIGITS + 'abcdef')} OR length(customer_id) <> 64",
            fix="export the ids unchanged, in lower case",
        )
    ages = params.min_age, params.max_age
    in_range = between("customers", columns.AGE, *ages, "min_age, max_age")
    yield replace(in_range, is_of_values=not is_kaggle)


def _rules_of_transactions(params: ValidateParams, needed_through: date) -> Iterator[Rule]:
    bounds = params.min_price, params.max_price
    yield between("transactions", columns.PRICE, *bounds, "min_price, max_price")
    days = params.earliest_day, params.latest_day
    yield between("transactions", columns.DAY, *days, "earliest_day, latest_day")
    yield reaches(needed_through)
    yield _without_gaps(params.max_missing_days)
    yield from _repeats(params)


def _rules_across(*, is_kaggle: bool) -> Iterator[Rule]:
    unknown_article = "article IN (SELECT article FROM unknown_articles WHERE {})"
    if is_kaggle:
        yield never(
            "transactions",
            columns.ARTICLE_ID,
            "an article_id keeps its leading zero",
            unknown_article.format(_SHORTENED),
            fix=_AS_TEXT,
            suite=ACROSS,
        )
    is_other = f"({_SHORTENED}) IS NOT TRUE" if is_kaggle else "TRUE"
    yield never(
        "transactions",
        columns.ARTICLE_ID,
        "every article sold stands in articles",
        unknown_article.format(is_other),
        fix=f"add the article to {_file('articles', is_kaggle)}, or drop its transactions",
        suite=ACROSS,
    )
    yield never(
        "transactions",
        columns.CUSTOMER_ID,
        "every customer who bought stands in customers",
        "customer IN (SELECT customer FROM unknown_customers)",
        fix=f"add the customer to {_file('customers', is_kaggle)}, or drop their transactions",
        suite=ACROSS,
    )


def _file(table: str, is_kaggle: bool) -> str:
    return f"{table}.csv" if is_kaggle else f"the file of the {table}"


def _without_gaps(max_missing_days: int) -> Rule:
    """Return the rule about days without sales: the shop was closed, or rows are missing."""
    return query_rule(
        "transactions",
        columns.DAY,
        f"at most {max_missing_days} days of the span have no transaction, "
        "closing days of the week aside",
        f"SELECT missing_day FROM {MISSING_DAYS} WHERE EXISTS (SELECT 1 FROM {{batch}}) AND "
        f"(SELECT count(*) FROM {MISSING_DAYS}) > {max_missing_days} ORDER BY missing_day",
        fix=corrected("export the missing days", "max_missing_days"),
    )


def _repeats(params: ValidateParams) -> Iterator[Rule]:
    """Yield the rules about equal rows: Kaggle has one per unit, a broken export has more."""
    share = params.max_repeated_share
    yield query_rule(
        "transactions",
        "*",
        f"at most {share:.1%} of the rows repeat an article of a customer's day",
        f"SELECT * FROM repeats WHERE (SELECT sum(n_rows - 1) FROM repeats) > "
        f"{share} * (SELECT count(*) FROM {{batch}}) {_MOST_REPEATED_FIRST}",
        fix=corrected("the export holds days twice", "max_repeated_share"),
    )
    yield query_rule(
        "transactions",
        "*",
        f"a customer buys at most {params.max_units} units of an article a day",
        "SELECT * FROM units_bought WHERE EXISTS (SELECT 1 FROM {batch}) "
        f"AND n_units > {params.max_units} {_MOST_UNITS_FIRST}",
        fix=corrected("a purchase was exported many times", "max_units"),
    )
