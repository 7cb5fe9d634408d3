"""Time: what was known before the cut, and the two weeks held out to choose and to judge.

`data.as_of` is the only border. Purchases before it (minus `history_years` of age) may reach a
model. The days from it on are the test week; the last days before it are the validation week, which
serves for early stopping and belongs to the history afterwards.
"""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from pydantic import PositiveFloat, PositiveInt

from hemline.params import Section


class DataParams(Section):
    """The cut and the lengths of what lies on its two sides."""

    section: ClassVar[str] = "data"
    as_of: date
    history_years: PositiveFloat
    validation_days: PositiveInt
    test_days: PositiveInt


@dataclass(frozen=True)
class Weeks:
    """Half-open borders in time: each part runs from its start up to the next border."""

    history_start: date
    validation_start: date
    as_of: date
    test_end: date


def weeks_of(params: DataParams) -> Weeks:
    """Return the borders that params.yaml asks for; a year counts 365.25 days, rounded up."""
    return Weeks(
        history_start=params.as_of - timedelta(days=math.ceil(365.25 * params.history_years)),
        validation_start=params.as_of - timedelta(days=params.validation_days),
        as_of=params.as_of,
        test_end=params.as_of + timedelta(days=params.test_days),
    )
