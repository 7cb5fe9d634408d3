"""Values of params.yaml set by a program: comments and everything else stay as they are.

ruamel writes nothing for a null, which a reader takes for a value that was lost; here a null is the
word.
"""

from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter

from hemline.files import replaced_file

_WIDE: Final = 4096


class _Representer(RoundTripRepresenter):
    """Writes values as ruamel does, but for null."""

    def represent_null(self, _: None) -> ScalarNode:
        """Return the word null."""
        return self.represent_scalar("tag:yaml.org,2002:null", "null")


_Representer.add_representer(type(None), _Representer.represent_null)


def editor() -> YAML:
    """Return the reader and writer of params.yaml, which keeps comments, quotes and long lines."""
    round_trip = YAML()
    round_trip.preserve_quotes = True
    round_trip.width = _WIDE
    round_trip.Representer = _Representer
    return round_trip


def set_value(params: Path, section: str, key: str, value: Any) -> str:
    """Set section.key and return what changed as a sentence; empty if it had that value."""
    yaml = editor()
    content = yaml.load(params)
    before = content[section][key]
    if before == value:
        return ""
    content[section][key] = value
    with replaced_file(params) as unfinished:
        yaml.dump(content, unfinished)
    was, now = ("null" if one is None else one for one in (before, value))
    return f"{params.name}: {section}.{key} was {was}, is now {now}"


def remove_item(params: Path, section: str, key: str, item: Any) -> bool:
    """Remove an item of the list section.key; return whether it was there."""
    yaml = editor()
    content = yaml.load(params)
    items = content.get(section, {}).get(key) or []
    if item not in items:
        return False
    del items[items.index(item)]
    with replaced_file(params) as unfinished:
        yaml.dump(content, unfinished)
    return True
