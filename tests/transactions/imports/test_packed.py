"""Figures in packed columns are those that were put in, to the last decimal and zero's sign."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from transactions.operations.imports.packed import Decimals

FIGURES = st.decimals(allow_nan=False, allow_infinity=False) | st.none()


@given(st.dictionaries(st.integers(0, 40), FIGURES), st.dictionaries(st.integers(0, 40), FIGURES))
@example({0: Decimal("-0.00"), 1: Decimal("0E+3"), 2: Decimal("1E+3"), 3: Decimal("0.00")}, {})
@example({1: Decimal("9223372036854775.807"), 2: Decimal("-9223372036854775.808")}, {})
@example({1: Decimal("1e-200"), 2: Decimal("1." + "1" * 40)}, {1: None, 2: Decimal(2)})
def test_a_column_returns_what_was_set(
    first: dict[int, Decimal | None], then: dict[int, Decimal | None]
) -> None:
    column = Decimals()
    for place, value in (*first.items(), *then.items()):
        column[place] = value
    expected = first | then
    for place in range(42):
        found, value = column[place], expected.get(place)
        assert (found and found.as_tuple()) == (value and value.as_tuple())
        assert str(found) == str(value)
        assert column.scaled(place, decimals=10) == Fraction(value or 0) * 10**10
