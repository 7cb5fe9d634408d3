"""Champion or challenger: the same week, the same customers, the same histories.

A promotion needs a better mean and nothing more for now; the interval is recorded beside it, so a
stricter rule can be judged on what was seen before it is introduced.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.evaluation.bootstrap import bootstrap_means, interval

Values = npt.NDArray[np.float64]
SYNTHETIC: Final = "synthetic"


@dataclass(frozen=True)
class Comparison:
    """AP@12 of two models for the same customers.

    Attributes:
        champion: mean over customers.
        challenger: the same of the other one.
        low: lower end of the paired bootstrap interval (95 %) of challenger - champion.
        high: its upper end.
        n_customers: how many customers were asked.
    """

    champion: float
    challenger: float
    low: float
    high: float
    n_customers: int

    @property
    def difference(self) -> float:
        """Challenger minus champion."""
        return self.challenger - self.champion


@dataclass(frozen=True)
class Verdict:
    """Whether the challenger becomes champion, and why; no comparison where none was fair."""

    promotes: bool
    reason: str
    comparison: Comparison | None = None


def judge(
    champion_ap: Values, challenger_ap: Values, *, n_samples: int, rng: np.random.Generator
) -> Verdict:
    """Return whether the challenger beats the champion.

    Args:
        champion_ap: AP@12 of the champion's list, one value per customer.
        challenger_ap: the same for the challenger, for the same customers in the same order.
        n_samples: bootstrap resamples of the customers.
        rng: draws them.
    """
    if champion_ap.shape != challenger_ap.shape:
        raise ValueError(f"{champion_ap.shape} customers against {challenger_ap.shape}")
    draws = bootstrap_means((challenger_ap - champion_ap)[:, None], n_samples=n_samples, rng=rng)
    low, high = (float(end[0]) for end in interval(draws))
    seen = Comparison(
        float(champion_ap.mean()), float(challenger_ap.mean()), low, high, len(champion_ap)
    )
    promotes = float((challenger_ap - champion_ap).mean()) > 0
    verb = "beats" if low > 0 else "is ahead, within the noise, of" if promotes else "does not beat"
    reason = (
        f"challenger {verb} the champion: MAP@12 {seen.challenger:.4f} against "
        f"{seen.champion:.4f}, difference {seen.difference:+.4f} [{low:+.4f}, {high:+.4f}] "
        f"over {seen.n_customers:,} customers"
    )
    return Verdict(promotes, reason, seen)


def judge_unopposed() -> Verdict:
    """Return the verdict when there is no champion yet."""
    return Verdict(promotes=True, reason="there was no champion to beat")


def judge_other_data(champion_source: str, challenger_source: str) -> Verdict:
    """Return the verdict when the champion was fitted on another shop's customers and articles.

    Genuine data takes the place of generated data, and never the other way round.
    """
    promotes = challenger_source != SYNTHETIC
    found = (
        f"the champion was fitted on {champion_source} data, this version on {challenger_source}"
    )
    kept = "it takes the champion's place" if promotes else "generated data never replaces a shop's"
    return Verdict(promotes=promotes, reason=f"not compared: {found}; {kept}")


def judge_older_form() -> Verdict:
    """Return the verdict when today's code cannot read the champion's files any more."""
    return Verdict(
        promotes=True,
        reason="not compared: the champion's files have an older form; it takes the place",
    )


def has_seen_the_week(champion_as_of: date, challenger_as_of: date) -> bool:
    """Return whether the champion was fitted on purchases of the challenger's test week."""
    return champion_as_of > challenger_as_of


def refuse_comparison(champion_as_of: date, challenger_as_of: date) -> Verdict:
    """Return the verdict when the champion already knows what the week will hold."""
    return Verdict(
        promotes=False,
        reason=f"not compared: the champion was fitted up to {champion_as_of}, so it has seen the "
        f"test week from {challenger_as_of} on",
    )
