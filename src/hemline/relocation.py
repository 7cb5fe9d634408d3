"""MLflow's database as a part of its project folder: checked, and moved along with the folder.

MLflow stores where the files of runs and versions lie as absolute addresses, and makes a relative
one absolute. So a moved project would not find its champion, and a copy would read and write in the
original. Whoever opens the registry therefore claims it first: addresses in the folder that the
database names become addresses in the folder that it lies in. That is one transaction, so a kill
leaves all addresses or none changed, and what lies elsewhere is left alone. The price: a folder
that two containers see under two paths at once belongs to the one that claimed it last.
"""

import os
import re
import shlex
import shutil
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from hemline.errors import BadInput
from hemline.files import replaced_file

DATABASE: Final = "mlflow.db"
STORE: Final = "mlartifacts"
LOCATIONS: Final = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("trace_tags", "value"),
)
"""Tables and columns of MLflow that hold addresses of files."""

_SQLITE: Final = r"sqlite(\+\w+)?:///"
_DEFAULT_STORE: Final = (
    "mlruns/0"  # of MLflow's experiment Default, in the folder it was started in
)
_WAIT_SECONDS: Final = 30
_NOT_A_DATABASE: Final = "file is not a database"
_RESTORE: Final = (
    "restore {path} from a backup; without one, move it away (mv {quoted} {quoted}.damaged) and "
    "run `hemline train`, which registers the present models again: earlier versions and the "
    "history of champions are lost"
)


def claim_registry(state: Path) -> None:
    """Check the database in a folder, and let its addresses name this folder.

    Does nothing where there is no database yet.

    Args:
        state: the folder of the database and of the store of MLflow's files.

    Raises:
        BadInput: MLflow is installed where it cannot work; the database is damaged, empty, not
            MLflow's, or locked; or its addresses name another folder and cannot be changed, or the
            files are not here.
    """
    require_plain_environment(Path(sys.prefix))
    path, store = state / DATABASE, (state / STORE).resolve()
    if not path.exists() or _is_new(path, store):
        return
    with _refusals(path), closing(_connect(path)) as database:
        _require_sound(database, path)
        recorded = _recorded_store(database)
        if recorded is None or recorded == store or _is_same(recorded, store):
            return
    _require_files(path, recorded, store)
    _require_own_file(path)
    with _refusals(path), closing(_connect(path)) as database:
        _change_addresses(database, store)


def require_plain_environment(folder: Path) -> None:
    """Raise BadInput where MLflow would take the path of its own files for a template.

    Args:
        folder: of the Python environment that MLflow is installed in.
    """
    if "%" in str(folder):
        raise BadInput(
            "the path of the Python environment holds no %, which MLflow cannot read",
            found=str(folder),
            fix="rename the folder without it, then run any make target, which mends .venv; or "
            "make the environment in another folder",
        )


def database_url(path: Path, driver: str = "pysqlite") -> str:
    """Return SQLAlchemy's address of a SQLite file.

    A path with characters that mean something in an address is written as a URI. The driver is
    named then: MLflow would take the URI of `sqlite:///` for a path, and make its folders.

    >>> database_url(Path("/project/mlflow.db")), database_url(Path("/why?/mlflow.db"))
    ('sqlite:////project/mlflow.db', 'sqlite+pysqlite:///file:/why%3F/mlflow.db?uri=true')
    """
    if is_plain(path):
        return f"sqlite:///{path}"
    return f"sqlite+{driver}:///file:{quote(str(path))}?uri=true"


def is_plain(path: Path) -> bool:
    """Return whether no character of a path means something in an address."""
    return not set("?#%") & set(str(path))


def database_file(address: str) -> Path | None:
    """Return the SQLite file that an address of SQLAlchemy names, None for another database.

    >>> [str(database_file(database_url(Path(name)))) for name in ("/a b/mlflow.db", "/why?/m.db")]
    ['/a b/mlflow.db', '/why?/m.db']
    """
    start = re.match(_SQLITE, address)
    if start is None:
        return None
    name, _, query = address[start.end() :].partition("?")
    return Path(unquote(name.removeprefix("file:")) if "uri=true" in query else name)


def _is_new(path: Path, store: Path) -> bool:
    """Return whether an empty file is one that MLflow has only just made.

    Raises:
        BadInput: the database is empty although models were registered in it.
    """
    if not path.is_file() or path.stat().st_size:
        return False
    if store.is_dir() and any(store.iterdir()):
        raise _damaged(path, f"an empty file, while {store} holds files of versions")
    return True


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw", uri=True, timeout=_WAIT_SECONDS, isolation_level=None
    )


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into BadInput."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise registry_refusal(path, error) or error from error


