"""A version laid out for memory mapping: made once, shared by all workers, made again if damaged.

A registered version is what training wrote: npz archives, parquet and json. Workers would each
decompress and convert the same gigabyte. A layout holds the same content as plain arrays that are
mapped, so that the page cache holds them once for all processes. It is a cache under
`.hemline/serving/`, named for the hash of the version's files, and may be deleted at any time.

Making one is guarded by a lock, and the folder takes its name only when it is whole, so a killed
process leaves nothing that is mistaken for a layout. The version's files are compared with their
registered hashes first. A layout holds hashes of its own, compared when a process opens it: small
files always, and a large file only where its size, time or inode is not what it was when it was
hashed last. So a gigabyte is not read at each start; the price is that a large file that rots on
the disk, untouched, is not noticed.
"""

import hashlib
import json
import logging
import math
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import yaml

from hemline import columns
from hemline.arrays import lay_out, load_arrays
from hemline.data.split import DataParams
from hemline.files import fingerprint, lock_file, replaced_folder, write_text
from hemline.integrity import FileHashes, file_md5
from hemline.models.cascade import RANK
from hemline.models.ranker.article_features import ArticleFeatures
from hemline.models.ranker.tree_file import TreeFile
from hemline.serving.article_table import save_articles
from hemline.serving.group_codes import GroupCodes
from hemline.serving.id_index import IdIndex
from hemline.serving.season import daily_sales
from hemline.serving.support import common_buyers
from hemline.serving.version_files import VersionFiles, place_of

MARKER: Final = "layout.json"
FORMAT: Final = 6
"""Of a layout. Raise it whenever this module writes anything else."""

_KEPT: Final = 4
_RECENT_DAYS: Final = 28
_LARGE: Final = 16 << 20  # bytes

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LayoutAbout:
    """What a layout says of itself.

    Attributes:
        version: number of the version; 0 for files that are not registered.
        cut: in ISO format.
        n_articles: of the version.
        n_customers: with a row in the histories.
    """

    version: int
    cut: str
    n_articles: int
    n_customers: int


def laid_out(files: VersionFiles, hashes: FileHashes, root: Path) -> Path:
    """Return the folder of the version's layout, made where there is none or a damaged one.

    Args:
        files: of the version.
        hashes: that they were registered with.
        root: folder of the layouts.

    Raises:
        BadInput: a file of the version is damaged.
    """
    folder = root / _name(files, hashes)
    if _is_whole(folder):
        return folder
    with lock_file(root / ".lock", wait_seconds=math.inf):
        if not _is_whole(folder):
            if folder.exists():
                logger.warning("the layout %s is damaged: it is made again", folder)
            _require_intact(files, hashes)
            with replaced_folder(folder) as unfinished:
                _lay_out(files, hashes, unfinished)
            _remove_outdated(root, folder)
    return folder


def _name(files: VersionFiles, hashes: FileHashes) -> str:
    expected = dict(hashes.expected)
    if not hashes.is_complete:
        expected = {place: file_md5(path) for place, path in files.by_place().items()}
    listed = json.dumps([FORMAT, hashes.version, sorted(expected.items())])
    return fingerprint(listed)[:16]


def _require_intact(files: VersionFiles, hashes: FileHashes) -> None:
    for name, path in vars(files).items():
        if name != "models":
            hashes.checked(place_of(name, path), path)
    folders = {f"models/{path.name}" for path in files.models.glob("*")}
    for place in sorted(folders | hashes.places_in("models")):
        hashes.checked(place, files.models / Path(place).name)


def _lay_out(files: VersionFiles, hashes: FileHashes, folder: Path) -> None:
    shutil.copy(files.params, folder / "params.yaml")
    for source in sorted(files.models.rglob("*")):
        beside = folder / "models" / source.relative_to(files.models).parent
        beside.mkdir(parents=True, exist_ok=True)
        if source.suffix in {".npy", ".npz"}:
            lay_out(source, beside)
        elif source.is_file():
            shutil.copy(source, beside)
    _lay_out_trees(files.models / RANK, folder / "models" / RANK)
    lay_out(files.histories, folder)
    histories = load_arrays(folder / files.histories.name)
    n_customers, n_articles = (int(size) for size in histories["shape"])
    _lay_out_customers(files, folder, n_customers)
    _lay_out_articles(files, folder, histories)
    about = LayoutAbout(
        _number(hashes.version), DataParams.load(files.params).cut.isoformat(), n_articles,
        n_customers,
    )  # fmt: skip
    _finish(folder, about)


def _lay_out_trees(ranker: Path, folder: Path) -> None:
    """Write the trees of a version as arrays that was saved when LightGBM's text was all."""
    if not ranker.is_dir() or (folder / "trees").is_dir():
        return
    with TemporaryDirectory() as beside:
        TreeFile.load(ranker).save(Path(beside))
        archive = Path(beside) / "trees.npz"
        if archive.exists():  # unless the arrays cannot hold the trees
            lay_out(archive, folder)


