"""Load the compiled engine before work needs it: its first use compiles it, half a minute long."""

import fcntl
from functools import lru_cache
from pathlib import Path

import numba
import numpy as np

from recommendations.engine.arrays.columns import ACCOUNT, LOT, SECURITY, Columns
from recommendations.engine.arrays.measuring import figures
from recommendations.engine.arrays.solving import solved


@lru_cache(maxsize=1)
def warm() -> None:
    """Solve and measure no account at all. One process compiles; the others wait for its code."""
    nothing = Columns(np.zeros(0, ACCOUNT), np.zeros(0, SECURITY), np.zeros(0, LOT))
    folder = Path(vars(numba.config)["CACHE_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        solved(columns=nothing)
        figures(columns=nothing, shares=np.zeros(0), no_losses=np.zeros(0, np.bool_))
