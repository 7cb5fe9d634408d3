"""The instructions and threads that a DVC stage may use, so that processors write the same bytes.

Numerical libraries choose their code by the processor. Sums of other code, or of another number of
threads, differ in their last bits, and a network trained on them ends elsewhere. So a stage limits
every library to what all processors with AVX2 have (Intel since 2013, AMD since 2015), whatever the
environment says. A processor without AVX2 is left as it is: its results are its own.

MKL, which torch computes with, has a compatible mode, but AMD's and Intel's processors differed in
it (docs/decisions.md), and those that are not Intel's are slow in it. So the CVAE multiplies with
numpy's OpenBLAS, on one thread (models/cvae/blas_products.py); MKL's settings are for what else
torch computes. `HEMLINE_NATIVE_CPU=1` switches all of it off, for a larger machine whose results
need not be anybody else's.
"""

import os
import sys
from pathlib import Path
from typing import Final

NATIVE: Final = "HEMLINE_NATIVE_CPU"
"""Set to 1: use whatever the processor has."""

PINNED: Final = {
    "OPENBLAS_CORETYPE": "Haswell",  # numpy's and scipy's BLAS
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "ATEN_CPU_CAPABILITY": "avx2",  # torch
    "MKL_CBWR": "COMPATIBLE",
    "MKL_NUM_THREADS": "1",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "ARROW_USER_SIMD_LEVEL": "AVX2",
}

_FLAGS: Final = Path("/proc/cpuinfo")


def pin() -> bool:
    """Set the variables before a library reads them; return whether they are set.

    They are left alone where numpy is loaded already, that is in every process but a stage's own.
    """
    if os.environ.get(NATIVE) == "1" or "numpy" in sys.modules or not has_avx2():
        return False
    os.environ.update(PINNED)
    return True


def has_avx2() -> bool:
    """Return whether the processor has AVX2 and FMA; False where Linux does not say."""
    if not _FLAGS.exists():
        return False
    lines = _FLAGS.read_text(encoding="utf-8").splitlines()
    flags = next((line.split(":")[1].split() for line in lines if line.startswith("flags")), [])
    return {"avx2", "fma"} <= set(flags)
