"""`python -m benchmarks.peers`: quality and time of Hemline and of other libraries, in one run.

Every model runs in a process of its own, one after the other, on the same matrix and timed in the
same way; peers whose requirements conflict with Hemline's have their own interpreter.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import numpy as np
import typer
import yaml
from scipy import sparse

from benchmarks.peers.exchange import LIST_LENGTH, Task
from benchmarks.peers.interactions import draw_parts
from benchmarks.ranking_measures import measure
from benchmarks.record import Row, publish, rows_of
from hemline.stages.command import run

_HERE: Final = Path(__file__).parent
_ROOT: Final = _HERE.parent.parent
_PROJECT: Final = Path(sys.executable)


class Peer(NamedTuple):
    """A model to run: the name of its folder, its module and arguments, and its interpreter."""

    name: str
    module: str
    arguments: tuple[str, ...]
    python: Path


def main(
    *,
    customers: Annotated[int, typer.Option(help="Number of customers.")] = 6_000,
    articles: Annotated[int, typer.Option(help="Number of articles.")] = 20_000,
    environments: Annotated[
        Path, typer.Option(help="Folder of the peers' virtual environments.")
    ] = _ROOT / ".hemline" / "peers",
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
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Task(parts.train, parts.validation, settings).save(folder)
        for peer in _peers(environments.absolute()):
            if only and peer.name not in only:
                continue
            typer.echo(f"running {peer.name}", err=True)
            if error := run_peer(peer, folder):
                notes.append(f"{peer.name} did not run: {error}")
                continue
            rows += _rows(case, peer.name, folder / peer.name, parts.test)
            notes.append(f"{peer.name}: {_versions(folder / peer.name)}")
    notes += _speedup(rows)
    publish(None if only else "peers", rows, notes=notes)


def _peers(environments: Path) -> list[Peer]:
    ours = [
        Peer(f"hemline-{name}", "benchmarks.peers.our_models", (name,), _PROJECT)
        for name in ("popularity", "item_knn", "ease", "cvae")
    ]
    implicit = [
        Peer(f"implicit-{name}", "benchmarks.peers.implicit_models", (name,), _PROJECT)
        for name in ("als", "bpr", "cosine")
    ]
    own_environments = [
        Peer(name, f"benchmarks.peers.{module}", (), environments / name / "bin" / "python")
        for name, module in (("sansa", "sansa_model"), ("recbole", "recbole_multivae"))
    ]
    return [*ours, *implicit, *own_environments]


def run_peer(peer: Peer, folder: Path) -> str:
    """Run a peer to its end and return its error message; empty if it succeeded."""
    if not peer.python.exists():
        return "its environment does not exist; `make bench-peers` builds it"
    path = os.pathsep.join([str(_ROOT), str(_ROOT / "src")])
    done = subprocess.run(
        [str(peer.python), "-m", peer.module, str(folder), *peer.arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode == 0:
        return ""
    return (done.stderr.strip() or f"it ended with {done.returncode}").splitlines()[-1]


def _rows(case: str, name: str, output: Path, held_out: sparse.csr_matrix) -> list[Row]:
    rows = rows_of(case, name, measure(np.load(output / "lists.npy"), held_out, LIST_LENGTH))
    timing = json.loads((output / "timing.json").read_text(encoding="utf-8"))
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


def _versions(output: Path) -> str:
    timing = json.loads((output / "timing.json").read_text(encoding="utf-8"))
    libraries = ", ".join(f"{name} {number}" for name, number in timing["versions"].items())
    return f"{libraries}; {max(1, len(timing['epoch_seconds']))} epochs"


if __name__ == "__main__":
    run(main)
