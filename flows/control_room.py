"""The first page of `hemline ui`: what is live, what was decided, and where to look further.

Everything is read from the project's files when the page is made, so the page is right before any
server has started, and a file that is missing or damaged costs one panel and not the page. Its
links lead to the pages of the version, the run and the week, not to the front pages of servers.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from flows.addresses import Addresses
from hemline.errors import BadInput
from hemline.experiment_pages.page_files import INDEX, page_file, pages_folder
from hemline.experiments.experiment_files import (
    Experiment,
    experiments_folder,
    read_experiments,
)
from hemline.files import write_text
from hemline.relocation import DATABASE
from hemline.shop.event_log import OF_THE_SHOP
from hemline.shop.running_shops import running_shops, traffic_of
from monitoring.alerts.alert_delivery import read_alerts
from monitoring.column_names import ColumnNames
from monitoring.records import MonitorRecords

_LAST_RUNS: Final = "last_runs.json"
_MODEL: Final = "hemline"
_CHAMPION: Final = """
SELECT version, run_id, creation_time FROM registered_model_aliases
JOIN model_versions USING (name, version) WHERE name = ? AND alias = 'champion'
"""
_TAGS: Final = "SELECT key, value FROM model_version_tags WHERE name = ? AND version = ?"
_RUN: Final = "SELECT experiment_id FROM runs WHERE run_uuid = ?"


@dataclass(frozen=True)
class ControlPanel:
    """One part of the page.

    Attributes:
        title: what it is about.
        lead: the answer in a few words.
        notes: sentences below it.
        links: address by name.
        tone: class of the style sheet.
    """

    title: str
    lead: str
    notes: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    tone: str = ""


def control_panels(root: Path, where: Addresses) -> list[ControlPanel]:
    """Return what the first page shows of a project, in any state of it."""
    parts: tuple[tuple[str, Callable[[], ControlPanel]], ...] = (
        ("Champion", lambda: _champion(root, where)),
        ("This week", lambda: _week(root, where)),
        ("Last training", lambda: _training(root, where)),
        ("Shop", lambda: _shop(root)),
        ("Experiments", lambda: _experiments(root)),
        ("Alerts", lambda: _alerts(root, where)),
    )
    return [_readable(title, part) for title, part in parts]


def note_run(root: Path, flow: str, run_id: str, at: datetime) -> None:
    """Remember the latest run of a flow, so that the page can link to it."""
    runs = _last_runs(root) | {flow: {"id": run_id, "at": at.isoformat()}}
    write_text(root / ".hemline" / _LAST_RUNS, json.dumps(runs, indent=1))


def _readable(title: str, part: Callable[[], ControlPanel]) -> ControlPanel:
    try:
        return part()
    except (BadInput, sqlite3.Error, OSError, ValueError) as error:
        return ControlPanel(title, "cannot be read", (str(error),), tone="broken")


def _champion(root: Path, where: Addresses) -> ControlPanel:
    all_versions = {"All versions in MLflow": f"{where.mlflow}/#/models"}
    stored = _stored_champion(root / ".hemline" / DATABASE)
    if stored is None:
        notes: tuple[str, ...] = ("Train one: make demo, or hemline train.",)
        return ControlPanel("Champion", "none yet", notes, all_versions, "late")
    version, run_id, experiment, tags = stored
    links = {
        f"Version {version} in MLflow": f"{where.mlflow}/#/models/{_MODEL}/versions/{version}",
        "Its training run": f"{where.mlflow}/#/experiments/{experiment}/runs/{run_id}",
        **all_versions,
    }
    notes = (
        f"Trained on purchases before {tags.get('cut', 'an unknown day')}.",
        f"At its promotion: {tags['gate.reason']}." if "gate.reason" in tags else "",
        f"Its canary: {tags['canary.reason']}." if tags.get("canary") == "promoted" else "",
        *(_in_canary(each) for each in _running_canaries(root)),
    )
    return ControlPanel("Champion", f"version {version}", notes, links, "holds")


def _running_canaries(root: Path) -> list[Experiment]:
    """Return canaries that run; none where a file is damaged, which another panel says."""
    try:
        found = read_experiments(experiments_folder(root))
    except BadInput:
        return []
    return [each for each in found if each.plan.canary_days and each.state == "running"]


def _in_canary(experiment: Experiment) -> str:
    plan = experiment.plan
    return (
        f"Version {plan.treatment} is in canary ({plan.name}): it passed the gate and meets "
        f"visitors before it becomes champion, {experiment.exposed / 2:.1%} of them now."
    )


def _stored_champion(database: Path) -> tuple[int, str, str, dict[str, str]] | None:
    if not database.exists() or not database.stat().st_size:
        return None
    with closing(_read_only(database)) as registry:
        found = registry.execute(_CHAMPION, (_MODEL,)).fetchone()
        if found is None:
            return None
        version, run_id, _ = found
        tags = dict(registry.execute(_TAGS, (_MODEL, version)).fetchall())
        experiment = registry.execute(_RUN, (run_id,)).fetchone()
    return int(version), str(run_id), str(experiment[0] if experiment else 0), tags


def _week(root: Path, where: Addresses) -> ControlPanel:
    all_weeks = {"All weeks": where.monitoring}
    decisions = MonitorRecords(root / ".hemline" / "monitoring").decisions
    if decisions.empty:
        notes: tuple[str, ...] = ("The monitor has not run yet: hemline monitor.",)
        return ControlPanel("This week", "no verdict yet", notes, all_weeks, "none")
    last = decisions.iloc[-1]
    links = {f"The week before {last.week_end}": where.week(last.week_end), **all_weeks}
    confirmed = ", ".join(map(ColumnNames.of(root / "params.yaml").place, last.confirmed))
    lead = "train again" if last.retrain else "keep the champion"
    notes = (
        f"Confirmed drift: {confirmed}." if confirmed else "No confirmed drift.",
        *(f"{reason.rstrip('.')}." for reason in last.reasons),
    )
    return ControlPanel(
        "This week",
        lead,
        notes,
        links | _run_link(root, where, "monitor"),
        "drift" if confirmed else "holds",
    )


def _training(root: Path, where: Addresses) -> ControlPanel:
    scores = root / "reports" / "scores.json"
    links = {"Score table": where.scores}
    runs = _run_link(root, where, "train") or {"Runs in Prefect": f"{where.prefect}/runs"}
    if not scores.exists():
        return ControlPanel(
            "Last training", "none yet", ("Run make demo, or hemline train.",), runs, "late"
        )
    table = json.loads(scores.read_text(encoding="utf-8"))
    on = datetime.fromtimestamp(scores.stat().st_mtime, UTC)
    served, popular = (table.get(row, {}).get("map@12") for row in ("served", "popularity"))
    notes: tuple[str, ...] = (f"Scored on {on:%Y-%m-%d}.",)
    if popular is not None:
        notes = (f"Popularity has {popular:.4f}.", *notes)
    lead = "no row 'served'" if served is None else f"MAP@12 {served:.4f}"
    return ControlPanel("Last training", lead, notes, links | runs)


def _shop(root: Path) -> ControlPanel:
    shops = running_shops(root)
    if not shops:
        notes: tuple[str, ...] = ("Start it: make shop, or hemline serve.",)
        return ControlPanel("Shop", "does not run", notes, tone="none")
    latest, *others = shops
    traffic = traffic_of(latest)
    n_events = sum(n for kind, n in traffic.events.items() if kind not in OF_THE_SHOP)
    counts = ", ".join(f"{kind} {n:,}" for kind, n in sorted(traffic.events.items()))
    notes = (
        f"{traffic.requests:,} requests since {latest.started:%Y-%m-%d %H:%M} UTC.",
        f"Failed: {traffic.failed:,}." if traffic.failed else "",
        f"Events: {counts}." if counts else "",
        f"Also runs: {', '.join(shop.address for shop in others)}." if others else "",
    )
    links = {"The shop": latest.address, "Its metrics": f"{latest.address}/metrics"}
    tone = "late" if traffic.failed else "holds"
    return ControlPanel("Shop", f"{n_events:,} events of visitors", notes, links, tone)


def _experiments(root: Path) -> ControlPanel:
    found = read_experiments(experiments_folder(root))
    if not found:
        notes: tuple[str, ...] = (
            "Compare two versions on the shop's visitors: hemline experiment plan.",
        )
        return ControlPanel("Experiments", "none", notes, tone="none")
    running = [each for each in found if each.state == "running"]
    shown = (running or found)[0]
    plan, last = shown.plan, shown.steps[-1:]
    lasts = f"planned for {plan.weeks} weeks"
    if plan.canary_days is not None:
        lasts = f"each step of at least {plan.canary_days:g} days"
    compared = f"Version {plan.treatment} against version {plan.control}, {lasts}."
    notes = (
        compared if plan.kind == "ab" else f"Compares: {plan.compared}.",
        f"Shown to {shown.exposed:.0%} of the traffic." if running else "",
        *(f"{step.at:%Y-%m-%d %H:%M}, {step.kind}: {step.reason}" for step in last),
        f"Readout: hemline experiment readout {plan.name}." if last else "",
    )
    page, index = page_file(root, plan.name), pages_folder(root) / f"{INDEX}.html"
    links = {
        name: f"experiments/{quote(file.name)}"
        for name, file in ((f"What {plan.name} shows", page), ("All experiments", index))
        if file.exists()
    }
    others = f", and {len(running) - 1} more run" if len(running) > 1 else ""
    tone = "holds" if running else "none"
    lead = f"{plan.name} is {shown.state}{others}"
    return ControlPanel("Experiments", lead, notes, links, tone)


def _alerts(root: Path, where: Addresses) -> ControlPanel:
    links = {"What to do": where.runbook}
    alerts = read_alerts(root / ".hemline" / "monitoring" / "alerts")
    if not alerts:
        return ControlPanel("Alerts", "none", links=links, tone="holds")
    pending = [one for one in alerts if one.is_pending]
    latest = max(alerts, key=lambda one: one.raised_at)
    notes: tuple[str, ...] = (
        f"Latest, {latest.raised_at:%Y-%m-%d}: {latest.alert.kind}.",
        f"{len(alerts)} in all.",
    )
    lead = f"{len(pending)} not sent yet" if pending else "all sent"
    return ControlPanel("Alerts", lead, notes, links, "late" if pending else "holds")


def _run_link(root: Path, where: Addresses, flow: str) -> dict[str, str]:
    run = _last_runs(root).get(flow)
    return (
        {f"Last run of {flow}": f"{where.prefect}/runs/flow-run/{quote(run['id'])}"} if run else {}
    )


def _last_runs(root: Path) -> dict[str, Any]:
    file = root / ".hemline" / _LAST_RUNS
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}


def _read_only(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True, timeout=1)
