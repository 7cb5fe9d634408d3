"""What `hemline source check` and `init` propose, for files and for the tables behind URLs."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from hemline.cli.terminal import project_folder, say

if TYPE_CHECKING:
    from hemline.data.proposal.source_proposal import SourceProposal

Table = Annotated[str | None, typer.Option(help="Of a database: schema.table.")]
Query = Annotated[str | None, typer.Option(help="Of a database, in place of a table: SQL.")]
UserFrom = Annotated[str | None, typer.Option(help="Environment variable with the user.")]
PasswordFrom = Annotated[str | None, typer.Option(help="Environment variable with the password.")]


def is_url(data: str) -> bool:
    """Return whether an argument is a URL and no path."""
    return "://" in data


def folder_of(data: str) -> Path:
    """Return the folder of a path, which may be that of one of its files."""
    path = Path(data)
    return path.parent if path.is_file() else path


def propose_for(
    data: str,
    table: str | None = None,
    query: str | None = None,
    user_from: str | None = None,
    password_from: str | None = None,
) -> "SourceProposal":
    """Return the proposal for files, or for what a URL names, which is copied and thrown away."""
    if not is_url(data):
        from hemline.data.proposal.looked_at import look_at  # noqa: PLC0415  (--help is fast)
        from hemline.data.proposal.proposal import propose  # noqa: PLC0415  (as above)

        return propose(look_at(Path(data)))
    from hemline.data.fetch.looked_at_url import location_of, propose_for_url  # noqa: PLC0415  (as above)

    location = location_of(
        url=data, table=table, query=query, user_from=user_from, password_from=password_from
    )
    state = project_folder() / ".hemline"
    state.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=state, prefix="look-") as folder:
        return propose_for_url(location, Path(folder))


def show(proposal: "SourceProposal") -> None:
    """Print a proposal, and what was counted and is unclear."""
    from hemline.data.proposal.written import render  # noqa: PLC0415  (as above)

    for line in render(proposal).splitlines():
        say(line)
    say("")
    for line in proposal.counted:
        say(f"counted: {line}")
    for line in proposal.unclear:
        say(f"unclear: {line}")
    say("")
