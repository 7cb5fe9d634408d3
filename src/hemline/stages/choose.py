"""Stage choose: what past weeks scored to the orders of models that serve, with the evidence."""

import logging

from hemline import tables
from hemline.evaluation.order_choice import choose_served
from hemline.evaluation.served_candidates import PAST_SCORES, ChooseParams
from hemline.models.served_orders import ServeParams, save_chosen
from hemline.stages.command import InPath, OutPath, ParamsPath, run

logger = logging.getLogger(__name__)


def main(params: ParamsPath, past_scores: InPath, model: OutPath, report: OutPath) -> None:
    """Compare the orders with popularity alone, each kind of customers for itself."""
    scores = tables.read_table(past_scores, PAST_SCORES)
    orders, lines = choose_served(scores, ServeParams.load(params), ChooseParams.load(params))
    save_chosen(model, orders)
    for reason in orders.reasons:
        logger.info(reason)
    report.parent.mkdir(parents=True, exist_ok=True)
    lines.round(6).to_csv(report, index=False, lineterminator="\n")


if __name__ == "__main__":
    run(main)
