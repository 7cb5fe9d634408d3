"""The section `monitor` of params.yaml: windows, tests and decisions, each number with its limits.

One module for all of it: the parts are read by modules that import one another.
"""

from datetime import date
from typing import ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from hemline.params import Section


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class HabitsParams(_Part):
    """The space of tastes, see `habits`."""

    dimensions: PositiveInt
    iterations: PositiveInt
    prior_buyers: PositiveFloat
    min_spread: NonNegativeFloat


class ForecastParams(_Part):
    """How last year's change is followed, see `forecast`."""

    prior_follow: float = Field(ge=0, le=1)
    prior_weeks: PositiveFloat
    prior_buyers: PositiveFloat


class SignalWeights(_Part):
    """The weight of groups of signals in the control of false discoveries; of all others 1."""

    channel: PositiveFloat
    habits: PositiveFloat
    mix: PositiveFloat
    within_segment: PositiveFloat


class DriftTestParams(_Part):
    """The tests of residuals, see `drift_tests`."""

    prior_weeks: PositiveFloat
    prior_overdispersion: NonNegativeFloat
    min_freedom: PositiveFloat
    max_freedom: PositiveFloat
    correlated_weeks: PositiveFloat
    quantiles: tuple[float, ...] = Field(min_length=1)
    min_uncertain_share: PositiveFloat
    rare_share: PositiveFloat
    weights: SignalWeights


SaleDays = tuple[date, date]
"""The first and the last day of a sale."""


class CalendarParams(_Part):
    """Which weeks are unlike their neighbours, see `shop_calendar`."""

    country: str | None
    holidays: tuple[str, ...]
    sales: dict[str, tuple[SaleDays, ...]]

    @field_validator("sales")
    @classmethod
    def _in_order(cls, sales: dict[str, tuple[SaleDays, ...]]) -> dict[str, tuple[SaleDays, ...]]:
        for name, times in sales.items():
            for first, last in times:
                if last < first:
                    raise ValueError(f"{name}: its last day ({last}) is before its first ({first})")
        return sales


class MonitorParams(Section):
    """Lengths of the windows, the tests of a week, and when a decision to retrain is due."""

    section: ClassVar[str] = "monitor"
    reference_weeks: PositiveInt
    max_rows: PositiveInt
    threshold: PositiveFloat
    gap_weeks: NonNegativeInt
    history_weeks: PositiveInt
    price_step: float = Field(gt=1)
    min_buyers: PositiveInt
    min_window_share: float = Field(gt=0, le=1)
    replicates: int = Field(ge=20)
    seed: NonNegativeInt
    alpha: float = Field(gt=0, lt=1)
    confirm_weeks: PositiveInt
    out_of_weeks: PositiveInt
    cool_down_weeks: NonNegativeInt
    max_model_age_weeks: PositiveInt
    min_past_weeks: PositiveInt
    steady: tuple[str, ...]
    calendar: CalendarParams
    habits: HabitsParams
    forecast: ForecastParams
    drift_tests: DriftTestParams

    @model_validator(mode="after")
    def _can_confirm(self) -> Self:
        if self.confirm_weeks > self.out_of_weeks:
            raise ValueError(
                f"confirm_weeks ({self.confirm_weeks}) exceeds out_of_weeks ({self.out_of_weeks})"
            )
        return self

    @property
    def read_weeks(self) -> int:
        """Number of weeks of rows from which the summary of a week is made."""
        return 1 + max(self.history_weeks, self.gap_weeks + self.reference_weeks)
