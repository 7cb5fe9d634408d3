"""The rows of a block of transactions by our names, and what reading all blocks has counted."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from hemline.data.acquire.block import Block
from hemline.data.acquire.described_table import misfit
from hemline.data.acquire.source_file import SourceFile
from hemline.data.acquire.source_params import SourceParams
from hemline.data.acquire.values import Unfit, as_text, refuse_where


@dataclass
class Counted:
    """What reading the lines has counted, in lines unless the name says otherwise."""

    lines: int = 0
    other_markets: Counter[str] = field(default_factory=Counter)
    not_articles: Counter[str] = field(default_factory=Counter)
    other_currency: int = 0
    without_units: int = 0
    deleted: int = 0
    returns: int = 0
    returned_units: int = 0
    guest_returns: int = 0
    guest_sales: int = 0
    currencies: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class LineReader:
    """The rows of a block that are still read, by our names."""

    source: SourceFile
    params: SourceParams
    block: Block

    def has(self, name: str) -> bool:
        """Return whether the description names a column of ours."""
        return name in self.params.sold.columns

    def read(self, name: str, convert: Callable[[pa.Array], pa.Array]) -> pa.Array:
        """Return a column by our name; Unfit becomes a refusal with the line."""
        return self.read_theirs(dict(self.params.sold.columns.items())[name], convert)  # type: ignore[index]

    def read_theirs(self, theirs: str, convert: Callable[[pa.Array], pa.Array]) -> pa.Array:
        """Return a column by their name, as `read` does."""
        try:
            return convert(self.block.rows.column(theirs))
        except Unfit as error:
            raise misfit(self.source, self.block, theirs, error) from None

    def texts(self, name: str) -> pa.Array:
        """Return a column by our name as text."""
        return self.read(name, lambda values: as_text(values, self.source.dialect))

    def only(self, is_read: pa.Array) -> "LineReader":
        """Return a reader of these rows, which still knows their lines."""
        rows = np.flatnonzero(is_read.to_numpy(zero_copy_only=False))
        if len(rows) == self.block.rows.num_rows:
            return self
        place = self.block.place
        block = Block(self.block.rows.filter(is_read), lambda row: place(int(rows[row])))
        return replace(self, block=block)


def checked(is_wrong: pa.Array, values: pa.Array, expected: str) -> pa.Array:
    """Return the values; raises Unfit for the first row that is wrong."""
    refuse_where(is_wrong, values, expected)
    return values
