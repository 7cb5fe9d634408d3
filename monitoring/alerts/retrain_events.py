"""Events for the Prefect server: what the monitor decided; one of them starts a training.

The server holds an event in memory between taking it and acting on it, so its reply proves nothing:
if it is killed in between, or its database is locked, the event is gone. An event therefore counts
as done when the server's database has it, and one that requests a training when that training has
ended, whatever the server still knows of the event: it deletes events after a week, but not runs.
Until then every run of the monitor checks again, and sends it again where nothing happened. The
price: up to a minute of waiting where nothing happens, and a slow server may get two requests for
the same training; the second one finds everything done.

The id of an event comes from its project, its week, its name and the number of the attempt, so a
receiver, the server among them, can tell a copy from a second request. The resource and the tag of
the runs hold the project's id: a server may have other clones, which start no training for us.
"""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.events import Event, Resource
from prefect.events.filters import EventFilter, EventIDFilter, EventOccurredFilter
from prefect.settings import PREFECT_API_URL
from pydantic import AfterValidator, NonNegativeInt

from hemline.identity import label
from monitoring.alerts.outbox import Logger, Message, Outbox, StoredAsOf

EventName = Literal["hemline.drift.confirmed", "hemline.drift.ok", "hemline.season.changed"]
Progress = Literal["waiting", "sent", "in training", "done", "given up"]

SHOP: Final = "hemline.shop"
"""The resource of a project's events, followed by a point and the project's id."""

RETRAIN: Final = "hemline.retrain"
"""The label by which the automation knows that a training is requested: "true" or "false"."""

_WAIT_SECONDS: Final = 30
_POLL_SECONDS: Final = 0.5
_ROUNDS: Final = 2
_LATEST_RUNS: Final = 200
_NO_SERVER: Final = (
    "%s of %s stays in %s: no Prefect server is configured. Run `make ui`, `make deploy`, then "
    "`make monitor` again"
)
_MEANINGS: Final[Mapping[Progress, str]] = {
    "waiting": "not sent yet: there is no server",
    "sent": "sent, but the server has not acted on it. The next run of the monitor sends it again; "
    "`make deploy` sets up the automation",
    "in training": "its training is scheduled or running",
    "done": "done",
    "given up": "given up: newer weeks have been evaluated since",
}


