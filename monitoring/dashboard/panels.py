"""The charts of a week: every signal of everybody, this year beside last year and the forecast.

Product groups come first, one chart each. Of other shares only those furthest from the expected
range are drawn, of two only the larger; the table of verdicts has the rest. A chart is drawn from
the summaries of the weeks, so it shows what was known when the week was judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from hemline import columns
from hemline.pages.charts import Chart, season_chart
from monitoring.column_names import USUAL, ColumnNames
from monitoring.dashboard.wording import ABOUT, each_row, is_share, write_value
from monitoring.signals import ALL
from monitoring.verdict import Verdict

WEEKS: Final = 27
"""Weeks drawn: half a year and the week itself."""

_GROUPS: Final = ("transactions", "product_group_name")
_FIRST: Final = (columns.CHANNEL, columns.PRICE, "volume")
_LEADING: Final = 4
_LEADING_OF_QUIET: Final = 2
_PAIR: Final = 2
_DRAWN: Final = ["value", "last_year", "low", "high"]
Key = tuple[str, str]


@dataclass(frozen=True)
class TitledChart:
    """A chart with its heading.

    Attributes:
        title: what is drawn.
        position: where the week lies, in words with a symbol; empty where nothing was expected.
        verdict: gives the position its colour.
        numbers: the week's value, what was expected and last year's value, in a sentence.
        chart: the chart.
    """

    title: str
    position: str
    verdict: Verdict
    numbers: str
    chart: Chart


def chart_sections(
    week_end: date, verdicts: pd.DataFrame, band: pd.DataFrame, names: ColumnNames = USUAL
) -> dict[str, list[TitledChart]]:
    """Return the charts by heading: product groups first, then the rest by what it is about."""
    judged = verdicts[verdicts["segment"] == ALL]
    by_signal = {(row.about, row.column): Verdict(row.verdict) for row in each_row(judged)}
    everybody = _within_bounds(band[band["segment"] == ALL])
    panels: dict[Key, list[TitledChart]] = {}
    for (about, column), part in everybody.groupby(["about", "column"], sort=False):
        key = (str(about), str(column))
        lines = season_lines(part, week_end)
        panels[key] = _panels(key, lines, by_signal.get(key, Verdict.NONE), names)
    groups = names.described.get(_GROUPS[1], "Product groups")
    sections = {groups: panels.pop(_GROUPS, [])}
    for about, title in ABOUT.items():
        keys = sorted((key for key in panels if key[0] == about), key=partial(_place, by_signal))
        sections[title] = [panel for key in keys for panel in panels[key]]
    return {title: drawn for title, drawn in sections.items() if drawn}


def season_lines(signal: pd.DataFrame, week_end: date) -> dict[str, pd.DataFrame]:
    """Return what is drawn of a signal, by category, furthest from what was expected first.

    Args:
        signal: rows of monitoring.verdicts.expected_band of one signal.
        week_end: of the last week drawn.

    Returns:
        By category one row per week, in order: week_end, value, last_year, low, high, NaN where
        there is nothing. Categories that nobody bought in these weeks are left out.
    """
    weeks = pd.Index([week_end - timedelta(weeks=back) for back in reversed(range(WEEKS))])
    lines = {
        str(category): part.set_index("week_end")[_DRAWN]
        .reindex(weeks)
        .reset_index(names="week_end")
        for category, part in signal.groupby("category", sort=False)
    }
    drawn = {name: line for name, line in lines.items() if line["value"].abs().sum() > 0}
    return dict(sorted(drawn.items(), key=lambda one: -_distance(one[1])))


def _within_bounds(band: pd.DataFrame) -> pd.DataFrame:
    """Return the band without what no share can be: less than nothing, or more than all."""
    bounds = ["expected", "low", "high"]
    shares = band["column"].map(is_share)
    return band.assign(
        **{name: band[name].where(~shares, band[name].clip(0, 1)) for name in bounds}
    )


def _distance(weeks: pd.DataFrame) -> float:
    """Return how far the last week is from what was expected, in half widths of the range."""
    half = float(weeks["high"].iloc[-1] - weeks["low"].iloc[-1]) / 2
    return _deviation(weeks) / max(half, 1e-12)


def _place(by_signal: Mapping[Key, Verdict], key: Key) -> tuple[int, int]:
    """Return where a signal's charts stand: the most urgent first, then the most requested."""
    column = key[1]
    requested = _FIRST.index(column) if column in _FIRST else len(_FIRST)
    return list(Verdict).index(by_signal.get(key, Verdict.NONE)), requested


def _panels(
    key: Key, lines: Mapping[str, pd.DataFrame], verdict: Verdict, names: ColumnNames
) -> list[TitledChart]:
    """Return the charts of a signal: of product groups all, of others the widest moves."""
    categories = list(lines)
    if key != _GROUPS:
        categories.sort(key=lambda name: -_deviation(lines[name]))
        n_leading = _LEADING if verdict != Verdict.NONE else _LEADING_OF_QUIET
        if len(categories) == _PAIR:
            categories.sort(key=lambda name: -lines[name]["value"].mean())
            n_leading = 1
        categories = categories[:n_leading]
    return [_panel(key, category, lines[category], verdict, names) for category in categories]


def _deviation(weeks: pd.DataFrame) -> float:
    """Return how far the last week is from the middle of the expected range; 0 without one."""
    now = weeks.iloc[-1]
    deviation = abs(now["value"] - (now["low"] + now["high"]) / 2)
    return float(deviation) if np.isfinite(deviation) else 0.0


def _panel(
    key: Key, category: str, weeks: pd.DataFrame, verdict: Verdict, names: ColumnNames
) -> TitledChart:
    now = next(each_row(weeks.tail(1)))
    write = partial(write_value, key[1], category)
    name = names.label(key[1])
    of = f"{name}. " if category and key != _GROUPS else ""
    expected = "" if np.isnan(now.low) else f", expected {write(now.low)} to {write(now.high)}"
    last_year = "" if np.isnan(now.last_year) else f", last year {write(now.last_year)}"
    position, shown = _position(now.value, now.low, now.high, verdict)
    return TitledChart(
        title=names.category(key[1], category) or name,
        position=position,
        verdict=shown,
        numbers=f"{of}{write(now.value)}{expected}{last_year}",
        chart=season_chart(weeks, shown, write),
    )


def _position(value: float, low: float, high: float, verdict: Verdict) -> tuple[str, Verdict]:
    """Return where a value lies, in words, and the verdict that gives its mark a colour."""
    if np.isnan(value):
        return "not measured", Verdict.NONE
    if np.isnan(low) or low <= value <= high:
        return ("" if np.isnan(low) else "in range"), Verdict.NONE
    return ("▲ above" if value > high else "▼ below"), verdict
