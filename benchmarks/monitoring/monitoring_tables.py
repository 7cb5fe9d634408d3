"""From outcomes to the rows of the result: shares of events, and counts a year.

A share's standard error is that over events, a yearly count's that over seeds. An event is
confirmed by a column in which it should be detected (data/synthetic/planted_events.py). Other
names are counted apart and may be true too: where stores close, the article mix changes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from benchmarks.monitoring.outcome import Calm, Planted, PresetWeek, WeekOutcome
from benchmarks.monitoring.plan import WEEK, Settings, second_year
from benchmarks.ranking_measures import mean_and_stderr
from benchmarks.record import Row
from monitoring.verdict import Verdict

DRIFTS: Final = ("taste_shift", "price_change", "channel_shift", "closed_stores")

_REFUSED: Final = "refused"
_WEEKS_A_YEAR: Final = 52
_CALLED: Final[Mapping[str, Callable[[WeekOutcome], bool]]] = {
    "a drift alarm": lambda week: week.retrain,
    "a confirmed drift": lambda week: bool(week.confirmed),
    "a candidate": lambda week: bool(week.candidates),
    "called drift": lambda week: Verdict.DRIFT in week.called,
    "called seasonal": lambda week: Verdict.SEASONAL in week.called,
    "called new": lambda week: Verdict.NEW in week.called,
}
_EVIDENTLY: Final[Mapping[str, Callable[[PresetWeek], bool]]] = {
    "dataset drift": lambda week: week.dataset,
    "a drifted column": lambda week: bool(week.columns),
}

_Measured = dict[str, float | None]


def rows_of(calm: Sequence[Calm], planted: Sequence[Planted], settings: Settings) -> list[Row]:
    """Return the rows of all cases."""
    by_kind = {kind: [each for each in planted if each.event.kind == kind] for kind in _KINDS}
    rows = _calm_rows(calm) + _preset_rows(calm)
    for kind in DRIFTS:
        rows += _by_size(f"planted {kind}, confirmed", by_kind[kind], _detected_in_time)
    drifts = [each for kind in DRIFTS for each in by_kind[kind]]
    large = [_detected_in_time(each) for each in drifts if each.event.size != "small"]
    rows += _means("planted events, confirmed", "all medium and large", large)
    quiet = {each.seed: each.weeks for each in calm}
    case = "planted season_change, its second year"
    rows += _by_size(case, by_kind["season_change"], lambda each: _season(each, quiet[each.seed]))
    refused: list[_Measured] = [{_REFUSED: float(bool(each.refused))} for each in calm]
    rows += _by_size("planted broken_column, noticed", by_kind["broken_column"], _broken)
    rows += _means("planted broken_column, noticed", "nothing planted", refused)
    return rows + _loop_rows(drifts, quiet, settings)


_KINDS: Final = (*DRIFTS, "season_change", "broken_column")


def named(weeks: Iterable[WeekOutcome]) -> tuple[str, ...]:
    """Return what the weeks confirmed."""
    return tuple(name for week in weeks for name in week.confirmed)


def _calm_rows(calm: Sequence[Calm]) -> list[Row]:
    spans: dict[str, list[list[WeekOutcome]]] = {
        "a year": [list(each.weeks) for each in calm],
        "before last year": [_weeks(each, has_last_year=False) for each in calm],
        "with last year": [_weeks(each, has_last_year=True) for each in calm],
    }
    return [
        row
        for model, counted in _CALLED.items()
        for metric, weeks in spans.items()
        for row in _rate(model, metric, [[counted(week) for week in each] for each in weeks])
    ]


def _preset_rows(calm: Sequence[Calm]) -> list[Row]:
    sizes = sorted({n_rows for each in calm for n_rows in each.preset})
    return [
        row
        for n_rows in sizes
        for alarm, is_raised in _EVIDENTLY.items()
        for row in _rate(
            f"Evidently, {n_rows:,} rows: {alarm}",
            "a year",
            [[is_raised(week) for week in each.preset[n_rows]] for each in calm],
        )
    ]


def _weeks(calm: Calm, *, has_last_year: bool) -> list[WeekOutcome]:
    return [week for week in calm.weeks if week.has_last_year == has_last_year]


def _rate(model: str, metric: str, flags: Sequence[Sequence[bool]]) -> list[Row]:
    rates = np.array([np.mean(each) * _WEEKS_A_YEAR for each in flags if each])
    case = "nothing planted: weeks a year"
    return [Row(case, model, metric, *mean_and_stderr(rates))] if len(rates) else []


def _by_size(
    case: str, planted: Sequence[Planted], measured: Callable[[Planted], _Measured]
) -> list[Row]:
    sizes = dict.fromkeys(each.event.size for each in planted)
    return [
        row
        for size in sizes
        for row in _means(case, size, [measured(one) for one in planted if one.event.size == size])
    ]


def _means(case: str, model: str, measured: Sequence[_Measured]) -> list[Row]:
    """Return the mean of each metric over the events that have it."""
    rows = []
    for metric in dict.fromkeys(name for each in measured for name in each):
        values = [value for each in measured if (value := each[metric]) is not None]
        if values:
            rows.append(Row(case, model, metric, *mean_and_stderr(np.array(values))))
    return rows


def _detected_in_time(planted: Planted) -> _Measured:
    names = {n_weeks: named(planted.weeks_within(n_weeks)) for n_weeks in (2, 3, 4)}
    return {
        **{
            f"in {n_weeks} weeks": float(bool(planted.right(each)))
            for n_weeks, each in names.items()
        },
        "any column": float(bool(names[2])),
        "besides": float(len(planted.besides(names[2]))),
        "retrained": float(any(week.retrain for week in planted.weeks_within(2))),
        "wait": _wait(planted),
    }


def _wait(planted: Planted) -> float | None:
    """Return the weeks from the event's first day to the end of the week that confirmed it."""
    weeks = planted.weeks_within(4)
    waits = ((week.week_end - planted.event.date) / WEEK for week in weeks if _hits(planted, week))
    return next(waits, None)


