"""Charts as SVG inside the page: sharp on any screen, dark where the reader's screen is dark.

Written by hand: a chart is three lines and a band, and so the page needs neither JavaScript nor a
file beside it. The price: no zooming. Colours are classes of the page's style sheet (page.py), and
every line differs from the others by its stroke as well.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

Values = npt.NDArray[np.float64]

_FEW_WEEKS: Final = 1
_MARGIN: Final = 0.08


@dataclass(frozen=True)
class _Area:
    """Where values lie on the paper."""

    width: int
    height: int
    left: int
    n_weeks: int
    low: float
    high: float
    ticks: tuple[float, ...]
    right: int = 14
    top: int = 10
    bottom: int = 22

    def x(self, week: float) -> float:
        inner = self.width - self.left - self.right
        return self.left + inner * (week + 0.5) / self.n_weeks

    def y(self, value: float) -> float:
        inner = self.height - self.top - self.bottom
        return self.top + inner * (1 - (value - self.low) / (self.high - self.low))


def season_chart(
    weeks: pd.DataFrame, verdict: str, describe: str, write: Callable[[float], str]
) -> str:
    """Return this year's weeks, last year's, and what was expected.

    Args:
        weeks: one row per week, in order, the last one current: week_end, value, last_year, low,
            high. NaN where there is nothing.
        verdict: of the current week; gives its mark a colour.
        describe: the picture in words, for those who do not see it.
        write: turns a value into text.
    """
    values = [weeks[name].to_numpy(np.float64) for name in ("value", "last_year", "low", "high")]
    value, last_year, low, high = values
    area = _area(values, 280, 130, len(weeks))
    marks = [
        _grid(area, write),
        _months(area, weeks["week_end"]),
        _band(area, low, high),
        _line(area, last_year, "last-year"),
        _line(area, value, "this-year"),
        _mark(area, value, verdict),
    ]
    return _svg(area, describe, marks)


def performance_chart(
    weeks: pd.DataFrame, changes: Sequence[tuple[int, str]], describe: str
) -> str:
    """Return the champion's MAP@12 with its interval, popularity beside it.

    Args:
        weeks: one row per week, in order: week_end, map_at_12, popularity_map_at_12, low, high (the
            ends of the champion's interval). NaN where there is no number.
        changes: number of the week from which on another version answers, and its name.
        describe: the picture in words.
    """
    names = ("map_at_12", "popularity_map_at_12", "low", "high")
    values = [weeks[name].to_numpy(np.float64) for name in names]
    champion, popularity, low, high = values
    area = _area([*values, np.zeros(1)], 960, 260, len(weeks))
    marks = [
        _grid(area, lambda number: f"{number:.3f}"),
        _months(area, weeks["week_end"]),
        *(_change(area, week, name) for week, name in changes),
        _band(area, low, high),
        _line(area, popularity, "last-year"),
        _line(area, champion, "this-year"),
        *_dots(area, champion),
    ]
    return _svg(area, describe, marks)


def _area(values: Sequence[Values], width: int, height: int, n_weeks: int) -> _Area:
    """Return the paper, with room around the values but none below nothing."""
    known = np.concatenate([one[np.isfinite(one)] for one in values])
    least, most = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    room = _MARGIN * ((most - least) or abs(most) or 1.0)
    low = least - room if least < 0 else max(least - room, 0.0)
    ticks = (least, (least + most) / 2, most)
    return _Area(width, height, 52, n_weeks, low, most + room, ticks)


def _svg(area: _Area, describe: str, marks: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {area.width} {area.height}" role="img" '
        f'aria-label="{escape(describe)}">{"".join(marks)}</svg>'
    )


def _grid(area: _Area, write: Callable[[float], str]) -> str:
    return "".join(
        f'<line class="rule" x1="{area.left}" x2="{area.width - area.right}" '
        f'y1="{area.y(tick):.1f}" y2="{area.y(tick):.1f}"/>'
        f'<text x="{area.left - 6}" y="{area.y(tick) + 4:.1f}" text-anchor="end">'
        f"{escape(write(tick))}</text>"
        for tick in area.ticks
    )


def _months(area: _Area, days: "pd.Series[pd.Timestamp]") -> str:
    """Return the name of every month where its first week is, as far as the names have room."""
    texts, end = [], -np.inf
    months = [(day.year, day.month) for day in days]
    for week, day in enumerate(days):
        x = area.x(week)
        begins = week > 0 and months[week] != months[week - 1]
        if begins and x > end and x < area.width - area.right - 12:
            name = f"{day:%b %Y}" if day.month == 1 else f"{day:%b}"
            texts.append(f'<text x="{x:.1f}" y="{area.height - 6}">{name}</text>')
            end = x + 8 * len(name)
    return "".join(texts)


def _band(area: _Area, low: Values, high: Values) -> str:
    return "".join(_band_run(area, run, low, high) for run in _runs(low + high))


def _band_run(area: _Area, run: Sequence[int], low: Values, high: Values) -> str:
    if len(run) == _FEW_WEEKS:
        week = run[0]
        top, bottom = area.y(high[week]), area.y(low[week])
        return (
            f'<rect class="band" x="{area.x(week) - 6:.1f}" y="{top:.1f}" width="12" '
            f'height="{max(bottom - top, 1):.1f}"/>'
        )
    over = [f"{area.x(week):.1f},{area.y(high[week]):.1f}" for week in run]
    under = [f"{area.x(week):.1f},{area.y(low[week]):.1f}" for week in reversed(run)]
    return f'<polygon class="band" points="{" ".join(over + under)}"/>'


def _line(area: _Area, values: Values, name: str) -> str:
    lines = (
        " ".join(f"{area.x(week):.1f},{area.y(values[week]):.1f}" for week in run)
        for run in _runs(values)
    )
    return "".join(f'<polyline class="{name}" points="{points}"/>' for points in lines)


def _mark(area: _Area, values: Values, verdict: str) -> str:
    if not np.isfinite(values[-1]):
        return ""
    x, y = area.x(len(values) - 1), area.y(values[-1])
    name = verdict.replace(" ", "-")
    return f'<circle class="mark {name}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'


def _dots(area: _Area, values: Values) -> list[str]:
    return [
        f'<circle class="dot" cx="{area.x(week):.1f}" cy="{area.y(value):.1f}" r="3"/>'
        for week, value in enumerate(values)
        if np.isfinite(value)
    ]


def _change(area: _Area, week: int, name: str) -> str:
    x = area.x(week - 0.5)
    return (
        f'<line class="change" x1="{x:.1f}" x2="{x:.1f}" y1="{area.top}" '
        f'y2="{area.height - area.bottom}"/>'
        f'<text x="{x + 4:.1f}" y="{area.top + 8}">{escape(name)}</text>'
    )


def _runs(values: Values) -> list[list[int]]:
    """Return the stretches of weeks that have a value.

    >>> _runs(np.array([1.0, np.nan, 2.0, 3.0]))
    [[0], [2, 3]]
    """
    known = np.flatnonzero(np.isfinite(values))
    parts = np.split(known, np.flatnonzero(np.diff(known) > 1) + 1)
    return [part.tolist() for part in parts if part.size]
