"""Compiled loops whose stored machine code is renewed whenever any loop's source changes.

numba stores what it compiled, and looks only at the file of a function to see whether that is
stale. A loop is compiled with the functions that it calls inside, from whatever module they come.
So what is stored here is stamped with the contents of all files that loops may come from: after an
update in place every loop is compiled anew once. Where it is stored is for numba to choose: in
NUMBA_CACHE_DIR if that is set, else beside the module, else in the user's cache folder.

When numba loads its array functions it imports scipy.linalg, to see whether np.dot can use BLAS.
After numba itself that is the slowest import of an answer on the command line. No loop here calls
BLAS, whose sums have no fixed order, so numba is loaded as if scipy had none.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

import numba
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    InTreeCacheLocator,
    UserProvidedCacheLocator,
    UserWideCacheLocator,
)
from numba.core.dispatcher import Dispatcher

_PACKAGE: Final = Path(__file__).parents[1]
_LOOPS: Final = ("kernels/*.py", "models/ranker/*_loops.py", "arrays.py")
"""Where loops, and the constants that are compiled into them, come from."""

P = ParamSpec("P")
T = TypeVar("T")


def compiled(loop: Callable[P, T]) -> Callable[P, T]:
    """Return the loop, compiled when it is first called, without the interpreter's lock."""
    dispatcher: Any = numba.njit(nogil=True)(loop)
    if isinstance(dispatcher, Dispatcher):  # else NUMBA_DISABLE_JIT is set
        store: Any = _LoopCache
        vars(dispatcher)["_cache"] = store(loop)  # what cache=True does, with our stamp
    return cast("Callable[P, T]", dispatcher)


def loop_files() -> Iterator[Path]:
    """Yield the files that every stored loop is stamped with."""
    for pattern in _LOOPS:
        yield from sorted(_PACKAGE.glob(pattern))


def _load_without_blas() -> None:
    blas = "scipy.linalg.cython_blas"
    if blas in sys.modules:
        return
    vars(sys)["modules"][blas] = None  # importing it is an ImportError, which numba expects
    try:
        import_module("numba.np.arraymath")
    finally:
        del sys.modules[blas]


@cache
def _stamp() -> str:
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in loop_files()}
    return hashlib.sha256(str(files).encode()).hexdigest()


class _Stamped:
    """Of a numba locator: all loops' files say whether what it located is stale."""

    def get_source_stamp(self) -> str:
        return _stamp()


class _NamedFolder(_Stamped, UserProvidedCacheLocator):
    """NUMBA_CACHE_DIR."""


class _BesideModule(_Stamped, InTreeCacheLocator):
    """The __pycache__ beside the module."""


class _UserFolder(_Stamped, UserWideCacheLocator):
    """The user's cache folder."""


class _Stored(CompileResultCacheImpl):
    _locator_classes: list[type[object]] = [_NamedFolder, _BesideModule, _UserFolder]  # noqa: RUF012  (numba's)


class _LoopCache(FunctionCache):
    _impl_class = _Stored


_load_without_blas()
