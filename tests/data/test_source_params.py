"""What section `source` may say: a wrong description is refused with its key and line."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from hemline import columns
from hemline.data.acquire.source_params import SourceParams
from hemline.errors import BadInput
from hemline.segments.behaviour import BEHAVIOURS
from monitoring.column_names import _LABELS
from monitoring.habits import TASTE
from tests.data.small_shop import Description, description

REQUIRED = {"t_dat": "Date", "customer_id": "Client", "article_id": "SKU"}

WRONG: dict[str, tuple[Description, str]] = {
    "an unknown name of ours": (
        {"transactions": {"columns": {"when": "Date"}}}, r"source.transactions.columns.when",
    ),
    "no customer": (
        {"transactions": {"columns": {"t_dat": "Date", "article_id": "SKU"}}},
        r"transactions.columns names customer_id",
    ),
    "a market without the ones that are read": (
        {"transactions": {"columns": {**REQUIRED, "market": "Country"}}}, r"needs markets.only",
    ),
    "markets without their column": (
        {"markets": {"only": ["DE"]}}, r"markets.only needs transactions.columns.market",
    ),
    "a delimiter of two characters": (
        {"transactions": {"delimiter": "||"}}, r"one ASCII character",
    ),
    "an encoding that nobody knows": ({"transactions": {"encoding": "utf-9"}}, r"cp1252"),
    "a zone that is none": ({"days": {"zone": "London time"}}, r"Europe/London"),
    "a pattern that is none": ({"not_articles": {"pattern": "("}}, r"regular expression"),
    "a product without a group": ({"product_code": {"pattern": "^A"}}, r"first group"),
    "types without their column": (
        {"returns": {"policy": "net", "types": ["R"]}}, r"returns.types needs .*line_type",
    ),
    "rates without a currency": (
        {"transactions": {"columns": {"currency": "C"}}, "price": {"rates": {"USD": 1.2}}},
        r"price.rates needs price.currency",
    ),
    "an attribute of our name": ({"customers": {"attributes": {"AGE": "number"}}}, r"unlike age"),
    "a column of articles that is not ours": (
        {"articles": {"columns": {"season": "Season"}}}, r"not season: keep .* under attributes",
    ),
    "a file without ids": ({"articles": {"file": "a.csv"}}, r"articles.columns names article_id"),
    "rules without transactions": ({"transactions": None}, r"a description has `transactions`"),
    "a policy that is none": ({"guests": {"policy": "keep"}}, r"source.guests.policy"),
    "a misspelled key": ({"guest": {"policy": "drop"}}, r"source.guest"),
}  # fmt: skip


def merged(into: Description, change: Any) -> Any:
    if not isinstance(change, dict):
        return change
    kept = {} if "columns" in change and "t_dat" in change["columns"] else into
    return {**into, **{name: merged(kept.get(name, {}), one) for name, one in change.items()}}


def load(folder: Path, source: Any) -> SourceParams:
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump({"source": source}), encoding="utf-8")
    return SourceParams.load(path)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_description_is_refused_with_its_key(tmp_path: Path, name: str) -> None:
    change, pattern = WRONG[name]
    with pytest.raises(BadInput, match=pattern) as refusal:
        load(tmp_path, merged(description(), change))
    assert "in line" in refusal.value.found


def test_an_empty_section_describes_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, None).transactions is None


def test_ids_of_digits_are_text_whatever_yaml_makes_of_them(tmp_path: Path) -> None:
    source = description() | {"not_articles": {"ids": [10002, "0012"]}}
    assert load(tmp_path, source).not_articles.ids == ("10002", "0012")


@pytest.mark.parametrize(
    "name", sorted({*BEHAVIOURS, TASTE, *_LABELS, columns.CLUSTER, "buyers", "volume"})
)
@pytest.mark.parametrize("table", ["articles", "customers"])
def test_an_attribute_has_no_name_that_is_made_here(tmp_path: Path, name: str, table: str) -> None:
    described = merged(description(), {table: {"attributes": {name.upper(): "text"}}})
    with pytest.raises(BadInput, match="names that Hemline does not use itself"):
        load(tmp_path, described)
