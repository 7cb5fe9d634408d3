"""An alert as people receive it: a mail in plain text, or the JSON of a Slack-style webhook.

No HTML anywhere, so nothing in a message can become markup; what a webhook would read as markup is
escaped. The id of a stored alert is part of both, the same at every attempt, so that a receiver can
drop a copy.
"""

import re
import textwrap
from typing import Any, Final

from monitoring.alerts.alert import Alert, Table

_WIDTH: Final = 88
_CELL: Final = 60
_TITLE_LIMIT: Final = 150  # Slack refuses a longer header, and a longer section than 3,000
_SECTION_LIMIT: Final = 2900
_HALF_ESCAPED: Final = re.compile(r"&[a-z]*$")


def subject_line(alert: Alert) -> str:
    """Return the subject of the mail: one line whatever the title holds."""
    return " ".join(f"[hemline] {_urgency(alert)}{alert.kind}: {alert.title}".split())


def plain_text(alert: Alert) -> str:
    """Return the body of the mail: what happened, what to do, table, links, runbook, owner."""
    parts = [
        *(f"{heading}\n{_indented(text)}" for heading, text in _story(alert)),
        _aligned(alert.table),
        "\n".join(f"{name}: {address}" for name, address in alert.links.items()),
        f"Runbook: {alert.runbook}\nOwner:   {alert.owner}\nWeek:    {_week(alert)}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def webhook_payload(alert: Alert, alert_id: str) -> dict[str, Any]:
    """Return the JSON that Slack, Mattermost and their like take; the id is the first block's."""
    title = " ".join(f"{_urgency(alert)}{alert.title}".split())[:_TITLE_LIMIT]
    story = "\n".join(f"*{heading}* {_escaped(text)}" for heading, text in _story(alert))
    links = {**alert.links, "Runbook": alert.runbook}
    addresses = "\n".join(_linked(name, address) for name, address in links.items())
    foot = f"{alert.kind} · owner {alert.owner} · week {_week(alert)}"
    table = _aligned(alert.table).replace("`", "'")
    blocks = [
        {"type": "header", "block_id": alert_id, "text": _plain(title)},
        _section(_cut(story)),
        *([_section(f"```{_cut(_escaped(table))}```")] if table else []),
        _section(_cut(addresses)),
        {"type": "context", "elements": [_plain(foot)]},
    ]
    return {"text": _escaped(subject_line(alert)), "blocks": blocks}


def _urgency(alert: Alert) -> str:
    return "URGENT: " if alert.is_urgent else ""


def _story(alert: Alert) -> list[tuple[str, str]]:
    """Return headings with their texts, without those that have nothing to report."""
    count = "1 alert was" if alert.n_held_back == 1 else f"{alert.n_held_back} alerts were"
    held_back = f"{count} held back by cool-down." if alert.n_held_back else ""
    parts = (
        ("What happened", alert.happened),
        ("Already done", alert.done),
        ("What to do first", alert.first_thing),
        ("Since the last alert", held_back),
    )
    return [(heading, text) for heading, text in parts if text]


def _week(alert: Alert) -> str:
    return "none" if alert.week_end is None else f"before {alert.week_end}"


def _indented(text: str) -> str:
    lines = [
        line
        for paragraph in text.splitlines()
        for line in (textwrap.wrap(paragraph, _WIDTH, break_long_words=False) or [""])
    ]
    return "\n".join(f"  {line}".rstrip() for line in lines)


def _aligned(table: Table) -> str:
    """Return the table in columns of equal width.

    >>> print(_aligned((("column", "effect"), ("price", "0.3"))))
    column  effect
    price   0.3
    """
    rows = [[_cell(text) for text in row] for row in table]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _cell(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _CELL else f"{line[: _CELL - 3]}..."


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


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
