"""`python -m benchmarks.peers`: quality and time of Hemline and of other libraries, in one run.

Every model runs in a process of its own, one after the other, on the same matrix and timed in the
same way; peers whose requirements conflict with Hemline's have their own interpreter.
"""

from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
import yaml
from scipy import sparse

from benchmarks.peers.exchange import LIST_LENGTH, Task
from benchmarks.peers.interactions import draw_parts
from benchmarks.peers.peer_process import (
    ENVIRONMENTS,
    PROJECT,
    Peer,
    PeerOutcome,
    peer_of,
    run_peers,
)
from benchmarks.ranking_measures import Lists, measure
from benchmarks.record import Row, publish, rows_of
from hemline.stages.command import run

_HERE: Final = Path(__file__).parent


def main(
    *,
    customers: Annotated[int, typer.Option(help="Number of customers.")] = 6_000,
    articles: Annotated[int, typer.Option(help="Number of articles.")] = 20_000,
    environments: Annotated[
        Path, typer.Option(help="Folder of the peers' virtual environments.")
    ] = ENVIRONMENTS,
    max_epochs: Annotated[
        int | None, typer.Option(help="Overrides max_epochs of settings.yaml.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Peers to run; all if omitted.")] = None,
) -> None:
    """Run every peer on one generated matrix and print its quality and time."""
    settings = yaml.safe_load((_HERE / "settings.yaml").read_text(encoding="utf-8"))
    if max_epochs is not None:
        settings["max_epochs"] = max_epochs
    parts = draw_parts(customers, articles, **settings.pop("data"))
    case = f"{customers:,} customers x {articles:,} articles"
    rows: list[Row] = []
    notes = _notes(settings, parts.train)
    peers = [peer for peer in _peers(environments) if not only or peer.name in only]
    for outcome in run_peers(peers, Task(parts.train, parts.validation, settings)):
        notes.append(outcome.note)
        if outcome.lists is not None:
            rows += _rows(case, outcome, outcome.lists, parts.test)
    notes += _speedup(rows)
    publish(None if only else "peers", rows, notes=notes)


def _peers(environments: Path) -> list[Peer]:
    ours = [
        Peer(f"hemline-{name}", "benchmarks.peers.our_models", (name,), PROJECT)
        for name in ("popularity", "item_knn", "ease", "cvae")
    ]
    names = ("implicit-als", "implicit-bpr", "implicit-cosine", "sansa", "recbole")
    return [*ours, *(peer_of(name, environments) for name in names)]


def _rows(case: str, outcome: PeerOutcome, lists: Lists, held_out: sparse.csr_matrix) -> list[Row]:
    name, timing = outcome.name, outcome.timing
    rows = rows_of(case, name, measure(lists, held_out, LIST_LENGTH))
    seconds = {
        "fit seconds": timing["fit_seconds"],
        "fit cpu seconds": timing["fit_cpu_seconds"],
        "lists per second": held_out.shape[0] / timing["list_seconds"],
    }
    epochs = timing["epoch_seconds"][1:]
    if epochs:
        seconds["trained customers per second"] = held_out.shape[0] / float(np.median(epochs))
        cpu = float(np.median(timing["epoch_cpu_seconds"][1:]))
        seconds["trained customers per cpu second"] = held_out.shape[0] / cpu
    return rows + [Row(case, name, metric, value, None) for metric, value in seconds.items()]


def _speedup(rows: list[Row]) -> list[str]:
    cells = {(row.model, row.metric): row.value for row in rows}
    return [
        f"{metric}: Hemline's CVAE {ours / theirs:.1f} times RecBole's MultiVAE"
        for metric in ("trained customers per second", "trained customers per cpu second")
        if (ours := cells.get(("hemline-cvae", metric)))
        and (theirs := cells.get(("recbole", metric)))
    ]


def _notes(settings: dict[str, Any], train: sparse.csr_matrix) -> list[str]:
    n_bought, epochs = train.nnz / train.shape[0], settings["max_epochs"]
    width = f"{settings['hidden']}/{settings['latent']}"
    return [
        f"Generated purchases, {n_bought:.1f} a customer in train; 80/10/10 within each customer.",
        f"Lists of {LIST_LENGTH} without train articles; standard errors over customers.",
        f"Networks: width {width}, batch {settings['batch_size']}, at most {epochs} epochs.",
        "Networks stop on validation ndcg@20; speed is the median epoch after the first.",
    ]


if __name__ == "__main__":
    run(main)
