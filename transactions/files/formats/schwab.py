"""Charles Schwab: the transactions of an account. Pure.

    Date, Action, Symbol, Description, Quantity, Price, Fees & Comm, Amount

Amounts are signed and net of fees. Dates are month first; `04/17/2023 as of 04/15/2023` happened on
the second date. A stock split states only the added units. Missing facts of an event (the ratio of
a reverse split, the parent of a spin-off) have to be entered by hand: such rows are refused as
`event_incomplete`. Journal lines that cancel within a day are skipped; others moved money.
A bond that matures is two rows: its units (`Full Redemption`) and the cash (`Full Redemption Adj`).
"""

import re
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import BinaryIO

from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.cells import effective
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
    signed_cash,
    slack_of,
    taking_back,
    trade,
)
from transactions.files.reading.tables import Layout, open_table

LAYOUT = Layout(
    name="schwab",
    columns={
        "date": ("Date",),
        "action": ("Action",),
        "symbol": ("Symbol",),
        "name": ("Description",),
        "quantity": ("Quantity",),
        "price": ("Price",),
        "fee": ("Fees & Comm",),
        "amount": ("Amount",),
    },
    required=frozenset({"date", "action", "symbol", "quantity", "price", "fee", "amount"}),
    decimal=".",
    date_order="mdy",
)

DIVIDENDS = frozenset(
    {
        *("qualified dividend", "non-qualified div", "cash dividend", "special dividend"),
        *("special qual div", "special non qual div", "pr yr cash div", "pr yr special div"),
        *("pr yr non-qual div", "pr yr qual div", "long term cap gain", "short term cap gain"),
        *("pr yr lt cap gain", "pr yr st cap gain", "unqualified div", "dividend"),
        *("reinvest dividend", "qual div reinvest", "long term cap gain reinvest"),
        *("short term cap gain reinvest", "pr yr div reinvest", "non-qual div reinvest"),
    }
)
CASH: dict[str, str] = {
    **dict.fromkeys(("bank interest", "credit interest", "bond interest", "cd interest"), "income"),
    **dict.fromkeys(("promotional award", "misc credits", "bonus", "schwab atm rebate"), "income"),
    **dict.fromkeys(("service fee", "adr mgmt fee", "advisor fee", "margin interest"), "fee"),
    **dict.fromkeys(("misc cash entry", "foreign fee", "adr fee", "trading fee"), "fee"),
    **dict.fromkeys(
        ("foreign tax paid", "nra tax adj", "nra withholding", "tax withholding"), "tax"
    ),
    **dict.fromkeys(
        ("moneylink transfer", "moneylink deposit", "wire sent", "wire funds"), "moved"
    ),
    **dict.fromkeys(("wire received", "wire funds received", "funds received"), "moved"),
    **dict.fromkeys(("funds paid", "internal transfer", "moneylink adj", "visa purchase"), "moved"),
    **dict.fromkeys(("atm withdrawal", "check paid", "ach"), "moved"),
    **dict.fromkeys(("futures mm sweep", "wire funds adj", "tfr"), "moved"),
}
OPTIONS = frozenset(
    {
        *("buy to open", "buy to close", "sell to open", "sell to close", "expired", "assigned"),
        *("exchange or exercise", "exercised", "options frwd split", "option exercise"),
    }
)
EVENTS = frozenset(
    {
        *("reverse split", "spin-off", "stock merger", "name change", "conversion", "cash merger"),
        *("cash merger adj", "cash/stock merger", "stock spin-off", "mandatory exchange"),
        *(
            "mandatory reorg exc",
            "full redemption",
            "cash in lieu",
            "tender offer",
            "rights exercise",
        ),
    }
)
_OPTION_SYMBOL = re.compile(r"[A-Z0-9.]{1,12} \d\d/\d\d/\d{4} [\d.]{1,12} [CP]")


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    """Read the file twice: first to collect related rows, then to yield the rows."""
    options = replace(options, currency="USD")
    _, table = open_table(data, options, [LAYOUT])
    if not options.account:
        account = named_in_title(table.heading.title, after="transactions for account ")
        options = replace(options, account=account)
    before_cut: set[int] = set()
    pairs = Pairs(_sides(watched(lines(table, options), before_cut)))
    redeemed = _redeemed(lines(table, options))
    names = Fingerprints()
    for line in lines(table, options):
        if is_text_line(line):
            yield line.skip("text_line")
        elif line.text("date").casefold().startswith("transactions total"):
            yield line.skip("summary")
        else:
            row = _redemption(line, redeemed) or _row(line, pairs, before_cut)
            yield names.name(row, timed=line.timed)


