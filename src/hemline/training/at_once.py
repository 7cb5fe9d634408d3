"""Several past weeks at once, each in a process of its own.

A week's models depend on nothing that another week's fit has found, and most of a fit runs on one
thread. Processes, since torch draws from one stream a process and several threads would share it.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Concatenate, Final, ParamSpec, TypeVar

import joblib

from hemline.training.training_shop import Shop

_FEW_PURCHASES: Final = 100_000
"""With fewer, starting processes (five seconds each) costs more than it spares."""
_MANY_PURCHASES: Final = 5_000_000
"""With more, one week's models take so much memory that two at once may not fit."""
_MOST_PROCESSES: Final = 4
_LOOKS_SECONDS: Final = 1.0  # whether the training that a process works for is still there

Week = TypeVar("Week")
Others = ParamSpec("Others")


def make_at_once(
    make: Callable[Concatenate[Shop, date, Others], Week],
    shop: Shop,
    starts: Sequence[date],
    *others: Others.args,
    **named: Others.kwargs,
) -> Iterator[Week]:
    """Yield what make returns of each week, in their order.

    Nothing of it depends on how many processes there are: each has one thread for linear algebra,
    as a stage has.

    Args:
        make: a function of a module, which another process can import.
        shop: its first argument.
        starts: first days of the weeks, its second.
        others: what follows.
        named: the same, by name.
    """
    n_processes = count_processes(len(shop.purchases), len(starts))
    if n_processes == 1:
        yield from (make(shop, start, *others, **named) for start in starts)
        return
    work = (joblib.delayed(make)(shop, start, *others, **named) for start in starts)
    with joblib.parallel_config("loky", inner_max_num_threads=1, initializer=end_with_parent):
        # Nothing is mapped into memory: weeks may write to their arrays, as in one process.
        processes = joblib.Parallel(n_processes, return_as="generator", max_nbytes=None)
    yield from processes(work)


def count_processes(n_purchases: int, n_weeks: int) -> int:
    """Return how many processes are worth starting for so many weeks."""
    if not _FEW_PURCHASES <= n_purchases <= _MANY_PURCHASES:
        return 1
    return max(1, min(int(joblib.cpu_count()), n_weeks, _MOST_PROCESSES))


def end_with_parent() -> None:
    """End this process soon after the one that started it, however that one ended."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOKS_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
