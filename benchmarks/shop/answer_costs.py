"""CPU time of one answer, whole and by part, in a process of its own without a server.

CPU time and not wall time: another process on the same cores does not count. The old way, a
Storefront, is measured in the same run, because machines differ by more than the ways do.
"""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from benchmarks.record import Row

_WARM: Final = 20
Parts = Mapping[str, Callable[[str], object]]


def cost_rows(case: str, parts: Parts, customer_ids: Sequence[str]) -> list[Row]:
    """Return p50, p99 and least CPU milliseconds of each part, which takes a customer's id.

    The parts take turns, so that a slower hour of the machine slows them all.
    """
    for customer_id in customer_ids[:_WARM]:
        for part in parts.values():
            part(customer_id)
    spent: dict[str, list[float]] = {name: [] for name in parts}
    gc.collect()
    for customer_id in customer_ids[_WARM:]:
        for name, part in parts.items():
            begin = time.process_time_ns()
            part(customer_id)
            spent[name].append((time.process_time_ns() - begin) / 1e6)
    return [
        Row(case, name, metric, float(value), None)
        for name, times in spent.items()
        for metric, value in (
            ("cpu ms p50", np.percentile(times, 50)),
            ("cpu ms p99", np.percentile(times, 99)),
            ("cpu ms min", min(times)),
        )
    ]
