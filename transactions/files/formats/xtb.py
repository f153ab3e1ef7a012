"""XTB: the cash operations of an account, a sheet of its export saved as CSV. Pure.

    ID, Type, Time, Comment, Symbol, Amount                                  until 2024
    Type, Ticker, Instrument, Time, Amount, ID, Comment, Product             since 2025

Amounts are in the currency of the account, which the file does not name: a trade in its own market
proves it, else it is that of the options or of our account. The comment states units and price in
the currency of the market: `OPEN BUY 34/42.5 @ 11.75` buys 34, `CLOSE BUY 1 @ 26.28` sells 1. In
some exports a sale brings what was paid for it, and a row `close trade` of the same moment brings
the gain: together they are the proceeds. Comments are English in every language, so a row whose
word is unknown is read by its comment. Contracts for difference are refused.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import BinaryIO

from core.money import WIDE
from transactions.files.formats.declaration import ReadFormat
from transactions.files.reading.histories import beginning_of
from transactions.files.reading.interface import NO_SECURITY, Options, ParsedRow, Quote
from transactions.files.reading.lines import Line, lines
from transactions.files.reading.rows import (
    ZERO,
    About,
    charge,
    income,
    interest,
    read_rows,
    signed_cash,
    taking_back,
    trade,
)
from transactions.files.reading.tables import Layout, open_table

LAYOUT = Layout(
    name="xtb",
    columns={
        "id": ("ID",),
        "type": ("Type", "Typ", "Tipo"),
        "date": ("Time", "Czas", "Data", "Hora"),
        "note": ("Comment", "Komentarz", "Comentário", "Comentario"),
        "symbol": ("Symbol", "Ticker"),
        "name": ("Instrument",),
        "amount": ("Amount", "Kwota", "Montante", "Importe"),
        "product": ("Product", "Produkt"),
    },
    required=frozenset({"id", "type", "date", "note", "amount"}),
    optional=("product",),
    numbers=("amount",),
    decimal=".",
    date_order="dmy",
)
WORDS = {
    **dict.fromkeys(("stocks/etf purchase", "stock purchase", "etf purchase"), "trade"),
    **dict.fromkeys(("stocks/etf sale", "stock sale", "stock sell", "etf sale"), "trade"),
    **dict.fromkeys(("stocks sale", "stocks purchase"), "trade"),
    **dict.fromkeys(("zakup akcji", "sprzedaż akcji", "ações/etf"), "trade"),
    **dict.fromkeys(("close trade", "profit/loss", "zysk/strata"), "closed"),
    **dict.fromkeys(("dividend", "divident", "dywidenda"), "dividend"),
    "dividend equivalent": "asset_class_not_supported",
    **dict.fromkeys(("withholding tax", "podatek od dywidend"), "tax"),
    **dict.fromkeys(("free funds interest tax", "free funds interests tax"), "tax"),
    **dict.fromkeys(("free-funds interest tax", "podatek od odsetek"), "tax"),
    **dict.fromkeys(("free funds interest", "free-funds interest", "odsetki"), "interest"),
    **dict.fromkeys(("sec fee", "commission", "tax iftt", "stamp duty", "prowizja"), "fee"),
    **dict.fromkeys(("deposit", "withdrawal", "wpłata", "wypłata", "depósito"), "moved"),
    **dict.fromkeys(("transfer", "subaccount transfer", "ike deposit", "ikze deposit"), "moved"),
    **dict.fromkeys(("ike cash transfer", "ikze cash transfer"), "moved"),
    **dict.fromkeys(("swap", "rollover"), "asset_class_not_supported"),
    **dict.fromkeys(("spin off", "rights issue", "split"), "event_incomplete"),
    **dict.fromkeys(("total", "suma"), "summary"),
}
_FILL = re.compile(
    r"^(?P<side>OPEN BUY|CLOSE BUY|BUY) (?P<units>\d{1,12}(?:[.,]\d{1,10})?)(?:/[\d.,]{1,24})?"
    r" @ (?P<price>\d{1,12}(?:[.,]\d{1,10})?)",
    re.IGNORECASE,
)
# Where the suffix of a symbol says in which currency the market quotes.
_QUOTED = {"US": "USD", "PL": "PLN", "DE": "EUR", "FR": "EUR", "IT": "EUR", "ES": "EUR"}
_CENT = Decimal("0.01")
# What the sales of one moment gained; None if nothing says which of several sales gained what.
Gains = dict[tuple[str, str], Decimal | None]


@dataclass(slots=True)
class _Known:
    """What a first reading finds out about all rows."""

    gains: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    sold: Counter[tuple[str, str]] = field(default_factory=Counter)
    proved: set[str] = field(default_factory=set)

    def add(self, line: Line) -> None:
        meaning, amount = _meaning(line), line.figure("amount") or ZERO
        if meaning == "closed":
            self.gains[_key(line)] += amount
        elif meaning == "trade" and (fill := _fill(line)) is not None:
            quoted = _QUOTED.get(line.text("symbol").rpartition(".")[2].upper(), "")
            if quoted and abs(fill.product - abs(amount)) <= fill.slack + _CENT:
                self.proved.add(quoted)
            if fill.closes and amount > 0:
                self.sold[_key(line)] += 1

    def currency(self, options: Options) -> str:
        proved = next(iter(self.proved)) if len(self.proved) == 1 else ""
        return options.currency or proved or options.account_currency


@dataclass(frozen=True, slots=True)
class _Fill:
    """Units and price of a comment, and the largest error of their product."""

    closes: bool
    quantity: Decimal
    price: Decimal
    slack: Decimal

    @property
    def product(self) -> Decimal:
        return WIDE.multiply(self.quantity, self.price)


def _fill(line: Line) -> _Fill | None:
    found = _FILL.match(line.text("note")[:80])
    if not found:
        return None
    quantity, price = (Decimal(found[part].replace(",", ".")) for part in ("units", "price"))
    slack = quantity * line.half(found["price"], at_least=2)
    return _Fill(found["side"].upper() == "CLOSE BUY", quantity, price, slack)


def read(data: BinaryIO, options: Options) -> Iterator[ParsedRow]:
    _, table = open_table(data, options, [LAYOUT])
    known = _Known()
    for line in lines(table, options):
        known.add(line)
    gains: Gains = {
        key: gain if known.sold[key] == 1 or not gain else None
        for key, gain in known.gains.items()
        if key in known.sold
    }
    found = replace(options, currency=known.currency(options))
    assumed = not options.currency and not known.proved

    def row_of(line: Line, _: Layout) -> list[ParsedRow]:
        if assumed and line.options.currency:
            line.warn("currency_assumed", of="amount")
        return [_row(line, gains)]

    yield from read_rows(data, found, [LAYOUT], row_of)


def _key(line: Line) -> tuple[str, str]:
    return line.text("symbol") or line.text("name"), line.text("date")


def _meaning(line: Line) -> str:
    word, comment = beginning_of(WORDS, line, "type"), line.text("note").upper()
    if word:
        return word
    if comment.startswith(("OPEN SELL", "CLOSE SELL")) or _FILL.match(comment[:80]):
        return "trade"
    if " WHT " in f" {comment} " or "INTEREST TAX" in comment:
        return "tax"
    if comment.endswith("/ SHR"):
        return "dividend"
    return "interest" if "FREE-FUNDS INTEREST" in comment else ""


def _row(line: Line, gains: Gains) -> ParsedRow:
    meaning, amount = _meaning(line), line.figure("amount")
    if line.text("product").upper() == "CFD" and meaning != "summary":
        return line.refused("asset_class_not_supported", of="product")
    if meaning == "closed" and _key(line) in gains:
        return line.skip("part_of_another_row")
    if meaning in ("closed", "asset_class_not_supported"):
        if amount == 0:
            return line.skip("informational")
        return line.refused("asset_class_not_supported", of="type")
    if meaning == "dividend" and "INDICES" in line.text("note").upper():
        return line.refused("asset_class_not_supported", of="note")
    if meaning == "summary":
        return line.skip(meaning)
    if meaning in ("", "event_incomplete"):
        return line.refused(meaning or "type_unknown", f"{line.text('type')[:40]!r}", of="type")
    name = line.id("id")
    about = About(
        at=line.happened("cash", "date"),
        currency=line.currency(),
        security=line.security(),
        note=line.note(line.text("note")),
        external_id=f"xtb:{name}" if name else "",
    )
    bare = replace(about, security=NO_SECURITY)
    if meaning == "trade":
        return _trade(line, about, amount, gains)
    if meaning == "dividend":
        return income(line, meaning, about, amount)
    if meaning == "interest":
        return interest(line, bare, amount)
    if meaning == "moved":
        return signed_cash(line, "deposit", "withdrawal", bare, amount)
    return charge(line, meaning, about if meaning == "tax" else bare, amount)


def _trade(line: Line, about: About, amount: Decimal | None, gains: Gains) -> ParsedRow:
    if line.text("note").upper().startswith(("OPEN SELL", "CLOSE SELL")):
        return line.refused("short_sale_not_supported", of="note")
    fill = _fill(line)
    if fill is None or not amount:
        return line.refused("quantity_missing" if fill is None else "amount_missing", of="note")
    kind = "sell" if fill.closes else "buy"
    back = (amount > 0) != fill.closes  # the amount of a trade that is taken back
    gain = gains.get(_key(line), ZERO) if kind == "sell" else ZERO
    quoted = _QUOTED.get(about.security.symbol.rpartition(".")[2].upper(), "")
    error = fill.slack + _CENT
    has_gain = quoted == about.currency and abs(fill.product - abs(amount)) <= error
    if gain is None and not has_gain:
        return line.refused("event_incomplete", "Several sales of one moment.", of="amount")
    whole = abs(amount) if gain is None or has_gain else abs(amount + gain)
    same = quoted == about.currency or (not quoted and abs(fill.product - whole) <= error)
    row = trade(
        line,
        kind,
        about,
        quantity=fill.quantity,
        price=fill.price if same else None,
        gross=whole,
        slack=fill.slack,
        quote=None if same or not quoted else Quote(quoted, fill.price),
    )
    return taking_back(line, row, kind, about) if back else row


FORMATS = [
    ReadFormat(
        name="xtb",
        title="XTB",
        read=read,
        signatures=[
            {"id", "type", "time", "comment", "symbol", "amount"},
            {"type", "instrument", "time", "amount", "id", "comment"},
            {"id", "typ", "czas", "komentarz", "kwota"},
        ],
        layouts=[LAYOUT],
    ),
]
