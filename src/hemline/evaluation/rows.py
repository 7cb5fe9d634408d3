"""The rows of a score table: the cascades params.yaml lists, and what is served."""

from collections.abc import Mapping

from hemline.evaluation.protocol import SERVED, EvaluateParams
from hemline.models.cascade import ServeParams, cascade_of, served_by
from hemline.models.recommender import Recommender


def rows_of(
    wanted: EvaluateParams, serve: ServeParams | None, fitted: Mapping[str, Recommender]
) -> dict[str, Recommender]:
    """Return every row of the table put together from the fitted models, what is served last."""
    rows: dict[str, Recommender] = {
        name: cascade_of(name, order, fitted) for name, order in wanted.rows.items()
    }
    return rows if serve is None else rows | {SERVED: served_by(serve, fitted)}


def asked_by_row(wanted: EvaluateParams, serve: ServeParams | None) -> dict[str, str]:
    """Return, for people, which models each row asks in which order."""
    asked = {name: ", ".join(order) for name, order in wanted.rows.items()}
    if serve is None:
        return asked
    return asked | {SERVED: f"{', '.join(serve.warm)}; strangers: {', '.join(serve.cold)}"}
