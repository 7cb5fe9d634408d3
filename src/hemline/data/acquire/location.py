"""Where a table of a description lies: a file in the folder of the data, or behind a URL.

What lies behind a URL is fetched into the folder `fetched` beside the files before any stage runs
(`hemline.data.fetch`), so stages map files to files, and DVC knows by hash what was read. The
price: the rows lie on this disk too.

params.yaml is committed and copied, so no URL in it may hold a password.
"""

import re
from pathlib import PurePosixPath
from typing import Annotated, Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, model_validator

from hemline.data.acquire.dialect import Dialect
from hemline.errors import BadInput

FETCHED: Final = "fetched"
"""Folder, beside the files, of what was fetched by URL."""
_STORES: Final = ("s3", "gs", "gcs", "az", "abfs", "abfss", "file", "memory", "http", "https")
_SECRET_WORDS: Final = ("password", "passwd", "pwd", "secret", "token", "sig", "credential")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ENDING: Final = re.compile(r"(\.[A-Za-z]+(\.(gz|zip))?)$")


def secret_in(url: str) -> str | None:
    """Return what of a URL is a secret, by its name and not its value; None if nothing is.

    >>> secret_in("postgresql://shop:x@db/sales")
    'a password'
    >>> secret_in("snowflake://shop@db/sales?token=x")
    'token'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.password is not None or parts.netloc.rpartition("@")[0].count(":"):
        return "a password"
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if any(word in re.split(r"[^a-z]", name.lower()) for word in _SECRET_WORDS):
            return name
        if name.lower().endswith(("password", "token", "secret", "key", "secretaccesskey")):
            return name
    return None


def refuse_secrets(section: Any) -> None:
    """Raise BadInput, which does not repeat it, if a URL of section `source` has a secret."""
    for name, table in (section if isinstance(section, dict) else {}).items():
        url = table.get("url") if isinstance(table, dict) else None
        if isinstance(url, str) and (what := secret_in(url)):
            raise BadInput(
                f"source.{name}.url in params.yaml has no password: the file is committed and "
                "copied",
                found=f"{what}, not shown here",
                fix=f"take it out, change it where it was committed, and name the environment "
                f"variable that has it: source.{name}.password_from: SHOP_DB_PASSWORD",
            )


def _url(text: str) -> str:
    if secret_in(text):
        raise ValueError("a URL without a password: password_from names its variable")
    if not re.match(r"[a-z][a-z0-9+.-]*:", text):
        raise ValueError("a URL: postgresql://host/database, sqlite:////path, s3://bucket/folder")
    return text


def _variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise ValueError("the name of an environment variable, such as SHOP_DB_PASSWORD")
    return name


Variable = Annotated[str, AfterValidator(_variable)]


class Location(Dialect):
    """Where a table lies, and how it is written if that is csv.

    Attributes:
        file: its name in the folder of the data; a folder holds the parts of a parquet table.
        url: of a database, or of a file or folder of an object store.
        table: of the database, `schema.table`.
        query: in place of a table: SQL that returns the rows.
        user_from: environment variable with the name of the database's user.
        password_from: environment variable with the password.
    """

    file: str | None = None
    url: Annotated[str, AfterValidator(_url)] | None = None
    table: str | None = None
    query: str | None = None
    user_from: Variable | None = None
    password_from: Variable | None = None

    @property
    def is_own(self) -> bool:
        """Whether the table lies anywhere of its own."""
        return self.file is not None or self.url is not None

    @property
    def is_database(self) -> bool:
        """Whether the URL is that of a database."""
        return self.url is not None and urlsplit(self.url).scheme not in _STORES

    def local_name(self, part: str) -> str:
        """Return the path of the table in the folder of the data.

        Args:
            part: transactions, articles or customers.
        """
        if self.file is not None:
            return self.file
        ending = ""
        if self.url is not None and not self.is_database:
            found = _ENDING.search(PurePosixPath(urlsplit(self.url).path).name)
            ending = found[0] if found else ""
        return f"{FETCHED}/{part}{ending}"

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        if self.file is not None and self.url is not None:
            raise ValueError("a table has either a `file` or a `url`")
        if self.is_database:
            if (self.table is None) == (self.query is None):
                raise ValueError("a database's url has either a `table` or a `query` beside it")
        elif self.table is not None or self.query is not None:
            raise ValueError("`table` and `query` need the url of a database")
        elif self.user_from or self.password_from:
            raise ValueError(
                "user_from and password_from are for databases; an object store's client reads "
                "its own environment variables"
            )
        return self
