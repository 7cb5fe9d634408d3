"""Stages train_*: files to the fitted models named, for all that need no stage of their own."""

import logging
from functools import cache
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import typer

from hemline import tables
from hemline.arrays import load_array
from hemline.data.histories import Histories, load_histories
from hemline.data.history_building import read_unlikes
from hemline.data.past_weeks import PurchaseLog
from hemline.data.split import DataParams
from hemline.errors import BadInput
from hemline.models.catalogue import TrainingData, entry_of
from hemline.segments.attributes import AGE_BANDS
from hemline.stages.command import OutPath, ParamsPath, run

logger = logging.getLogger(__name__)

Names = Annotated[list[str], typer.Option(help="Of the catalogue; may be given several times.")]
IfRead = Annotated[Path | None, typer.Option(exists=True, help="If one of the models reads it.")]


def main(
    params: ParamsPath,
    models: OutPath,
    model: Names,
    histories: IfRead = None,
    segments: IfRead = None,
    articles: IfRead = None,
    guests: IfRead = None,
    purchases: IfRead = None,
    unlikes: IfRead = None,
    embeddings: IfRead = None,
) -> None:
    """Fit each model with the numbers of params.yaml and save it in its folder."""

    @cache
    def known() -> Histories:
        segment_of = tables.read_table(segments, tables.SEGMENTS) if segments else None
        return load_histories(_given(histories, "--histories"), segment_of)

    data = TrainingData(
        histories=known,
        articles=lambda: tables.read_described(_given(articles, "--articles"), tables.ARTICLES),
        n_age_bands=len(AGE_BANDS),
        embeddings=lambda: _vectors(_given(embeddings, "--embeddings")),
        guests=lambda: _baskets(_given(guests, "--guests")),
        purchases=lambda: _log(
            params,
            _given(purchases, "--purchases"),
            _given(unlikes, "--unlikes"),
            _given(articles, "--articles"),
        ),
    )
    for name in model:
        fitted = entry_of(name).fit_as_in(params, data)
        folder = models / name
        folder.mkdir(parents=True, exist_ok=True)
        fitted.save(folder)
        logger.info("%s saved in %s", fitted.name, folder)


def _baskets(path: Path) -> Histories | None:
    """Return the history of each guest's basket, or None for a shop without guests."""
    baskets = load_histories(path)
    return baskets if baskets.n_customers else None


def _vectors(folder: Path) -> list[npt.NDArray[np.float32]]:
    """Return what stage embed has written."""
    return [load_array(path) for path in sorted(folder.glob("*.npy"))]


def _log(params: Path, purchases: Path, unlikes: Path, articles: Path) -> PurchaseLog:
    dates = DataParams.load(params)
    return PurchaseLog(
        tables.read_table(purchases, tables.PURCHASES),
        read_unlikes(unlikes),
        dates.cut,
        int(pq.read_metadata(articles).num_rows),
        dates.validation_days,
    )


def _given(path: Path | None, option: str) -> Path:
    if path is None:
        raise BadInput(
            f"a stage passes {option} where one of its models is fitted from it",
            found=f"no {option}",
            fix=f"add {option} to the stage in dvc.yaml",
        )
    return path


if __name__ == "__main__":
    run(main)
