"""From the ids that people type to keys; a refusal suggests the id that was probably meant."""

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
    """Return the key of the one customer whose id starts with these characters.

    Args:
        customer_keys: parquet file (tables.CUSTOMER_KEYS).
        customer_id: 64 characters, or the first 8 or more.

    Raises:
        BadInput: it is too short or too long, or not the start of exactly one id.
    """
    matches = _customers_like(customer_keys, customer_id)
    if len(matches) != 1:
        shown = f"{len(matches)} of them" if len(matches) else "none"
        raise BadInput(
            f"exactly one customer's id starts with '{customer_id}'",
            found=shown,
            fix="give the 64 characters of customer_id as in customers.csv, or its first "
            f"{_SHORTEST_PREFIX} or more",
        )
    return int(matches[columns.CUSTOMER].iloc[0])


def find_article(article_ids: "pd.Series[str]", article_id: str) -> int:
    """Return the key of an article: its position in article_ids; raises BadInput if it has none."""
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
    is_match = pc.starts_with(pc.field(columns.CUSTOMER_ID), customer_id.lower())
    matches: pd.DataFrame = pq.read_table(customer_keys, filters=is_match).to_pandas()
    return matches


def _suggestion(article_id: str, ids: "pd.Series[str]") -> str:
    padded = article_id.zfill(_ARTICLE_ID_LENGTH)
    if (ids == padded).any():
        return f"keep the leading zero: {padded}"
    siblings = ids[ids.str.startswith(padded[:7])].head(3).tolist()
    if siblings:
        return f"the same product has {', '.join(siblings)}"
    return f"look it up in articles.csv; the first one there is {ids.iloc[0]}"
