"""Charts of experiments: what was known on each day with its looks, and intervals side by side.

charts.series_chart lays the lines out. Looks and the names of days are handed to it as lines of one
point each, and what it drew of those gives their place on the paper.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from math import ceil
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from hemline.experiment_pages.experiment_answer import TONES
from hemline.experiment_pages.experiment_reading import ArmsReading
from hemline.pages.charts import Chart, Point, place_names, series_chart

Values = npt.NDArray[np.float64]

_GOES_ON, _COMING = "goes on", "to come"
_MOST_NAMES: Final = 8
_ROOM: Final = 0.12  # of the days, right of the last one, for the name of a look
_WIDTH, _LEFT, _RIGHT = 640, 60, 610
_ROW, _TOP = 34, 30
_LETTER: Final = 6


def effect_chart(reading: ArmsReading) -> Chart | None:
    """Return the difference by day with its interval, and the looks; None before it is known."""
    known = [each for each in reading.effects if np.isfinite(each.difference)]
    if not known:
        return None

    def place(at: datetime) -> int:
        return round((at - reading.start) / reading.every)

    taken = [(place(each.at), each.readout) for each in reading.verdict.looks]
    coming = [place(each) for each in reading.coming]
    n_known = len(reading.effects) + 1
    n_points = ceil((1 + _ROOM) * max([n_known, *(number for number, _ in taken), *coming])) + 1
    days = pd.Series(
        [pd.Timestamp(reading.start + number * reading.every) for number in range(n_points)]
    )
    points = [(number, each.comparison.difference) for number, each in taken]
    names = _named_days(n_points)
    one_point = [*points, *((each, 0.0) for each in (*coming, *names))]
    chart = series_chart(
        days,
        [
            _line(n_points, [np.nan, *(each.difference for each in reading.effects)]),
            np.zeros(n_points),
            *(_line_of_point(n_points, number, value) for number, value in one_point),
        ],
        "{:+.3g}".format,
        bands=[_band(reading, n_points)],
        height=240,
    )
    places = [_centre(chart, number) for number in range(3, 3 + len(one_point))]
    looks = [each.decision for _, each in taken]
    words = [
        *(_GOES_ON if each == "running" else each for each in looks),
        *(_COMING for _ in coming),
    ]
    n_looks = len(looks)
    return chart | {
        "lines": [
            (name, line) for name, line in chart["lines"] if name in {"series-1", "series-2"}
        ],
        "marks": [
            (f"mark {TONES.get(decision, 'none')}", 6, centre)
            for decision, centre in zip(looks, places[:n_looks], strict=True)
        ],
        "changes": place_names(zip((at for at, _ in places), words, strict=False), _WIDTH),
        "months": [
            (x - 14, f"day {number * reading.every.days}")
            for (x, _), number in zip(places[n_looks + len(coming) :], names, strict=True)
        ],
    }


def shares_chart(shares: Mapping[date, Sequence[float]]) -> Chart | None:
    """Return the share of the traffic by day, one line per version; None without any day."""
    if not shares:
        return None
    lines = list(np.array(list(shares.values()), np.float64).T)
    days = pd.Series(pd.to_datetime(list(shares)))
    chart = series_chart(days, lines, "{:.0%}".format, from_zero=True)
    return _with_dates(chart, days)


def interval_chart(
    rows: Sequence[tuple[str, float, float, float]],
    write: Callable[[float], str],
    *,
    ends: tuple[float, float],
    middle: tuple[float, str] | None = None,
) -> Chart:
    """Return intervals below each other, each with its estimate.

    Args:
        rows: name (a few letters), estimate, low and high end.
        write: turns a value into text.
        ends: of the scale.
        middle: a value that every interval is compared with, and its name.
    """
    low, high = ends
    height = _TOP + _ROW * len(rows) + 22

    def x(value: float) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * (value - low) / ((high - low) or 1.0), 1)

    at = [_TOP + _ROW * (number + 0.5) for number in range(len(rows))]
    return {
        "width": _WIDTH,
        "height": height,
        "ticks": [(y, name) for y, (name, *_) in zip(at, rows, strict=True)],
        "months": [
            (x(each) - _LETTER * len(write(each)) / 2, write(each))
            for each in (low, (low + high) / 2, high)
        ],
        "bands": [],
        "lines": [
            ("series-1 wide-stroke", [(x(row[2]), y), (x(row[3]), y)])
            for y, row in zip(at, rows, strict=True)
        ],
        "marks": [("dot", 6, (x(row[1]), y)) for y, row in zip(at, rows, strict=True)],
        "changes": [] if middle is None else place_names([(x(middle[0]), middle[1])], _WIDTH),
    }


def _named_days(n_points: int) -> list[int]:
    return list(range(0, n_points, ceil(n_points / _MOST_NAMES)))


def _line(n_points: int, values: Sequence[float]) -> Values:
    line = np.full(n_points, np.nan)
    line[: len(values)] = values
    return line


def _line_of_point(n_points: int, number: int, value: float) -> Values:
    return _line(n_points, [*[np.nan] * number, value])


def _band(reading: ArmsReading, n_points: int) -> tuple[Values, Values]:
    low = _line(n_points, [np.nan, *(each.low for each in reading.effects)])
    return low, _line(n_points, [np.nan, *(each.high for each in reading.effects)])


def _centre(chart: Chart, number: int) -> Point:
    """Return where the only point of a line lies; it was drawn as a dash."""
    [(left, y), (right, _)] = next(
        line for name, line in chart["lines"] if name == f"series-{number}"
    )
    return round((left + right) / 2, 1), y


def _with_dates(chart: Chart, days: "pd.Series[pd.Timestamp]") -> Chart:
    """Return a chart that names its first and its last day, where it names no month."""
    if chart["months"] or len(days) == 0:
        return chart
    names = [(52.0, f"{days.iloc[0]:%d %b %Y}"), (560.0, f"{days.iloc[-1]:%d %b %Y}")]
    return chart | {"months": names}
