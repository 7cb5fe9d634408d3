"""Everybody's lists as files: their content, and what a kill or a full disk leaves."""

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import sparse

from hemline import columns, tables
from hemline.data.histories import Histories, save_histories
from hemline.errors import BadInput
from hemline.export import SERVED, ExportSpec, export_lists
from hemline.models.popularity import PopularityParams, fit_popularity
from hemline.models.repurchase import Repurchase
from hemline.serving.version_files import VersionFiles
from hemline.storefront import Storefront

from .processes import eventually

N_CUSTOMERS, N_ARTICLES = 210, 20
SPEC = ExportSpec("3", "models", "data", SERVED, 4, without_bought=False, customers_per_part=50)
EXPORT_ALONE = """
import sys
from pathlib import Path
from hemline.export import ExportSpec, export_lists
from hemline.storefront import Storefront
from hemline.serving.version_files import VersionFiles
root, folder = map(Path, sys.argv[1:])
names = ("models", "articles", "customer_keys", "segments", "histories", "params")
files = VersionFiles(*(next(root.glob(f"{name}*")) for name in names))
spec = ExportSpec("3", "models", "data", "served", 4, without_bought=False, customers_per_part=1)
export_lists(Storefront(files), spec, folder)
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version in which customer i, unless 0, bought article i % 7."""
    root = tmp_path_factory.mktemp("version")
    bought = np.zeros((N_CUSTOMERS, N_ARTICLES), np.float32)
    every = np.arange(1, N_CUSTOMERS)
    bought[every, every % 7] = 1
    histories = Histories.from_interactions(sparse.csr_matrix(bought))
    save_histories(histories, root / "histories.npz")
    segments = {columns.CUSTOMER: range(N_CUSTOMERS), "cluster": 0, "age_band": 0}
    tables.write_table(pd.DataFrame(segments), root / "segments.parquet", tables.SEGMENTS)
    ids = [f"{customer:064x}" for customer in range(N_CUSTOMERS + 1)]
    keys = pa.table([pa.array(range(N_CUSTOMERS + 1), pa.int32()), ids], tables.CUSTOMER_KEYS.names)
    pq.write_table(keys, root / "customer_keys.parquet")
    shown = ("article_id", "product_code", "prod_name", "product_type_name", "colour_group_name")
    named = [f"0{article:09d}" for article in range(N_ARTICLES)]
    pq.write_table(pa.table(dict.fromkeys(shown, named)), root / "articles.parquet")
    (root / "params.yaml").write_text(
        "serve: {warm: [repurchase, popularity], cold: [popularity]}\n", encoding="utf-8"
    )
    params = PopularityParams(
        window_days=28, half_life_days=7, segment_prior_buyers=1, list_length=5
    )
    for model in (fit_popularity(histories, params), Repurchase(max_days=14, units_weight=0.5)):
        (root / "models" / model.name).mkdir(parents=True)
        model.save(root / "models" / model.name)
    return root


@pytest.fixture
def storefront(shop: Path) -> Storefront:
    return Storefront(
        VersionFiles(
            shop / "models",
            *(shop / f"{name}.parquet" for name in ("articles", "customer_keys", "segments")),
            shop / "histories.npz",
            shop / "params.yaml",
        )
    )


@pytest.fixture
def whole(storefront: Storefront, tmp_path: Path) -> dict[str, bytes]:
    """The files of an export that nothing interrupted."""
    return files_in(export_lists(storefront, SPEC, tmp_path / "whole").table.parent)


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".json"}


