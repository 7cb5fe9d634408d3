"""The typed view of params.yaml: each section's class stands beside the algorithm it steers.

A model's section has defaults that hold on any table, so that a library user writes `EaseParams()`.
They are not the pipeline's: `load` refuses a file that leaves a number out, so params.yaml is the
whole truth and `dvc params diff` shows all of it.

What is written by hand is checked before anything starts. Besides what a section's class allows, no
number is larger than any shop needs: a slip of the finger would fill memory hours later. A few
lines of YAML's aliases can stand for gigabytes, so what they stand for is counted first.
"""

import reprlib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from hemline.errors import BadInput

_Key = tuple[str | int, ...]

_AT_MOST: Final = {
    "answers": 1_000_000,
    "days": 1_000_000,
    "dimensions": 10_000,
    "epochs": 100_000,
    "factors": 10_000,
    "flips": 10_000_000,
    "hidden": 100_000,
    "init": 100_000,
    "iterations": 10_000,
    "latent": 100_000,
    "leaves": 131_072,
    "length": 10_000,
    "lists": 1_000_000,
    "max": 1_000,
    "ngram": 10,
    "permutations": 1_000_000,
    "replicates": 100_000,
    "samples": 1_000_000,
    "seed": 2**32 - 1,
    "threads": 4_096,
    "trees": 100_000,
    "weeks": 1_000,
    "years": 100,
}
"""The largest number by the last word of its key."""
_MOST: Final = 1_000_000_000
_LARGEST_FILE: Final = 1 << 20  # bytes
_MOST_VALUES: Final = 100_000


class Section(BaseModel):
    """One frozen section of params.yaml that refuses keys it does not know.

    A section whose `names_all` is False may be empty or leave keys out: it describes something,
    and holds no numbers of the pipeline.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    section: ClassVar[str]
    names_all: ClassVar[bool] = True

    @classmethod
    def load(cls, path: Path, *, unnamed: Mapping[str, Any] | None = None) -> Self:
        """Return this section as params.yaml gives it.

        Args:
            path: of params.yaml.
            unnamed: values of numbers that the file need not name. The params.yaml of a registered
                version was written by earlier code: what is new since then has the value by which
                that code behaved.

        Raises:
            BadInput: the file is no params.yaml, or a value is wrong; it names the key.
        """
        sections, root = _parse(path)
        if not isinstance(sections, dict) or cls.section not in sections:
            raise BadInput(
                f"{path.name} has a section '{cls.section}'",
                found=f"sections {sorted(map(str, sections))}"
                if isinstance(sections, dict)
                else "no sections",
                fix="compare it with the params.yaml of the repository",
            )
        content = sections[cls.section]
        if content is None and not cls.names_all:
            content = {}
        if unnamed and isinstance(content, dict):
            content = {**unnamed, **content}
        for key, problem in _problems(content, (cls.section,), cls._booleans()):
            raise _wrong_value(path, root, key, problem, _at(sections, key))
        try:
            loaded = cls.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            key = (cls.section, *first["loc"])
            problem = first["msg"].removeprefix("Value error, ")
            raise _wrong_value(path, root, key, problem, first["input"]) from None
        missing = sorted(cls.model_fields.keys() - loaded.model_fields_set)
        if missing and cls.names_all:
            raise BadInput(
                f"{path.name} names every number of section '{cls.section}'",
                found=f"no {', '.join(missing)}",
                fix="compare it with the params.yaml of the repository",
            )
        return loaded

    @classmethod
    def _booleans(cls) -> frozenset[str]:
        return frozenset(
            name for name, field in cls.model_fields.items() if field.annotation is bool
        )


def read_mapping(path: Path) -> dict[str, Any]:
    """Return the mapping that a YAML file written by hand holds.

    Raises:
        BadInput: the file cannot be read, is no YAML in UTF-8, repeats a key, has aliases, or holds
            something else; the message names the line.
    """
    content, _ = _parse(path)
    if not isinstance(content, dict):
        raise BadInput(
            f"{path} is a mapping: lines of the form 'name: value'",
            found="an empty file" if content is None else f"a {type(content).__name__}",
            fix=_restore(path),
        )
    return deepcopy(content)


def pipeline_paths(pipeline: Path) -> dict[str, Path]:
    """Return the paths in dvc.yaml, the one place where they are written.

    Raises:
        BadInput: as read_mapping, or it has no paths under vars.
    """
    variables = read_mapping(pipeline).get("vars")
    parts = variables if isinstance(variables, list) else []
    paths: Any = next(
        (part["paths"] for part in parts if isinstance(part, dict) and "paths" in part), {}
    )
    if not isinstance(paths, dict) or not all(isinstance(path, str) for path in paths.values()):
        raise BadInput(
            f"{pipeline} names paths under vars, paths",
            found=reprlib.repr(paths),
            fix=_restore(pipeline),
        )
    return {str(name): Path(path) for name, path in paths.items()}


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which also refuses repeated keys, and aliases without end."""

    def get_single_node(self) -> yaml.Node | None:
        root = super().get_single_node()
        if root is not None:
            self._n_values(root, {})
        return root

    def _n_values(self, node: yaml.Node, known: dict[yaml.Node, int]) -> int:
        """Return how many values a node holds, each alias written out; a node has none yet."""
        if node not in known:
            known[node] = _MOST_VALUES  # as long as it is not known: it may hold itself
            parts = node.value if isinstance(node, yaml.CollectionNode) else []
            if isinstance(node, yaml.MappingNode):
                parts = [part for pair in parts for part in pair]
            known[node] = 1 + sum(self._n_values(part, known) for part in parts)
            if known[node] > _MOST_VALUES:
                problem = f"with its aliases (*) written out it holds over {_MOST_VALUES:,} values"
                raise yaml.composer.ComposerError(None, None, problem, node.start_mark)
        return known[node]

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[Any, int] = {}
        for key, _ in node.value:
            name, line = (key.tag, key.value), key.start_mark.line + 1
            if name in lines:
                problem = f"'{key.value}' stands in line {lines[name]} already"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            lines[name] = line
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError) as error:  # 30 February, a number of 5,000 digits
            mark = node.start_mark
            raise yaml.constructor.ConstructorError(None, None, str(error), mark) from None


