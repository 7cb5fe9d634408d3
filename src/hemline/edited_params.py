"""Single values of params.yaml set by a program: comments and everything else stay as they are."""

from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from hemline.files import replaced_file

_WIDE: Final = 4096


def set_value(params: Path, section: str, key: str, value: Any) -> str:
    """Set section.key and return what changed as a sentence; empty if it had that value."""
    editor = YAML()
    editor.preserve_quotes = True
    editor.width = _WIDE
    content = editor.load(params)
    before = content[section][key]
    if before == value:
        return ""
    content[section][key] = value
    with replaced_file(params) as unfinished:
        editor.dump(content, unfinished)
    return f"{params.name}: {section}.{key} was {before}, is now {value}"
