"""The expected spend of the coming weeks as a page, numbers, a picture and a table of customers.

The picture is drawn here and not in hemline.plots: pipeline stages depend on that module, so a
change of it would make them stale.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hemline import columns
from hemline.evaluation.score_report import grid
from hemline.experiments.value_forecast import (
    LEAST_PERIODS,
    ClusterValue,
    HeldOutPeriod,
    ValueForecast,
)
from hemline.files import replaced_file, write_text
from hemline.pages.escaping import escape_markdown
from hemline.tables import write_table

if TYPE_CHECKING:
    import pandas as pd

    from hemline.experiments.customer_value import CalibrationRow

Values = npt.NDArray[np.float64]

_Z: Final = 1.96
_ABOUT: Final = (
    "An estimate of a model (BG/NBD for visits, Gamma-Gamma for what a visit brings), of customers "
    "who bought before; what new customers will spend is not in it. Spend is in the unit of the "
    "transactions' prices."
)
_ABOUT_ERRORS: Final = (
    "The model was fitted on what was known on the first of these days. The naive mean is what "
    "customers spent on average in as many weeks before. Errors and total are in units of the "
    "observed mean; a total of 1 is right."
)
_PAGE, _NUMBERS, _PICTURE = "customer_value.md", "customer_value.json", "customer_value.png"
_CUSTOMERS: Final = "customer_value.parquet"
_BY_CUSTOMER: Final = pa.schema(
    [
        (columns.CUSTOMER_ID, pa.string()),
        (columns.CLUSTER, pa.string()),
        ("expected_visits", pa.float64()),
        ("expected_spend", pa.float64()),
    ]
)
_NO_PORTRAITS: Final = (
    "Descriptions are missing: `data/segments/profiles.json` is not there (`hemline train`)."
)


def write_value(
    found: ValueForecast, folder: Path, customer_ids: "pd.Series[str]", portraits: Mapping[str, str]
) -> Path:
    """Write customer_value.md, .json, .png and .parquet into the folder, and return the page.

    Args:
        found: the forecast.
        folder: of the reports.
        customer_ids: by key of a customer.
        portraits: who the customers of a cluster are, in words, by its name.
    """
    write_text(folder / _NUMBERS, json.dumps(_numbers(found), indent=1) + "\n")
    _draw(found, folder / _PICTURE)
    write_table(customers_table(found, customer_ids), folder / _CUSTOMERS, _BY_CUSTOMER)
    write_text(folder / _PAGE, as_value_page(found, portraits))
    return folder / _PAGE


def customers_table(found: ValueForecast, customer_ids: "pd.Series[str]") -> pa.Table:
    """Return one row per customer who bought before, in the order of their keys."""
    each = found.customers
    ids = customer_ids.reindex(each.customer).to_numpy(object)
    return pa.table([ids, each.clusters, each.visits, each.spend], schema=_BY_CUSTOMER)


def portraits_of(profiles: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return who the customers of each cluster are, in words, by the cluster's name.

    Args:
        profiles: as stage cluster writes them.
    """
    return {f"cluster {each['cluster']}": str(each["in_words"]) for each in profiles}


def value_lines(found: ValueForecast) -> list[dict[str, str]]:
    """Return one line per cluster as texts, and one of all customers last."""
    return [_line(each) for each in (*found.clusters, found.total)]


def as_value_page(found: ValueForecast, portraits: Mapping[str, str]) -> str:
    """Return the page: values by cluster, who they are, then how right such predictions were."""
    latest = found.held_out[0]
    parts = [
        f"# What customers are expected to spend in the {found.weeks} weeks from {found.start} on",
        _ABOUT,
        _table(value_lines(found)),
        _about_intervals(found),
        f"Each customer's own visits and spend: `reports/{_CUSTOMERS}`.",
        "## Who the clusters are, and what they are worth",
        "\n".join(_portrait(each, portraits) for each in found.clusters)
        if portraits
        else _NO_PORTRAITS,
        f"## Was it right before? {found.weeks} held-out weeks from {latest.start} on",
        _ABOUT_ERRORS,
        _table(error_lines(latest)),
        "By tenths of the customers, lowest predictions first; intervals are of 95 %:",
        _table([_tenth(number, each, latest) for number, each in enumerate(found.tenths, 1)]),
        f"![Predicted and observed spend by tenths of the customers]({_PICTURE})",
        "Totals of all periods that were held out, predicted over observed:",
        _table([_period(each) for each in found.held_out]),
    ]
    return "\n\n".join(parts) + "\n"


