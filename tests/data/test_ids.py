"""Ids that no page, log or terminal could show are refused in every file, on both engines."""

from pathlib import Path

import pytest

from hemline.data.acquire.kaggle_files import find_sources
from hemline.data.acquire.typed_tables import read_tables
from hemline.engine.engine import Engine
from hemline.errors import BadInput

WRONG = {
    "an escape": "0108775\x1b[31m",
    "a line break": '"0108775\n15"',
    "a tab": "0108775\t15",
    "a C1 control": "0108775\x9b15",
    "a right-to-left mark": "0108775\u202e15",
    "a line separator": "0108775\u2028",
    "201 characters": "0" * 201,
    "a million characters": "0" * 1_000_000,
}


@pytest.mark.parametrize("name", ["articles.csv", "transactions_train.csv"])
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_an_id_that_cannot_be_shown_is_refused(
    kaggle: Path, on_duckdb: Engine, name: str, wrong: str
) -> None:
    path = kaggle / name
    path.write_text(path.read_text().replace("0108775015", wrong, 1))
    with pytest.raises(BadInput, match=r"article_id is text of at most 200 printable") as refusal:
        read_tables(on_duckdb, find_sources(kaggle, keep_postal_code=False))
    assert refusal.value.found.isprintable()
    assert len(refusal.value.found) <= 200


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # pyspark leaves them open
def test_spark_refuses_the_same_id(kaggle: Path, on_spark: Engine) -> None:
    path = kaggle / "transactions_train.csv"
    path.write_text(path.read_text().replace("0108775015", "0108775\x1b15", 1))
    with pytest.raises(BadInput, match=r"printable(.|\n)*'0108775\\x1b15'"):
        read_tables(on_spark, find_sources(kaggle, keep_postal_code=False))


def test_other_letters_and_200_characters_are_an_id_for_validation_to_judge(
    kaggle: Path, on_duckdb: Engine
) -> None:
    path = kaggle / "articles.csv"
    path.write_text(path.read_text().replace("0108775015", "é 衣" + "0" * 197, 1))
    read = read_tables(on_duckdb, find_sources(kaggle, keep_postal_code=False))
    assert read.article_keys["article_id"][0].as_py() == "é 衣" + "0" * 197
