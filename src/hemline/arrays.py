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

LAID_OUT: Final = "laid_out"
"""Name of an empty file beside arrays that never change, so that they may be mapped."""

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


def load_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of `x.npz` by name, or those of the folder `x` that `lay_out` made of it.

    Raises:
        FileNotFoundError: there is neither the file nor the folder.
    """
    folder = path.with_suffix("")
    if folder.is_dir():
        return {file.stem: load_array(file) for file in sorted(folder.glob("*.npy"))}
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def load_array(path: Path) -> npt.NDArray[Any]:
    """Return the array of an .npy file, mapped into memory if `lay_out` wrote it.

    Processes that map the same array share it. What one of them writes to it, the file and the
    others never see: numba compiles a loop again for arrays that are read-only, so it is not.
    """
    is_laid_out = (path.parent / LAID_OUT).exists()
    mapped = np.load(path, mmap_mode="c" if is_laid_out else None, allow_pickle=False)
    return np.asarray(mapped)


def lay_out(stored: Path, folder: Path) -> None:
    """Write the arrays of an .npz or .npy file for mapping: the first as a folder of its name."""
    arrays = load_arrays(stored) if stored.suffix == ".npz" else {stored.stem: load_array(stored)}
    to = folder / stored.stem if stored.suffix == ".npz" else folder
    to.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(to / f"{name}.npy", array, allow_pickle=False)
    (to / LAID_OUT).touch()
