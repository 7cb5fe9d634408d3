"""Section `source`: which of a retailer's files is which table, and which column is which of ours.

The description says how values are to be read, never what they should have been: what it does not
name is null in the tables, and rows that need a decision (returns, guests, several currencies) are
refused until the description makes it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from hemline import columns, tables
from hemline.data.acquire.location import Location, refuse_secrets
from hemline.data.acquire.source_rules import (
    Channels,
    Days,
    Deleted,
    Guests,
    Markets,
    NotArticles,
    Prices,
    ProductCode,
    Returns,
    Texts,
)
from hemline.params import Section, read_mapping

CURRENCY: Final = "currency"
LINE_TYPE: Final = "line_type"
MARKET: Final = "market"

SaleColumn = Literal[
    "t_dat", "customer_id", "article_id", "price", "units", "sales_channel_id", "basket",
    "currency", "line_type", "market",
]  # fmt: skip
"""What a line of the transactions may have."""

CustomerColumn = Literal[
    "customer_id", "FN", "Active", "club_member_status", "fashion_news_frequency", "age"
]

_MADE: Final = (
    *(columns.POSTAL_CODE, columns.UNITS, columns.CLUSTER, columns.AGE_BAND),
    *("mostly_bought", "purchase_days", "price_level", "taste", "basket_size", "new_articles"),
    *("newcomers", "repeat_share", "top_ten_share", "stranger_share", "empty_share"),
    *("buyers", "volume"),
)
"""What segments, monitor and ranker make and name: a shop's own column of that name would be it."""
_OURS: Final = {
    name.casefold()
    for schema in (tables.ARTICLES, tables.CUSTOMERS, tables.TRANSACTIONS)
    for name in (*schema.names, *_MADE)
}

Attributes = dict[str, Literal["text", "number"]]


def is_ours(name: str) -> bool:
    """Return whether Hemline uses a name itself, so that no attribute may have it."""
    return name.casefold() in _OURS


class SalesSource(Location):
    """Where the transactions lie.

    Attributes:
        columns: our name and theirs.
        key: their columns, whose values together name the rows that a delivery replaces.
        deleted: which rows of a delivery are deletions.
    """

    columns: dict[SaleColumn, str]
    key: Texts = ()
    deleted: Deleted | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if not self.is_own:
            raise ValueError("transactions have a `file` or a `url`")
        if self.deleted and not self.key:
            raise ValueError("`deleted` needs the `key` of the rows that are deleted")
        return self


class ArticleSource(Location):
    """The articles' own file, or the columns of the transactions that describe an article.

    Without `file` and `url` the transactions hold what is known.

    Attributes:
        columns: our name (of tables.ARTICLES) and theirs.
        attributes: columns to keep under their own names, with their types.
    """

    columns: dict[str, str] = Field(default_factory=dict)
    attributes: Attributes = Field(default_factory=dict)


class CustomerSource(Location):
    """The customers' own file, or the columns of the transactions that describe a customer."""

    columns: dict[CustomerColumn, str] = Field(default_factory=dict)
    attributes: Attributes = Field(default_factory=dict)


class SourceParams(Section):
    """The description of a retailer's files; empty where the data are generated or Kaggle's."""

    section: ClassVar[str] = "source"
    names_all: ClassVar[bool] = False

    transactions: SalesSource | None = None
    articles: ArticleSource = Field(default_factory=ArticleSource)
    customers: CustomerSource = Field(default_factory=CustomerSource)
    days: Days = Field(default_factory=Days)
    price: Prices = Field(default_factory=Prices)
    returns: Returns | None = None
    guests: Guests | None = None
    markets: Markets = Field(default_factory=Markets)
    not_articles: NotArticles = Field(default_factory=NotArticles)
    product_code: ProductCode | None = None
    channels: Channels = Field(default_factory=Channels)

    @classmethod
    def load(cls, path: Path, *, unnamed: Mapping[str, Any] | None = None) -> Self:
        """Return the section as `Section.load`; a password in a URL is refused and not shown."""
        refuse_secrets(read_mapping(path).get(cls.section))
        return super().load(path, unnamed=unnamed)

    @property
    def sold(self) -> SalesSource:
        """Return the description of the transactions, which is there where any is."""
        if self.transactions is None:
            raise ValueError("no source is described")
        return self.transactions

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        for problem in self._problems():
            raise ValueError(problem)
        return self

    def _problems(self) -> list[str]:
        if self.transactions is None:
            named = self.model_fields_set - {"transactions"}
            return ["a description has `transactions`"] if named else []
        sold = self.transactions.columns
        required = (columns.DAY, columns.CUSTOMER_ID, columns.ARTICLE_ID)
        problems = [f"transactions.columns names {one}" for one in required if one not in sold]
        returns = self.returns or Returns(policy="net")
        needs = (
            (returns.basket_pattern, columns.BASKET, "returns.basket_pattern"),
            (returns.types, LINE_TYPE, "returns.types"),
            (self.price.only or self.price.rates, CURRENCY, "price.only and price.rates"),
            (self.channels.store or self.channels.online, columns.CHANNEL, "channels"),
            (self.markets.only, MARKET, "markets.only"),
        )
        problems += [
            f"{key} needs transactions.columns.{column}"
            for value, column, key in needs
            if value and column not in sold
        ]
        if MARKET in sold and not self.markets.only:
            problems.append("transactions.columns.market needs markets.only: one model each")
        if self.price.only and self.price.rates:
            problems.append("price has either `only` or `rates`")
        if self.price.rates and not self.price.currency:
            problems.append("price.rates needs price.currency, which they convert to")
        return [*problems, *_wrong_tables(self)]


def _wrong_tables(source: SourceParams) -> list[str]:
    problems = []
    known = set(tables.ARTICLES.names) - {columns.ARTICLE}
    for name, table, id_name in (
        ("articles", source.articles, columns.ARTICLE_ID),
        ("customers", source.customers, columns.CUSTOMER_ID),
    ):
        named = set(map(str, table.columns))
        if table.is_own and id_name not in named:
            problems.append(f"{name}.columns names {id_name}, since {name} have a file or a url")
        if name == "articles" and (unknown := sorted(named - known)):
            problems.append(
                f"articles.columns has names of ours ({', '.join(sorted(known))}), not "
                f"{', '.join(unknown)}: keep a column of another name under attributes"
            )
        lowered = [one.casefold() for one in table.attributes]
        if clash := sorted({name for name in lowered if is_ours(name)}):
            problems.append(
                f"{name}.attributes have names that Hemline does not use itself, unlike "
                f"{', '.join(clash)}: map it under columns, or rename it in the export"
            )
        if len({*lowered}) < len(lowered):
            problems.append(f"{name}.attributes differ by more than upper and lower case")
    return problems
