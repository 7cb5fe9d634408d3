"""Intervals that hold at every moment at once, for looks that nobody planned.

An interval of 95 % holds once. Who looks every day sees it miss the truth on some day in far more
than 5 % of the experiments. A confidence sequence holds at all moments together: whoever looks
whenever they like, and stops when they please, is wrong in 5 % at most. It comes from a mixture of
likelihood ratios over normally distributed effects, as the mixture sequential probability ratio
test does (Robbins 1970; Johari, Pekelis & Walsh 2015), with the estimated standard error in the
place of the known one, which is justified in large samples (Waudby-Smith et al. 2021).

Its price is width: at the planned end it is about 1.5 times as wide as the usual interval, so
planned looks decide (group_sequential), and this serves what may be looked at whenever anybody
likes: a glance between them, and guardrails.
"""

from typing import Final

import numpy as np

_SMALLEST_SAMPLE: Final = 100  # by arm; below, a mean is not nearly normal


def half_width(standard_error: float, planned_error: float, alpha: float = 0.05) -> float:
    """Return half the width of the interval around an estimate.

    >>> round(half_width(1.0, 1.0), 2)
    3.04

    Args:
        standard_error: of the estimate now.
        planned_error: the standard error that is planned for the end; there the interval is as
            narrow as it can be. It must not depend on what the experiment has shown so far.
        alpha: how often, at most, the truth is outside at any moment.
    """
    if standard_error == 0:
        return 0.0
    information = _mixture(alpha) * (planned_error / standard_error) ** 2
    log_term = np.log((1 + information) / alpha**2)
    return float(standard_error * np.sqrt((1 + 1 / information) * log_term))


def always_valid_p(estimate: float, standard_error: float, planned_error: float) -> float:
    """Return the p-value that holds at every moment: the smallest level that excludes zero.

    The mixture is that of the level 0.05, so that one experiment has one sequence.
    """
    if standard_error == 0:
        return 1.0 if estimate == 0 else 0.0
    information = _mixture(0.05) * (planned_error / standard_error) ** 2
    z_squared = (estimate / standard_error) ** 2
    log_ratio = 0.5 * (z_squared * information / (1 + information) - np.log1p(information))
    return float(min(1.0, np.exp(-log_ratio)))


def is_large_enough(n_control: int, n_treatment: int) -> bool:
    """Return whether both arms have enough units for these intervals to be relied on."""
    return min(n_control, n_treatment) >= _SMALLEST_SAMPLE


def _mixture(alpha: float) -> float:
    """Return the information, in units of the mixture's, at which the interval is narrowest.

    An approximation of the best value (Waudby-Smith et al. 2021, appendix B.2).
    """
    doubled = -2 * np.log(alpha)
    return float(doubled + np.log(doubled + 1))
