"""`python -m benchmarks.published DATA`: our models and published rows by the same protocol."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml

from benchmarks.published.leave_one_out import (
    CHOSEN_ON,
    LONGEST,
    FittedLists,
    own_lists,
    peer_lists,
    scores_at,
)
from benchmarks.published.parameter_search import search
from benchmarks.published.splits import Split, find_splits, read_published, read_split
from benchmarks.ranking_measures import mean_and_stderr
from benchmarks.record import Row, publish, rows_of
from hemline.errors import BadInput
from hemline.stages.command import run

_SETTINGS: Final = Path(__file__).parent / "settings.yaml"
_NOTES: Final = (
    "Leave-one-out: fitted on train, history is train, articles of train are not listed.",
    "Standard error over customers in brackets; published rows as reported by their authors.",
    "Every number of settings.yaml was chosen on validation ndcg@10; test is only reported.",
    (
        "implicit, RecTools and RecBole by their own interfaces; RecTools' sequence models are "
        "missing: the splits have no order of purchases."
    ),
    (
        "CPU seconds of fitting on one thread, the validation that stops a network included; a "
        "blend's are those of its models."
    ),
)
_LIST_LENGTHS: Final = (10, 20, LONGEST)
_PEERS: Final = "peers"
_SECONDS: Final = "cpu seconds"


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the splits, <name>/train.csv.")],
    *,
    only: Annotated[list[str] | None, typer.Option(help="Splits to run; all if omitted.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Models to run; all if omitted.")] = None,
    tune: Annotated[bool, typer.Option("--search", help="Search parameters instead.")] = False,
    trials: Annotated[int, typer.Option(help="Trials of a search per model.")] = 20,
    seed: Annotated[int, typer.Option(help="Seed of the search and of peers.")] = 7,
) -> None:
    """Fit every model of settings.yaml on every split, or search its parameters on validation."""
    settings = yaml.safe_load(_SETTINGS.read_text(encoding="utf-8"))
    rows: list[Row] = []
    notes = list(_NOTES)
    for folder in find_splits(data):
        if only and folder.name not in only:
            continue
        split = read_split(folder)
        numbers = _numbers_of(settings, split)
        peers = _named(numbers.pop(_PEERS), model)
        models = _named(numbers, model)
        if tune:
            for name, own in models.items():
                search(name, own, split, n_trials=trials, seed=seed)
        else:
            of_peers, peer_notes = peer_lists(peers, split, seed=seed)
            listed = own_lists(models, split) | of_peers
            rows += [*read_published(folder), *_scored(split, listed)]
            notes += [f"{split.name}: {note}" for note in peer_notes]
    if not tune:
        shown = [row for row in rows if row.metric in _shown()]
        publish(None if only or model else "published", shown, notes=notes)


def _numbers_of(settings: dict[str, Any], split: Split) -> dict[str, dict[str, Any]]:
    if split.name not in settings:
        raise BadInput(
            "settings.yaml has a section per split",
            found=f"none for {split.name}",
            fix="add one, then tune it with --search",
        )
    return {_PEERS: {}, **settings[split.name]}


def _named(numbers: dict[str, Any], names: list[str] | None) -> dict[str, Any]:
    return {name: numbers[name] for name in numbers if not names or name in names}


def _scored(split: Split, listed: dict[str, FittedLists]) -> list[Row]:
    rows: list[Row] = []
    for name, each in listed.items():
        validated = mean_and_stderr(scores_at(each.lists, split.validation, 10)[CHOSEN_ON])
        rows.append(Row(split.name, name, f"validation {CHOSEN_ON}", *validated))
        for k in _LIST_LENGTHS:
            rows += rows_of(split.name, name, scores_at(each.lists, split.test, k))
        rows.append(Row(split.name, name, _SECONDS, each.cpu_seconds, None))
    return rows


def _shown() -> set[str]:
    return {f"validation {CHOSEN_ON}", _SECONDS} | {
        f"{m}@{k}" for m in ("ndcg", "recall") for k in _LIST_LENGTHS
    }


if __name__ == "__main__":
    run(main)
