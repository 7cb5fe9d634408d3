"""A PostgreSQL server of a test's own, in a folder that ends with it."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

PASSWORD = "tulip/@:50%"  # noqa: S105  (of this server only; every character that a URL would change)
_ROOT = 0


@contextmanager
def postgres() -> Iterator[str]:
    """Yield the URL of an empty database, without its password; skip without a server.

    PostgreSQL refuses to run as root, so root starts it as the user that Debian's package makes.
    """
    programs = _programs()
    if programs is None:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    account = {"user": "postgres", "group": "postgres"} if os.geteuid() == _ROOT else {}
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path is short
    try:
        (folder / "password").write_text(PASSWORD)
        if account:
            for path in (folder, folder / "password"):
                shutil.chown(path, **account)
        _run(account, programs / "initdb", "--pgdata", folder / "data", "--username", "shop",
             "--auth", "scram-sha-256", "--pwfile", folder / "password", "--encoding", "UTF8",
             "--no-sync")  # fmt: skip
        settings = ("-F", "-c", "listen_addresses=", "-k", str(folder), "-c", "timezone=Asia/Tokyo")
        with (folder / "log").open("w") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", folder / "data", *settings],
                stdout=log, stderr=log, cwd=folder, **account,
            )  # fmt: skip
        try:
            url = f"postgresql://shop@/postgres?host={folder}"
            _wait(url, server, folder / "log")
            yield url
        finally:
            server.terminate()
            server.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def connected(url: str) -> Any:
    """Return an SQLAlchemy engine of the database."""
    full = sa.make_url(url).set(drivername="postgresql+psycopg", password=PASSWORD)
    return sa.create_engine(full, poolclass=sa.NullPool)


def _programs() -> Path | None:
    """Return the folder of initdb and postgres."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    there = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return there[-1].parent if there else None


def _run(account: dict[str, str], *command: Any) -> None:
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, cwd="/", **account
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _wait(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with connected(url).connect():
                return
        except sa.exc.OperationalError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
