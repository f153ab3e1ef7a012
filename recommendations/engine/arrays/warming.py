"""Load the compiled engine before work needs it: its first use compiles it, half a minute long.

A worker compiles it. The web process only loads what was compiled, in a second or two: compiling
would hold up its requests.
"""

import fcntl
import threading
from pathlib import Path

import numba
import numpy as np

from recommendations.engine.arrays.columns import ACCOUNT, LOT, SECURITY, Columns
from recommendations.engine.arrays.measuring import figures
from recommendations.engine.arrays.solving import solved

_loading = threading.Lock()
_loaded = threading.Event()


def warm() -> None:
    """Solve and measure no account at all. One process compiles; the others wait for its code."""
    with _loading:
        if _loaded.is_set():
            return
        nothing = Columns(np.zeros(0, ACCOUNT), np.zeros(0, SECURITY), np.zeros(0, LOT))
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            solved(columns=nothing)
            figures(columns=nothing, shares=np.zeros(0), no_losses=np.zeros(0, np.bool_))
            _compiled().touch()
        _loaded.set()


def is_compiled() -> bool:
    """Return whether this state of the engine was compiled: then `warm` takes a second or two."""
    return _loaded.is_set() or _compiled().exists()


def _folder() -> Path:
    return Path(vars(numba.config)["CACHE_DIR"])


def _compiled() -> Path:
    return _folder() / "compiled"
