"""The project folder of a living shop: a copy of this one, with data, models and registry apart.

The copy keeps its code, so a shop that lives for an hour is not changed by what is edited
meanwhile. Its commands run as processes of their own, by the clock of the shop.
"""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final

from flows.addresses import HOST, responds
from hemline import clock, environment
from hemline.data.synthetic.kaggle_export import write_kaggle_files
from hemline.data.synthetic.shop import GeneratedShop
from hemline.edited_params import set_value
from hemline.errors import BadInput
from hemline.files import replaced_folder
from hemline.simulation.living_params import LivingParams

_CODE: Final = ("src", "flows", "monitoring")
_DATA: Final = ("data/feedback", "data/content", "data/source")
_FILES: Final = (
    *("params.yaml", "dvc.yaml", "pyproject.toml", "prefect.yaml", "automations.yaml"),
    ".gitignore",
)
_PARAMS: Final[Mapping[tuple[str, str], Any]] = {
    ("acquire", "source"): "kaggle",
    ("data", "history_years"): 2,
    ("gate", "rollout"): "canary",
    ("experiments", "ramp"): [0.1, 0.5, 1.0],  # 1 % of 50 visits a day would tell nothing
    ("experiments", "check_minutes"): 1e6,  # this run lets them go on, a step a day at most
    # Smaller searches than a real shop's: some hundred buyers a week teach no more, in minutes.
    ("cluster", "n_init"): 10,
    ("cvae", "max_epochs"): 12,
    ("cvae", "final_epochs"): 3,
    ("rank", "training_weeks"): 3,
    ("rank", "least_customers"): 0,
    ("rank", "cvae_epochs"): 4,
    ("choose", "weeks"): 1,
    ("choose", "warm_weeks"): 1,
    ("choose", "cold_weeks"): 1,
    ("serve", "warm"): ["rank", "popularity"],
    ("serve", "cold"): ["cvae", "popularity"],
    ("evaluate", "bootstrap_samples"): 200,
    ("shop", "workers"): 1,  # one, so that it is certain which lists the next customer gets
    ("shop", "poll_seconds"): 0.2,
    ("shop", "requests_per_minute"): 0,
}
_PR_SET_PDEATHSIG: Final = 1
HEMLINE: Final = ("-c", "from hemline.cli import app; app()")
"""How Python runs `hemline`, whatever is on the path."""

_LAST_LINES: Final = 30
_LOG_TAIL: Final = 2000
_START_SECONDS: Final = 300
_POLL_SECONDS: Final = 0.2


@dataclass(frozen=True)
class LivingProject:
    """The folder, and the files of the run beside the project's own."""

    root: Path

    @property
    def clock(self) -> Path:
        """The file of the shop's clock."""
        return self.root / ".hemline" / "clock"

    @property
    def journal(self) -> Path:
        """The folder of what the service answered, a file a day."""
        return self.root / ".hemline" / "live" / "journal"

    @property
    def record(self) -> Path:
        """The folder of what happened."""
        return self.root / ".hemline" / "live" / "record"

    @property
    def page(self) -> Path:
        """The page of what happened."""
        return self.root / ".hemline" / "live" / "page" / "index.html"

    def set_clock(self, day: date, hours: int) -> None:
        """Let it be so many hours after midnight of a day, in UTC."""
        clock.set_clock(
            self.clock, datetime.fromisoformat(f"{day}T00:00:00+00:00") + timedelta(hours=hours)
        )

    def run(self, *arguments: str) -> str:
        """Run `hemline` or a module of the project, and return what it printed.

        Args:
            arguments: of Python.

        Raises:
            BadInput: it ended with an error.
        """
        log = self.root / ".hemline" / "logs" / "live.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            preexec_fn=_end_with_parent,
        )
        with log.open("a", encoding="utf-8") as file:
            file.write(f"\n$ {' '.join(arguments)}\n{done.stdout}")
        if done.returncode:
            raise BadInput(
                f"`{' '.join(arguments)}` works in {self.root}",
                found="\n".join(done.stdout.splitlines()[-_LAST_LINES:]),
                fix=f"read {log}; then start again: what was done is kept",
            )
        return done.stdout

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Run the shop's service, and yield its address once it answers."""
        port = _free_port()
        log = self.root / ".hemline" / "logs" / "live-service.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as output:
            process = self._start_service(port, output)
            address = f"http://{HOST}:{port}"
            try:
                _wait_for(process, address, log)
                yield address
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait()

    def write_sales(self, shop: GeneratedShop) -> None:
        """Write the export of the shop's tills, in place of the one that is there."""
        with TemporaryDirectory(dir=self.record.parent) as unfinished:
            write_kaggle_files(shop, Path(unfinished))
            for file in Path(unfinished).iterdir():
                file.replace(self.root / "data" / "source" / file.name)

    def _start_service(self, port: int, output: IO[str]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "hemline.shop.shop_server", "--port", str(port)],
            cwd=self.root,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  (as above)
        )

    def _environment(self) -> dict[str, str]:
        """Return the variables of a process of the project, without those of the origin."""
        ours = {*environment.defaults(self.root), "PREFECT_API_URL"}
        kept = {name: value for name, value in os.environ.items() if name not in ours}
        return kept | {
            "PYTHONPATH": f"{self.root / 'src'}{os.pathsep}{self.root}",
            "OMP_NUM_THREADS": "1",
            clock.VARIABLE: str(self.clock),
        }