def _hits(planted: Planted, week: WeekOutcome) -> bool:
    return bool(planted.right(week.confirmed))


def _season(planted: Planted, quiet: Sequence[WeekOutcome]) -> _Measured:
    """Measure the event's second year, and the same weeks of the shop without it."""
    again = [week for week in planted.weeks if week.week_end > second_year(planted.event)]
    without = _same_weeks(quiet, again)
    is_seasonal = _is_called(planted, again, Verdict.SEASONAL)
    is_drift = any(_hits(planted, week) for week in again)
    return {
        "seasonal and no drift": float(is_seasonal and not is_drift),
        "seasonal": float(is_seasonal),
        "seasonal without it": float(_is_called(planted, without, Verdict.SEASONAL)),
        "drift": float(is_drift),
        "drift without it": float(any(_hits(planted, week) for week in without)),
        "news when new": float(
            _is_called(planted, planted.weeks_within(3), Verdict.NEW, Verdict.DRIFT)
        ),
    }


def _is_called(planted: Planted, weeks: Iterable[WeekOutcome], *verdicts: str) -> bool:
    """Return whether a column in which the event should be detected got one of the verdicts."""
    return any(
        planted.right(week.called.get(verdict, ())) for week in weeks for verdict in verdicts
    )


def _same_weeks(weeks: Iterable[WeekOutcome], others: Iterable[WeekOutcome]) -> list[WeekOutcome]:
    ends = {week.week_end for week in others}
    return [week for week in weeks if week.week_end in ends]


def _broken(planted: Planted) -> _Measured:
    return {
        _REFUSED: float(bool(planted.refused)),
        "in 2 weeks": float(any(_hits(planted, w) for w in planted.weeks_within(2))),
    }


def _loop_rows(
    drifts: Sequence[Planted], quiet: Mapping[int, Sequence[WeekOutcome]], settings: Settings
) -> list[Row]:
    """Count the retrainings of the weeks after an event, where the data hold that many."""
    case = f"retrainings in the {settings.loop_weeks} weeks after an event"
    rows = []
    for kind in DRIFTS:
        measured: list[_Measured] = []
        for each in drifts:
            weeks = each.weeks_within(settings.loop_weeks)
            is_counted = each.event.kind == kind and each.event.size == settings.loop_size
            if is_counted and len(weeks) >= settings.loop_weeks:
                without = _same_weeks(quiet[each.seed], weeks)
                measured.append(
                    {
                        "with the event": float(sum(week.retrain for week in weeks)),
                        "without it": float(sum(week.retrain for week in without)),
                    }
                )
        rows += _means(case, f"{kind}, {settings.loop_size}", measured)
    return rows
