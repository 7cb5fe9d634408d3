"""The command that says what customers are expected to spend."""

import json
from typing import Annotated

import typer

from hemline import environment
from hemline.cli.terminal import print_records, project_folder, say


def value(
    *,
    weeks: Annotated[int, typer.Option(min=1, max=104, help="Coming weeks to predict.")] = 12,
) -> None:
    """Predict what known customers will spend, by cluster, and how right such predictions were.

    Writes reports/customer_value.md, .json and .png, and .parquet with a row per customer.
    """
    from hemline import columns, tables  # noqa: PLC0415  (--help should not wait for it)
    from hemline.experiments import value_forecast, value_report  # noqa: PLC0415  (as above)
    from hemline.experiments.visit_history import read_visits  # noqa: PLC0415  (as above)
    from hemline.params import pipeline_paths  # noqa: PLC0415  (as above)

    root = project_folder()
    environment.require_writable(root)
    paths = pipeline_paths(root / "dvc.yaml")
    visits, end = read_visits(root)
    segments = tables.read_table(paths["segments"] / "segments.parquet", tables.SEGMENTS)
    clusters = segments.set_index(columns.CUSTOMER)[columns.CLUSTER]
    found = value_forecast.forecast_value(visits, clusters, end, weeks)
    keys = tables.read_table(root / "data/tables/customer_keys.parquet", tables.CUSTOMER_KEYS)
    profiles = paths["segments"] / "profiles.json"
    described = json.loads(profiles.read_text(encoding="utf-8")) if profiles.exists() else []
    page = value_report.write_value(
        found,
        paths["reports"],
        keys.set_index(columns.CUSTOMER)[columns.CUSTOMER_ID],
        value_report.portraits_of(described),
    )
    total, latest = found.total, found.held_out[0]
    say(
        f"{total.n_customers:,} customers are expected to spend {total.mean:.4g} each in the "
        f"{weeks} weeks from {found.start} on. In the {weeks} weeks before, the model predicted "
        f"{latest.errors(latest.predicted)[2]:.2f} of what was spent, the naive mean "
        f"{latest.errors(latest.naive)[2]:.2f}."
    )
    print_records(value_report.value_lines(found))
    print_records(value_report.error_lines(latest))
    say(f"More in {page}; each customer in {page.with_suffix('.parquet').name} beside it.")