def _with_retrain(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    if payload.get("retrain") not in (True, False):
        raise ValueError("payload says whether to retrain")
    return payload


class StoredEvent(Message):
    """An event in the outbox.

    Attributes:
        name: the event's.
        week_end: the first day after the week it is about.
        payload: its content; `retrain` is whether a training is to follow.
        attempt: how often it was sent under a new id; 0: never yet.
        progress: "waiting" for a server, "sent" without a visible effect, "in training", "done", or
            "given up" because newer weeks have been evaluated.
        project: id of the project; empty in files of before there was one.
    """

    name: EventName
    week_end: Annotated[date, StoredAsOf]
    payload: Annotated[Mapping[str, Any], AfterValidator(_with_retrain)]
    attempt: NonNegativeInt = 0
    progress: Progress = "waiting"
    project: str = ""

    @property
    def file_name(self) -> str:
        """Return the name of its file: a week has one event."""
        return f"{self.week_end}.json"

    @property
    def is_pending(self) -> bool:
        """Return whether something is still expected of it."""
        return self.progress not in {"done", "given up"}

    @property
    def id(self) -> UUID:
        """Return the id of the latest attempt."""
        parts = ("hemline", self.project, self.week_end, self.name, self.attempt)
        return uuid5(NAMESPACE_URL, ":".join(str(part) for part in parts if part != ""))

    @property
    def requests_training(self) -> bool:
        """Return whether the automation of prefect.yaml is to start a training."""
        return bool(self.payload["retrain"])


def read_events(folder: Path) -> list[StoredEvent]:
    """Return every event of the outbox, oldest week first."""
    return Outbox(folder, StoredEvent).read()


def deliver_events(
    folder: Path, *, project: str, oldest: date, logger: Logger
) -> list[StoredEvent]:
    """Send what waits, check what became of what was sent, and return the events that were pending.

    Args:
        folder: of the outbox.
        project: id of the project. An event of another one, whose folder was copied, is sent anew.
        oldest: events about earlier weeks are given up: a drift that lasts is confirmed again.
        logger: gets the progress of each.
    """
    outbox = Outbox(folder, StoredEvent)
    outbox.report_damage(logger)
    if not PREFECT_API_URL.value():
        events = outbox.pending()
        for event in events:
            logger.warning(_NO_SERVER, event.name, event.week_end, folder)
        return events
    with get_client(sync_client=True) as client:
        events = outbox.deliver(partial(_attempts, project=project, client=client, oldest=oldest))
    for event in events:
        logger.info("%s of %s: %s", event.name, event.week_end, _MEANINGS[event.progress])
    return events


def _attempts(
    event: StoredEvent, *, project: str, client: SyncPrefectClient, oldest: date
) -> Iterator[StoredEvent]:
    """Yield the event after everything that one run does about it."""
    if event.project != project:
        event = event.model_copy(update={"project": project, "attempt": 0, "progress": "waiting"})
    if event.week_end < oldest:
        yield event.model_copy(update={"progress": "given up"})
        return
    if event.attempt:
        event = event.model_copy(update={"progress": _progress(event, client)})
        yield event
    for _ in range(_ROUNDS):
        if event.progress in {"waiting", "sent"}:
            event = _sent(event, client)
            yield event
            event = _settled(event, client)
            yield event


def _sent(event: StoredEvent, client: SyncPrefectClient) -> StoredEvent:
    """Send the event; an attempt that the server never stored is made again under its own id."""
    is_new_attempt = event.attempt == 0 or _is_stored(event, client)
    attempt = event.attempt + is_new_attempt
    event = event.model_copy(update={"attempt": attempt, "progress": "sent"})
    _post(event, client)
    return event


def _settled(event: StoredEvent, client: SyncPrefectClient) -> StoredEvent:
    """Return the event once the server has acted on it, or as it is when the wait is over."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while (progress := _progress(event, client)) == "sent" and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return event.model_copy(update={"progress": progress})


def _progress(event: StoredEvent, client: SyncPrefectClient) -> Progress:
    """Return how far the event got; of a training the runs show it, as events are soon dropped."""
    if not event.requests_training:
        return "done" if _is_stored(event, client) else "sent"
    states = {run.state_type for run in _trainings(event, client)}
    if states & (TERMINAL_STATES - {StateType.CRASHED}):
        return "done"
    return "in training" if states - TERMINAL_STATES else "sent"


def _is_stored(event: StoredEvent, client: SyncPrefectClient) -> bool:
    now = datetime.now(tz=UTC)
    days = EventOccurredFilter(since=now - timedelta(weeks=53), until=now + timedelta(weeks=1))
    this_one = EventFilter(id=EventIDFilter(id=[event.id]), occurred=days)
    return bool(client.read_events(this_one, limit=1).events)


def _trainings(event: StoredEvent, client: SyncPrefectClient) -> list[FlowRun]:
    """Return the project's own trainings for the week of an event."""
    latest = client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=["train"])),
        flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[label(event.project)])),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        limit=_LATEST_RUNS,
    )
    week_end = event.week_end.isoformat()
    return [run for run in latest if run.parameters.get("week_end") == week_end]


def _post(event: StoredEvent, client: SyncPrefectClient) -> None:
    """Hand the event to the server and return when it has taken it; raises when it does not.

    Prefect's own emit_event leaves that to a thread in the background, which fails in silence.
    """
    resource = f"{SHOP}.{event.project}"
    labels = {"prefect.resource.id": resource, RETRAIN: str(event.requests_training).lower()}
    sent = Event(
        id=event.id,
        event=event.name,
        resource=Resource(labels),
        payload={**event.payload, "week_end": str(event.week_end), "attempt": event.attempt},
        occurred=datetime.now(tz=UTC),
    )
    client.request("POST", "/events", json=[sent.model_dump(mode="json")]).raise_for_status()
