"""What `hemline ui` shows of the project's files: one folder of links, and a first page.

Only what is linked here can be read through the browser, and nothing else of the project.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hemline.pages.rendering import write_page

_SHOWN: Final = {
    "reports": "reports",
    "validation": "data/validation",
    "monitoring": ".hemline/monitoring/pages",
    "replays": ".hemline/monitoring/replays",
    "docs": "docs",
}
_PICTURES: Final = (
    ("Models on the test week", "MAP@12 of every model", "scores.png"),
    ("Training of the CVAE", "loss and validation MAP@12 by epoch", "cvae_curve.png"),
    ("Number of clusters", "k-modes cost by number of clusters", "elbow.png"),
)


def publish(root: Path, pages: Path, servers: Mapping[str, str]) -> None:
    """Link what is shown into the folder that is served, and write its first page.

    Args:
        root: folder of the project.
        pages: folder that is served, made where it is missing.
        servers: addresses by name, linked from the first page.
    """
    pages.mkdir(parents=True, exist_ok=True)
    for name, folder in _SHOWN.items():
        link = pages / name
        link.unlink(missing_ok=True)  # it names a place that is gone once the project has moved
        link.symlink_to(root / folder)
    template = Path(__file__).with_name("ui.html.j2")
    write_page(pages / "index.html", template, servers=servers, pictures=_PICTURES)
