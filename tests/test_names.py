"""One name, one thing: a reader who searches for a module or a class finds one."""

import ast
from collections import Counter
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
MODULES: Final = [
    module
    for folder in ("src", "flows", "monitoring", "benchmarks")
    for module in sorted((ROOT / folder).rglob("*.py"))
]
ENTRIES: Final = ("__init__", "__main__")


def repeated(names: list[str]) -> list[str]:
    return [name for name, n in Counter(names).items() if n > 1]


def test_there_are_modules_to_check() -> None:
    assert len(MODULES) > 100


def test_every_module_has_a_name_of_its_own() -> None:
    """Stages share the names of the algorithms that they run."""
    names = [module.stem for module in MODULES if module.parent.name != "stages"]
    assert not repeated([name for name in names if name not in ENTRIES])


def test_every_public_class_has_a_name_of_its_own() -> None:
    trees = [ast.parse(module.read_text(encoding="utf-8")) for module in MODULES]
    classes = [node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)]
    assert not repeated([name for name in classes if not name.startswith("_")])
