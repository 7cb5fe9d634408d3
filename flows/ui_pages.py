"""What `make ui` shows of the project's files: one folder of links, and a page that names them.

Only what is linked here can be read through the browser, and nothing else of the project.
"""

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Final

_SHOWN: Final = {
    "reports": "reports",
    "validation": "data/validation",
    "monitoring": ".hemline/monitoring/pages",
    "replays": ".hemline/monitoring/replays",
    "docs": "docs",
}
_INDEX: Final = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Hemline reports</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>:root { color-scheme: light dark } body { font: 16px/1.5 system-ui, sans-serif;
max-width: 60rem; margin: 2rem auto; padding: 0 1rem } img { max-width: 100% }
li { margin: .3rem 0 }</style></head><body>
<h1>Hemline reports</h1>
<ul><li><a href="monitoring/index.html">All weeks: decisions, verdicts, the champion, alerts</a>
(after <code>make monitor</code>), <a href="replays/">replays</a>,
<a href="docs/monitoring.md">what to do when</a></li>
<li><a href="reports/scores.md">Scores with intervals and slices</a></li>
<li><a href="reports/fairness/index.html">Fairness of what is served</a></li>
<li><a href="validation/index.html">What was checked in the data</a></li></ul>
<p>Beside these pages: $links.</p>
<h2>Models on the test week</h2><img src="reports/scores.png" alt="MAP@12 of every model">
<h2>Training of the CVAE</h2><img src="reports/cvae_curve.png" alt="loss and validation MAP@12">
<h2>Number of clusters</h2><img src="reports/elbow.png" alt="k-modes cost by clusters">
</body></html>
""")


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
    links = ", ".join(f'<a href="{address}">{name}</a>' for name, address in servers.items())
    (pages / "index.html").write_text(_INDEX.substitute(links=links), encoding="utf-8")
