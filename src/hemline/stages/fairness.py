"""Stage fairness: what is served, audited by customer group and by article, with a page to read."""

import json
import logging
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np

from hemline import columns, tables
from hemline.data.histories import load_histories
from hemline.data.split import DataParams
from hemline.engine.engine import EngineParams, open_engine
from hemline.errors import BadInput
from hemline.evaluation.fairness.aspects import article_aspects, sales_of_articles
from hemline.evaluation.fairness.audit import Audit, FairnessParams, audit, headline
from hemline.evaluation.fairness.fairness_page import render_page
from hemline.evaluation.fairness.fairness_plots import (
    draw_composition,
    draw_exposure,
    draw_outcomes,
    draw_reranking,
)
from hemline.evaluation.fairness.fairness_text import summarise
from hemline.evaluation.fairness.groups import Buyers, group_customers
from hemline.evaluation.protocol import SERVED, EvaluateParams
from hemline.evaluation.score_rows import build_rows
from hemline.models.cascade import load_models
from hemline.models.recommender import Recommender
from hemline.models.served_orders import ServeParams
from hemline.pages.escaping import spreadsheet_safe
from hemline.segments.attributes import customer_groups
from hemline.stages.command import InPath, OutPath, ParamsPath, run

logger = logging.getLogger(__name__)


def main(
    params: ParamsPath,
    models: InPath,
    histories: InPath,
    test: InPath,
    purchases: InPath,
    segments: InPath,
    customers: InPath,
    articles: InPath,
    report: OutPath,
) -> None:
    """Recommend to the test week's buyers and compare the lists of groups of them."""
    fairness, cut = FairnessParams.load(params), DataParams.load(params).cut
    catalogue = tables.read_described(articles, tables.ARTICLES)
    served = ServeParams.load(params).orders(models)
    codes = catalogue[columns.PRODUCT_CODE].tolist()
    rows = build_rows(EvaluateParams.load(params), served, load_models(models), codes)
    audited = {name: _row(name, rows) for name in (SERVED, *fairness.rows)}
    bought = load_histories(test)
    buying = _sample(np.flatnonzero(~bought.is_cold()), fairness)
    known = load_histories(histories, tables.read_table(segments, tables.SEGMENTS)).rows(buying)
    groups = customer_groups(tables.read_described(customers, tables.CUSTOMERS)).iloc[buying]
    buyers = Buyers(
        known,
        bought.units[buying],
        group_customers(groups, known, min_group=fairness.min_group),
    )
    with open_engine(EngineParams.load(params)) as engine:
        sales = sales_of_articles(
            engine,
            purchases,
            cut=cut,
            recent_days=fairness.recent_days,
            n_articles=known.n_articles,
        )
    aspects = article_aspects(catalogue, sales, new_days=fairness.new_days)
    results = audit(audited, buyers, aspects, sales["sales"].to_numpy(np.float64), fairness)
    _write(results, fairness, report, cut)


def _row(name: str, rows: Mapping[str, Recommender]) -> Recommender:
    if name not in rows:
        raise BadInput(
            f"fairness.rows names rows of evaluate.rows ({', '.join(sorted(rows))})",
            found=name,
            fix="correct fairness.rows in params.yaml",
        )
    return rows[name]


def _sample(buyers: np.ndarray, fairness: FairnessParams) -> np.ndarray:
    rng = np.random.default_rng(fairness.seed)
    n_sampled = min(len(buyers), fairness.max_customers)
    return np.sort(rng.choice(buyers, n_sampled, replace=False))


def _write(results: Audit, fairness: FairnessParams, report: Path, cut: date) -> None:
    report.mkdir(parents=True, exist_ok=True)
    tables_by_name = {
        "groups": results.groups,
        "gaps": results.gaps,
        "exposure": results.exposure,
        "reranking": results.reranking,
    }
    for name, lines in tables_by_name.items():
        spreadsheet_safe(lines.round(6)).to_csv(
            report / f"{name}.csv", index=False, lineterminator="\n"
        )
    pictures = {
        "outcomes": draw_outcomes(results),
        "composition": draw_composition(results),
        "exposure": draw_exposure(results),
        "reranking": draw_reranking(results),
    }
    for name, picture in pictures.items():
        (report / f"{name}.png").write_bytes(picture)
    scores = json.dumps(headline(results), indent=1) + "\n"
    (report / "fairness.json").write_text(scores, encoding="utf-8")
    page = render_page(results, fairness, pictures, cut.isoformat())
    (report / "index.html").write_text(page, encoding="utf-8")
    for sentence in summarise(results, fairness).values():
        logger.info(sentence)


if __name__ == "__main__":
    run(main)
