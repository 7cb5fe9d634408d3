"""Metrics beside the decision metric: they explain a result and decide nothing.

Every interval is one of 95 % for a single look, without a correction for the number of metrics or
for looking again, so now and then one of them excludes 0 by chance. That is the price of reading
them at any time, and why none of them may decide.

What is bought counts although it may be sent back later: returns are in the decision metric.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hemline.experiments.always_valid import is_large_enough
from hemline.experiments.fixed_horizon import ArmComparison, compare, linearised
from hemline.experiments.observations import RETAINED_AFTER, Observations

Values = npt.NDArray[np.float64]

_Z: Final = 1.959963984540054  # of intervals of 95 %
_VISITS: Final = 2  # of a unit that came again


@dataclass(frozen=True)
class SecondaryMetric:
    """A metric of both arms.

    Attributes:
        name: of it.
        comparison: of the arms.
        is_share: whether it is a share of the units.
    """

    name: str
    comparison: ArmComparison
    is_share: bool

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of the interval of 95 % for the difference, at a single look."""
        return self.comparison.interval(_Z)


def secondary_metrics(seen: Observations) -> tuple[SecondaryMetric, ...]:
    """Return the metrics for which both arms have at least 100 units.

    Retention has the units that were exposed at least 35 days ago; basket size has all units, but
    is left out where an arm has bought nothing.
    """
    everybody = np.ones(len(seen), bool)
    known = seen.days >= RETAINED_AFTER
    found = [
        _compared("conversion", seen, (seen.orders > 0).astype(float), everybody, is_share=True),
        _compared("orders per unit", seen, seen.orders, everybody),
        _basket_size(seen),
        _compared(
            "bought on two or more days",
            seen,
            (seen.baskets >= _VISITS).astype(float),
            everybody,
            is_share=True,
        ),
        _compared("retention at 28 days", seen, seen.came_back, known, is_share=True),
    ]
    return tuple(each for each in found if each is not None)


def _compared(
    name: str,
    seen: Observations,
    values: Values,
    rows: npt.NDArray[np.bool_],
    *,
    is_share: bool = False,
) -> SecondaryMetric | None:
    """Return the metric of some units; None where an arm has too few of them."""
    control, treatment = values[rows & ~seen.is_treated], values[rows & seen.is_treated]
    if not is_large_enough(len(control), len(treatment)):
        return None
    return SecondaryMetric(name, compare(control, treatment), is_share)


def _basket_size(seen: Observations) -> SecondaryMetric | None:
    """Return units per basket: a ratio of two sums, since a unit has several baskets or none."""
    arms: Sequence[tuple[Values, Values]] = list(
        zip(seen.arms(seen.units_bought), seen.arms(seen.baskets), strict=True)
    )
    large = is_large_enough(*(len(baskets) for _, baskets in arms))
    if not large or any(baskets.sum() == 0 for _, baskets in arms):
        return None
    control, treatment = (linearised(units, baskets) for units, baskets in arms)
    return SecondaryMetric("units per basket", compare(control, treatment), is_share=False)
