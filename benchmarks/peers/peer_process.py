"""Running peers, each in a process of its own: its lists and times, or why there are none."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import typer

from benchmarks.peers.exchange import Task
from benchmarks.ranking_measures import Lists

_ROOT: Final = Path(__file__).parent.parent.parent
ENVIRONMENTS: Final = _ROOT / ".hemline" / "peers"
"""Folder of the peers' virtual environments, which the Makefile builds."""

PROJECT: Final = Path(sys.executable)
_MODULES: Final = {
    "implicit": "implicit_models",
    "rectools": "rectools_models",
    "recbole": "recbole_multivae",
    "sansa": "sansa_model",
}


class Peer(NamedTuple):
    """A model to run: its name, its module and arguments, and its interpreter."""

    name: str
    module: str
    arguments: tuple[str, ...]
    python: Path


class PeerOutcome(NamedTuple):
    """What a peer wrote: lists of the customers to list for, and times; None if it failed."""

    name: str
    lists: Lists | None
    timing: dict[str, Any]
    note: str

    @property
    def cpu_seconds(self) -> float:
        """CPU time of fitting, the validation that stops a network included."""
        return float(self.timing["fit_cpu_seconds"] + self.timing["validation_cpu_seconds"])


def peer_of(name: str, environments: Path = ENVIRONMENTS) -> Peer:
    """Return the peer of a name that begins with its library; implicit is the project's own."""
    library = name.replace("-", " ").split()[0]
    own = environments.absolute() / library / "bin" / "python"
    python = PROJECT if library == "implicit" else own
    return Peer(name, f"benchmarks.peers.{_MODULES[library]}", (name,), python)


def run_peers(peers: Iterable[Peer], task: Task) -> list[PeerOutcome]:
    """Run peers on a task, one after the other; one that cannot run has a note that says why."""
    outcomes = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        task.save(folder)
        for peer in peers:
            typer.echo(f"running {peer.name}", err=True)
            error = run_peer(peer, folder)
            outcomes.append(
                PeerOutcome(peer.name, None, {}, f"{peer.name} is missing: {error}")
                if error
                else _outcome(peer.name, folder / peer.name)
            )
    return outcomes


def run_peer(peer: Peer, folder: Path) -> str:
    """Run a peer to its end and return its error message; empty if it succeeded."""
    if not peer.python.exists():
        return "its environment does not exist; make says why it could not build it"
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


def _outcome(name: str, output: Path) -> PeerOutcome:
    timing = json.loads((output / "timing.json").read_text(encoding="utf-8"))
    libraries = ", ".join(f"{name} {number}" for name, number in timing["versions"].items())
    n_epochs = max(1, len(timing["epoch_seconds"]))
    note = f"{name}: {libraries}; {n_epochs} epoch{'s' if n_epochs > 1 else ''}"
    return PeerOutcome(name, np.load(output / "lists.npy"), timing, note)
