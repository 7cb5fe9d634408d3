"""Commands that describe a retailer's files, so that `make real DATA=` can train on them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from hemline.cli.source_proposals import (
    PasswordFrom,
    Query,
    Table,
    UserFrom,
    folder_of,
    is_url,
    propose_for,
    show,
)
from hemline.cli.terminal import project_folder, say
from hemline.errors import BadInput, exit_on_bad_input

if TYPE_CHECKING:
    from hemline.data.acquire.source_params import SourceParams
    from hemline.engine.engine import Engine

Data = Annotated[
    str, typer.Argument(help="Folder of the export, one file of it, or the URL of a table.")
]
Described = Annotated[
    str | None,
    typer.Argument(
        help="Folder of the export, one file of it, or the URL of a table; not needed where "
        "params.yaml names URLs."
    ),
]
_group = typer.Typer(help="Your own files: what is which column.", no_args_is_help=True)


def add_to(app: typer.Typer, *, panel: str) -> None:
    """Add the commands to the application.

    Args:
        app: that gets them.
        panel: of the help that lists them.
    """
    app.add_typer(_group, name="source", rich_help_panel=panel)


@_group.command()
@exit_on_bad_input()
def check(
    data: Described = None,
    *,
    table: Table = None,
    query: Query = None,
    user_from: UserFrom = None,
    password_from: PasswordFrom = None,
) -> None:
    """Propose a description of the files, or read them by that of params.yaml and count."""
    from hemline.data.acquire.source_params import SourceParams  # noqa: PLC0415  (--help is fast)

    root = project_folder()
    described = SourceParams.load(root / "params.yaml")
    if data is None:
        _fetch(described, root)
        _read(described, _source(root))
        return
    if is_url(data):
        show(propose_for(data, table, query, user_from, password_from))
        say("Nothing was written. `hemline source init` writes this into params.yaml.")
        return
    folder = folder_of(data)
    sold = described.transactions
    if sold and (folder / sold.local_name("transactions")).exists():
        _read(described, folder)
    else:
        show(propose_for(data))
        say(f"Nothing was written. hemline source init {data} writes this into params.yaml.")


@_group.command()
@exit_on_bad_input()
def init(
    data: Data,
    *,
    table: Table = None,
    query: Query = None,
    user_from: UserFrom = None,
    password_from: PasswordFrom = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the description that is there.")
    ] = False,
) -> None:
    """Describe the files in section `source` of params.yaml, and set acquire.source to mapped."""
    from hemline.data.acquire.source_params import SourceParams  # noqa: PLC0415  (--help is fast)
    from hemline.data.proposal.written import write_source  # noqa: PLC0415  (as above)

    root = project_folder()
    params, by_url = root / "params.yaml", is_url(data)
    if SourceParams.load(params).transactions and not replace:
        raise BadInput(
            f"section `source` of {params.name} is empty",
            found="a description",
            fix="edit it; or replace it by the proposal: hemline source init --replace",
        )
    proposal = propose_for(data, table, query, user_from, password_from)
    show(proposal)
    for change in write_source(params, proposal):
        say(change)
    if by_url:
        _fetch(SourceParams.load(params), root)
    folder = _source(root) if by_url else folder_of(data)
    try:
        for change in _set_thresholds(folder, with_steady=True):
            say(f"{params.name}: {change}")
    except BadInput as refusal:
        say(f"Written to {params.name}, but the files cannot be read by it yet:")
        say(str(refusal))
        say("Section `validate` is unchanged. Correct the description, then:")
        say(f"  hemline source thresholds {folder}    # sets section `validate`")
    else:
        say(f"Written to {params.name}. Correct what is wrong there, then:")
    say(f"  hemline source check{'' if by_url else f' {folder}'}    # reads all of it and counts")
    say("  make real" if by_url else f"  make real DATA={folder}")


@_group.command()
@exit_on_bad_input()
def add(
    delivery: Annotated[
        Path,
        typer.Argument(help="File of transactions, or folder of files named as the export's."),
    ],
    *,
    deleted: Annotated[
        Path | None, typer.Option(help="File with the keys of the rows to delete.")
    ] = None,
) -> None:
    """Add a delivery to the export in data/source: late, corrected and deleted rows.

    The same delivery a second time changes nothing. The next training reads it.
    """
    from hemline.data.acquire.source_params import SourceParams  # noqa: PLC0415  (as above)
    from hemline.data.fetch.added_delivery import add_delivery  # noqa: PLC0415  (as above)

    root = project_folder()
    described = SourceParams.load(root / "params.yaml")
    for line in add_delivery(described, _source(root), delivery, deleted):
        say(line)


@_group.command("fetch")
@exit_on_bad_input()
def fetch_urls() -> None:
    """Copy what section `source` names by URL into data/source, as `hemline train` does first."""
    from hemline.data.acquire.source_params import SourceParams  # noqa: PLC0415  (as above)

    root = project_folder()
    _fetch(SourceParams.load(root / "params.yaml"), root)


@_group.command()
@exit_on_bad_input()
def thresholds(
    data: Annotated[
        Path | None,
        typer.Argument(help="Folder of the files; without it, the tables of stage acquire."),
    ] = None,
) -> None:
    """Propose section `validate` of params.yaml from the tables, for a person to review."""
    changes = _set_thresholds(data.parent if data and data.is_file() else data)
    for change in changes:
        say(change)
    say("Review them in params.yaml." if changes else "Nothing has changed.")


def _set_thresholds(folder: Path | None, *, with_steady: bool = False) -> list[str]:
    """Write section `validate` for described files, or for the tables of stage acquire.

    Args:
        folder: of the files; None: the tables of stage acquire.
        with_steady: whether `monitor.steady` is proposed as well.

    Returns:
        What changed, as sentences.

    Raises:
        BadInput: the files cannot be read by their description, or there are no tables.
    """
    from hemline.data.expectations.proposals import propose_thresholds, write_thresholds  # noqa: PLC0415  (as above)
    from hemline.data.expectations.thresholds import ValidateParams  # noqa: PLC0415  (as above)
    from hemline.data.proposal.price_falls import propose_steady  # noqa: PLC0415  (as above)
    from hemline.engine.engine import EngineParams, open_engine  # noqa: PLC0415  (as above)

    params = project_folder() / "params.yaml"
    with open_engine(EngineParams.load(params)) as engine, _tables(engine, folder) as tables:
        proposed = propose_thresholds(engine, tables, ValidateParams.load(params))
        changes = write_thresholds(params, proposed)
        if with_steady:
            changes.append(propose_steady(engine, tables / "transactions.parquet", params))
    return [change for change in changes if change]


@contextmanager
def _tables(engine: "Engine", folder: Path | None) -> Iterator[Path]:
    """Yield a folder of tables: those of stage acquire, or, for a while, those of the files."""
    from hemline.data.acquire.mapped_tables import read_mapped  # noqa: PLC0415  (as above)
    from hemline.data.acquire.source_params import SourceParams  # noqa: PLC0415  (as above)
    from hemline.data.acquire.typed_tables import write_tables  # noqa: PLC0415  (as above)
    from hemline.params import pipeline_paths  # noqa: PLC0415  (as above)

    root = project_folder()
    if folder is None:
        acquired = root / pipeline_paths(root / "dvc.yaml")["tables"]
        if not (acquired / "transactions.parquet").exists():
            raise BadInput(
                f"{acquired} has the tables that thresholds are proposed from",
                found="none",
                fix="make them first: dvc repro acquire; or name the folder of the files",
            )
        yield acquired
        return
    state = root / ".hemline"
    state.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=state, prefix="thresholds-") as read:
        described = SourceParams.load(root / "params.yaml")
        write_tables(engine, read_mapped(engine, described, folder), Path(read))
        yield Path(read)


def _fetch(described: "SourceParams", root: Path) -> None:
    from hemline.data.fetch.fetched_tables import fetch, has_urls  # noqa: PLC0415  (as above)

    if not has_urls(described):
        raise BadInput(
            "section `source` of params.yaml names a url, or a folder of files is given",
            found="neither",
            fix="hemline source check <folder>",
        )
    for line in fetch(described, _source(root)):
        say(line)


def _source(root: Path) -> Path:
    from hemline.params import pipeline_paths  # noqa: PLC0415  (as above)

    return root / pipeline_paths(root / "dvc.yaml")["source"]


def _read(described: "SourceParams", folder: Path) -> None:
    """Read the files as stage acquire does, and show what was counted."""
    from hemline.data.acquire.source_report import count_tables, log_to  # noqa: PLC0415  (as above)
    from hemline.engine.engine import EngineParams, open_engine  # noqa: PLC0415  (as above)

    with open_engine(EngineParams.load(project_folder() / "params.yaml")) as engine, log_to(say):
        for line in count_tables(engine, described, folder):
            say(line)
    from hemline.data.fetch.fetched_tables import has_urls  # noqa: PLC0415  (as above)

    say(
        "The description fits. Train on it: make real"
        + f" DATA={folder}" * (not has_urls(described))
    )
