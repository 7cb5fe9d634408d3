"""How many threads a library that computes with OpenMP may start."""

import os


def openmp_threads() -> int:
    """Return OMP_NUM_THREADS, or without it the number of cores that this process may use.

    torch, which a stage holds to one thread of MKL (hemline/processor.py), leaves OpenMP with one
    thread for the whole process. Libraries whose results do not depend on it are lent the others.
    """
    return int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))
