"""One thread that writes for many callers: what waits while it writes is written together next.

A commit that waits for the disk costs the same for one event and for 512, so a busy shop pays once
for many events, and a quiet one never waits for others.
"""

import queue
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Final

from hemline.shop.event_log import LogUnavailable, ShopEvent

LARGEST_BATCH: Final = 512  # appends in one commit


@dataclass(frozen=True)
class Append:
    """Something to make durable, and who waits for it.

    Attributes:
        events: recorded together or not at all.
        links: guests that are customers from now on, with their customers.
        done: gets the sequences of the events.
    """

    events: Sequence[ShopEvent] = ()
    links: Sequence[tuple[str, str]] = ()
    done: "Future[list[int]]" = field(default_factory=Future)


Outcome = list[int] | Exception


class GroupWriter:
    """Gives batches to a function, in the order in which they came.

    Args:
        write: makes a batch durable; returns per append its sequences or its own refusal, in order,
            or raises LogUnavailable for all of them.
        name: of the thread.
    """

    def __init__(self, write: Callable[[list[Append]], list[Outcome]], name: str) -> None:
        self._write = write
        self._waiting: queue.SimpleQueue[Append | None] = queue.SimpleQueue()
        self._is_open = True
        self._opening = Lock()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, append: Append) -> "Future[list[int]]":
        """Return the future of an append; once `close` was called it fails with LogUnavailable."""
        with self._opening:
            if self._is_open:
                self._waiting.put(append)
                return append.done
        append.done.set_exception(LogUnavailable("the shop is ending"))
        return append.done

    def close(self) -> None:
        """Write what waits, and end the thread."""
        with self._opening:
            if self._is_open:
                self._is_open = False
                self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        is_last = False
        while not is_last:
            batch, is_last = self._batch()
            if batch:
                _tell(batch, self._outcomes(batch))

    def _batch(self) -> tuple[list[Append], bool]:
        """Wait for an append; return it with those that came meanwhile, and whether to end."""
        first = self._waiting.get()
        if first is None:
            return [], True
        batch = [first]
        while len(batch) < LARGEST_BATCH:
            try:
                more = self._waiting.get_nowait()
            except queue.Empty:
                break
            if more is None:
                return batch, True
            batch.append(more)
        return batch, False

    def _outcomes(self, batch: list[Append]) -> Sequence[Outcome]:
        try:
            return self._write(batch)
        except Exception as error:  # noqa: BLE001  (the thread must live on; each caller gets it)
            return [error] * len(batch)


def _tell(batch: Sequence[Append], outcomes: Sequence[Outcome]) -> None:
    for append, outcome in zip(batch, outcomes, strict=True):
        if append.done.set_running_or_notify_cancel():
            if isinstance(outcome, Exception):
                append.done.set_exception(outcome)
            else:
                append.done.set_result(outcome)
