"""The stored outcome of a shop: enough to count again without monitoring it again."""

from datetime import date

from pydantic import BaseModel, ConfigDict

from benchmarks.monitoring.plan import is_within
from hemline.data.synthetic.planted_events import COLUMNS, Event


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WeekOutcome(_Record):
    """What the monitor concluded about one week.

    Attributes:
        week_end: the first day after the week.
        has_last_year: whether last year's weeks were there to compare with.
        retrain: whether a retraining was decided.
        confirmed: "column" or "column in segment", as the decision names them.
        candidates: the same, of drifts that need a second week.
        called: by verdict other than "none", the signals that got it.
    """

    week_end: date
    has_last_year: bool
    retrain: bool
    confirmed: tuple[str, ...]
    candidates: tuple[str, ...]
    called: dict[str, tuple[str, ...]]


class PresetWeek(_Record):
    """The result of Evidently's preset for one week."""

    week_end: date
    dataset: bool
    columns: tuple[str, ...]


class Calm(_Record):
    """A shop in which nothing happens.

    Attributes:
        seed: of the shop.
        weeks: every week with a whole recent reference.
        preset: by rows a window, the weeks that Evidently compared.
        refused: rules that the last week breaks.
    """

    seed: int
    weeks: tuple[WeekOutcome, ...]
    preset: dict[int, tuple[PresetWeek, ...]]
    refused: tuple[str, ...]


class Planted(_Record):
    """A shop with an event.

    Attributes:
        seed: of the shop.
        event: what happens.
        weeks: the weeks after its first day that were judged.
        refused: rules that its first week breaks; for a broken_column only.
    """

    seed: int
    event: Event
    weeks: tuple[WeekOutcome, ...]
    refused: tuple[str, ...]

    def weeks_within(self, n_weeks: int) -> list[WeekOutcome]:
        """Return the weeks up to the first that ends n_weeks or more after the event's start."""
        return [week for week in self.weeks if is_within(week.week_end, self.event.date, n_weeks)]

    def right(self, names: tuple[str, ...]) -> set[str]:
        """Return the named columns in which the event should be detected."""
        return columns_of(names) & set(COLUMNS[self.event.kind])

    def besides(self, names: tuple[str, ...]) -> set[str]:
        """Return the named columns in which it need not be detected."""
        return columns_of(names) - self.right(names)


def columns_of(names: tuple[str, ...]) -> set[str]:
    """Return the columns among "column" and "column in segment".

    >>> sorted(columns_of(("price", "price in Menswear")))
    ['price']
    """
    return {name.partition(" in ")[0] for name in names}