def named_in_title(title: str, *, after: str, until: Sequence[str] = (" as of ",)) -> str:
    """Return the account that a title names after certain words; empty if it names none."""
    lower = title.lower()
    start = lower.find(after)
    if start < 0 or len(lower) != len(title):
        return ""
    name = title[start + len(after) :]
    ends = [place for word in until if (place := name.lower().find(word)) > 0]
    return name[: min(ends, default=len(name))].strip(' "')


def _redeemed(found: Iterable[Line]) -> Mapping[Hashable, Decimal]:
    """Return what the one payment of a redemption brought, by day and security."""
    paid: dict[Hashable, list[Decimal]] = {}
    units: Counter[Hashable] = Counter()
    for line in found:
        key, action = _of_redemption(line), line.text("action").casefold()
        if action == "full redemption adj":
            paid.setdefault(key, []).append(line.figure("amount") or ZERO)
        elif action == "full redemption":
            units[key] += 1
    alone = {key: amounts[0] for key, amounts in paid.items() if len(amounts) == 1}
    return {key: amount for key, amount in alone.items() if amount > 0 and units[key] == 1}


def _of_redemption(line: Line) -> Hashable:
    return effective(line.text("date")), line.text("symbol")


def _redemption(line: Line, redeemed: Mapping[Hashable, Decimal]) -> ParsedRow | None:
    """Return the sale of a bond that matured: one row has its units, another what they brought."""
    action, amount = line.text("action").casefold(), redeemed.get(_of_redemption(line))
    if action not in ("full redemption", "full redemption adj"):
        return None
    if amount is None:
        return line.refused("event_incomplete", of="action")
    if action == "full redemption adj":
        return line.skip("part_of_another_row")
    about = About(
        at=line.happened("cash", "date"), currency=line.currency(), security=line.security()
    )
    return trade(line, "sell", about, quantity=line.quantity("quantity"), price=None, net=amount)


def _sides(listed: Iterable[Line]) -> Iterator[tuple[bool, Hashable]]:
    for line in listed:
        found = _reinvestment(line) or _journal(line)
        if found is not None:
            yield found


def _reinvestment(line: Line) -> tuple[bool, Hashable] | None:
    """Return (bought, key of the pair) of a row that may be one of the two sides."""
    action = line.text("action").casefold()
    bought = action == "reinvest shares"
    if not bought and "reinvest" not in action:
        return None
    amount = line.figure("amount")
    if not amount:
        return None
    back = (amount < 0) != bought  # both sides of a reinvestment that is taken back
    return bought, (effective(line.text("date")), line.text("symbol"), abs(amount), back)


def _journal(line: Line) -> tuple[bool, Hashable] | None:
    """Return the side and the key of a move that may be between two parts of the account."""
    amount, quantity = line.figure("amount"), line.quantity("quantity")
    moved = {"journal": amount, "journaled shares": quantity}.get(line.text("action").casefold())
    if not moved:
        return None
    symbol = "" if moved is amount else line.text("symbol")
    return moved < 0, ("journal", effective(line.text("date")), symbol, abs(moved))


