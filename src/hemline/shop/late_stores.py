"""Stores of a worker that may start while they are away.

`hemline serve` refuses stores that cannot be used before any worker starts. A worker that starts
later, after another one died, takes its place whether they answer or not: lists go on without what
visitors did, events are refused until the store is there, and the worker tries again every second.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from threading import Event, Thread
from typing import Final, Generic, Protocol, TypeVar

from hemline.errors import BadInput
from hemline.shop.event_log import EventLog, LogUnavailable, Recorded, ShopEvent
from hemline.shop.visitor_sessions import Session, Sessions

logger = logging.getLogger(__name__)

_TRIED_AGAIN_SECONDS: Final = 1.0


class _Closable(Protocol):
    def close(self) -> None: ...


_Store = TypeVar("_Store", bound=_Closable)


class _Opening(Generic[_Store]):
    """A store that is opened at once if it can be, else by a thread as soon as it can be.

    Args:
        name: of the store, as the log of the service says it.
        open_store: raises BadInput where it cannot be used.
    """

    def __init__(self, name: str, open_store: Callable[[], _Store]) -> None:
        self._name, self._open_store = name, open_store
        self._store: _Store | None = None
        self._problem = ""
        self._ending = Event()
        self._thread: Thread | None = None
        if not self._try():
            logger.error("%s cannot be used yet: %s", name, self._problem)
            self._thread = Thread(target=self._try_until_open, name=f"open {name}", daemon=True)
            self._thread.start()

    def get(self) -> _Store:
        """Return the store; raises LogUnavailable while it is not open."""
        store = self._store
        if store is None:
            raise LogUnavailable(self._problem)
        return store

    def close(self) -> None:
        """Stop trying, and close the store if it is open."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
        if self._store is not None:
            self._store.close()

    def _try(self) -> bool:
        try:
            self._store = self._open_store()
        except (BadInput, OSError) as error:  # the folder of a file may be away too
            self._problem = " ".join(str(error).split())
            return False
        return True

    def _try_until_open(self) -> None:
        while not self._ending.wait(_TRIED_AGAIN_SECONDS):
            if self._try():
                logger.info("%s can be used now", self._name)
                return


class LateLog:
    """An `EventLog` that may be opened later; until then every method raises LogUnavailable."""

    def __init__(self, open_log: Callable[[], EventLog]) -> None:
        self._opening: _Opening[EventLog] = _Opening("the event log", open_log)

    @property
    def identity(self) -> str:
        """See EventLog."""
        return self._opening.get().identity

    @property
    def opened(self) -> datetime:
        """See EventLog."""
        return self._opening.get().opened

    def append(self, events: Sequence[ShopEvent]) -> "Future[list[int]]":
        """See EventLog."""
        return self._opening.get().append(events)

    def link(self, guest: str, customer: str) -> "Future[list[int]]":
        """See EventLog."""
        return self._opening.get().link(guest, customer)

    def of(self, visitor: str) -> list[Recorded]:
        """See EventLog."""
        return self._opening.get().of(visitor)

    def since(self, sequence: int, limit: int) -> list[Recorded]:
        """See EventLog."""
        return self._opening.get().since(sequence, limit)

    def forget(self, visitor: str) -> int:
        """See EventLog."""
        return self._opening.get().forget(visitor)

    def close(self) -> None:
        """See EventLog."""
        self._opening.close()


class LateSessions:
    """`Sessions` that may be opened later; until then every method raises LogUnavailable."""

    def __init__(self, open_sessions: Callable[[], Sessions]) -> None:
        self._opening: _Opening[Sessions] = _Opening("the sessions", open_sessions)

    def read(self, visitor: str) -> Session:
        """See Sessions."""
        return self._opening.get().read(visitor)

    def write(self, visitor: str, session: Session) -> None:
        """See Sessions."""
        self._opening.get().write(visitor, session)

    def forget(self, visitor: str) -> None:
        """See Sessions."""
        self._opening.get().forget(visitor)

    def close(self) -> None:
        """See Sessions."""
        self._opening.close()
