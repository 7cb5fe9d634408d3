"""A proposed description for the table behind a URL, as for a file."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hemline.data.acquire.location import Location, refuse_secrets
from hemline.data.fetch.fetched_tables import fetch_table
from hemline.data.proposal.looked_at import look_at
from hemline.data.proposal.proposal import propose
from hemline.data.proposal.source_proposal import Line, SourceProposal
from hemline.errors import BadInput


def location_of(**given: Any) -> Location:
    """Return a location as a command line names it; raises BadInput for a wrong one."""
    refuse_secrets({"transactions": given})
    try:
        return Location(**given)
    except ValidationError as error:
        raise BadInput(
            "a URL names a table: a database's with --table or --query",
            found=error.errors()[0]["msg"].removeprefix("Value error, "),
            fix="hemline source check postgresql://user@host/database --table schema.table "
            "--password-from SHOP_DB_PASSWORD",
        ) from None


def propose_for_url(location: Location, folder: Path) -> SourceProposal:
    """Return a proposal for the table of a location.

    Args:
        location: has a URL.
        folder: empty; the table is copied there, all of its columns.

    Raises:
        BadInput: it cannot be read, or holds no sales.
    """
    fetch_table(location, folder, "transactions", None)
    proposal = propose(look_at(folder))
    place = next(n for n, one in enumerate(proposal.lines) if one.keys[1] == "file")
    named = location.model_dump(
        include={"url", "table", "query", "user_from", "password_from"}, exclude_none=True
    )
    comments = {"url": proposal.lines[place].comment}
    proposal.lines[place : place + 1] = [
        Line(("transactions", key), value, comments.get(key, "")) for key, value in named.items()
    ]
    return proposal
