"""What several commands need: the project, the registry, and tables."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hemline import environment, moved_environment
from hemline.errors import BadInput, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    from rich.console import Console
    from rich.text import Text

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

_PIPE_WIDTH = 100
_START = "from hemline.cli import app; app(prog_name='hemline')"


def project_folder() -> Path:
    """Return the current folder.

    Raises:
        BadInput: it is no Hemline project.
    """
    here = Path.cwd()
    if not (here / "dvc.yaml").exists():
        raise BadInput(
            "the command runs in a Hemline project, a folder with dvc.yaml",
            found=f"none in {here}",
            fix="change to the folder you cloned Hemline to, then run the command again",
        )
    _run_own_code(here)
    return here


def open_registry(*, to_write: bool = False) -> None:
    """Refuse before MLflow creates an empty registry in a folder that has none.

    Args:
        to_write: whether the command changes the registry.

    Raises:
        BadInput: there is none, it is damaged, or it cannot be written although it has to be.
    """
    here = Path.cwd()
    if "MLFLOW_TRACKING_URI" not in os.environ and not (here / ".hemline" / "mlflow.db").exists():
        raise BadInput(
            "the project folder holds a registry with a champion (.hemline/mlflow.db)",
            found=f"none in {here}",
            fix="change to the project folder, and train a first version there: make demo",
        )
    _run_own_code(here)
    if to_write:
        environment.require_writable(here)
    environment.apply(here)


def _run_own_code(here: Path) -> None:
    """Start again in the project's own environment if the code of another project is running.

    That is so where a project was copied with its environment, whose scripts name the original.

    Raises:
        BadInput: the environment names another folder and cannot be changed.
    """
    own, sources = here / ".venv", Path(environment.__file__).parents[1]
    script = own / "bin" / "hemline"
    is_chosen = "PYTHONPATH" in os.environ or not (script.exists() and (here / "src").is_dir())
    if is_chosen or Path(sys.prefix).samefile(own) or sources.samefile(here / "src"):
        return
    typer.echo(f"{sources.parent} is another project: starting .venv of {here}", err=True)
    try:
        moved_environment.mend(own)
    except OSError as error:
        raise BadInput(
            "a copied project can be written when it is first used",
            found=str(error),
            fix="make it writable, run `make help` there once, then take the permission away again",
        ) from None
    python = str(own / "bin" / "python")
    os.execv(python, [python, "-c", _START, *sys.argv[1:]])  # noqa: S606  (no shell needed)


def print_table(
    rows: "pd.DataFrame",
    console: "Console | None" = None,
    *,
    title: str | None = None,
    one_line: bool = False,
) -> None:
    """Print a table; text that is too long is wrapped, or cut off with one_line."""
    lines = rows.itertuples(index=False)
    _print_lines(list(rows.columns), lines, console, title=title, one_line=one_line)


def print_records(records: "Sequence[Mapping[str, object]]") -> None:
    """Print recommendations, one row each, with the model that made each."""
    names = ["answered_by" if name == "source" else name for name in records[0]]
    lines = ([_shown(name, cell) for name, cell in row.items()] for row in records)
    _print_lines(names, lines, None, title=None, one_line=False)


def _shown(name: str, cell: object) -> object:
    if name == "source":
        return model_of(str(cell))
    return "" if cell is None else cell


def _print_lines(
    names: "Sequence[str]",
    lines: "Iterable[Iterable[object]]",
    console: "Console | None",
    *,
    title: str | None,
    one_line: bool,
) -> None:
    from rich.table import Table  # noqa: PLC0415  (--help should not wait for it)

    table = Table(title=None if title is None else as_text(title), title_justify="left")
    for name in names:
        heading = name if name == "article_id" else name.replace("_", " ")
        table.add_column(as_text(heading), no_wrap=name == "article_id")
    for line in lines:
        texts = (f"{cell:.4f}" if isinstance(cell, float) else str(cell) for cell in line)
        cells = [as_text(_on_one_line(text)) for text in texts]
        for cell in cells:
            cell.no_wrap, cell.overflow = one_line, "ellipsis"
        table.add_row(*cells)
    (console or stdout_console()).print(table)


def model_of(source: str) -> str:
    """Return the model that a source names, as people know it.

    >>> model_of("rank (als, cvae)")
    'ranker'
    """
    model = source.partition(" (")[0]
    return "ranker" if model == "rank" else model


def say(text: str, *, err: bool = False) -> None:
    """Print one line that may hold names of others, as they are; with err on standard error."""
    typer.echo(_on_one_line(text), err=err)


def _on_one_line(text: str) -> str:
    """Show line breaks as well: a name with one could pass for a line of ours."""
    return printable(text).replace("\n", r"\n").replace("\t", r"\t")


def as_text(text: str) -> "Text":
    """Return a text for rich, which would read brackets in names as markup and fail on [/red]."""
    from rich.text import Text  # noqa: PLC0415  (as above)

    return Text(printable(text))


def print_recommendations(
    recommendations: "pd.DataFrame", console: "Console | None" = None, *, title: str | None = None
) -> None:
    """Print recommendations, one line each, with the model that made each.

    A column that is empty throughout is left out: a shop may have no types or colours.
    """
    models = recommendations["source"].map(model_of)
    shown = recommendations.assign(source=models).rename(columns={"source": "answered_by"})
    has_some = [name for name in shown if not (shown[name].isna() | (shown[name] == "")).all()]
    print_table(shown[has_some], console, title=title, one_line=True)


def stdout_console() -> "Console":
    """Return a console whose tables are not squeezed where the output is no terminal."""
    from rich.console import Console  # noqa: PLC0415  (as above)

    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, _PIPE_WIDTH)
    return console
