"""A column is called what the shop calls it, as far as its files are described."""

import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from monitoring.column_names import USUAL, ColumnNames
from tests.tiny_project import REPOSITORY

SOURCE = {
    "transactions": {
        "file": "till.csv",
        "columns": {
            "t_dat": "Date",
            "customer_id": "Client",
            "article_id": "SKU",
            "price": "Unit price",
            "sales_channel_id": "Till",
        },
    },
    "articles": {"columns": {"product_group_name": "Category"}, "attributes": {"Fit_name": "text"}},
    "price": {"currency": "SEK"},
    "customers": {"columns": {"age": "Years", "club_member_status": "Tier"}},
}


@pytest.fixture
def params(tmp_path: Path) -> Path:
    path = tmp_path / "params.yaml"
    shutil.copy(REPOSITORY / "params.yaml", path)
    editor = YAML()
    content = editor.load(path)
    content["acquire"]["source"], content["source"] = "mapped", SOURCE
    editor.dump(content, path)
    return path


def test_what_a_description_names_is_called_so(params: Path) -> None:
    names = ColumnNames.of(params)
    ours = ("product_group_name", "age_band", "club_member_status", "sales_channel_id")
    assert [names.label(one) for one in ours] == ["Category", "Years", "Tier", "Till"]
    assert names.signal("recommendations", "product_group_name", "all") == "listed Category"


def test_an_attribute_under_its_own_name_is_shown_as_it_is(params: Path) -> None:
    assert ColumnNames.of(params).label("Fit_name") == "Fit_name"


def test_what_is_measured_keeps_its_own_name(params: Path) -> None:
    assert ColumnNames.of(params).label("price") == "like-for-like price"
    assert ColumnNames.of(params).signal("recommendations", "repeat_share", "all") == "repeat share"


def test_a_price_level_has_the_shops_currency(params: Path) -> None:
    names = ColumnNames.of(params)
    assert names.category("price_level", "100 to 150") == "100 to 150 SEK"
    assert names.category("price_level", "no price") == "no price"


def test_a_description_of_other_files_names_nothing(params: Path) -> None:
    text = params.read_text().replace("source: mapped", "source: kaggle")
    params.write_text(text)
    assert ColumnNames.of(params) == USUAL
    assert USUAL.label("product_group_name") == "product group"