def registry_refusal(path: Path, error: Exception) -> BadInput | None:
    """Return the refusal for an error of the database, None for errors of another kind.

    Args:
        path: of the database.
        error: from sqlite3, or from a library above it with the same message.
    """
    message = str(error)
    if "database is locked" in message:
        return BadInput(
            f"{path} can be opened",
            found=f"another process has locked it for {_WAIT_SECONDS} s or more",
            fix=f"wait for it to end, or find it (fuser {shlex.quote(str(path))}) and stop it; "
            "then try again",
        )
    if "readonly database" in message or "unable to open database file" in message:
        return BadInput(
            f"{path} and its folder can be read and written",
            found=message,
            fix="give yourself the permission (chmod -R u+rwX .hemline), or work in a copy of the "
            "project",
        )
    if any(text in message for text in (_NOT_A_DATABASE, "malformed", "disk I/O error")):
        return _damaged(path, message)
    return None


def _damaged(path: Path, found: str) -> BadInput:
    return BadInput(
        f"{path} is the database of the registry, as MLflow left it",
        found=found,
        fix=_RESTORE.format(path=path, quoted=shlex.quote(str(path))),
    )


def _require_sound(database: sqlite3.Connection, path: Path) -> None:
    """Raise BadInput for a damaged database, or for one that is not MLflow's."""
    [(verdict,)] = database.execute("PRAGMA quick_check(1)").fetchall()
    if verdict != "ok":
        raise _damaged(path, f"a damaged database ({verdict.strip()})")
    tables = _tables(database)
    missing = {"alembic_version", "experiments", "runs", "model_versions"} - tables
    if missing:
        names = ", ".join(sorted(tables)) or "none"
        raise _damaged(path, f"a database without the table {min(missing)} (tables: {names})")


def _tables(database: sqlite3.Connection) -> set[str]:
    return {name for (name,) in database.execute("SELECT name FROM sqlite_schema")}


def _recorded_store(database: sqlite3.Connection) -> Path | None:
    """Return the store of MLflow's files that the database names, None if it names none."""
    found = database.execute(
        "SELECT artifact_location FROM experiments ORDER BY experiment_id DESC"
    ).fetchall()
    paths = (_local_path(location) for (location,) in found)
    return next((path for path in paths if path and path.name == STORE), None)


def _local_path(location: str | None) -> Path | None:
    address = urlsplit(location or "")
    is_local = address.scheme == "file" and not address.netloc
    return Path(unquote(address.path)) if is_local else None


def _is_same(recorded: Path, store: Path) -> bool:
    """Return whether the recorded store is this one, seen under another path."""
    try:
        return recorded.samefile(store)
    except OSError:
        return False


def _require_files(path: Path, recorded: Path, store: Path) -> None:
    """Raise BadInput if the store is not beside the database, which was moved or copied alone."""
    if not store.is_dir():
        raise BadInput(
            f"the files of the versions lie beside {path}",
            found=f"no folder {store}; the database comes from {recorded.parent}",
            fix=f"move or copy {recorded} here too, as {store}",
        )


def _require_own_file(path: Path) -> None:
    """Raise BadInput if the database cannot be changed; give a hard link a file of its own."""
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        raise BadInput(
            "a project that was moved or copied can be written when it is first used there",
            found=f"{path} cannot be written, and it still names the folder it was made in",
            fix="make .hemline writable (chmod -R u+w .hemline), run `hemline history` once, then "
            "take the permission away again",
        )
    if path.stat().st_nlink > 1:  # a copy by `cp -al` shares the file with the original
        with replaced_file(path) as unfinished:
            shutil.copyfile(path, unfinished)


def _change_addresses(database: sqlite3.Connection, store: Path) -> None:
    database.execute("BEGIN IMMEDIATE")
    recorded = _recorded_store(database)  # another process may have been first
    if recorded is not None and recorded != store:
        columns = [column for column in LOCATIONS if column[0] in _tables(database)]
        for old, new in _prefixes(recorded, store):
            _replace_prefix(database, columns, old, new)
    database.execute("COMMIT")


def _prefixes(recorded: Path, store: Path) -> Iterator[tuple[str, str]]:
    yield recorded.as_uri(), store.as_uri()
    old, new = (path.parents[1] / _DEFAULT_STORE for path in (recorded, store))
    yield str(old), str(new)


def _replace_prefix(
    database: sqlite3.Connection, columns: Iterable[tuple[str, str]], old: str, new: str
) -> None:
    """Replace the start of addresses that are `old` or lie below it."""
    for table, column in columns:
        database.execute(
            f"UPDATE {table} SET {column} = :new || substr({column}, length(:old) + 1) "  # noqa: S608  (names of ours)
            f"WHERE {column} = :old OR substr({column}, 1, length(:old) + 1) = :old || '/'",
            {"old": old, "new": new},
        )
