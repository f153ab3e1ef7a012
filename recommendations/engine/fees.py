"""What a sale pays to the regulator and to FINRA: dated tables, because the rates move every year.

    SEC fee  = value sold x rate per million / 1,000,000         (Exchange Act, section 31)
    TAF      = min(shares sold x rate per share, cap per trade)  (FINRA By-Laws, Schedule A)

Worked example, 2026-06-01, 1,000 shares at 50.00: SEC 50,000 x 20.60 / 1e6 = 1.03; TAF 0.195 ->
0.20. A purchase pays neither. A day before the first row uses the earliest row; one after the
last row uses the last, because the next rate is not known until it is announced.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

MILLION = Decimal(1_000_000)

# SEC fee rate advisories: effective trade date, US dollars per million dollars of sales.
SEC_FEE_PER_MILLION: tuple[tuple[date, Decimal], ...] = (
    (date(2024, 5, 22), Decimal("27.80")),
    (date(2025, 5, 14), Decimal("0.00")),
    (date(2026, 4, 4), Decimal("20.60")),
)

# FINRA trading activity fee: effective trade date, US dollars per share sold, cap per trade.
TRADING_ACTIVITY_FEE: tuple[tuple[date, Decimal, Decimal], ...] = (
    (date(2024, 1, 1), Decimal("0.000166"), Decimal("8.30")),
    (date(2026, 1, 1), Decimal("0.000195"), Decimal("9.79")),
    (date(2027, 1, 1), Decimal("0.000232"), Decimal("11.61")),
)

_SEC_DATES = [row[0] for row in SEC_FEE_PER_MILLION]
_TAF_DATES = [row[0] for row in TRADING_ACTIVITY_FEE]


@dataclass(frozen=True, slots=True)
class SaleFees:
    """The rates of one day: a fraction of the value sold, an amount per share, a cap per trade."""

    sec_rate: Decimal
    taf_per_share: Decimal
    taf_cap: Decimal


NO_SALE_FEES = SaleFees(Decimal(0), Decimal(0), Decimal(0))


def sale_fees(*, as_of: date) -> SaleFees:
    """The fee rates of a sale on the trade date `as_of`."""
    sec = SEC_FEE_PER_MILLION[max(0, bisect_right(_SEC_DATES, as_of) - 1)]
    taf = TRADING_ACTIVITY_FEE[max(0, bisect_right(_TAF_DATES, as_of) - 1)]
    return SaleFees(sec[1] / MILLION, taf[1], taf[2])


def sec_fee(*, fees: SaleFees, value: Decimal) -> Decimal:
    """The SEC fee on `value` sold, not yet rounded."""
    return value * fees.sec_rate


def trading_activity_fee(*, fees: SaleFees, quantity: Decimal) -> Decimal:
    """The TAF on `quantity` shares sold in one trade, capped, not yet rounded."""
    return min(fees.taf_cap, quantity * fees.taf_per_share)
