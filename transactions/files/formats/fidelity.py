"""Fidelity: the history of one or several accounts. Pure.

The type is the beginning of a free text (`YOU BOUGHT VANGUARD ... (VTI) (Cash)`). Amounts are
signed and net. Idle cash is in a money fund: moves in and out of the fund are skipped (`sweep`),
and the fund's payments are cash. A distribution of units (a split) states only the added units.
"""

import re
from collections.abc import Collection, Hashable, Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import BinaryIO

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.fingerprints import Fingerprints
from transactions.files.reading.interface import NO_SECURITY, Options, ParsedRow
from transactions.files.reading.lines import Line, is_text_line, lines
from transactions.files.reading.pairs import Pairs, watched
from transactions.files.reading.rows import (
    ZERO,
    About,
    charge,
    draft,
    income,
    moved_units,
    says_back,
    signed_cash,
    slack_of,
    taking_back,
    trade,
)
from transactions.files.reading.tables import Layout, open_table

_REQUIRED = frozenset(
    {"date", "action", "symbol", "quantity", "price", "commission", "fee", "amount"}
)
LAYOUT = Layout(
    name="fidelity",
    columns={
        "date": ("Run Date", "Date"),
        "account": ("Account", "Account Name"),
        "account_number": ("Account Number",),
        "action": ("Action",),
        "symbol": ("Symbol",),
        "name": ("Security Description", "Description"),
        "quantity": ("Quantity",),
        "price": ("Price ($)", "Price"),
        "commission": ("Commission ($)", "Commission"),
        "fee": ("Fees ($)", "Fees"),
        "accrued": ("Accrued Interest ($)", "Accrued Interest"),
        "amount": ("Amount ($)", "Amount"),
        "balance": ("Cash Balance ($)", "Cash Balance"),
        "exchange_currency": ("Exchange Currency",),
        "currency": ("Currency",),
    },
    required=_REQUIRED,
    absent=frozenset({"exchange_currency", "currency"}),
    # Without the interest accrued, a bond's amount does not fit its price.
    optional=("account_number", "accrued"),
    decimal=".",
    date_order="mdy",
)
INTERNATIONAL = replace(
    LAYOUT,
    name="international",
    required=_REQUIRED | {"currency"},
    absent=frozenset(),
    optional=(*LAYOUT.optional, "exchange_currency"),
)
LAYOUTS = (LAYOUT, INTERNATIONAL)
# Beginnings of the text; the longest one counts.
ACTIONS: tuple[tuple[str, str], ...] = (
    *(("YOU BOUGHT", "buy"), ("YOU SOLD", "sell"), ("REINVESTMENT", "reinvested")),
    *(("SHORT SALE", "short"), ("YOU SOLD SHORT", "short"), ("BUY TO COVER", "short")),
    *(("PURCHASE INTO CORE ACCOUNT", "sweep"), ("REDEMPTION FROM CORE ACCOUNT", "sweep")),
    *(("DIVIDEND RECEIVED", "dividend"), ("LONG-TERM CAP GAIN", "dividend")),
    *(("SHORT-TERM CAP GAIN", "dividend"), ("IN LIEU OF FRX SHARE", "event")),
    *(("RETURN OF CAPITAL", "return_of_capital"), ("INTEREST EARNED", "interest")),
    *(("INTEREST", "interest"), ("ROYALTY", "interest"), ("FEE CHARGED", "fee")),
    *(("MARGIN INTEREST", "fee"), ("ADVISORY FEE", "fee"), ("FEE", "fee"), ("ADR FEE", "fee")),
    *(("FOREIGN TAX", "tax"), ("NON-RESIDENT TAX", "tax"), ("FEDERAL TAX", "tax")),
    *(("STATE TAX", "tax"), ("ADJ FOREIGN TAX", "tax"), ("ADJ NON-RESIDENT TAX", "tax")),
    *(("ELECTRONIC FUNDS TRANSFER", "moved"), ("DIRECT DEPOSIT", "moved"), ("BILL PAY", "moved")),
    *(("CHECK PAID", "moved"), ("CHECK RECEIVED", "moved"), ("DIRECT DEBIT", "moved")),
    *(("CASH CONTRIBUTION", "moved"), ("CONTRIBUTION", "moved"), ("WIRE TRANSFER", "moved")),
    *(("CONTRIB", "moved"), ("PARTIC CONTR", "moved"), ("CO CONTR", "moved")),
    *(("DEBIT CARD", "moved"), ("ROLLOVER", "moved"), ("CASH ADVANCE", "moved")),
    *(("NORMAL DISTR", "moved"), ("EARLY DISTR", "moved"), ("PREMATURE DISTR", "moved")),
    *(("TRANSFERRED", "transferred"), ("TRANSFER OF ASSETS", "transferred")),
    *(("JOURNALED", "transferred"), ("CONVERSION SHARES", "transferred")),
    *(("ROTH CONVERSION", "transferred"), ("DISTRIBUTION", "distributed")),
    *(("STOCK SPLIT", "distributed"), ("REVERSE SPLIT", "event"), ("MERGER", "event")),
    *(("SPIN OFF", "event"), ("SPINOFF", "event"), ("NAME CHANGED", "event")),
    *(("EXCHANGED TO", "event"), ("TENDERED", "event"), ("CONVERSION", "event")),
    *(("EXPIRED", "option"), ("ASSIGNED", "option"), ("EXERCISED", "option")),
    *(("REDEMPTION PAYOUT", "sell"), ("REDEEMED", "sell"), ("REDEMPTION", "sell")),
)
MONEY_FUNDS = frozenset(
    [
        "SPAXX",
        "FDRXX",
        "FZFXX",
        "FCASH",
        "SPRXX",
        "FZDXX",
        "FDLXX",
        "FTEXX",
        "FMPXX",
        "QPIFQ",
        "CORE",
        "FGMXX",
        "FNSXX",
    ]
)
_OPTION = re.compile(r"-[A-Z0-9.]{1,12}\d{6}[CP][\d.]{1,12}")


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    """Read the file twice: first to collect related rows, then to yield the rows."""
    options = replace(options, currency="USD")
    _, table = open_table(data, options, LAYOUTS)
    before_cut: set[int] = set()
    pairs = Pairs(_sides(watched(lines(table, options), before_cut)))
    names = Fingerprints()
    for line in lines(table, options):
        if is_text_line(line) or not (line.text("action") or line.text("amount")):
            yield line.skip("text_line")
            continue
        yield names.name(_row(line, pairs, before_cut), timed=line.timed)


