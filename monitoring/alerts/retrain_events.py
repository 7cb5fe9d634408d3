"""The outbox of events: what the monitor found, kept until the Prefect server has done its part.

The server holds an event in memory between taking it and acting on it, so its reply proves nothing:
killed in between, or its database locked, it forgets. An event therefore counts as done when the
server's database has it, and one that asks for a training when that training has ended, whatever
the server still knows of the event: it drops events after a week and keeps runs. Until then
every run of the monitor looks again, and asks again where nothing came of it. The price: up to a
minute of waiting where nothing comes, and a slow server may be asked for the same training twice;
the second one finds everything done. A lock lets one flow at a time at the outbox, and the other
waits for it.

The id of an event comes from its week, its name and how often it was asked for, so a receiver, the
server among them, can tell a repeat from a second one.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from logging import Logger, LoggerAdapter
from pathlib import Path
from typing import Any, Final, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.events import Event, Resource
from prefect.events.filters import EventFilter, EventIDFilter, EventOccurredFilter
from prefect.settings import PREFECT_API_URL

from hemline.files import locked, write_text

EventName = Literal["hemline.drift.confirmed", "hemline.drift.ok", "hemline.season.changed"]
Progress = Literal["waiting", "sent", "in training", "done", "given up"]

SHOP: Final = "hemline.shop"
RETRAIN: Final = "hemline.retrain"
"""The label by which the automation knows that a training is asked for: "true" or "false"."""

_WAIT_SECONDS: Final = 30
_POLL_SECONDS: Final = 0.5
_ROUNDS: Final = 2
_LATEST_RUNS: Final = 200
_TRAINING: Final = "train"


@dataclass(frozen=True)
class StoredEvent:
    """An event in the outbox.

    Attributes:
        name: the event's.
        week_end: the week it is about, known by the first day after it, as YYYY-MM-DD.
        payload: what it says; `retrain` is whether a training is to follow.
        attempt: how often it was asked for; 0: never yet.
        progress: "waiting" for a server, "sent" and not seen to be acted upon, "in training",
            "done", or "given up" because it has been overtaken.
    """

    name: EventName
    week_end: str
    payload: Mapping[str, Any]
    attempt: int
    progress: Progress

    @property
    def id(self) -> UUID:
        """Return the id of the latest attempt."""
        return uuid5(NAMESPACE_URL, f"hemline:{self.week_end}:{self.name}:{self.attempt}")

    @property
    def asks_for_training(self) -> bool:
        """Return whether the automation of prefect.yaml is to start a training."""
        return bool(self.payload["retrain"])

    @property
    def is_open(self) -> bool:
        """Return whether something is still to come of it."""
        return self.progress not in {"done", "given up"}


def store_event(
    outbox: Path, name: EventName, week_end: date, payload: Mapping[str, Any]
) -> StoredEvent:
    """Return the week's event, written to disk unless the week has one already."""
    path = outbox / f"{week_end}.json"
    with locked(outbox):
        if not path.exists():
            _write(
                path,
                StoredEvent(name, week_end.isoformat(), payload, attempt=0, progress="waiting"),
            )
        return _read(path)


def read_events(outbox: Path) -> list[StoredEvent]:
    """Return every event of the outbox, oldest first."""
    return [_read(path) for path in sorted(outbox.glob("*.json"))]


def deliver_events(
    outbox: Path, *, oldest: date, logger: Logger | LoggerAdapter[Any]
) -> list[StoredEvent]:
    """Send what waits, look what came of what was sent, and return the events that were open.

    Args:
        outbox: its folder.
        oldest: events about earlier weeks are given up: a drift that lasts is confirmed anew.
        logger: told what became of each.
    """
    with locked(outbox):
        return _delivered_all(outbox, oldest, logger)


def _delivered_all(
    outbox: Path, oldest: date, logger: Logger | LoggerAdapter[Any]
) -> list[StoredEvent]:
    seen = [event for event in read_events(outbox) if event.is_open]
    if seen and not PREFECT_API_URL.value():
        logger.warning(
            "%s stays in %s: no Prefect server is named. Start `make ui`, `make deploy`, then "
            "`make monitor` again",
            ", ".join(f"{event.name} of {event.week_end}" for event in seen),
            outbox,
        )
        return seen
    with get_client(sync_client=True) as client:
        ended = [_delivered(event, client, oldest, outbox) for event in seen]
    for event in ended:
        logger.info("%s of %s: %s", event.name, event.week_end, _said(event))
    return ended


