"""Load the compiled engine before work needs it: its first use compiles it, half a minute long."""

from functools import lru_cache

import numpy as np

from recommendations.engine.arrays.columns import ACCOUNT, LOT, SECURITY, Columns
from recommendations.engine.arrays.measuring import figures
from recommendations.engine.arrays.solving import solved


@lru_cache(maxsize=1)
def warm() -> None:
    """Solve and measure no account at all."""
    nothing = Columns(np.zeros(0, ACCOUNT), np.zeros(0, SECURITY), np.zeros(0, LOT))
    solved(columns=nothing)
    figures(columns=nothing, shares=np.zeros(0), no_losses=np.zeros(0, np.bool_))
