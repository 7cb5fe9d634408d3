"""Section `validate` of params.yaml: what the rules about the tables allow.

It stands apart from the rules, because Great Expectations takes seconds to import: what may be
requested of a cold customer is read from here too.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from hemline import tables
from hemline.params import Section, read_mapping

Table = Literal["articles", "customers", "transactions"]

SCHEMAS: Final = {
    "articles": tables.ARTICLES,
    "customers": tables.CUSTOMERS,
    "transactions": tables.TRANSACTIONS,
}

Share = Annotated[float, Field(ge=0, le=1)]
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""Not negative: 0 is a free article, which has no price (docs/data.md)."""


def has_kaggle_ids(params: Path) -> bool:
    """Return whether acquire.source names Kaggle's files or generated data, whose ids have a form.

    The ids of another shop may be any text.
    """
    acquire = read_mapping(params).get("acquire")
    return isinstance(acquire, dict) and acquire.get("source") in {"kaggle", "synthetic"}


class ValidateParams(Section):
    """Thresholds; tables and columns are named as in tables.py."""

    section: ClassVar[str] = "validate"
    min_rows: dict[Table, NonNegativeInt]
    max_null_share: dict[Table, dict[str, Share]]
    known_values: dict[Table, dict[str, list[str | int]]]
    min_age: int
    max_age: int
    min_price: Price
    max_price: Price
    earliest_day: date
    latest_day: date
    max_missing_days: NonNegativeInt
    max_repeated_share: Share
    max_units: PositiveInt

    @model_validator(mode="after")
    def _columns_exist_and_ranges_are_not_empty(self) -> Self:
        for low, high in (
            ("min_age", "max_age"),
            ("min_price", "max_price"),
            ("earliest_day", "latest_day"),
        ):
            if getattr(self, low) > getattr(self, high):
                raise ValueError(f"{low} lies after {high}: no row could keep the rule")
        for thresholds in (self.max_null_share, self.known_values):
            for table, by_column in thresholds.items():
                unknown = [name for name in by_column if name not in SCHEMAS[table].names]
                if unknown:
                    raise ValueError(f"{table} has no column {', '.join(unknown)}")
        return self
