"""Where the tools keep their state, whatever the project folder is called and whoever runs them."""

import asyncio
import getpass
import os
import pwd
import sys
from pathlib import Path

import pytest
from prefect.server.database.configurations import AioSqliteConfiguration
from sqlalchemy import text
from typer.testing import CliRunner

from hemline import environment
from hemline.cli import app
from hemline.errors import BadInput
from hemline.relocation import database_file

DATABASE = "PREFECT_API_DATABASE_CONNECTION_URL"


@pytest.mark.parametrize("name", ["shop? #1 & 'sons' [x] {y}, a=b; \u00e4*", "what?uri=false"])
def test_prefects_database_lies_in_the_project(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_HOME")
    path = tmp_path / name / ".hemline" / "prefect" / "prefect.db"
    path.parent.mkdir(parents=True)
    address = environment.defaults(tmp_path / name)[DATABASE]
    assert database_file(address) == path

    async def write() -> None:
        engine = await AioSqliteConfiguration(address).engine()
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE run (id)"))
        await engine.dispose()

    asyncio.run(write())
    assert path.stat().st_size
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_prefect_itself_names_its_database_where_its_path_is_plain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_HOME")
    assert DATABASE not in environment.defaults(tmp_path / "a plain 'name' \u00e4")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "chosen?"))
    chosen = environment.defaults(tmp_path / "plain")[DATABASE]
    assert database_file(chosen) == tmp_path / "chosen?" / "prefect.db"


@pytest.mark.parametrize("name", ["{y}", "a{", "}b"])
def test_a_name_that_dvc_cannot_read_is_refused_before_a_flow_starts(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name / "sub").mkdir(parents=True)
    environment.require_name_for_dvc(tmp_path)
    for folder in (tmp_path / name, tmp_path / name / "sub"):
        (folder / "dvc.yaml").touch()
        monkeypatch.chdir(folder)
        refused = CliRunner().invoke(app, ["train"])
        assert refused.exit_code == 1
        assert "the path of a project holds no" in refused.stderr
        assert str(folder) in refused.stderr
        assert not (folder / ".hemline").exists()


def test_an_environment_that_path_cannot_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.require_name_for_dvc(tmp_path / "a:b")  # only the interpreter stands in PATH
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "a:b" / ".venv"))
    with pytest.raises(BadInput, match="holds no :"):
        environment.require_name_for_dvc(tmp_path)


def test_a_user_without_an_account_has_a_home_and_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_account(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setattr(pwd, "getpwuid", no_account)
    environment.apply(tmp_path)
    assert Path.home() != tmp_path / ".hemline"
    for name in ("HOME", "LOGNAME", "USER", "LNAME", "USERNAME"):
        os.environ.pop(name, None)
    with pytest.raises(RuntimeError):
        Path.home()
    environment.apply(tmp_path)
    assert Path.home() == tmp_path / ".hemline"
    assert getpass.getuser() == f"uid{os.getuid()}"
