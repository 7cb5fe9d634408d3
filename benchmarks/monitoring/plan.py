"""The plan: which shops, which events from which days, and which weeks are judged.

Every seed has a shop in which nothing happens and, for each kind and size, one with an event from a
day of its own: the days are spread over the span, every other one in the middle of a week. Sizes of
a kind share the day, so that only the size differs.
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Final, Literal, NamedTuple, Self

import yaml
from pydantic import BaseModel, ConfigDict, PositiveInt

from hemline.data.synthetic.planted_events import Event, Kind, Size
from hemline.data.synthetic.shop import SIZES
from hemline.data.synthetic.world import ShopSize

WEEK: Final = timedelta(weeks=1)
SEASON: Final = timedelta(days=60)
"""How long a season_change lasts each year when no end is given."""

_SETTINGS: Final = Path(__file__).parent / "settings.yaml"


class Settings(BaseModel):
    """A section of settings.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shop: Literal["demo"] | ShopSize
    first_seed: int
    n_seeds: PositiveInt
    kinds: tuple[Kind, ...]
    sizes: tuple[Size, ...]
    first_start: date
    last_start: date
    first_season_start: date
    last_season_start: date
    follow_weeks: PositiveInt
    loop_size: Size
    loop_weeks: PositiveInt
    preset: dict[PositiveInt, PositiveInt]

    @classmethod
    def load(cls, name: str) -> Self:
        """Return the section of that name."""
        return cls.model_validate(yaml.safe_load(_SETTINGS.read_text(encoding="utf-8"))[name])

    @property
    def size(self) -> ShopSize:
        """How large the shops are, and which days they have."""
        return SIZES[self.shop] if isinstance(self.shop, str) else self.shop

    @property
    def weeks(self) -> list[date]:
        """The week_end of every whole week, counted back from the last day."""
        end = self.size.last_day + timedelta(days=1)
        n_weeks = (end - self.size.first_day) // WEEK
        return [end - n * WEEK for n in reversed(range(n_weeks))]

    @property
    def seeds(self) -> range:
        """The seeds of the shops."""
        return range(self.first_seed, self.first_seed + self.n_seeds)


class Case(NamedTuple):
    """A shop: its seed, and what happens in it."""

    seed: int
    event: Event

    @property
    def name(self) -> str:
        """A file's name."""
        return f"{self.seed}-{self.event.kind}-{self.event.size}-{self.event.date}"


def list_cases(settings: Settings) -> list[Case]:
    """Return every size and kind of event with every seed."""
    return [
        Case(seed, Event(kind=kind, size=size, date=_start(settings, seed, kind), until=None))
        for size in settings.sizes
        for kind in settings.kinds
        for seed in settings.seeds
    ]


def weeks_judged(event: Event, settings: Settings) -> list[date]:
    """Return the week_end of the weeks to judge: those after the event's first day.

    A season_change is judged when it is new, and again a year later from three weeks before it
    returns, which a decision depends on, to two weeks after its last day.
    """
    if event.kind == "season_change":
        new = [end for end in settings.weeks if is_within(end, event.date, settings.follow_weeks)]
        first = second_year(event) - 3 * WEEK
        return new + [end for end in settings.weeks if first < end < first + SEASON + 6 * WEEK]
    is_loop = event.size == settings.loop_size and event.kind != "broken_column"
    n_weeks = settings.loop_weeks if is_loop else settings.follow_weeks
    return [end for end in settings.weeks if is_within(end, event.date, n_weeks)]


def is_within(week_end: date, start: date, n_weeks: int) -> bool:
    """Return whether the week has days after start and is none after the deadline.

    The deadline is the first end of a week that lies n_weeks or more after the start.

    >>> [is_within(date(2020, 3, day), date(2020, 3, 2), 1) for day in (4, 11, 18)]
    [True, True, False]
    """
    return start < week_end < start + (n_weeks + 1) * WEEK


def second_year(event: Event) -> date:
    """Return the day on which a season_change comes again."""
    return event.date.replace(year=event.date.year + 1)


def _start(settings: Settings, seed: int, kind: Kind) -> date:
    """Spread the seeds' days evenly over the span; every other one lies inside a week."""
    is_season = kind == "season_change"
    first = settings.first_season_start if is_season else settings.first_start
    last = settings.last_season_start if is_season else settings.last_start
    n_weeks = (last - first) // WEEK + 1
    place = seed - settings.first_seed
    week = place * n_weeks // settings.n_seeds + 7 * settings.kinds.index(kind)
    inside = 1 + place // 2 % 6 if place % 2 else 0
    return first + week % n_weeks * WEEK + timedelta(days=inside)
