"""One outbox for alerts and for events: a folder of messages, stored before they are sent.

One JSON file a message, named for what it is about, so the same message added twice is one. Each
attempt to send is written to the file before the next one begins. Sending is at-least-once: a
process killed after the receiver took a message, and before that was written, sends it again under
the same id. The alternative, writing first, could lose the one that mattered. A lock on the folder
keeps two flows from sending at once; the price is that one waits.
"""

import logging
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from hemline.files import locked, write_text

Logger = logging.Logger | logging.LoggerAdapter[Any]
"""What a flow has: Python's own, or the adapter that Prefect makes of it."""

StoredAsOf: Final = Field(validation_alias=AliasChoices("week_end", "as_of"))
"""Of a field `week_end`: messages stored before the rename call it as_of."""


class Message(BaseModel):
    """What is stored: the content, and how far sending it got."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    @abstractmethod
    def file_name(self) -> str:
        """Return the name of its file, the same for the same message."""

    @property
    @abstractmethod
    def is_pending(self) -> bool:
        """Return whether there is something left to send."""

    @property
    def age_key(self) -> str:
        """Return by what messages are put in order, oldest first."""
        return self.file_name


M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Outbox(Generic[M]):
    """A folder of messages of one type, made where it is missing."""

    folder: Path
    message_type: type[M]

    def read(self) -> list[M]:
        """Return every message ever added, oldest first, without those of damaged files.

        A damaged message must not stop the others: see `report_damage`.
        """
        messages = [one for one in self._stored().values() if not isinstance(one, str)]
        return sorted(messages, key=lambda message: message.age_key)

    def report_damage(self, logger: Logger) -> None:
        """Log every file that is no message of this type, and what to do about it."""
        for path, message in self._stored().items():
            if isinstance(message, str):
                logger.error(
                    "%s is not as it was written: %s. It is not sent. Move it out of the folder; "
                    "the next run writes it again where it is still due",
                    path,
                    message,
                )

    def pending(self) -> list[M]:
        """Return every message that is left to send, oldest first."""
        return [message for message in self.read() if message.is_pending]

    def add(
        self, message: M, completed: Callable[[M, Sequence[M]], M] = lambda new, _: new
    ) -> M | None:
        """Store a message and return it as it is stored; None where it is known already.

        Args:
            message: what to store.
            completed: gets it with all messages added before, and returns what is stored.
        """
        with locked(self.folder):
            if (self.folder / message.file_name).exists():
                return None
            stored = completed(message, self.read())
            self._write(stored)
            return stored

    def deliver(self, attempts: Callable[[M], Iterator[M]]) -> list[M]:
        """Take every pending message through its attempts, and return how far each got.

        Args:
            attempts: yields the message after everything that became of it; that is written before
                the next attempt begins.
        """
        delivered = []
        with locked(self.folder):
            for message in self.pending():
                latest = message
                for latest in attempts(message):
                    self._write(latest)
                delivered.append(latest)
        return delivered

    def _write(self, message: M) -> None:
        write_text(self.folder / message.file_name, message.model_dump_json(indent=1))

    def _stored(self) -> dict[Path, M | str]:
        """Return, by file, the message, or why it cannot be read."""
        return {path: self._read(path) for path in sorted(self.folder.glob("*.json"))}

    def _read(self, path: Path) -> M | str:
        try:
            message = self.message_type.model_validate_json(path.read_bytes())
        except ValidationError as error:
            return error.errors()[0]["msg"]
        except OSError as error:
            return str(error.strerror)
        is_named = message.file_name == path.name
        return message if is_named else f"it holds the message of {message.file_name}"
