"""Which attributes of the articles a shop has: the one rule that all readers of articles follow.

A shop may lack any of the attributes that Kaggle's articles have, and may have others under its own
names. An attribute is used where it exists and varies. Each reader names the usual ones in the
order that it reads them; those that vary come first, in that order, then the shop's own. So a shop
with all of Kaggle's attributes and none of its own is read as before, to the last bit.

The price: a shop's own text counts as a category only where its values recur (`_MOST_VALUES`), so a
supplier's 5,000 article numbers are words for TF-IDF, and no groups.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hemline import columns, tables

if TYPE_CHECKING:
    import pandas as pd

    Articles: TypeAlias = pa.Table | pd.DataFrame

MISSING: Final = "unknown"
"""The category of an article or a customer without the attribute."""

_MOST_VALUES: Final = 200
_LEAST_REPEATED: Final = 2  # articles per value, on average
_N_BINS: Final = 4


def usual_categories(articles: "Articles", usual: Iterable[str]) -> tuple[str, ...]:
    """Return those of the usual attributes that exist and vary, in their order."""
    return tuple(name for name in usual if n_values(articles, name) > 1)


def categories(articles: "Articles", usual: Iterable[str]) -> tuple[str, ...]:
    """Return the usual attributes that vary, then the shop's own categories and numbers.

    Args:
        articles: as `tables.read_described` returns them, or the same as an Arrow table.
        usual: attributes of tables.ARTICLES, in the order of the reader.
    """
    return usual_categories(articles, usual) + own_categories(articles, tables.ARTICLES)


def own_categories(described: "Articles", schema: pa.Schema) -> tuple[str, ...]:
    """Return the columns beside the schema's that divide the rows into groups.

    A text does where it has 2 to 200 values that recur; a number is divided by its quartiles.
    """
    return tuple(name for name in own_columns(described, schema) if _divides(described, name))


def own_texts(articles: "Articles") -> tuple[str, ...]:
    """Return the shop's own columns of text, whether their values recur or not."""
    own = own_columns(articles, tables.ARTICLES)
    return tuple(name for name in own if not is_number(articles, name))


def own_columns(described: "Articles", schema: pa.Schema) -> tuple[str, ...]:
    """Return the columns beside the schema's, in their order; where people live is none."""
    known = {*schema.names, columns.POSTAL_CODE}
    return tuple(str(name) for name in _names(described) if name not in known)


def n_values(described: "Articles", name: str) -> int:
    """Return how many values a column has, nulls counted as one; 0 where there is no column."""
    if name not in _names(described):
        return 0
    column: Any = described[name]
    if isinstance(column, pa.ChunkedArray):
        return len(column.unique())
    return int(column.nunique(dropna=False))


def is_number(described: "Articles", name: str) -> bool:
    """Return whether a column holds numbers."""
    column: Any = described[name]
    if isinstance(column, pa.ChunkedArray):
        return bool(pa.types.is_integer(column.type) or pa.types.is_floating(column.type))
    return bool(column.dtype.kind in "iuf")


def as_categories(
    column: "pd.Series[Any]", edges: Sequence[float] | None = None
) -> npt.NDArray[np.object_]:
    """Return a column as text: MISSING for nulls, numbers by the interval they lie in.

    >>> import pandas as pd
    >>> as_categories(pd.Series([1.0, 2.0, 3.0, 4.0, None])).tolist()
    ['below 1.75', '1.75 to 2.5', '2.5 to 3.25', '3.25 or more', 'unknown']

    Args:
        column: text or numbers.
        edges: of the intervals, from `quartiles`; None: of this column.
    """
    if column.dtype.kind not in "iuf":
        return np.asarray(column.astype(object).fillna(MISSING).astype(str), object)
    values = column.to_numpy(np.float64, na_value=np.nan)
    bounds = quartiles(column) if edges is None else tuple(edges)
    names = np.array([*_intervals(bounds), MISSING], object)
    places = np.searchsorted(np.array(bounds), values, side="right")
    return np.asarray(names[np.where(np.isnan(values), len(names) - 1, places)], object)


def quartiles(column: "pd.Series[Any]") -> tuple[float, ...]:
    """Return the numbers that divide a column into up to four parts of equal size, rising."""
    values = column.to_numpy(np.float64, na_value=np.nan)
    known = values[np.isfinite(values)]
    if not len(known):
        return ()
    cuts = np.quantile(known, np.arange(1, _N_BINS) / _N_BINS)
    return tuple(float(cut) for cut in np.unique(cuts) if cut > known.min())


def _intervals(bounds: Sequence[float]) -> list[str]:
    if not bounds:
        return ["all"]
    texts = [f"{bound:g}" for bound in bounds]
    between = [f"{low} to {high}" for low, high in pairwise(texts)]
    return [f"below {texts[0]}", *between, f"{texts[-1]} or more"]


def _divides(described: "Articles", name: str) -> bool:
    n_different = n_values(described, name)
    if is_number(described, name):
        return n_different > 1
    most = min(_MOST_VALUES, len(described) // _LEAST_REPEATED)
    return 1 < n_different <= most


def _names(described: "Articles") -> list[str]:
    return list(described.column_names if isinstance(described, pa.Table) else described.columns)
