"""The rows of a score table: the cascades of evaluate.rows, and the one that is served."""

from collections.abc import Mapping

from hemline.evaluation.protocol import SERVED, EvaluateParams
from hemline.models.cascade import ServeParams, cascade_of, served_by
from hemline.models.recommender import Recommender


def build_rows(
    params: EvaluateParams, serve: ServeParams | None, fitted: Mapping[str, Recommender]
) -> dict[str, Recommender]:
    """Return the cascade of every row, built from the fitted models; what is served is last."""
    rows: dict[str, Recommender] = {
        name: cascade_of(name, order, fitted) for name, order in params.rows.items()
    }
    return rows if serve is None else rows | {SERVED: served_by(serve, fitted)}


def describe_rows(params: EvaluateParams, serve: ServeParams | None) -> dict[str, str]:
    """Return, as text, the models of each row in their order."""
    models = {name: ", ".join(order) for name, order in params.rows.items()}
    if serve is None:
        return models
    cold = f"cold customers: {', '.join(serve.cold)}"
    return models | {SERVED: f"{', '.join(serve.warm)}; {cold}"}
