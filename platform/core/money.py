"""Money: Decimal amounts of one currency, one rounding, parts that sum to the whole.

    quantize(x, c)   nearest minor unit of c, halves away from zero
    allocate(t, w)   parts p_i with sum(p_i) = t exactly and |p_i - t*w_i/sum(w)| < one minor unit

Worked example: allocate(100.00 USD, [1, 1, 1]) = [33.34, 33.33, 33.33]: each share is rounded down
and the cents left over go to the largest remainders, earlier parts first among equals.
"""

from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, localcontext
from functools import lru_cache

# Currencies whose minor unit (ISO 4217) is not two decimals.
_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_MINOR_UNITS = {
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
}

# Wide enough for the product of any two stored figures; the default of 28 digits is too narrow.
WIDE = Context(prec=60, rounding=ROUND_HALF_UP)


@lru_cache(maxsize=512)
def minor_unit(currency: str) -> Decimal:
    """Return the smallest amount of the currency, such as Decimal('0.01') for USD."""
    return Decimal(1).scaleb(-_MINOR_UNITS.get(currency, 2))


def quantize(amount: Decimal, currency: str) -> Decimal:
    """Return `amount` rounded to the currency's minor unit, halves away from zero."""
    return amount.quantize(minor_unit(currency), context=WIDE)


def converted(amount: Decimal, rate: Decimal, currency: str) -> Decimal:
    """Return `amount` at `rate` units of `currency` for one, rounded once to its minor unit."""
    return quantize(WIDE.multiply(amount, rate), currency)


def allocate(total: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Split `total`, a whole number of minor units, by `weights`; the parts sum to it.

    Largest-remainder method. Raise ValueError unless weights are >= 0 and not all zero.
    """
    if any(weight < 0 for weight in weights) or not sum(weights):
        raise ValueError("weights must be non-negative and not all zero")
    unit = minor_unit(currency)
    if quantize(total, currency) != total:
        raise ValueError(f"{total} is not a whole number of {unit} {currency}")
    with localcontext(WIDE):
        size = sum(weights)
        exact = [abs(total) * weight / size for weight in weights]
        parts = [value.quantize(unit, rounding=ROUND_DOWN) for value in exact]
        left = int((abs(total) - sum(parts)) / unit)
        order = sorted(range(len(weights)), key=lambda i: (parts[i] - exact[i], i))
        for i in order[:left]:
            parts[i] += unit
        sign = -1 if total < 0 else 1
        parts = [sign * part for part in parts]
    assert sum(parts) == total, "parts must sum to the whole"
    return parts


def largest_remainder(exact: Sequence[int], *, step: int, steps: int) -> list[int]:
    """Round each number down to whole steps, and hand out the rest so that they sum to `steps`.

    The rest goes to the largest remainders, earlier ones first among equals: no part is a step or
    more from its exact value where the exact values sum to less than a step from the whole.
    """
    if not exact:
        return []
    found = [value // step for value in exact]
    rounds, rest = divmod(steps - sum(found), len(exact))
    order = sorted(range(len(exact)), key=lambda i: (-(exact[i] % step), i))
    for place, number in enumerate(order):
        found[number] += rounds + (1 if place < rest else 0)
    return found


def never_zero(value: Decimal, shown: Decimal) -> Decimal:
    """Return `shown`, a rounding of `value`; ten significant digits if it is 0 and `value` is not.

    A coin may cost less than a hundred-millionth: no figure that is not zero is shown as 0.
    """
    if shown or not value:
        return shown
    return value.quantize(Decimal(1).scaleb(value.adjusted() - 9), context=WIDE)


def plain(value: Decimal) -> str:
    """Return the shortest plain notation: no exponent, no trailing zeros ('40', '0.4', '-3.05')."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
