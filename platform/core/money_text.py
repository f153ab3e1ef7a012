"""Decimals as text: how the API writes amounts, shares and figures that may be unknown. Pure.

money_text(1234.5, USD)   "1234.50"    the decimals of the currency, no exponent, no "-0.00"
plain_text(12.5000)       "12.5"       the shortest notation
exact_text(12.5000)       "12.5000"    the decimals the figure has
None                      None         what is not known is null, never zero
"""

from decimal import Decimal
from typing import overload

from core.money import plain, quantize


@overload
def money_text(amount: Decimal, currency: str) -> str: ...
@overload
def money_text(amount: Decimal | None, currency: str) -> str | None: ...
def money_text(amount: Decimal | None, currency: str) -> str | None:
    """Return an amount with the decimals of its currency."""
    if amount is None:
        return None
    rounded = quantize(amount, currency)
    return f"{abs(rounded) if rounded == 0 else rounded:f}"


@overload
def plain_text(value: Decimal) -> str: ...
@overload
def plain_text(value: Decimal | None) -> str | None: ...
def plain_text(value: Decimal | None) -> str | None:
    """Return the shortest notation without exponent and trailing zeros."""
    return None if value is None else plain(value)


@overload
def exact_text(value: Decimal) -> str: ...
@overload
def exact_text(value: Decimal | None) -> str | None: ...
def exact_text(value: Decimal | None) -> str | None:
    """Return a figure with the decimals it has, without exponent."""
    return None if value is None else format(value, "f")
