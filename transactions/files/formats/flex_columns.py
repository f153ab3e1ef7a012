"""Interactive Brokers: what the rows of a Flex query prove about the columns it lacks. Pure.

A query has the columns that a person chose. Without one of these a row is still read where the rest
of the file leaves one answer, and refused with `column_missing` where it leaves two:

    NetCash              its difference from the proceeds is commission and taxes
    Taxes                none where the market of the ISIN has no tax on trades, or on this side
    IBCommissionCurrency that of the trade if NetCash meets; of shares it always is (with a warning)
    AssetClass           shares, a fund or a bond if the ISIN or the symbol is one and no multiplier
                         is between quantity, price and money
    Open/CloseIndicator  the codes O and C of the notes; else the units bought before within the
                         file: a sale of more than these, and a purchase after it, may be short
    LevelOfDetail        a query of two levels states everything twice: one trade or payment that
                         stands alone shows that there is one level
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal

from core.money import WIDE
from transactions.files.reading.interface import WARNING_CODES
from transactions.files.reading.lines import Line

ZERO = Decimal(0)
_CENT = Decimal("0.01")
# Countries of an ISIN whose shares bear no tax or duty on trades that this broker collects.
_UNTAXED = frozenset(
    {
        *("US", "CA", "DE", "NL", "AT", "LU", "CH", "LI", "SE", "NO", "DK", "FI", "IS", "PT", "BM"),
        *("AU", "NZ", "JP", "KY", "VG", "CZ", "HU", "EE", "LT", "LV", "MX", "IL"),
    }
)
# Countries where only purchases are taxed.
_TAXED_PURCHASES = frozenset({"GB", "IE", "FR", "IT", "ES", "JE", "GG", "IM"})
# Funds of these have no such tax, and shares of these few.
_MOSTLY_UNTAXED = frozenset({"IE", "JE"})
_UNTAXED_CURRENCIES = frozenset({"USD", "CAD", "CHF", "AUD", "NZD", "JPY", "SEK", "NOK", "DKK"})
_SHARE = re.compile(r"[A-Z][A-Z0-9]{0,7}(?:[. ][A-Z0-9]{1,3})?")
_SHARES = frozenset({"", "STK", "FUND", "ETF"})


@dataclass(frozen=True, slots=True)
class _Trade:
    """What the file says of a trade whose row does not say whether it opened a position."""

    place: str
    at: tuple[date, time]
    units: Decimal


@dataclass(slots=True)
class Proofs:
    """Collects all rows of a file, to tell what each may lack."""

    named: set[str] = field(default_factory=set)
    alone: dict[str, dict[object, list[Decimal]]] = field(default_factory=dict)
    trades: dict[object, list[_Trade]] = field(default_factory=lambda: defaultdict(list))
    one_level: set[str] = field(default_factory=set)
    maybe_short: set[str] = field(default_factory=set)

    def add(self, kind: str, line: Line) -> None:
        """Take a row, which is read for this alone."""
        if is_named(line):
            self.named.add(kind)
        if "level" not in line.columns and not is_named(line):
            key, value = _level_key(kind, line)
            self.alone.setdefault(kind, defaultdict(list))[key].append(value)
        if kind == "trades" and "open_close" not in line.columns:
            self._add_trade(line)

    def _add_trade(self, line: Line) -> None:
        side, quantity = line.text("side").upper(), line.quantity("quantity")
        found = line.moment("datetime", "date")
        if not side.startswith(("BUY", "SELL")) or not quantity or found is None:
            return
        units = abs(quantity) if side.startswith("BUY") else -abs(quantity)
        if "(" in side:
            units = -units  # a canceled trade
        at = (found.day, found.clock or time(0))
        self.trades[_security_key(line)].append(_Trade(line.group, at, units))

    def finish(self) -> None:
        """Judge the rows once all are there."""
        for kind, groups in self.alone.items():
            if kind not in self.named and any(map(_stands_alone, groups.values())):
                self.one_level.add(kind)
        for trades in self.trades.values():
            held = ZERO
            for trade in sorted(trades, key=lambda trade: (trade.at, -trade.units)):
                before, held = held, held + trade.units
                if held < 0 or before < 0:
                    self.maybe_short.add(trade.place)


def is_named(line: Line) -> bool:
    """Return whether a row has an id of its own; sums of other rows have none."""
    return bool(line.text("trade_id") or line.text("transaction_id"))


def _security_key(line: Line) -> object:
    security = line.security()
    return line.text("account"), security.isin or security.key


def _level_key(kind: str, line: Line) -> tuple[object, Decimal]:
    if kind == "trades":
        found = line.moment("datetime", "date")
        value = abs(line.quantity("quantity") or ZERO)
        return (_security_key(line), found.day if found else None), value
    told = line.text("isin") or line.text("description")[:40]
    key = (line.text("account"), line.text("type"), line.text("currency"), told)
    return key, abs(line.figure("amount") or ZERO)


def _stands_alone(values: Sequence[Decimal]) -> bool:
    """Return whether no row of a group may be the sum of its other rows, or one of them again."""
    total = sum(values, ZERO)
    return len({*values}) == len(values) and all(2 * value != total for value in values)


def check_columns(line: Line, kind: str, proofs: Proofs) -> None:
    """Record a problem for each column that the query lacks and whose content nothing proves."""
    if "level" not in line.columns and not is_named(line) and kind not in proofs.one_level:
        line.needs("level")
    if kind != "trades":
        return
    if "asset_class" not in line.columns and not _is_security(line):
        line.needs("asset_class")
    unsaid = "open_close" not in line.columns and not {"O", "C"} & codes_of(line)
    if unsaid and line.group in proofs.maybe_short:
        line.needs("open_close")


def codes_of(line: Line) -> set[str]:
    """Return the codes of a trade's notes."""
    return {code.strip() for code in line.text("notes").replace(",", ";").split(";")}


