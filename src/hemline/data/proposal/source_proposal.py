"""A proposal as lines of section `source`, each with what it rests on."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Line:
    """A line of the proposal: path of keys, value, and what it rests on."""

    keys: tuple[str, ...]
    value: Any
    comment: str = ""


@dataclass
class SourceProposal:
    """Lines of section `source`, what is unclear, and what was counted."""

    lines: list[Line] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)

    def add(self, *keys: str, value: Any, comment: str = "") -> None:
        """Add a line."""
        self.lines.append(Line(keys, value, comment))
