"""Everybody's recommendations as files: one parquet, and Kaggle's submission csv.

An export of 1.37 million customers takes long enough to be interrupted, so it is made in parts,
each written as a whole under the name of its rows. An existing part is never made again: whatever
interrupted an export, the same command resumes it, and the files have the same bytes. The manifest
says what the parts contain; parts of a different export are deleted first.

Every customer is a row, also where a model recommends nothing: the lists are empty then. The price
of parts is disk space: at the end, the lists are on the disk twice until the parts are deleted.
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
from hemline.evaluation.protocol import SERVED
from hemline.files import UNFINISHED, locked, replaced_file, write_text
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.exclude_bought import ExcludeBought
from hemline.models.recommender import Recommendations, Recommender
from hemline.storefront import Storefront

EXPORTED: Final = pa.schema(
    [
        (columns.CUSTOMER_ID, pa.string()),
        (columns.ARTICLE_ID, pa.list_(pa.string())),
        ("source", pa.list_(pa.string())),
    ]
)
"""One row per customer, the lists parallel and best first; source is the model of the article."""

_MANIFEST: Final = "manifest.json"
_PARTS: Final = "parts"
_TABLE: Final = "recommendations.parquet"
_SUBMISSION: Final = "submission.csv"


@dataclass(frozen=True)
class ExportSpec:
    """What is exported: everything that the bytes depend on. It is stored as the manifest.

    Attributes:
        version: number of the version.
        models_hash: of the version's files, histories included.
        data_hash: of the tables it was trained on.
        model: SERVED, or names of models separated by commas, used in that order.
        k: length of the lists.
        without_bought: whether articles that the customer bought before are left out.
        customers_per_part: how many customers' lists are in a part.
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
        submission: csv with customer_id and prediction, the article ids separated by spaces.
        n_customers: rows of each.
        n_resumed: customers whose lists an earlier run had made.
        discarded: why existing parts were deleted: what differed; empty if nothing was deleted.
    """

    table: Path
    submission: Path
    n_customers: int
    n_resumed: int
    discarded: str


def export_lists(
    storefront: Storefront,
    spec: ExportSpec,
    folder: Path,
    *,
    on_start: Callable[[int, int, str], None] = lambda _done, _all, _discarded: None,
    on_part: Callable[[int], object] = lambda _customers: None,
) -> Export:
    """Write everybody's lists into the folder, resuming what is there already.

    Args:
        storefront: the version that recommends.
        spec: what is exported.
        folder: where to, made when missing; it may not contain other files.
        on_start: called with how many customers are done, how many there are, Export.discarded.
        on_part: called after each part with its number of customers.

    Raises:
        BadInput: the folder holds other files, another export is writing there, the version has no
            such model, or the disk is full.
    """
    recommender, n_customers = _recommender(storefront, spec), storefront.histories.n_customers
    done = folder / _TABLE, folder / _SUBMISSION
    with full_disk_refused(folder), _reserved(folder):
        discarded = _discard_others(folder, spec)
        if all(path.exists() for path in done):
            return Export(*done, n_customers, n_customers, discarded)
        (folder / _PARTS).mkdir(exist_ok=True)
        parts = list(_parts(folder, n_customers, spec.customers_per_part))
        missing = [(path, rows) for path, rows in parts if not path.exists()]
        n_resumed = n_customers - sum(len(rows) for _, rows in missing)
        on_start(n_resumed, n_customers, discarded)
        customer_ids, article_ids = storefront.customer_ids(), pa.array(storefront.article_ids())
        for path, rows in missing:
            lists = recommender.recommend(storefront.histories.rows(np.asarray(rows)), spec.k)
            ids = customer_ids.slice(rows.start, len(rows))
            _write_table([_as_table(ids, article_ids, lists)], path)
            on_part(len(rows))
        _merge([path for path, _ in parts], folder)
        shutil.rmtree(folder / _PARTS)
    return Export(*done, n_customers, n_resumed, discarded)


def _recommender(storefront: Storefront, spec: ExportSpec) -> Recommender:
    names = () if spec.model == SERVED else tuple(spec.model.split(","))
    known = sorted(path.name for path in storefront.files.models.iterdir() if path.is_dir())
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadInput(
            f"--model is '{SERVED}' or models of the version: {', '.join(known)}",
            found=", ".join(unknown),
            fix="name one, for example --model cvae, or several in order: --model "
            "repurchase,popularity",
        )
    recommender = storefront.recommender(names)
    return ExcludeBought(recommender) if spec.without_bought else recommender


@contextmanager
def _reserved(folder: Path) -> Iterator[None]:
    """Reserve the folder for this export until the body ends."""
    folder.mkdir(parents=True, exist_ok=True)
    foreign = {path.name for path in folder.iterdir() if not path.name.endswith(UNFINISHED)}
    foreign -= {_MANIFEST, _PARTS, _TABLE, _SUBMISSION, ".lock"}
    if foreign:
        raise BadInput(
            "the folder of an export contains nothing else",
            found=f"{', '.join(sorted(foreign)[:3])} in {folder}",
            fix="name an empty or a new folder",
        )
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(folder, wait=False))
        except BlockingIOError:
            raise BadInput(
                "one export at a time writes to a folder",
                found=f"another export is writing to {folder}",
                fix="wait for it, or name another folder",
            ) from None
        yield


def _discard_others(folder: Path, spec: ExportSpec) -> str:
    """Delete what an export of something else left there; return what differed, or nothing."""
    manifest = folder / _MANIFEST
    stored = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else {}
    requested = asdict(spec) | {"columns": EXPORTED.names}
    differing = [name for name, value in requested.items() if stored and stored.get(name) != value]
    if stored != requested:
        shutil.rmtree(folder / _PARTS, ignore_errors=True)
        for name in (_TABLE, _SUBMISSION):
            (folder / name).unlink(missing_ok=True)
        write_text(manifest, json.dumps(requested, indent=1) + "\n")
    return ", ".join(
        f"{name} was {stored.get(name, 'not recorded')} and is {requested[name]}"
        for name in differing
    )


def _parts(folder: Path, n_customers: int, size: int) -> Iterator[tuple[Path, range]]:
    """Yield the file and the rows of each part."""
    for start in range(0, n_customers, size):
        rows = range(start, min(start + size, n_customers))
        yield folder / _PARTS / f"{rows.start:09d}-{rows.stop - 1:09d}.parquet", rows


def _as_table(
    customer_ids: pa.ChunkedArray, article_ids: pa.Array, lists: Recommendations
) -> pa.Table:
    listed = lists.articles != NO_ARTICLE
    ends = np.concatenate([[0], np.cumsum(listed.sum(axis=1))]).astype(np.int32)
    names = pa.array(lists.source_names, pa.string())
    values = (
        article_ids.take(pa.array(lists.articles[listed])),
        names.take(pa.array(lists.sources[listed])),
    )
    cells = [pa.ListArray.from_arrays(pa.array(ends), column) for column in values]
    return pa.table([customer_ids, *cells], schema=EXPORTED)


def _merge(parts: list[Path], folder: Path) -> None:
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
