"""Everybody's recommendations as files: one parquet, and Kaggle's submission csv.

An export of 1.37 million customers takes longer than a machine may be left alone, so it is made in
parts, each written whole under the name of its rows. A part that is there is never made again:
whatever ended an export, the same command goes on where it was, and the files come out with the
same bytes. The manifest says what the parts hold; parts of anything else are thrown away first.

A customer is one row, so those whom a model has nothing to say to are there too, with empty lists.
The price of parts is room: at the end, until they go, the lists lie on the disk twice.
"""

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hemline import columns
from hemline.errors import BadInput, full_disk_refused
from hemline.files import UNFINISHED, locked, replaced_file, write_text
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.exclude_bought import ExcludeBought
from hemline.models.recommender import Recommendations, Recommender
from hemline.storefront import Storefront

SERVED: Final = "served"

EXPORTED: Final = pa.schema(
    [
        (columns.CUSTOMER_ID, pa.string()),
        (columns.ARTICLE_ID, pa.list_(pa.string())),
        ("score", pa.list_(pa.float32())),
        ("source", pa.list_(pa.string())),
    ]
)
"""One row per customer, the lists side by side and best first; source is what gave the article."""

_MANIFEST: Final = "manifest.json"
_PARTS: Final = "parts"
_TABLE: Final = "recommendations.parquet"
_SUBMISSION: Final = "submission.csv"


@dataclass(frozen=True)
class Order:
    """What is exported: all that the bytes depend on.

    Attributes:
        version: number of the version.
        models_hash: of the version's files, histories included.
        data_hash: of the tables it was trained on.
        model: SERVED, or names of models with a comma between, asked in that order.
        k: length of the lists.
        without_bought: whether articles of a customer's own history are left out.
        customers_per_part: how many customers' lists lie in a part.
    """

    version: str
    models_hash: str
    data_hash: str
    model: str
    k: int
    without_bought: bool
    customers_per_part: int


@dataclass(frozen=True)
class Export:
    """A finished export.

    Attributes:
        table: parquet of EXPORTED.
        submission: csv with customer_id and prediction, ids with a space between.
        n_customers: rows of each.
        n_kept: customers whose lists an earlier run had made.
        thrown_away: how the parts that were there differed from the order; empty if they did not.
    """

    table: Path
    submission: Path
    n_customers: int
    n_kept: int
    thrown_away: str


def export_lists(
    storefront: Storefront,
    order: Order,
    folder: Path,
    *,
    on_start: Callable[[int, int, str], None] = lambda _done, _all, _thrown_away: None,
    on_part: Callable[[int], object] = lambda _customers: None,
) -> Export:
    """Write everybody's lists into the folder, going on from what lies there already.

    Args:
        storefront: the version that answers.
        order: what is exported.
        folder: where to, made when missing; nothing else may lie in it.
        on_start: told how many customers are done, how many there are, and Export.thrown_away.
        on_part: told with each part how many customers it holds.

    Raises:
        BadInput: the folder holds other files, another export is writing there, the version has no
            such model, or there is no room.
    """
    recommender, n_customers = _recommender(storefront, order), storefront.histories.n_customers
    done = folder / _TABLE, folder / _SUBMISSION
    with full_disk_refused(folder), _held(folder):
        thrown_away = _make_room(folder, order)
        if all(path.exists() for path in done):
            return Export(*done, n_customers, n_customers, thrown_away)
        (folder / _PARTS).mkdir(exist_ok=True)
        parts = _parts(folder, n_customers, order.customers_per_part)
        open_parts = [(path, rows) for path, rows in parts if not path.exists()]
        n_kept = n_customers - sum(len(rows) for _, rows in open_parts)
        on_start(n_kept, n_customers, thrown_away)
        customer_ids, article_ids = storefront.customer_ids(), pa.array(storefront.article_ids())
        for path, rows in open_parts:
            lists = recommender.recommend(storefront.histories.rows(np.asarray(rows)), order.k)
            asking = customer_ids.slice(rows.start, len(rows))
            _write_table([_as_table(asking, article_ids, lists)], path)
            on_part(len(rows))
        _put_together([path for path, _ in parts], folder)
        shutil.rmtree(folder / _PARTS)
    return Export(*done, n_customers, n_kept, thrown_away)