def _row(line: Line, pairs: Pairs, before_cut: Collection[int]) -> ParsedRow:
    action = line.text("action").casefold()
    if not action:
        return line.refused("type_missing", of="action")
    if action.startswith("cancel "):
        return _canceled(line, action.removeprefix("cancel ").strip())
    if action in OPTIONS or _OPTION_SYMBOL.fullmatch(line.text("symbol")):
        return line.refused("option_not_supported", of="action")
    if action in ("sell short", "buy to cover", "short sale"):
        return line.refused("short_sale_not_supported", of="action")
    if action in EVENTS:
        return line.refused("event_incomplete", of="action")
    pair = _reinvestment(line)
    paired = pair is not None and pairs.take(*pair)
    if pair is not None and paired and not pair[0]:
        return line.skip("part_of_another_row", "The reinvestment of the same day and amount.")
    if pair is not None and not paired and line.number in before_cut:
        line.problem("held_back")
    journal = _journal(line)
    if journal is not None and pairs.take(*journal):
        return line.skip("journal")
    amount = line.figure("amount")
    if action == "journal" and not amount:
        return line.skip("journal")
    split = action in ("stock split", "stock div dist")
    about = About(
        at=line.happened("split" if split else "cash", "date"),
        currency=line.currency(),
        security=line.security(),
        note=line.note(line.text("name")),
    )
    if action in ("buy", "sell", "reinvest shares"):
        kind = "reinvestment" if paired else "buy" if action == "reinvest shares" else action
        if amount and (amount > 0) != (kind == "sell") and (line.figure("quantity") or 0) < 0:
            return taking_back(line, _trade(line, kind, about, -amount), kind, about)
        return _trade(line, kind, about, amount)
    if split:
        return _split(line, about)
    if action in ("journaled shares", "security transfer", "stock plan activity"):
        if amount and line.quantity("quantity") is None:
            bare = replace(about, security=NO_SECURITY)
            return signed_cash(line, "deposit", "withdrawal", bare, amount)
        return moved_units(line, about, line.quantity("quantity"))
    return _cash(line, action, about, amount)


def _canceled(line: Line, action: str) -> ParsedRow:
    """Return the row of `Cancel Buy` and the like, whose amount has the opposite sign."""
    about = About(
        at=line.happened("cash", "date"), currency=line.currency(), security=line.security()
    )
    amount = line.figure("amount")
    if action in ("buy", "sell"):
        opposite = None if amount is None else -amount
        return taking_back(line, _trade(line, action, about, opposite), action, about)
    if action == "reinvest shares":
        row = _trade(line, "buy", about, None if amount is None else -amount)
        return taking_back(line, replace(row, entry=None), "reinvestment", about)
    row = _cash(line, action, about, amount)
    kind = row.entry.type if row.entry else ""
    return row if row.takes_back else taking_back(line, row, kind, about)


def _trade(line: Line, kind: str, about: About, amount: Decimal | None) -> ParsedRow:
    quantity, price, fee = line.quantity("quantity"), line.figure("price"), line.figure("fee")
    if amount and (amount > 0) != (kind == "sell"):
        line.problem("amount_sign", of="amount")
    return trade(
        line,
        kind,
        about,
        quantity=quantity,
        price=price,
        fee=fee or ZERO,
        net=amount,
        slack=slack_of(line, quantity, price),
        per_hundred=True,
    )


def _split(line: Line, about: About) -> ParsedRow:
    added = line.quantity("quantity")
    if not added:
        return line.refused("quantity_missing", of="quantity")
    if not about.security:
        line.problem("symbol_missing", of="symbol")
    line.warn("split_ratio_from_holding", of="quantity")
    return draft(line, "split", about, added_quantity=added)


def _cash(line: Line, action: str, about: About, amount: Decimal | None) -> ParsedRow:
    if action in DIVIDENDS:
        return income(line, "dividend", about, amount)
    if action == "return of capital":
        return income(line, "return_of_capital", about, amount)
    bare = replace(about, security=NO_SECURITY)
    kind = "moved" if action == "journal" else CASH.get(action)
    if kind == "income":
        return income(line, "interest", bare, amount)
    if kind in ("fee", "tax"):
        return charge(line, kind, about if kind == "tax" else bare, amount)
    if kind == "moved":
        return signed_cash(line, "deposit", "withdrawal", bare, amount)
    return line.refused("type_unknown", f"{line.text('action')[:40]!r}", of="action")


FORMATS = [
    ReadFormat(
        name="schwab",
        title="Schwab",
        read=read,
        signatures=[{"action", "symbol", "description", "fees & comm"}],
        layouts=[LAYOUT],
    ),
]
