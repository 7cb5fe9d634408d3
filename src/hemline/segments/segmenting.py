"""Customers to segments at a cut: which attributes count, and the clusters they make."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from hemline import columns
from hemline.data.histories import Histories
from hemline.segments.attributes import age_band_index, customer_attributes, own_edges, varying
from hemline.segments.behaviour import Behaviour, fit_behaviour
from hemline.segments.kmodes import (
    ClusterParams,
    Segmentation,
    describe,
    elbow_curve,
    elbow_of,
    fit_clusters,
)

_FEW: Final = 2
"""With fewer attributes that vary, what customers do counts too."""


@dataclass(frozen=True)
class Past:
    """What is known at a cut. Each part is made when it is read, and only then.

    Attributes:
        histories: of all customers.
        purchases: tables.PURCHASES, the ones that the histories hold.
        articles: as tables.read_described returns them.
    """

    histories: Callable[[], Histories]
    purchases: Callable[[], pd.DataFrame]
    articles: Callable[[], pd.DataFrame]


@dataclass(frozen=True)
class Segmented:
    """The customers divided.

    Attributes:
        segmentation: assigns any customer.
        attributes: text, a row per customer: those that the clusters are built on.
        table: tables.SEGMENTS.
    """

    segmentation: Segmentation
    attributes: pd.DataFrame
    table: pd.DataFrame


def depends_on_purchases(customers: pd.DataFrame) -> bool:
    """Return whether too few attributes of the customers vary to build clusters on them alone."""
    return len(varying(customer_attributes(customers))) < _FEW


def chosen_attributes(customers: pd.DataFrame, past: Past) -> tuple[pd.DataFrame, Behaviour | None]:
    """Return the attributes that vary, and what describes customers by their histories."""
    behaviour = None
    attributes = customer_attributes(customers)
    if depends_on_purchases(customers):
        histories = past.histories()
        behaviour = fit_behaviour(histories, past.purchases(), past.articles())
        attributes = describe(customers, histories, own_edges(customers), behaviour)
    names = varying(attributes) or (columns.AGE_BAND,)
    return attributes[list(names)], behaviour


def segment_customers(customers: pd.DataFrame, past: Past, params: ClusterParams) -> Segmented:
    """Return the customers' clusters at a cut.

    Args:
        customers: as tables.read_described returns them.
        past: what is known at the cut; read only where the clusters depend on it.
        params: section `cluster`.
    """
    attributes, behaviour = chosen_attributes(customers, past)
    fitted = fit_clusters(
        attributes,
        n_clusters=_n_clusters(attributes, params),
        n_init=params.n_init,
        seed=params.seed,
    )
    clusters = replace(fitted, edges=own_edges(customers), behaviour=behaviour)
    table = pd.DataFrame(
        {
            columns.CUSTOMER: customers[columns.CUSTOMER],
            columns.CLUSTER: clusters.assign(attributes),
            columns.AGE_BAND: age_band_index(customers[columns.AGE]),
        }
    )
    return Segmented(clusters, attributes, table)


def _n_clusters(attributes: pd.DataFrame, params: ClusterParams) -> int:
    if params.n_clusters != "elbow":
        return params.n_clusters
    how = {"elbow_max": params.elbow_max, "n_init": params.n_init, "seed": params.seed}
    return elbow_of(elbow_curve(attributes, **how))


def collapsed(n_clusters: int, n_found: int) -> str:
    """Return the warning that there are fewer clusters than requested; empty if there are not.

    >>> collapsed(5, 5), collapsed(5, 1).split(":")[0]
    ('', '5 clusters were requested, 1 was found')
    """
    if n_found >= n_clusters:
        return ""
    found = "1 was found" if n_found == 1 else f"{n_found} were found"
    return (
        f"{n_clusters} clusters were requested, {found}: the customers' attributes have no more "
        "distinct combinations. Segment popularity is then close to popularity. Add attributes of "
        "the customers, or lower cluster.n_clusters in params.yaml"
    )
