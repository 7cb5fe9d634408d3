"""A proposed section `source` for the tables of a folder: each line with what it rests on.

The tables are told apart by their columns: the sales have a day, a customer and an article; a table
with one row per article or per customer describes them. What is not certain is listed as
unclear, and the counts of what each choice does are those of the rows looked at.
"""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from hemline.data.acquire.dialect import Dialect
from hemline.data.acquire.source_params import is_ours
from hemline.data.proposal.column_roles import (
    Column,
    described_roles,
    is_line_total,
    sale_roles,
)
from hemline.data.proposal.day_formats import day_formats, has_zone
from hemline.data.proposal.looked_at import LookedAt
from hemline.data.proposal.numbers import spelling_of
from hemline.data.proposal.proposed_rules import (
    ObservedSales,
    channel_names,
    guest_lines,
    n_lines,
    odd_ids,
    product_pattern,
    returned_lines,
)
from hemline.data.proposal.source_proposal import SourceProposal
from hemline.errors import BadInput

_REQUIRED: Final = ("t_dat", "customer_id", "article_id")
_DETERMINED: Final = 0.8
_UNIQUE: Final = 0.95
_N_EXAMPLES: Final = 3
_LONGEST_EXAMPLE: Final = 28
_MOST_SHOWN: Final = 10


def propose(tables: Sequence[LookedAt]) -> SourceProposal:
    """Return a proposal for the tables of a folder; raises BadInput if none holds sales."""
    tables = [_with_spelled_numbers(table) for table in tables]
    sales = _sales_of(tables)
    proposal = SourceProposal()
    _add_sales(proposal, sales)
    description = _add_described(proposal, sales, tables)
    _add_rules(proposal, sales, description)
    used = {*sales.roles.values(), *(str(line.value) for line in proposal.lines),
            *(line.keys[-1] for line in proposal.lines)}  # fmt: skip
    if left := [str(name) for name in sales.table.rows if name not in used]:
        proposal.counted.append(f"columns of {sales.table.name} not read: {', '.join(left)}")
    return proposal


def _with_spelled_numbers(table: LookedAt) -> LookedAt:
    """Return the table with the decimal sign and the sign of thousands that its numbers have."""
    if table.is_parquet:
        return table
    distinct = [table.rows[name].dropna().drop_duplicates() for name in table.rows]
    spellings = [spelling_of(values) for values in distinct if len(values)]
    odd = [one for one in spellings if one is not None and one != (".", "")]
    if not odd:
        return table
    decimal, thousands = max(set(odd), key=odd.count)
    dialect = table.dialect.model_copy(update={"decimal": decimal, "thousands": thousands})
    return LookedAt(table.name, dialect, table.rows, table.stored, table.is_whole)


def _columns_of(table: LookedAt) -> list[Column]:
    return [
        Column(name, table.rows[name], table.dialect, stored)
        for name, stored in table.stored.items()
    ]


def _sales_of(tables: Sequence[LookedAt]) -> ObservedSales:
    candidates = [ObservedSales(table, sale_roles(_columns_of(table))) for table in tables]
    complete = [one for one in candidates if all(name in one.roles for name in _REQUIRED)]
    if complete:
        return max(complete, key=lambda one: len(one.table.rows))
    nearest = max(candidates, key=lambda one: len(one.roles))
    missing = [name for name in _REQUIRED if name not in nearest.roles]
    raise BadInput(
        "one table holds the sales: a day, a customer and an article in every row",
        found=f"{nearest.table.name} with the columns {', '.join(nearest.table.stored)}; "
        f"no column was recognised as {', '.join(missing)}",
        fix="write section `source` of params.yaml by hand, as docs/data.md shows",
    )


def _add_sales(proposal: SourceProposal, sales: ObservedSales) -> None:
    table = sales.table
    proposal.add("transactions", "file", value=table.name, comment=f"{len(table.rows):,} rows")
    _add_dialect(proposal, "transactions", table)
    for ours, theirs in sales.roles.items():
        comment = _seen(table.rows[theirs])
        proposal.add("transactions", "columns", ours, value=theirs, comment=comment)
    if not table.is_whole:
        proposal.unclear.append(f"only the first {len(table.rows):,} rows of {table.name} were "
                                "looked at; `hemline source check` reads all")  # fmt: skip


