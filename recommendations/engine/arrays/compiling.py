"""Compilation of the array functions to machine code, kept on disk between starts.

Numba keeps the code of a function for as long as its own file is unchanged, and does not notice a
change of a function it calls. So every state of this folder has a folder of its own for the code.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

_HERE = Path(__file__).parent
_ENGINE = hashlib.sha256(
    b"".join(path.read_bytes() for path in sorted(_HERE.parent.rglob("*.py")))
).hexdigest()[:16]
vars(numba.config)["CACHE_DIR"] = os.path.join(
    os.environ.get("DATA_DIR") or str(_HERE.parents[2] / ".data"), "compiled", _ENGINE
)

# Plain IEEE arithmetic, nothing reordered (no fastmath): equal inputs give equal bytes. Other
# threads may run beside it (nogil).
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}


def compiled(function: Function) -> Function:
    """Compile a function that compiled functions call: Python cannot call it."""
    options = {**_OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    made: Function = numba.njit(**options)(function)
    return made


def entry(function: Function) -> Function:
    """Compile a function that Python calls, and keep its code, with all it calls, on disk."""
    made: Function = numba.njit(cache=True, **_OPTIONS)(function)
    return made