def _recommender(storefront: Storefront, order: Order) -> Recommender:
    names = () if order.model == SERVED else tuple(order.model.split(","))
    known = sorted(path.name for path in storefront.files.models.iterdir() if path.is_dir())
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadInput(
            f"what is exported is '{SERVED}' or models of the version: {', '.join(known)}",
            found=", ".join(unknown),
            fix="name one of these: --model cvae, or several to be asked in turn: --model "
            "repurchase,popularity",
        )
    asked = storefront.recommender(names)
    return ExcludeBought(asked) if order.without_bought else asked


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Keep other exports out of the folder; the kernel lets go when the process ends."""
    folder.mkdir(parents=True, exist_ok=True)
    foreign = {path.name for path in folder.iterdir() if not path.name.endswith(UNFINISHED)}
    foreign -= {_MANIFEST, _PARTS, _TABLE, _SUBMISSION, ".lock"}
    if foreign:
        raise BadInput(
            "an export has its folder for itself",
            found=f"{', '.join(sorted(foreign)[:3])} in {folder}",
            fix="name an empty or a new folder",
        )
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(folder, wait=False))
        except BlockingIOError:
            raise BadInput(
                "one export at a time writes to a folder",
                found=f"another at work in {folder}",
                fix="wait for it, or name another folder",
            ) from None
        yield


def _make_room(folder: Path, order: Order) -> str:
    """Throw away what another order left there; return in what it differed, or nothing."""
    manifest = folder / _MANIFEST
    there = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else {}
    asked = asdict(order)
    differing = [name for name in asked if name in there and there[name] != asked[name]]
    if there != asked:
        shutil.rmtree(folder / _PARTS, ignore_errors=True)
        for name in (_TABLE, _SUBMISSION):
            (folder / name).unlink(missing_ok=True)
        write_text(manifest, json.dumps(asked, indent=1) + "\n")
    return ", ".join(f"{name} was {there[name]} and is {asked[name]}" for name in differing)


def _parts(folder: Path, n_customers: int, size: int) -> list[tuple[Path, range]]:
    """Return the file and the rows of each part."""
    starts = range(0, n_customers, size)
    every = [range(start, min(start + size, n_customers)) for start in starts]
    return [
        (folder / _PARTS / f"{rows.start:09d}-{rows.stop - 1:09d}.parquet", rows) for rows in every
    ]


def _as_table(asking: pa.ChunkedArray, article_ids: pa.Array, lists: Recommendations) -> pa.Table:
    listed = lists.articles != NO_ARTICLE
    ends = np.concatenate([[0], np.cumsum(listed.sum(axis=1))]).astype(np.int32)
    names = pa.array(lists.source_names, pa.string())
    values = (
        article_ids.take(pa.array(lists.articles[listed])),
        pa.array(lists.scores[listed]),
        names.take(pa.array(lists.sources[listed])),
    )
    cells = [pa.ListArray.from_arrays(pa.array(ends), column) for column in values]
    return pa.table([asking, *cells], schema=EXPORTED)


def _put_together(parts: list[Path], folder: Path) -> None:
    """Write both files from the parts, one part in memory at a time."""
    _write_table((pq.read_table(part, schema=EXPORTED) for part in parts), folder / _TABLE)
    with replaced_file(folder / _SUBMISSION) as unfinished:
        _write_submission(parts, unfinished)


def _write_submission(parts: list[Path], path: Path) -> None:
    with path.open("w", encoding="ascii", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([columns.CUSTOMER_ID, "prediction"])
        for part in parts:
            lists = pq.read_table(part, columns=[columns.CUSTOMER_ID, columns.ARTICLE_ID])
            predictions = pc.binary_join(lists[columns.ARTICLE_ID], " ")
            ids = lists[columns.CUSTOMER_ID].to_pylist()
            writer.writerows(zip(ids, predictions.to_pylist(), strict=True))


def _write_table(tables: Iterator[pa.Table] | list[pa.Table], path: Path) -> None:
    with (
        replaced_file(path) as unfinished,
        pq.ParquetWriter(unfinished, EXPORTED, compression="zstd") as writer,
    ):
        for table in tables:
            writer.write_table(table)
