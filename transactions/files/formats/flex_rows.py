"""Interactive Brokers: one row of a Flex query, from CSV or XML. Pure."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal

from core.money import quantize
from transactions.files.formats.flex_columns import codes_of, costs_of, is_short
from transactions.files.reading.interface import NO_SECURITY, ParsedRow, Security
from transactions.files.reading.lines import Line
from transactions.files.reading.rows import (
    ZERO,
    About,
    charge,
    draft,
    file_rate,
    income,
    interest,
    says_back,
    signed_cash,
    slack_of,
    taking_back,
    trade,
)

# (row, buy or sell, its currency) -> its commission, its taxes, the commission's currency.
Costs = Callable[[Line, str, str], tuple[Decimal, Decimal, str]]
UNITS = frozenset({"", "STK", "FUND", "BOND", "BILL", "CRYPTO", "CMDTY", "ETF"})
NOT_OPTIONS = frozenset({"CFD", "IND", "SWP"})
_PAIR = re.compile(r"[A-Z]{3}\.[A-Z]{3}")
_NAMED = re.compile(r"^(?P<symbol>[^\s(]{1,24})\s{0,8}\((?P<number>[A-Z0-9]{6,12})\)")
CASH = {
    "dividends": "dividend",
    "dividend": "dividend",
    "payment in lieu of dividends": "dividend",
    "payment in lieu of dividend": "dividend",
    "withholding tax": "tax",
    "withholding tax on interest received": "tax",
    "871(m) withholding": "tax",
    "broker interest received": "interest",
    "broker interest rcvd": "interest",
    "bond interest received": "interest",
    "bond interest rcvd": "interest",
    "broker interest paid": "fee",
    "bond interest paid": "fee",
    "broker fees": "fee",
    "other fees": "fee",
    "advisor fees": "fee",
    "commission adjustments": "fee",
    "price adjustments": "interest",
    "deposits/withdrawals": "moved",
    "deposits & withdrawals": "moved",
    "deposits and withdrawals": "moved",
}


def trade_rows(line: Line, *, level: str, costs: Costs = costs_of) -> Iterator[ParsedRow]:
    """Yield the rows of a record of the section Trades.

    `level` is the level to import, `costs` reads what a row says of its costs.
    """
    found = line.text("level").upper()
    if found not in ("", level):
        yield line.skip("summary", f"A row of the level {found}.")
        return
    kind_of_asset = line.text("asset_class").upper()
    side = line.text("side").upper()
    symbol = line.text("symbol")
    if kind_of_asset == "CASH" or _PAIR.fullmatch(symbol):
        yield line.skip("fx_conversion")
        return
    if kind_of_asset not in UNITS:
        code = (
            "asset_class_not_supported" if kind_of_asset in NOT_OPTIONS else "option_not_supported"
        )
        yield line.refused(code, of="asset_class")
        return
    kind = {"BUY": "buy", "SELL": "sell"}.get(side.partition("(")[0].strip())
    if kind is None:
        yield line.refused("type_unknown" if side else "type_missing", f"{side[:40]!r}", of="side")
        return
    if _is_canceled(line, side):
        yield _canceled(line, kind, costs)
        return
    if is_short(line, kind):
        yield line.refused("short_sale_not_supported", of="open_close")
        return
    yield from _trade(line, kind, costs)


def _is_canceled(line: Line, side: str) -> bool:
    """Return whether the row cancels a trade: `BUY (Ca.)`, the note Ca, or a TradeCancel."""
    return (
        says_back(side)
        or "Ca" in codes_of(line)
        or "CANCEL" in line.text("transaction_type").upper()
    )


def _canceled(line: Line, kind: str, costs: Costs) -> ParsedRow:
    """Return the row as a correction; its figures have the opposite sign."""
    original = line.id("original_id")
    about = _about(line)
    commission, taxes, _ = costs(line, "sell" if kind == "buy" else "buy", about.currency)
    row = _priced(line, kind, about, fee=commission + taxes)
    named = f"ibkr:{original}" if original.strip("0") else ""
    return taking_back(line, row, kind, about, named=named, of="side")


def _about(line: Line) -> About:
    name = line.id("trade_id") or line.id("transaction_id")
    return About(
        at=line.happened("trade", "datetime", "date"),
        currency=line.currency("currency"),
        account=line.name("account"),
        security=line.security(),
        order_id=line.id("order_id"),
        external_id=f"ibkr:{name}" if name else "",
        file_rate=file_rate(line, "fx_rate"),
    )


def _priced(line: Line, kind: str, about: About, *, fee: Decimal) -> ParsedRow:
    quantity, price = line.quantity("quantity"), line.figure("price")
    gross = line.figure("money")
    if gross is None:
        gross = line.figure("proceeds")
    return trade(
        line,
        kind,
        about,
        quantity=quantity,
        price=price,
        fee=fee,
        gross=gross,
        slack=slack_of(line, quantity, price),
        per_hundred=line.text("asset_class").upper() in ("", "BOND", "BILL"),
        of="money",
    )


def _trade(line: Line, kind: str, costs: Costs) -> Iterator[ParsedRow]:
    about = _about(line)
    commission, taxes, other = costs(line, kind, about.currency)
    fee = -(commission + taxes)
    apart = other != about.currency and commission != 0
    if apart:
        fee = -taxes
    yield _priced(line, kind, about, fee=fee)
    paid = quantize(-commission, other) if apart else ZERO
    if apart and paid > 0 and about.at is not None and not line.problems:
        named = f"{about.external_id}:fee" if about.external_id else ""
        bare = replace(about, security=NO_SECURITY, currency=other, file_rate=None, order_id="")
        yield draft(line, "fee", replace(bare, external_id=named), amount=paid)


def cash_row(line: Line) -> ParsedRow:
    """Return a row of the section Cash Transactions."""
    if line.text("level").upper() in ("SUMMARY", "BASE_SUMMARY"):
        return line.skip("summary")
    word = line.text("type").casefold()
    kind = CASH.get(word)
    if kind is None:
        code = "type_unknown" if word else "type_missing"
        return line.refused(code, f"{word[:40]!r}", of="type")
    description = line.text("description")
    name = line.id("transaction_id")
    about = About(
        at=line.happened("cash", "datetime", "settled", "date"),
        currency=line.currency("currency"),
        account=line.name("account"),
        security=_security(line, description),
        note=line.note(description),
        external_id=f"ibkr:{name}" if name else "",
        file_rate=file_rate(line, "fx_rate"),
    )
    amount: Decimal | None = line.figure("amount")
    bare = replace(about, security=NO_SECURITY)
    if kind == "dividend":
        if "(RETURN OF CAPITAL)" in description.upper():
            return income(line, "return_of_capital", about, amount)
        return income(line, kind, about, amount)
    if kind == "tax":
        return charge(line, kind, about, amount)
    if kind == "fee":
        return charge(line, kind, bare, amount)
    if kind == "interest":
        return interest(line, bare, amount)
    return signed_cash(line, "deposit", "withdrawal", bare, amount)


def _security(line: Line, description: str) -> Security:
    """Return the security; a description begins with the symbol: `VT(US9220427424) CASH ...`."""
    found = line.security()
    if not found.symbol and (match := _NAMED.match(description)):
        return replace(found, symbol=match["symbol"])
    return found
