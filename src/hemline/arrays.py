"""Arrays that come out the same on every processor, and files of them with the same bytes.

The sums of BLAS and LAPACK depend on the processor's instructions and on the number of threads, in
their last bits. Computed in float64 and rounded to a coarse grid, two such sums differ only where
one lies within 1e-16 of the border between two grid points: about once in ten thousand fits.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

BITS: Final = 20
"""Of the largest value: a millionth of it is the finest difference that remains."""

Floats = npt.NDArray[np.float32]

_FIRST_DAY: Final = (1980, 1, 1, 0, 0, 0)


def on_grid(values: npt.NDArray[np.float64], *, axis: int | None = None) -> Floats:
    """Return the values rounded to multiples of 2 ** -BITS of a power of two above the largest.

    Args:
        values: in float64, in which the last bits are uncertain.
        axis: along which all values share a grid; None is one grid for all.

    >>> on_grid(np.array([1.0, 1 / 3, 1e-9])).tolist()
    [1.0, 0.33333396911621094, 0.0]
    """
    largest = np.abs(values).max(axis=axis, initial=0, keepdims=True)
    _, exponent = np.frexp(largest)
    step = np.ldexp(1.0, exponent - BITS)
    return np.asarray(np.rint(values / step) * step + 0.0, np.float32)  # 0.0 makes -0.0 a zero


def save_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write an npz file, as numpy.savez does, whose bytes depend on the arrays alone.

    numpy's own has headers that differ between versions of Python.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", _FIRST_DAY)
            entry.file_size = array.nbytes  # whether the headers are those of a large file
            with file.open(entry, "w") as stream:
                np.lib.format.write_array(stream, np.asanyarray(array), allow_pickle=False)
