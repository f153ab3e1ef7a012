"""How much a run tries: `make test` samples, `PROOFS=1 make test` also runs the heavy proofs.

CI runs all of them. A variable of its own sets the size of one test: `KILLS=500 make test ARGS=…`.
"""

import os

PROOFS = os.environ.get("PROOFS") == "1"


def size(name: str, *, usual: int, proof: int) -> int:
    """Return the size of a test: that of the variable `name` if it is set."""
    return int(os.environ.get(name) or (proof if PROOFS else usual))


def examples(number: int) -> int:
    """Return how many cases Hypothesis draws where the proof takes this number."""
    return number if PROOFS else max(10, number // 3)
