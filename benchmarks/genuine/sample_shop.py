"""The genuine sample of customers as a shop: whole histories, and the whole catalogue."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Final, NoReturn

from hemline import tables
from hemline.data.acquire.kaggle_files import find_sources
from hemline.data.acquire.typed_tables import read_tables, write_tables
from hemline.data.history_building import no_unlikes
from hemline.data.purchases import select_purchases
from hemline.data.split import DataParams
from hemline.engine.engine import EngineParams, open_engine
from hemline.errors import BadInput
from hemline.segments.kmodes import ClusterParams
from hemline.segments.segmenting import Past, segment_customers
from hemline.training.training_shop import Shop

FOLDER: Final = "hm-sample"
_READ_YEARS: Final = 4


def read_sample_shop(data: Path, params: Path) -> Shop:
    """Return data/hm-sample, three files as Kaggle has them, as the pipeline reads them.

    Nothing stays on the disk but in the folder of temporary files, which is removed. The segments
    depend on no purchase, since the customers of these files have attributes.

    Raises:
        BadInput: a file is missing or damaged.
    """
    if not (data / FOLDER).is_dir():
        raise BadInput(
            f"the folder of genuine data holds {FOLDER}, with the files as Kaggle has them",
            found=", ".join(sorted(each.name for each in data.glob("*"))) or "nothing",
            fix=f"make bench-genuine DATA=<the folder above {FOLDER}>",
        )
    dates = DataParams.load(params)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_engine(EngineParams.load(params)) as engine,
    ):
        stored = Path(folder)
        sources = find_sources(data / FOLDER, keep_postal_code=False)
        write_tables(engine, read_tables(engine, sources), stored)
        purchases = select_purchases(
            engine,
            stored / "transactions.parquet",
            start=dates.cut - timedelta(days=366 * _READ_YEARS),
            end=dates.week_end,
        )
        articles, customers = (
            tables.read_described(stored / f"{name}.parquet", schema)
            for name, schema in (("articles", tables.ARTICLES), ("customers", tables.CUSTOMERS))
        )
    clusters = ClusterParams.load(params)
    nothing = Past(lambda: _unread("histories"), lambda: _unread("purchases"), lambda: articles)
    segments = segment_customers(customers, nothing, clusters).table
    return Shop(purchases, articles, segments, dates, no_unlikes(), customers, clusters)


def _unread(part: str) -> NoReturn:
    raise BadInput(
        "the customers of the sample have attributes that vary",
        found=f"segments that depend on {part}",
        fix="use the files as Kaggle has them",
    )