def error_lines(period: HeldOutPeriod) -> list[dict[str, str]]:
    """Return the errors of model and naive mean in a period, one line each."""
    names = ("mean error", "root mean square error", "total")
    each: dict[str, Values | float] = {
        "the model": period.predicted,
        "the naive mean": period.naive,
    }
    return [
        {
            "prediction": name,
            **{
                metric: f"{value:.3f}"
                for metric, value in zip(names, period.errors(predicted), strict=True)
            },
        }
        for name, predicted in each.items()
    ]


def _portrait(value: ClusterValue, portraits: Mapping[str, str]) -> str:
    line = _line(value)
    worth = (
        f"{line['customers']} customers, {line['expected spend each']} each, "
        f"{line['share of all']} of all spend"
    )
    words = portraits.get(value.cluster, "not described, since they are in no cluster")
    return f"- **{value.cluster}** ({worth}): {escape_markdown(words)}"


def _about_intervals(found: ValueForecast) -> str:
    n_periods = len(found.held_out)
    if n_periods < LEAST_PERIODS:
        return (
            f"There is no interval: it needs {LEAST_PERIODS} earlier periods of {found.weeks} "
            f"weeks that can be held out, and the tables have {n_periods}."
        )
    return (
        f"The interval is of 95 %, for the mean of the cluster. It comes from how far predictions "
        f"of the same cluster were off in {n_periods} earlier periods of {found.weeks} weeks "
        "(Student's t), so it holds a wrong season as well as chance, as far as these periods "
        "had one."
    )


def _line(value: ClusterValue) -> dict[str, str]:
    interval = value.interval
    shown = "none" if interval is None else f"[{interval[0]:.4g}, {interval[1]:.4g}]"
    return {
        "cluster": value.cluster,
        "customers": f"{value.n_customers:,}",
        "expected spend each": f"{value.mean:.4g}",
        "interval": shown,
        "share of all": f"{value.share:.1%}",
    }


def _tenth(number: int, row: "CalibrationRow", period: HeldOutPeriod) -> dict[str, str]:
    low, high = (row.observed + sign * _Z * row.standard_error for sign in (-1, 1))
    return {
        "tenth": str(number),
        "customers": f"{row.n_customers:,}",
        "predicted": f"{row.predicted:.4g}",
        "observed": f"{row.observed:.4g} [{low:.4g}, {high:.4g}]",
        "naive mean": f"{period.naive:.4g}",
    }


def _period(period: HeldOutPeriod) -> dict[str, str]:
    return {
        "from": str(period.start),
        "customers": f"{len(period.observed):,}",
        "the model": f"{period.errors(period.predicted)[2]:.3f}",
        "the naive mean": f"{period.errors(period.naive)[2]:.3f}",
    }


def _table(lines: Sequence[Mapping[str, str]]) -> str:
    return "\n".join(grid(list(lines[0]), [list(line.values()) for line in lines]))


def _numbers(found: ValueForecast) -> dict[str, object]:
    latest = found.held_out[0]
    names = ("mean_error", "root_mean_square_error", "total")
    return {
        "from": str(found.start),
        "weeks": found.weeks,
        "clusters": [_as_numbers(each) for each in (*found.clusters, found.total)],
        "held_out": {
            "from": str(latest.start),
            "model": dict(zip(names, latest.errors(latest.predicted), strict=True)),
            "naive_mean": dict(zip(names, latest.errors(latest.naive), strict=True)),
            "tenths": [vars(each) for each in found.tenths],
        },
        "totals": {str(each.start): each.errors(each.predicted)[2] for each in found.held_out},
    }


def _as_numbers(value: ClusterValue) -> dict[str, object]:
    return {
        "cluster": value.cluster,
        "customers": value.n_customers,
        "mean": value.mean,
        "interval": value.interval,
        "share": value.share,
        "periods": value.n_periods,
    }


def _draw(found: ValueForecast, path: Path) -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415  (slow to import)

    predicted = np.array([each.predicted for each in found.tenths])
    observed = np.array([each.observed for each in found.tenths])
    errors = _Z * np.array([each.standard_error for each in found.tenths])
    figure = Figure(figsize=(5.2, 4.4), layout="constrained")
    axis = figure.subplots()
    top = 1.05 * max(predicted.max(), (observed + errors).max())
    axis.plot([0, top], [0, top], color="#9a9a9a", linestyle="--", label="exactly right")
    naive = found.held_out[0].naive
    axis.axvline(naive, color="#a5413b", linestyle=":", label="the naive mean predicts this of all")
    axis.errorbar(
        predicted, observed, yerr=errors, fmt="o", color="#3b6ea5", label="tenths of the customers"
    )
    axis.set(
        title=f"{found.weeks} held-out weeks from {found.held_out[0].start} on",
        xlabel="predicted spend of a customer",
        ylabel="observed spend, with 95 % intervals",
    )
    axis.legend(fontsize=8)
    with replaced_file(path) as unfinished:
        figure.savefig(unfinished, format="png", dpi=110, metadata={"Software": None})
