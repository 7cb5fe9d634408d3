"""The outbox: an alert is on disk before anybody is told, and stays there with what became of it.

One file an alert, named for its key (week, kind, subjects), so the same alert raised twice is one.
Sending is at-least-once: a channel is marked after it took the alert, so a process killed between
the two sends again. The alternative, marking first, could lose the one alert that mattered. Every
attempt carries the same id, by which a receiver may drop the copy. A lock on the folder keeps two
flows from sending the same alert at once; the price is that one waits while the other sends.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, ValidationError

from hemline.errors import BadInput
from hemline.files import locked, write_text
from monitoring.alerts.alert import Alert, AlertParams, anchor

Raised = Literal["new", "known", "suppressed"]

LOG: Final = "log"
"""The channel every alert goes through, whatever blocks there are."""


class StoredAlert(BaseModel):
    """An alert in the outbox.

    Attributes:
        alert: what is said.
        id: the same at every attempt and in every channel, like no other alert's anywhere.
        raised_at: UTC.
        channels: who was to be told when it was raised; empty for a suppressed one.
        sent: by channel, when it was taken.
        failed: by channel, why the latest attempt failed; gone once the channel takes it.
        suppressed: why nobody is told; empty where somebody is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    alert: Alert
    id: str
    raised_at: datetime
    channels: tuple[str, ...]
    sent: Mapping[str, datetime]
    failed: Mapping[str, str]
    suppressed: str

    @property
    def day(self) -> date:
        """Return the day by which it is known and cools down: the week's, else the clock's."""
        return self.alert.week_end or self.raised_at.date()

    @property
    def file_name(self) -> str:
        """Return the name of its file, which is its key; subjects may hold anything: hashed."""
        subjects = hashlib.sha256("\n".join(self.alert.subjects).encode()).hexdigest()[:12]
        return f"{self.day}-{anchor(self.alert.kind)}-{subjects}.json"

    @property
    def pending(self) -> tuple[str, ...]:
        """Return the channels that have not taken it yet."""
        return tuple(channel for channel in self.channels if channel not in self.sent)


@dataclass(frozen=True)
class Delivery:
    """One attempt: which alert, through which channel, and why it failed (empty: it was taken)."""

    alert: Alert
    channel: str
    failure: str


Send = Callable[[StoredAlert], None]
"""Hands an alert to a channel; returns once the channel has taken it, raises otherwise."""


def raise_alert(alert: Alert, outbox: Path, params: AlertParams, *, now: datetime) -> Raised:
    """Keep the alert for sending, unless it is known already or its subjects cool down.

    Args:
        alert: as a composer made it.
        outbox: folder of the outbox, made where it is missing.
        params: channels and cool-down; what is raised without blocks is never sent through one
            that is set up later.
        now: UTC; a day only for alerts that are about no week.

    Returns:
        "new", or "known" for the same kind, week and subjects, or "suppressed" where an alert on
        each of its subjects went out in the days before: kept with the reason, told to nobody.
    """
    with locked(outbox):
        kept = StoredAlert(
            alert=alert,
            id=uuid4().hex,
            raised_at=now,
            channels=(LOG, *params.blocks),
            sent={},
            failed={},
            suppressed="",
        )
        path = outbox / kept.file_name
        if path.exists():
            return "known"
        earlier = [one for one in read_alerts(outbox) if _precedes(one, kept)]
        reason = _cooling(kept, earlier, params.cool_down_days[alert.kind])
        if reason:
            _write(kept.model_copy(update={"channels": (), "suppressed": reason}), path)
            return "suppressed"
        counted = alert.model_copy(update={"n_held_back": _held_back_since(earlier)})
        _write(kept.model_copy(update={"alert": counted}), path)
        return "new"


def send_pending(outbox: Path, channels: Mapping[str, Send], *, now: datetime) -> list[Delivery]:
    """Hand every channel the alerts that wait for it, oldest first.

    A channel that fails is left alone for the rest of the call: the alerts behind would wait for
    the same answer. They stay pending.

    Returns:
        Every attempt, in the order it was made.
    """
    deliveries: list[Delivery] = []
    with locked(outbox):
        for channel, send in channels.items():
            for kept in read_alerts(outbox):
                if channel not in kept.pending:
                    continue
                delivery = _attempt(kept, channel, send)
                deliveries.append(delivery)
                _write(_marked(kept, delivery, now), outbox / kept.file_name)
                if delivery.failure:
                    break
    return deliveries


def read_alerts(outbox: Path) -> list[StoredAlert]:
    """Return every alert ever raised, oldest first.

    Raises:
        BadInput: a file is not as it was written.
    """
    everything = [_read(path) for path in sorted(outbox.glob("*.json"))]
    return sorted(everything, key=lambda kept: kept.raised_at)


def held_back(outbox: Path, week_end: date) -> list[str]:
    """Return the titles of a week's alerts that cool-down held back, for its digest."""
    return [
        kept.alert.title for kept in read_alerts(outbox) if kept.suppressed and kept.day == week_end
    ]


def _attempt(kept: StoredAlert, channel: str, send: Send) -> Delivery:
    try:
        send(kept)
    except Exception as error:  # noqa: BLE001  (whatever a channel raises, the others get theirs)
        return Delivery(kept.alert, channel, _why(error))
    return Delivery(kept.alert, channel, "")


def _why(error: Exception) -> str:
    """Return what went wrong: of a foreign error its name alone, for its text may hold a secret."""
    if isinstance(error, BadInput):
        return f"{error.found}; {error.fix}"
    return type(error).__name__


def _marked(kept: StoredAlert, delivery: Delivery, now: datetime) -> StoredAlert:
    failed = {name: why for name, why in kept.failed.items() if name != delivery.channel}
    if delivery.failure:
        return kept.model_copy(update={"failed": {**failed, delivery.channel: delivery.failure}})
    return kept.model_copy(update={"failed": failed, "sent": {**kept.sent, delivery.channel: now}})


def _precedes(one: StoredAlert, other: StoredAlert) -> bool:
    """Return whether one is about a subject of the other, and no later."""
    is_related = not set(one.alert.subjects).isdisjoint(other.alert.subjects)
    return one.alert.kind == other.alert.kind and is_related and one.day <= other.day


def _cooling(kept: StoredAlert, earlier: list[StoredAlert], cool_down_days: int) -> str:
    """Return why the alert is held back; empty where one of its subjects may be told."""
    told: dict[str, date] = {}
    for one in earlier:
        if not one.suppressed and (kept.day - one.day).days < cool_down_days:
            for subject in one.alert.subjects:
                told[subject] = max(one.day, told.get(subject, one.day))
    if not set(kept.alert.subjects) <= told.keys():
        return ""
    when = ", ".join(f"{subject} on {told[subject]}" for subject in kept.alert.subjects)
    return f"alerted already: {when}; {kept.alert.kind} rests for {cool_down_days} days"


def _held_back_since(earlier: list[StoredAlert]) -> int:
    """Return how many alerts were held back since the latest that was not."""
    latest = max((one.day for one in earlier if not one.suppressed), default=date.min)
    return sum(bool(one.suppressed) and one.day > latest for one in earlier)


def _write(kept: StoredAlert, path: Path) -> None:
    write_text(path, kept.model_dump_json(indent=1))


def _read(path: Path) -> StoredAlert:
    try:
        return StoredAlert.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        raise BadInput(
            "a file of the outbox is as it was written",
            found=f"{path}: {error.errors()[0]['msg']}",
            fix="move it away; its alert is lost to the outbox, not the file",
        ) from None
