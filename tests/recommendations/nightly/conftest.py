"""What the tests of a night share."""

import pytest

from recommendations.engine.arrays.warming import warm


@pytest.fixture(scope="module", autouse=True)
def compiled_engine() -> None:
    """Compile outside of any transaction: that may take longer than one may be idle."""
    warm()
