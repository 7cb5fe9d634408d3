"""Notes below the tables: how was counted, and which columns were named."""

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
            f"Demo shops with the seeds {settings.seeds[0]} to {settings.seeds[-1]}, which "
            "were not used to tune the monitor. Standard errors over seeds or events in brackets."
        ),
        (
            "No model is served: performance is unknown and the model a week old, so only "
            "purchases can cause a retraining. Such a retraining is a drift alarm."
        ),
        "Before last year: weeks without last year's weeks to compare with.",
        (
            "A season_change: share with a verdict on a column in which it should be detected, in "
            "the weeks of its return; without it: the same weeks of the shop without the event."
        ),
        (
            f"Events begin on days of their own from {settings.first_start} on, every other one in "
            "the middle of a week. In 2 weeks: share confirmed, in a column in which the event "
            "should be detected, by the first week that ends 14 days or more after its first day. "
            "By then: share confirmed in any column, other columns named, share with a retraining. "
            "Wait: weeks until the end of the confirming week, of those confirmed."
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
