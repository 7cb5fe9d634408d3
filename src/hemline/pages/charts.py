"""Charts as SVG inside the page: sharp on any screen, dark where the reader's screen is dark.

Here a chart is laid out, charts.html.j2 draws it: three lines and a band need neither JavaScript
nor a file beside the page. The price: no zooming. Colours are classes of the style sheet, and every
line differs from the others by its stroke as well.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Values = npt.NDArray[np.float64]
Point = tuple[float, float]
Chart = dict[str, Any]
"""What charts.html.j2 draws: the size of the paper and, in its coordinates, ticks and months with
their names, the outlines of bands, lines and marks with their classes, changes with their names."""

_MARGIN: Final = 0.08
_LABEL: Final = 26
_LETTER: Final = 8
_DASH: Final = 10
_GAP: Final = 4
_ROW: Final = 15
_FEW: Final = 4


def season_chart(weeks: pd.DataFrame, verdict: str, write: Callable[[float], str]) -> Chart:
    """Return this year's weeks, last year's, and what was expected.

    Args:
        weeks: one row per week, in order, the last one current: week_end, value, last_year, low,
            high. NaN where there is nothing.
        verdict: of the current week; gives its mark a colour.
        write: turns a value into text.
    """
    lines = weeks[["value", "last_year", "low", "high"]].to_numpy(np.float64).T
    area = _Area.around(lines, 280, 130)
    mark = f"mark {verdict.replace(' ', '-')}"
    marks = [(mark, 5, point) for point in _points(area, lines[0], first=len(weeks) - 1)]
    return _chart(area, weeks["week_end"], lines, write) | {"marks": marks}


def performance_chart(weeks: pd.DataFrame, changes: Sequence[tuple[int, str]]) -> Chart:
    """Return the champion's MAP@12 with its interval, popularity beside it.

    Args:
        weeks: one row per week, in order: week_end, map_at_12, popularity_map_at_12, low, high (the
            ends of the champion's interval). NaN where there is no number.
        changes: number of the week from which on another version recommends, and its name.
    """
    names = ["map_at_12", "popularity_map_at_12", "low", "high"]
    lines = weeks[names].to_numpy(np.float64).T
    area = _Area.around(np.append(lines, np.zeros((1, len(weeks))), axis=0), 960, 260)
    return _chart(area, weeks["week_end"], lines, "{:.3f}".format) | {
        "marks": [
            ("dot", 3 if len(weeks) > _FEW else 5, point) for point in _points(area, lines[0])
        ],
        "changes": place_names(((area.x(week - 0.5), name) for week, name in changes), area.width),
    }


def series_chart(
    days: "pd.Series[pd.Timestamp]",
    series: Sequence[Values],
    write: Callable[[float], str],
    *,
    bands: Sequence[tuple[Values, Values]] = (),
    changes: Sequence[tuple[int, str]] = (),
    height: int = 200,
    from_zero: bool = False,
) -> Chart:
    """Return several lines over the same days; line i has the class `series-i`, from 1.

    Args:
        days: in order.
        series: a value per day each, NaN where there is none.
        write: turns a value into text.
        bands: the low and the high end of each.
        changes: number of the day from which on something is different, and its name.
        height: of the paper; it is 640 wide.
        from_zero: whether the scale begins there.
    """
    all_values = np.vstack([*series, *(end for band in bands for end in band)])
    if from_zero:
        all_values = np.vstack([all_values, np.zeros(len(days))])
    area = _Area.around(all_values, 640, height)
    lines: list[tuple[str, list[Point]]] = []
    for number, one in enumerate(series, 1):
        lines += _lines(area, f"series-{number}", one)
    return {
        "width": area.width,
        "height": area.height,
        "ticks": [(area.y(tick), write(tick)) for tick in area.ticks],
        "months": list(_months(area, days)),
        "bands": [outline for low, high in bands for outline in _bands(area, low, high)],
        "lines": lines,
        "marks": [],
        "changes": place_names(((area.x(day - 0.5), name) for day, name in changes), area.width),
    }


class PlacedName(NamedTuple):
    """A change at x, and where its name is written: from `text_x` on, or up to there."""

    x: float
    text_x: float
    text_y: float
    anchor: str
    name: str


def place_names(changes: Iterable[tuple[float, str]], width: float) -> list[PlacedName]:
    """Return the changes with places for their names, of which none lies on another.

    Args:
        changes: where on the paper, from left to right, and a name.
        width: of the paper; a name with no room to the right of its line stands to the left.

    >>> names = place_names([(100, "version 2"), (110, "sale"), (620, "version 3")], 640)
    >>> [(each.text_x, each.text_y, each.anchor) for each in names]
    [(104, 18, 'start'), (114, 33, 'start'), (616, 18, 'end')]
    """
    placed, ends = list[PlacedName](), list[float]()
    for x, name in changes:
        length = _LETTER * len(name)
        has_room = x + _GAP + length <= width
        start = x + _GAP if has_room else x - _GAP - length
        row = next((row for row, end in enumerate(ends) if end <= start), len(ends))
        ends[row : row + 1] = [start + length]
        text_x = x + _GAP if has_room else x - _GAP
        placed.append(PlacedName(x, text_x, 18 + _ROW * row, "start" if has_room else "end", name))
    return placed


def _chart(
    area: "_Area", days: "pd.Series[pd.Timestamp]", lines: Values, write: Callable[[float], str]
) -> Chart:
    """Return the chart of four lines: this one, the one it is compared with, low and high."""
    current, compared, low, high = lines
    return {
        "width": area.width,
        "height": area.height,
        "ticks": [(area.y(tick), write(tick)) for tick in area.ticks],
        "months": list(_months(area, days)),
        "bands": _bands(area, low, high),
        "lines": [*_lines(area, "last-year", compared), *_lines(area, "this-year", current)],
        "changes": [],
    }


@dataclass(frozen=True)
class _Area:
    """Where values lie on the paper."""

    width: int
    height: int
    n_weeks: int
    low: float
    high: float
    ticks: tuple[float, ...]
    left: int = 52
    right: int = 14
    top: int = 10
    bottom: int = 22

    @classmethod
    def around(cls, values: Values, width: int, height: int) -> "_Area":
        """Return the paper, with room around the values but none below zero."""
        known = values[np.isfinite(values)]
        least, most = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        room = _MARGIN * ((most - least) or abs(most) or 1.0)
        low = least - room if least < 0 else max(least - room, 0.0)
        ticks = (least, (least + most) / 2, most)
        return cls(width, height, values.shape[1], low, most + room, ticks)

    def x(self, week: float) -> float:
        inner = self.width - self.left - self.right
        return round(self.left + inner * (week + 0.5) / self.n_weeks, 1)

    def y(self, value: float) -> float:
        inner = self.height - self.top - self.bottom
        return round(self.top + inner * (1 - (value - self.low) / (self.high - self.low)), 1)


def _months(area: _Area, days: "pd.Series[pd.Timestamp]") -> Iterator[tuple[float, str]]:
    """Yield the name of every month where its first week is, as far as the names have room.

    A few weeks have their days instead, as months need not begin among them.
    """
    if len(days) <= _FEW:
        for week, day in enumerate(days):
            yield round(area.x(week) - _LABEL, 1), f"{day:%d %b %Y}"
        return
    end = -np.inf
    months = [(day.year, day.month) for day in days]
    for week, day in enumerate(days):
        x = area.x(week)
        begins = week > 0 and months[week] != months[week - 1]
        if begins and end < x < area.width - _LABEL:
            name = f"{day:%b %Y}" if day.month == 1 else f"{day:%b}"
            yield x, name
            end = x + _LETTER * len(name)


def _points(area: _Area, values: Values, first: int = 0) -> list[Point]:
    return [
        (area.x(week), area.y(value))
        for week, value in enumerate(values)
        if week >= first and np.isfinite(value)
    ]


def _lines(area: _Area, name: str, values: Values) -> list[tuple[str, list[Point]]]:
    return [
        (name, [(x, area.y(values[week])) for x, week in _edges(area, run)])
        for run in _runs(values)
    ]


def _edges(area: _Area, run: list[int]) -> list[tuple[float, int]]:
    """Return where a stretch of weeks lies; one without neighbours is a dash, or it is not seen."""
    edges = [(area.x(week), week) for week in run]
    if len(run) == 1:
        edges = [(edges[0][0] - _DASH, run[0]), (edges[0][0] + _DASH, run[0])]
    return edges


def _bands(area: _Area, low: Values, high: Values) -> list[list[Point]]:
    """Return the outlines of low to high."""
    bands = []
    for run in _runs(low + high):
        edges = _edges(area, run)
        over = [(x, area.y(high[week])) for x, week in edges]
        bands.append(over + [(x, area.y(low[week])) for x, week in reversed(edges)])
    return bands


def _runs(values: Values) -> list[list[int]]:
    """Return the stretches of weeks that have a value.

    >>> _runs(np.array([1.0, np.nan, 2.0, 3.0]))
    [[0], [2, 3]]
    """
    known = np.flatnonzero(np.isfinite(values))
    parts = np.split(known, np.flatnonzero(np.diff(known) > 1) + 1)
    return [part.tolist() for part in parts if part.size]
