from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hemline import columns
from hemline.segments.attributes import AGE_BANDS, age_band_index, customer_attributes
from hemline.segments.kmodes import (
    ClusterParams,
    Segmentation,
    describe_clusters,
    elbow_curve,
    elbow_of,
    fit_clusters,
)
from hemline.segments.segmenting import Past, segment_customers

CUSTOMERS = pd.DataFrame(
    {
        "age": [18, 19, 70, 71, 72, None],
        "club_member_status": ["ACTIVE", "ACTIVE", "PRE-CREATE", "PRE-CREATE", None, "ACTIVE"],
        "fashion_news_frequency": ["NONE", "NONE", "Regularly", "Regularly", "Regularly", "NONE"],
        "FN": [0, 0, 1, 1, 1, None],
        "Active": [0, 0, 1, 1, 1, 0],
    }
)


def test_missing_values_are_a_category() -> None:
    attributes = customer_attributes(CUSTOMERS)
    assert attributes["age_band"].tolist()[-1] == "unknown"
    assert attributes["club_member_status"].iloc[4] == "unknown"
    assert attributes["FN"].tolist() == ["no", "no", "yes", "yes", "yes", "no"]


def test_every_age_has_the_band_that_names_it() -> None:
    ages = np.arange(16, 100)
    bands = age_band_index(pd.Series(ages))
    for age, band in zip(ages, bands, strict=True):
        low, _, high = AGE_BANDS[band].rstrip("+").partition("-")
        assert int(low) <= age <= int(high or 200)


def test_two_kinds_of_customers_are_two_clusters_the_larger_first() -> None:
    attributes = pd.concat([customer_attributes(CUSTOMERS.iloc[:5])] * 3, ignore_index=True)
    clusters = fit_clusters(attributes, n_clusters=2, n_init=20, seed=1)
    assert clusters.assign(attributes).tolist() == [1, 1, 0, 0, 0] * 3


def test_weighted_combinations_cost_what_all_rows_cost() -> None:
    attributes = pd.concat([customer_attributes(CUSTOMERS)] * 4, ignore_index=True)
    clusters = fit_clusters(attributes, n_clusters=2, n_init=20, seed=1)
    modes = clusters.modes[clusters.assign(attributes)]
    unlike = (attributes[list(clusters.attributes)].to_numpy(str) != modes).sum()
    assert clusters.cost == unlike


def test_the_elbow_falls_to_zero_when_every_combination_is_a_cluster() -> None:
    attributes = customer_attributes(CUSTOMERS)
    n_combinations = len(attributes.drop_duplicates())
    costs = elbow_curve(attributes, elbow_max=n_combinations + 2, n_init=50, seed=1)["cost"]
    assert (np.diff(costs) <= 0).all()
    assert (costs.iloc[n_combinations - 1 :] == 0).all()


def test_a_saved_segmentation_gives_other_customers_the_same_cluster(tmp_path: Path) -> None:
    attributes = customer_attributes(CUSTOMERS)
    clusters = fit_clusters(attributes, n_clusters=3, n_init=10, seed=1)
    clusters.save(tmp_path)
    loaded = Segmentation.load(tmp_path)
    assert loaded.assign(attributes).tolist() == clusters.assign(attributes).tolist()


def test_profiles_give_the_size_and_the_most_frequent_attributes() -> None:
    attributes = customer_attributes(CUSTOMERS)
    assigned = np.array([0, 0, 1, 1, 1, 0], np.int8)
    young, old = describe_clusters(attributes, assigned, 2)
    assert (young["customers"], old["share"]) == (3, 0.5)
    assert "fashion_news_frequency Regularly (100%, all customers 50%)" in str(old["in_words"])


@pytest.mark.parametrize("n_kinds", [2, 3, 4])
def test_the_elbow_is_the_number_of_kinds_of_customers(n_kinds: int) -> None:
    kinds = [
        (18 + 17 * kind, str(kind), ("NONE", "Regularly", "Monthly", "MAYBE")[kind], kind % 2)
        for kind in range(n_kinds)
    ]
    names = ["age", "club_member_status", "fashion_news_frequency", "FN"]
    people = pd.DataFrame(kinds * 6, columns=names).assign(Active=0.0)
    people.loc[0, "Active"] = 1.0  # one of them differs a little
    people[columns.CUSTOMER] = np.arange(len(people), dtype=np.int32)
    params = ClusterParams(n_clusters="elbow", elbow_max=8, n_init=30, seed=1)
    segmented = segment_customers(people, Past(unread, unread, unread), params)
    assert len(segmented.segmentation.modes) == n_kinds
    assert segmented.table[columns.CLUSTER].nunique() == n_kinds
    assert (params.least_clusters, params.most_clusters) == (2, 8)


def test_a_curve_that_does_not_fall_has_its_elbow_at_one() -> None:
    assert elbow_of(pd.DataFrame({"n_clusters": [1, 2, 3], "cost": [4.0, 4.0, 4.0]})) == 1
    assert elbow_of(pd.DataFrame({"n_clusters": [1], "cost": [4.0]})) == 1


def unread() -> Any:
    raise AssertionError("attributes of the customers are enough")
