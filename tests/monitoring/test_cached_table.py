"""A cached table is made once, and again when its inputs or its file changed."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from monitoring.cached_table import cached_table

SCHEMA = pa.schema([("article", pa.int32()), ("scores", pa.list_(pa.float32()))])


@pytest.mark.parametrize("damage", ["emptied", "cut short", "zeros", "csv", "other types", "other"])
def test_a_damaged_cache_is_made_again_and_a_whole_one_is_not(tmp_path: Path, damage: str) -> None:
    path, made = tmp_path / "cached.parquet", list[int]()

    def make() -> pd.DataFrame:
        made.append(1)
        return pd.DataFrame({"article": [7], "scores": [[0.5, 0.25]]})

    for _ in range(2):
        cached_table(path, SCHEMA, "same", make)
    assert len(made) == 1
    content = path.read_bytes()
    if damage == "other types":
        pd.DataFrame({"article": ["x"], "scores": ["y"], "fingerprint": ["same"]}).to_parquet(path)
    elif damage == "other":
        pd.DataFrame({"a": [1]}).to_parquet(path)
    else:
        damaged = {"emptied": b"", "cut short": content[:-9], "zeros": bytes(len(content))}
        path.write_bytes(damaged.get(damage, b"article,scores\n"))
    again = cached_table(path, SCHEMA, "same", make)
    assert len(made) == 2
    assert again["article"].tolist() == [7]
    assert path.read_bytes() == content


TABLE = pa.schema([("n", pa.int64())])


def test_a_cached_table_that_was_damaged_is_made_again(tmp_path: Path) -> None:
    path, made = tmp_path / "cache" / "a.parquet", pd.DataFrame({"n": range(1000)})
    cached_table(path, TABLE, "print", lambda: made)
    whole = path.read_bytes()
    damages = [whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :] for at in range(len(whole))]
    n_made = 0

    def make() -> pd.DataFrame:
        nonlocal n_made
        n_made += 1
        return made

    for damaged in (*damages[:: max(1, len(damages) // 60)], whole[:-1], whole[:100], b""):
        path.write_bytes(damaged)
        stored = cached_table(path, TABLE, "print", make)
        assert stored["n"].tolist() == made["n"].tolist()
    assert n_made > 3
    n_before = n_made
    assert cached_table(path, TABLE, "print", make)["n"].tolist() == made["n"].tolist()
    assert n_made == n_before


def test_two_processes_that_need_the_same_table_make_it_once(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "a.parquet"
    script = (
        "import sys, time; from pathlib import Path; import pandas as pd, pyarrow as pa\n"
        "from monitoring.cached_table import cached_table\n"
        "def make():\n"
        "    (Path(sys.argv[1]).parents[1] / f'made.{time.monotonic_ns()}').touch()\n"
        "    time.sleep(1)\n"
        "    return pd.DataFrame({'n': [7]})\n"
        "schema = pa.schema([('n', pa.int64())])\n"
        "assert cached_table(Path(sys.argv[1]), schema, 'print', make)['n'].tolist() == [7]\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", script, str(path)]) for _ in range(3)]
    assert [process.wait(120) for process in processes] == [0, 0, 0]
    assert len(list(tmp_path.glob("made.*"))) == 1