@lru_cache(maxsize=4)
def _content_of(text: str) -> tuple[Any, yaml.Node | None]:
    """Return the content of a YAML text, and the same as nodes; a run reads 20 sections of one."""
    loader = _Loader(text)
    root = loader.get_single_node()
    return (None if root is None else loader.construct_document(root)), root


def _parse(path: Path) -> tuple[Any, yaml.Node | None]:
    """Return the content of a YAML file, and the same as nodes, which know their lines."""
    text = _read_text(path)
    try:
        return _content_of(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
        raise _no_yaml(path, f"{place}{error.problem or error.context}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _no_yaml(path, f"line {line}: the character {chr(error.character)!r}") from None
    except RecursionError:
        raise _no_yaml(path, "brackets within brackets, too deep to read") from None


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"{path} can be read", found=str(error.strerror), fix=_restore(path)
        ) from None
    if len(content) > _LARGEST_FILE:
        raise _no_yaml(path, f"{len(content):,} bytes, more than {_LARGEST_FILE:,}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _no_yaml(path, f"line {line}: the byte {content[error.start]:#04x}") from None


def _no_yaml(path: Path, found: str) -> BadInput:
    return BadInput(
        f"{path} is YAML in UTF-8, without repeated keys",
        found=found,
        fix=_restore(path),
    )


def _restore(path: Path) -> str:
    return (
        f"correct {path.name}: `git diff {path.name}` shows what was changed since the last commit"
    )


def _problems(value: Any, key: _Key, booleans: frozenset[str]) -> Iterator[tuple[_Key, str]]:
    """Yield the keys of values that no section allows, and what is wrong with them."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _problems(part, (*key, name), booleans)
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from _problems(part, (*key, place), booleans)
    elif isinstance(value, bool):
        if len(key) != 2 or key[1] not in booleans:  # noqa: PLR2004  (section and name)
            yield key, "true and false are no number and no text: put quotes around a text"
    elif isinstance(value, int | float):
        word = next((str(part) for part in reversed(key) if isinstance(part, str)), "")
        word = word.rpartition("_")[2]
        most = _AT_MOST.get(word, _MOST)
        least = 0 if word == "seed" else -most
        if not least <= value <= most:  # which nan is not either
            yield key, f"a number from {least:,} to {most:,}"


def _wrong_value(
    path: Path, root: yaml.Node | None, key: _Key, problem: str, value: Any
) -> BadInput:
    name = ".".join(map(str, key))
    return BadInput(
        f"{path.name}: {name}: {problem}",
        found=f"{reprlib.repr(value)} in line {_line_of(root, key)}",
        fix=f"correct {name} in {path.name}",
    )


def _at(content: Any, key: _Key) -> Any:
    for part in key:
        content = content[part]
    return content


def _line_of(node: yaml.Node | None, key: _Key) -> int:
    """Return the line of a key, or of what holds it."""
    line = 0
    for part in key:
        if isinstance(node, yaml.MappingNode):
            below = {str(name.value): (name, value) for name, value in node.value}
            if str(part) in below:
                name, node = below[str(part)]
                line = name.start_mark.line
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line
    return line + 1
