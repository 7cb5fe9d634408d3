"""One shop from its tables to its outcome, stored as a file, so that a run can resume.

The days before an event are the same bytes as in the shop without it, so a case takes that shop's
summaries, verdicts and decisions up to its event and makes only what comes after. The folder is
named after the code and numbers that outcomes depend on: another version starts again.
"""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar

import pandas as pd

from benchmarks.monitoring.outcome import Calm, Planted, PresetWeek
from benchmarks.monitoring.plan import WEEK, Case, Settings, weeks_judged
from benchmarks.monitoring.shops import PARAMS, engine_params, tables_of
from benchmarks.monitoring.weekly import NOTHING, Monitored, monitor_weeks, outcomes_of
from hemline.engine.engine import open_engine
from hemline.files import fingerprint, write_text
from monitoring.evidently_workspace import plain_preset
from monitoring.monitor_params import MonitorParams
from monitoring.summaries import summarise_week
from monitoring.transactions import sample_transactions
from monitoring.week_validation import check_week
from monitoring.windows import windows_for

_Outcome = TypeVar("_Outcome", Calm, Planted)

_ROOT: Final = Path(__file__).parents[2]
_RESTS_ON: Final = (
    "monitoring/*.py",
    "src/hemline/data/synthetic/*.py",
    "src/hemline/data/expectations/*.py",
    "src/hemline/engine/*.py",
    "benchmarks/monitoring/plan.py",
    "benchmarks/monitoring/shop_runs.py",
    "benchmarks/monitoring/weekly.py",
)
"""What outcomes depend on; counting, pages and alerts may change without a new run."""


def folder_for(root: Path, settings: Settings, params: MonitorParams) -> Path:
    """Return root/<fingerprint>: equal fingerprints, equal outcomes, whichever sizes are tried."""
    numbers = settings.model_dump_json(exclude={"sizes"}) + params.model_dump_json()
    code = sorted(path for pattern in _RESTS_ON for path in _ROOT.glob(pattern))
    return root / fingerprint(numbers, *code)[:12]


def run_calm(seed: int, settings: Settings, params: MonitorParams, folder: Path) -> Calm:
    """Monitor every week of a shop in which nothing happens, with our tests and Evidently's."""

    def run() -> Calm:
        with tables_of(settings.size, seed) as tables:
            summaries = _summarise(tables, settings.weeks, params)
            weeks = [
                week_end
                for week_end in settings.weeks
                if _has_reference(week_end, settings, params)
            ]
            monitored = monitor_weeks(summaries, weeks, params, before=NOTHING)
            _store(folder, seed, summaries, monitored)
            preset = {
                rows: tuple(
                    _preset_week(tables, week_end, params, rows) for week_end in weeks[::every]
                )
                for rows, every in settings.preset.items()
            }
            refused = _broken_rules(tables, weeks[-1])
        return Calm(seed=seed, weeks=outcomes_of(monitored, weeks), preset=preset, refused=refused)

    return _once(folder / f"{seed}.json", Calm, run)


def run_planted(case: Case, settings: Settings, params: MonitorParams, folder: Path) -> Planted:
    """Monitor the weeks after an event; run `run_calm` with the same seed first."""

    def run() -> Planted:
        weeks = weeks_judged(case.event, settings)
        new = [week_end for week_end in settings.weeks if case.event.date < week_end <= weeks[-1]]
        earlier, before = _stored(folder, case.seed, case.event.date)
        with tables_of(settings.size, case.seed, case.event) as tables:
            later = _summarise(tables, new, params)
            is_broken = case.event.kind == "broken_column"
            refused = _broken_rules(tables, new[0]) if is_broken else ()
        summaries = pd.concat([earlier, later], ignore_index=True)
        monitored = monitor_weeks(summaries, weeks, params, before=before)
        seen = outcomes_of(monitored, weeks)
        return Planted(seed=case.seed, event=case.event, weeks=seen, refused=refused)

    return _once(folder / f"{case.name}.json", Planted, run)


def _once(path: Path, kind: type[_Outcome], run: Callable[[], _Outcome]) -> _Outcome:
    if path.exists():
        return kind.model_validate_json(path.read_text(encoding="utf-8"))
    path.parent.mkdir(parents=True, exist_ok=True)
    outcome = run()
    write_text(path, outcome.model_dump_json())
    return outcome


def _has_reference(week_end: date, settings: Settings, params: MonitorParams) -> bool:
    windows = windows_for(week_end, settings.size.first_day, params)
    return len(windows.recent) == params.reference_weeks


def _summarise(tables: Path, weeks: Sequence[date], params: MonitorParams) -> pd.DataFrame:
    with open_engine(engine_params()) as engine:
        frames = [summarise_week(engine, tables, week_end, params) for week_end in weeks]
    return pd.concat(frames, ignore_index=True)


def _store(folder: Path, seed: int, summaries: pd.DataFrame, monitored: Monitored) -> None:
    summaries.to_parquet(folder / f"{seed}-summaries.parquet")
    monitored.verdicts.to_parquet(folder / f"{seed}-verdicts.parquet")
    monitored.decisions.to_parquet(folder / f"{seed}-decisions.parquet")


def _stored(folder: Path, seed: int, until: date) -> tuple[pd.DataFrame, Monitored]:
    summaries, verdicts, decisions = (
        pd.read_parquet(folder / f"{seed}-{name}.parquet")
        for name in ("summaries", "verdicts", "decisions")
    )
    return summaries[summaries["week_end"] <= until], Monitored(verdicts, decisions).until(until)


def _preset_week(tables: Path, week_end: date, params: MonitorParams, rows: int) -> PresetWeek:
    """Return Evidently's result for the week against as many weeks before it as ours reads."""
    first = week_end - WEEK
    reference = [(first - params.reference_weeks * WEEK, first)]
    with open_engine(engine_params()) as engine:
        current, before = (
            sample_transactions(engine, tables, spans, max_rows=rows)
            for spans in ([(first, week_end)], reference)
        )
    verdict = plain_preset(current, before)
    return PresetWeek(week_end=week_end, dataset=verdict.dataset, columns=verdict.columns)


def _broken_rules(tables: Path, week_end: date) -> tuple[str, ...]:
    """Return the rules that the week before week_end breaks."""
    # Great Expectations takes seconds to import, and most processes never use it.
    from hemline.data.expectations.thresholds import ValidateParams  # noqa: PLC0415

    with TemporaryDirectory() as report:
        rules = ValidateParams.load(PARAMS)
        findings = check_week(engine_params(), tables, week_end, rules, Path(report))
    broken = [finding.rule for finding in findings if not finding.passed]
    return tuple(f"{rule.table}.{rule.column}: {rule.rule}" for rule in broken)
