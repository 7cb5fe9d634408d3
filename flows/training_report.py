"""What a training reports: pages for Prefect, tables for the terminal."""

import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd
from rich.console import Console, JustifyMethod
from rich.table import Table

from flows.dvc import Outcome
from flows.project import Project
from hemline import columns
from hemline.cli.terminal import as_text, print_recommendations
from hemline.errors import printable
from hemline.evaluation.protocol import AP, BASELINE, SERVED, EvaluateParams
from hemline.evaluation.score_report import significance_sentence
from hemline.pages.rendering import render
from hemline.registry.versions import CHAMPION, load_champion, version_by_alias
from hemline.serving.answers_params import AnswersParams
from hemline.tables import SERVED_SCORES, read_table

_TRAINING: Final = Path(__file__).with_name("training.md.j2")
_FAILED: Final = Path(__file__).with_name("failed_stage.md.j2")
_BACKTICKS: Final = re.compile("`+")


@dataclass(frozen=True)
class Training:
    """The result of one training.

    Attributes:
        outcomes: how each stage was brought up to date.
        run_id: the MLflow run.
        version: number of the registered version.
        is_new: whether this run registered it.
        reason: of the gate's verdict, in words.
        champion: number of the champion afterwards; None without one.
        is_popularity_alone: whether that champion serves popularity only.
        warnings: what has to be known of the result besides, as sentences.
        explored: what it would have sold in the shop's explored places; empty without any.
        canary: where the version stands that meets visitors before it is champion; else empty.
    """

    outcomes: Mapping[str, Outcome]
    run_id: str
    version: str
    is_new: bool
    reason: str
    champion: str | None
    is_popularity_alone: bool = False
    warnings: tuple[str, ...] = ()
    explored: str = ""
    canary: str = ""

    @property
    def live(self) -> str:
        """Which version serves, as a sentence without its full stop."""
        if self.champion is None:
            return "No version is live: hemline recommend has nothing to answer with"
        alone = ", which serves popularity alone" if self.is_popularity_alone else ""
        return f"Live: version {self.champion} is the champion{alone}"


def training_page(training: Training, scores: str, links: Mapping[str, str]) -> str:
    """Return the markdown page of a finished run: verdict, scores (markdown), stages, links."""
    return render(_TRAINING, training=training, scores=scores, links=links)


def failure_page(stage: str, output: str, links: Mapping[str, str]) -> str:
    """Return the markdown page of a failed stage: the end of its output, which cannot leave it."""
    longest = max(map(len, _BACKTICKS.findall(output)), default=0)
    fence = "`" * max(longest + 1, 3)
    return render(_FAILED, stage=stage, output=printable(output), fence=fence, links=links)


def live_version() -> str:
    """Return which version is live, for the end of a run that failed; never raises."""
    try:
        champion = version_by_alias(CHAMPION)
    except Exception:
        logging.getLogger(__name__).exception("the registry cannot be read")
        return "Which version is live cannot be read now: hemline history"
    if champion is None:
        return "Live: no version yet."
    return (
        f"Live: version {champion.number} is the champion, fitted on purchases before "
        f"{champion.cut}."
    )


def print_report(project: Project, training: Training, console: Console) -> None:
    """Print the score table, lists of one buyer and one cold customer, and what to do next."""
    min_customers = EvaluateParams.load(project.params).min_customers
    print_scores(project.root / project.reports, console, min_customers=min_customers)
    age = None if training.champion is None else _print_lists(project, console)
    _print_next_steps(project, training, age, console)


def print_scores(reports: Path, console: Console, *, min_customers: int) -> None:
    """Print every model's MAP@12, best first, and which differ significantly from popularity."""
    scores = json.loads((reports / "scores.json").read_text(encoding="utf-8"))
    lines = pd.read_csv(reports / "scores.csv")
    maps = pd.read_csv(reports / "map_at_12.csv").sort_values(AP, ascending=False, kind="stable")
    baseline = scores[BASELINE][AP]
    table = Table(title="Test week, full catalogue (more in reports/scores.md)")
    for heading in ("model", "MAP@12", "95 % interval", "/ popularity", "recall@12"):
        justify: JustifyMethod = "left" if heading == "model" else "right"
        table.add_column(heading, justify=justify, no_wrap=True)
    for row in maps.to_dict("records"):
        table.add_row(
            as_text(row["model"]),
            f"{row[AP]:.4f}",
            f"{row['low']:.4f} to {row['high']:.4f}",
            f"{row[AP] / baseline:.2f}" if baseline else "",
            f"{scores[row['model']]['recall@12']:.4f}",
            style="bold" if row["model"] == SERVED else None,
        )
    console.print(table)
    sentence = significance_sentence(lines, BASELINE, min_customers=min_customers)
    console.print(as_text(sentence), soft_wrap=True, highlight=False)


def _print_lists(project: Project, console: Console) -> int | None:
    """Print a buyer's list and a cold customer's, and return the age of the latter, if any is."""
    champion = load_champion()[1].under(AnswersParams.load(project.params))
    buyers = read_table(project.served_scores(), SERVED_SCORES)[columns.CUSTOMER_ID]
    buyer = champion.first_with_history(buyers.tolist())
    if buyer is not None:  # an older champion may know none of this week's buyers
        lines = champion.for_customer(buyer, 12)
        print_recommendations(lines, console, title=f"For customer {buyer}")
    example = champion.example_customer()
    title = "For a cold customer"
    if example.age is not None:
        title += f": {example.age} years old"
    if example.club_member_status is not None:
        title += f", club status {example.club_member_status}"
    print_recommendations(champion.for_cold_customer(example, 12), console, title=title)
    return example.age


def _print_next_steps(
    project: Project, training: Training, age: int | None, console: Console
) -> None:
    """Print the verdict, which version is live, and where to look next."""
    if not training.is_new:
        console.print("\nNothing has changed since this version was registered.", end="")
    verdict = as_text(f"\nVersion {training.version}: {training.reason}.")
    console.print(verdict, soft_wrap=True)
    console.print(as_text(f"{training.live}.\n"), soft_wrap=True)
    if training.explored:
        console.print(as_text(f"{training.explored}\n"), soft_wrap=True)
    if training.canary:
        console.print(as_text(f"{training.canary}.\n"), soft_wrap=True)
    for warning in training.warnings:
        console.print(as_text(f"Warning: {warning}.\n"), soft_wrap=True)
    console.print("Next:")
    bin_folder = os.path.relpath(Path(sys.executable).parent)
    described = "" if age is None else f" --age {age}"
    for what, where in (
        ("open all pages in the browser", f"{bin_folder}/hemline ui"),
        ("print recommendations", f"{bin_folder}/hemline recommend{described}"),
        ("check the last week for drift", f"{bin_folder}/hemline monitor"),
        ("read the scores with intervals", project.reports / "scores.md"),
        ("see what was checked in the data", project.validation / "index.html"),
    ):
        console.print(as_text(f"  {what:<34}{where}"), soft_wrap=True, highlight=False)
