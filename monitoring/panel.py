"""Summaries as arrays: a row per week, a column per number, windows as averages over rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from monitoring.monitor_params import MonitorParams
from monitoring.signals import FloatArray, IntArray
from monitoring.windows import Span, windows_for

SIGNAL: Final = ["about", "column", "segment"]
_SIZES: Final = ("buyers", "volume", "basket_size")  # compared by ratio: as logarithms
_TINY: Final = 1e-9


@dataclass(frozen=True)
class Panel:
    """What was measured, week by week.

    Attributes:
        weeks: week_end of each row, ascending.
        signals: about, column and segment of each signal.
        signal: of each number, the signal it belongs to; ascending.
        category: of each number, its name; empty for a signal that is one number.
        measured: of shape (weeks, numbers); NaN where a signal was not measured, 0 for a category
            without a buyer. Sizes of the shop are logarithms.
        n: buyers, of shape (weeks, signals); 0 where a signal was not measured.
        drawn: the replicates, with the row (week) and the column (number) of each.
    """

    weeks: tuple[date, ...]
    signals: pd.DataFrame
    signal: IntArray
    category: npt.NDArray[np.object_]
    measured: FloatArray
    n: FloatArray
    drawn: pd.DataFrame

    def sums(self, numbers: FloatArray) -> FloatArray:
        """Return, of shape (..., signals), the sums over the numbers of each signal."""
        starts = np.flatnonzero(np.diff(self.signal, prepend=-1))
        return np.asarray(np.add.reduceat(numbers, starts, axis=-1))

    @property
    def is_share(self) -> npt.NDArray[np.bool_]:
        """Whether a number is one of several that add up to 1."""
        return np.asarray(self.category != "", np.bool_)

    @property
    def is_size(self) -> npt.NDArray[np.bool_]:
        """Whether a number is a logarithm."""
        is_size = (self.signals["about"] == "shop") & self.signals["column"].isin(_SIZES)
        return np.asarray(is_size.to_numpy()[self.signal], np.bool_)

    def with_replicates(self, week: int) -> FloatArray:
        """Return the numbers of a week above their replicates, shape (1 + replicates, numbers)."""
        rows = self.drawn[self.drawn["week"] == week]
        drawn = np.array(rows["replicates"].tolist(), np.float64).T
        number = rows["number"].to_numpy()
        is_size = self.is_size[number]
        drawn[:, is_size] = np.log(np.maximum(drawn[:, is_size], _TINY))
        stacked = np.repeat(self.measured[week][None], 1 + len(drawn), axis=0)
        stacked[1:, number] = drawn
        return stacked


def panel_of(summaries: pd.DataFrame) -> Panel:
    """Return the panel of SUMMARIES of at least one week."""
    week, weeks = pd.factorize(pd.to_datetime(summaries["week_end"]), sort=True)
    coded = [pd.factorize(summaries[name], sort=True) for name in (*SIGNAL, "category")]
    key = np.zeros(len(summaries), np.int64)
    for code, names in coded:
        key = key * len(names) + code
    keys, first, number = np.unique(key, return_index=True, return_inverse=True)
    _, first_of_signal, signal = np.unique(
        keys // len(coded[-1][1]), return_index=True, return_inverse=True
    )
    n = np.zeros((len(weeks), len(first_of_signal)))
    n[week, signal[number]] = summaries["n"]
    measured = np.where(n[:, signal] > 0, 0.0, np.nan)
    measured[week, number] = summaries["value"]
    panel = Panel(
        tuple(pd.Timestamp(day).date() for day in weeks),
        summaries[SIGNAL].iloc[first[first_of_signal]].reset_index(drop=True),
        signal,
        summaries["category"].to_numpy(object)[first],
        measured,
        n,
        pd.DataFrame({"week": week, "number": number, "replicates": summaries["replicates"]}),
    )
    is_size = panel.is_size
    measured[:, is_size] = np.log(np.maximum(measured[:, is_size], _TINY))
    return panel


class WindowWeights(NamedTuple):
    """Which weeks a week is compared with, as weights of shape (weeks, weeks).

    A row adds up to 1, or to less where weeks of a window are missing from the panel.
    """

    recent: FloatArray
    seasonal: FloatArray
    seasonal_recent: FloatArray


def window_weights(weeks: Sequence[date], params: MonitorParams) -> WindowWeights:
    """Return the windows of each week as weights on the others."""
    row = {week_end: number for number, week_end in enumerate(weeks)}
    windows = [windows_for(week_end, date.min, params) for week_end in weeks]
    return WindowWeights(
        np.stack([_weights(window.recent, row) for window in windows]),
        np.stack([_weights(window.seasonal, row) for window in windows]),
        np.stack([_weights(window.seasonal_recent, row) for window in windows]),
    )


def _weights(spans: Sequence[Span], row: Mapping[date, int]) -> FloatArray:
    rows = [row[span.end] for span in spans if span.end in row]
    return np.bincount(np.array(rows, np.int64), minlength=len(row)) / max(len(spans), 1)


def averaged(weights: FloatArray, numbers: FloatArray, min_share: float) -> FloatArray:
    """Return averages over weeks; NaN where too little was measured.

    Args:
        weights: of shape (rows, weeks), see WindowWeights.
        numbers: of shape (weeks, any).
        min_share: of a window's weeks in which a number must have been measured.
    """
    share = weights @ np.isfinite(numbers).astype(np.float64)
    totals = weights @ np.nan_to_num(numbers)
    return np.where(share >= min_share, totals / np.maximum(share, min_share), np.nan)
