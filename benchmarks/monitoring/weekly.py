"""A shop monitored week by week, as flows/monitor does, but without a model.

No lists are scored, so performance is unknown and the model is a week old: only purchases can cause
a retraining. Each week knows the decisions of the weeks before.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

import pandas as pd

from benchmarks.monitoring.outcome import WeekOutcome
from monitoring.decision import decide
from monitoring.monitor_params import MonitorParams
from monitoring.verdict import Verdict, places
from monitoring.verdicts import judge_week

MODEL_AGE_DAYS: Final = 7


@dataclass(frozen=True)
class Monitored:
    """The verdicts and decisions so far.

    Attributes:
        verdicts: VERDICT_SCHEMA rows of every week.
        decisions: DECISION_SCHEMA rows of the same weeks, without decided_at.
    """

    verdicts: pd.DataFrame
    decisions: pd.DataFrame

    def until(self, week_end: date) -> "Monitored":
        """Return what was known after the week that ends at week_end."""
        return Monitored(
            self.verdicts[self.verdicts["week_end"] <= week_end],
            self.decisions[self.decisions["week_end"] <= week_end],
        )


NOTHING: Final = Monitored(pd.DataFrame(), pd.DataFrame())


def monitor_weeks(
    summaries: pd.DataFrame, weeks: Sequence[date], params: MonitorParams, *, before: Monitored
) -> Monitored:
    """Return `before` and the results of the weeks, judged in their order."""
    monitored = before
    for week_end in weeks:
        known = summaries[summaries["week_end"] <= week_end]
        verdicts = _joined(monitored.verdicts, judge_week(known, week_end, params))
        decision = decide(week_end, verdicts, monitored.decisions, None, MODEL_AGE_DAYS, params)
        row = pd.DataFrame([asdict(decision)])
        monitored = Monitored(verdicts, _joined(monitored.decisions, row))
    return monitored


def outcomes_of(monitored: Monitored, weeks: Sequence[date]) -> tuple[WeekOutcome, ...]:
    """Return the outcome of each of the weeks."""
    verdicts = dict(list(monitored.verdicts.groupby("week_end")))
    decisions = {row["week_end"]: row for row in monitored.decisions.to_dict("records")}
    return tuple(_seen(week_end, verdicts[week_end], decisions[week_end]) for week_end in weeks)


def _seen(week_end: date, verdicts: pd.DataFrame, decision: Mapping[Hashable, Any]) -> WeekOutcome:
    unusual = verdicts[verdicts["verdict"] != Verdict.NONE]
    return WeekOutcome(
        week_end=week_end,
        has_last_year=bool(verdicts["effect_last_year"].notna().any()),
        retrain=decision["retrain"],
        confirmed=tuple(decision["confirmed"]),
        candidates=tuple(decision["candidates"]),
        called={name: tuple(of) for name, of in places(unusual).groupby(unusual["verdict"])},
    )


def _joined(earlier: pd.DataFrame, latest: pd.DataFrame) -> pd.DataFrame:
    return latest if earlier.empty else pd.concat([earlier, latest], ignore_index=True)