def _delivered(
    event: StoredEvent, client: SyncPrefectClient, oldest: date, outbox: Path
) -> StoredEvent:
    """Return the event after as many attempts as one run makes, each on disk as it is made."""
    for _ in range(_ROUNDS):
        for step in (partial(_moved_on, oldest=oldest), _settled):
            event = step(event, client)
            _write(outbox / f"{event.week_end}.json", event)
        if event.progress != "sent":
            break
    return event


def _moved_on(event: StoredEvent, client: SyncPrefectClient, *, oldest: date) -> StoredEvent:
    """Return the event after sending it, where the server has nothing to show for it."""
    if date.fromisoformat(event.week_end) < oldest:
        return replace(event, progress="given up")
    progress = _progress(event, client) if event.attempt else "waiting"
    if progress in {"done", "in training"}:
        return replace(event, progress=progress)
    # An attempt that the server never stored is made again under its own id.
    again = event.attempt == 0 or _is_stored(event, client)
    event = replace(event, attempt=event.attempt + again, progress="sent")
    _send(event, client)
    return event


def _settled(event: StoredEvent, client: SyncPrefectClient) -> StoredEvent:
    """Return the event once the server has acted on it, or as it is when the wait is over."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while event.progress == "sent" and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        event = replace(event, progress=_progress(event, client))
    return event


def _progress(event: StoredEvent, client: SyncPrefectClient) -> Progress:
    """Return how far the event got; a training speaks for itself, for events are soon forgotten."""
    if not event.asks_for_training:
        return "done" if _is_stored(event, client) else "sent"
    states = [run.state_type for run in _trainings(event.week_end, client)]
    if any(state not in {*_UNFINISHED, StateType.CRASHED} for state in states):
        return "done"
    return "in training" if any(state in _UNFINISHED for state in states) else "sent"


_UNFINISHED: Final = {
    StateType.SCHEDULED,
    StateType.PENDING,
    StateType.RUNNING,
    StateType.PAUSED,
    StateType.CANCELLING,
}


def _is_stored(event: StoredEvent, client: SyncPrefectClient) -> bool:
    week = timedelta(days=7)
    now = datetime.now(tz=UTC)
    days = EventOccurredFilter(since=now - 53 * week, until=now + week)
    wanted = EventFilter(id=EventIDFilter(id=[event.id]), occurred=days)
    return bool(client.read_events(wanted, limit=1).events)


def _trainings(week_end: str, client: SyncPrefectClient) -> Sequence[FlowRun]:
    latest = client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=[_TRAINING])),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        limit=_LATEST_RUNS,
    )
    return [run for run in latest if run.parameters.get("week_end") == week_end]


def _send(event: StoredEvent, client: SyncPrefectClient) -> None:
    """Hand the event to the server and return when it has taken it; raises when it does not.

    Prefect's own emit_event leaves that to a thread in the background, which fails in silence.
    """
    labels = {"prefect.resource.id": SHOP, RETRAIN: str(event.asks_for_training).lower()}
    sent = Event(
        id=event.id,
        event=event.name,
        resource=Resource(labels),
        payload={**event.payload, "attempt": event.attempt},
        occurred=datetime.now(tz=UTC),
    )
    client.request("POST", "/events", json=[sent.model_dump(mode="json")]).raise_for_status()


def _said(event: StoredEvent) -> str:
    return {
        "waiting": "waits for a server",
        "sent": "sent; the server has not acted on it. The next run of the monitor asks again; "
        "`make deploy` puts the automation in place",
        "in training": "the training it asks for is under way",
        "done": "done",
        "given up": "given up, newer weeks have been judged since",
    }[event.progress]


def _read(path: Path) -> StoredEvent:
    content = json.loads(path.read_text(encoding="utf-8"))
    if "as_of" in content:  # stored before the rename; the automation reads payload.week_end
        content["week_end"] = content.pop("as_of")
        content["payload"] = {**content["payload"], "week_end": content["week_end"]}
    return StoredEvent(**content)


def _write(path: Path, event: StoredEvent) -> None:
    write_text(path, json.dumps(asdict(event), indent=1))
