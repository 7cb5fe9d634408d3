"""The frame of every page: one style sheet, no script, nothing fetched from anywhere.

A page is a string that needs nothing but itself and is written whole, so a reader never sees half
of one. Whatever comes from the data is escaped here, where it enters a table or a sentence. Colours
are chosen for contrast on white and on black alike, and each has a word or a symbol beside it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from monitoring.dashboard.wording import SYMBOLS
from monitoring.verdict import Verdict

_STYLE: Final = """
:root { color-scheme: light dark; --paper: #fff; --sheet: #f6f7f9; --ink: #1b1f24; --soft: #59616b;
  --rule: #dfe3e8; --now: #1f5fae; --past: #7a828c; --band: #1f5fae26; --drift: #b3261e;
  --new: #8a5300; --level: #6b3fa0; --season: #14694b; --none: #59616b }
@media (prefers-color-scheme: dark) { :root { --paper: #14171a; --sheet: #1d2226; --ink: #e8eaed;
  --soft: #a4acb5; --rule: #333a41; --now: #7db4ff; --past: #8f98a3; --band: #7db4ff33;
  --drift: #ff8a80; --new: #f2b84b; --level: #c9a7f5; --season: #6fd3a9; --none: #a4acb5 } }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 78rem; margin: 0 auto; padding: 1rem 1rem 4rem }
h1 { font-size: 1.7rem; line-height: 1.2; margin: .4rem 0 } h2 { font-size: 1.2rem;
  margin: 2.4rem 0 .6rem } h3 { font-size: 1rem; margin: 0;
  overflow-wrap: anywhere; min-width: 0 } a { color: var(--now) }
nav, .links { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; font-size: .92rem }
nav { justify-content: space-between } .said { font-size: 1.15rem; max-width: 60rem }
.soft, figcaption, caption { color: var(--soft); font-size: .88rem }
.card { background: var(--sheet); border: 1px solid var(--rule); border-radius: .6rem;
  padding: .8rem 1rem; min-width: 0 }
.grid { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fill, minmax(17.5rem, 1fr)) }
.facts { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)) }
.facts b { display: block; font-size: 1.25rem } .card ul { margin: .3rem 0; padding-left: 1.2rem }
.chart { margin: 0; display: flex; flex-direction: column }
.chart > svg { margin-top: auto }
.chart .head { display: flex; justify-content: space-between; gap: .5rem }
.chart p { margin: 0; font-size: .88rem; color: var(--soft) } svg { width: 100%; display: block }
.scroll { overflow-x: auto } .scroll.wide { direction: rtl }
.scroll.wide svg { min-width: 46rem; direction: ltr }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
th { text-align: left; vertical-align: bottom; color: var(--soft); font-weight: 600 }
td, th { padding: .35rem .6rem; border-bottom: 1px solid var(--rule) } td { vertical-align: top }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
.d { white-space: nowrap } .w { min-width: 15rem } .badge { white-space: nowrap; font-weight: 600 }
.drift { --tone: var(--drift) } .new { --tone: var(--new) } .level-change { --tone: var(--level) }
.seasonal { --tone: var(--season) } .none { --tone: var(--none) } .tone { color: var(--tone) }
.card.tone { color: inherit; border-left: .4rem solid var(--tone) }
.weeks { direction: rtl } .weeks table { direction: ltr; width: auto; font-size: .8rem;
  margin-right: auto }
.weeks td { padding: .1rem; text-align: center; min-width: 1.15rem } .weeks th { font-weight: 400;
  padding: .1rem .3rem; white-space: nowrap; position: sticky; left: 0; background: var(--paper) }
