"""A cold customer as a row of customers: no purchases, and whatever attributes are known.

What an attribute may be is what section `validate` of params.yaml allows in customers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hemline import columns
from hemline.data.article_attributes import MISSING
from hemline.data.expectations.thresholds import ValidateParams
from hemline.errors import BadInput
from hemline.segments.attributes import AGE_BANDS, age_band_of


@dataclass(frozen=True)
class ColdCustomer:
    """Attributes of a customer who has bought nothing yet; all of them optional."""

    age: int | None = None
    club_member_status: str | None = None
    fashion_news_frequency: str | None = None
    fn: bool = False
    active: bool = False


def allowed_customer(customer: ColdCustomer, allowed: ValidateParams) -> ColdCustomer:
    """Return the customer with values spelled as in the tables.

    A column without known_values may hold any value, as in the tables.

    Raises:
        BadInput: the tables may not hold an attribute's value.
    """
    if customer.age is not None and not allowed.min_age <= customer.age <= allowed.max_age:
        raise BadInput(
            f"an age lies between {allowed.min_age} and {allowed.max_age}",
            found=str(customer.age),
            fix="correct it, or leave it out; validate.min_age and max_age in params.yaml "
            "allow others from the next training on",
        )
    return replace(
        customer,
        club_member_status=_spelled(columns.CLUB, customer.club_member_status, allowed),
        fashion_news_frequency=_spelled(columns.NEWS, customer.fashion_news_frequency, allowed),
    )


def usual_customer(allowed: ValidateParams) -> ColdCustomer:
    """Return a customer as an example: aged 25 and an active member, where these are allowed."""
    statuses = _known(columns.CLUB, allowed)
    return ColdCustomer(
        age=min(max(25, allowed.min_age), allowed.max_age),
        club_member_status="ACTIVE" if "ACTIVE" in statuses else next(iter(statuses), None),
    )


def attributes_of(customer: ColdCustomer) -> dict[str, str]:
    """Return what `attributes.customer_attributes` makes of such a customer."""
    band = -1 if customer.age is None else age_band_of(customer.age)
    return {
        columns.AGE_BAND: MISSING if band < 0 else AGE_BANDS[band],
        columns.CLUB: _or_missing(customer.club_member_status),
        columns.NEWS: _or_missing(customer.fashion_news_frequency),
        columns.FN: "yes" if customer.fn else "no",
        columns.ACTIVE: "yes" if customer.active else "no",
    }


def _or_missing(value: str | None) -> str:
    return MISSING if value is None else value


def _spelled(name: str, value: str | None, allowed: ValidateParams) -> str | None:
    values = _known(name, allowed)
    if value is None or not values:
        return value
    for known in values:
        if known.casefold() == value.casefold():
            return known
    raise BadInput(
        f"{name} is one of {', '.join(values)}",
        found=repr(value),
        fix=f"use one of them, or leave it out; validate.known_values.customers.{name} in "
        "params.yaml allows others from the next training on",
    )


def _known(name: str, allowed: ValidateParams) -> Sequence[str]:
    return [str(value) for value in allowed.known_values.get("customers", {}).get(name, [])]
