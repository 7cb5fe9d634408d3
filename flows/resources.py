"""Disk, memory and time: checked before a shop is generated, and reported when they run out.

A disk that fills up an hour into a training, or a stage that the kernel kills for memory, costs the
hour; checking first costs nothing. The numbers were measured (docs/scale.md) and rounded up.
"""

import math
import os
import resource
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from hemline.cli.flow_commands import Size
from hemline.data.synthetic.shop import SIZES
from hemline.errors import BadInput, peak_gb


class Needs(NamedTuple):
    """What a whole training takes on two cores, installation aside."""

    disk_gb: float
    memory_gb: float
    minutes: int


NEEDS: Final[Mapping[Size, Needs]] = {
    "tiny": Needs(disk_gb=0.1, memory_gb=1.5, minutes=3),
    "demo": Needs(disk_gb=0.5, memory_gb=3, minutes=6),
    "full": Needs(disk_gb=12, memory_gb=11, minutes=50),
}

_UNLIMITED: Final = "max"


def require_resources(
    root: Path,
    size: Size,
    report: Callable[[str], None],
    needs_of: Mapping[Size, Needs] = NEEDS,
) -> None:
    """Report what will be generated and what it takes, unless this machine is too small for it.

    Args:
        root: the project folder.
        size: of the shop that is about to be generated.
        report: called with the message.
        needs_of: what each size takes.

    Raises:
        BadInput: the disk or the memory has less free space than that.
    """
    shop, needs = SIZES[size], needs_of[size]
    report(
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
            "or choose a smaller --size",
        )
    free_gb = free_memory_gb()
    if free_gb < needs.memory_gb:
        raise BadInput(
            f"size {size} has {needs.memory_gb:g} GB of memory for its largest stage",
            found=f"{free_gb:.2f} GB free",
            fix="close other programs, raise the container's limit, or choose a smaller --size",
        )


def stage_killed() -> BadInput:
    """Return the error of a stage that signal 9 ended; only the kernel knows why."""
    peak = peak_gb(resource.getrusage(resource.RUSAGE_CHILDREN))
    return BadInput(
        "a stage has the memory it needs and is not killed",
        found=f"it was killed (signal 9), probably because memory ran out: one process held up to "
        f"{peak:.1f} GB, {free_memory_gb():.1f} GB are free now",
        fix="close other programs or add memory (docs/scale.md lists what each stage needs), "
        "then start again: finished stages are not repeated",
    )


def cache_full(root: Path) -> BadInput:
    """Return the error of a stage whose outputs did not fit into DVC's cache."""
    return BadInput(
        "DVC's cache has room for the outputs of a stage",
        found=f"{shutil.disk_usage(root).free / 1e9:.2f} GB free for {root}",
        fix="free some space there (`dvc gc --workspace` drops results of earlier trainings), then "
        "start again: finished stages are not repeated",
    )


def free_memory_gb() -> float:
    """Return the memory that a new process can use, at most the limit of the container."""
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
