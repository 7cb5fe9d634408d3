"""Stage acquire: a retailer's files, or a generated shop, to typed tables with dense keys."""

import logging
from pathlib import Path
from typing import Annotated

import pyarrow.parquet as pq
import typer

from hemline.data.acquire.feedback_events import read_events, with_feedback
from hemline.data.acquire.kaggle_files import check_header, find_sources, holds_kaggle_files
from hemline.data.acquire.mapped_tables import read_mapped
from hemline.data.acquire.source_params import SourceParams
from hemline.data.acquire.typed_tables import (
    AcquireParams,
    Tables,
    read_tables,
    type_tables,
    write_tables,
)
from hemline.data.synthetic.shop import SyntheticParams, generate_shop
from hemline.data.synthetic.truth import write_truth
from hemline.engine.engine import Engine, EngineParams, open_engine
from hemline.files import replaced_folder
from hemline.stages.command import OutPath, ParamsPath, run

logger = logging.getLogger(__name__)

FilesPath = Annotated[
    Path,
    typer.Option(help="Folder of the files; need not exist if acquire.source is synthetic."),
]

FeedbackPath = Annotated[
    Path | None,
    typer.Option(help="Folder of the shop's events; not read if acquire.feedback is false."),
]


def main(
    params: ParamsPath, files: FilesPath, tables: OutPath, feedback: FeedbackPath = None
) -> None:
    """Write all tables or none: they replace earlier ones only when every one is complete."""
    acquire = AcquireParams.load(params)
    with replaced_folder(tables) as unfinished, open_engine(EngineParams.load(params)) as engine:
        if acquire.source == "kaggle":
            acquired = _read_kaggle(engine, files, keep_postal_code=acquire.keep_postal_code)
        elif acquire.source == "mapped":
            acquired = read_mapped(engine, SourceParams.load(params), files)
        else:
            if holds_kaggle_files(files):
                logger.warning("%s is not read: acquire.source is synthetic", files)
            shop = generate_shop(SyntheticParams.load(params))
            write_truth(shop.truth, unfinished / "truth")
            acquired = type_tables(
                engine,
                shop.articles,
                shop.customers,
                shop.transactions,
                keep_postal_code=acquire.keep_postal_code,
            )
        events = read_events(feedback) if feedback and acquire.feedback else None
        write_tables(engine, with_feedback(engine, acquired, events), unfinished)
    for path in sorted(tables.glob("*.parquet")):
        logger.info("%s: %d rows", path.stem, pq.read_metadata(path).num_rows)


def _read_kaggle(engine: Engine, folder: Path, *, keep_postal_code: bool) -> Tables:
    sources = find_sources(folder, keep_postal_code=keep_postal_code)
    for source in sources.values():
        ignored = check_header(source)
        if ignored:
            logger.info("%s: ignored %s", source, ", ".join(ignored))
    return read_tables(engine, sources)


if __name__ == "__main__":
    run(main)
