"""What an alert is: one true statement for a person, with what the system has already done.

An alert carries everything its reader needs, as text, so it can be kept, sent and shown years later
without the tables it came from. The price: it is a copy, and a corrected verdict does not correct
an alert that went out.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar, Final, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, NonNegativeInt, model_validator

from hemline.params import Section

Kind = Literal[
    "data late",
    "validation failed",
    "drift confirmed",
    "retrain failed",
    "challenger rejected",
    "champion changed",
    "digest",
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
Links = Mapping[str, str]

_CREDENTIALS: Final = re.compile(r"(?<=://)[^/\s@]+@")


class AlertParams(Section):
    """Who is told what, how often, and through which of Prefect's blocks.

    Attributes:
        blocks: names of Prefect blocks such as "mail/hemline"; without any, alerts are only kept
            and logged.
        runbook: where the reader finds docs/monitoring.md.
        owners: by kind, who acts on it.
        cool_down_days: by kind, how many days a second alert about the same things is held back.
    """

    section: ClassVar[str] = "alerts"
    blocks: tuple[str, ...]
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


class Alert(BaseModel):
    """One alert, complete: nothing is looked up when it is sent.

    Attributes:
        kind: what sort of thing happened; also its heading in the runbook.
        week_end: the week it is about, known by the first day after it; None where there is none.
        subjects: what it is about, sorted: columns, a stage, a version. Same kind, week and
            subjects: same alert. Cool-down looks at each subject by itself.
        title: what happened, in one line.
        owner: who acts on it.
        is_urgent: whether somebody should look now and not in working hours.
        happened: what was seen, one or two sentences.
        done: what the system has done about it already.
        first_thing: what to do first.
        table: a heading and its rows; empty where there is nothing to show.
        links: address by name.
        runbook: address of the section of the runbook.
        n_held_back: alerts about the same subjects held back since the last that went out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Kind
    week_end: date | None
    subjects: tuple[str, ...]
    title: str
    owner: str
    is_urgent: bool
    happened: str
    done: str
    first_thing: str
    table: tuple[tuple[str, ...], ...]
    links: Mapping[str, str]
    runbook: str
    n_held_back: int = 0

    @model_validator(mode="before")
    @classmethod
    def _without_credentials(cls, content: Any) -> Any:
        if isinstance(content, dict) and "as_of" in content:  # alerts stored before the rename
            content = {"week_end" if key == "as_of" else key: part for key, part in content.items()}
        return _stripped(content)


def compose(
    kind: Kind,
    week_end: date | None,
    subjects: Sequence[str],
    *,
    title: str,
    happened: str,
    done: str,
    first_thing: str,
    links: Links,
    params: AlertParams,
    is_urgent: bool,
    table: tuple[tuple[str, ...], ...] = (),
) -> Alert:
    """Return an alert with the owner and the section of the runbook that its kind has."""
    return Alert(
        kind=kind,
        week_end=week_end,
        subjects=tuple(subjects),
        title=title,
        owner=params.owners[kind],
        is_urgent=is_urgent,
        happened=happened,
        done=done,
        first_thing=first_thing,
        table=table,
        links=dict(links),
        runbook=f"{params.runbook}#{anchor(kind)}",
    )


def anchor(kind: Kind) -> str:
    """Return the heading of a kind in the runbook as a link names it.

    >>> anchor("data late")
    'data-late'
    """
    return kind.replace(" ", "-")


def _stripped(content: Any) -> Any:
    """Return the content without user and password of any address: messages quote addresses.

    >>> _stripped({"links": {"page": "http://me:secret@shop/page"}})
    {'links': {'page': 'http://shop/page'}}
    """
    if isinstance(content, str):
        return _CREDENTIALS.sub("", content)
    if isinstance(content, Mapping):
        return {name: _stripped(part) for name, part in content.items()}
    if isinstance(content, (tuple, list)):
        return tuple(_stripped(part) for part in content)
    return content