def open_living_project(origin: Path, folder: Path, live: LivingParams) -> LivingProject:
    """Return the project of a living shop, made where it is missing.

    Args:
        origin: the project that it is a copy of.
        folder: where it lies.
        live: what shop it is.

    Raises:
        BadInput: the folder holds a shop of other parameters.
    """
    project = LivingProject(folder)
    described = live.model_dump_json(indent=1) + "\n"
    about = folder / ".hemline" / "live" / "shop.json"
    if not folder.exists():
        with replaced_folder(folder) as unfinished:
            _copy(origin, unfinished, live)
            there = unfinished / about.relative_to(folder)
            there.parent.mkdir(parents=True)
            there.write_text(described, encoding="utf-8")
        return project
    if not about.exists() or about.read_text(encoding="utf-8") != described:
        raise BadInput(
            f"{folder} holds the living shop that section `live` of params.yaml describes",
            found="a shop of other numbers" if about.exists() else "no living shop",
            fix="set the section as it was, or begin another shop: make live FRESH=1",
        )
    return project


def _copy(origin: Path, folder: Path, live: LivingParams) -> None:
    """Copy what a project is made of; compiled code and its dates too, so that it still counts."""
    for name in _CODE:
        ignored = shutil.ignore_patterns("*.egg-info", "*.unfinished")
        shutil.copytree(origin / name, folder / name, ignore=ignored)
    for name in _DATA:
        (folder / name).mkdir(parents=True)
        shutil.copy2(origin / name / "README.md", folder / name)
    for name in _FILES:
        if (origin / name).exists():
            shutil.copy2(origin / name, folder / name)
    params = folder / "params.yaml"
    first_cut = (live.first_day - timedelta(weeks=1)).isoformat()
    for (section, key), value in {**_PARAMS, ("data", "cut"): first_cut}.items():
        set_value(params, section, key, value)
    subprocess.run(
        [sys.executable, "-m", "dvc", "init", "--quiet", "--no-scm"],
        cwd=folder,
        check=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "DVC_NO_ANALYTICS": "1"},
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait_for(process: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    """Wait until a service answers; raises BadInput if it ends, or takes too long."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if responds(f"{address}/ready"):
            return
        time.sleep(_POLL_SECONDS)
    raise BadInput(
        f"the service of the living shop answers within {_START_SECONDS} s",
        found=log.read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL:],
        fix=f"read {log}, then start again: what was done is kept",
    )


def _end_with_parent() -> None:
    """Let the kernel end this process when the one that started it ends, however it ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
