"""The ids people type, and the keys they stand for; a refusal says what was probably meant."""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hemline import columns
from hemline.errors import BadInput

_SHORTEST_PREFIX: Final = 8
_CUSTOMER_ID_LENGTH: Final = 64
_ARTICLE_ID_LENGTH: Final = 10


def find_customer(customer_keys: Path, customer_id: str) -> int:
    """Return the key of the one customer whose id starts so.

    Args:
        customer_keys: parquet file (tables.CUSTOMER_KEYS).
        customer_id: 64 characters, or the first 8 or more.

    Raises:
        BadInput: it is too short or too long, or no customer or more than one has it.
    """
    found = _customers_like(customer_keys, customer_id)
    if len(found) != 1:
        shown = f"{len(found)} of them" if len(found) else "none"
        raise BadInput(
            f"exactly one customer's id starts with '{customer_id}'",
            found=shown,
            fix="give the 64 characters of customer_id as in customers.csv, or its first "
            f"{_SHORTEST_PREFIX} or more",
        )
    return int(found[columns.CUSTOMER].iloc[0])


def find_article(article_ids: "pd.Series[str]", article_id: str) -> int:
    """Return the key of an article: its place in article_ids; raises BadInput when it has none."""
    match = np.flatnonzero(article_ids == article_id)
    if len(match) == 0:
        raise BadInput(
            "an article_id is 10 digits of an article in articles.csv",
            found=repr(article_id),
            fix=_suggestion(article_id, article_ids),
        )
    return int(match[0])


def _customers_like(customer_keys: Path, customer_id: str) -> pd.DataFrame:
    if not _SHORTEST_PREFIX <= len(customer_id) <= _CUSTOMER_ID_LENGTH:
        raise BadInput(
            f"a customer_id has {_CUSTOMER_ID_LENGTH} characters; its first "
            f"{_SHORTEST_PREFIX} or more will do",
            found=f"{len(customer_id)} characters",
            fix="give more of the id as in customers.csv",
        )
    starts_so = pc.starts_with(pc.field(columns.CUSTOMER_ID), customer_id.lower())
    found: pd.DataFrame = pq.read_table(customer_keys, filters=starts_so).to_pandas()
    return found


def _suggestion(article_id: str, ids: "pd.Series[str]") -> str:
    padded = article_id.zfill(_ARTICLE_ID_LENGTH)
    if (ids == padded).any():
        return f"keep the leading zero: {padded}"
    siblings = ids[ids.str.startswith(padded[:7])].head(3).tolist()
    if siblings:
        return f"the same product has {', '.join(siblings)}"
    return f"look it up in articles.csv; the first one there is {ids.iloc[0]}"
