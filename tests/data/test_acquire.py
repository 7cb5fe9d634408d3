"""What acquire reads, what it makes of it, and what it refuses."""

import gzip
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest

from hemline import tables
from hemline.data.acquire import typed_tables
from hemline.data.acquire.kaggle_files import (
    COMPETITION,
    check_header,
    find_sources,
    holds_kaggle_files,
)
from hemline.data.acquire.typed_tables import read_tables, write_tables
from hemline.engine.engine import Engine, EngineParams, open_engine
from hemline.errors import BadInput
from hemline.files import replaced_folder
from hemline.stages import acquire as stage

NO_EVENTS = Path("data/feedback")  # of the repository, which holds none
NAMES = ("articles", "customers", "transactions", "article_keys", "customer_keys")


@dataclass(frozen=True)
class Acquired:
    """The five tables as their files hold them."""

    articles: pa.Table
    customers: pa.Table
    transactions: pa.Table
    article_keys: pa.Table
    customer_keys: pa.Table


def read(folder: Path, *, keep_postal_code: bool = False, engine: Engine | None = None) -> Acquired:
    sources = find_sources(folder, keep_postal_code=keep_postal_code)
    for source in sources.values():
        check_header(source)
    written = folder.with_name(f"{folder.name}-tables")
    if engine is not None:
        write_tables(engine, read_tables(engine, sources), written)
    else:
        with open_engine(DUCKDB.model_copy(update={"spill": folder.with_name("spill")})) as opened:
            write_tables(opened, read_tables(opened, sources), written)
    return Acquired(*(pq.read_table(written / f"{name}.parquet") for name in NAMES))


DUCKDB = EngineParams.load(Path("params.yaml"))


