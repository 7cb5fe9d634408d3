"""Damaged raw tables and parameters, made by chance: read, or refused by rule; nothing else.

`python -m tests.fuzz --minutes 10` runs on; the suite runs some inputs (tests/test_fuzz.py).
An input that ends in another exception, or takes longer than LIMIT_SECONDS, is left in
`fuzz_findings/`. Once it is mended, move its folder to `tests/fuzz_corpus/`, which stays a test.
"""

import argparse
import faulthandler
import gzip
import io
import shutil
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import typer

from hemline.data.acquire.kaggle_files import check_header, find_sources
from hemline.data.acquire.typed_tables import read_tables, write_tables
from hemline.engine.engine import EngineParams, open_engine
from hemline.errors import BadInput
from hemline.params import Section
from tests.data.conftest import write_shop
from tests.data.raw_tables import NAMES, read_raw, store_as_parquet

REPOSITORY: Final = Path(__file__).parents[1]
CORPUS: Final = Path(__file__).with_name("fuzz_corpus")
PARAMS: Final = "params.yaml"
LIMIT_SECONDS: Final = 30
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)

_TOKENS: Final = (
    *(
        '"',
        '""',
        ",",
        "\n",
        "\r",
        "\r\n",
        "\0",
        "\t",
        "\ufeff",
        "\x1b[31m",
        "\u202e",
        "é",
        "{",
        "[",
    ),
    *("nan", "inf", "-inf", "1e999", "-1", "1.5", "0x1", "127", "128", "99999999999999999999", ""),
    *("true", "None", "NULL", "9999-12-31", "0000-00-00", "2020-02-30", "PAR1", "PK\x03\x04"),
    *("&a", "*a", "!!python/object:x", "!!binary", "? ", "- ", ": ", "|", ">", "---\n", "~", "["),
)


