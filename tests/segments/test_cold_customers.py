"""What a cold customer may be is what params.yaml allows in the tables."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hemline import columns
from hemline.data.expectations.thresholds import ValidateParams
from hemline.errors import BadInput
from hemline.segments.cold_customers import (
    ColdCustomer,
    allowed_customer,
    attributes_of,
    usual_customer,
)
from hemline.segments.kmodes import fit_clusters

USUAL = ValidateParams.load(Path("params.yaml"))


def allowing(**changes: Any) -> ValidateParams:
    known = USUAL.known_values["customers"] | changes.pop("known", {})
    update = {"known_values": {"customers": known}, **changes}
    return USUAL.model_copy(update=update)


@pytest.mark.parametrize(
    "customer",
    [
        ColdCustomer(club_member_status="GOLD"),
        ColdCustomer(fashion_news_frequency="Weekly"),
        ColdCustomer(age=13),
        ColdCustomer(age=104),
    ],
)
def test_a_value_that_params_allow_in_the_tables_is_allowed_and_no_other(
    customer: ColdCustomer,
) -> None:
    wider = allowing(
        min_age=13, max_age=110, known={columns.CLUB: ["GOLD"], columns.NEWS: ["Weekly"]}
    )
    assert allowed_customer(customer, wider) == customer
    with pytest.raises(BadInput, match=r"params\.yaml"):
        allowed_customer(customer, USUAL)


def test_a_status_that_params_no_longer_allow_is_refused_and_the_others_are_named() -> None:
    gold_only = allowing(known={columns.CLUB: ["GOLD"]})
    with pytest.raises(BadInput, match="club_member_status is one of GOLD") as refused:
        allowed_customer(ColdCustomer(club_member_status="ACTIVE"), gold_only)
    assert "validate.known_values.customers.club_member_status" in refused.value.fix


def test_a_column_without_known_values_may_hold_anything() -> None:
    free = USUAL.model_copy(update={"known_values": {}})
    customer = ColdCustomer(club_member_status="anything", fashion_news_frequency="at all")
    assert allowed_customer(customer, free) == customer


def test_values_are_spelled_as_in_the_tables() -> None:
    spelled = allowed_customer(ColdCustomer(club_member_status="pre-create"), USUAL)
    assert attributes_of(spelled)[columns.CLUB] == "PRE-CREATE"


@pytest.mark.parametrize(
    ("allowed", "example"),
    [
        (USUAL, ColdCustomer(25, "ACTIVE")),
        (allowing(min_age=30, known={columns.CLUB: ["GOLD"]}), ColdCustomer(30, "GOLD")),
        (allowing(max_age=20, known={columns.CLUB: []}), ColdCustomer(20, None)),
    ],
)
def test_the_example_is_a_customer_that_the_shop_may_have(
    allowed: ValidateParams, example: ColdCustomer
) -> None:
    assert usual_customer(allowed) == allowed_customer(example, allowed) == example


def test_a_status_that_no_customer_has_yet_is_assigned_to_a_cluster() -> None:
    of_two = [ColdCustomer(age=age, club_member_status="ACTIVE") for age in (20, 60)]
    rows = pd.DataFrame([attributes_of(one) for one in of_two])
    segmentation = fit_clusters(rows, n_clusters=2, n_init=2, seed=1)
    gold = attributes_of(ColdCustomer(age=60, club_member_status="GOLD"))
    of_sixty = segmentation.assign(rows)[1]
    assert segmentation.cluster_of(gold) == of_sixty
