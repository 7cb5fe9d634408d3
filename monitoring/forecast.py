"""What a week was expected to be: the recent weeks, moved as last year moved at this step.

Only weeks before a week are averaged for it. (A decomposition of the whole series bends to the very
jump that is looked for.) How far last year is followed is learned per signal from the misses: a
step that foretold nothing, because single hits had made it, is not taken again. For the judged week
that is learned from earlier weeks alone; misses of earlier weeks, measured with the same number,
come out a little small. The price: two years of summaries, and a first year in which nothing is
expected but more of the same.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from monitoring.panel import Panel
from monitoring.signals import FloatArray

_FOLLOW_AT_FIRST: Final = 0.7
_WEEKS_AT_FIRST: Final = 8.0  # so many weeks of misses weigh as much as that first belief
_BUYERS_ADDED: Final = 4.0  # to every category of last year, against ratios of almost nothing


@dataclass(frozen=True)
class Expectation:
    """What is known of weeks beforehand, each of shape (weeks, numbers).

    Attributes:
        recent: the mean of the recent weeks.
        last_year: the mean of the same weeks of last year; NaN without.
        step: how last year moved from the weeks like the recent ones to these: a logarithm of the
            ratio for shares, a difference for other numbers; NaN without.
    """

    recent: FloatArray
    last_year: FloatArray
    step: FloatArray

    def moved(self, panel: Panel, follow: FloatArray) -> FloatArray:
        """Return the recent weeks moved by `follow` (per number) of last year's step."""
        shares = self.recent * np.exp(follow * np.where(panel.is_share, self.step, 0.0))
        total = panel.sums(shares)[..., panel.signal]
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = shares / total
        return np.where(panel.is_share, shares, self.recent + follow * self.step)


def expectation_of(
    panel: Panel,
    recent: FloatArray,
    last_year: FloatArray,
    before: FloatArray,
    n_last_year: FloatArray,
) -> Expectation:
    """Return what weeks are held against, all of shape (..., numbers).

    Args:
        panel: gives the signals.
        recent: averages of the recent weeks.
        last_year: averages of last year's weeks like the current one.
        before: averages of last year's weeks like the recent ones.
        n_last_year: buyers of a week of last year.
    """
    added = _BUYERS_ADDED / np.maximum(n_last_year, 1.0)
    ratio = np.where(panel.is_share, last_year + added, 1.0)
    ratio /= np.where(panel.is_share, before + added, 1.0)
    step = np.where(panel.is_share, np.log(ratio), last_year - before)
    return Expectation(recent, last_year, step)


def learned_follow(panel: Panel, past: FloatArray, expectation: Expectation) -> FloatArray:
    """Return, per number, how far last year's step is followed, from 0 to 1.

    Least squares of what happened on what last year foretold, over the past weeks and all numbers
    of a signal together, drawn to a first belief while few weeks are known.

    Args:
        panel: gives the signals.
        past: values of the past weeks, shape (weeks, numbers).
        expectation: of the same weeks.
    """
    foretold = expectation.moved(panel, np.ones(past.shape[1])) - expectation.recent
    happened = past - expectation.recent
    known = np.isfinite(foretold) & np.isfinite(happened)
    x, y = np.where(known, foretold, 0.0), np.where(known, happened, 0.0)
    xx, xy = panel.sums(x * x), panel.sums(x * y)
    n_weeks = (xx > 0).sum(axis=0)
    first = _WEEKS_AT_FIRST * xx.sum(axis=0) / np.maximum(n_weeks, 1)
    total = xx.sum(axis=0) + first
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = (xy.sum(axis=0) + _FOLLOW_AT_FIRST * first) / total
    return np.clip(np.where(total > 0, slope, _FOLLOW_AT_FIRST), 0.0, 1.0)[panel.signal]
