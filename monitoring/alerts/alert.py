"""What an alert is: what happened, what the system has done already, what to do first.

An alert carries everything its reader needs, as text, so it can be stored, sent and shown years
later without the tables it came from. The price: it is a copy, and a corrected verdict does not
correct an alert that was sent.
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Annotated, ClassVar, Final, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, NonNegativeInt, model_validator

from hemline.params import Section
from monitoring.alerts.outbox import StoredAsOf

Kind = Literal[
    "data late",
    "validation failed",
    "drift confirmed",
    "retrain failed",
    "challenger rejected",
    "champion changed",
    "canary started",
    "digest",
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/\s@]+@")
Text = Annotated[str, AfterValidator(partial(_CREDENTIALS.sub, ""))]
"""Text without user and password of any address: error messages quote addresses."""

Links = Mapping[str, Text]
Table = tuple[tuple[Text, ...], ...]


class AlertParams(Section):
    """Who gets which alert, how often, and through which of Prefect's blocks.

    Attributes:
        blocks: names of Prefect blocks such as "mail/hemline"; without any, alerts are only stored
            and logged.
        require_tls: whether a block that would send over plain http, or without checking the
            server's certificate, is refused.
        runbook: where the reader finds docs/monitoring.md.
        owners: by kind, who acts on it.
        cool_down_days: by kind, for how many days another alert on the same subjects is held back.
    """

    section: ClassVar[str] = "alerts"
    blocks: tuple[str, ...]
    require_tls: bool
    runbook: str
    owners: Mapping[Kind, str]
    cool_down_days: Mapping[Kind, NonNegativeInt]

    @model_validator(mode="after")
    def _every_kind_is_there(self) -> Self:
        for name, by_kind in (("owners", self.owners), ("cool_down_days", self.cool_down_days)):
            missing = [kind for kind in KINDS if kind not in by_kind]
            if missing:
                raise ValueError(f"{name} lacks {', '.join(missing)}")
        return self


class AlertDraft(BaseModel):
    """What an alert reports, before it has an owner and links.

    Attributes:
        kind: what sort of thing happened; also its heading in the runbook.
        week_end: the first day after the week it is about; None where it is about no week.
        subjects: what it is about, sorted: columns, a stage, a version. Same kind, week and
            subjects: same alert. Cool-down counts for each subject separately.
        title: what happened, in one line.
        happened: what was observed, one or two sentences.
        done: what the system has done about it already.
        first_thing: what to do first.
        table: a heading and its rows; empty where there is nothing to show.
        is_urgent: whether somebody should act now and not in working hours.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Kind
    week_end: Annotated[date | None, StoredAsOf]
    subjects: tuple[Text, ...]
    title: Text
    happened: Text
    done: Text
    first_thing: Text
    table: Table = ()
    is_urgent: bool = False


class Alert(AlertDraft):
    """One alert, complete: nothing is looked up when it is sent.

    Attributes:
        owner: who acts on it.
        links: address by name.
        runbook: address of the section of the runbook.
        n_held_back: alerts on the same subjects held back since the last that was sent.
    """

    owner: str
    links: Links
    runbook: str
    n_held_back: int = 0


def complete_alert(draft: AlertDraft, links: Links, params: AlertParams) -> Alert:
    """Return the alert with the owner and the section of the runbook that its kind has."""
    runbook = f"{params.runbook}#{anchor(draft.kind)}"
    return Alert(**dict(draft), owner=params.owners[draft.kind], links=links, runbook=runbook)


def anchor(kind: Kind) -> str:
    """Return the heading of a kind in the runbook as a link names it.

    >>> anchor("data late")
    'data-late'
    """
    return kind.replace(" ", "-")