_CANCELED = re.compile(r"(?:CANCEL[A-Z]{0,6}|REVERSAL)\s{1,8}(?:OF\s{1,8})?")


def _word(line: Line) -> str:
    action = line.text("action").upper()
    if canceled := _CANCELED.match(action):
        action = action[canceled.end() :]
    found = [(len(start), word) for start, word in ACTIONS if action.startswith(start)]
    return max(found, default=(0, ""))[1]


def _side(line: Line, word: str) -> tuple[bool, Hashable] | None:
    amount = line.figure("amount")
    if word not in ("reinvested", "dividend") or not amount or _swept(line):
        return None
    bought = word == "reinvested"
    back = (amount < 0) != bought  # both sides of a reinvestment that is taken back
    return bought, (_account(line), line.text("date"), line.text("symbol"), abs(amount), back)


def _account(line: Line) -> str:
    return line.text("account_number") or line.text("account")


def _journal(line: Line, word: str) -> tuple[bool, Hashable] | None:
    """Return the side and the key of a move that may be between two parts of one account."""
    if word != "transferred" or not line.text("action").upper().startswith("JOURNALED"):
        return None
    amount, quantity = line.figure("amount") or ZERO, line.quantity("quantity") or ZERO
    if not (amount or quantity):
        return None
    figures = (line.text("symbol"), abs(quantity), abs(amount))
    return (quantity or amount) < 0, ("journal", _account(line), line.text("date"), *figures)


def _sides(found: Iterable[Line]) -> Iterator[tuple[bool, Hashable]]:
    for line in found:
        word = _word(line)
        side = _side(line, word) or _journal(line, word)
        if side is not None:
            yield side


def _swept(line: Line) -> bool:
    return line.text("symbol").strip("*").upper() in MONEY_FUNDS


