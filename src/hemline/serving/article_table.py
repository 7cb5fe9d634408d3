"""The articles of a version as a shopper sees them, mapped from an Arrow file.

A description is read from the mapped file when it is shown, so a worker holds none of the texts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from hemline import columns, tables
from hemline.arrays import load_array
from hemline.data.article_attributes import own_columns, own_texts
from hemline.data.identifiers import unknown_article
from hemline.errors import BadInput
from hemline.serving.group_codes import GROUPED, GroupCodes, grouping_columns
from hemline.serving.id_index import IdIndex

_SHOWN: Final = {
    "article_id": columns.ARTICLE_ID,
    "product_code": columns.PRODUCT_CODE,
    "name": "prod_name",
    "product_type": "product_type_name",
    "product_group": "product_group_name",
    "colour": "colour_group_name",
    "pattern": "graphical_appearance_name",
    "department": "department_name",
    "description": "detail_desc",
}
_FOUND_BY: Final = ("prod_name", "product_type_name", "colour_group_name")
_SEARCHED: Final = "searched"
_CURRENCY: Final = b"currency"
_N_CACHED: Final = 8192


_KNOWN: Final = pa.schema([*tables.ARTICLES, pa.field(_SEARCHED, pa.string())])


@dataclass(frozen=True)
class Article:
    """One article; a text that the tables lack is empty.

    Attributes:
        price: mean of what was lately paid for one, in the tables' unit; None where nobody paid.
        more: the shop's own attributes by their names; those that are missing are left out.
        currency: of the price; empty where the shop names none.
    """

    article_id: str
    product_code: str
    name: str
    product_type: str
    product_group: str
    colour: str
    pattern: str
    department: str
    description: str
    price: float | None
    more: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""

    @property
    def costs(self) -> str:
        """What is paid for one, in words; empty where nobody paid or the unit has no name."""
        if self.price is None or not self.currency:
            return ""
        return f"{self.price:,.2f} {self.currency}"


class ArticleTable:
    """All articles of a version, by key.

    Attributes:
        groups: that each article is in.
        products: int32 of shape (articles,), equal where the product code is equal.
        prices: float32 of the same shape, NaN where nobody paid.
        sold: float32 of the same shape, units sold in the last four weeks before the cut.
        currency: of the prices; empty where the shop names none.
    """

    def __init__(
        self,
        texts: pa.RecordBatch,
        index: IdIndex,
        groups: GroupCodes,
        products: npt.NDArray[np.int32],
        prices: npt.NDArray[np.float32],
        sold: npt.NDArray[np.float32],
    ) -> None:
        """Take what `save_articles` has written."""
        self.groups = groups
        self.products = products
        self.prices = prices
        self.sold = sold
        self.currency = (texts.schema.metadata or {}).get(_CURRENCY, b"").decode()
        self._texts = texts
        self._index = index
        self._shown = [texts.column(name) for name in _SHOWN.values()]
        self._more = own_columns(pa.Table.from_batches([texts]), _KNOWN)
        self.describe = lru_cache(_N_CACHED)(self._describe)

    def __len__(self) -> int:
        return len(self.products)

    @property
    def ids(self) -> pa.Array:
        """The article_id of each key."""
        return self._shown[0]

    def id_of(self, article: int) -> str:
        """Return the article_id of a key."""
        return str(self._shown[0][article])

    def find(self, article_id: str) -> int:
        """Return the key of an article_id; raises BadInput where there is no such article."""
        key = self._index.key_of(article_id)
        if key is None:
            raise unknown_article(article_id, self._index.key_of, self._ids_starting_with)
        return key

    def product_groups(self) -> list[str]:
        """Return the names of the product groups, sorted."""
        return sorted(filter(None, self.groups.names[0]))

    def require_groups(self, names: Sequence[str]) -> None:
        """Raise BadInput if one of the names is no product group."""
        known = self.product_groups()
        unknown = [name for name in names if name not in known]
        if unknown:
            raise BadInput(
                f"a product group is one of {', '.join(known)}",
                found=", ".join(map(repr, unknown)),
                fix="use one of them, or leave it out",
            )

    def search(self, text: str, n: int, *, per_product: int = 0) -> list[int]:
        """Return up to n keys, best-selling first, by words of name, type, colour and own texts.

        Args:
            text: each of its words is the start of one of an article's.
            n: length of the list, at most.
            per_product: how many articles of one product code are listed at most; 0: any number.
        """
        import pyarrow.compute as pc  # noqa: PLC0415  (`hemline recommend` should not wait for it)

        words = _words(text)
        if not words:
            return []
        column = self._texts.column(_SEARCHED)
        found = np.ones(len(self), bool)
        for word in words:
            found &= mask_as_numpy(pc.match_substring(column, f" {word}"))
        keys = np.flatnonzero(found)
        keys = keys[np.argsort(-self.sold[keys], kind="stable")]
        keys = keys[first_of_each_product(self.products[keys], per_product)]
        return [int(key) for key in keys[:n]]

    def _describe(self, key: int) -> Article:
        texts: dict[str, Any] = {
            name: column[key].as_py() or ""
            for name, column in zip(_SHOWN, self._shown, strict=True)
        }
        price = float(self.prices[key])
        own = {name: self._texts.column(name)[key].as_py() for name in self._more}
        more = {name: str(value) for name, value in own.items() if value not in {None, ""}}
        paid = None if np.isnan(price) else price
        return Article(**texts, price=paid, more=more, currency=self.currency)

    def _ids_starting_with(self, start: str) -> list[str]:
        return [self.id_of(int(key)) for key in np.sort(self._index.keys_starting_with(start))]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the table saved in a folder, all of it mapped."""
        source = pa.memory_map(str(folder / "articles.arrow"))
        texts = pa.ipc.open_file(source).get_batch(0)
        arrays = (load_array(folder / f"{name}.npy") for name in ("products", "prices", "sold"))
        return cls(texts, IdIndex.load(folder), GroupCodes.load(folder), *arrays)


