"""`python -m benchmarks.published DATA`: our models beside the published rows, exact protocol."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml

from benchmarks.published.leave_one_out import CHOSEN_ON, LONGEST, fit_all, listed, measured
from benchmarks.published.parameter_search import search
from benchmarks.published.splits import Split, find_splits, read_published, read_split
from benchmarks.ranking_measures import mean_and_stderr
from benchmarks.record import Row, rows_of, show, write_results
from hemline.errors import BadInput
from hemline.stages.command import run

_SETTINGS: Final = Path(__file__).parent / "settings.yaml"
_NOTES: Final = (
    "Leave-one-out: fitted on train, history is train, articles of train are not listed.",
    "Standard error over customers in brackets; published rows as their authors gave them.",
    "Every number of settings.yaml was chosen on validation ndcg@10; test is only reported.",
)
_LIST_LENGTHS: Final = (10, 20, LONGEST)


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the splits, <name>/train.csv.")],
    *,
    only: Annotated[list[str] | None, typer.Option(help="Splits to run; all without it.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Models to run; all without it.")] = None,
    tune: Annotated[bool, typer.Option("--search", help="Search settings instead.")] = False,
    trials: Annotated[int, typer.Option(help="Trials per model of a search.")] = 20,
    seed: Annotated[int, typer.Option(help="Of the search.")] = 7,
) -> None:
    """Fit every model of settings.yaml on every split, or search its numbers on validation."""
    settings = yaml.safe_load(_SETTINGS.read_text(encoding="utf-8"))
    rows: list[Row] = []
    for folder in find_splits(data):
        if only and folder.name not in only:
            continue
        split = read_split(folder)
        wanted = _wanted(settings, split, model)
        if tune:
            for name in wanted:
                search(name, wanted[name], split, n_trials=trials, seed=seed)
        else:
            rows += [*read_published(folder), *_run(split, wanted)]
    if tune:
        return
    kept = [row for row in rows if row.metric in _shown()]
    show([row for row in kept if not row.metric.endswith("@100")], notes=_NOTES)
    if not only and not model:
        typer.echo(f"written to {write_results('published', kept, notes=_NOTES)}")


def _wanted(
    settings: dict[str, Any], split: Split, models: list[str] | None
) -> dict[str, dict[str, Any]]:
    if split.name not in settings:
        raise BadInput(
            "settings.yaml has a section per split",
            found=f"none for {split.name}",
            fix="add one, then tune it with --search",
        )
    numbers: dict[str, dict[str, Any]] = settings[split.name]
    return {name: numbers[name] for name in numbers if not models or name in models}


def _run(split: Split, wanted: dict[str, dict[str, Any]]) -> list[Row]:
    rows: list[Row] = []
    for name, model in fit_all(wanted, split).items():
        lists = listed(model, split)
        chosen_by = mean_and_stderr(measured(lists, split.validation, 10)[CHOSEN_ON])
        rows.append(Row(split.name, name, f"validation {CHOSEN_ON}", *chosen_by))
        for k in _LIST_LENGTHS:
            rows += rows_of(split.name, name, measured(lists, split.test, k))
    return rows


def _shown() -> set[str]:
    return {f"validation {CHOSEN_ON}"} | {
        f"{m}@{k}" for m in ("ndcg", "recall") for k in _LIST_LENGTHS
    }


if __name__ == "__main__":
    run(main)