def _row(line: Line, pairs: Pairs, before_cut: Collection[int]) -> ParsedRow:
    word = _word(line)
    if word == "dividend" and _swept(line):
        word = "interest"  # of idle cash; the fund is not held in the ledger
    amount = line.figure("amount")
    if word == "option" or _OPTION.fullmatch(line.text("symbol").replace(" ", "")):
        return line.refused("option_not_supported", of="action")
    if "OPENING TRANSACTION" in line.text("action").upper():
        return line.refused("option_not_supported", of="action")
    if word == "short":
        return line.refused("short_sale_not_supported", of="action")
    if word == "event":
        return line.refused("event_incomplete", of="action")
    if word == "sweep" or (_swept(line) and word in ("buy", "sell", "reinvested")):
        return line.skip("sweep")
    journal = _journal(line, word)
    within = "VS A/C TYPES" in line.text("action").upper()  # from cash to margin, or back
    if journal is not None and (pairs.take(*journal) or within):
        return line.skip("journal")
    side = _side(line, word)
    paired = side is not None and pairs.take(*side)
    if side is not None and paired and not side[0]:
        return line.skip("part_of_another_row", "The reinvestment of the same day and amount.")
    if side is not None and not paired and line.number in before_cut:
        line.problem("held_back")
    split = word == "distributed"
    about = About(
        at=line.happened("split" if split else "cash", "date"),
        currency=line.currency("currency"),
        account=line.name("account") or line.name("account_number"),
        security=line.security(),
        note=line.note(line.text("action")),
    )
    if word in ("buy", "sell", "reinvested"):
        kind = "reinvestment" if paired else "buy" if word == "reinvested" else word
        if _is_back(line, kind, amount):
            opposite = None if amount is None else -amount
            return taking_back(line, _trade(line, kind, about, opposite), kind, about)
        return _trade(line, kind, about, amount)
    if split:
        return _split(line, about, amount)
    if word == "transferred" and about.security and line.quantity("quantity"):
        if not _swept(line):
            return moved_units(line, about, line.quantity("quantity"))
        return line.skip("sweep")
    return _cash(line, word, about, amount)


def _is_back(line: Line, kind: str, amount: Decimal | None) -> bool:
    """Return whether a trade is taken back: by its words, or with all signs turned round."""
    if says_back(line.text("action")):
        return True
    quantity = line.quantity("quantity")
    if not amount or not quantity:
        return False
    sold = kind == "sell"
    return (amount > 0) != sold and (quantity < 0) != sold


def _trade(line: Line, kind: str, about: About, amount: Decimal | None) -> ParsedRow:
    quantity, price = line.quantity("quantity"), line.figure("price")
    fee = (line.figure("commission") or ZERO) + (line.figure("fee") or ZERO)
    if amount and (amount > 0) != (kind == "sell"):
        line.problem("amount_sign", of="amount")
    accrued = abs(line.figure("accrued") or ZERO)
    net = None if amount is None else abs(amount)
    if net is not None and accrued:
        # Interest bought or sold with a bond stays part of its price.
        line.warn("price_differs", f"Accrued interest of {accrued}.", of="accrued")
    return trade(
        line,
        kind,
        about,
        quantity=quantity,
        price=price,
        fee=fee,
        net=net,
        slack=slack_of(line, quantity, price),
        beside=accrued,
        per_hundred=True,
    )


def _split(line: Line, about: About, amount: Decimal | None) -> ParsedRow:
    added = line.quantity("quantity")
    if not added:
        if amount:
            return income(line, "dividend", about, amount)
        return line.skip("informational")
    if not about.security:
        line.problem("symbol_missing", of="symbol")
    line.warn("split_ratio_from_holding", of="quantity")
    return draft(line, "split", about, added_quantity=added)


def _cash(line: Line, word: str, about: About, amount: Decimal | None) -> ParsedRow:
    bare = replace(about, security=NO_SECURITY)
    if word == "dividend":
        return income(line, "dividend", about, amount)
    if word == "return_of_capital":
        return income(line, word, about, amount)
    if word == "interest":
        return income(line, word, bare, amount)
    if word in ("fee", "tax"):
        return charge(line, word, about if word == "tax" else bare, amount)
    if word in ("moved", "transferred"):
        return signed_cash(line, "deposit", "withdrawal", bare, amount)
    code = "type_unknown" if line.text("action") else "type_missing"
    return line.refused(code, f"{line.text('action')[:60]!r}", of="action")


FORMATS = [
    ReadFormat(
        name="fidelity",
        title="Fidelity",
        read=read,
        signatures=[{"run date", "action", "symbol", "quantity"}],
        layouts=LAYOUTS,
    ),
]
