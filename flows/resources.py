"""Room on this machine, disk and memory: asked before a shop is made, and told when it ran out.

A disk that fills up an hour in, or a stage that the kernel kills for memory, costs the hour; asking
costs nothing. What the sizes take was measured (docs/scale.md), and is rounded up.
"""

import math
import os
import resource
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

from hemline.data.synthetic.shop import SIZES
from hemline.errors import BadInput, peak_gb

Size = Literal["tiny", "demo", "full"]


class Needs(NamedTuple):
    """What a whole training takes on two cores."""

    disk_gb: float
    memory_gb: float
    minutes: int


NEEDS: Final[Mapping[Size, Needs]] = {
    "tiny": Needs(disk_gb=0.1, memory_gb=1.5, minutes=2),
    "demo": Needs(disk_gb=0.5, memory_gb=2, minutes=5),
    "full": Needs(disk_gb=12, memory_gb=11, minutes=50),
}


_UNLIMITED: Final = "max"


def announce_size(
    root: Path,
    size: Size,
    on_line: Callable[[str], None],
    needs_of: Mapping[Size, Needs] = NEEDS,
) -> None:
    """Say what will be made and what it takes.

    Args:
        root: the project folder.
        size: what is about to be made.
        on_line: called with what there is to say.
        needs_of: what each size takes.

    Raises:
        BadInput: the disk has less room than that, or the machine less free memory.
    """
    shop, needs = SIZES[size], needs_of[size]
    on_line(
        f"size {size}: {shop.n_customers:,} customers and {shop.n_articles:,} articles, "
        f"{shop.first_day} to {shop.last_day}; about {needs.minutes} minutes on two cores, up to "
        f"{needs.memory_gb:g} GB of memory and {needs.disk_gb:g} GB of disk"
    )
    free_gb = shutil.disk_usage(root).free / 1e9
    if free_gb < needs.disk_gb:
        raise BadInput(
            f"size {size} has {needs.disk_gb:g} GB of disk for tables, models and DVC's cache",
            found=f"{free_gb:.2f} GB free for {root}",
            fix="free some space there (`dvc gc --workspace` drops results of earlier trainings), "
            "or take a smaller SCALE",
        )
    free_gb = free_memory_gb()
    if free_gb < needs.memory_gb:
        raise BadInput(
            f"size {size} has {needs.memory_gb:g} GB of memory for its largest stage",
            found=f"{free_gb:.2f} GB free",
            fix="end other programs, raise the container's limit, or take a smaller SCALE",
        )


def killed() -> BadInput:
    """Return what a stage that signal 9 ended is reported as; only the kernel knows why."""
    peak = peak_gb(resource.getrusage(resource.RUSAGE_CHILDREN))
    return BadInput(
        "a stage has the memory it needs, and nobody kills it",
        found=f"it was killed (signal 9), probably because memory ran out: {peak:.1f} GB is the "
        f"most that one process held, {free_memory_gb():.1f} GB are free now",
        fix="end other programs or take more memory (docs/scale.md says what each stage needs), "
        "then start again: finished stages are kept",
    )


def cache_full(root: Path) -> BadInput:
    """Return what a stage is reported as whose outputs found no room in DVC's cache."""
    return BadInput(
        "DVC's cache has room for what a stage wrote",
        found=f"{shutil.disk_usage(root).free / 1e9:.2f} GB free for {root}",
        fix="free some space there (`dvc gc --workspace` drops results of earlier trainings), then "
        "start again: finished stages are kept",
    )


def free_memory_gb() -> float:
    """Return the memory that a new process could take, a container's limit at most."""
    return min(_machine_free(), _container_limit()) / 1e9


def _machine_free() -> float:
    about = Path("/proc/meminfo")
    if not about.exists():  # macOS: all there is
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    lines = about.read_text(encoding="ascii").splitlines()
    [available] = [line for line in lines if line.startswith("MemAvailable:")]
    return float(available.split()[1]) * 1024


def _container_limit() -> float:
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text(encoding="ascii").strip() if limit.exists() else _UNLIMITED
    return math.inf if text == _UNLIMITED else float(text)
