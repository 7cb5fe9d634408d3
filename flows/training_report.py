"""What a training reports: pages for Prefect, tables for the terminal."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.console import Console, JustifyMethod
from rich.table import Table

from flows.dvc import Outcome
from flows.project import Project
from hemline.evaluation.protocol import AP, BASELINE, SERVED


@dataclass(frozen=True)
class Training:
    """The result of one training.

    Attributes:
        outcomes: by stage, whether it ran and how long.
        run_id: the MLflow run.
        version: number of the registered version.
        is_new: whether this run registered it.
        reason: of the gate's verdict, in words.
        champion: number of the champion afterwards.
    """

    outcomes: Mapping[str, Outcome]
    run_id: str
    version: str
    is_new: bool
    reason: str
    champion: str


def training_page(training: Training, scores: str, links: Mapping[str, str]) -> str:
    """Return the markdown page of a finished run: verdict, scores, stages, links."""
    origin = "registered by this run" if training.is_new else "registered by an earlier run"
    stages = "\n".join(f"| {stage} | {outcome} |" for stage, outcome in training.outcomes.items())
    where = "\n".join(f"- [{name}]({address})" for name, address in links.items())
    return (
        f"## Version {training.version} ({origin})\n\n"
        f"The gate: {training.reason}. The champion is version {training.champion}.\n\n"
        f"## Scores\n\n{scores}\n"
        f"## Stages\n\n| stage | result |\n|---|---|\n{stages}\n\n"
        f"## Links (they work while `make ui` runs)\n\n{where}\n"
    )


def failure_page(stage: str, output: str, links: Mapping[str, str]) -> str:
    """Return the markdown page of a failed stage: the end of its output."""
    where = "\n".join(f"- [{name}]({address})" for name, address in links.items())
    return f"## Stage {stage} failed\n\n```text\n{output}\n```\n\n{where}\n"


def print_scores(reports: Path, console: Console) -> None:
    """Print every model's MAP@12, best first, beside the popularity baseline."""
    scores = json.loads((reports / "scores.json").read_text(encoding="utf-8"))
    maps = pd.read_csv(reports / "map_at_12.csv").sort_values(AP, ascending=False, kind="stable")
    baseline = scores[BASELINE][AP]
    table = Table(title="Test week, full catalogue (more in reports/scores.md)")
    for heading in ("model", "MAP@12", "95 % interval", "/ popularity", "recall@12"):
        justify: JustifyMethod = "left" if heading == "model" else "right"
        table.add_column(heading, justify=justify, no_wrap=True)
    for row in maps.to_dict("records"):
        table.add_row(
            row["model"],
            f"{row[AP]:.4f}",
            f"{row['low']:.4f} to {row['high']:.4f}",
            f"{row[AP] / baseline:.2f}" if baseline else "",
            f"{scores[row['model']]['recall@12']:.4f}",
            style="bold" if row["model"] == SERVED else None,
        )
    console.print(table)


def print_recommendations(recommendations: pd.DataFrame, title: str, console: Console) -> None:
    """Print one list of recommendations."""
    table = Table(title=title, title_justify="left")
    for heading in ("rank", "article_id", "name", "product type", "colour", "model"):
        table.add_column(heading, no_wrap=heading == "article_id")
    shown = ["rank", "article_id", "name", "product_type", "colour", "source"]
    for row in recommendations[shown].itertuples(index=False):
        table.add_row(*(str(cell) for cell in row))
    console.print(table)


def print_next_steps(project: Project, training: Training, console: Console) -> None:
    """Print the verdict and where to look next."""
    if not training.is_new:
        console.print("\nNothing has changed since this version was registered.", end="")
    console.print(f"\nVersion {training.version}: {training.reason}.")
    console.print(f"Champion: version {training.champion}.\n")
    console.print("Where to look next:")
    for what, where in (
        ("Prefect, MLflow and the pages below", "make ui"),
        ("scores with intervals", project.reports / "scores.md"),
        ("what was checked in the data", project.validation / "index.html"),
        ("recommendations of the champion", ".venv/bin/hemline recommend --age 25"),
    ):
        console.print(f"  {what:<38}{where}", soft_wrap=True, highlight=False)
