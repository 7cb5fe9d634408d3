"""The rows of a score table: the cascades of evaluate.rows, and the one that is served."""

from collections.abc import Mapping, Sequence

from hemline.evaluation.protocol import SERVED, EvaluateParams
from hemline.models.cascade import cascade_of, product_numbers, served_by
from hemline.models.recommender import Recommender
from hemline.models.served_orders import ServedOrders


def build_rows(
    params: EvaluateParams,
    serve: ServedOrders | None,
    fitted: Mapping[str, Recommender],
    product_codes: Sequence[object],
) -> dict[str, Recommender]:
    """Return the cascade of every row, built from the fitted models; what is served is last.

    Args:
        params: section `evaluate`.
        serve: which models are served; None leaves out what is served.
        fitted: the models by name.
        product_codes: product code by article key.
    """
    rows: dict[str, Recommender] = {
        name: cascade_of(name, order, fitted) for name, order in params.rows.items()
    }
    if serve is None:
        return rows
    return rows | {SERVED: served_by(serve, fitted, product_numbers(product_codes))}


def describe_rows(params: EvaluateParams, served: str | None) -> dict[str, str]:
    """Return, as text, the models of each row in their order.

    Args:
        params: section `evaluate`.
        served: what serves, in words; None where it is no row.
    """
    models = {name: ", ".join(order) for name, order in params.rows.items()}
    return models if served is None else models | {SERVED: served}
