"""Fees on a sale by market and currency: dated tables, because the rates change every year.

    SEC fee  = value sold x rate per million / 1,000,000         (Exchange Act, section 31)
    TAF      = min(shares sold x rate per share, cap per trade)  (FINRA By-Laws, Schedule A)

Both are charged in US dollars on sales of equity securities (shares and ETFs) listed in the United
States. A share listed elsewhere, a bond, a mutual fund, crypto, an own asset and a purchase pay
neither; no other market has a table yet. An account in another currency pays the same fees: the
rate per share and the cap are converted. The SEC rate is a fraction of the value in any currency.

Worked example, 2026-06-01, 1,000 shares at 50.00: SEC 50,000 x 20.60 / 1e6 = 1.03; TAF 0.195 ->
0.20. A day before the first row uses the first row. A day after the last row uses the last row,
because the next rate is not known until it is announced.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class SaleFees:
    """The rates of one day: a fraction of the value sold, an amount per share, a cap per trade."""

    sec_rate: Decimal
    taf_per_share: Decimal
    taf_cap: Decimal

    def converted(self, rate: Decimal) -> "SaleFees":
        """Return the same fees in another currency, at `rate` units of it for one; not rounded."""
        return replace(self, taf_per_share=self.taf_per_share * rate, taf_cap=self.taf_cap * rate)


NO_SALE_FEES = SaleFees(Decimal(0), Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class FeeTable:
    """The fees of one market: the currency they are charged in, and their dated rows."""

    currency: str
    sec: tuple[tuple[date, Decimal], ...]
    taf: tuple[tuple[date, Decimal, Decimal], ...]


UNITED_STATES = "US"
FEE_TABLES: Mapping[str, FeeTable] = {
    UNITED_STATES: FeeTable("USD", SEC_FEE_PER_MILLION, TRADING_ACTIVITY_FEE)
}
# Exchanges (MIC) whose trades pay the fees of a market, and the asset classes that pay them.
_MARKETS: Mapping[str, str] = dict.fromkeys(
    ("XNYS", "XNAS", "XASE", "ARCX", "BATS", "XCHI", "IEXG", "XBOS", "XPHL", "MEMX", "LTSE"),
    UNITED_STATES,
)
_CLASSES = frozenset({"equity", "etf"})


def fee_market(*, exchange: str, asset_class: str, currency: str) -> str:
    """Return the market whose fees a sale of such an asset pays, "" if it pays none."""
    market = _MARKETS.get(exchange, "")
    if asset_class not in _CLASSES or not market or FEE_TABLES[market].currency != currency:
        return ""
    return market


def sale_fees(*, market: str, as_of: date) -> SaleFees:
    """Return the rates of a sale on the trade date `as_of`, in the currency of the market."""
    if not market:
        return NO_SALE_FEES
    table = FEE_TABLES[market]
    sec = table.sec[max(0, bisect_right(table.sec, as_of, key=lambda row: row[0]) - 1)]
    taf = table.taf[max(0, bisect_right(table.taf, as_of, key=lambda row: row[0]) - 1)]
    return SaleFees(sec[1] / MILLION, taf[1], taf[2])


def sec_fee(*, fees: SaleFees, value: Decimal) -> Decimal:
    """Return the SEC fee on `value` sold, not yet rounded."""
    return value * fees.sec_rate


def trading_activity_fee(*, fees: SaleFees, quantity: Decimal) -> Decimal:
    """Return the TAF on `quantity` shares sold in one trade, capped, not yet rounded."""
    return min(fees.taf_cap, quantity * fees.taf_per_share)
