"""Where a table lies is said without a password."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hemline.data.acquire.location import Location, secret_in
from hemline.data.acquire.source_params import SourceParams
from hemline.errors import BadInput

COLUMNS = "columns: {t_dat: d, customer_id: c, article_id: a}"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://shop:s3cret@db/sales",
        "postgresql://shop:@db/sales",
        "postgresql:///sales?password=s3cret",
        "snowflake://shop@account/db?token=s3cret",
        "s3://AKIA:s3cret@bucket/sales.csv",
        "https://account.blob.core.windows.net/sales.csv?sv=1&sig=s3cret",
        "s3://bucket/x?aws_secret_access_key=s3cret",
    ],
)
def test_a_password_in_params_is_refused_and_not_repeated(tmp_path: Path, url: str) -> None:
    params = tmp_path / "params.yaml"
    params.write_text(f"source:\n  transactions: {{url: '{url}', table: sales, {COLUMNS}}}\n")
    with pytest.raises(BadInput, match="has no password") as refusal:
        SourceParams.load(params)
    assert "s3cret" not in str(refusal.value)
    assert "source.transactions.password_from: SHOP_DB_PASSWORD" in str(refusal.value)
    with pytest.raises(ValidationError):
        Location(url=url)


def test_a_user_a_port_and_an_option_are_no_password() -> None:
    for url in (
        "postgresql://shop@db:5432/sales?sslmode=require",
        "bigquery://project/dataset?credentials_path=/secrets/key.json",
        "s3://bucket/a:b/sales.csv?region=eu-west-1",
    ):
        assert secret_in(url) is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"url": "postgresql://db/x"}, "either a `table` or a `query`"),
        ({"url": "postgresql://db/x", "table": "a", "query": "b"}, "either a `table` or a `query`"),
        ({"url": "sqlite:///x", "table": "a", "file": "b"}, "either a `file` or a `url`"),
        ({"file": "a", "query": "b"}, "need the url of a database"),
        ({"url": "s3://b/x.csv", "password_from": "P"}, "are for databases"),
        ({"url": "db/x", "table": "a"}, "a URL: postgresql"),
        ({"url": "postgresql://db/x", "table": "a", "user_from": "a b"}, "environment variable"),
    ],
)
def test_a_place_is_said_in_one_way(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Location(**given)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"file": "sales.csv"}, "sales.csv"),
        ({"url": "sqlite:////x.db", "table": "a"}, "fetched/transactions"),
        ({"url": "s3://b/2020/sales.CSV.gz"}, "fetched/transactions.CSV.gz"),
        ({"url": "gs://b/table.parquet"}, "fetched/transactions.parquet"),
        ({"url": "az://b/folder/v1.2"}, "fetched/transactions"),
    ],
)
def test_a_table_has_one_path_in_the_folder_of_the_data(
    given: dict[str, Any], expected: str
) -> None:
    assert Location(**given).local_name("transactions") == expected
