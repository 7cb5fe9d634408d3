"""What a description does not decide is refused with the place and the key that would."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hemline.engine.engine import Engine
from hemline.errors import BadInput
from tests.data.small_shop import (
    Description,
    acquire,
    description,
    lines,
    write_csv,
)
from tests.data.spellings import (
    Spelling,
    as_csv,
    describe,
    london,
    with_section,
)


def one_line(**change: Any) -> Callable[[Path, Description], None]:
    def write(folder: Path, described: Description) -> None:
        new = change.keys() - lines()[0].keys()
        rows = [row | dict.fromkeys(new, "EUR") for row in lines()]
        rows[2] |= change
        write_csv(folder / "sales.csv", rows)
        for ours, theirs in {"currency": "Currency"}.items():
            if theirs in change:
                described["transactions"]["columns"][ours] = theirs

    return write


def mapped_to(**change: str) -> Callable[[Path, Description], None]:
    def write(folder: Path, described: Description) -> None:
        write_csv(folder / "sales.csv", lines())
        described["transactions"]["columns"] |= change

    return write


REFUSED: dict[str, tuple[Spelling, str]] = {
    "a negative price": (
        one_line(Price=-1.0), r"every Price .* 0 or more in a sale(.|\n)*line 4: -1.0",
    ),
    "returns without a policy": (one_line(Qty=-3), r"line 4: -3(.|\n)*source.returns"),
    "guests without a policy": (one_line(Client=None), r"line 4: none(.|\n)*source.guests"),
    "two currencies": (one_line(Currency="USD"), r"found: EUR, USD(.|\n)*source.price.only"),
    "a currency without a rate": (
        with_section(one_line(Currency="USD"), price={"currency": "EUR", "rates": {"GBP": 1.2}}),
        r"one of EUR, GBP(.|\n)*line 4: 'USD'",
    ),
    "a fraction of a unit": (one_line(Qty=1.5), r"every Qty .* whole number(.|\n)*line 4: 1.5"),
    "no units": (one_line(Qty=None), r"every Qty .* whole number(.|\n)*line 4: None"),
    "another decimal sign": (one_line(Price="1,5"), r"decimal sign '\.'(.|\n)*line 4: '1,5'"),
    "latin-1 undeclared": (
        as_csv(encoding="latin-1"), r"UTF-8(.|\n)*set source.transactions.encoding",
    ),
    "an encoding that is not that of the file": (
        describe(as_csv(encoding="utf-16"), encoding="cp932"), r"encoded as cp932(.|\n)*line 2",
    ),
    "another delimiter": (as_csv(delimiter=";"), r"columns(.|\n)*Date;Client;SKU"),
    "a column that is not there": (mapped_to(price="Cost"), r"column Cost\n(.|\n)*Date, Client"),
    "a day of another format": (one_line(Date="25.03.2011"), r"line 4: '25.03.2011'"),
    "a day that is none": (
        with_section(one_line(Date="31/02/2011"), days={"format": "%d/%m/%Y"}),
        r"format %d/%m/%Y\n(.|\n)*line 2",
    ),
    "a moment without a zone": (
        as_csv(day=lambda t: f"{london(t).isoformat()}"), r"set days.zone",
    ),
    "a day that no shop has seen": (one_line(Date="0999-01-01"), "between 1900|line 4"),
    "an id that a spreadsheet rounded": (
        one_line(Client="1.23457E+12"), r"spreadsheet has rounded(.|\n)*line 4",
    ),
    "an id that cannot be shown": (one_line(SKU="a\x1bb"), r"printable characters"),
    "a file that is not there": (
        describe(as_csv(), file="other.csv"), r"holds other.csv(.|\n)*sales.csv",
    ),
    "a path": (describe(as_csv(), file="../sales.csv"), "is the name of a file"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_needs_a_person_is_refused_with_the_place_and_the_key(
    on_duckdb: Engine, tmp_path: Path, name: str
) -> None:
    spelling, pattern = REFUSED[name]
    described = description()
    spelling(tmp_path, described)
    with pytest.raises(BadInput, match=pattern) as refusal:
        acquire(on_duckdb, tmp_path, described)
    assert "Kaggle" not in str(refusal.value)
