"""How much a run tries: `make test` samples, `PROOFS=1 make test` also runs the heavy proofs.

CI runs all of them. A variable of its own sets the size of one test: `KILLS=500 make test ARGS=…`.
"""

import os
from collections.abc import Sequence
from typing import Any

import pytest

PROOFS = os.environ.get("PROOFS") == "1"


def size(name: str, *, usual: int, proof: int) -> int:
    """Return the size of a test: that of the variable `name` if it is set."""
    return int(os.environ.get(name) or (proof if PROOFS else usual))


def examples(number: int) -> int:
    """Return how many cases Hypothesis draws where the proof takes this number."""
    return number if PROOFS else max(10, number // 3)


def one_view(*views: Any) -> Sequence[Any]:
    """Return the parameters of a browser test: the first view, and as proofs the others."""
    others = (view if isinstance(view, tuple) else (view,) for view in views[1:])
    return [views[0], *(pytest.param(*other, marks=pytest.mark.proof) for other in others)]
