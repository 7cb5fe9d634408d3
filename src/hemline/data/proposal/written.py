"""A proposal as YAML with its reasons as comments, and as section `source` of params.yaml."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hemline.data.acquire.source_params import SourceParams
from hemline.data.proposal.source_proposal import Line, SourceProposal
from hemline.edited_params import set_value
from hemline.errors import BadInput, printable
from hemline.files import replaced_file
from hemline.params import read_mapping

_PLAIN: Final = re.compile(r"[A-Za-z_][\w. -]*")
_NOT_PLAIN: Final = ("null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan")
_INDENT: Final = "  "
_SECTION: Final = re.compile(r"^source:.*\n(?:[ \t]+.*\n|[ \t]*\n(?=[ \t]))*", re.MULTILINE)


def render(proposal: SourceProposal) -> str:
    """Return the section as YAML; every line says in a comment what it rests on."""
    return "".join(["source:\n", *_lines(proposal.lines)])


def _lines(lines: list[Line]) -> Iterator[str]:
    above: tuple[str, ...] = ()
    for line in sorted(lines, key=lambda one: _order(lines, one)):
        *parents, key = line.keys
        is_item = line.keys == ("not_articles", "ids")
        path = line.keys if is_item else tuple(parents)
        common = 0
        while common < min(len(path), len(above)) and path[common] == above[common]:
            common += 1
        for depth in range(common, len(path)):
            yield f"{_INDENT * (depth + 1)}{_scalar(path[depth])}:\n"
        above = path
        comment = f"  # {printable(' '.join(line.comment.split()))}" if line.comment else ""
        indent = _INDENT * (len(line.keys) if not is_item else 2)
        if is_item:
            yield f"{indent}- {_scalar(line.value[0])}{comment}\n"
        else:
            yield f"{indent}{_scalar(key)}: {_value(line.value)}{comment}\n"


def _order(lines: list[Line], line: Line) -> tuple[int, ...]:
    """Return a line's place so that lines of one parent stand together, first come first."""
    places = []
    for depth in range(len(line.keys)):
        path = line.keys[: depth + 1]
        places.append(next(n for n, one in enumerate(lines) if one.keys[: depth + 1] == path))
    return (*places, lines.index(line))


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_scalar, value))}]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    r"""Return a value as YAML reads it back.

    >>> print(_scalar("Unit price"), _scalar("10002"), _scalar("\t"), _scalar("No"), _scalar(100))
    Unit price '10002' "\t" 'No' 100
    """
    if value is None:
        return ""
    if not isinstance(value, str) or not value.isprintable():
        return json.dumps(value)
    is_plain = _PLAIN.fullmatch(value) and value.lower() not in _NOT_PLAIN
    return value if is_plain and value == value.strip() else "'{}'".format(value.replace("'", "''"))


def write_source(params: Path, proposal: SourceProposal) -> list[str]:
    """Write section `source`, and what follows from it: acquire.source, and the shop's own clock.

    Returns:
        What changed besides section `source`, as sentences.

    Raises:
        BadInput: params.yaml has no section `source`, or the proposal cannot be described.
    """
    text = params.read_text(encoding="utf-8")
    if not _SECTION.search(text):
        raise BadInput(
            f"{params.name} has a section 'source'",
            found="none",
            fix="add the line `source:` and run the command again",
        )
    # A replacement given as text would read the backslashes of patterns.
    replaced = _SECTION.sub(lambda _: f"{render(proposal)}\n", text, count=1)
    with replaced_file(params) as unfinished:
        unfinished.write_text(replaced, encoding="utf-8")
        SourceParams.load(unfinished)
    # Only the generated shop's days are not those of the calendar.
    settings = [("acquire", "source", "mapped"), ("shop", "first_day", None)]
    there = read_mapping(params)
    changes = [set_value(params, *one) for one in settings if one[0] in there]
    return [change for change in changes if change]