.weeks thead th { position: static } .weeks td a { text-decoration: none; color: var(--tone) }
.weeks td.confirmed { background: var(--drift); border-radius: .2rem }
.weeks td.confirmed a { color: var(--paper) }
details { margin: .6rem 0 } summary { cursor: pointer; color: var(--now) }
svg text { font: 11px system-ui, sans-serif; fill: var(--soft) }
.rule { stroke: var(--rule) } .band { fill: var(--band) } polyline { fill: none }
.this-year { stroke: var(--now); stroke-width: 2 } .dot { fill: var(--now) }
.last-year { stroke: var(--past); stroke-width: 1.5; stroke-dasharray: 4 3 }
.change { stroke: var(--soft); stroke-dasharray: 2 3 }
.mark { fill: var(--tone); stroke: var(--paper); stroke-width: 2 }
"""
_PAGE: Final = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>$style</style></head>
<body>$body</body></html>
""")

RIGHT: Final = "n"
WIDE: Final = "w"
UNBROKEN: Final = "d"


@dataclass(frozen=True)
class Html:
    """Text that is html already; everything else is escaped when it enters a page."""

    text: str


Cell = str | Html


def write_page(path: Path, title: str, parts: Iterable[str]) -> None:
    """Write a page whole: to a file beside it, then renamed."""
    html = _PAGE.substitute(title=escape(title), style=_STYLE, body="\n".join(parts))
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(html, encoding="utf-8")
    unfinished.replace(path)


def table(heads: Mapping[str, str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return a table that scrolls by itself where the screen is narrow.

    Args:
        heads: by heading, the class of its column: "", RIGHT, WIDE or UNBROKEN.
        rows: cells in the order of the headings.
    """
    top = "".join(
        f'<th scope="col" class="{kind}">{escape(head)}</th>' for head, kind in heads.items()
    )
    kinds = list(heads.values())
    lines = "".join(
        "<tr>"
        + "".join(
            f'<td class="{kind}">{html(cell)}</td>' for kind, cell in zip(kinds, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table><thead><tr>{top}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def html(cell: Cell) -> str:
    """Return a cell's html; plain text is escaped.

    >>> html("<b>"), html(Html("<b>x</b>"))
    ('&lt;b&gt;', '<b>x</b>')
    """
    return cell.text if isinstance(cell, Html) else escape(cell)


def badge(verdict: str) -> Html:
    """Return a verdict as symbol and word in its colour.

    >>> badge("drift").text
    '<span class="badge tone drift">◆ drift</span>'
    """
    symbol = SYMBOLS.get(verdict, "")
    return Html(f'<span class="badge tone {tone(verdict)}">{symbol} {escape(verdict)}</span>')


def tone(verdict: str) -> str:
    """Return the class that gives a verdict its colour."""
    return verdict.replace(" ", "-") if verdict in SYMBOLS else "none"


def link(name: str, address: str) -> str:
    """Return a link; an address that a browser would run as code stays text.

    >>> link("week", "../index.html")
    '<a href="../index.html">week</a>'
    >>> link("week", "javascript:alert(1)")
    'week'
    """
    scheme = address.partition(":")[0] if ":" in address else "http"
    if scheme not in {"http", "https"}:
        return escape(name)
    return f'<a href="{escape(address)}">{escape(name)}</a>'


def links(addresses: Mapping[str, str]) -> str:
    """Return links side by side."""
    return f'<p class="links">{"".join(link(*one) for one in addresses.items())}</p>'


def bullets(sentences: Iterable[str]) -> str:
    """Return sentences as a list; nothing for none."""
    lines = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{lines}</ul>" if lines else ""


def fact(name: str, value: str, *more: str) -> str:
    """Return a card with one number that matters and what to know about it."""
    rest = "".join(f'<span class="soft">{escape(one)}</span><br>' for one in more if one)
    return f'<div class="card">{escape(name)}<b>{escape(value)}</b>{rest}</div>'


def key_to_verdicts() -> str:
    """Return what the symbols mean."""
    words = " ".join(f"{badge(one).text} {escape(one.meaning)}" for one in Verdict)
    return f'<p class="soft">{words}</p>'
