"""What must be true of the three tables and between them.

Ids join by anti-join: an in-set of 105,542 values is slow and fills the docs. Thresholds are in
params.yaml; what has no exception (an id nobody knows, an id that occurs twice) has no threshold.
"""
# ruff: noqa: S608 (the SQL is made of our own names and of numbers)

from collections.abc import Iterator
from datetime import date
from typing import Annotated, ClassVar, Final, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from hemline import columns
from hemline.data.expectations.rule import (
    SCHEMAS,
    Rule,
    Table,
    between,
    corrected,
    filled,
    known,
    min_rows,
    never,
    query_rule,
    reaches,
    unique,
)
from hemline.params import Section

ACROSS: Final = "across"
"""The suite of rules that look at several tables."""

DERIVED: Final = {
    "days_sold": "SELECT DISTINCT t_dat FROM transactions WHERE t_dat IS NOT NULL",
    "unknown_articles": "SELECT * FROM article_keys WHERE article NOT IN "
    "(SELECT article FROM articles)",
    "unknown_customers": "SELECT * FROM customer_keys WHERE customer NOT IN "
    "(SELECT customer FROM customers)",
    "repeats": """
        SELECT t_dat, customer, article, count(*) + 1 AS n_rows FROM (
            SELECT t_dat, customer, article, t_dat = lag(t_dat) OVER ()
                AND customer = lag(customer) OVER () AND article = lag(article) OVER () AS again
            FROM transactions)
        WHERE again GROUP BY t_dat, customer, article""",
}
"""Small tables the rules read, each made once: 31.8 million rows are not joined rule by rule.

The transactions are ordered, so a repeated row stands below the first: finding it that way takes
0.6 s where grouping all rows takes 11 s.
"""

_NAMED_BY_CODE: Final = (
    ("product_type_no", "product_type_name"),
    ("graphical_appearance_no", "graphical_appearance_name"),
    ("colour_group_code", "colour_group_name"),
    ("perceived_colour_value_id", "perceived_colour_value_name"),
    ("perceived_colour_master_id", "perceived_colour_master_name"),
    ("department_no", "department_name"),
    ("index_code", "index_name"),
    ("index_group_no", "index_group_name"),
    ("section_no", "section_name"),
    ("garment_group_no", "garment_group_name"),
)

_MOST_REPEATED_FIRST: Final = "ORDER BY n_rows DESC, t_dat, customer, article"
_AS_TEXT: Final = (
    "the id was read as a number somewhere and lost its leading zero: export ids as text"
)


Share = Annotated[float, Field(ge=0, le=1)]


class ValidateParams(Section):
    """Thresholds; tables and columns are named as in tables.py."""

    section: ClassVar[str] = "validate"
    min_rows: dict[Table, NonNegativeInt]
    max_null_share: dict[Table, dict[str, Share]]
    known_values: dict[Table, dict[str, list[str | int]]]
    min_age: int
    max_age: int
    min_price: float
    max_price: float
    earliest_day: date
    latest_day: date
    max_missing_days: NonNegativeInt
    max_repeated_share: Share
    max_units: PositiveInt

    @model_validator(mode="after")
    def _columns_exist(self) -> Self:
        for thresholds in (self.max_null_share, self.known_values):
            for table, by_column in thresholds.items():
                unknown = [name for name in by_column if name not in SCHEMAS[table].names]
                if unknown:
                    raise ValueError(f"{table} has no column {', '.join(unknown)}")
        return self


