from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hemline import columns, tables
from hemline.arrays import lay_out
from hemline.data.histories import Histories, load_histories, save_histories
from hemline.data.history_building import build_histories, read_unlikes
from hemline.data.unlikes import Unlikes

FIRST, LATER, LAST = (date(2020, 9, day) for day in (1, 5, 9))
UNLIKES = pd.DataFrame(
    [(FIRST, 2, 4, None), (FIRST, 0, 1, LATER), (LATER, 2, 0, None)], columns=tables.UNLIKES.names
)
PURCHASES = pd.DataFrame(
    [(0, 1), (0, 2), (2, 0), (2, 4), (3, 4)], columns=[columns.CUSTOMER, columns.ARTICLE]
).assign(**{columns.DAY: pd.Timestamp(2020, 8, 31), columns.UNITS: 1})


def known_at(cut: date) -> Histories:
    return build_histories(PURCHASES, cut=cut, n_customers=4, n_articles=5, unlikes=UNLIKES)


def pairs(unlikes: Unlikes) -> list[tuple[int, int]]:
    return list(zip(unlikes.rows.tolist(), unlikes.articles.tolist(), strict=True))


@pytest.mark.parametrize(
    ("cut", "unliked"),
    [
        (FIRST, []),  # on its day nothing is known of it yet, as of a purchase
        (date(2020, 9, 2), [(0, 1), (2, 4)]),
        (LATER, [(0, 1), (2, 4)]),  # nor of the undo on its own
        (date(2020, 9, 6), [(2, 0), (2, 4)]),
        (LAST, [(2, 0), (2, 4)]),
    ],
)
def test_an_unlike_holds_at_the_cuts_after_its_day_and_up_to_its_undo(
    cut: date, unliked: list[tuple[int, int]]
) -> None:
    known = known_at(cut)
    assert pairs(known.unlikes) == unliked
    bought = [(customer, article) for customer, article in [(0, 1), (0, 2), (2, 0), (2, 4), (3, 4)]]
    rows, articles = known.units.nonzero()
    found = list(zip(rows.tolist(), articles.tolist(), strict=True))
    assert found == [pair for pair in bought if pair not in unliked]


def test_rows_in_any_order_have_their_own_unlikes() -> None:
    known = known_at(LAST)
    assert pairs(known.rows(np.array([3, 2, 0, 2])).unlikes) == [(1, 0), (1, 4), (3, 0), (3, 4)]
    assert [known.unlikes.of_row(row).tolist() for row in range(4)] == [[], [], [0, 4], []]
    assert known.unlikes.include(np.array([[2], [1]]), np.array([[4, 1, 0, -1]] * 2)).tolist() == [
        [True, False, True, False],
        [False] * 4,
    ]
    renamed = known.unlikes.in_articles(np.array([7, 1, 2, 3, -1]))
    assert pairs(renamed) == [(2, 7)]


def test_a_file_of_histories_holds_the_unlikes_and_an_earlier_one_none(tmp_path: Path) -> None:
    path = tmp_path / "histories.npz"
    save_histories(known_at(LAST), path)
    assert pairs(load_histories(path).unlikes) == [(2, 0), (2, 4)]
    lay_out(path, tmp_path)
    assert pairs(Unlikes.load(tmp_path / "histories")) == [(2, 0), (2, 4)]
    for name in ("unliked", "unliked_by"):
        (tmp_path / "histories" / f"{name}.npy").unlink()
    path.unlink()
    assert pairs(Unlikes.load(tmp_path / "histories")) == []
    assert pairs(load_histories(path).unlikes) == []


def test_tables_of_before_the_shop_have_no_unlikes(tmp_path: Path) -> None:
    path = tmp_path / "unlikes.parquet"
    assert read_unlikes(path).empty
    tables.write_table(UNLIKES, path, tables.UNLIKES)
    assert pairs(Unlikes.at(read_unlikes(path), LAST)) == [(2, 0), (2, 4)]
