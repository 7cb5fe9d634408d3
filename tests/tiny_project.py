"""A copy of the project small enough to train in a test, and the git and DVC it lives in."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ruamel.yaml import YAML

REPOSITORY = Path(__file__).parents[1]
COPIED = ("src", "flows", "monitoring", "data/source", "data/feedback", "data/content")
COPIED_FILES = (
    *("params.yaml", "dvc.yaml", "prefect.yaml", "automations.yaml"),
    *("pyproject.toml", ".gitignore"),
)
TINY = {
    ("synthetic", "size"): "tiny",
    ("validate", "max_missing_days"): 100,
    ("cluster", "n_init"): 5,
    ("cluster", "elbow_max"): 6,
    ("cvae", "max_epochs"): 2,
    ("cvae", "final_epochs"): 0,
    ("rank", "training_weeks"): 1,
    ("rank", "least_customers"): 0,  # more weeks take long and show nothing of 23 buyers
    ("rank", "cvae_epochs"): 1,
    ("rank", "max_trees"): 5,
    ("rank", "min_pairs_in_leaf"): 10,
    ("serve", "warm"): ["rank", "popularity"],  # what 23 buyers would choose is popularity
    ("serve", "cold"): ["cvae", "popularity"],
    ("evaluate", "bootstrap_samples"): 100,
    ("evaluate", "sign_flips"): 100,
    ("gate", "max_first_loss"): None,  # 23 buyers tell nothing
    ("fairness", "bootstrap_samples"): 100,
    ("fairness", "permutations"): 100,
}


def copy_project(root: Path) -> Path:
    """Make a git clone and DVC project in root with the repository's files, set to be tiny."""
    for name in COPIED:
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(REPOSITORY / name, root / name, ignore=ignored)
    for name in COPIED_FILES:
        shutil.copy(REPOSITORY / name, root / name)
    change_params(root, TINY)
    git(root, "init", "--quiet", "--initial-branch", "main")
    run(root, sys.executable, "-m", "dvc", "init", "--quiet")
    commit_all(root)
    return root


def change_params(root: Path, changes: Mapping[tuple[str, str], object]) -> None:
    """Set values of params.yaml by section and name."""
    editor = YAML()
    content = editor.load(root / "params.yaml")
    for (section, name), value in changes.items():
        assert name in content[section], f"params.yaml has no {section}.{name} any more"
        content[section][name] = value
    editor.dump(content, root / "params.yaml")


@contextmanager
def changed_params(
    root: Path, changes: Mapping[tuple[str, str], object] | None = None
) -> Iterator[None]:
    """Set values of params.yaml, and put the file back in the end, whatever else changed it."""
    original = (root / "params.yaml").read_text()
    change_params(root, changes or {})
    try:
        yield
    finally:
        (root / "params.yaml").write_text(original)


def commit_all(root: Path) -> str:
    git(root, "add", "--all")
    git(root, "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "--quiet", "-mx")
    return git(root, "rev-parse", "HEAD")


def git(root: Path, *arguments: str) -> str:
    return run(root, "git", *arguments)


def run(root: Path, *command: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()
