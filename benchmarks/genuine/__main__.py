"""`python -m benchmarks.genuine DATA`: our models on genuine purchases, which are not ours to keep.

Nothing of the data is written but the scores. The tests use a small generated split instead.
"""

from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml

from benchmarks.genuine.baskets import read_baskets, split_baskets
from benchmarks.genuine.week import WeekModel, models_of, scores_of
from benchmarks.record import Row, publish
from hemline.stages.command import run

_SETTINGS: Final = Path(__file__).parent / "settings.yaml"
_CASE: Final = "hm-week"
_NOTES: Final = (
    (
        "hm-week: a fifth of the customers with five articles and more are held out; 80 % of their "
        "articles are known, and all others compete for the rest."
    ),
    "Standard error over customers in brackets; 'minus cvae' are paired differences.",
    (
        "Numbers are those of params.yaml, of tuned models those of settings.yaml, chosen on "
        "validation customers. Networks stop on validation customers."
    ),
)


def main(
    data: Annotated[Path, typer.Argument(help="Folder that holds hm-week/baskets.csv.zip.")],
    *,
    model: Annotated[list[str] | None, typer.Option(help="Models to run; all if omitted.")] = None,
    params: Annotated[Path, typer.Option(help="Numbers of the pipeline.")] = Path("params.yaml"),
    validation: Annotated[bool, typer.Option(help="Score the validation customers.")] = False,
) -> None:
    """Fit every model of settings.yaml on the week and score the customers that were held out."""
    settings: dict[str, Any] = yaml.safe_load(_SETTINGS.read_text(encoding="utf-8"))[_CASE]
    split = split_baskets(read_baskets(data), seed=settings["seed"])
    models: list[WeekModel] = [
        each for each in models_of(settings, params) if not model or each.name in model
    ]
    rows: list[Row] = scores_of(_CASE, models, split, on_validation=validation)
    publish(None if model or validation else "genuine", rows, notes=_NOTES)


if __name__ == "__main__":
    run(main)
