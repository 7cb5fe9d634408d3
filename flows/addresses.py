"""Where the pages of `hemline ui` are on this machine."""

import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import date
from typing import Final

from hemline.errors import BadInput

_LAST_PORT: Final = 65_535
HOST: Final = "127.0.0.1"
PORTS: Final = {
    "HEMLINE_PREFECT_PORT": 4200,
    "HEMLINE_MLFLOW_PORT": 5000,
    "HEMLINE_PAGES_PORT": 5001,
    "HEMLINE_EVIDENTLY_PORT": 5002,
}
"""The default port of each server by the variable that moves it."""


@dataclass(frozen=True)
class Addresses:
    """Where the pages are while `hemline ui` runs."""

    prefect: str
    mlflow: str
    pages: str
    evidently: str

    @property
    def scores(self) -> str:
        """Return the address of the score table."""
        return f"{self.pages}/scores.html"

    @property
    def validation(self) -> str:
        """Return the address of the page on what was checked in the data."""
        return f"{self.pages}/validation/index.html"

    @property
    def monitoring(self) -> str:
        """Return the address of the page of all weeks."""
        return f"{self.pages}/monitoring/index.html"

    @property
    def runbook(self) -> str:
        """Return the address of what to do when an alert comes."""
        return f"{self.pages}/docs/monitoring.html"

    def week(self, week_end: date) -> str:
        """Return the address of the page of the week before week_end."""
        return f"{self.pages}/monitoring/{week_end}/index.html"


def addresses() -> Addresses:
    """Return the addresses, as moved by the variables of PORTS.

    Raises:
        BadInput: a variable is no port, or two servers would have the same one.
    """
    ports = {name: _port(name, default) for name, default in PORTS.items()}
    if len(set(ports.values())) < len(ports):
        raise BadInput(
            "every server has a port of its own",
            found=", ".join(f"{name}={port}" for name, port in ports.items()),
            fix="set these variables to different numbers, or unset them",
        )
    return Addresses(*(f"http://{HOST}:{port}" for port in ports.values()))


def _port(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= _LAST_PORT):
        raise BadInput(
            f"the environment variable {name} is a port, from 1 to {_LAST_PORT}",
            found=repr(text),
            fix=f"set it to such a number, or unset it to use {default}",
        )
    return int(text)


def responds(address: str) -> bool:
    """Return whether a page responds."""
    try:
        with urllib.request.urlopen(address, timeout=2):  # noqa: S310  (our own loopback address)
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
