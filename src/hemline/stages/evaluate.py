"""Stage evaluate: every row of the table on the same test week, with intervals and pictures."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from hemline import columns, tables
from hemline.data.histories import load_histories
from hemline.evaluation.protocol import (
    AP,
    ORACLE,
    SERVED,
    EvaluateParams,
    coverage,
    oracle_scores,
    recommend_in_batches,
    score_customers,
    slices,
)
from hemline.evaluation.table import as_markdown, headline, score_table
from hemline.models.cascade import ServeParams, cascade_of, load_models, served_by
from hemline.models.recommender import Recommender
from hemline.plots import plot_scores
from hemline.stages.command import InPath, OutPath, ParamsPath, run


def main(
    params: ParamsPath,
    models: InPath,
    histories: InPath,
    test: InPath,
    segments: InPath,
    customer_keys: InPath,
    scores: OutPath,
    table: OutPath,
    markdown: OutPath,
    picture: OutPath,
    bars: OutPath,
    per_customer: OutPath,
) -> None:
    """Recommend to the test week's buyers and compare with what they bought."""
    wanted, serve = EvaluateParams.load(params), ServeParams.load(params)
    fitted = load_models(models)
    rows: dict[str, Recommender] = {
        name: cascade_of(name, order, fitted) for name, order in wanted.rows.items()
    }
    rows[SERVED] = served_by(serve, fitted)
    bought = load_histories(test)
    buyers = np.flatnonzero(~bought.is_cold())
    known = load_histories(histories, tables.read_table(segments, tables.SEGMENTS)).rows(buyers)
    truth = bought.units[buyers]

    values, coverages = {}, {}
    for name, model in rows.items():
        lists = recommend_in_batches(model, known, wanted.list_length)
        values[name] = score_customers(lists.articles, truth)
        coverages[name] = coverage(lists.articles, known.n_articles)
    values[ORACLE] = oracle_scores(truth)

    lines = score_table(
        values,
        slices(known),
        n_samples=wanted.bootstrap_samples,
        rng=np.random.default_rng(wanted.seed),
    )
    scores.parent.mkdir(parents=True, exist_ok=True)
    scores.write_text(json.dumps(headline(lines, coverages), indent=1) + "\n", encoding="utf-8")
    lines.round(6).to_csv(table, index=False, lineterminator="\n")
    markdown.write_text(as_markdown(lines, coverages, _asked(wanted, serve)), encoding="utf-8")
    maps = lines[(lines["metric"] == AP) & (lines["model"] != ORACLE)]
    plot_scores(maps, AP, picture)
    everyone = maps[maps["slice"] == "all"].rename(columns={"value": AP}).round(6)
    everyone[["model", AP, "low", "high"]].to_csv(bars, index=False, lineterminator="\n")
    _write_per_customer(per_customer, buyers, customer_keys, values[SERVED])


def _asked(wanted: EvaluateParams, serve: ServeParams) -> dict[str, str]:
    asked = {name: ", ".join(order) for name, order in wanted.rows.items()}
    return asked | {SERVED: f"{', '.join(serve.warm)}; strangers: {', '.join(serve.cold)}"}


def _write_per_customer(
    path: Path, buyers: np.ndarray, customer_keys: Path, served: pd.DataFrame
) -> None:
    ids = tables.read_table(customer_keys, tables.CUSTOMER_KEYS)[columns.CUSTOMER_ID]
    scored = pd.DataFrame(
        {
            columns.CUSTOMER: buyers,
            columns.CUSTOMER_ID: ids.iloc[buyers].to_numpy(),
            "ap_at_12": served[AP].to_numpy(),
        }
    )
    tables.write_table(scored, path, tables.SERVED_SCORES)


if __name__ == "__main__":
    run(main)
