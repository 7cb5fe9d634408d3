"""Compiled loops whose stored machine code is renewed whenever any loop's source changes.

numba stores what it compiled, and looks only at the file of a function to see whether that is
stale. A loop is compiled with the functions that it calls inside, from whatever module they come.
So what is stored here is stamped with the contents of all files that loops may come from: after an
update in place every loop is compiled anew once. Where it is stored is for numba to choose: in
NUMBA_CACHE_DIR if that is set, else beside the module, else in the user's cache folder.

Numba imports scipy for its version, scipy.linalg to see whether np.dot can use BLAS, and cffi to
know its types. After numba itself these were the slowest imports of an answer on the command line.
No loop here calls BLAS, whose sums have no fixed order, so numba is imported as if they were not
there. That holds only where this is what imports it, so loops know numba by this module alone.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast


@contextmanager
def _as_if_missing(*names: str) -> Iterator[None]:
    """Let importing the modules be an ImportError, unless they are imported already."""
    hidden = [name for name in names if name not in sys.modules]
    vars(sys)["modules"].update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


with _as_if_missing("scipy", "scipy.linalg.cython_blas", "cffi"):
    import numba
    import numba.core.typing.cffi_utils
    import numba.np.arraymath
    from numba.core.caching import (
        CompileResultCacheImpl,
        FunctionCache,
        InTreeCacheLocator,
        UserProvidedCacheLocator,
        UserWideCacheLocator,
    )
    from numba.core.dispatcher import Dispatcher
    from numba.core.runtime.nrt import rtsys

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


def inlined(function: Callable[P, T]) -> Callable[P, T]:
    """Return the function, compiled inside the loops that call it, and stored with them only."""
    return cast("Callable[P, T]", numba.njit(nogil=True)(function))


def loop_files() -> Iterator[Path]:
    """Yield the files that every stored loop is stamped with."""
    for pattern in _LOOPS:
        yield from sorted(_PACKAGE.glob(pattern))


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

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return a stored loop without loading all that numba needs to compile one.

        Where nothing is stored, the compiler loads that itself.
        """
        rtsys.initialize(target_context)  # memory for arrays that a loop makes
        return self._load_overload(sig, target_context)  # type: ignore[no-untyped-call]
