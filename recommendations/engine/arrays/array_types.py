"""Types of the engine's arrays. Importing them does not load the compiler."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Records = NDArray[np.void]
"""Rows with named fields: `records[i].price`."""
