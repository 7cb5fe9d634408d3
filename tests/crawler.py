"""Follows every link of a folder of pages, as a browser would that has no network."""

import os
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

APPS: Final = "evidently.html"
"""Evidently's own page carries its application; what it does is not ours to check."""

_LOADED: Final = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}


class LinkReader(HTMLParser):
    """What a page links, what it loads, and the ids that links may name."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: set[str] = set()
        self.styles: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in known:
            self.links.append(known["href"])
        if _LOADED.get(tag) in known:
            self.loads.append(known[_LOADED[tag]])
        if "id" in known:
            self.ids.add(known["id"])
        if "style" in known:
            self.styles.append(known["style"])


def broken_links(pages: Path, start: str = "index.html") -> list[str]:
    """Return "page -> link" for every link or asset below `start` that leads nowhere."""
    broken, seen, waiting = [], set(), [(pages / start)]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".html" or page.name == APPS:
            continue
        seen.add(page)
        reader = LinkReader(page)
        for link in (*reader.links, *reader.loads):
            target = _target(page, link)
            if target is not None and not _is_there(target, urlsplit(link).fragment):
                broken.append(f"{page.relative_to(pages)} -> {link}")
            elif target is not None:
                waiting.append(target)
    return broken


def foreign_assets(folder: Path) -> list[str]:
    """Return every script, style, font or picture of another host, in any page or style sheet."""
    foreign = []
    pages = [
        Path(place) / name
        for place, _, names in os.walk(folder, followlinks=True)
        for name in names
        if Path(name).suffix in {".html", ".css"}
    ]
    for page in sorted(pages):
        if page.name != APPS:
            text = page.read_text(encoding="utf-8")
            loads = [one for one in LinkReader(page).loads if not one.startswith("data:image/png")]
            foreign += [f"{page}: {one}" for one in loads if urlsplit(one).netloc or ":" in one]
            foreign += [f"{page}: {one}" for one in ("url(", "@import") if one in text]
    return foreign


def _target(page: Path, link: str) -> Path | None:
    """Return the file that a link names; None for another server's, and for what a page holds."""
    parts = urlsplit(link)
    if parts.netloc or parts.scheme == "data":
        return None
    if not parts.path:
        return page
    # As a browser does: before any link of the file system is followed.
    return Path(os.path.normpath(page.parent / unquote(parts.path)))


def _is_there(target: Path, fragment: str) -> bool:
    if not target.is_file():
        return False
    return not fragment or fragment in LinkReader(target).ids
