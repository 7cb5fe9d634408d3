"""What a description says of single lines and values: the parts of section `source`."""

from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PositiveFloat, model_validator

from hemline.data.acquire.dialect import Part


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


class Deleted(Part):
    """Rows of a delivery that delete the earlier rows of their key: a column and its values."""

    column: str
    values: Texts


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
