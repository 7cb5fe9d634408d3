"""The steps that full_scale.py measures: `python -m benchmarks.monitoring.full_scale_steps`.

A module of its own, so that a measured process does not contain the measuring one. Together the
weekly steps are what flows/monitor does with a week, without the champion's lists.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Final

import pandas as pd
import typer

from benchmarks.monitoring.plan import WEEK
from benchmarks.monitoring.shops import write_shop
from hemline.data.synthetic.shop import SIZES
from hemline.engine.engine import Engine, EngineParams, open_engine
from hemline.files import replaced_folder
from monitoring.dashboard.week_page import write_week_page
from monitoring.decision import decide
from monitoring.monitor_params import MonitorParams
from monitoring.records import (
    DECISION_SCHEMA,
    PERFORMANCE_SCHEMA,
    VERDICT_SCHEMA,
    append_decision,
    read_all,
    write_once,
)
from monitoring.summary_cache import cached_summaries
from monitoring.transactions import sample_transactions
from monitoring.verdicts import expected_band, judge_week
from monitoring.windows import Span, windows_for

LAST_END: Final = SIZES["full"].last_day + timedelta(days=1)
"""The week_end of the last week."""

_FIRST_DAY: Final = SIZES["full"].first_day
_SEED: Final = 7
_MODEL_AGE_DAYS: Final = 7


def main(
    step: Annotated[str, typer.Argument(help="One of STEPS.")],
    folder: Annotated[Path, typer.Argument(help="Holds tables and whatever the steps write.")],
    params: Annotated[Path, typer.Argument(exists=True, help="params.yaml.")],
) -> None:
    """Run one step."""
    STEPS[step](folder, params)


def _make_tables(folder: Path, params: Path) -> None:  # noqa: ARG001  (a step)
    with replaced_folder(folder / "tables") as unfinished:
        write_shop(unfinished, SIZES["full"], _SEED)


def _look_back(folder: Path, params: Path) -> None:
    shutil.rmtree(folder / "summaries", ignore_errors=True)
    _summaries(folder, params, LAST_END - WEEK)


def _check(folder: Path, params: Path) -> None:
    # Great Expectations takes seconds to import, and no other step uses it.
    from hemline.data.expectations.thresholds import ValidateParams  # noqa: PLC0415
    from monitoring.completeness import FreshDataParams, check_completeness  # noqa: PLC0415
    from monitoring.week_validation import check_week  # noqa: PLC0415

    tables, rules = folder / "tables", ValidateParams.load(params)
    fresh = FreshDataParams.load(params)
    on = _engine(folder, params)
    with open_engine(on) as engine:
        report = check_completeness(engine, tables / "transactions.parquet", LAST_END, fresh)
    findings = check_week(on, tables, LAST_END, rules, folder / "checks")
    broken = sum(not finding.passed for finding in findings)
    typer.echo(f"{report.summary}; {broken} of {len(findings)} rules broken")


def _judge(folder: Path, params: Path) -> None:
    """Judge the last weeks, which a decision depends on, and decide about the last one."""
    numbers = MonitorParams.load(params)
    summaries = _summaries(folder, params, LAST_END)
    weeks = [LAST_END - back * WEEK for back in reversed(range(numbers.out_of_weeks))]
    verdicts = {week_end: judge_week(summaries, week_end, numbers) for week_end in weeks}
    recent = pd.concat(verdicts.values(), ignore_index=True)
    decision = decide(LAST_END, recent, None, None, _MODEL_AGE_DAYS, numbers)
    for name in ("verdicts", "decisions"):
        shutil.rmtree(folder / name, ignore_errors=True)
    write_once(folder / "verdicts", LAST_END, verdicts[LAST_END], VERDICT_SCHEMA)
    midnight = datetime.combine(LAST_END, time(), UTC)
    append_decision(folder / "decisions", asdict(decision), decided_at=midnight)
    typer.echo(f"retrain: {decision.retrain}. {' '.join(decision.reasons)}")


def _report(folder: Path, params: Path) -> None:
    from monitoring.evidently_panels import Reference  # noqa: PLC0415
    from monitoring.evidently_workspace import add_to_workspace  # noqa: PLC0415

    numbers = MonitorParams.load(params)
    windows = windows_for(LAST_END, _FIRST_DAY, numbers)
    spans: dict[Reference, tuple[Span, ...]] = {
        "recent weeks": windows.recent,
        "last year": windows.seasonal,
    }
    with open_engine(_engine(folder, params)) as engine:
        frames = {name: _sample(engine, folder, parts, numbers) for name, parts in spans.items()}
        current = _sample(engine, folder, (windows.current,), numbers)
    add_to_workspace(
        folder / "evidently",
        LAST_END,
        current,
        frames,
        threshold=numbers.threshold,
        owner="benchmark",
        page=folder / "pages" / "evidently.html",
    )


def _draw(folder: Path, params: Path) -> None:
    numbers = MonitorParams.load(params)
    summaries = _summaries(folder, params, LAST_END)
    write_week_page(
        folder / "pages",
        LAST_END,
        decisions=read_all(folder / "decisions", DECISION_SCHEMA),
        verdicts=read_all(folder / "verdicts", VERDICT_SCHEMA),
        performance=read_all(folder / "performance", PERFORMANCE_SCHEMA),
        band=expected_band(summaries, LAST_END, numbers),
        note=windows_for(LAST_END, _FIRST_DAY, numbers).note,
        links_out={},
    )


def _summaries(folder: Path, params: Path, until: date) -> pd.DataFrame:
    numbers = MonitorParams.load(params)
    with open_engine(_engine(folder, params)) as engine:
        return cached_summaries(engine, folder / "tables", folder / "summaries", until, numbers)


def _sample(
    engine: Engine, folder: Path, spans: tuple[Span, ...], params: MonitorParams
) -> pd.DataFrame:
    days = [(span.first, span.end) for span in spans]
    return sample_transactions(engine, folder / "tables", days, max_rows=params.max_rows)


def _engine(folder: Path, params: Path) -> EngineParams:
    return EngineParams.load(params).model_copy(update={"spill": folder / "spill"})


STEPS: Final[Mapping[str, Callable[[Path, Path], None]]] = {
    "once: the tables": _make_tables,
    "once: summaries of the earlier weeks": _look_back,
    "weekly: validation": _check,
    "weekly: summaries, verdicts, decision": _judge,
    "weekly: Evidently's reports": _report,
    "weekly: the page": _draw,
}

if __name__ == "__main__":
    typer.run(main)
