"""Everybody's recommendations as files: one parquet, and Kaggle's submission csv.

An export of 1.37 million customers takes long enough to be interrupted, so it is made in parts,
each written as a whole under the name of its rows. A whole part is never made again: whatever
interrupted an export, the same command resumes it, and the files have the same bytes. The manifest
says what the parts contain; parts of a different export are deleted first. A finished export is
left as it is if both files still are what was written (`exported_files`), and made again if not.

Every customer is a row, also where a model recommends nothing: the lists are empty then. The price
of parts is disk space: at the end, the lists are on the disk twice until the parts are deleted.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from hemline.errors import BadInput, full_disk_refused
from hemline.evaluation.protocol import SERVED
from hemline.exported_files import (
    EXPORTED,
    MANIFEST,
    PARTS,
    SUBMISSION,
    TABLE,
    changed_files,
    discard_others,
    finish,
    is_finished,
    is_whole,
    merge,
    writable,
    write_lists,
)
from hemline.files import UNFINISHED, locked
from hemline.kernels.lists import NO_ARTICLE
from hemline.models.exclude_bought import ExcludeBought
from hemline.models.recommender import Recommendations, Recommender
from hemline.serving.answers_params import AnswersParams
from hemline.storefront import Storefront


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
        shop_rules: section answers of params.yaml as JSON: what is served is in the order in which
            the shop shows it. Empty for the order of the models, which the others are always in.
        all_colours: whether a list may hold any number of articles of one product; otherwise as
            many as the version serves (serve.per_product), whichever models list them.
    """

    version: str
    models_hash: str
    data_hash: str
    model: str
    k: int
    without_bought: bool
    customers_per_part: int
    shop_rules: str = ""
    all_colours: bool = False


@dataclass(frozen=True)
class Export:
    """A finished export.

    Attributes:
        table: parquet of EXPORTED.
        submission: csv with customer_id and prediction, the article ids separated by spaces.
        n_customers: rows of each.
        n_resumed: customers whose lists an earlier run had made.
        discarded: why existing files were made again: what differed or was damaged, or nothing.
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
        BadInput: the folder holds other files or cannot be written, another export is writing
            there, the version has no such model, or the disk is full.
    """
    if spec.shop_rules:
        storefront = storefront.under(AnswersParams.model_validate_json(spec.shop_rules))
    recommender, n_customers = _recommender(storefront, spec), storefront.histories.n_customers
    done = folder / TABLE, folder / SUBMISSION
    requested = asdict(spec) | {"columns": EXPORTED.names}
    with full_disk_refused(folder), writable(folder), _reserved(folder):
        discarded = discard_others(folder, requested)
        if is_finished(folder):
            return Export(*done, n_customers, n_customers, discarded)
        changed = [f"{name} is not what was exported" for name in changed_files(folder)]
        (folder / PARTS).mkdir(exist_ok=True)
        parts = list(_parts(folder, n_customers, spec.customers_per_part))
        missing = [(path, rows) for path, rows in parts if not is_whole(path, len(rows))]
        changed += [f"{path.name} was damaged" for path, _ in missing if path.exists()]
        discarded = ", ".join(filter(None, [discarded, *changed]))
        n_resumed = n_customers - sum(len(rows) for _, rows in missing)
        on_start(n_resumed, n_customers, discarded)
        customer_ids, article_ids = storefront.customer_ids(), pa.array(storefront.article_ids())
        for path, rows in missing:
            lists = recommender.recommend(storefront.histories.rows(np.asarray(rows)), spec.k)
            ids = customer_ids.slice(rows.start, len(rows))
            write_lists([_as_table(ids, article_ids, lists)], path)
            on_part(len(rows))
        merge([path for path, _ in parts], folder)
        finish(folder, requested)
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
    recommender = storefront.limited(names, all_colours=spec.all_colours)
    if spec.without_bought:
        recommender = ExcludeBought(recommender)
    if names or not spec.shop_rules:
        return recommender
    return storefront.as_shown(recommender)


@contextmanager
def _reserved(folder: Path) -> Iterator[None]:
    """Reserve the folder for this export until the body ends."""
    folder.mkdir(parents=True, exist_ok=True)
    foreign = {path.name for path in folder.iterdir() if not path.name.endswith(UNFINISHED)}
    foreign -= {MANIFEST, PARTS, TABLE, SUBMISSION, ".lock"}
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


def _parts(folder: Path, n_customers: int, size: int) -> Iterator[tuple[Path, range]]:
    """Yield the file and the rows of each part."""
    for start in range(0, n_customers, size):
        rows = range(start, min(start + size, n_customers))
        yield folder / PARTS / f"{rows.start:09d}-{rows.stop - 1:09d}.parquet", rows


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
