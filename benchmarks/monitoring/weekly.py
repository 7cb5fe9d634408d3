"""A shop looked at week by week, as flows/monitor does it, but without a model.

Nobody's lists are scored here, so performance is unknown and the model a week old: only what is
bought can call for a retraining. What one week decided is known to the next.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

import pandas as pd

from benchmarks.monitoring.outcome import SeenWeek
from monitoring.decision import decide
from monitoring.monitor_params import MonitorParams
from monitoring.verdict import Verdict, places
from monitoring.verdicts import judge_week

MODEL_AGE_DAYS: Final = 7


@dataclass(frozen=True)
class Looked:
    """What was seen so far.

    Attributes:
        verdicts: VERDICT_SCHEMA rows of every week looked at.
        decisions: DECISION_SCHEMA rows of the same weeks, without decided_at.
    """

    verdicts: pd.DataFrame
    decisions: pd.DataFrame

    def until(self, week_end: date) -> "Looked":
        """Return what was known when the week that ends at week_end had been looked at."""
        return Looked(
            self.verdicts[self.verdicts["week_end"] <= week_end],
            self.decisions[self.decisions["week_end"] <= week_end],
        )


NOTHING: Final = Looked(pd.DataFrame(), pd.DataFrame())


def look_weekly(
    summaries: pd.DataFrame, weeks: Sequence[date], params: MonitorParams, *, before: Looked
) -> Looked:
    """Return `before` and what the weeks brought, judged in their order."""
    looked = before
    for week_end in weeks:
        known = summaries[summaries["week_end"] <= week_end]
        verdicts = _joined(looked.verdicts, judge_week(known, week_end, params))
        decision = decide(week_end, verdicts, looked.decisions, None, MODEL_AGE_DAYS, params)
        row = pd.DataFrame([asdict(decision)])
        looked = Looked(verdicts, _joined(looked.decisions, row))
    return looked


def told(looked: Looked, weeks: Sequence[date]) -> tuple[SeenWeek, ...]:
    """Return what is kept of each of the weeks."""
    verdicts = dict(list(looked.verdicts.groupby("week_end")))
    decisions = {row["week_end"]: row for row in looked.decisions.to_dict("records")}
    return tuple(_seen(week_end, verdicts[week_end], decisions[week_end]) for week_end in weeks)


def _seen(week_end: date, verdicts: pd.DataFrame, decision: Mapping[Hashable, Any]) -> SeenWeek:
    unusual = verdicts[verdicts["verdict"] != Verdict.NONE]
    return SeenWeek(
        week_end=week_end,
        has_last_year=bool(verdicts["effect_last_year"].notna().any()),
        retrain=decision["retrain"],
        confirmed=tuple(decision["confirmed"]),
        candidates=tuple(decision["candidates"]),
        called={name: tuple(of) for name, of in places(unusual).groupby(unusual["verdict"])},
    )


def _joined(earlier: pd.DataFrame, latest: pd.DataFrame) -> pd.DataFrame:
    return latest if earlier.empty else pd.concat([earlier, latest], ignore_index=True)
