"""Section `live` of params.yaml: the shop of `make live`. No stage depends on it."""

from datetime import date, timedelta
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from hemline.data.synthetic.planted_events import Event
from hemline.data.synthetic.world import ShopSize
from hemline.params import Section

WEEK = timedelta(weeks=1)


class LivingParams(Section):
    """How large the shop is, since when it sells, and what happens to it.

    Attributes:
        seed: of everything in it.
        customers: how many there are.
        articles: how many there are, those included that are sold later.
        history_weeks: before the first living day.
        first_day: the first on which the service shows lists.
        weeks: the shop could live; a run may end earlier.
        events: what happens on the way.
    """

    section: ClassVar[str] = "live"
    seed: Annotated[int, Field(ge=0)] = 7
    customers: Annotated[int, Field(ge=100)] = 12_000
    articles: Annotated[int, Field(ge=100)] = 3_000
    history_weeks: Annotated[int, Field(ge=20, le=104)] = 90
    first_day: date = date(2020, 9, 23)
    weeks: Annotated[int, Field(ge=1, le=52)] = 52
    events: tuple[Event, ...] = ()

    @model_validator(mode="after")
    def _events_happen_while_it_lives(self) -> Self:
        for event in self.events:
            if event.date < self.first_day:
                raise ValueError(f"{event.kind} on {event.date} lies before {self.first_day}")
        return self

    @property
    def history_days(self) -> int:
        """Days before the first living one."""
        return 7 * self.history_weeks

    @property
    def size(self) -> ShopSize:
        """The shop from its history to the last day that it could live."""
        return ShopSize(
            n_customers=self.customers,
            n_articles=self.articles,
            first_day=self.first_day - self.history_weeks * WEEK,
            last_day=self.first_day + self.weeks * WEEK - timedelta(days=1),
        )