@contextmanager
def largest_file(n_bytes: int) -> Iterator[None]:
    """Let no file grow beyond this many bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_every_customer_of_the_table_is_a_row_in_its_order_and_ids_keep_their_zeros(
    storefront: Storefront, tmp_path: Path
) -> None:
    done = export_lists(storefront, SPEC, tmp_path / "new")
    lines = done.submission.read_text().splitlines()
    assert lines[0] == "customer_id,prediction"
    assert [line.partition(",")[0] for line in lines[1:]] == [
        f"{customer:064x}" for customer in range(N_CUSTOMERS)
    ]
    assert lines[7] == f"{6:064x},0000000006 0000000001 0000000002 0000000003"
    assert done.n_customers == N_CUSTOMERS
    assert done.n_resumed == 0


def test_the_table_has_the_model_of_each_article_and_no_score(
    storefront: Storefront, tmp_path: Path
) -> None:
    row = pq.read_table(export_lists(storefront, SPEC, tmp_path).table).slice(6, 1).to_pylist()[0]
    assert row["customer_id"] == f"{6:064x}"
    assert row["article_id"][:2] == ["0000000006", "0000000001"]
    assert set(row) == {"customer_id", "article_id", "source"}
    assert row["source"] == ["repurchase", *["popularity"] * 3]


def test_bought_articles_can_be_left_out(storefront: Storefront, tmp_path: Path) -> None:
    spec = replace(SPEC, without_bought=True)
    rows = pq.read_table(export_lists(storefront, spec, tmp_path).table).to_pylist()
    assert "0000000006" not in rows[6]["article_id"]
    assert all(len(row["article_id"]) == 4 for row in rows)


def test_a_model_without_recommendations_leaves_an_empty_list(
    storefront: Storefront, tmp_path: Path
) -> None:
    done = export_lists(storefront, replace(SPEC, model="repurchase"), tmp_path)
    assert done.submission.read_text().splitlines()[1:3] == [
        f"{0:064x},",
        f"{1:064x},0000000001",
    ]


def test_an_export_killed_in_the_middle_resumes_and_gives_the_same_bytes(
    storefront: Storefront, shop: Path, tmp_path: Path
) -> None:
    folder, small = tmp_path / "killed", replace(SPEC, customers_per_part=1)
    alone = subprocess.Popen([sys.executable, "-c", EXPORT_ALONE, str(shop), str(folder)])
    written = folder / "parts"
    assert eventually(lambda: len(list(written.glob("*.parquet"))) > 5, seconds=60)
    alone.send_signal(signal.SIGKILL)
    alone.wait()
    n_written = len(list(written.glob("*.parquet")))
    assert n_written < N_CUSTOMERS, "it was killed before it had ended"
    started: list[tuple[int, int, str]] = []
    done = export_lists(storefront, small, folder, on_start=lambda *what: started.append(what))
    assert started == [(n_written, N_CUSTOMERS, "")]
    assert done.n_resumed == n_written
    whole = export_lists(storefront, small, tmp_path / "whole")
    assert files_in(folder) == files_in(whole.table.parent)


def test_a_finished_export_is_left_as_it_is(
    storefront: Storefront, tmp_path: Path, whole: dict[str, bytes]
) -> None:
    again = export_lists(storefront, SPEC, tmp_path / "whole")
    assert again.n_resumed == N_CUSTOMERS
    assert files_in(tmp_path / "whole") == whole


@pytest.mark.usefixtures("whole")
def test_another_version_starts_again_and_reports_why(
    storefront: Storefront, tmp_path: Path
) -> None:
    other = replace(SPEC, version="4", data_hash="fresher")
    done = export_lists(storefront, other, tmp_path / "whole")
    assert done.discarded == "version was 3 and is 4, data_hash was data and is fresher"
    assert done.n_resumed == 0


def test_a_full_disk_is_refused_and_the_parts_stay(
    storefront: Storefront, tmp_path: Path, whole: dict[str, bytes]
) -> None:
    folder = tmp_path / "full"
    size = len(whole["recommendations.parquet"])
    with largest_file(size // 2), pytest.raises(BadInput, match="has room") as refusal:
        export_lists(storefront, SPEC, folder)
    assert "start again" in refusal.value.fix
    assert not list(folder.rglob("*.unfinished"))
    assert export_lists(storefront, SPEC, folder).n_resumed == N_CUSTOMERS
    assert files_in(folder) == whole


def test_a_folder_with_other_files_is_refused_and_left_as_it_was(
    storefront: Storefront, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(BadInput, match=r"found: thesis\.txt in"):
        export_lists(storefront, SPEC, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_model_the_version_does_not_have_is_refused(
    storefront: Storefront, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="models of the version: popularity, repurchase"):
        export_lists(storefront, replace(SPEC, model="als"), tmp_path)


def test_a_second_export_into_the_same_folder_is_refused(
    storefront: Storefront, tmp_path: Path
) -> None:
    def at_once(*_: object) -> None:
        with pytest.raises(BadInput, match="one export at a time"):
            export_lists(storefront, SPEC, tmp_path)

    assert export_lists(storefront, SPEC, tmp_path, on_start=at_once).n_resumed == 0


def test_an_export_of_other_columns_is_made_again(storefront: Storefront, tmp_path: Path) -> None:
    export_lists(storefront, SPEC, tmp_path)
    manifest = tmp_path / "manifest.json"
    stored = json.loads(manifest.read_text("utf-8"))
    assert stored.pop("columns") == ["customer_id", "article_id", "source"]
    manifest.write_text(json.dumps(stored), "utf-8")  # as an earlier Hemline wrote it
    again = export_lists(storefront, SPEC, tmp_path)
    assert again.n_resumed == 0
    assert again.discarded.startswith("columns was not recorded and is ['customer_id'")


@pytest.mark.parametrize("name", ["recommendations.parquet", "submission.csv", "manifest.json"])
@pytest.mark.parametrize("damage", ["overwritten", "cut short", "deleted"])
def test_a_finished_file_that_was_changed_is_made_again(
    storefront: Storefront, tmp_path: Path, whole: dict[str, bytes], name: str, damage: str
) -> None:
    path = tmp_path / "whole" / name
    if damage == "deleted":
        path.unlink()
    else:
        path.write_bytes(b"by hand" if damage == "overwritten" else path.read_bytes()[:-9])
    done = export_lists(storefront, SPEC, tmp_path / "whole")
    assert done.n_resumed == 0
    assert (f"{name} is not what was exported" in done.discarded) == (name != "manifest.json")
    assert files_in(tmp_path / "whole") == whole
    assert export_lists(storefront, SPEC, tmp_path / "whole").n_resumed == N_CUSTOMERS


@pytest.mark.parametrize("damage", ["cut short", "zeros", "one bit", "other rows"])
def test_a_damaged_part_is_made_again_and_the_others_are_resumed(
    storefront: Storefront, tmp_path: Path, whole: dict[str, bytes], damage: str
) -> None:
    folder = tmp_path / "damaged"
    with largest_file(len(whole["recommendations.parquet"]) // 2), pytest.raises(BadInput):
        export_lists(storefront, SPEC, folder)
    part, other = sorted((folder / "parts").iterdir())[1:3]
    content = bytearray(part.read_bytes())
    if damage == "cut short":
        del content[-20:]
    elif damage == "zeros":
        content = bytearray(len(content))
    elif damage == "one bit":
        content[len(content) // 3] ^= 1
    else:
        pq.write_table(pq.read_table(other).slice(1), part)
        content = bytearray(part.read_bytes())
    part.write_bytes(content)
    done = export_lists(storefront, SPEC, folder)
    assert done.n_resumed == N_CUSTOMERS - 50
    assert done.discarded == f"{part.name} was damaged"
    assert files_in(folder) == whole


def test_a_folder_that_cannot_be_one_is_refused(storefront: Storefront, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    for folder in ("/dev/null", "/dev/null/lists", tmp_path / "file", "/proc/lists", "x" * 300):
        with pytest.raises(BadInput, match="an export writes into a folder") as refusal:
            export_lists(storefront, SPEC, Path(folder))
        assert str(folder) in refusal.value.found


def test_a_folder_that_may_not_be_written_is_refused(
    storefront: Storefront, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr("hemline.export.locked", refuse)  # root may write everywhere
    with pytest.raises(BadInput, match="Permission denied"):
        export_lists(storefront, SPEC, tmp_path)