def save_articles(
    articles: Path,
    prices: npt.NDArray[np.float32],
    sold: npt.NDArray[np.float32],
    folder: Path,
    *,
    currency: str = "",
) -> None:
    """Write the table that `ArticleTable.load` maps.

    Args:
        articles: parquet of tables.ARTICLES.
        prices: float32 of shape (articles,), NaN where nobody paid.
        sold: float32 of the same shape, units sold lately.
        folder: an existing, empty folder.
        currency: of the prices; empty where the shop names none.
    """
    whole = pq.read_table(articles)
    groups = grouping_columns(whole)
    table = whole.select(
        list(dict.fromkeys([*_SHOWN.values(), *GROUPED, *own_columns(whole, tables.ARTICLES)]))
    ).combine_chunks()
    if groups[0] not in _SHOWN.values():  # the shop's own product groups are shown as such
        place = table.column_names.index(GROUPED[0])
        table = table.set_column(place, GROUPED[0], table[groups[0]])
    searched = [
        "".join(f" {word}" for text in texts for word in _words(text or ""))
        for texts in zip(
            *(table[name].to_pylist() for name in [*_FOUND_BY, *own_texts(whole)]),
            strict=True,
        )
    ]
    table = table.append_column(_SEARCHED, pa.array(searched, pa.string()))
    table = table.replace_schema_metadata({_CURRENCY: currency.encode()})
    with pa.ipc.new_file(folder / "articles.arrow", table.schema) as file:
        file.write_table(table, max_chunksize=max(1, len(table)))
    codes = table[columns.PRODUCT_CODE].combine_chunks().dictionary_encode()
    np.save(folder / "products.npy", codes.indices.to_numpy(zero_copy_only=False).astype(np.int32))
    np.save(folder / "prices.npy", prices)
    np.save(folder / "sold.npy", sold)
    GroupCodes.of(whole).save(folder)
    IdIndex.of(table[columns.ARTICLE_ID].to_pylist()).save(folder)


def first_of_each_product(products: npt.NDArray[np.int32], most: int) -> npt.NDArray[np.bool_]:
    """Return whether each element is among the first `most` with its value; 0: all are.

    >>> first_of_each_product(np.array([7, 5, 7, 7], np.int32), 1).tolist()
    [True, True, False, False]
    """
    if most == 0:
        return np.ones(len(products), bool)
    order = np.argsort(products, kind="stable")
    ordered = products[order]
    rank = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    among = np.empty(len(order), bool)
    among[order] = rank < most
    return among


def mask_as_numpy(mask: pa.BooleanArray) -> npt.NDArray[np.bool_]:
    """Return a mask without nulls; pyarrow's own conversion imports pandas."""
    values = mask.cast(pa.uint8())
    return np.frombuffer(values.buffers()[1], bool, len(values), values.offset)


def _words(text: str) -> list[str]:
    return text.casefold().replace("-", " ").replace("/", " ").split()
