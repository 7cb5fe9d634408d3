"""A generated shop with any events, as the folder of tables that the monitor reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from hemline.data.acquire.typed_tables import type_tables, write_tables
from hemline.data.synthetic.planted_events import Event
from hemline.data.synthetic.shop import SyntheticParams, generate_shop
from hemline.data.synthetic.world import ShopSize
from hemline.engine.engine import EngineParams, open_engine

PARAMS: Final = Path(__file__).parents[2] / "params.yaml"


@contextmanager
def tables_of(size: ShopSize, seed: int, *events: Event) -> Iterator[Path]:
    """Yield the folder of a shop's tables; it is gone afterwards."""
    with TemporaryDirectory() as folder:
        write_shop(Path(folder), size, seed, *events)
        yield Path(folder)


def write_shop(folder: Path, size: ShopSize, seed: int, *events: Event) -> None:
    """Write the tables of a shop as the stage acquire does."""
    shop = generate_shop(SyntheticParams(size=size, seed=seed, events=events))
    frames = shop.articles, shop.customers, shop.transactions
    with open_engine(engine_params()) as engine:
        write_tables(engine, type_tables(engine, *frames, keep_postal_code=False), folder)


def engine_params() -> EngineParams:
    """Return the section `engine` of the project, its spill folder as seen from anywhere."""
    params = EngineParams.load(PARAMS)
    return params.model_copy(update={"spill": PARAMS.parent / params.spill})
