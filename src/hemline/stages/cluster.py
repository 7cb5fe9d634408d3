"""Stage cluster: customers' attributes to k-modes clusters, their profiles and the elbow curve."""

import json

import pandas as pd

from hemline import columns, tables
from hemline.plots import plot_elbow
from hemline.segments.attributes import age_band_index, customer_attributes
from hemline.segments.kmodes import ClusterParams, describe_clusters, elbow_curve, fit_clusters
from hemline.stages.command import InPath, OutPath, ParamsPath, run


def main(
    params: ParamsPath,
    customers: InPath,
    model: OutPath,
    segments: OutPath,
    elbow: OutPath,
    elbow_picture: OutPath,
    profiles: OutPath,
) -> None:
    """Fit the clusters, give every customer one, and describe them."""
    cluster_params = ClusterParams.load(params)
    people = tables.read_table(customers, tables.CUSTOMERS)
    attributes = customer_attributes(people)
    curve = elbow_curve(
        attributes,
        elbow_max=cluster_params.elbow_max,
        n_init=cluster_params.n_init,
        seed=cluster_params.seed,
    )
    clusters = fit_clusters(
        attributes,
        n_clusters=cluster_params.n_clusters,
        n_init=cluster_params.n_init,
        seed=cluster_params.seed,
    )
    assigned = clusters.assign(attributes)

    model.mkdir(parents=True, exist_ok=True)
    clusters.save(model)
    segment_of = pd.DataFrame(
        {
            columns.CUSTOMER: people[columns.CUSTOMER],
            columns.CLUSTER: assigned,
            columns.AGE_BAND: age_band_index(people[columns.AGE]),
        }
    )
    tables.write_table(segment_of, segments, tables.SEGMENTS)
    elbow.parent.mkdir(parents=True, exist_ok=True)
    curve.to_csv(elbow, index=False)
    plot_elbow(curve, cluster_params.n_clusters, elbow_picture)
    described = describe_clusters(attributes, assigned, len(clusters.modes))
    profiles.write_text(_as_json(described), encoding="utf-8")


def _as_json(described: list[dict[str, object]]) -> str:
    return json.dumps(described, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    run(main)
