"""What is said of an id that nobody has; a refusal suggests the id that was probably meant."""

from collections.abc import Callable
from typing import Final

from hemline.errors import BadInput

_SHORTEST_PREFIX: Final = 8
_CUSTOMER_ID_LENGTH: Final = 64
_ARTICLE_ID_LENGTH: Final = 10
_PRODUCT_CODE_LENGTH: Final = 7
_N_SUGGESTED: Final = 3


def require_customer_id(customer_id: str) -> str:
    """Return a customer_id, or the start of one, in lower case.

    Raises:
        BadInput: it is too short or too long.
    """
    if not _SHORTEST_PREFIX <= len(customer_id) <= _CUSTOMER_ID_LENGTH:
        raise BadInput(
            f"a customer_id has {_CUSTOMER_ID_LENGTH} characters; its first "
            f"{_SHORTEST_PREFIX} or more will do",
            found=f"{len(customer_id)} characters",
            fix="give more of the id as in customers.csv",
        )
    return customer_id.lower()


def no_single_customer(customer_id: str, n_matches: int) -> BadInput:
    """Return the error for a start of a customer_id that none or several customers have."""
    return BadInput(
        f"exactly one customer's id starts with '{customer_id}'",
        found=f"{n_matches} of them" if n_matches else "none",
        fix=f"give the {_CUSTOMER_ID_LENGTH} characters of customer_id as in customers.csv, or its "
        f"first {_SHORTEST_PREFIX} or more",
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
        ids_starting_with: returns the article_ids with this start, in the order of articles.csv.
    """
    return BadInput(
        "an article_id is 10 digits of an article in articles.csv",
        found=repr(article_id),
        fix=_suggestion(article_id, key_of, ids_starting_with),
    )


def _suggestion(
    article_id: str,
    key_of: Callable[[str], int | None],
    ids_starting_with: Callable[[str], list[str]],
) -> str:
    padded = article_id.zfill(_ARTICLE_ID_LENGTH)
    if key_of(padded) is not None:
        return f"keep the leading zero: {padded}"
    siblings = ids_starting_with(padded[:_PRODUCT_CODE_LENGTH])[:_N_SUGGESTED]
    if siblings:
        return f"the same product has {', '.join(siblings)}"
    return f"look it up in articles.csv; the first one there is {ids_starting_with('')[0]}"
