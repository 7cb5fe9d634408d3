"""The way of an alert: raised once, held back while its subjects cool down, sent to each channel.

Every attempt carries the same id, by which a receiver may drop a copy.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Final, Literal
from uuid import uuid4

from hemline.errors import BadInput
from monitoring.alerts.alert import Alert, AlertParams, anchor
from monitoring.alerts.outbox import Message, Outbox

Raised = Literal["new", "known", "suppressed"]

LOG: Final = "log"
"""The channel every alert goes through, whatever blocks there are."""


class StoredAlert(Message):
    """An alert in the outbox.

    Attributes:
        alert: what it reports.
        id: the same at every attempt and in every channel, like no other alert's anywhere.
        raised_at: UTC.
        channels: where it is to be sent; empty for a suppressed one.
        sent: by channel, when it was taken.
        failed: by channel, why the latest attempt failed; gone once the channel takes it.
        suppressed: why it is not sent; empty where it is.
    """

    alert: Alert
    id: str
    raised_at: datetime
    channels: tuple[str, ...]
    sent: Mapping[str, datetime] = {}
    failed: Mapping[str, str] = {}
    suppressed: str = ""

    @property
    def day(self) -> date:
        """Return the day by which it is known and cools down: the week's, else the clock's."""
        return self.alert.week_end or self.raised_at.date()

    @property
    def file_name(self) -> str:
        """Return the name of its file: day, kind, and a hash of subjects, which hold anything."""
        subjects = hashlib.sha256("\n".join(self.alert.subjects).encode()).hexdigest()[:12]
        return f"{self.day}-{anchor(self.alert.kind)}-{subjects}.json"

    @property
    def age_key(self) -> str:
        """Return when it was raised."""
        return self.raised_at.isoformat()

    @property
    def pending(self) -> tuple[str, ...]:
        """Return the channels that have not taken it yet."""
        return tuple(channel for channel in self.channels if channel not in self.sent)

    @property
    def is_pending(self) -> bool:
        """Return whether a channel has not taken it yet."""
        return bool(self.pending)


@dataclass(frozen=True)
class Delivery:
    """One attempt: which alert, through which channel, and why it failed (empty: it was taken)."""

    alert: Alert
    channel: str
    failure: str


Send = Callable[[StoredAlert], None]
"""Hands an alert to a channel; returns once the channel has taken it, raises otherwise."""


def raise_alert(alert: Alert, folder: Path, params: AlertParams, *, now: datetime) -> Raised:
    """Store the alert for sending, unless it is known already or its subjects cool down.

    Args:
        alert: as a composer made it.
        folder: of the outbox.
        params: channels and cool-down; what is raised without blocks is never sent through one
            that is set up later.
        now: UTC; a day only for alerts that are about no week.

    Returns:
        "new", or "known" for the same kind, week and subjects, or "suppressed" where an alert on
        each of its subjects was sent in the days before: stored with the reason, sent to nobody.
    """
    new = StoredAlert(alert=alert, id=uuid4().hex, raised_at=now, channels=(LOG, *params.blocks))
    stored = Outbox(folder, StoredAlert).add(new, partial(_completed, params=params))
    if stored is None:
        return "known"
    return "suppressed" if stored.suppressed else "new"


def send_pending(folder: Path, channels: Mapping[str, Send], *, now: datetime) -> list[Delivery]:
    """Hand every alert to the channels that it waits for, oldest first; return every attempt.

    A channel that fails is left alone for the rest of the call: the alerts behind would fail the
    same way. They stay pending.
    """
    deliveries: list[Delivery] = []

    def attempts(stored: StoredAlert) -> Iterator[StoredAlert]:
        down = {delivery.channel for delivery in deliveries if delivery.failure}
        for channel in stored.pending:
            if channel in channels and channel not in down:
                delivery = Delivery(stored.alert, channel, _failure(stored, channels[channel]))
                deliveries.append(delivery)
                stored = _marked(stored, delivery, now)
                yield stored

    Outbox(folder, StoredAlert).deliver(attempts)
    return deliveries


def read_alerts(folder: Path) -> list[StoredAlert]:
    """Return every alert ever raised, oldest first, without those of damaged files."""
    return Outbox(folder, StoredAlert).read()


def held_back(folder: Path, week_end: date) -> list[str]:
    """Return the titles of a week's alerts that cool-down held back, for its digest."""
    alerts = read_alerts(folder)
    return [one.alert.title for one in alerts if one.suppressed and one.day == week_end]


def _failure(stored: StoredAlert, send: Send) -> str:
    """Send, and return what went wrong: of a foreign error its name, for its text may be secret."""
    try:
        send(stored)
    except BadInput as refusal:
        return f"{refusal.found}; {refusal.fix}"
    except Exception as error:  # noqa: BLE001  (whatever a channel raises, the others get theirs)
        return type(error).__name__
    return ""


def _marked(stored: StoredAlert, delivery: Delivery, now: datetime) -> StoredAlert:
    failed = {name: why for name, why in stored.failed.items() if name != delivery.channel}
    if delivery.failure:
        return stored.model_copy(update={"failed": {**failed, delivery.channel: delivery.failure}})
    sent = {**stored.sent, delivery.channel: now}
    return stored.model_copy(update={"failed": failed, "sent": sent})


def _completed(
    new: StoredAlert, stored: Sequence[StoredAlert], *, params: AlertParams
) -> StoredAlert:
    """Return the alert held back in cool-down, else with the number held back before it."""
    earlier = sorted((one for one in stored if _precedes(one, new)), key=lambda one: one.day)
    reason = _cooling(new, earlier, params.cool_down_days[new.alert.kind])
    if reason:
        return new.model_copy(update={"channels": (), "suppressed": reason})
    latest = max((one.day for one in earlier if not one.suppressed), default=date.min)
    n_held_back = sum(bool(one.suppressed) and one.day > latest for one in earlier)
    alert = new.alert.model_copy(update={"n_held_back": n_held_back})
    return new.model_copy(update={"alert": alert})


def _precedes(one: StoredAlert, other: StoredAlert) -> bool:
    """Return whether one is about a subject of the other, and no later."""
    is_related = not set(one.alert.subjects).isdisjoint(other.alert.subjects)
    return one.alert.kind == other.alert.kind and is_related and one.day <= other.day


def _cooling(new: StoredAlert, earlier: Sequence[StoredAlert], cool_down_days: int) -> str:
    """Return why the alert is held back; empty where one of its subjects does not cool down."""
    alerted = {
        subject: one.day
        for one in earlier
        if not one.suppressed and (new.day - one.day).days < cool_down_days
        for subject in one.alert.subjects
    }
    if not set(new.alert.subjects) <= alerted.keys():
        return ""
    when = ", ".join(f"{subject} on {alerted[subject]}" for subject in new.alert.subjects)
    return f"alerted already: {when}; cool-down of {new.alert.kind} is {cool_down_days} days"
