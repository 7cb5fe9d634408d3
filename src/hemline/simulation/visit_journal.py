"""What the service answered on each day, so that a run that is killed goes on as it began.

Customers react in the same way to the same lists, but a customer who is asked for again after its
purchases gets another list. So every answer is written down before anything follows from it. A file
is one day: a line per answer and, once all events of the day are with the service, a last line.
"""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import IO, Final

from hemline.simulation.shop_client import ShownList

_ENDED: Final = "ended"


class VisitJournal:
    """The answers of the days.

    Args:
        folder: of the files, made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, day: date) -> tuple[dict[int, ShownList], bool]:
        """Return the answers of a day by customer, and whether the day was told to its end.

        The last line of a file whose writer was killed may be half a line, which does not count.
        """
        answers: dict[int, ShownList] = {}
        path = self._path(day)
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        whole, _, _ = text.rpartition("\n")
        for line in whole.splitlines():
            entry = json.loads(line)
            if entry == _ENDED:
                return answers, True
            customer, articles, *rest = entry
            answers[customer] = ShownList(tuple(articles), *rest)
        if len(whole) + 1 < len(text) or (text and not whole):
            path.write_text(f"{whole}\n" if whole else "", encoding="utf-8")
        return answers, False

    def add(self, day: date, answers: Mapping[int, ShownList]) -> None:
        """Write answers down."""
        with self._open(day) as file:
            for customer, answer in answers.items():
                file.write(json.dumps([customer, list(answer.articles), *answer[1:]]) + "\n")

    def end(self, day: date) -> None:
        """Write down that all events of a day are with the service."""
        with self._open(day) as file:
            file.write(json.dumps(_ENDED) + "\n")

    def _open(self, day: date) -> IO[str]:
        return self._path(day).open("a", encoding="utf-8")

    def _path(self, day: date) -> Path:
        return self._folder / f"{day}.jsonl"