def _add_dialect(proposal: SourceProposal, part: str, table: LookedAt) -> None:
    plain = Dialect().model_dump()
    for name, value in table.dialect.model_dump().items():
        if value != plain[name]:
            proposal.add(part, name, value=list(value) if isinstance(value, tuple) else value)
    if table.dialect.encoding == "cp1252":
        proposal.unclear.append(
            f"{table.name} is not UTF-8: cp1252 (Western Europe) is assumed; look at its accents"
        )


def _seen(values: "pd.Series[str]") -> str:
    """Return examples of a column, how many distinct values it has and how many it lacks."""
    known = values.dropna()
    examples = [_short(one) for one in known.drop_duplicates().head(_N_EXAMPLES)]
    n_missing = len(values) - len(known)
    parts = [", ".join(examples), f"{known.nunique():,} distinct"]
    return "; ".join([*parts, *([f"{n_missing:,} missing"] if n_missing else [])])


def _short(text: str) -> str:
    shown = " ".join(str(text).split())
    return shown if len(shown) <= _LONGEST_EXAMPLE else f"{shown[:_LONGEST_EXAMPLE]}..."


def _add_described(
    proposal: SourceProposal, sales: ObservedSales, tables: Sequence[LookedAt]
) -> str | None:
    """Add articles and customers; return the column of the sales that describes articles."""
    others = [table for table in tables if table is not sales.table]
    description = None
    for part, noun in (("articles", "article"), ("customers", "customer")):
        own = next((one for one in others if _describes(one, sales, noun)), None)
        source = own or sales.table
        used = [*sales.roles.values()] if own is None else []
        columns = [one for one in _columns_of(source) if one.name not in used]
        if own is not None:
            id_column = _describes(own, sales, noun)
            proposal.add(part, "file", value=own.name, comment=f"{len(own.rows):,} rows")
            _add_dialect(proposal, part, own)
            proposal.add(part, "columns", f"{noun}_id", value=id_column,
                         comment=_seen(own.rows[id_column]))  # fmt: skip
            columns = [one for one in columns if one.name != id_column]
        else:
            ids = sales.texts(f"{noun}_id")
            columns = [one for one in columns if _is_determined(one.values, ids)]
        roles = described_roles(columns, noun)
        for ours, theirs in roles.items():
            proposal.add(part, "columns", ours, value=theirs, comment=_seen(source.rows[theirs]))
        for one in columns:
            if one.name not in roles.values() and len(one.seen):
                _add_attribute(proposal, part, one)
        if noun == "article" and own is None:
            description = roles.get("prod_name")
    return description


def _add_attribute(proposal: SourceProposal, part: str, column: Column) -> None:
    if is_ours(column.name):
        proposal.unclear.append(
            f"column {column.name} has a name that Hemline uses itself and is left out: rename it "
            "in the export to keep it as an attribute"
        )
        return
    kind = "number" if column.is_number else "text"
    proposal.add(part, "attributes", column.name, value=kind, comment=_seen(column.values))


def _describes(table: LookedAt, sales: ObservedSales, noun: str) -> str:
    """Return the column of a table that is the id of its rows, articles or customers; else ''."""
    known = set(sales.texts(f"{noun}_id").dropna())
    for name in table.rows:
        values = table.rows[name].dropna()
        is_unique = len(values) and values.nunique() >= _UNIQUE * len(table.rows)
        if is_unique and values.isin(known).sum() >= len(known) / 2:
            return str(name)
    return ""


def _is_determined(values: "pd.Series[str]", ids: "pd.Series[str]") -> bool:
    """Return whether the id decides the value.

    Measured by Goodman and Kruskal's lambda: by how much knowing the id lowers the share of rows
    that do not have the most frequent value.
    """
    known = values.notna() & ids.notna()
    pairs = pd.DataFrame({"id": ids[known], "value": values[known]})
    if pairs["value"].nunique() < 2 or pairs["id"].nunique() == len(pairs):  # noqa: PLR2004
        return False
    of_id = pairs.value_counts(sort=False).groupby(level="id").max().sum()
    of_all = pairs["value"].value_counts().max()
    return bool(of_id - of_all >= _DETERMINED * (len(pairs) - of_all) > 0)


