"""What a living shop does at the end of a week, as its people would: by Hemline's commands.

The week's events and the tills' sales become data; the monitor evaluates the week; a training
follows if it says so. Each command does nothing twice, so a week that was cut off is gone through
again. What came of it is written once.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import pandas as pd

from flows.living.living_project import HEMLINE, LivingProject
from hemline.data.synthetic.shop import GeneratedShop
from hemline.errors import BadInput
from hemline.files import write_text
from hemline.relocation import DATABASE
from hemline.shop.registered_versions import CHAMPION, version_with_alias
from monitoring.alerts.alert_delivery import read_alerts
from monitoring.records import MonitorRecords

_VERDICT: Final = re.compile(r"Version \d+: ")
_MORNING: Final = 1  # hours after midnight at which a week is evaluated


@dataclass(frozen=True)
class LivedWeek:
    """What followed from a week.

    Attributes:
        week_end: the first day after it.
        problem: why the monitor refused it; empty if it did not.
        retrain: whether a training was to follow.
        confirmed: the drifts that were confirmed.
        reasons: of the decision, in sentences.
        map_at_12: of the champion on the week; None if it was not measured.
        alerts: titles of the alerts that were raised about the week.
        trained: what came of the training, in a sentence; empty without one.
    """

    week_end: str
    problem: str
    retrain: bool = False
    confirmed: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    map_at_12: float | None = None
    alerts: tuple[str, ...] = ()
    trained: str = ""


def champion_of(project: LivingProject) -> int | None:
    """Return the number of the champion in the registry."""
    database = project.root / ".hemline" / DATABASE
    found = version_with_alias(database, CHAMPION) if database.exists() else None
    return None if found is None else found.number


def train(project: LivingProject) -> str:
    """Train on all that was sold, and return the gate's sentence."""
    printed = project.run(*HEMLINE, "train", "--source", "kaggle", "--cut", "latest")
    said = [line for line in printed.splitlines() if _VERDICT.match(line)]
    return said[-1] if said else printed.splitlines()[-1]


def end_week(project: LivingProject, week_end: date, sold: GeneratedShop) -> LivedWeek:
    """Evaluate a week and act on it, once; return what came of it.

    Args:
        project: of the shop.
        week_end: the first day after the week.
        sold: the shop with all that was sold in its stores, and online before its first living day.
    """
    path = project.record / f"{week_end}.json"
    if path.exists():
        return _outcome(json.loads(path.read_text(encoding="utf-8")))
    project.set_clock(week_end, _MORNING)
    project.write_sales(sold)
    project.run(*HEMLINE, "feedback", "export")
    problem = _monitor(project, week_end)
    decision = MonitorRecords(project.root / ".hemline" / "monitoring").decision_of(week_end)
    outcome = LivedWeek(week_end.isoformat(), problem)
    if decision is not None:
        outcome = replace(
            outcome,
            retrain=bool(decision.retrain),
            confirmed=tuple(decision.confirmed),
            reasons=tuple(decision.reasons),
            map_at_12=None if pd.isna(decision.map_at_12) else float(decision.map_at_12),
            trained=train(project) if decision.retrain else "",
        )
    outcome = replace(outcome, alerts=_alerts(project, week_end))
    project.record.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(vars(outcome), indent=1) + "\n")
    return outcome


def _alerts(project: LivingProject, week_end: date) -> tuple[str, ...]:
    folder = project.root / ".hemline" / "monitoring" / "alerts"
    found = (one.alert for one in read_alerts(folder))
    return tuple(alert.title for alert in found if alert.week_end == week_end)


def _monitor(project: LivingProject, week_end: date) -> str:
    """Evaluate a week; return why it was refused, or nothing."""
    try:
        project.run(*HEMLINE, "monitor", "--week-end", week_end.isoformat())
    except BadInput as refusal:
        return refusal.found
    return ""


def _outcome(content: Mapping[str, Any]) -> LivedWeek:
    lists = {name: tuple(content[name]) for name in ("confirmed", "reasons", "alerts")}
    return LivedWeek(**{**content, **lists})
