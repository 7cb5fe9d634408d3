"""Two arms compared at the one moment that was planned, and whether the arms were drawn well.

tea-tasting computes Welch's test, its form with a covariate from before the experiment (CUPED:
Deng et al. 2013), and the test of the sample ratio. The normal distribution stands for Student's,
so that the same standard error serves planned looks and always-valid intervals; with fewer than a
hundred units an arm nothing is claimed anyway.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hemline.errors import BadInput

Values = npt.NDArray[np.float64]

SRM_LEVEL: Final = 0.001
"""Below this p-value the arms have other sizes than they were to have: do not trust the result."""

_SMALLEST_ARM: Final = 2


@dataclass(frozen=True)
class ArmComparison:
    """Treatment against control.

    Attributes:
        control: mean of the control arm; adjusted, where a covariate was used.
        treatment: mean of the treatment arm, likewise.
        difference: treatment less control.
        standard_error: of the difference.
        p_value: two-sided, for one look.
        n_control: units of the control arm.
        n_treatment: units of the treatment arm.
        variance_left: share of the variance of the difference that a covariate left; 1 without one.
    """

    control: float
    treatment: float
    difference: float
    standard_error: float
    p_value: float
    n_control: int
    n_treatment: int
    variance_left: float = 1.0

    @property
    def z(self) -> float:
        """The difference in standard errors; 0 where both are 0."""
        return self.difference / self.standard_error if self.standard_error else 0.0

    @property
    def lift(self) -> float:
        """The difference as a share of the control; NaN where that is 0."""
        return self.difference / self.control if self.control else float("nan")

    def interval(self, z: float) -> tuple[float, float]:
        """Return the ends of the interval of so many standard errors."""
        return self.difference - z * self.standard_error, self.difference + z * self.standard_error


def compare(
    control: Values,
    treatment: Values,
    before: tuple[Values, Values] | None = None,
) -> ArmComparison:
    """Return the comparison of two arms.

    Args:
        control: one value per unit of the control arm.
        treatment: one value per unit of the treatment arm.
        before: the same units' values from before they were exposed, which takes out what they
            differed by already; None for none. Without any variance it is not used.

    Raises:
        BadInput: an arm has fewer than two units, a value is not finite, or the covariate has
            other units.
    """
    _check(control, treatment, before)
    plain = _compare(control, treatment, None)
    if before is None or np.ptp(np.concatenate(before)) == 0 or plain.standard_error == 0:
        return plain
    return _compare(control, treatment, before, plain.standard_error)


def linearised(numerators: Values, denominators: Values) -> Values:
    """Return values of one arm whose mean is the ratio of two sums, and whose variance is its own.

    A unit's share in a ratio's error is linear (the delta method; Deng, Knoblich & Lu 2018), so
    two such arms can be compared by their means.

    >>> linearised(np.array([3.0, 1.0]), np.array([1.0, 1.0])).tolist()
    [3.0, 1.0]

    Args:
        numerators: one value per unit.
        denominators: of the same units; their sum is not 0.
    """
    ratio = numerators.sum() / denominators.sum()
    shares = (numerators - ratio * denominators) / denominators.mean()
    # Units that all have the same ratio differ by the last bits only, which are no variance.
    return np.asarray(ratio + shares.round(12), np.float64)


def sample_ratio_p(n_control: int, n_treatment: int, treatment_share: float = 0.5) -> float:
    """Return how likely arms are so far from their planned sizes by chance.

    >>> bool(sample_ratio_p(10_400, 9_600) < SRM_LEVEL), bool(sample_ratio_p(10_050, 9_950) < 0.05)
    (True, False)

    Args:
        n_control: units of the control arm.
        n_treatment: units of the treatment arm.
        treatment_share: of the units that were to be in the treatment arm, in (0, 1).
    """
    import tea_tasting as tt  # noqa: PLC0415  (a second, for a readout alone)

    counts = {0: tt.aggr.Aggregates(count_=n_control), 1: tt.aggr.Aggregates(count_=n_treatment)}
    ratio = treatment_share / (1 - treatment_share)
    return float(tt.SampleRatio(ratio).analyze(counts, 0, 1).pvalue)


def _check(control: Values, treatment: Values, before: tuple[Values, Values] | None) -> None:
    arms = (control, treatment, *(before or ()))
    if min(len(each) for each in arms) < _SMALLEST_ARM:
        raise BadInput(
            "each arm has at least two units",
            found=f"{len(control)} and {len(treatment)}",
            fix="wait until more are exposed",
        )
    if not all(np.isfinite(each).all() for each in arms):
        raise BadInput(
            "every unit has a finite value",
            found="NaN or infinity",
            fix="give 0 to a unit that did nothing",
        )
    if before is not None and [len(each) for each in before] != [len(control), len(treatment)]:
        raise BadInput(
            "the values from before are those of the same units",
            found=f"{[len(each) for each in before]} for {[len(control), len(treatment)]}",
            fix="give one value per unit, in the same order",
        )


def _compare(
    control: Values,
    treatment: Values,
    before: tuple[Values, Values] | None,
    plain_error: float | None = None,
) -> ArmComparison:
    import tea_tasting as tt  # noqa: PLC0415  (a second, for a readout alone)

    if np.ptp(control) == 0 and np.ptp(treatment) == 0:
        return _constant(float(control[0]), float(treatment[0]), len(control), len(treatment))
    values = np.concatenate([control, treatment])
    # It also computes ratios of means, which fail near zero; a shift changes no difference.
    shift = 10 * float(values.std()) - float(values.mean())
    columns = {
        "variant": np.repeat([0, 1], [len(control), len(treatment)]),
        "value": values + shift,
    }
    if before is not None:
        columns["before"] = np.concatenate(before)
    metric = tt.Mean("value", None if before is None else "before", use_t=False, equal_var=False)
    found = metric.analyze(pa.table(columns), 0, 1, "variant")
    width = found.effect_size_ci_upper - found.effect_size_ci_lower
    error = float(width / (2 * _Z_OF_TEA_TASTING))
    return ArmComparison(
        float(found.control) - shift,
        float(found.treatment) - shift,
        float(found.effect_size),
        error,
        float(found.pvalue),
        len(control),
        len(treatment),
        1.0 if plain_error is None else (error / plain_error) ** 2,
    )


def _constant(control: float, treatment: float, n_control: int, n_treatment: int) -> ArmComparison:
    """Return the comparison of arms in which all units are alike: it shows nothing."""
    return ArmComparison(control, treatment, treatment - control, 0.0, 1.0, n_control, n_treatment)


_Z_OF_TEA_TASTING: Final = 1.959963984540054  # its intervals are of 95 %