def replace(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def add(folder: Path, name: str, *lines: str) -> None:
    path = folder / name
    path.write_text(path.read_text(encoding="utf-8") + "\n".join(lines) + "\n", encoding="utf-8")


def zipped(folder: Path, name: str) -> Path:
    path = folder / f"{name}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / name, name)
    (folder / name).unlink()
    return path


def gzipped(folder: Path, name: str) -> Path:
    path = folder / f"{name}.gz"
    path.write_bytes(gzip.compress((folder / name).read_bytes()))
    (folder / name).unlink()
    return path


def into_one_zip(folder: Path) -> None:
    files = sorted(folder.glob("*.csv"))
    with zipfile.ZipFile(folder / f"{COMPETITION}.zip", "w") as archive:
        archive.writestr("images/010/0108775015.jpg", b"not opened")
        for path in files:
            archive.write(path, path.name)
    for path in files:
        path.unlink()


def test_ids_become_dense_keys_in_the_order_of_the_files(flawless: Path) -> None:
    acquired = read(flawless)
    assert acquired.articles["article_id"].to_pylist() == ["0108775015", "0108775044", "0110065001"]
    assert acquired.articles["article"].to_pylist() == [0, 1, 2]
    assert acquired.customers["customer"].to_pylist() == [0, 1, 2, 3]
    assert acquired.customer_keys["customer_id"][1].as_py() == "a" * 64
    assert acquired.articles["product_code"].to_pylist() == ["0108775", "0108775", "0110065"]


def test_missing_flags_are_zero_and_both_spellings_of_none_are_one(flawless: Path) -> None:
    customers = read(flawless).customers.to_pydict()
    assert customers["FN"] == [0, 1, 1, 0]
    assert customers["Active"] == [0, 1, 0, 0]
    assert customers["fashion_news_frequency"] == ["NONE", "NONE", "Regularly", None]
    assert customers["age"] == [21, None, 50, 99]
    assert customers["club_member_status"][3] is None


def test_transactions_are_ordered_and_keep_every_unit(flawless: Path) -> None:
    transactions = read(flawless).transactions.to_pandas()
    assert len(transactions) == 22 + 1
    order = ["t_dat", "customer", "article"]
    pd.testing.assert_frame_equal(
        transactions, transactions.sort_values(order, kind="stable", ignore_index=True)
    )
    first = transactions.iloc[0]
    assert (first.customer, first.article, first.sales_channel_id) == (3, 2, 1)
    assert first.price == pytest.approx(0.010)


def test_the_postal_code_is_included_only_if_params_say_so(flawless: Path) -> None:
    assert "postal_code" not in read(flawless).customers.column_names
    customers = read(flawless, keep_postal_code=True).customers
    assert customers["postal_code"].to_pylist() == ["p0", "p1", "p2", "p3"]


@pytest.mark.parametrize("pack", [zipped, gzipped])
def test_compressed_files_give_the_same_tables(
    flawless: Path, kaggle: Path, pack: Callable[[Path, str], Path]
) -> None:
    for name in ("articles.csv", "customers.csv", "transactions_train.csv"):
        pack(kaggle, name)
    assert read(kaggle) == read(flawless)


def test_the_competition_zip_is_read_without_unpacking_it(flawless: Path, kaggle: Path) -> None:
    into_one_zip(kaggle)
    assert read(kaggle) == read(flawless)
    assert [path.name for path in kaggle.iterdir()] == [f"{COMPETITION}.zip"]


def test_a_byte_order_mark_is_no_part_of_the_first_column(flawless: Path, kaggle: Path) -> None:
    path = kaggle / "articles.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read(kaggle) == read(flawless)


def test_further_columns_are_named_and_ignored(kaggle: Path) -> None:
    replace(kaggle, "transactions_train.csv", "t_dat", "till,t_dat")
    text = (kaggle / "transactions_train.csv").read_text(encoding="utf-8")
    (kaggle / "transactions_train.csv").write_text(text.replace("\n2020", "\n7,2020"))
    source = find_sources(kaggle, keep_postal_code=False)["transactions_train"]
    assert check_header(source) == ["till"]
    assert read(kaggle).transactions.column_names == tables.TRANSACTIONS.names


def test_ids_that_only_transactions_have_get_the_keys_after_all_others(kaggle: Path) -> None:
    sold_by_nobody = [f"2020-09-03,{'9' * 64},{article},0.02,1" for article in ("0999", "0555")]
    add(kaggle, "transactions_train.csv", *sold_by_nobody)
    acquired = read(kaggle)
    assert acquired.article_keys["article_id"].to_pylist()[3:] == ["0555", "0999"]
    assert acquired.customer_keys["customer_id"].to_pylist()[4:] == ["9" * 64]
    assert len(acquired.articles) == 3
    transactions = acquired.transactions.to_pandas()
    assert transactions.article[transactions.customer == 4].tolist() == [3, 4]


def test_a_repeated_article_keeps_both_rows_under_one_key(kaggle: Path) -> None:
    last = (kaggle / "articles.csv").read_text(encoding="utf-8").splitlines()[-1]
    add(kaggle, "articles.csv", last)
    acquired = read(kaggle)
    assert acquired.articles["article"].to_pylist() == [0, 1, 2, 2]
    assert len(acquired.article_keys) == 3


def test_generated_frames_give_the_tables_of_their_files(flawless: Path, on_duckdb: Engine) -> None:
    from_files = read(flawless)
    text = {"article_id": str, "product_code": str}
    generated = typed_tables.type_tables(
        on_duckdb,
        pd.read_csv(flawless / "articles.csv", dtype=text),
        pd.read_csv(flawless / "customers.csv", keep_default_na=False, na_values=[""]),
        from_files.transactions.to_pandas().sample(frac=1, random_state=1),
        keep_postal_code=False,
    )
    assert generated.articles == from_files.articles
    assert generated.customers == from_files.customers
    order = list(tables.TRANSACTIONS.names)
    sold = on_duckdb.to_arrow(generated.transactions.sort(*order))
    assert sold == from_files.transactions.sort_by([(name, "ascending") for name in order])
    assert generated.article_keys == from_files.article_keys


def as_parquet(folder: Path, *, parts: int = 1) -> None:
    """Put parquet in place of the csv files; transactions lie in a folder of so many files."""
    text = {"article_id": pa.string(), "product_code": pa.string()}
    options = arrow_csv.ConvertOptions(column_types=text, strings_can_be_null=True)
    for path in sorted(folder.glob("*.csv")):
        rows = arrow_csv.read_csv(path, convert_options=options)
        target = path.with_suffix(".parquet")
        path.unlink()
        if path.stem == "transactions_train":
            target.mkdir()
            size = -(-rows.num_rows // parts)
            for part in range(parts):
                pq.write_table(rows.slice(part * size, size), target / f"{part}.parquet")
        else:
            pq.write_table(rows, target)


def test_parquet_files_give_the_same_tables(flawless: Path, kaggle: Path) -> None:
    as_parquet(kaggle, parts=3)
    assert read(kaggle) == read(flawless)


def test_an_article_id_stored_as_a_number_has_lost_its_zero_and_is_refused(kaggle: Path) -> None:
    as_parquet(kaggle)
    path = kaggle / "articles.parquet"
    articles = pq.read_table(path)
    numbers = articles["article_id"].cast(pa.int64())
    pq.write_table(articles.set_column(0, "article_id", numbers), path)
    with pytest.raises(BadInput, match=r"article_id of articles\.parquet is text(.|\n)*int64"):
        read(kaggle)


def test_a_channel_that_fits_no_small_number_is_refused(kaggle: Path) -> None:
    replace(kaggle, "transactions_train.csv", "0.010,1", "0.010,1000")
    as_parquet(kaggle)
    with pytest.raises(BadInput, match=r"every sales_channel_id (.|\n)*1000"):
        read(kaggle)


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pyspark leaves them open
@pytest.mark.parametrize("pack", [lambda _: None, as_parquet], ids=["csv", "parquet"])
def test_both_engines_write_the_same_bytes(
    kaggle: Path, on_duckdb: Engine, on_spark: Engine, pack: Callable[[Path], None]
) -> None:
    sold_by_nobody = [f"2020-09-03,{'9' * 64},{article},0.02,1" for article in ("0999", "0555")]
    nameless = ["2020-09-04,,0555,0.02,2", f"2020-09-04,{'9' * 64},,0.02,2"]
    add(kaggle, "transactions_train.csv", *sold_by_nobody, *nameless)
    pack(kaggle)
    written = kaggle.with_name("kaggle-tables")
    acquired = read(kaggle, engine=on_duckdb)
    assert acquired.customer_keys["customer_id"].to_pylist()[4:] == [None, "9" * 64]
    assert acquired.article_keys["article_id"].to_pylist()[3:] == [None, "0555", "0999"]
    by_duckdb = {path.name: path.read_bytes() for path in written.iterdir()}
    read(kaggle, engine=on_spark)
    assert {path.name: path.read_bytes() for path in written.iterdir()} == by_duckdb


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damage(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(bytes(content))


def no_folder(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def no_articles(folder: Path) -> None:
    (folder / "articles.csv").unlink()


def an_empty_folder(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def two_of_a_kind(folder: Path) -> None:
    content = (folder / "customers.csv").read_bytes()
    zipped(folder, "customers.csv")
    (folder / "customers.csv").write_bytes(content)


def competition_zip_and_csv(folder: Path) -> None:
    content = (folder / "customers.csv").read_bytes()
    into_one_zip(folder)
    (folder / "customers.csv").write_bytes(content)


def truncated_zip(folder: Path) -> None:
    cut_in_half(zipped(folder, "transactions_train.csv"))


def damaged_zip(folder: Path) -> None:
    path = folder / "transactions_train.csv.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.write(folder / "transactions_train.csv", "transactions_train.csv")
    (folder / "transactions_train.csv").unlink()
    damage(path, path.read_bytes().index(b"0.010"))


def zip_of_something_else(folder: Path) -> None:
    (folder / "customers.csv").rename(folder / "people.csv")
    zipped(folder, "people.csv").rename(folder / "customers.csv.zip")


def truncated_gzip(folder: Path) -> None:
    cut_in_half(gzipped(folder, "customers.csv"))


def gzip_in_name_only(folder: Path) -> None:
    (folder / "customers.csv").rename(folder / "customers.csv.gz")


def empty_file(folder: Path) -> None:
    (folder / "customers.csv").write_text("")


def header_only(folder: Path) -> None:
    path = folder / "transactions_train.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")


def renamed_column(folder: Path) -> None:
    replace(folder, "articles.csv", "article_id", "id")


def repeated_column(folder: Path) -> None:
    replace(folder, "customers.csv", "postal_code", "age")


def semicolons(folder: Path) -> None:
    path = folder / "transactions_train.csv"
    path.write_text(path.read_text().replace(",", ";"))


def latin_1(folder: Path) -> None:
    path = folder / "articles.csv"
    path.write_bytes(path.read_bytes().replace(b"Plain vest", b"Plain v\xeast", 1))


def utf_16(folder: Path) -> None:
    path = folder / "customers.csv"
    path.write_text(path.read_text(), encoding="utf-16")


def price_in_words(folder: Path) -> None:
    replace(folder, "transactions_train.csv", "0.010", "abc")


def impossible_day(folder: Path) -> None:
    replace(folder, "transactions_train.csv", "2020-09-02", "2020-13-45")


def american_day(folder: Path) -> None:
    replace(folder, "transactions_train.csv", "2020-09-01", "09/01/2020")


def channel_in_words(folder: Path) -> None:
    replace(folder, "transactions_train.csv", "0.010,1", "0.010,store")


def age_in_words(folder: Path) -> None:
    replace(folder, "customers.csv", "21.0", "x")


def half_a_year(folder: Path) -> None:
    replace(folder, "customers.csv", "21.0", "21.5")


def type_number_in_words(folder: Path) -> None:
    replace(folder, "articles.csv", "253", "vest")


def short_line(folder: Path) -> None:
    add(folder, "transactions_train.csv", "2020-09-22,truncated")


def long_line(folder: Path) -> None:
    add(folder, "customers.csv", "a,,,ACTIVE,NONE,1,234,p9")


def open_quote(folder: Path) -> None:
    replace(folder, "articles.csv", 'cut straight"', "cut straight")


BROKEN = [
    (no_folder, "are in one folder", "no folder", "make real DATA="),
    (no_articles, "holds articles.csv", "customers.csv, transactions_train.csv", "kaggle compet"),
    (
        an_empty_folder,
        "holds articles.csv as .csv, .csv.zip or .csv.gz",
        "an empty folder",
        "downl",
    ),
    (two_of_a_kind, "one file for customers.csv", "customers.csv, customers.csv.zip", "leave the"),
    (competition_zip_and_csv, "one file for customers.csv", f"{COMPETITION}.zip", "leave the"),
    (truncated_zip, "transactions_train.csv.zip is complete", "BadZipFile", "download it again"),
    (damaged_zip, "transactions_train.csv.zip is complete", "Bad CRC-32", "download it again"),
    (zip_of_something_else, "customers.csv.zip contains customers.csv", "people.csv", "Kaggle's"),
    (truncated_gzip, "customers.csv.gz is complete", "EOFError", "download it again"),
    (gzip_in_name_only, "customers.csv.gz is complete", "BadGzipFile", "download it again"),
    (empty_file, "customers.csv has a header line", "an empty file", "unchanged"),
    (header_only, "transactions_train.csv has rows", "a header only", "unchanged"),
    (renamed_column, "articles.csv has the column article_id", "id, product_code, ", "unchanged"),
    (repeated_column, "customers.csv names each column once", "age twice", "unchanged"),
    (semicolons, "transactions_train.csv has the columns t_dat", "t_dat;customer_id", "unchanged"),
    (latin_1, "articles.csv is encoded as UTF-8", "column prod_name, line 2", "save it as UTF-8"),
    (utf_16, "customers.csv is encoded as UTF-8", "the header", "save it as UTF-8"),
    (price_in_words, "every price of transactions_train.csv is a number", "'abc'", "unchanged"),
    (impossible_day, "t_dat of transactions_train.csv is a day", "line 3: .*'2020-13-45'", "unch"),
    (american_day, "is a day written YYYY-MM-DD", "line 2: .*'09/01/2020'", "unchanged"),
    (channel_in_words, "every sales_channel_id .* is a whole number", "line 2: .*'store'", "unch"),
    (age_in_words, "every age of customers.csv is a number", "line 2: .*'x'", "unchanged"),
    (half_a_year, "every age of the customers is a whole number", "21.5", "unchanged"),
    (type_number_in_words, "every product_type_no of articles.csv", "line 2: .*'vest'", "unch"),
    (
        short_line,
        "every line of transactions_train.csv has 5 fields",
        "line 25: 2: 20",
        "unchanged",
    ),
    (long_line, "every line of customers.csv has 7 fields", "line 6: 8: a,,,ACTIVE", "unchanged"),
    (open_quote, "articles.csv", "line 2: 26: 0108775015", "unchanged"),
]


@pytest.mark.parametrize(
    ("break_it", "rule", "found", "fix"), BROKEN, ids=[case[0].__name__ for case in BROKEN]
)
def test_broken_files_are_refused_and_earlier_tables_stay(
    kaggle: Path, break_it: Callable[[Path], None], rule: str, found: str, fix: str
) -> None:
    earlier = kaggle.with_name("tables")
    (earlier / "truth").mkdir(parents=True)
    (earlier / "articles.parquet").write_bytes(b"earlier")
    break_it(kaggle)
    with pytest.raises(BadInput) as refusal:
        stage.main(params_file(kaggle.parent, source="kaggle"), kaggle, earlier, NO_EVENTS)
    assert re.search(rule, refusal.value.rule)
    assert re.search(found, refusal.value.found)
    assert fix in refusal.value.fix
    assert (earlier / "articles.parquet").read_bytes() == b"earlier"
    assert not list(earlier.parent.glob("tables.*"))


def params_file(folder: Path, *, source: str) -> Path:
    path = folder / "params.yaml"
    path.write_text(
        f"acquire: {{source: {source}, keep_postal_code: false, feedback: true}}\n"
        "synthetic: {size: tiny, seed: 7, events: []}\n"
        f"engine: {DUCKDB.model_copy(update={'spill': folder / 'spill'}).model_dump_json()}\n"
    )
    return path


def test_the_stage_replaces_all_tables_at_once(kaggle: Path) -> None:
    written = kaggle.with_name("tables")
    (written / "truth").mkdir(parents=True)
    stage.main(params_file(kaggle.parent, source="kaggle"), kaggle, written, NO_EVENTS)
    names = {*NAMES, "unlikes"}
    assert {path.name for path in written.iterdir()} == {f"{name}.parquet" for name in names}
    for name in names:
        schema = getattr(tables, name.upper())
        assert pq.read_schema(written / f"{name}.parquet").equals(schema)


def test_the_same_files_give_the_same_bytes(kaggle: Path) -> None:
    params = params_file(kaggle.parent, source="kaggle")
    for name in ("once", "twice"):
        stage.main(params, kaggle, kaggle.with_name(name), NO_EVENTS)
    for path in kaggle.with_name("once").iterdir():
        assert path.read_bytes() == (kaggle.with_name("twice") / path.name).read_bytes()


def test_the_demo_is_generated_and_the_log_says_that_kaggle_files_are_not_read(
    kaggle: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written = kaggle.with_name("tables")
    stage.main(params_file(kaggle.parent, source="synthetic"), kaggle, written, NO_EVENTS)
    assert "is not read: acquire.source is synthetic" in caplog.text
    assert any((written / "truth").iterdir())
    assert pq.read_schema(written / "transactions.parquet").equals(tables.TRANSACTIONS)
    assert pq.read_metadata(written / "articles.parquet").num_rows > 3


def test_an_empty_folder_holds_no_kaggle_files(tmp_path: Path, flawless: Path) -> None:
    assert not holds_kaggle_files(tmp_path)
    assert holds_kaggle_files(flawless)


def test_a_stage_that_dies_half_way_leaves_the_earlier_folder(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "old").touch()

    def die() -> None:
        with replaced_folder(folder) as unfinished:
            (unfinished / "new").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die()
    assert [path.name for path in tmp_path.rglob("*")] == ["tables", "old"]
