"""Where the pages of `hemline ui` are on this machine."""

import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import date
from typing import Final

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
    """Return the addresses, as moved by the variables of PORTS."""
    ports = [int(os.environ.get(name, default)) for name, default in PORTS.items()]
    return Addresses(*(f"http://{HOST}:{port}" for port in ports))


def responds(address: str) -> bool:
    """Return whether a page responds."""
    try:
        with urllib.request.urlopen(address, timeout=2):  # noqa: S310  (our own loopback address)
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
