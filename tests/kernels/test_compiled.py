"""Stored machine code is renewed after any change of a loop, whichever module calls it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import grimp

from hemline.kernels.compiled import loop_files
from tests.tiny_project import REPOSITORY

BEST_BOUGHT = """
import numpy as np
from hemline.kernels import history_lists
indptr, articles = np.array([0, 3], np.int32), np.array([4, 5, 6], np.int32)
listed, _ = history_lists.best_bought(indptr, articles, np.array([1, 3, 2], np.float32), 3)
stats = history_lists._fill_bought.stats
print(listed.tolist(), sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""
BEST_FIRST, WORST_FIRST = "[[5, 6, 4]]", "[[4, 6, 5]]"


def test_a_change_in_a_module_whose_loops_are_called_is_noticed(tmp_path: Path) -> None:
    source = tmp_path / "hemline"
    shutil.copytree(
        REPOSITORY / "src/hemline", source, ignore=shutil.ignore_patterns("__pycache__", "shop")
    )
    assert run(tmp_path) == f"{BEST_FIRST} 0 1"
    assert run(tmp_path) == f"{BEST_FIRST} 1 0"
    heap = source / "kernels" / "heap.py"
    first_sort, rest = heap.read_text("utf-8").split("def sort_heap(", 1)
    reverse = rest.replace(
        "        sink(columns, scores, last, column, score)\n",
        "        sink(columns, scores, last, column, score)\n"
        "    scores[:] = -np.sort(-scores)\n    columns[:] = columns[::-1].copy()\n",
        1,
    )
    assert reverse != rest
    heap.write_text(f"{first_sort}def sort_heap({reverse}", "utf-8")
    assert run(tmp_path) == f"{WORST_FIRST} 0 1"
    assert run(tmp_path) == f"{WORST_FIRST} 1 0"


def run(folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", BEST_BOUGHT],
        env=environment | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_file_that_a_loop_imports_is_among_those_that_are_looked_at() -> None:
    graph = grimp.build_graph("hemline", cache_dir=None)
    compiled = "hemline.kernels.compiled"
    loops = graph.find_modules_that_directly_import(compiled) | {compiled}
    imported = {name for loop in loops for name in graph.find_modules_directly_imported_by(loop)}
    ours = loops | {name for name in imported if name.startswith("hemline.")}
    files = {REPOSITORY / "src" / f"{name.replace('.', '/')}.py" for name in ours}
    assert len(loops) > 10
    assert files <= set(loop_files())
