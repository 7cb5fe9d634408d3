"""dvc.yaml must name every file a stage's result depends on: DVC does not trace imports."""

import inspect
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import grimp
import pytest
import yaml

from hemline.models import catalogue
from hemline.models.catalogue import CATALOGUE

ROOT = Path(__file__).parent.parent
READ_BY_PAGES = {".j2", ".css"}
STAGES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]


Graphs = tuple[grimp.ImportGraph, grimp.ImportGraph]


@pytest.fixture(scope="module")
def imports() -> Graphs:
    """The imports of the package, and the same without those of the catalogue's entries."""
    everything, of_no_model = (grimp.build_graph("hemline", cache_dir=None) for _ in range(2))
    for module in {module for name in CATALOGUE for module in modules_of(name)}:
        of_no_model.remove_import(importer=catalogue.__name__, imported=module)
    return everything, of_no_model


def modules_of(model: str) -> set[str]:
    """Return the modules that the catalogue imports for a model."""
    return set(re.findall(r"from (hemline\.\S+) import", inspect.getsource(CATALOGUE[model])))


def imported_files(stage: str, imports: Graphs) -> set[str]:
    """Return the code a stage runs: of the catalogue's models only those that it names."""
    command = STAGES[stage]["cmd"].split()
    module = command[command.index("-m") + 1]
    models = [
        name for option, name in pairwise(command) if option == "--model" and name in CATALOGUE
    ]
    everything, of_no_model = imports
    names = {module, *(of_no_model if models else everything).find_upstream_modules(module)}
    for name in {name for model in models for name in modules_of(model)}:
        names |= {name, *everything.find_upstream_modules(name)}
    for package in {package for name in names for package in packages_of(name)}:
        names |= {package, *everything.find_upstream_modules(package)}
    files = (Path("src", *name.split(".")) for name in names)
    code = {
        path / "__init__.py" if (ROOT / path).is_dir() else path.with_suffix(".py")
        for path in files
    }
    return {
        str(path) for path in code if path.name != "__init__.py" or (ROOT / path).stat().st_size
    }


def packages_of(module: str) -> list[str]:
    """Return the packages that are imported before a module of theirs."""
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


@pytest.mark.parametrize("stage", STAGES)
def test_deps_cover_what_the_stage_imports(stage: str, imports: Graphs) -> None:
    deps = [str(dep) for dep in STAGES[stage]["deps"]]
    uncovered = {
        file
        for file in imported_files(stage, imports)
        if not any(file == dep or file.startswith(f"{dep}/") for dep in deps)
    }
    assert not uncovered


@pytest.mark.parametrize("stage", STAGES)
def test_deps_name_no_code_the_stage_does_not_import(stage: str, imports: Graphs) -> None:
    code = {str(dep) for dep in STAGES[stage]["deps"] if str(dep).startswith("src/")}
    imported = imported_files(stage, imports)
    unused = {dep for dep in code if not any(f == dep or f.startswith(f"{dep}/") for f in imported)}
    assert not unused


@pytest.mark.parametrize("stage", STAGES)
def test_deps_cover_the_templates_of_a_stage_that_writes_a_page(
    stage: str, imports: Graphs
) -> None:
    files = imported_files(stage, imports)
    if "src/hemline/pages/rendering.py" not in files:
        return
    folders = {(ROOT / file).parent for file in files}
    read = {path for folder in folders for path in folder.iterdir() if path.suffix in READ_BY_PAGES}
    assert len(read) > 3  # layout, parts, style sheet and at least one template of its own
    deps = [ROOT / str(dep) for dep in STAGES[stage]["deps"]]
    assert all(any(path.is_relative_to(dep) for dep in deps) for path in read)


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_a_description_and_params_that_exist(stage: str) -> None:
    assert STAGES[stage]["desc"]
    known = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    for name in STAGES[stage]["params"]:
        section, _, key = name.partition(".")
        assert section in known
        assert not key or key in known[section]


def test_every_section_of_params_is_read_by_a_stage_or_a_flow() -> None:
    known = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    read = {name.partition(".")[0] for stage in STAGES.values() for name in stage["params"]}
    # The engine executes and changes no result: a stage reads it, and DVC need not know.
    by_no_stage = {
        "answers",
        "engine",
        "gate",
        "monitor",
        "performance",
        "fresh_data",
        "alerts",
        "shop",
        "experiments",
        "live",
        "simulation",
        "sequence",  # trained by hand: stages/train_sequence.py
    }
    assert set(known) == read | by_no_stage


def test_compiled_python_in_a_folder_makes_no_stage_stale() -> None:
    compiled = "src/hemline/data/synthetic/__pycache__/shop.cpython-311.pyc"
    command = [sys.executable, "-m", "dvc", "check-ignore", compiled]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == compiled, done.stderr
