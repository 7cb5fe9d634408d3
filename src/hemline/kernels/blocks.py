"""Rows shared out among threads, a block at a time, so that each is computed by one of them."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

BLOCK: Final = 256


def for_blocks(
    fill: Callable[[slice], None], n_rows: int, progress: str | None = None, *, size: int = BLOCK
) -> None:
    """Fill all rows, one block per thread; a single block, as for one customer, in this thread.

    BLAS starts no threads of its own meanwhile: they would wait for each other and for ours.

    Args:
        fill: called with the rows of a block; must let other threads compute.
        n_rows: how many rows there are.
        progress: name of the progress bar; no bar if None.
        size: rows of a block.
    """
    blocks = [slice(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]
    if len(blocks) <= 1:
        for block in blocks:
            fill(block)
        return
    from threadpoolctl import threadpool_limits  # noqa: PLC0415  (not for one customer)
    from tqdm import tqdm  # noqa: PLC0415  (as above)

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as threads:
        done = threads.map(fill, blocks)
        for _ in tqdm(done, desc=progress, total=len(blocks), disable=progress is None):
            pass
