"""What every command needs: the registry or a refusal, a short red message, a table."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hemline import environment
from hemline.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

AsJson = Annotated[bool, typer.Option("--json", help="Print json instead of a table.")]


def open_registry() -> None:
    """Refuse before MLflow creates an empty registry in whatever folder this happens to be."""
    here = Path.cwd()
    if "MLFLOW_TRACKING_URI" not in os.environ and not (here / ".hemline" / "mlflow.db").exists():
        raise BadInput(
            "the project folder holds a registry with a champion (.hemline/mlflow.db)",
            found=f"none in {here}",
            fix="go to the project folder, and train a first version there: make demo",
        )
    environment.apply(here)


def print_table(rows: "pd.DataFrame") -> None:
    """Print rows as people read them; identifiers stay on one line."""
    from rich.console import Console  # noqa: PLC0415  (as above)
    from rich.table import Table  # noqa: PLC0415  (as above)

    table = Table()
    for name in rows.columns:
        heading = name if name == "article_id" else name.replace("_", " ")
        table.add_column(heading, no_wrap=name == "article_id")
    for row in rows.itertuples(index=False):
        table.add_row(*(f"{cell:.4f}" if isinstance(cell, float) else str(cell) for cell in row))
    Console().print(table)