def inputs(rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the bytes of damaged files, for ever."""
    whole = {**_packed_tables(), PARAMS: [(REPOSITORY / PARAMS).read_bytes()]}
    names = sorted(whole)
    while True:
        name = names[rng.integers(len(names))]
        variants = whole[name]
        content = variants[rng.integers(len(variants))]
        if name.endswith(".parquet") and rng.random() < 0.4:
            content = _with_other_column(rng, content)
        else:
            content = _with_other_bytes(rng, content)
        yield name, content


def attempt(name: str, content: bytes, folder: Path) -> str | None:
    """Return None if the file is read or refused by rule, else the traceback.

    Args:
        name: params.yaml, or a raw table as it lies in the folder of the shop.
        content: its bytes.
        folder: for the file and what is read from it; emptied.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        (_load_params if name == PARAMS else _read_tables)(name, content, folder)
    except BadInput:
        return None
    except Exception:  # noqa: BLE001  (whatever it is, it is the finding)
        return traceback.format_exc()
    return None


def run(seed: int, *, is_over: Callable[[int], bool], findings: Path) -> tuple[Counter[str], int]:
    """Try inputs until `is_over` of their number; return their number by name and of findings."""
    tried: Counter[str] = Counter()
    n_found = 0
    warnings.simplefilter("ignore")
    _sections()  # imported before the time of an input runs
    with TemporaryDirectory() as scratch:
        for name, content in inputs(np.random.default_rng(seed)):
            if is_over(tried.total()):
                break
            at = findings / f"{seed}-{tried.total()}"
            at.mkdir(parents=True, exist_ok=True)
            (at / name).write_bytes(content)  # a hang or a crash leaves it
            faulthandler.dump_traceback_later(LIMIT_SECONDS, exit=True)
            error = attempt(name, content, Path(scratch) / "attempt")
            faulthandler.cancel_dump_traceback_later()
            tried[name] += 1
            if error is None:
                shutil.rmtree(at)
            else:
                n_found += 1
                (at / "error.txt").write_text(error, encoding="utf-8")
    return tried, n_found


def corpus() -> list[Path]:
    """Return the files that once were neither read nor refused by rule."""
    return sorted(path for path in CORPUS.glob("*/*") if path.name != "error.txt")


def _packed_tables() -> dict[str, list[bytes]]:
    """Return the raw tables of a flawless shop, packed in all ways, by the name of the file."""
    with TemporaryDirectory() as scratch:
        folder = write_shop(Path(scratch) / "csv")
        texts = {name: (folder / f"{name}.csv").read_bytes() for name in NAMES}
        store_as_parquet(folder)
        rows = {name: pq.read_table(folder / f"{name}.parquet") for name in NAMES}
    packed: dict[str, list[bytes]] = {}
    for name, text in texts.items():
        packed[f"{name}.csv"] = [text, text.replace(b"\n", b"\r\n"), text.replace(b"\n", b"\r")]
        packed[f"{name}.csv.gz"] = [gzip.compress(text, mtime=0)]
        packed[f"{name}.csv.zip"] = [_zipped(f"{name}.csv", text, method) for method in _METHODS]
        packed[f"{name}.parquet"] = [
            _as_parquet(rows[name], codec, use_dictionary=use_dictionary)
            for codec in ("none", "snappy", "zstd")
            for use_dictionary in (True, False)
        ]
    return packed


def _zipped(name: str, text: bytes, method: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr(name, text)
    return stream.getvalue()


def _as_parquet(rows: pa.Table, codec: str, *, use_dictionary: bool) -> bytes:
    stream = io.BytesIO()
    pq.write_table(rows, stream, compression=codec, use_dictionary=use_dictionary)
    return stream.getvalue()


def _with_other_bytes(rng: np.random.Generator, content: bytes) -> bytes:
    """Return the bytes after one to four changes of random kinds at random places."""
    changed = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        place = int(rng.integers(len(changed) + 1))
        end = place + int(rng.geometric(0.05))
        token = _TOKENS[rng.integers(len(_TOKENS))].encode()
        kind = rng.integers(6)
        if kind == 0 and changed:
            changed[place % len(changed)] ^= 1 << int(rng.integers(8))
        elif kind == 1 and changed:
            changed[place % len(changed)] = int(rng.integers(256))
        elif kind == 2:
            changed[place:place] = token
        elif kind == 3:
            changed[place:end] = token
        elif kind == 4:
            start = int(rng.integers(len(changed) + 1))
            changed[place:place] = changed[start : start + 200]
        elif rng.random() < 0.3:
            del changed[place:]
    return bytes(changed)


def _with_other_column(rng: np.random.Generator, content: bytes) -> bytes:
    """Return the table with a column of another type, of strange values, twice, or missing."""
    rows = pq.read_table(io.BytesIO(content))
    place = int(rng.integers(rows.num_columns))
    name = rows.column_names[place]
    column = _strange_column(rng, rows.num_rows)
    choice = rng.random()
    if choice < 0.1:
        rows = rows.remove_column(place)
    elif choice < 0.2:
        rows = rows.append_column(name, column)
    else:
        rows = rows.set_column(place, name, column)
    return _as_parquet(rows, "snappy", use_dictionary=bool(rng.integers(2)))


def _strange_column(rng: np.random.Generator, n_rows: int) -> pa.Array:
    values: list[tuple[object, pa.DataType]] = [
        (None, pa.null()),
        (None, pa.string()),
        (True, pa.bool_()),
        (1.5, pa.float64()),
        (float("nan"), pa.float32()),
        (float("inf"), pa.float64()),
        (-0.0, pa.float64()),
        (2**62, pa.int64()),
        (2**64 - 1, pa.uint64()),
        (-1, pa.int8()),
        (b"\xff\0", pa.binary()),
        (b"1234", pa.binary(4)),
        ([1], pa.list_(pa.int8())),
        ({"price": 1}, pa.struct({"price": pa.int8()})),
        ([("a", 1)], pa.map_(pa.string(), pa.int8())),
        (10**9, pa.date32()),
        (86_400_000, pa.date64()),
        (2**60, pa.timestamp("us")),
        (0, pa.timestamp("ns", "Europe/Berlin")),
        (3600, pa.time32("s")),
        (5, pa.duration("us")),
        *((token, pa.string()) for token in _TOKENS),
    ]
    value, dtype = values[rng.integers(len(values))]
    column = pa.array([value] * n_rows, dtype)
    if dtype == pa.string() and rng.random() < 0.3:
        column = (
            column.cast(pa.large_string()) if rng.random() < 0.5 else column.dictionary_encode()
        )
    return column


def _read_tables(name: str, content: bytes, folder: Path) -> None:
    shop = write_shop(folder / "shop")
    (shop / f"{name.partition('.')[0]}.csv").unlink()
    (shop / name).write_bytes(content)
    read_raw(shop)
    sources = find_sources(shop, keep_postal_code=False)
    for source in sources.values():
        check_header(source)
    engine = EngineParams.load(REPOSITORY / PARAMS).model_copy(update={"spill": folder / "spill"})
    with open_engine(engine) as opened:
        write_tables(opened, read_tables(opened, sources), folder / "tables")


def _load_params(_name: str, content: bytes, folder: Path) -> None:
    path = folder / PARAMS
    path.write_bytes(content)
    refusals = []
    for section in _sections():
        try:
            section.load(path)
        except BadInput as refusal:
            refusals.append(refusal)
    if refusals:
        raise refusals[0]


@cache
def _sections() -> list[type[Section]]:
    """Return the classes of all sections of params.yaml."""
    for path in sorted((REPOSITORY / "src").rglob("*.py")):
        if "(Section):" in path.read_text(encoding="utf-8"):
            import_module(".".join(path.relative_to(REPOSITORY / "src").with_suffix("").parts))
    return sorted(_below(Section), key=lambda section: section.__name__)


def _below(parent: type[Section]) -> set[type[Section]]:
    named = {child for child in parent.__subclasses__() if "section" in vars(child)}
    return named.union(*(_below(child) for child in parent.__subclasses__()))


def main() -> None:
    """Try inputs for some minutes and print what was found."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--seed", type=int, default=int(time.time()))
    options.add_argument("--findings", type=Path, default=Path("fuzz_findings"))
    given = options.parse_args()
    end = time.monotonic() + 60 * given.minutes
    tried, n_found = run(
        given.seed, is_over=lambda _: time.monotonic() > end, findings=given.findings
    )
    for name, n_tried in sorted(tried.items()):
        typer.echo(f"{name}: {n_tried:,} inputs")
    typer.echo(
        f"seed {given.seed}: {tried.total():,} inputs, {n_found} findings in {given.findings}"
    )


if __name__ == "__main__":
    main()
