"""Small tables that several rules read, each derived once from the large ones, as SQL.

Without them every rule would join or group 31.8 million rows again.
"""

from typing import Final

MISSING_DAYS: Final = "missing_days"
"""The derived table of days without sales between the first and the last transaction.

Closing days of the week are left out: of the weeks up to four before and after the day that have
sales, which are at least four, fewer than half have some on its weekday.
"""

DERIVED: Final = {
    "unknown_articles": "SELECT * FROM article_keys WHERE NOT EXISTS "
    "(SELECT 1 FROM articles WHERE articles.article = article_keys.article)",
    "unknown_customers": "SELECT * FROM customer_keys WHERE NOT EXISTS "
    "(SELECT 1 FROM customers WHERE customers.customer = customer_keys.customer)",
}
"""Derived tables with the same SQL on both engines."""

_MISSING_DAYS: Final = """
    WITH days AS (SELECT DISTINCT t_dat FROM transactions WHERE t_dat IS NOT NULL),
    span AS (SELECT {days_of_the_span} AS missing_day FROM days),
    gaps AS (SELECT missing_day FROM span WHERE missing_day NOT IN (SELECT t_dat FROM days)),
    near AS (
        SELECT missing_day, t_dat, {days_between} AS apart FROM gaps CROSS JOIN days
        WHERE {days_between} BETWEEN -31 AND 31),
    weeks AS (
        SELECT missing_day, floor((apart + 3) / 7.0) AS week,
            max(CASE WHEN apart % 7 = 0 THEN 1 ELSE 0 END) AS sells
        FROM near GROUP BY missing_day, floor((apart + 3) / 7.0)),
    usual AS (
        SELECT missing_day FROM weeks WHERE week <> 0
        GROUP BY missing_day HAVING count(*) >= 4 AND 2 * sum(sells) < count(*))
    SELECT missing_day FROM gaps WHERE missing_day NOT IN (SELECT missing_day FROM usual)"""
DERIVED_BY_ENGINE: Final[dict[str, dict[str, str]]] = {
    "duckdb": {
        MISSING_DAYS: _MISSING_DAYS.format(
            days_of_the_span="CAST(unnest(generate_series(CAST(min(t_dat) AS TIMESTAMP), "
            "CAST(max(t_dat) AS TIMESTAMP), INTERVAL 1 DAY)) AS DATE)",
            days_between="datediff('day', missing_day, t_dat)",
        ),
        "repeats": """
            SELECT t_dat, customer, article, count(*) + 1 AS n_rows FROM (
                SELECT t_dat, customer, article, t_dat = lag(t_dat) OVER ()
                    AND customer = lag(customer) OVER () AND article = lag(article) OVER () AS again
                FROM transactions)
            WHERE again GROUP BY t_dat, customer, article""",
    },
    "spark": {
        MISSING_DAYS: _MISSING_DAYS.format(
            days_of_the_span="explode(sequence(min(t_dat), max(t_dat)))",
            days_between="datediff(t_dat, missing_day)",
        ),
        "repeats": """
            SELECT t_dat, customer, article, count(*) AS n_rows FROM transactions
            WHERE t_dat IS NOT NULL GROUP BY t_dat, customer, article HAVING count(*) > 1""",
    },
}
"""Derived tables whose SQL depends on the engine.

The engines generate days differently. And the transactions are ordered, so a repeated row follows
the first: DuckDB, which reads in order, compares neighbours in 0.6 s where grouping all rows takes
11 s. Spark does not preserve the order.
"""


def units_bought(*, has_units: bool) -> dict[str, str]:
    """Return the derived table of purchases of several units, made after the others.

    Args:
        has_units: whether the transactions have the column units; else each row is one.
    """
    query = (
        "SELECT t_dat, customer, article, CAST(sum(units) AS BIGINT) AS n_units "
        "FROM transactions WHERE t_dat IS NOT NULL GROUP BY t_dat, customer, article "
        "HAVING sum(units) > 1"
    )
    of_rows = "SELECT t_dat, customer, article, n_rows AS n_units FROM repeats"
    return {"units_bought": query if has_units else of_rows}
