"""Which groups each article is in: product group, index, index group, section, garment group.

A shop without product groups has its own: the first of its categories, whatever it is called,
stands for them, in filters, in the season and in the shop's order. Of a shop without any category
all articles are of one group without a name.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hemline import tables
from hemline.arrays import load_array
from hemline.data.article_attributes import is_number, n_values, own_categories

GROUPED: Final = (
    "product_group_name",
    "index_name",
    "index_group_name",
    "section_name",
    "garment_group_name",
)
"""Usual columns by which the shop may name a group of articles (section answers of params.yaml)."""


def grouping_columns(articles: pa.Table) -> tuple[str, ...]:
    """Return the columns by which articles are grouped, that of the product groups first."""
    own = [
        name for name in own_categories(articles, tables.ARTICLES) if not is_number(articles, name)
    ]
    first = [GROUPED[0]] if n_values(articles, GROUPED[0]) > 1 or not own else own[:1]
    return tuple(dict.fromkeys([*first, *GROUPED[1:], *own]))


@dataclass(frozen=True)
class GroupCodes:
    """The groups of every article.

    Attributes:
        names: by column, the names of the groups; empty for articles without one.
        codes: int32 of shape (columns, articles), the position of each article's group.
    """

    names: tuple[tuple[str, ...], ...]
    codes: npt.NDArray[np.int32]

    @property
    def product_group(self) -> npt.NDArray[np.int32]:
        """The product group of each article, a position in `names[0]`."""
        return np.asarray(self.codes[0])

    def in_any(self, names: Collection[str]) -> npt.NDArray[np.bool_]:
        """Return whether each article is in a group of one of these names, of any column."""
        found = np.zeros(self.codes.shape[1], bool)
        for column in range(len(self.names)):
            found |= self._in_column(column, names)
        return found

    def in_product_groups(self, names: Collection[str]) -> npt.NDArray[np.bool_]:
        """Return whether each article is in one of these product groups."""
        return self._in_column(0, names)

    def _in_column(self, column: int, names: Collection[str]) -> npt.NDArray[np.bool_]:
        is_named = np.array([name in names for name in self.names[column]], bool)
        return np.asarray(is_named[self.codes[column]])

    @classmethod
    def of(cls, table: pa.Table) -> Self:
        """Return the groups of a table of articles with all their columns (grouping_columns)."""
        coded = [
            table[column].combine_chunks().fill_null("").dictionary_encode()
            for column in grouping_columns(table)
        ]
        names = tuple(tuple(column.dictionary.to_pylist()) for column in coded)
        codes = [column.indices.to_numpy(zero_copy_only=False) for column in coded]
        return cls(names, np.stack(codes).astype(np.int32))

    def save(self, folder: Path) -> None:
        """Write names and codes to a folder of arrays to be mapped."""
        (folder / "groups.json").write_text(json.dumps(self.names), encoding="utf-8")
        np.save(folder / "groups.npy", self.codes)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the groups saved in a folder."""
        names = json.loads((folder / "groups.json").read_text(encoding="utf-8"))
        return cls(tuple(map(tuple, names)), load_array(folder / "groups.npy"))
