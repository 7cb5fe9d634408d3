"""An alert as people receive it: a mail in plain text, or the JSON of a Slack-style webhook.

No HTML anywhere, so nothing in a message can become markup; what a webhook would read as markup is
escaped. The id of a kept alert travels in both, the same at every attempt: a receiver that saw it
before may drop the copy.
"""

import re
import textwrap
from typing import Any, Final

from monitoring.alerts.alert import Alert

_WIDTH: Final = 88
_CELL: Final = 60
_TITLE_LIMIT: Final = 150  # Slack refuses a longer header, and a longer section than 3,000
_SECTION_LIMIT: Final = 2900
_HALF_ESCAPED: Final = re.compile(r"&[a-z]*$")


def subject_line(alert: Alert) -> str:
    """Return the subject of the mail: one line whatever the title holds."""
    urgency = "look now: " if alert.is_urgent else ""
    return " ".join(f"[hemline] {urgency}{alert.kind}: {alert.title}".split())


def plain_text(alert: Alert) -> str:
    """Return the body of the mail: what, done, first thing, table, links, runbook, owner."""
    parts = [
        _wrapped("What happened", alert.happened),
        _wrapped("Done already", alert.done),
        _wrapped("First thing to do", alert.first_thing),
        _wrapped("Since the last", _held_back(alert)),
        _aligned(alert.table),
        "\n".join(f"{name}: {address}" for name, address in alert.links.items()),
        f"Runbook: {alert.runbook}\nOwner:   {alert.owner}\nWeek:    {_week(alert)}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def webhook_payload(alert: Alert, alert_id: str) -> dict[str, Any]:
    """Return the JSON that Slack, Mattermost and their like take; the id is the first block's."""
    urgency = "Look now: " if alert.is_urgent else ""
    title = " ".join(f"{urgency}{alert.title}".split())
    story = "\n".join(
        f"*{name}* {_escaped(text)}"
        for name, text in (
            ("What happened", alert.happened),
            ("Done already", alert.done),
            ("First thing to do", alert.first_thing),
            ("Since the last", _held_back(alert)),
        )
        if text
    )
    links = {**alert.links, "Runbook": alert.runbook}
    places = "\n".join(_linked(name, address) for name, address in links.items())
    foot = f"{alert.kind} · owner {alert.owner} · week {_week(alert)}"
    table = _aligned(alert.table).replace("`", "'")
    blocks = [
        {
            "type": "header",
            "block_id": alert_id,
            "text": {"type": "plain_text", "text": title[:_TITLE_LIMIT], "emoji": False},
        },
        _section(_cut(story)),
        *([_section(f"```{_cut(_escaped(table))}```")] if table else []),
        _section(_cut(places)),
        {"type": "context", "elements": [{"type": "plain_text", "text": foot, "emoji": False}]},
    ]
    return {"text": _escaped(subject_line(alert)), "blocks": blocks}


def _held_back(alert: Alert) -> str:
    if not alert.n_held_back:
        return ""
    were = "1 alert was" if alert.n_held_back == 1 else f"{alert.n_held_back} alerts were"
    return f"{were} held back by cool-down; the outbox keeps them with the reason."


def _week(alert: Alert) -> str:
    return "none" if alert.week_end is None else f"before {alert.week_end}"


def _wrapped(name: str, text: str) -> str:
    if not text:
        return ""
    lines = [
        line
        for paragraph in text.splitlines()
        for line in (textwrap.wrap(paragraph, _WIDTH, break_long_words=False) or [""])
    ]
    return f"{name}\n" + "\n".join(f"  {line}".rstrip() for line in lines)


def _aligned(table: tuple[tuple[str, ...], ...]) -> str:
    """Return the table in columns of equal width.

    >>> print(_aligned((("column", "effect"), ("price", "0.3"))))
    column  effect
    price   0.3
    """
    rows = [[_cell(cell) for cell in row] for row in table]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (zip(row, widths, strict=True) for row in rows)
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in line).rstrip() for line in lines
    )


def _cell(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _CELL else f"{line[: _CELL - 3]}..."


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _escaped(text: str) -> str:
    """Return the text with the three characters that Slack reads as markup.

    >>> _escaped("<!channel> a & b")
    '&lt;!channel&gt; a &amp; b'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str) -> str:
    """Return the text as far as Slack takes it, never with half an escaped character at the end."""
    if len(text) <= _SECTION_LIMIT:
        return text
    return _HALF_ESCAPED.sub("", text[:_SECTION_LIMIT]) + " ..."


def _linked(name: str, address: str) -> str:
    r"""Return a link in Slack's form; what is no web address stays text.

    >>> print(_linked("page", "http://shop/a"), "|", _linked("Runbook", "docs/monitoring.md"))
    <http://shop/a|page> | Runbook: docs/monitoring.md
    """
    if address.startswith(("http://", "https://")):
        return f"<{_escaped(address).replace('|', '%7C')}|{_escaped(name)}>"
    return f"{_escaped(name)}: {_escaped(address)}"
