"""The generated tiny shop as files, for tests that fit models without running the pipeline."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from hemline import columns, tables
from hemline.data.acquire.typed_tables import type_tables, write_tables
from hemline.data.synthetic.shop import SyntheticParams, generate_shop
from hemline.engine.engine import EngineParams, open_engine
from hemline.segments.attributes import age_band_index
from tests.tiny_project import REPOSITORY, TINY, change_params


def write_tiny_shop(root: Path) -> Path:
    """Write params.yaml, dvc.yaml, tables and made-up segments where the pipeline has them."""
    root.mkdir(exist_ok=True)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(REPOSITORY / name, root / name)
    change_params(root, {**TINY, ("engine", "spill"): str(root / "spill")})
    drawn = generate_shop(SyntheticParams.load(root / "params.yaml"))
    folder = root / "data" / "tables"
    folder.mkdir(parents=True)
    frames = (drawn.articles, drawn.customers, drawn.transactions)
    with open_engine(EngineParams.load(root / "params.yaml")) as engine:
        write_tables(engine, type_tables(engine, *frames, keep_postal_code=False), folder)
    people = tables.read_table(folder / "customers.parquet", tables.CUSTOMERS)
    segments = pd.DataFrame(
        {
            columns.CUSTOMER: people[columns.CUSTOMER],
            columns.CLUSTER: np.arange(len(people)) % 5,
            columns.AGE_BAND: age_band_index(people[columns.AGE]),
        }
    )
    tables.write_table(segments, root / "data/segments/segments.parquet", tables.SEGMENTS)
    return root
