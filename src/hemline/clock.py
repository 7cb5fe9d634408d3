"""The present moment, which a simulated shop sets itself.

`HEMLINE_CLOCK` names a file that holds a moment, such as 2020-09-23T12:00:00+00:00. Every process
that has the variable takes that for the present: the shop's workers, the check of its experiments,
and the commands. Time then stands still until the file is replaced.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from hemline.errors import BadInput
from hemline.files import write_text

VARIABLE: Final = "HEMLINE_CLOCK"
_FORM: Final = "%Y-%m-%dT%H:%M:%S%z"


def now() -> datetime:
    """Return the present moment in UTC, to the millisecond that event logs keep.

    Raises:
        BadInput: the file of a simulated clock is not there or holds no moment.
    """
    path = os.environ.get(VARIABLE)
    moment = datetime.now(UTC) if path is None else _read(Path(path))
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def set_clock(path: Path, moment: datetime) -> None:
    """Let the clock of this file show another moment, to the second, at once for all processes.

    Args:
        path: that HEMLINE_CLOCK names.
        moment: with a time zone.
    """
    write_text(path, f"{moment.astimezone(UTC):{_FORM}}\n")


def _read(path: Path) -> datetime:
    try:
        return datetime.strptime(path.read_text(encoding="utf-8").strip(), _FORM).astimezone(UTC)
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{VARIABLE} names a file with a moment, such as 2020-09-23T12:00:00+00:00",
            found=str(error),
            fix=f"correct {path}, or unset {VARIABLE} to go by the clock of this machine",
        ) from error
