"""A copy of a project's shop that may be changed and killed: its champion, and a second version.

The copy has the registry, params.yaml and stores of its own, so the project's champion, events and
sessions stay as they are. The second version has the files of the champion but another order of
models to answer with, so that its lists are different.
"""

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
import yaml

from benchmarks.shop.shop_process import free_port, serving
from hemline.errors import BadInput
from hemline.integrity import file_md5
from hemline.relocation import DATABASE, database_url
from hemline.serving.answers import Answers
from hemline.serving.answers_params import AnswersParams
from hemline.serving.layout import laid_out
from hemline.serving.list_rules import ListRules
from hemline.serving.version_files import place_of
from hemline.serving.visitor_history import SessionState
from hemline.shop.registered_versions import (
    CHAMPION,
    MODEL,
    RegisteredVersion,
    version_with_alias,
)

OTHER_MODELS: Final = ["popularity"]
"""What the second version answers with."""

_TRACKING: Final = "MLFLOW_TRACKING_URI"
_HOST: Final = "127.0.0.1"


@dataclass(frozen=True)
class ScratchShop:
    """The copy.

    Attributes:
        root: its folder.
        champion: as it was in the project.
    """

    root: Path
    champion: RegisteredVersion

    @property
    def database(self) -> Path:
        """The file of its registry."""
        return self.root / ".hemline" / DATABASE


@dataclass(frozen=True)
class RunningServer:
    """A shop that answers.

    Attributes:
        address: of it.
        process: its supervisor.
        log: of its requests.
        events: address of its event log.
    """

    address: str
    process: psutil.Process
    log: Path
    events: str

    def workers(self) -> list[psutil.Process]:
        """Return the processes that answer, in the order of their ids."""
        found = [one for one in self.process.children(recursive=True) if _is_worker(one)]
        return sorted(found, key=lambda one: one.pid)


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in str(process.cmdline())
    except psutil.NoSuchProcess:  # it has ended, and its parent does not know yet
        return False


def scratch_shop(project: Path, root: Path) -> ScratchShop:
    """Copy the shop of a trained project into an empty folder.

    Raises:
        BadInput: the project has no champion.
    """
    state = root / ".hemline"
    state.mkdir(parents=True)
    shutil.copy(project / "params.yaml", root)
    source = project / ".hemline" / DATABASE
    champion = version_with_alias(source, CHAMPION)
    if champion is None:
        raise BadInput("the benchmark has a champion", found="none", fix="train one: make demo")
    with (
        closing(sqlite3.connect(source)) as registry,
        closing(sqlite3.connect(state / DATABASE)) as copy,
    ):
        registry.backup(copy)
    return ScratchShop(root, champion)


def add_version(shop: ScratchShop) -> int:
    """Register the second version in the copy's registry and return its number."""
    from hemline.registry.mlflow_client import client  # noqa: PLC0415  (reads its environment)

    folder = shop.root / "second_version"
    shutil.copytree(shop.champion.folder, folder)
    files = RegisteredVersion(0, folder.as_uri(), {}).files()
    params = yaml.safe_load(files.params.read_text(encoding="utf-8"))
    params["serve"] |= {"warm": OTHER_MODELS, "cold": OTHER_MODELS}
    files.params.unlink()
    files.params.write_text(yaml.safe_dump(params), encoding="utf-8")
    hashes = json.loads(shop.champion.tags["stored_hashes"])
    hashes[place_of("params", files.params)] = file_md5(files.params)
    tags = {**shop.champion.tags, "stored_hashes": json.dumps(hashes)}
    made = client().create_model_version(MODEL, source=folder.as_uri(), tags=tags)
    return int(made.version)


def lists_of(
    shop: ScratchShop, number: int, alias: str, customer_ids: Sequence[str]
) -> dict[str, list[str]]:
    """Return the article ids that a version lists for each customer without a session.

    Args:
        shop: the copy.
        number: of the version.
        alias: that it has now.
        customer_ids: of the customers.
    """
    version = version_with_alias(shop.database, alias)
    if version is None or version.number != number:
        raise RuntimeError(f"version {number} has not the alias {alias}")
    layout = laid_out(version.files(), version.hashes, shop.root / ".hemline" / "serving")
    answers = Answers.open(layout, AnswersParams.load(shop.root / "params.yaml"))
    return {
        one: [
            answers.articles.id_of(listed.article)
            for listed in answers.for_customer(
                answers.find_customer(one), SessionState(), ListRules()
            ).listed
        ]
        for one in customer_ids
    }


@contextmanager
def registry_of(shop: ScratchShop) -> Iterator[None]:
    """Let hemline.registry, and a server that is started, use the copy's registry."""
    with _environment({_TRACKING: database_url(shop.database), "MLFLOW_DISABLE_TELEMETRY": "true"}):
        yield


@contextmanager
def serving_scratch(
    shop: ScratchShop, *, workers: int, events: str, sessions: str
) -> Iterator[RunningServer]:
    """Serve the copy as `hemline serve` does.

    Args:
        shop: the copy.
        workers: how many processes answer.
        events: address of the event log.
        sessions: address of the sessions.
    """
    port = free_port()
    address = f"http://{_HOST}:{port}"
    command = [sys.executable, "-m", "hemline.shop.shop_server", "--port", str(port)]
    command += ["--workers", str(workers)]
    stores = {"HEMLINE_SHOP_EVENTS": events, "HEMLINE_SHOP_SESSIONS": sessions}
    with (
        _environment(stores),
        registry_of(shop),
        serving(command, shop.root, address, "/ready") as process,
    ):
        log = shop.root / ".hemline" / "logs" / "shop.log"
        yield RunningServer(address, process, log, events)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
