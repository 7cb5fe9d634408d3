"""A virtual environment that was moved or copied with its project, put right for its new folder.

Its scripts name their interpreter, and its link to the sources the folder, by their full path: in a
copy they would run the original's code. The Makefile runs this file by its path before anything
else, with the environment's interpreter, so it imports nothing of the project.
"""

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_LONGEST: Final = 127  # of a first line that names an interpreter, for the kernel
_BESIDE: Final = (  # starts the interpreter beside the script, as uv does: a text for Python
    '#!/bin/sh\n\'\'\'exec\' "$(dirname -- "$(realpath -- "$0")")"/{name} "$0" "$@"\n\' \'\'\'\n'
)
_BY_SHELL: Final = r"""#!/bin/sh\n'''exec' "?{old}/bin/(python[\d.]*)"? "\$0" "\$@"\n' '''\n"""
"""What pip writes where a path has a space or is too long."""


def mend(environment: Path) -> str | None:
    """Let scripts and the link to the sources name this folder.

    Files are replaced, never written in place: a copy of hard links shares them with the original.

    Args:
        environment: the folder `.venv` of a project.

    Returns:
        The project folder that they named before, None if they name this one or nothing is
        installed yet.
    """
    new = environment.resolve()
    links = sorted(new.glob("lib/python*/site-packages/__editable__.hemline-*.pth"))
    if not links:
        return None
    old = Path(links[0].read_text(encoding="utf-8").strip()).parent
    if old == new.parent:
        return None
    for script in _scripts(new / "bin"):
        text = script.read_text(encoding="utf-8")
        mended = _mended(text, old / ".venv", new)
        if mended != text:
            _replace(script, mended)
    for record in new.glob("lib/python*/site-packages/hemline-*.dist-info/direct_url.json"):
        content = json.loads(record.read_text(encoding="utf-8"))
        _replace(record, json.dumps(content | {"url": new.parent.as_uri()}))
    _replace(links[0], f"{new.parent / 'src'}\n")  # last: by it the next run sees what is done
    return str(old)


def _scripts(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.is_symlink():
            try:
                path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue  # a program, not a script
            yield path


def _mended(text: str, old: Path, new: Path) -> str:
    """Return a script that names the new folder, quoted where the shell reads it."""
    forms = (shlex.quote(str(old)), f'"{old}"', f"'{old}'", str(old))
    named = "|".join(re.escape(form) for form in forms)

    def name_new(match: re.Match[str]) -> str:
        return match[1] + shlex.quote(str(new)) if match[1] else str(new)

    text = _with_interpreter(text, old, new)
    return re.sub(rf"(VIRTUAL_ENV[ =])(?:{named})|{re.escape(str(old))}", name_new, text)


def _with_interpreter(text: str, old: Path, new: Path) -> str:
    """Return a script whose first line, or lines, start the new interpreter."""
    first, _, rest = text.partition("\n")
    if first.startswith(f"#!{old}/bin/python"):
        name = Path(first).name
    elif found := re.match(_BY_SHELL.format(old=re.escape(str(old))), text):
        name, rest = found[1], text[found.end() :]
    else:
        return text
    line = f"#!{new / 'bin' / name}"
    is_plain = not re.search(r"\s", line) and len(line.encode()) <= _LONGEST
    return (f"{line}\n" if is_plain else _BESIDE.format(name=name)) + rest


def _replace(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.chmod(path.stat().st_mode)
    unfinished.replace(path)


if __name__ == "__main__":
    former = mend(Path(sys.argv[1]))
    if former is not None:
        sys.stdout.write(f".venv came from {former}; it now runs the code of this folder.\n")
