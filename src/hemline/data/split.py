"""The split in time: the history before the cut, the validation week and the test week.

Everything follows from `data.cut`. Models are trained on the purchases of `history_years` before
it. The test week starts at the cut. The validation week is the last one before the cut: it serves
for early stopping and belongs to the history afterwards.
"""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field, PositiveFloat, model_validator

from hemline.params import Section


class DataParams(Section):
    """The cut and the lengths of the history, the validation week and the test week."""

    section: ClassVar[str] = "data"
    cut: Annotated[date, Field(ge=date(1900, 1, 1), le=date(2999, 12, 31))]
    history_years: PositiveFloat
    validation_days: Annotated[int, Field(ge=1, le=366)]
    test_days: Annotated[int, Field(ge=1, le=366)]

    @property
    def week_end(self) -> date:
        """The first day after the test week: the `week_end` by which monitoring knows that week."""
        return self.cut + timedelta(days=self.test_days)

    def cut_before(self, week_end: date) -> date:
        """Return the cut whose test week ends before this day."""
        return week_end - timedelta(days=self.test_days)

    @model_validator(mode="before")
    @classmethod
    def _renamed(cls, section: Any) -> Any:
        """Read `as_of`, the name of the cut in the params.yaml of versions registered before."""
        if isinstance(section, dict) and "as_of" in section and "cut" not in section:
            return {"cut" if key == "as_of" else key: value for key, value in section.items()}
        return section


@dataclass(frozen=True)
class Weeks:
    """Borders in time: each part includes its first day and ends before the next border."""

    history_start: date
    validation_start: date
    cut: date
    test_end: date


def weeks_of(params: DataParams) -> Weeks:
    """Return the borders of the parts; a year has 365.25 days, rounded up."""
    return Weeks(
        history_start=params.cut - timedelta(days=math.ceil(365.25 * params.history_years)),
        validation_start=params.cut - timedelta(days=params.validation_days),
        cut=params.cut,
        test_end=params.week_end,
    )
