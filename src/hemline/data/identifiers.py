"""Ids as people type them: found whole as they stand in the data, or by an unambiguous start.

A shop's ids may be any text. The start of an id is accepted only where ids are long, as Kaggle's 64
digits or a UUID are: of a short id a start would name somebody else as soon as a digit is missing.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from hemline.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SHORTEST_START: Final = 8
"""Characters of a long id that may stand for the whole."""

_LONG: Final = 2 * SHORTEST_START
_KAGGLE_DIGITS: Final = 10
_N_SUGGESTED: Final = 3


def accepts_start(longest: int) -> bool:
    """Return whether ids of this length may be given by their start."""
    return longest >= _LONG


def find_customer(
    customer_id: str,
    key_of: Callable[[str], int | None],
    keys_starting_with: Callable[[str], "Sequence[int] | npt.NDArray[np.int32]"],
    longest: int,
) -> int:
    """Return the key of a customer.

    Args:
        customer_id: a whole id, or the start of one where ids are long. The case is that of the
            data; lower case will be tried too.
        key_of: returns the key of a whole id, or None.
        keys_starting_with: returns the keys of ids with this start.
        longest: characters of the longest id.

    Raises:
        BadInput: no customer has this id, or more than one id starts so.
    """
    spellings = dict.fromkeys([customer_id, customer_id.lower()])
    for spelled in spellings:
        key = key_of(spelled)
        if key is not None:
            return key
    if not accepts_start(longest) or len(customer_id) < SHORTEST_START:
        raise _no_single_customer(customer_id, 0, longest)
    found = [keys for keys in map(keys_starting_with, spellings) if len(keys)]
    if not found or len(found[0]) > 1:
        raise _no_single_customer(customer_id, len(found[0]) if found else 0, longest)
    return int(found[0][0])


def _no_single_customer(customer_id: str, n_matches: int, longest: int) -> BadInput:
    whole = "give the whole customer_id as in the customers table"
    if not accepts_start(longest):
        return BadInput(f"one customer has the id '{customer_id}'", found="none", fix=whole)
    if len(customer_id) < SHORTEST_START:
        return BadInput(
            f"a customer_id is given whole, or by its first {SHORTEST_START} or more characters",
            found=f"{len(customer_id)} characters",
            fix=whole,
        )
    return BadInput(
        f"exactly one customer's id is '{customer_id}' or starts with it",
        found=f"{n_matches} of them" if n_matches else "none",
        fix=f"{whole}, or its first {SHORTEST_START} or more characters",
    )


def unknown_article(
    article_id: str,
    key_of: Callable[[str], int | None],
    ids_starting_with: Callable[[str], list[str]],
) -> BadInput:
    """Return the error for an article_id that no article has.

    Args:
        article_id: as it was given.
        key_of: returns the key of an article_id, or None.
        ids_starting_with: returns the article_ids with this start, in the order of the articles.
    """
    return BadInput(
        "an article_id is one of the articles table",
        found=repr(article_id),
        fix=_suggestion(article_id, key_of, ids_starting_with),
    )


def _suggestion(
    article_id: str,
    key_of: Callable[[str], int | None],
    ids_starting_with: Callable[[str], list[str]],
) -> str:
    for meant in (article_id.zfill(_KAGGLE_DIGITS), article_id.upper(), article_id.lower()):
        if key_of(meant) is not None:
            lost = meant.isdigit() and len(meant) > len(article_id)
            return f"keep the leading zero: {meant}" if lost else f"the id is spelled {meant}"
    padded = article_id.zfill(_KAGGLE_DIGITS) if article_id.isdigit() else article_id
    for start in (padded[:-3], article_id[:-3], article_id[:-1]):
        alike = ids_starting_with(start)[:_N_SUGGESTED] if start else []
        if alike:
            return f"these begin alike: {', '.join(alike)}"
    return f"look it up in the articles table; the first one there is {ids_starting_with('')[0]}"
