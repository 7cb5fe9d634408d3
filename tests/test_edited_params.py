"""Values of params.yaml that a program sets; nothing else in the file changes."""

from pathlib import Path

import pytest
import yaml

from hemline.edited_params import remove_item, set_value

TEXT = """\
data:
  cut: '2020-09-16'   # quoted: DVC refuses bare dates
monitor:
  country: null       # a code such as GB
  steady:
  - price             # of which no season is expected
"""


@pytest.fixture
def params(tmp_path: Path) -> Path:
    path = tmp_path / "params.yaml"
    path.write_text(TEXT)
    return path


def test_setting_one_value_leaves_every_other_line_as_it_was(params: Path) -> None:
    changed = set_value(params, "data", "cut", "2020-09-23")
    assert changed == "params.yaml: data.cut was 2020-09-16, is now 2020-09-23"
    assert params.read_text() == TEXT.replace("09-16", "09-23")


def test_a_null_is_written_as_the_word(params: Path) -> None:
    changed = set_value(params, "data", "cut", None)
    assert changed == "params.yaml: data.cut was 2020-09-16, is now null"
    assert params.read_text() == TEXT.replace("'2020-09-16'   #", "null           #")


def test_setting_what_is_there_changes_nothing(params: Path) -> None:
    assert set_value(params, "monitor", "country", None) == ""
    assert params.read_text() == TEXT


def test_the_last_item_of_a_list_leaves_an_empty_one(params: Path) -> None:
    assert remove_item(params, "monitor", "steady", "price")
    assert yaml.safe_load(params.read_text())["monitor"] == {"country": None, "steady": []}
    assert not remove_item(params, "monitor", "steady", "price")
    assert not remove_item(params, "monitor", "holidays", "price")