def is_short(line: Line, kind: str) -> bool:
    """Return whether a trade opened a short position or closed one, also in part."""
    stated = line.text("open_close").upper()
    found = {code.strip() for code in stated.split(";")} if stated else codes_of(line)
    return ("O" if kind == "sell" else "C") in found


def _is_security(line: Line) -> bool:
    """Return whether a trade without a class is one of shares, a fund or a bond."""
    if line.text("multiplier") and line.figure("multiplier") != 1:
        return False
    if any(line.text(name) for name in ("put_call", "strike")):
        return False
    if "CFD" in line.text("name").upper().split():
        return False
    security = line.security()
    product = WIDE.multiply(line.figure("quantity") or ZERO, line.figure("price") or ZERO)
    money = line.figure("money") or line.figure("proceeds")
    whole = None if money is None else abs(abs(money) - abs(product)) <= _CENT
    if security.isin:
        bond = money is not None and abs(abs(money) - abs(product) / 100) <= _CENT
        return whole is not False or bond
    if not _SHARE.fullmatch(security.symbol.upper()):
        return False
    return whole is True or (whole is None and bool(line.text("multiplier")))


def costs_of(line: Line, kind: str, currency: str) -> tuple[Decimal, Decimal, str]:
    """Return a trade's commission and taxes, negative, and the commission's currency.

    Records a problem for what the row does not state and nothing proves.
    """
    commission, taxes = line.figure("commission") or ZERO, line.figure("taxes") or ZERO
    other = line.code("commission_currency") or currency
    missing = {"commission", "taxes", "commission_currency"} - line.columns.keys()
    if not missing:
        return commission, taxes, other
    charged = _charged(line, kind)
    if charged is None:
        _check_costs(line, kind, currency, missing)
        return commission, taxes, other
    if "commission" in missing:
        if other != currency and "commission_currency" in line.columns:
            line.needs("commission")
        return charged - taxes, taxes, currency
    if "taxes" in missing:
        if "commission_currency" not in missing and other != currency:
            return commission, charged, other
        taxes = charged - commission
        if taxes > _CENT:
            line.needs("taxes", *missing - {"taxes"})
        return commission, min(taxes, ZERO), currency
    if abs(charged - commission - taxes) > _CENT:
        line.needs("commission_currency")
    return commission, taxes, currency


def _charged(line: Line, kind: str) -> Decimal | None:
    """Return what the cash of a trade has less than its proceeds, negative; None if unknown."""
    net, gross = line.figure("net_cash"), line.figure("money")
    if gross is None:
        gross = line.figure("proceeds")
    if net is None or gross is None:
        return None
    return net - (abs(gross) if kind == "sell" else -abs(gross))


def _check_costs(line: Line, kind: str, currency: str, missing: Iterable[str]) -> None:
    """Record what is missing where no cash tells the costs."""
    if "commission" in missing:
        line.needs("commission")
    if "commission_currency" in missing and line.figure("commission"):
        if line.text("asset_class").upper() not in _SHARES:
            line.needs("commission_currency")
        else:
            told = "The query has no currency of the commission; that of the trade was used."
            line.warn("costs_not_stated", told, of="commission")
    if "taxes" not in missing:
        return
    isin = line.text("isin").upper()
    country = isin[:2]
    if country in _UNTAXED or (kind == "sell" and country in _TAXED_PURCHASES):
        return
    if country in _MOSTLY_UNTAXED or (not isin and currency in _UNTAXED_CURRENCIES):
        line.warn("costs_not_stated", WARNING_CODES["costs_not_stated"], of="commission")
        return
    line.needs("taxes")
