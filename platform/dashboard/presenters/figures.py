"""Figures as people read them: thousands grouped, a true minus, the currency's decimals. Pure.

    money      1234.5, USD     -> $1,234.50         -3, EUR -> −€3.00       9, CHF -> CHF 9.00
    signed     12, USD         -> +$12.00           0 -> $0.00
    percent    4.1234          -> 4.12%             signed: +4.12%
    quantity   12.5000         -> 12.5              1234567.123456789 -> 1,234,567.123457
    rate       0.922764602768292 -> 0.922765        six significant digits

hidden     any amount, quantity -> $••••        while `amounts_hidden`; prices and percentages stay

`figures.js` writes the same strings, so a live price never changes the form of a cell. What is not
known is an en dash, never zero.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import TypeAlias

from core.money import minor_unit, plain

_SIX_DIGITS = Context(prec=6, rounding=ROUND_HALF_UP)

MINUS = "\N{MINUS SIGN}"
UNKNOWN = "\N{EN DASH}"
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "PHP": "₱", "INR": "₹", "KRW": "₩"}

HIDDEN = "\N{BULLET}" * 4

Figure: TypeAlias = Decimal | str | int | None

_hidden: ContextVar[bool] = ContextVar("amounts_hidden", default=False)


@contextmanager
def amounts_hidden(hidden: bool) -> Iterator[None]:
    """Write amounts and quantities as dots inside, if `hidden`."""
    token = _hidden.set(hidden)
    try:
        yield
    finally:
        _hidden.reset(token)


def number(value: Figure) -> Decimal | None:
    """Return the figure as a Decimal; None if it is absent or not a number."""
    if value is None or value == "":
        return None
    try:
        result = Decimal(value)
    except InvalidOperation:
        return None
    return result if result.is_finite() else None


def currency_prefix(currency: str) -> str:
    """Return the text before an amount: '$', or the code and a non-breaking space."""
    return SYMBOLS.get(currency) or f"{currency}\N{NO-BREAK SPACE}"


def currency_decimals(currency: str) -> int:
    """Return the decimals of the currency's minor unit."""
    exponent = minor_unit(currency).as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 2


def _text(value: Decimal, *, decimals: int, prefix: str = "", suffix: str = "", plus: bool) -> str:
    rounded = value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    sign = MINUS if rounded < 0 else "+" if plus and rounded > 0 else ""
    return f"{sign}{prefix}{abs(rounded):,.{decimals}f}{suffix}"


def money(value: Figure, currency: str, *, plus: bool = False) -> str:
    """Format an amount in its currency, to the minor unit."""
    amount = number(value)
    if amount is None:
        return UNKNOWN
    if _hidden.get():
        return currency_prefix(currency) + HIDDEN
    return _text(
        amount, decimals=currency_decimals(currency), prefix=currency_prefix(currency), plus=plus
    )


def price(value: Figure, currency: str) -> str:
    """Format a price per unit: at least the minor unit, four decimals below one."""
    amount = number(value)
    if amount is None:
        return UNKNOWN
    decimals = max(currency_decimals(currency), 4 if abs(amount) < 1 else 0)
    return _text(amount, decimals=decimals, prefix=currency_prefix(currency), plus=False)


def percent(value: Figure, *, decimals: int = 2, plus: bool = False) -> str:
    """Format a percentage (12.5 is 12.5 %)."""
    share = number(value)
    if share is None:
        return UNKNOWN
    return _text(share, decimals=decimals, suffix="%", plus=plus)


def quantity(value: Figure) -> str:
    """Format units held or traded, without trailing zeros, to six decimals."""
    units = number(value)
    if units is None:
        return UNKNOWN
    if _hidden.get():
        return HIDDEN
    rounded = units.quantize(Decimal("0.000001"), rounding=ROUND_HALF_UP)
    whole, _, rest = plain(abs(rounded)).partition(".")
    sign = MINUS if rounded < 0 else ""
    return f"{sign}{int(whole):,}" + (f".{rest}" if rest else "")


def exact(value: Figure) -> str:
    """Format a figure with all its digits, thousands grouped."""
    found = number(value)
    if found is None:
        return UNKNOWN
    whole, _, rest = plain(abs(found)).partition(".")
    return f"{MINUS if found < 0 else ''}{int(whole):,}" + (f".{rest}" if rest else "")


def rate(value: Figure) -> str:
    """Format an exchange rate to six significant digits, without trailing zeros."""
    units = number(value)
    if units is None:
        return UNKNOWN
    whole, _, rest = plain(_SIX_DIGITS.plus(units)).partition(".")
    return f"{int(whole):,}" + (f".{rest}" if rest else "")


def tone(value: Figure) -> str:
    """Return 'gain', 'loss' or nothing; the sign in the text shows the same without color."""
    amount = number(value)
    if amount is None or amount == 0:
        return ""
    return "gain" if amount > 0 else "loss"
