"""The files that the pages load: read once, sent compressed, and kept by the browser for good.

Their addresses carry a hash of their content, so a changed file has a new address.
"""

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

from markupsafe import Markup

from hemline.pages.rendering import render

_SHOP: Final = Path(__file__).parent
_GARMENTS: Final = _SHOP / "garments"
_FILES: Final = {
    "shop.css": ((_SHOP / "pages" / "shop.css", _GARMENTS / "garments.css"), "text/css"),
    "lazy.js": ((_SHOP / "static" / "lazy.js",), "text/javascript"),
    "htmx.min.js": ((_SHOP / "static" / "htmx.min.js",), "text/javascript"),
    "icon.svg": ((_SHOP / "static" / "icon.svg",), "image/svg+xml"),
}


@dataclass(frozen=True)
class Asset:
    """A file as it is sent."""

    content: bytes
    compressed: bytes
    media_type: str
    version: str


@cache
def assets() -> dict[str, Asset]:
    """Return the files by name."""
    made = {}
    for name, (parts, media_type) in _FILES.items():
        content = b"".join(part.read_bytes() for part in parts)
        version = blake2b(content, digest_size=6).hexdigest()
        made[name] = Asset(content, gzip.compress(content, 9, mtime=0), media_type, version)
    return made


def asset_address(name: str) -> str:
    """Return the address of a file."""
    return f"/static/{name}?v={assets()[name].version}"


@cache
def shared_drawing_parts() -> Markup:
    """Return what the drawings of a page share."""
    return Markup(render(_GARMENTS / "defs.svg.j2"))  # noqa: S704  (a template of ours)
