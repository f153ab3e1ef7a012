"""Kraken: the executed trades, and the ledgers. Pure.

A trade of `trades.csv` is one row: its cost is before the fee, in the currency at the end of the
pair. In `ledgers.csv` it is the rows of one `refid`, each with its fee, which leaves its own amount
(if `feecurrency` says otherwise the trade is refused); the `refid` is the id of the trade in the
other file, so neither file repeats the other. Rewards are after Kraken's share, worth `amountusd`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import BinaryIO

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.fingerprints import Fingerprints
from transactions.files.reading.interface import NO_SECURITY, Options, ParsedRow, Security
from transactions.files.reading.lines import Line, is_text_line, lines
from transactions.files.reading.rows import (
    ZERO,
    About,
    income,
    income_in_units,
    moved_units,
    signed_cash,
    slack_of,
    trade,
)
from transactions.files.reading.tables import Layout, open_table

TRADES = Layout(
    name="trades",
    columns={
        "id": ("txid",),
        "order_id": ("ordertxid",),
        "pair": ("pair",),
        "date": ("time",),
        "type": ("type",),
        "price": ("price",),
        "cost": ("cost",),
        "fee": ("fee",),
        "quantity": ("vol",),
        "margin": ("margin",),
    },
    required=frozenset(
        {"id", "pair", "date", "type", "price", "cost", "fee", "quantity", "margin"}
    ),
    decimal=".",
    date_order="ymd",
)
_OF_LEDGERS = frozenset({"id", "refid", "date", "type", "subtype", "asset", "amount", "fee"})
_OF_FEES = frozenset({"fee_dollars", "fee_currency"})
LEDGERS = Layout(
    name="ledgers",
    columns={
        "id": ("txid",),
        "refid": ("refid",),
        "date": ("time",),
        "type": ("type",),
        "subtype": ("subtype",),
        "asset": ("asset",),
        "amount": ("amount",),
        "fee": ("fee",),
        "dollars": ("amountusd",),
        "fee_dollars": ("feeusd",),
        "fee_currency": ("feecurrency",),
    },
    required=_OF_LEDGERS | _OF_FEES | {"dollars"},
    decimal=".",
    date_order="ymd",
)
# Fees were in the asset itself; a reward whose worth is not stated is refused.
OLDER_LEDGERS = replace(
    LEDGERS, name="older ledgers", required=_OF_LEDGERS, absent=_OF_FEES, optional=("dollars",)
)
LAYOUTS = (TRADES, LEDGERS, OLDER_LEDGERS)
CASH = ("EUR", "USD", "GBP", "CHF", "CAD", "AUD", "JPY")
_RENAMED = {"XBT": "BTC", "XDG": "DOGE"}
# Old codes have four letters, the first of which says that it is a coin or a currency.
_OLD_COINS = frozenset(
    {
        *("XXBT", "XETH", "XETC", "XLTC", "XMLN", "XREP", "XXDG", "XXLM", "XXMR", "XXRP", "XZEC"),
        *(f"Z{code}" for code in CASH),
    }
)
_LEGS = ("trade", "spend", "receive")
_MOVED_WITHIN = frozenset(
    {
        *("allocation", "deallocation", "autoallocation", "migration", "spotfromstaking"),
        *("spottostaking", "stakingfromspot", "stakingtospot", "spotfromfutures", "spottofutures"),
    }
)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    layout, table = open_table(data, options, LAYOUTS)
    legs: dict[str, list[tuple[str, Decimal, Decimal]]] = {}
    firsts: dict[str, str] = {}
    if layout is not TRADES:
        for line in lines(table, options):
            if line.text("type").casefold() in _LEGS:
                leg = _leg(line)
                if leg[0] not in CASH:
                    firsts.setdefault(line.text("refid"), line.text("id"))
                # A row that cannot be read is one side too many.
                unread = [("?", ZERO, ZERO)] if line.problems else []
                legs.setdefault(line.text("refid"), []).extend([leg, *unread])
    names = Fingerprints()
    for line in lines(table, options):
        if is_text_line(line):
            yield line.skip("text_line")
            continue
        found = _trade(line) if layout is TRADES else _entry(line, legs, firsts)
        yield names.name(found, timed=line.timed)


def coin(code: str) -> str:
    """Return the usual name of an asset: XXBT and XBT are BTC, ZEUR is EUR."""
    code = code.strip().upper()
    for mark in (".S", ".M", ".F", ".B", ".P", ".HOLD"):
        code = code.removesuffix(mark)
    if code in _OLD_COINS:
        code = code[1:]
    return _RENAMED.get(code, code)


def _sides(pair: str) -> tuple[str, str]:
    """Return what is traded and the currency in which it is paid; empty if that is a coin."""
    pair = pair.strip().upper()
    first, slash, last = pair.partition("/")
    if slash:
        return coin(first), coin(last) if coin(last) in CASH else ""
    for code in CASH:
        for end in (f"Z{code}", code):
            if pair.endswith(end) and len(pair) - len(end) >= 2:
                return coin(pair[: -len(end)]), code
    return pair, ""


def _trade(line: Line) -> ParsedRow:
    base, currency = _sides(line.text("pair"))
    kind = line.text("type").casefold()
    if kind not in ("buy", "sell"):
        return line.refused("type_unknown" if kind else "type_missing", f"{kind[:40]!r}", of="type")
    if not currency or base in CASH:
        return line.refused("event_incomplete", "One coin was paid with another.", of="pair")
    if line.figure("margin"):
        return line.refused("short_sale_not_supported", of="margin")
    quantity, price = line.quantity("quantity"), line.figure("price")
    about = replace(_about(line, line.id("id"), base), currency=currency)
    return trade(
        line,
        kind,
        replace(about, order_id=line.id("order_id")),
        quantity=quantity,
        price=price,
        fee=abs(line.figure("fee") or ZERO),
        gross=line.figure("cost"),
        slack=slack_of(line, quantity, price),
        of="cost",
    )


def _about(line: Line, name: str, asset: str) -> About:
    return About(
        at=line.happened("trade", "date"),
        currency=asset if asset in CASH else "USD",
        security=Security(symbol=asset) if asset not in CASH else NO_SECURITY,
        external_id=f"kraken:{name}" if name else "",
    )


def _leg(line: Line) -> tuple[str, Decimal, Decimal]:
    """Return the asset, what changed of it after the fee, and the fee."""
    fee = line.figure("fee") or ZERO
    charged = coin(line.text("fee_currency"))
    if fee and charged not in ("", coin(line.text("asset"))):
        line.problem("event_incomplete", f"The fee is in {charged[:12]}.", of="fee_currency")
    return coin(line.text("asset")), (line.figure("amount") or ZERO) - fee, fee


def _entry(
    line: Line, legs: dict[str, list[tuple[str, Decimal, Decimal]]], firsts: dict[str, str]
) -> ParsedRow:
    kind, subtype = line.text("type").casefold(), line.text("subtype").casefold()
    if not line.text("id"):
        return line.skip("not_executed")  # the same row follows with an id once it is booked
    if kind in _LEGS:
        refid = line.text("refid")
        return _side(line, legs[refid], firsts.get(refid, line.text("id")))
    if subtype in _MOVED_WITHIN:
        return line.skip("journal")
    asset, amount, fee = _leg(line)
    about = _about(line, line.id("id"), asset)
    is_cash = asset in CASH
    if kind in ("deposit", "withdrawal"):
        if is_cash:
            return signed_cash(line, "deposit", "withdrawal", about, amount)
        return moved_units(line, about, amount)
    if kind in ("staking", "earn", "reward", "dividend"):
        if is_cash:
            return income(line, "interest", about, amount)
        dollars = line.figure("dollars")  # newer files say what a reward was worth
        costs = line.figure("fee_dollars")
        if amount <= 0 or (fee and costs is None):
            return line.refused("event_incomplete", of="fee")
        dollars = None if dollars is None else dollars - (costs or ZERO)
        return income_in_units(line, about, quantity=amount, price=None, amount=dollars)
    if kind in ("margin", "rollover", "settled"):
        return line.refused("short_sale_not_supported", of="type")
    return line.refused("type_unknown" if kind else "type_missing", f"{kind[:40]!r}", of="type")


def _joined(sides: Sequence[tuple[str, Decimal, Decimal]]) -> list[tuple[str, Decimal, Decimal]]:
    """Return the sides of a trade with the fills of one asset added up."""
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for asset, moved, fee in sides:
        before = sums.get(asset, (ZERO, ZERO))
        sums[asset] = before[0] + moved, before[1] + fee
    return [(asset, *figures) for asset, figures in sums.items()]


def _side(line: Line, sides: Sequence[tuple[str, Decimal, Decimal]], first: str) -> ParsedRow:
    """Return the trade on the first row of the coin; its other rows belong to it."""
    paid = _joined([side for side in sides if side[0] in CASH])
    coins = _joined([side for side in sides if side[0] not in CASH])
    if len(paid) == 2 and not coins:
        return line.skip("fx_conversion")
    if len(paid) != 1 or len(coins) != 1 or (paid[0][1] < 0) == (coins[0][1] < 0):
        return line.refused("event_incomplete", of="refid")
    if line.text("id") != first:
        return line.skip("part_of_another_row")
    (currency, moved, fee), (asset, units, _) = paid[0], coins[0]
    about = replace(_about(line, line.id("refid"), asset), currency=currency)
    kind = "buy" if units > 0 else "sell"
    return trade(line, kind, about, quantity=units, price=None, fee=abs(fee), net=moved)


FORMATS = [
    ReadFormat(
        name="kraken",
        title="Kraken",
        read=read,
        signatures=[
            {"txid", "ordertxid", "pair", "vol", "cost"},
            {"txid", "refid", "aclass", "asset", "amount"},
        ],
        layouts=LAYOUTS,
    ),
]
