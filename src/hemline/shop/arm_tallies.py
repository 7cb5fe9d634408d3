"""How the arms of experiments were answered: counted in each worker, added up in one table.

A worker counts in memory and adds what it has counted to `.hemline/shop/arms.db` every few seconds,
in one transaction. So no answer waits for the disk, and a worker that is killed loses those
seconds. What was answered outside experiments is not counted, and without any there is no table.
"""

import asyncio
import logging
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from hemline.experiments.assignment import CONTROL, TREATMENT
from hemline.experiments.served_tallies import ServedArms, ServedTally, bucket_of
from hemline.serving.listed import Answer
from hemline.shop.event_log import LogUnavailable

WRITE_SECONDS: Final = 5.0
_WAIT_SECONDS: Final = 5.0
_MADE: Final = """
CREATE TABLE IF NOT EXISTS tallies (
  experiment TEXT, arm TEXT, kind TEXT, name TEXT, n INT NOT NULL,
  PRIMARY KEY (experiment, arm, kind, name)
) WITHOUT ROWID
"""
_ADD: Final = """
INSERT INTO tallies VALUES (?, ?, ?, ?, ?)
ON CONFLICT (experiment, arm, kind, name) DO UPDATE SET n = n + excluded.n
"""
_READ: Final = "SELECT arm, kind, name, n FROM tallies WHERE experiment = ?"

logger = logging.getLogger(__name__)


def tallies_file(root: Path) -> Path:
    """Return the file of a project's tallies."""
    return root / ".hemline" / "shop" / "arms.db"


def arm_of_day(arm: str, day: date) -> str:
    """Return what an arm of a bandit is counted as: its share, so its weight, is that of the day.

    >>> arm_of_day("v7", date(2020, 9, 23))
    'v7@2020-09-23'
    """
    return f"{arm}@{day.isoformat()}"


class ArmTallies:
    """What one worker has answered in experiments since it last wrote that down."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counted: Counter[tuple[str, str, str, str]] = Counter()

    def count(
        self,
        experiment: str,
        arm: str,
        answer: Answer,
        article_ids: pa.Array,
        seconds: float,
        *,
        is_fallback: bool,
        is_of_day: bool = False,
    ) -> None:
        """Count a list.

        Args:
            experiment: its name.
            arm: of the visitor, as `Arm.counted_as` names it.
            answer: the list.
            article_ids: by key of an article.
            seconds: that it took.
            is_fallback: whether popularity stood in for the version's models.
            is_of_day: whether the arm is that of one day; its articles are not counted.
        """
        counted = self._counted
        counted[experiment, arm, "answers", ""] += 1
        counted[experiment, arm, "milliseconds", str(bucket_of(1000 * seconds))] += 1
        if is_fallback:
            counted[experiment, arm, "fallbacks", ""] += 1
        for each in () if is_of_day else answer.listed:
            counted[experiment, arm, "listed", article_ids[each.article].as_py()] += 1

    async def write_often(self, seconds: float = WRITE_SECONDS) -> None:
        """Write down what was counted, again and again, until the task is cancelled."""
        while True:
            await asyncio.sleep(seconds)
            await self.write()

    async def write(self) -> None:
        """Write down what was counted; what cannot be written now stays for the next time."""
        counted, self._counted = self._counted, Counter()
        try:
            await asyncio.to_thread(self._add, counted)
        except (sqlite3.Error, OSError) as error:
            self._counted.update(counted)
            logger.error("what experiments answered cannot be written down now: %s", error)  # noqa: TRY400

    def _add(self, counted: Counter[tuple[str, str, str, str]]) -> None:
        if not counted:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._path, timeout=_WAIT_SECONDS)) as table, table:
            table.execute("PRAGMA journal_mode = WAL")
            table.execute(_MADE)
            table.executemany(_ADD, [(*key, n) for key, n in counted.items()])


def read_tallies(path: Path, experiment: str) -> ServedArms:
    """Return what control and treatment of an experiment were answered with, by all workers.

    Raises:
        LogUnavailable: the table cannot be read now.
    """
    found = read_arms(path, experiment)
    return ServedArms(*(found.get(arm, ServedTally()) for arm in (CONTROL, TREATMENT)))


def read_arms(path: Path, experiment: str) -> Mapping[str, ServedTally]:
    """Return what each arm of an experiment was answered with, by the name it was counted as.

    Raises:
        LogUnavailable: the table cannot be read now.
    """
    if not path.exists():
        return {}
    rows: dict[str, list[tuple[str, str, int]]] = {}
    try:
        with closing(sqlite3.connect(path, timeout=_WAIT_SECONDS)) as table:
            table.execute(_MADE)
            for arm, *row in table.execute(_READ, (experiment,)).fetchall():
                rows.setdefault(arm, []).append((row[0], row[1], row[2]))
    except sqlite3.Error as error:
        raise LogUnavailable(f"{path}: {error}") from error
    return {arm: _tally(each) for arm, each in rows.items()}


def _tally(rows: list[tuple[str, str, int]]) -> ServedTally:
    def of(kind: str) -> dict[str, int]:
        return {name: n for each, name, n in rows if each == kind}

    return ServedTally(
        of("answers").get("", 0),
        of("fallbacks").get("", 0),
        {int(bucket): n for bucket, n in of("milliseconds").items()},
        np.array(list(of("listed").values()), np.float64),
    )
