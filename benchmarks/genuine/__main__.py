"""`python -m benchmarks.genuine DATA`: our models on genuine purchases, which are not ours to keep.

Nothing of the data is written but the scores. The tests use generated purchases instead.
"""

import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml

from benchmarks.genuine.baskets import read_baskets, split_baskets
from benchmarks.genuine.pooled import best_row, pooled_rows
from benchmarks.genuine.sample_shop import read_sample_shop
from benchmarks.genuine.served_weeks import OWN_730, weekly_scores
from benchmarks.genuine.week import models_of, own_scores, peer_scores, rows_of_week
from benchmarks.record import publish
from hemline.evaluation.protocol import BASELINE, RULES, SERVED, EvaluateParams
from hemline.models.cascade import RANK
from hemline.stages.command import run

_SETTINGS: Final = Path(__file__).parent / "settings.yaml"


class GenuineCase(StrEnum):
    """What is measured; the result of `SAMPLE` is a file of its own."""

    WEEK = "hm-week"
    SAMPLE = "hm-sample"


_WEEK_NOTES: Final = (
    (
        "hm-week: a fifth of the customers with five articles and more are held out; 80 % of their "
        "articles are known, and all others compete for the rest."
    ),
    "Standard error over customers in brackets; 'minus cvae' are paired differences.",
    (
        "Numbers are those of params.yaml, of tuned models those of settings.yaml, chosen on "
        "validation customers. Networks stop on validation customers, and are then trained on them."
    ),
    (
        "implicit, RecTools and RecBole by their own interfaces, numbers in settings.yaml. "
        "RecTools' sequence models are missing: articles of a week have no order."
    ),
    "CPU seconds of fitting on one thread, the validation that stops a network included.",
)
_SAMPLE_NOTES: Final = (
    (
        "hm-sample: {weeks} weeks up to the test week, all models fitted anew at the start of "
        "each; the ranker learns anew every {learn_every} weeks, from the weeks before only. "
        "{n_lists:,} lists of {n_customers:,} customers."
    ),
    (
        "'served' is what stage choose would serve, from the scores of earlier weeks. A row falls "
        "back on popularity as in evaluate.rows of params.yaml."
    ),
    "95 % intervals by bootstrap over customers; 'minus' are paired differences.",
    (
        "The CVAE trains for rank.cvae_epochs, and its walk's weight is chosen once, in the first "
        "scored week. EASE has its sparse form."
    ),
)


def main(
    data: Annotated[Path, typer.Argument(help="Folder that holds hm-week and hm-sample.")],
    *,
    case: Annotated[
        GenuineCase | None, typer.Option(help="What to measure; both if omitted.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Models of hm-week to run; all if omitted.")
    ] = None,
    params: Annotated[Path, typer.Option(help="Numbers of the pipeline.")] = Path("params.yaml"),
    validation: Annotated[
        bool, typer.Option(help="Score the validation customers of hm-week.")
    ] = False,
) -> None:
    """Fit every model on genuine purchases, and score it on what customers bought afterwards."""
    settings: dict[str, Any] = yaml.safe_load(_SETTINGS.read_text(encoding="utf-8"))
    if case in {None, GenuineCase.WEEK}:
        _score_week(data, settings[GenuineCase.WEEK], params, model, on_validation=validation)
    if case in {None, GenuineCase.SAMPLE} and not model and not validation:
        _score_sample(data, settings[GenuineCase.SAMPLE], params)


def _score_week(
    data: Path,
    settings: dict[str, Any],
    params: Path,
    names: list[str] | None,
    *,
    on_validation: bool,
) -> None:
    """Hold out customers of the week of baskets, and publish the scores of every model."""
    split = split_baskets(read_baskets(data), seed=settings["seed"])
    models = [each for each in models_of(settings, params) if not names or each.name in names]
    scored = own_scores(models, split, on_validation=on_validation)
    peers = [name for name in settings["peers"] if not names or name in names]
    numbers = {"seed": settings["seed"], **settings["peers"]}
    of_peers, peer_notes = peer_scores(peers, numbers, split, on_validation=on_validation)
    rows = rows_of_week(GenuineCase.WEEK, scored | of_peers)
    notes = [*_WEEK_NOTES, *peer_notes]
    publish(None if names or on_validation else "genuine", rows, notes=notes)


def _score_sample(data: Path, settings: dict[str, Any], params: Path) -> None:
    """Let the pipeline serve the sample for many weeks, and publish the scores of every row."""
    with tempfile.TemporaryDirectory() as folder:
        changed = _changed(params, settings["changes"], Path(folder) / "params.yaml")
        scores = weekly_scores(
            read_sample_shop(data, changed),
            changed,
            n_weeks=settings["weeks"],
            n_before=settings["weeks_before"],
            learn_every=settings["learn_every"],
        )
    alone = [name for name in EvaluateParams.load(params).rows if name not in {RANK, SERVED}]
    references = dict.fromkeys([BASELINE, RULES, OWN_730, best_row(scores, alone)])
    rows = pooled_rows(
        GenuineCase.SAMPLE,
        scores,
        list(references),
        n_samples=settings["bootstrap_samples"],
        seed=settings["seed"],
    )
    about = {
        **settings,
        "n_lists": int((scores["row"] == BASELINE).sum()),
        "n_customers": scores["customer"].nunique(),
    }
    publish("genuine-sample", rows, notes=[note.format(**about) for note in _SAMPLE_NOTES])


def _changed(params: Path, changes: dict[str, dict[str, Any]], to: Path) -> Path:
    """Return a copy of params.yaml in which some numbers are others."""
    sections = yaml.safe_load(params.read_text(encoding="utf-8"))
    for section, values in changes.items():
        sections[section] |= values
    to.write_text(yaml.safe_dump(sections), encoding="utf-8")
    return to


if __name__ == "__main__":
    run(main)
