"""Stage cluster: customers to k-modes clusters, their profiles and the elbow curve."""

import json
import logging
from datetime import date
from functools import partial
from pathlib import Path

import pandas as pd

from hemline import columns, tables
from hemline.data.histories import load_histories
from hemline.data.split import DataParams, weeks_of
from hemline.plots import plot_elbow
from hemline.segments.kmodes import ClusterParams, describe_clusters, elbow_curve
from hemline.segments.segmenting import (
    Past,
    collapsed,
    depends_on_purchases,
    segment_customers,
)
from hemline.stages.command import InPath, OutPath, ParamsPath, run

logger = logging.getLogger(__name__)


def main(
    params: ParamsPath,
    customers: InPath,
    articles: InPath,
    prepared: InPath,
    model: OutPath,
    segments: OutPath,
    fit_segments: OutPath,
    elbow: OutPath,
    elbow_picture: OutPath,
    profiles: OutPath,
) -> None:
    """Fit the clusters, give every customer one, and describe them.

    Segments for the validation week are fitted without that week, where they depend on purchases.
    """
    cluster_params, weeks = ClusterParams.load(params), weeks_of(DataParams.load(params))
    people = tables.read_described(customers, tables.CUSTOMERS)
    past_at = partial(_past, articles, prepared)
    segmented = segment_customers(people, past_at("histories", weeks.cut), cluster_params)
    attributes, fitted = segmented.attributes, segmented.segmentation
    curve = elbow_curve(
        attributes,
        elbow_max=cluster_params.elbow_max,
        n_init=cluster_params.n_init,
        seed=cluster_params.seed,
    )
    model.mkdir(parents=True, exist_ok=True)
    fitted.save(model)
    tables.write_table(segmented.table, segments, tables.SEGMENTS)
    before = segmented.table
    if depends_on_purchases(people):
        past = past_at("fit_histories", weeks.validation_start)
        before = segment_customers(people, past, cluster_params).table
    tables.write_table(before, fit_segments, tables.SEGMENTS)
    elbow.parent.mkdir(parents=True, exist_ok=True)
    curve.to_csv(elbow, index=False)
    plot_elbow(curve, len(fitted.modes), elbow_picture)
    assigned = segmented.table[columns.CLUSTER].to_numpy()
    described = describe_clusters(attributes, assigned, len(fitted.modes))
    profiles.write_text(_as_json(described), encoding="utf-8")
    logger.info("%d clusters are built on %s", len(fitted.modes), ", ".join(fitted.attributes))
    warning = collapsed(cluster_params.least_clusters, len(set(assigned.tolist())))
    if warning:
        logger.warning(warning)


def _past(articles: Path, prepared: Path, histories: str, end: date) -> Past:
    """Return what is known at a cut, from the files of stage prepare."""

    def purchases() -> pd.DataFrame:
        bought = tables.read_table(prepared / "purchases.parquet", tables.PURCHASES)
        return bought[bought[columns.DAY].to_numpy("datetime64[D]") < end]

    return Past(
        lambda: load_histories(prepared / f"{histories}.npz"),
        purchases,
        lambda: tables.read_described(articles, tables.ARTICLES),
    )


def _as_json(described: list[dict[str, object]]) -> str:
    return json.dumps(described, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    run(main)