def list_rules(params: ValidateParams, *, needed_through: date) -> list[Rule]:
    """Return all rules; the transactions must reach the day needed_through."""
    return [
        *_rules_of_every_table(params),
        *_rules_of_articles(),
        *_rules_of_customers(params),
        *_rules_of_transactions(params, needed_through),
        *_rules_across(),
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


def _rules_of_articles() -> Iterator[Rule]:
    yield unique("articles", columns.ARTICLE_ID)
    yield never(
        "articles",
        columns.ARTICLE_ID,
        "an article_id keeps its leading zero",
        "regexp_full_match(article_id, '[0-9]+') AND length(article_id) < 10",
        fix=_AS_TEXT,
    )
    yield never(
        "articles",
        columns.ARTICLE_ID,
        "an article_id is 10 digits",
        "NOT regexp_full_match(article_id, '[0-9]+') OR length(article_id) > 10",
        fix="export the ids unchanged",
    )
    yield never(
        "articles",
        columns.PRODUCT_CODE,
        "a product_code is the first 7 digits of its article_id",
        "product_code <> left(lpad(article_id, 10, '0'), 7)",
        fix="export both columns unchanged",
    )
    for code, name in _NAMED_BY_CODE:
        yield query_rule(
            "articles",
            code,
            f"a {code} always has the same {name}",
            f"SELECT article_id, {code}, {name}, "
            f"mode({name}) OVER (PARTITION BY {code}) AS usually "
            f"FROM {{batch}} QUALIFY {name} <> usually ORDER BY ALL",
            fix="give the name a code of its own",
        )


def _rules_of_customers(params: ValidateParams) -> Iterator[Rule]:
    yield unique("customers", columns.CUSTOMER_ID)
    yield never(
        "customers",
        columns.CUSTOMER_ID,
        "a customer_id is 64 hexadecimal digits",
        "NOT regexp_full_match(customer_id, '[0-9a-f]+') OR length(customer_id) <> 64",
        fix="export the ids unchanged, in lower case",
    )
    yield between("customers", columns.AGE, params.min_age, params.max_age, "min_age, max_age")


def _rules_of_transactions(params: ValidateParams, needed_through: date) -> Iterator[Rule]:
    bounds = params.min_price, params.max_price
    yield between("transactions", columns.PRICE, *bounds, "min_price, max_price")
    days = params.earliest_day, params.latest_day
    yield between("transactions", columns.DAY, *days, "earliest_day, latest_day")
    yield reaches(needed_through)
    yield _without_gaps(params.max_missing_days)
    yield from _repeats(params)


def _rules_across() -> Iterator[Rule]:
    shortened = "regexp_full_match(article_id, '[0-9]+') AND length(article_id) < 10"
    unknown_article = "article IN (SELECT article FROM unknown_articles WHERE {})"
    yield never(
        "transactions",
        columns.ARTICLE_ID,
        "an article_id keeps its leading zero",
        unknown_article.format(shortened),
        fix=_AS_TEXT,
        suite=ACROSS,
    )
    yield never(
        "transactions",
        columns.ARTICLE_ID,
        "every article sold stands in articles",
        unknown_article.format(f"({shortened}) IS NOT TRUE"),
        fix="add the article to articles.csv, or drop its transactions",
        suite=ACROSS,
    )
    yield never(
        "transactions",
        columns.CUSTOMER_ID,
        "every customer who bought stands in customers",
        "customer IN (SELECT customer FROM unknown_customers)",
        fix="add the customer to customers.csv, or drop their transactions",
        suite=ACROSS,
    )


def _without_gaps(max_missing_days: int) -> Rule:
    """Return the rule about days on which nothing was sold, shops being closed or rows lost."""
    span = (
        "SELECT CAST(unnest(generate_series(CAST(min(t_dat) AS TIMESTAMP), "
        "CAST(max(t_dat) AS TIMESTAMP), INTERVAL 1 DAY)) AS DATE) AS missing_day FROM {batch}"
    )
    return query_rule(
        "transactions",
        columns.DAY,
        f"at most {max_missing_days} days of the span have no transaction",
        f"SELECT missing_day FROM ({span}) "
        "WHERE missing_day NOT IN (SELECT t_dat FROM days_sold) "
        f"QUALIFY count(*) OVER () > {max_missing_days} ORDER BY missing_day",
        fix=corrected("export the missing days", "max_missing_days"),
    )


def _repeats(params: ValidateParams) -> Iterator[Rule]:
    """Yield the rules about equal rows: Kaggle writes one per unit, a broken export writes more."""
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
        "SELECT * FROM repeats WHERE EXISTS (SELECT 1 FROM {batch}) "
        f"AND n_rows > {params.max_units} {_MOST_REPEATED_FIRST}",
        fix=corrected("a purchase was exported many times", "max_units"),
    )
