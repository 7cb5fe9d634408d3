"""What the rows of the result cannot say: how it was counted, and what was named."""

from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import version

from benchmarks.monitoring.monitoring_tables import DRIFTS, named
from benchmarks.monitoring.outcome import Calm, Planted
from benchmarks.monitoring.plan import Settings


def notes_of(calm: Sequence[Calm], planted: Sequence[Planted], settings: Settings) -> list[str]:
    """Return the lines that stand below the tables."""
    return [
        (
            f"Demo shops with the seeds {settings.seeds[0]} to {settings.seeds[-1]}, on which no "
            "number of the monitor was chosen. Standard errors over seeds or events in brackets."
        ),
        (
            "No model is served: performance is unknown and the model a week old, so only what is "
            "bought can call for a retraining, which is what a drift alarm is."
        ),
        "Before last year: weeks that no week of last year can be held against.",
        (
            "A season_change: share with a verdict on a column in which it ought to be seen, in "
            "the weeks of its return; without it: the same weeks of the shop without the event."
        ),
        (
            f"Events begin on days of their own from {settings.first_start} on, every other one in "
            "the middle of a week. In 2 weeks: share confirmed, in a column in which the event "
            "ought to be seen, by the first week that ends 14 days or more after its first day. By "
            "then: share confirmed in any column, columns named besides, share that called for a "
            "training. Wait: weeks until the end of the confirming week, of those confirmed."
        ),
        (
            f"Evidently {version('evidently')}: its preset as it comes, {_preset(settings)}, "
            "against as many recent weeks; up to 1,000 rows it tests, above it measures."
        ),
        f"False alarms named: {_counted(_alarms(calm))}.",
        *_besides(planted),
        f"Rules that broken weeks broke: {_counted(_refused(planted))}.",
    ]


def _preset(settings: Settings) -> str:
    return ", ".join(
        f"{rows:,} evenly drawn rows a window on one week in {every}"
        for rows, every in settings.preset.items()
    )


def _alarms(calm: Sequence[Calm]) -> Iterator[str]:
    for each in calm:
        yield from named(week for week in each.weeks if week.retrain)


def _besides(planted: Sequence[Planted]) -> Iterator[str]:
    for kind in DRIFTS:
        of_kind = [each for each in planted if each.event.kind == kind]
        names = [name for each in of_kind for name in each.besides(named(each.weeks_within(2)))]
        if of_kind:
            yield f"{kind}: named besides within 2 weeks of {len(of_kind)}: {_counted(names)}."


def _refused(planted: Sequence[Planted]) -> Iterator[str]:
    for each in planted:
        yield from (f"{rule} ({each.event.size})" for rule in each.refused)


def _counted(names: Iterator[str] | Sequence[str]) -> str:
    return ", ".join(f"{name} {n}" for name, n in Counter(names).most_common()) or "nothing"
