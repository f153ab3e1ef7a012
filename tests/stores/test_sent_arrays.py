"""Arrays sent in binary form arrive element by element."""

import numpy as np
import pytest

from stores.arrays import records_of
from stores.sent_arrays import sent_floats, sent_ints

pytestmark = pytest.mark.django_db


def test_sent_arrays_arrive_element_by_element() -> None:
    found = records_of(
        query="SELECT * FROM unnest(%(ints)s, %(floats)s)",
        values={
            "ints": sent_ints(np.array([2**62, -1, 0])),
            "floats": sent_floats(np.array([0.1, -np.inf, 1e-300])),
        },
        fields={"n": "int8", "x": "float8"},
    )
    assert found.tolist() == [(2**62, 0.1), (-1, -np.inf), (0, 1e-300)]


def test_an_array_without_elements_arrives_empty() -> None:
    found = records_of(
        query="SELECT cardinality(%(ints)s)",
        values={"ints": sent_ints(np.array([], np.int64))},
        fields={"n": "int4"},
    )
    assert found.tolist() == [(0,)]
