"""Stage evaluate: every row of the score table on the same test week, with intervals and plots."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from hemline import columns, tables
from hemline.data.histories import load_histories
from hemline.data.split import DataParams
from hemline.evaluation.held_out_week import (
    SCORED_LISTS,
    buyers_of,
    hold_out,
    lists_of,
    score_all_lists,
    score_lists,
    slices,
    with_oracle,
)
from hemline.evaluation.protocol import AP, BASELINE, ORACLE, SERVED, EvaluateParams
from hemline.evaluation.score_report import ScorePage, as_markdown
from hemline.evaluation.score_rows import build_rows, describe_rows
from hemline.evaluation.score_table import headline, score_table
from hemline.models.cascade import load_models
from hemline.models.served_orders import ServeParams
from hemline.plots import plot_scores
from hemline.segments.kmodes import ClusterParams
from hemline.segments.segmenting import collapsed
from hemline.stages.command import InPath, OutPath, ParamsPath, run


def main(
    params: ParamsPath,
    models: InPath,
    histories: InPath,
    test: InPath,
    segments: InPath,
    articles: InPath,
    customers: InPath,
    customer_keys: InPath,
    scores: OutPath,
    table: OutPath,
    markdown: OutPath,
    picture: OutPath,
    bars: OutPath,
    per_customer: OutPath,
    served: OutPath,
) -> None:
    """Recommend to the test week's buyers and compare with what they bought."""
    evaluation, serve = EvaluateParams.load(params), ServeParams.load(params).orders(models)
    segment_of = tables.read_table(segments, tables.SEGMENTS)
    catalogue = tables.read_described(articles, tables.ARTICLES)
    week = hold_out(
        DataParams.load(params).cut,
        load_histories(histories, segment_of),
        load_histories(test),
        catalogue,
        evaluation,
    )
    codes = catalogue[columns.PRODUCT_CODE].tolist()
    rows = build_rows(evaluation, serve, load_models(models), codes)
    lists = with_oracle(lists_of(rows, week.known, evaluation.list_length), week)
    of_lists, scored = score_all_lists(lists, week), score_lists(lists, week)
    people = tables.read_described(customers, tables.CUSTOMERS)
    lines = score_table(
        scored,
        slices(buyers_of(scored), segment_of, people),
        (BASELINE, SERVED),
        n_samples=evaluation.bootstrap_samples,
        n_flips=evaluation.sign_flips,
        rng=np.random.default_rng(evaluation.seed),
    )
    tables.write_table(scored, per_customer, SCORED_LISTS)
    _write_served(scored, tables.read_table(customer_keys, tables.CUSTOMER_KEYS), served)
    scores.write_text(json.dumps(headline(lines, of_lists), indent=1) + "\n", encoding="utf-8")
    lines.round(6).to_csv(table, index=False, lineterminator="\n")
    page = ScorePage(
        lines,
        of_lists,
        describe_rows(evaluation, serve.text),
        "the test week",
        evaluation.min_customers,
        week.assortment.n_attributes,
        serve.reasons,
        _warnings(ClusterParams.load(params).least_clusters, segment_of),
    )
    markdown.write_text(as_markdown(page), encoding="utf-8")
    maps = lines[(lines["metric"] == AP) & (lines["model"] != ORACLE)]
    plot_scores(maps, AP, picture, min_customers=evaluation.min_customers)
    everyone = maps[maps["slice"] == "all"].rename(columns={"value": AP}).round(6)
    everyone[["model", AP, "low", "high"]].to_csv(bars, index=False, lineterminator="\n")


def _warnings(n_clusters: int, segments: pd.DataFrame) -> list[str]:
    warning = collapsed(n_clusters, segments[columns.CLUSTER].nunique())
    return [warning] if warning else []


def _write_served(scored: pd.DataFrame, keys: pd.DataFrame, path: Path) -> None:
    buyers = buyers_of(scored, SERVED)
    ids = keys[columns.CUSTOMER_ID].to_numpy()[buyers[columns.CUSTOMER]]
    lines = {columns.CUSTOMER: buyers[columns.CUSTOMER], columns.CUSTOMER_ID: ids}
    tables.write_table(pd.DataFrame(lines | {"ap_at_12": buyers[AP]}), path, tables.SERVED_SCORES)


if __name__ == "__main__":
    run(main)
