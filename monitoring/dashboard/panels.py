"""The charts of a week: every signal of everybody, this year beside last year and the band.

Product groups come first, one chart each. Of other shares only those furthest from their band are
drawn, of two only the larger; the verdicts say the rest. A chart is drawn from what the weeks
themselves said (summaries), so it shows what was known when the week was judged.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from hemline import columns
from monitoring.dashboard.charts import season_chart
from monitoring.dashboard.html_parts import html, tone
from monitoring.dashboard.wording import (
    ABOUT,
    VERDICTS,
    each_row,
    label,
    name_category,
    write_value,
)
from monitoring.signals import ALL

WEEKS: Final = 27
"""So many weeks are drawn: half a year and the week itself."""

_GROUPS: Final = ("transactions", "product_group_name")
_FIRST: Final = (columns.CHANNEL, columns.PRICE, "volume")
_LEADING: Final = 4
_LEADING_OF_QUIET: Final = 2
_PAIR: Final = 2
_NOTHING: Final = VERDICTS[-1]
_DRAWN: Final = ["value", "last_year", "low", "high"]
_KEY: Final = (
    '<p class="soft">Share of a basket, averaged over the buyers of a week. Solid: this year. '
    "Dashed: the same weeks of last year. Shaded: where the week was expected to lie.</p>"
)

Key = tuple[str, str]


def chart_sections(week_end: date, verdicts: pd.DataFrame, band: pd.DataFrame) -> list[str]:
    """Return the charts: product groups first, then everything else by what it is about."""
    judged = verdicts[verdicts["segment"] == ALL]
    by_signal: dict[Key, str] = {(row.about, row.column): row.verdict for row in each_row(judged)}
    everybody = band[band["segment"] == ALL]
    charts: dict[Key, str] = {}
    for (about, column), part in everybody.groupby(["about", "column"], sort=False):
        key = (str(about), str(column))
        charts[key] = _charts(key, season_lines(part, week_end), by_signal.get(key, _NOTHING))
    sections = ["<h2>Product groups</h2>", _KEY, _grid(charts.pop(_GROUPS, ""))]
    for about, title in ABOUT.items():
        keys = sorted((key for key in charts if key[0] == about), key=partial(_place, by_signal))
        if keys:
            sections += [f"<h2>{title}</h2>", _grid("".join(charts[key] for key in keys))]
    return sections


def season_lines(signal: pd.DataFrame, week_end: date) -> dict[str, pd.DataFrame]:
    """Return what is drawn of a signal, by category, furthest from its band first.

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


def _distance(weeks: pd.DataFrame) -> float:
    """Return how far the last week is from the middle of its band, in half widths; 0 without."""
    half = float(weeks["high"].iloc[-1] - weeks["low"].iloc[-1]) / 2
    return _miss(weeks) / max(half, 1e-12)


def _place(by_signal: Mapping[Key, str], key: Key) -> tuple[int, int]:
    """Return where a signal's charts stand: what speaks loudest first, then what all ask for."""
    column = key[1]
    wanted = _FIRST.index(column) if column in _FIRST else len(_FIRST)
    return VERDICTS.index(by_signal.get(key, _NOTHING)), wanted


def _charts(key: Key, lines: Mapping[str, pd.DataFrame], verdict: str) -> str:
    """Return the charts of a signal: of product groups all, of others the widest moves."""
    categories = list(lines)
    if key != _GROUPS:
        categories.sort(key=lambda name: -_miss(lines[name]))
        n_leading = _LEADING if verdict != _NOTHING else _LEADING_OF_QUIET
        if len(categories) == _PAIR:
            categories.sort(key=lambda name: -lines[name]["value"].mean())
            n_leading = 1
        categories = categories[:n_leading]
    return "".join(_chart(key, category, lines[category], verdict) for category in categories)


def _miss(weeks: pd.DataFrame) -> float:
    """Return how far the last week is from the middle of its band; 0 without one."""
    now = weeks.iloc[-1]
    miss = abs(now["value"] - (now["low"] + now["high"]) / 2)
    return float(miss) if np.isfinite(miss) else 0.0


def _chart(key: Key, category: str, weeks: pd.DataFrame, verdict: str) -> str:
    now = next(each_row(weeks.tail(1)))
    write = partial(write_value, key[1], category)
    name = label(key[1])
    title = name_category(key[1], category) or name
    of = f"{name}. " if category and key != _GROUPS else ""
    where, mark = _position(now.value, now.low, now.high, verdict)
    expected = "" if np.isnan(now.low) else f", expected {write(now.low)} to {write(now.high)}"
    last_year = "" if np.isnan(now.last_year) else f", last year {write(now.last_year)}"
    said = f"{of}{write(now.value)}{expected}{last_year}"
    chart = season_chart(weeks, mark, f"{title}: {said}; {where}", write)
    return (
        f'<figure class="card chart"><div class="head"><h3>{html(title)}</h3>'
        f'<span class="badge tone {tone(mark)}">{where}</span></div>'
        f"<p>{html(said)}</p>{chart}</figure>"
    )


def _position(value: float, low: float, high: float, verdict: str) -> tuple[str, str]:
    """Return where a value lies, in words, and the verdict that gives its mark a colour."""
    if np.isnan(value):
        return "not measured", _NOTHING
    if np.isnan(low) or low <= value <= high:
        return ("" if np.isnan(low) else "in the band"), _NOTHING
    return ("▲ above" if value > high else "▼ below"), verdict


def _grid(charts: str) -> str:
    return f'<div class="grid">{charts}</div>'
