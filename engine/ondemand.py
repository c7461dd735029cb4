"""numba's dispatcher, made to wait: nothing is compiled, or read from the cache, before somebody calls.

numba compiles a function with declared signatures where it is defined, so that importing a module costs the time of
everything in it. Here the first call does it, whether from Python or from a function that is being compiled; from then
on the two are alike: the declared signatures and no others, and arguments converted to them. Of a function that others
have taken in, nothing is read at all.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import CPUDispatcher, cpu_target

BLAS = "scipy.linalg.cython_blas"


@functools.cache
def _ready() -> None:
    """Let numba read in what it knows about NumPy; SciPy's linear algebra aside, which it would look for.

    To import that takes as long as all of numba. Where it is not found, numba does inner products itself, and asks
    again when compiled code multiplies matrices, as nothing here does.
    """
    if BLAS in sys.modules:
        cpu_target.target_context.refresh()
        return
    sys.modules[BLAS] = None  # type: ignore[assignment]  # an import fails at once
    try:
        cpu_target.target_context.refresh()
    finally:
        del sys.modules[BLAS]


class OnDemand(CPUDispatcher):  # type: ignore[misc, unused-ignore]
    """A function compiled for its declared signatures, or where it declares none, for the types it is called with."""

    declared: tuple[object, ...] = ()

    @classmethod
    def of(cls, function: Callable[..., Any], signatures: Sequence[object], **options: object) -> OnDemand:
        """A dispatcher of the function; `options` as numba's ``njit`` takes them."""
        made = cls(function, targetoptions={"nopython": True, "boundscheck": None, **options})
        made.declared = tuple(signatures)
        return made

    def compile(self, sig: object) -> Any:
        """Called by numba for types that it has not met yet, whichever language the caller is in.

        What this gives, numba calls with the arguments: the dispatcher itself, which then finds the signature they fit.
        """
        with global_compiler_lock:  # another thread waits here until all is there
            if not self._can_compile:
                return self
            _ready()
            if self._cache.cache_path is None:  # finding its place takes a while, too
                self.enable_caching()
            if not self.declared:
                return super().compile(sig)
            for signature in self.declared:
                super().compile(signature)
            self.disable_compile()
            return self

    def __reduce__(self) -> str:
        """By its name, as functions are pickled: a copy would not know its signatures."""
        return str(self.__qualname__)
