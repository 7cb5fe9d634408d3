"""Section `source`: which of a retailer's files is which table, and which column is which of ours.

The description says how values are to be read, never what they should have been: what it does not
name is null in the tables, and rows that need a decision (returns, guests, several currencies) are
refused until the description makes it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PositiveFloat, model_validator

from hemline import columns, tables
from hemline.data.acquire.dialect import Part
from hemline.data.acquire.location import Location, refuse_secrets
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

_OURS: Final = {
    name.casefold()
    for schema in (tables.ARTICLES, tables.CUSTOMERS, tables.TRANSACTIONS)
    for name in (*schema.names, columns.POSTAL_CODE, columns.UNITS, columns.CLUSTER)
}


def _as_texts(values: Any) -> Any:
    """Return the values as text: an id of digits is a number in YAML."""
    if isinstance(values, list | tuple):
        return tuple(str(one) if isinstance(one, int) else one for one in values)
    return values


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError("a time zone by its name: Europe/London, UTC") from None
    return name


def _pattern(text: str) -> str:
    import pyarrow as pa  # noqa: PLC0415  (only where a pattern is given)
    import pyarrow.compute as pc  # noqa: PLC0415

    try:
        pc.match_substring_regex(pa.array([""]), text)
    except pa.ArrowInvalid as error:
        raise ValueError(f"a regular expression (RE2): {error}") from None
    return text


Texts = Annotated[tuple[str, ...], BeforeValidator(_as_texts)]
Zone = Annotated[str, AfterValidator(_zone)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Attributes = dict[str, Literal["text", "number"]]


class Deleted(Part):
    """Rows of a delivery that delete the earlier rows of their key: a column and its values."""

    column: str
    values: Texts


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


class Days(Part):
    """How a day is written.

    Attributes:
        format: as in `strftime`; null: ISO 8601, a day or a time.
        zone: of the shop. Moments with a zone of their own become days of it.
        stored_in: zone of times that are written without one; null: that of the shop.
    """

    format: str | None = None
    zone: Zone | None = None
    stored_in: Zone | None = None


class Prices(Part):
    """What the number in the price column is.

    Attributes:
        of: the price of a unit, or of the whole line.
        divide_by: 100 for prices in cents or pence.
        currency: name shown on pages.
        only: the one currency of the currency column whose lines are read.
        rates: what one unit of each currency of that column is worth in `currency`.
    """

    of: Literal["unit", "line"] = "unit"
    divide_by: PositiveFloat = 1.0
    currency: str | None = None
    only: str | None = None
    rates: dict[str, PositiveFloat] = Field(default_factory=dict)


class Returns(Part):
    """Lines that take something back; negative units always do.

    Attributes:
        policy: net: a return takes back the customer's latest earlier units of the article;
            drop: returns are left out, and what was returned counts as bought.
        basket_pattern: of the baskets that are cancelled.
        types: values of line_type that are returns.
    """

    policy: Literal["net", "drop"]
    basket_pattern: Pattern | None = None
    types: Texts = ()


class Guests(Part):
    """Lines without a customer.

    Attributes:
        policy: anonymous: into guest_sales.parquet; drop: left out.
        ids: values of customer_id that stand for nobody, besides nothing.
    """

    policy: Literal["anonymous", "drop"]
    ids: Texts = ()


class Markets(Part):
    """Which of the markets in the files this shop is; the lines of the others are left out.

    Attributes:
        only: values of the column market.
    """

    only: Texts = ()


class NotArticles(Part):
    """Article ids that are no products: postage, discounts, bank charges."""

    ids: Texts = ()
    pattern: Pattern | None = None


class ProductCode(Part):
    """A pattern whose first group is the product of an article_id; without one it is the id."""

    pattern: Pattern

    @model_validator(mode="after")
    def _has_a_group(self) -> Self:
        import re  # noqa: PLC0415  (only where a pattern is given)

        if re.compile(self.pattern).groups < 1:
            raise ValueError(r"the product is the first group of the pattern: '^(\d{5})'")
        return self


class Channels(Part):
    """Names of the two channels that Hemline knows; other names stay as they are."""

    store: Texts = ()
    online: Texts = ()


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
        if clash := sorted({*lowered} & _OURS):
            problems.append(
                f"{name}.attributes have names that Hemline does not use itself, unlike "
                f"{', '.join(clash)}: map it under columns, or rename it in the export"
            )
        if len({*lowered}) < len(lowered):
            problems.append(f"{name}.attributes differ by more than upper and lower case")
    return problems
