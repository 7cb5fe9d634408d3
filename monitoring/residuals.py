"""How far weeks missed what was expected of them, and how far sampling alone would have moved them.

Every week of the past is judged like the last one, from the weeks before it, so a signal's earlier
misses tell how restless it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from hemline import columns
from hemline.errors import BadInput
from monitoring.forecast import Expectation, expectation_of, learned_follow
from monitoring.panel import Panel, Steps, averaged, panel_of, steps_of
from monitoring.signals import FloatArray
from monitoring.windows import MonitorParams

_STEADY: Final = (columns.PRICE, columns.CHANNEL)  # hardly moved by a season


@dataclass(frozen=True)
class Misses:
    """The judged week and all before it, beside what was expected of each.

    Attributes:
        panel: what was measured; its last week is the judged one.
        known: recent, last_year and step of every week.
        expected: of shape (weeks, numbers); NaN where nothing was.
        noise: scatter of the last week's misses by sampling alone, shape (replicates, numbers).
        noise_recent: the same of its distance from the recent weeks.
    """

    panel: Panel
    known: Expectation
    expected: FloatArray
    noise: FloatArray
    noise_recent: FloatArray

    @property
    def of_expected(self) -> FloatArray:
        """What each week missed its expectation by, shape (weeks, numbers)."""
        return self.panel.measured - self.expected

    @property
    def of_recent(self) -> FloatArray:
        """What each week differs by from its recent weeks, shape (weeks, numbers)."""
        return self.panel.measured - self.known.recent


def misses_until(summaries: pd.DataFrame, week_end: date, params: MonitorParams) -> Misses:
    """Return the misses of the week before week_end and all before it; later ones are not read.

    Raises:
        BadInput: the week is not among the SUMMARIES.
    """
    days = pd.to_datetime(summaries["week_end"])
    if not (days == pd.Timestamp(week_end)).any():
        raise BadInput(
            f"the summaries hold the week before {week_end}",
            found="no such week",
            fix="summarise that week first (monitoring.summaries.kept_summaries)",
        )
    panel = panel_of(summaries[days <= pd.Timestamp(week_end)])
    steps = steps_of(panel.weeks, params)
    n_buyers = _usual_buyers(panel)
    known = _known(panel, [steps.recent, steps.seasonal, steps.seasonal_recent], n_buyers)
    past = slice(0, len(panel.weeks) - 1)
    before = Expectation(known.recent[past], known.last_year[past], known.step[past])
    follow = learned_follow(panel, panel.measured[past], before)
    noise, noise_recent = _noise(panel, steps, follow, n_buyers)
    return Misses(panel, known, _expected(panel, known, follow), noise, noise_recent)


def _usual_buyers(panel: Panel) -> FloatArray:
    """Return, per number, the mean number of buyers of the weeks in which it was measured."""
    n_weeks = (panel.n > 0).sum(axis=0)
    return np.asarray((panel.n.sum(axis=0) / np.maximum(n_weeks, 1))[panel.signal])


def _known(panel: Panel, windows: Sequence[FloatArray], n_buyers: FloatArray) -> Expectation:
    recent, last_year, before = (averaged(weights, panel.measured) for weights in windows)
    return expectation_of(panel, recent, last_year, before, n_buyers)


def _expected(panel: Panel, known: Expectation, follow: FloatArray) -> FloatArray:
    """Return what was expected; of habits, and of steady columns without last year, no change."""
    is_habit = (panel.signals["about"] == "habits").to_numpy()[panel.signal]
    is_steady = panel.signals["column"].isin(_STEADY).to_numpy()[panel.signal]
    moved = known.moved(panel, follow)
    return np.where(is_habit | (is_steady & ~np.isfinite(moved)), known.recent, moved)


def _noise(
    panel: Panel, steps: Steps, follow: FloatArray, n_buyers: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the scatter of the last week's misses, over all replicates of all weeks in play."""
    windows = [part[-1] for part in (steps.recent, steps.seasonal, steps.seasonal_recent)]
    used = np.flatnonzero(np.sum(windows, axis=0) > 0)
    week = panel.with_replicates(len(panel.weeks) - 1)
    drawn = np.full((len(used), week.size), np.nan)
    for row, number in enumerate(used.tolist()):
        drawn[row] = panel.with_replicates(number).ravel()
    recent, last_year, before = (
        averaged(weights[None, used], drawn).reshape(week.shape) for weights in windows
    )
    known = expectation_of(panel, recent, last_year, before, n_buyers)
    misses, misses_recent = week - _expected(panel, known, follow), week - known.recent
    return misses[1:] - misses[0], misses_recent[1:] - misses_recent[0]
