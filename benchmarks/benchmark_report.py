"""`python -m benchmarks.benchmark_report`: write the tables of the docs from the results."""

import json
import re
from pathlib import Path
from typing import Final

import typer

from benchmarks.record import RESULTS, as_markdown, read_results
from benchmarks.synthetic.realism_table import realism_tables

_DOCS: Final = Path(__file__).parent.parent / "docs"
DOCUMENT: Final = _DOCS / "benchmarks.md"
METRICS: Final = {
    "published": (
        "ndcg@10",
        "recall@10",
        "ndcg@20",
        "recall@20",
        "validation ndcg@10",
        "cpu seconds",
    ),
    "genuine": ("ndcg@100", "recall@20", "cpu seconds"),
    "genuine-sample": ("map@12", "map@12 from", "map@12 to"),
    "poster-demo": ("recall_1", "recall_30", "recall_30 of held out", "recall@20"),
    "peers": (
        "ndcg@20",
        "recall@20",
        "fit seconds",
        "fit cpu seconds",
        "trained customers per second",
        "trained customers per cpu second",
        "lists per second",
    ),
    "monitoring": (
        "refused",
        "with last year",
        "before last year",
        "a year",
        "in 2 weeks",
        "in 3 weeks",
        "in 4 weeks",
        "wait",
        "any column",
        "besides",
        "retrained",
        "seasonal and no drift",
        "seasonal",
        "seasonal without it",
        "drift",
        "drift without it",
        "news when new",
        "with the event",
        "without it",
    ),
    "monitoring-full-scale": ("seconds", "cpu seconds", "peak GB"),
    "scale": (
        "cpu s at 100 %",
        "seconds at 100 %",
        "peak GB at 100 %",
        "cpu s at 10 %",
        "cpu s at 1 %",
        "exponent",
        "exponent from 10 %",
        "cpu ratio",
        "cpu ratio a start",
        "time ratio",
        "size %",
        "our cpu s",
        "their cpu s",
        "our peak GB",
        "their peak GB",
        "p50 ms",
        "p99 ms",
        "cpu ms",
    ),
    "shop": (
        "cpu ms p50",
        "cpu ms p99",
        "cpu ms min",
        "ms p50",
        "ms p99",
        "ms max",
        "requests",
        "failed",
        "requests/s",
        "cpu ms a request",
        "private MB",
    ),
    "shop-full-scale": (
        "cpu ms p50",
        "cpu ms p99",
        "cpu ms min",
        "seconds",
        "cpu seconds",
        "peak GB",
        "MB",
        "private MB",
        "shared MB",
    ),
    "shop-endurance": (
        "swaps",
        "seen by the workers",
        "requests",
        "acknowledged",
        "kills",
        "lost",
        "doubled",
        "other sequence",
        "unlikes",
        "workers",
        "seen again",
        "other list after undo",
        "failed",
        "in flight at the kills",
        "failed with one retry",
        "refused with 503",
        "other answers",
        "not one version's list",
        "% of lists differ",
        "ms max",
    ),
    "experiments": (
        "false positives",
        "power",
        "mean sample",
        "found",
        "lost conversions",
        "share of the best",
        "right",
        "customers",
        "held the truth",
        "refused",
        "width",
        "mean error",
        "root mean square error",
        "total",
        "predicted",
        "observed",
    ),
    "online": (
        "added by lists",
        "more than by popularity",
        "MAP@12 offline",
        "MAP@12 offline, online only",
        "paid for what is listed",
        "revenue",
        "more than popularity",
        "visits",
        "got",
        "unliked",
        "rank correlation",
        "from",
        "to",
        "policies",
        "preferred to served",
        "customers who preferred one",
        "bought in a slot",
        "effective decisions",
        "decisions",
        "bought and kept",
        "weight",
    ),
    "scale-quality": (
        "recall@20",
        "recall@20 from",
        "recall@20 to",
        "ndcg@20",
        "ndcg@20 from",
        "ndcg@20 to",
        "map@12",
        "cpu seconds",
    ),
    "scale-sizes": (
        "seconds at 100 %",
        "peak GB at 100 %",
        "seconds at 10 %",
        "peak GB at 10 %",
        "seconds at 1 %",
        "peak GB at 1 %",
    ),
}
"""The metrics of each result that the document shows; the first one orders the lines."""

_ELSEWHERE: Final = {
    "experiments": ("experiments", _DOCS / "experiments.md"),
    "online": ("online", _DOCS / "living-shop.md"),
    "synthetic": ("synthetic", _DOCS / "synthetic.md"),
    "scale-sizes": ("scale", _DOCS / "scale.md"),
}
"""Tables with another name than their result, or in another document."""

_OWN_TABLES: Final = {"synthetic": realism_tables}
"""Results whose tables are not one line per model."""


def main() -> None:
    """Renew every table that has a result."""
    for name in (*METRICS, *_OWN_TABLES):
        result, document = _ELSEWHERE.get(name, (name, DOCUMENT))
        path = RESULTS / f"{result}.json"
        if path.exists():
            text = filled(document.read_text(encoding="utf-8"), name, path)
            document.write_text(text, encoding="utf-8")


def filled(text: str, name: str, path: Path) -> str:
    """Return the document with the table between `<!-- name -->` and `<!-- end -->` renewed."""
    result = json.loads(path.read_text(encoding="utf-8"))
    machine = result["machine"]
    origin = (
        f"{result['date']}, commit {result['commit']}, {machine['cpu']}, {machine['cores']} cores, "
        f"torch {machine['torch']}."
    )
    notes = "\n".join(f"- {note}" for note in result["notes"])
    rows = read_results(path)
    table = _OWN_TABLES[name](rows) if name in _OWN_TABLES else as_markdown(rows, METRICS[name])
    block = f"<!-- {name} -->\n{origin}\n\n{table}\n{notes}\n<!-- end -->"
    marked = re.compile(rf"<!-- {re.escape(name)} -->.*?<!-- end -->", re.DOTALL)
    renewed, n_places = marked.subn(lambda _: block, text)
    if n_places != 1:
        raise ValueError(f"the place of {name} is marked {n_places} times, not once")
    return renewed


if __name__ == "__main__":
    typer.run(main)