def _add_rules(proposal: SourceProposal, sales: ObservedSales, description: str | None) -> None:
    _add_days(proposal, sales)
    _add_prices(proposal, sales)
    is_return, rule = returned_lines(sales)
    if is_return.any():
        comment = f"{n_lines(int(is_return.sum()))}; or drop, which leaves what was returned bought"
        proposal.add("returns", "policy", value="net", comment=comment)
        for key, value in rule.items():
            proposal.add("returns", key, value=value)
    is_guest, nobody = guest_lines(sales)
    if is_guest.any():
        comment = (
            f"{n_lines(int(is_guest.sum()))} ({is_guest.mean():.1%}) without a customer; or drop"
        )
        proposal.add("guests", "policy", value="anonymous", comment=comment)
        if nobody:
            proposal.add("guests", "ids", value=nobody)
    _add_odd_ids(proposal, sales, description)
    pattern = product_pattern(sales.texts("article_id"))
    if pattern:
        proposal.add("product_code", "pattern", value=pattern,
                     comment="several articles are one product")  # fmt: skip
    if "sales_channel_id" in sales.roles:
        for ours, theirs in channel_names(sales.texts("sales_channel_id")).items():
            if theirs != [ours]:
                proposal.add("channels", ours, value=theirs)


def _add_days(proposal: SourceProposal, sales: ObservedSales) -> None:
    values = sales.texts("t_dat")
    is_typed = sales.table.stored[sales.roles["t_dat"]].startswith(("timestamp", "date"))
    formats = [] if is_typed else day_formats(values.dropna())
    if formats and formats[0]:
        proposal.add("days", "format", value=formats[0], comment=_seen(values))
        if len(formats) > 1:
            proposal.unclear.append(f"days may be {' or '.join(formats)}: choose days.format")
    if has_zone(values.dropna().head(_N_EXAMPLES)):
        proposal.add("days", "zone", value="UTC", comment="of the shop")
        proposal.unclear.append("moments have a zone: set days.zone to that of the shop")
    form = formats[0] if formats and formats[0] else "ISO8601"
    days = pd.to_datetime(values, format=form, errors="coerce", utc=form == "ISO8601").dt.date
    first, last = days.min(), days.max()
    proposal.counted.append(f"days: {first} to {last}, {days.nunique():,} of them with sales")


def _add_prices(proposal: SourceProposal, sales: ObservedSales) -> None:
    if "price" not in sales.roles:
        proposal.unclear.append("no column was recognised as the price")
        return
    prices, theirs = sales.numbers("price"), sales.roles["price"]
    if is_line_total(theirs) and "units" in sales.roles:
        proposal.add("price", "of", value="line", comment=f"{theirs}; or unit")
        proposal.unclear.append(f"is {theirs} of a unit or of the whole line? (source.price.of)")
    currency = _currency(sales)
    proposal.add("price", "currency", value=currency, comment="the name shown on pages")
    if currency is None:
        proposal.unclear.append("no column names the currency: set price.currency (GBP, EUR ...)")
    is_sale = prices >= 0
    proposal.counted.append(
        f"prices: {prices[is_sale].min():,.2f} to {prices.max():,.2f}, median "
        f"{prices.median():,.2f}; {int((prices == 0).sum()):,} are 0, {int((prices < 0).sum()):,} "
        "negative"
    )
    if (prices % 1 == 0).all() and prices.median() >= 100:  # noqa: PLR2004
        proposal.unclear.append(
            "all prices are whole numbers: if they are cents, set price.divide_by: 100"
        )


def _add_odd_ids(proposal: SourceProposal, sales: ObservedSales, description: str | None) -> None:
    odd = odd_ids(sales, description)
    for one, why in odd.not_articles.items():
        proposal.add("not_articles", "ids", value=[one], comment=why)
    if odd.only_odd:
        shown = [f"{one} ({text})" if text else one for one, text in odd.only_odd.items()]
        proposal.unclear.append(
            f"ids without a digit, read as articles: {', '.join(shown[:_MOST_SHOWN])}"
            f"{' ...' if len(shown) > _MOST_SHOWN else ''}; "
            "add those that are none to source.not_articles.ids"
        )


def _currency(sales: ObservedSales) -> str | None:
    if "currency" in sales.roles:
        return str(sales.texts("currency").mode().iloc[0])
    return None
