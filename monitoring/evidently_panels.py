"""The project and the dashboard of Evidently's UI: which panels it has, and what each draws."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID, uuid5

import pandas as pd

from monitoring.transactions import CATEGORIES, NUMBERS

Reference = Literal["recent weeks", "last year"]

PROJECT: Final = UUID("5ea50b0a-0f5e-5d2c-9d3e-7a6d5e0f1c2b")
"""Id of the one project in the workspace; runs and panels derive theirs from it."""

LABELS: Final[Mapping[Reference, str]] = {
    "recent weeks": "against the weeks before",
    "last year": "against the same weeks of last year",
}
"""What the weeks are compared with, in words."""
_N_COLOURS: Final = 6


def drawn_columns(transactions: pd.DataFrame) -> dict[str, list[str]]:
    """Return the columns of each panel: Evidently has six colours, so more do not go into one."""
    names = [str(name) for name in transactions]
    first = [name for name in names if name in {*NUMBERS, *CATEGORIES[:3]}]
    others = [name for name in names if name not in first]
    has_own = not set(others) <= set(CATEGORIES)
    about = "Articles and the shop's own attributes" if has_own else "Articles"
    drawn = {"Price, channel and customers": first, about: others[:_N_COLOURS]}
    return {title: shown for title, shown in drawn.items() if shown}


def write_project(scratch: Path, owner: str, drawn: Mapping[str, list[str]]) -> Any:
    """Write project and dashboard anew: adding single panels would double them at each run."""
    from evidently.sdk.models import DashboardModel, DashboardTabModel, ProjectModel  # noqa: PLC0415
    from evidently.ui.storage.local.base import LocalState  # noqa: PLC0415

    state = LocalState(str(scratch))
    state.write_project(
        ProjectModel(
            id=PROJECT,
            name="Hemline: the weeks",
            description=f"Every week's transactions, {' and '.join(LABELS.values())}. "
            f"Owner: {owner}. Evidently ignores seasons: see the week's page for the verdicts.",
        )
    )
    panels = [panel for reference in LABELS for panel in _panels(reference, drawn)]
    tab = DashboardTabModel(
        id=uuid5(PROJECT, "tab"), title="Weeks", panels=[panel.id for panel in panels]
    )
    state.write_dashboard(PROJECT, DashboardModel(tabs=[tab], panels=panels))
    return state


def _panels(reference: Reference, drawn: Mapping[str, list[str]]) -> list[Any]:
    """Return the panels of one reference: the share of drifted columns, then the distances.

    Evidently takes a panel's first matching metric before it compares tags, so a panel holds one
    reference only.
    """
    from evidently.sdk.models import PanelMetric  # noqa: PLC0415

    share = PanelMetric(
        legend="share of columns",
        tags=[reference],
        metric="DriftedColumnsCount",
        metric_labels={"value_type": "share"},
    )
    where = LABELS[reference]
    panels = [_panel(f"Drifted columns {where}", "Share of columns, week by week", [share], "bar")]
    for what, columns in drawn.items():
        distances = [
            PanelMetric(
                legend=name, tags=[reference], metric="ValueDrift", metric_labels={"column": name}
            )
            for name in columns
        ]
        title = f"{what} {where}"
        panels.append(_panel(title, "Distance of each column", distances, "line"))
    return panels


def _panel(title: str, subtitle: str, values: list[Any], plot: str) -> Any:
    from evidently.sdk.models import DashboardPanelPlot  # noqa: PLC0415

    return DashboardPanelPlot(
        id=uuid5(PROJECT, title),
        title=title,
        subtitle=subtitle,
        size="full",
        values=values,
        plot_params={"plot_type": plot},
    )
