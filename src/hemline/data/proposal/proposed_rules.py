"""What the rows of a sales table need a decision about: returns, guests, what is no article."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pandas as pd

from hemline.data.proposal.looked_at import LookedAt
from hemline.data.proposal.numbers import numbers_of

_RETURN: Final = r"return|refund|cancel|credit|retour|storno|gutschrift|devol|reso"
_NOBODY: Final = r"^(0+|-1|guest|gast|anonym\w*|unknown|unbekannt|none|n/?a|walk.?in)$"
_NO_ARTICLE: Final = (
    r"postage|carriage$|shipping|delivery|versand|\bporto\b|\bfees?\b|discount|rabatt|voucher|"
    r"gutschein|bank charge|commission|adjust|^manual$|\btest\b|^samples?$|bad debt|deposit|pfand"
)
_MOST_PREFIX: Final = 3
_SHARE_OF_GUEST: Final = 0.02
_MOST_IDS: Final = 60
_ENOUGH: Final = 0.05
_STORE: Final = r"^(store|shop|filiale|laden|retail|pos|offline|in.?store|tienda|magasin|butik)"
_ONLINE: Final = r"^(online|web|internet|e.?(shop|com|commerce)|www|app|mobile)"


@dataclass(frozen=True)
class ObservedSales:
    """The sales by our names: a table and the role of its columns."""

    table: LookedAt
    roles: dict[str, str]

    def texts(self, name: str) -> "pd.Series[str]":
        """Return a column by our name."""
        column: pd.Series[str] = self.table.rows[self.roles[name]]
        return column

    def numbers(self, name: str) -> "pd.Series[float]":
        """Return a column by our name as numbers."""
        return numbers_of(self.texts(name), self.table.dialect)


def returned_lines(sales: ObservedSales) -> tuple["pd.Series[bool]", dict[str, object]]:
    """Return which lines take something back, and the rule that names them."""
    is_return = pd.Series(False, index=sales.table.rows.index)
    rule: dict[str, object] = {}
    if "units" in sales.roles:
        is_return |= sales.numbers("units") < 0
    if "basket" in sales.roles and is_return.any():
        prefix = _cancelled_prefix(sales.texts("basket"), is_return)
        if prefix:
            rule["basket_pattern"] = f"^{re.escape(prefix)}"
            is_return |= sales.texts("basket").str.startswith(prefix).fillna(False)
    if "line_type" in sales.roles:
        types = sales.texts("line_type").dropna().unique()
        named = sorted(one for one in types if re.search(_RETURN, one, re.IGNORECASE))
        if named:
            rule["types"] = named
            is_return |= sales.texts("line_type").isin(named)
    return is_return, rule


def _cancelled_prefix(baskets: "pd.Series[str]", is_return: "pd.Series[bool]") -> str:
    """Return the letters before the number that returned baskets have and others do not."""
    letters = baskets.str.extract(r"^([A-Za-z]+)[\W_]?\d", expand=False)
    of_returns, of_sales = letters[is_return].dropna(), letters[~is_return].dropna()
    for prefix, n_lines in of_returns.value_counts().items():
        n_sold = int((of_sales == prefix).sum())
        if len(str(prefix)) <= _MOST_PREFIX and n_sold < n_lines / 100:
            return str(prefix)
    return ""


def guest_lines(sales: ObservedSales) -> tuple["pd.Series[bool]", list[str]]:
    """Return which lines have no customer, and the values that stand for nobody."""
    customers = sales.texts("customer_id")
    shares = customers.value_counts(normalize=True)
    named = [
        str(one)
        for one, share in shares.items()
        if share > _SHARE_OF_GUEST and re.match(_NOBODY, str(one), re.IGNORECASE)
    ]
    return customers.isna() | customers.isin(named), sorted(named)


@dataclass(frozen=True)
class OddIds:
    """Ids of articles that look unlike the others.

    Attributes:
        not_articles: why an id seems to be no article, by id, the most frequent first.
        only_odd: descriptions by id, of ids that have no digit but sell like articles.
    """

    not_articles: dict[str, str]
    only_odd: dict[str, str]


def odd_ids(sales: ObservedSales, description: str | None) -> OddIds:
    """Return the ids that seem to be no articles, and those that only look odd.

    An id without a digit among ids with digits is not enough: a party bag may be called PARTYBAG.
    Its description, the id itself or a negative price has to say what it is.
    """
    ids = sales.texts("article_id")
    counts = ids.value_counts()
    texts = _most_frequent(ids, sales.table.rows[description]) if description else {}
    negative = set()
    if "price" in sales.roles:
        negative = set(ids[sales.numbers("price") < 0].dropna())
    with_digits = counts[counts.index.str.contains(r"\d")].sum()
    has_digits = with_digits > (1 - _ENOUGH) * counts.sum()
    reasons, only_odd = {}, {}
    for one in map(str, counts.index):
        known = texts.get(one)
        text = known if isinstance(known, str) else ""
        why = list(_reasons(one, text, negative))
        has_no_digit = bool(has_digits) and not re.search(r"\d", one)
        if why:
            why = ["no digit", *why] if has_no_digit else why
            reasons[one] = f"{n_lines(counts[one])}, {', '.join(why)}: {text}".rstrip(": ")
        elif has_no_digit:
            only_odd[one] = text
    return OddIds(*(dict(list(ids.items())[:_MOST_IDS]) for ids in (reasons, only_odd)))


def n_lines(number: int) -> str:
    """Return a number of lines in words.

    >>> n_lines(1), n_lines(2000)
    ('1 line', '2,000 lines')
    """
    return "1 line" if number == 1 else f"{number:,} lines"


def _reasons(one: str, text: str, negative: set[str]) -> Iterator[str]:
    """Yield why an id seems to be no article."""
    if one in negative:
        yield "a negative price"
    if re.search(_NO_ARTICLE, text, re.IGNORECASE):
        yield "its description"
    elif re.search(_NO_ARTICLE, one, re.IGNORECASE):
        yield "its id"


def _most_frequent(ids: "pd.Series[str]", texts: "pd.Series[str]") -> dict[str, str]:
    """Return the most frequent text by id."""
    counts = pd.DataFrame({"one": ids, "text": texts}).value_counts().reset_index()
    first = counts.drop_duplicates("one")
    return dict(zip(first["one"], first["text"], strict=True))


def product_pattern(ids: "pd.Series[str]") -> str | None:
    r"""Return a pattern by which several articles are one product, if ids are written so.

    >>> print(product_pattern(pd.Series(["85123A", "85123B", "79323P", "22041"])))
    ^(\d+)
    """
    distinct = pd.Series(ids.dropna().unique())
    for pattern in (r"^(\d{3,})[A-Za-z]{1,2}$", r"^([^-_./]{2,})[-_./].+$"):
        matched = distinct.str.extract(pattern, expand=False).dropna()
        if len(matched) >= _ENOUGH * len(distinct) and matched.duplicated().any():
            return r"^(\d+)" if "A-Z" in pattern else "^([^-_./]+)"
    return None


def channel_names(names: "pd.Series[str]") -> dict[str, list[str]]:
    """Return which names are a store's and which are online."""
    distinct = sorted(names.dropna().unique())
    found = {
        ours: [one for one in distinct if re.search(pattern, one, re.IGNORECASE)]
        for ours, pattern in (("store", _STORE), ("online", _ONLINE))
    }
    return {ours: theirs for ours, theirs in found.items() if theirs}