def _lay_out_customers(files: VersionFiles, folder: Path, n_customers: int) -> None:
    segments = pq.read_table(files.segments, columns=[columns.CLUSTER, columns.AGE_BAND])
    for name in (columns.CLUSTER, columns.AGE_BAND):
        column = segments[name].to_numpy().astype(np.int8)
        np.save(folder / "histories" / f"{name}s.npy", column[:n_customers])
    ids = pq.read_table(files.customer_keys, columns=[columns.CUSTOMER_ID])[0]
    (folder / "customers").mkdir()
    IdIndex.of(ids.slice(0, n_customers).to_pylist()).save(folder / "customers")


def _lay_out_articles(
    files: VersionFiles, folder: Path, histories: dict[str, npt.NDArray[Any]]
) -> None:
    (folder / "articles").mkdir()
    n_articles = int(histories["shape"][1])
    is_recent = histories["days_ago"] <= _RECENT_DAYS
    n_sold = np.bincount(histories["indices"][is_recent], minlength=n_articles)
    sold = n_sold.astype(np.float32)
    save_articles(
        files.articles,
        _prices(files.models, n_articles),
        sold,
        folder / "articles",
        currency=_currency(files.params),
    )
    groups = GroupCodes.load(folder / "articles")
    group_of_sale = groups.product_group[histories["indices"]]
    sales = daily_sales(group_of_sale, histories["days_ago"], len(groups.names[0]))
    np.save(folder / "articles" / "group_sales.npy", sales)
    if (files.models / "copurchase").is_dir():
        support = common_buyers(folder / "models" / "copurchase", histories, files.params)
        np.save(folder / "models" / "copurchase" / "support.npy", support)


def _prices(models: Path, n_articles: int) -> npt.NDArray[np.float32]:
    """Return what was lately paid for each article; NaN without a ranker, which alone knows it."""
    facts = models / "rank" / "facts.npz"
    if not facts.is_file():
        return np.full(n_articles, np.nan, np.float32)
    logarithms = ArticleFeatures.load(facts).column("log_price").astype(np.float64)
    known = np.isfinite(logarithms)
    return np.where(known, np.exp(np.where(known, logarithms, 0)), np.nan).astype(np.float32)


def _currency(params: Path) -> str:
    """Return the currency of a described shop's prices; empty where none is named."""
    content = yaml.safe_load(params.read_text(encoding="utf-8"))
    described = content.get("source") or {}
    if content["acquire"]["source"] != "mapped":
        return ""
    return str((described.get("price") or {}).get("currency") or "")


def _number(version: str) -> int:
    number = version.removeprefix("version ")
    return int(number) if number.isdecimal() else 0


def about(layout: Path) -> LayoutAbout:
    """Return what a layout says of itself."""
    return LayoutAbout(**json.loads((layout / MARKER).read_text(encoding="utf-8"))["about"])


def _finish(folder: Path, described: LayoutAbout) -> None:
    listed = {
        path.relative_to(folder).as_posix(): [path.stat().st_size, _md5(path)]
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    content = json.dumps({"about": asdict(described), "files": listed}, indent=1)
    write_text(folder / MARKER, content + "\n")


def _is_whole(folder: Path) -> bool:
    """Return whether a layout has all of its files as they were written, and note its use."""
    try:
        content = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        files = content["files"]
        hashed = _hashed_before(folder)
        states = {place: _state(folder / place) for place in files}
    except (OSError, ValueError, KeyError):
        return False
    for place, (size, md5) in files.items():
        if states[place][0] != size:
            return False
        is_known = size >= _LARGE and hashed.get(place) == states[place]
        if not is_known and _md5(folder / place) != md5:
            return False
    large = {place: state for place, state in states.items() if state[0] >= _LARGE}
    if os.access(folder, os.W_OK):
        if hashed != large:
            write_text(folder / _HASHED, json.dumps(large))
        (folder / MARKER).touch()
    return True


_HASHED: Final = "hashed.json"


def _hashed_before(folder: Path) -> dict[str, list[int]]:
    """Return size, time and inode that large files had when they were hashed last."""
    try:
        hashed: dict[str, list[int]] = json.loads((folder / _HASHED).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # whatever was hashed before can be hashed again
        return {}
    return hashed


def _state(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ino]


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _remove_outdated(root: Path, current: Path) -> None:
    """Remove the layouts that were not opened for longest; any can be made again."""
    others = [path.parent for path in root.glob(f"*/{MARKER}") if path.parent != current]
    others.sort(key=lambda path: -(path / MARKER).stat().st_mtime)
    for path in others[_KEPT - 1 :]:
        logger.info("the layout %s was not used lately: it is removed", path)
        shutil.rmtree(path, ignore_errors=True)
