"""The virtual environment of a project that was moved or copied."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from hemline.cli.terminal import open_registry
from hemline.moved_environment import mend
from tests.tiny_project import REPOSITORY, run

MESSAGE = "it now runs the code of this folder"


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """A project with a Makefile and one module, and its environment with a script."""
    root = tmp_path / "original"
    (root / "src" / "hemline").mkdir(parents=True)
    shutil.copy(REPOSITORY / "Makefile", root)
    shutil.copy(REPOSITORY / "src/hemline/moved_environment.py", root / "src" / "hemline")
    (root / "src/hemline/__init__.py").write_text("")
    (root / "src/hemline/where.py").write_text("print(__file__)")
    venv.create(root / ".venv", symlinks=True)
    [packages] = (root / ".venv").glob("lib/python*/site-packages")
    (packages / "__editable__.hemline-1.pth").write_text(f"{root / 'src'}\n")
    script = root / ".venv/bin/hemline"
    script.write_text(f"#!{root}/.venv/bin/python\nimport hemline.where\n")
    script.chmod(0o755)
    return root


HOSTILE = "a copy? & 'son' \"q\" $HOME `id` #1 [x] \\n ä"


@pytest.mark.parametrize("name", ["copy", "a copy & 'son' #1?", HOSTILE, '"$(id)"', "long" * 40])
def test_a_copied_environment_runs_the_code_of_the_copy(name: str, original: Path) -> None:
    copy = original.with_name(name)
    shutil.copytree(original, copy, symlinks=True, copy_function=os.link)
    before = (original / ".venv/bin/hemline").read_bytes()
    assert str(original) in _run(copy, str(copy / ".venv/bin/hemline"))
    assert MESSAGE in _run(copy, "make", "help")
    assert _run(copy, str(copy / ".venv/bin/hemline")) == str(copy / "src/hemline/where.py")
    assert MESSAGE not in _run(copy, "make", "help")
    assert (original / ".venv/bin/hemline").read_bytes() == before
    assert _run(original, str(original / ".venv/bin/hemline")) == str(
        original / "src/hemline/where.py"
    )


def test_an_activated_copy_runs_its_own_scripts_after_each_move(original: Path) -> None:
    for name in ("a b", HOSTILE, "plain", f"{HOSTILE} {'long' * 20}"):
        former, original = original, original.rename(original.with_name(name))
        assert mend(original / ".venv") == str(former)
        shell = 'source .venv/bin/activate && printf "%s\\n" "$VIRTUAL_ENV" && hemline'
        told = _run(original, "bash", "-c", shell).splitlines()
        assert told == [str(original / ".venv"), str(original / "src/hemline/where.py")]


@pytest.mark.parametrize("form", ['VIRTUAL_ENV="{}"', "VIRTUAL_ENV='{}'", "VIRTUAL_ENV={}"])
def test_every_form_of_an_activation_is_mended(form: str, original: Path) -> None:
    activate = original / ".venv/bin/activate"
    activate.write_text(f"{form.format(original / '.venv')}\n")
    moved = original.rename(original.with_name(HOSTILE))
    mend(moved / ".venv")
    shell = '. .venv/bin/activate && printf %s "$VIRTUAL_ENV"'
    assert _run(moved, "sh", "-c", shell) == str(moved / ".venv")


def test_a_moved_environment_works_again(original: Path) -> None:
    moved = original.rename(original.with_name("moved here"))
    with pytest.raises(FileNotFoundError):  # the interpreter that its first line names
        subprocess.run([moved / ".venv/bin/hemline"], check=False)
    assert mend(moved / ".venv") == str(original)
    assert _run(moved, str(moved / ".venv/bin/hemline")) == str(moved / "src/hemline/where.py")
    assert mend(moved / ".venv") is None


def test_an_environment_that_is_not_installed_yet_is_left_alone(tmp_path: Path) -> None:
    venv.create(tmp_path / ".venv", symlinks=True)
    assert mend(tmp_path / ".venv") is None
    assert (tmp_path / ".venv/bin/python").resolve() == Path(sys.executable).resolve()


def _run(root: Path, *command: str) -> str:
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    return run(root, *command, env=environment)


class Started(BaseException):
    """Another program took the place of this one."""


def test_a_copied_script_starts_again_with_the_code_of_the_copy(
    original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = original.with_name("copy")
    shutil.copytree(original, copy, symlinks=True)
    (copy / ".hemline").mkdir()
    (copy / ".hemline/mlflow.db").touch()
    monkeypatch.chdir(copy)
    monkeypatch.delenv("PYTHONPATH", raising=False)

    def start(python: str, arguments: list[str]) -> None:
        raise Started(python, arguments)

    monkeypatch.setattr(os, "execv", start)
    monkeypatch.setattr(sys, "argv", ["hemline", "history"])
    with pytest.raises(Started) as started:
        open_registry()
    python, arguments = started.value.args
    assert python == str(copy / ".venv/bin/python")
    assert arguments[-1] == "history"
    assert mend(copy / ".venv") is None
