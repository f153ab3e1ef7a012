"""OFX: the meaning of each kind of transaction. Pure.

    TOTAL    the cash moved, signed, fees and taxes included; negative for purchases
    CURRENCY the amounts are in another currency, CURRATE units of the account's for one of it

A time of midnight or noon counts as no time: banks write either for an unknown time of the day.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from core.money import plain
from transactions.files.formats.ofx_exchanges import Exchange
from transactions.files.reading.cells import CELL_CHARS_MAX
from transactions.files.reading.interface import (
    NO_SECURITY,
    ROW_CODES,
    Correction,
    ParsedRow,
    RowProblem,
    Security,
)
from transactions.files.reading.lines import Line
from transactions.files.reading.rows import (
    ZERO,
    About,
    charge,
    draft,
    file_rate,
    income,
    interest,
    moved_units,
    signed_cash,
    slack_of,
    taking_back,
    taxed_income,
    trade,
    withheld,
)

KINDS = frozenset(
    {
        *("BUYSTOCK", "BUYMF", "BUYDEBT", "BUYOTHER", "BUYOPT"),
        *("SELLSTOCK", "SELLMF", "SELLDEBT", "SELLOTHER", "SELLOPT", "CLOSUREOPT"),
        *("REINVEST", "INCOME", "RETOFCAP", "SPLIT", "TRANSFER", "JRNLFUND", "JRNLSEC"),
        *("INVEXPENSE", "MARGININTEREST", "INVBANKTRAN", "STMTTRN"),
    }
)
_FIGURES = {
    "quantity": ("UNITS",),
    "price": ("UNITPRICE",),
    "amount": ("TOTAL", "TRNAMT"),
}
_WITHHELD = ("WITHHOLDING", "STATEWITHHOLDING")
_COSTS = ("COMMISSION", "TAXES", "FEES", "LOAD", "PENALTY")
_DATE = re.compile(
    r"(?P<y>\d{4})(?P<mo>\d\d)(?P<d>\d\d)(?:(?P<h>\d\d)(?P<m>\d\d)(?P<s>\d\d)?)?(?:\.\d{1,9})?"
    r"(?:\[(?P<zone>[-+]?\d{1,2})(?:\.(?P<part>\d{1,4}))?(?::[A-Za-z]{0,16})?\]"
    r"|\s?\[?(?:GMT|UTC|Z)\]?)?"
)
_DAY = re.compile(r"(?P<y>\d{4})(?P<mo>\d\d)(?P<d>\d\d)(?!\d(?!\d))")
_BANK = {
    "INT": "interest",
    "DIV": "interest",  # of a bank account, and no security is named
    "FEE": "fee",
    "SRVCHG": "fee",
}


def rows_of(
    line: Line,
    kind: str,
    account: str,
    currency: str,
    securities: Mapping[str, Security],
    exchange: Exchange | None = None,
) -> Iterator[ParsedRow]:
    """Yield the transaction(s) of one group of the file."""
    values = line.cells
    cells = {**values, "date": iso_date(_first(values, "DTTRADE", "DTPOSTED", "DTSETTLE"))}
    for name, tags in _FIGURES.items():
        cells[name] = plain_decimal(_first(values, *tags))
    for name in (*_COSTS, *_WITHHELD, "CURRENCY.CURRATE", "FRACCASH"):
        cells[name] = plain_decimal(values.get(name, ""))
    cells["currency"] = values.get("CURRENCY.CURSYM", "") or currency
    if "CURRENCY.CURRATE" in values and "CURRENCY.CURSYM" not in values:
        line.problem("currency_missing", "The amounts are in a currency that is not named.")
    cells["opened"] = iso_date(values.get("DTPURCHASE", ""))[:10]
    line.cells = cells
    line.money = dict.fromkeys((*_FIGURES.keys() - {"quantity"}, *_COSTS, *_WITHHELD), "currency")
    line.columns = {name: tags[0] for name, tags in _FIGURES.items()}
    if kind in ("BUYOPT", "SELLOPT", "CLOSUREOPT"):
        yield line.refused("option_not_supported")
        return
    if kind not in KINDS:
        yield line.refused("type_unknown", f"{kind[:40]!r}")
        return
    if kind in ("JRNLFUND", "JRNLSEC"):
        yield line.skip("journal")
        return
    name = line.id("FITID")
    number = values.get("UNIQUEID", "")
    known = securities.get(number)
    about = About(
        at=line.happened("split" if kind == "SPLIT" else "trade", "date"),
        currency=line.currency("currency"),
        account=account,
        security=known or security_of(number, values.get("UNIQUEIDTYPE", "")),
        note=line.note(values.get("NAME", ""), values.get("MEMO", "")),
        external_id=f"ofx:{name}" if name else "",
        file_rate=file_rate(line, "CURRENCY.CURRATE", to=currency),
    )
    of = values.get("REVERSALFITID") or values.get("CORRECTFITID")
    if of:
        yield from _corrections(line, kind, about, f"ofx:{of}")
        return
    if exchange is not None:
        yield _exchanged(line, about, exchange)
        return
    yield from _rows(line, kind, about)


def _corrections(line: Line, kind: str, about: About, of: str) -> Iterator[ParsedRow]:
    """Yield the row as what takes back, or replaces, the one that its pointer names."""
    replaces = line.text("CORRECTACTION").upper() == "REPLACE"
    rows = list(_rows(line, kind, about))
    first = rows[0]
    word = first.takes_back.kind if first.takes_back else first.entry.type if first.entry else ""
    back = Correction(word, about.security.key, of, first if replaces else None, replaces)
    problem = RowProblem("correction_not_supported", ROW_CODES["correction_not_supported"])
    if not replaces:
        yield replace(first, entry=None, problems=(problem,), takes_back=back)
        return
    unreadable = bool(first.problems)
    if unreadable:
        yield first
        return
    yield replace(first, problems=(problem,), takes_back=back)
    yield from rows[1:]


def _exchanged(line: Line, about: About, exchange: Exchange) -> ParsedRow:
    """Return one side of two transfers that exchange a security for itself or its successor."""
    if exchange.is_journal:
        return line.skip("journal")
    if exchange.is_incomplete:
        return line.refused("event_incomplete")
    if exchange.is_arrival:
        return line.skip("part_of_another_row", "The other side of an exchange of units.")
    ratio = f"{plain(exchange.new)}:{plain(exchange.old)}"
    about = replace(about, at=line.happened("split", "date"))
    if exchange.successor.key == about.security.key:
        return draft(line, "split", about, ratio=ratio)
    return draft(line, "merger", about, ratio=ratio, new_security=exchange.successor)


def _rows(line: Line, kind: str, about: About) -> Iterator[ParsedRow]:
    amount, bare = line.figure("amount"), replace(about, security=NO_SECURITY)
    if kind.startswith(("BUY", "SELL")) or kind == "REINVEST":
        yield from _trade(line, kind, about, amount)
    elif kind == "INCOME":
        yield from _income(line, about, amount)
    elif kind == "RETOFCAP":
        yield income(line, "return_of_capital", about, amount)
    elif kind == "SPLIT":
        yield _split(line, about)
    elif kind == "TRANSFER":
        yield _transfer(line, about)
    elif kind in ("INVEXPENSE", "MARGININTEREST"):
        yield charge(line, "fee", bare, None if amount is None else -abs(amount))
    else:
        yield _bank(line, bare, amount)


def _first(values: Mapping[str, str], *names: str) -> str:
    return next((values[name] for name in names if values.get(name)), "")


def plain_decimal(text: str) -> str:
    """Return the number with a decimal point: OFX has no grouping, so a comma is a decimal sign."""
    return text if "." in text else text.replace(",", ".")


def iso_date(text: str) -> str:
    """Return `20240115160000.000[-5:EST]` as ISO 8601; a text that begins with no day unchanged.

    The day is what the text begins with. If the rest is not understood, there is no time.
    """
    text = text.strip()[:CELL_CHARS_MAX]
    match = _DATE.fullmatch(text)
    if not match:
        day_only = _DAY.match(text)
        return f"{day_only['y']}-{day_only['mo']}-{day_only['d']}" if day_only else text
    day = f"{match['y']}-{match['mo']}-{match['d']}"
    clock = (match["h"] or "00") + (match["m"] or "00") + (match["s"] or "00")
    if clock in ("000000", "120000"):
        return day
    zone = int(match["zone"] or 0)
    minutes = int(Decimal(f"0.{match['part'] or 0}") * 60)
    sign = "-" if (match["zone"] or "").startswith("-") else "+"
    return f"{day}T{clock[:2]}:{clock[2:4]}:{clock[4:]}{sign}{abs(zone):02}:{minutes:02}"


def security_of(number: str, kind: str) -> Security:
    if kind.upper() == "ISIN":
        return Security(isin=number[:12].upper())
    return Security(cusip=number[:64])


def _trade(line: Line, kind: str, about: About, total: Decimal | None) -> Iterator[ParsedRow]:
    if line.text("BUYTYPE") == "BUYTOCOVER" or line.text("SELLTYPE") == "SELLSHORT":
        yield line.refused("short_sale_not_supported")
        return
    word = {"B": "buy", "S": "sell", "R": "reinvestment"}[kind[0]]
    quantity, price = line.quantity("quantity"), line.figure("price")
    fee = sum((line.figure(name) or ZERO for name in _COSTS), ZERO)
    tax = _withheld(line) if word == "sell" else ZERO
    wrong = bool(total) and ((total or ZERO) > 0) != (word == "sell")
    back = wrong and bool(quantity) and ((quantity or ZERO) < 0) == (word != "sell")
    if wrong and not back:
        line.problem("amount_sign", of="amount")
    row = trade(
        line,
        word,
        about,
        quantity=quantity,
        price=price,
        fee=fee,
        net=None if total is None else abs(total) + tax,
        slack=slack_of(line, quantity, price),
        per_hundred=kind.endswith("DEBT"),
    )
    if back:  # both signs turned round
        yield taking_back(line, row, word, about)
        return
    yield row
    yield from withheld(line, about, tax)


def _withheld(line: Line) -> Decimal:
    return sum((abs(line.figure(name) or ZERO) for name in _WITHHELD), ZERO)


def _income(line: Line, about: About, total: Decimal | None) -> Iterator[ParsedRow]:
    kind = line.text("INCOMETYPE").upper()
    word = "interest" if kind in ("INTEREST", "MISC") else "dividend"
    whole = about if word == "dividend" else replace(about, security=NO_SECURITY)
    yield from taxed_income(line, word, whole, total, tax=_withheld(line))


def _split(line: Line, about: About) -> ParsedRow:
    new, old = plain_decimal(line.text("NUMERATOR")), plain_decimal(line.text("DENOMINATOR"))
    try:
        terms = Decimal(new), Decimal(old)
        valid = all(term.is_finite() and term > 0 for term in terms)
    except ArithmeticError:
        valid = False
    if not valid:
        return line.refused("ratio_invalid", of="NUMERATOR")
    return draft(line, "split", about, ratio=f"{new}:{old}", amount=line.figure("FRACCASH"))


def _transfer(line: Line, about: About) -> ParsedRow:
    units = line.quantity("quantity")
    if units is None:
        return line.refused("quantity_missing", of="quantity")
    out = line.text("TFERACTION").upper() == "OUT"
    price = line.figure("price")
    basis = None if out or not price else abs(units) * price
    opened = line.day("opened")
    return moved_units(
        line, about, -abs(units) if out else abs(units), basis=basis, opened_date=opened
    )


def _bank(line: Line, about: About, amount: Decimal | None) -> ParsedRow:
    if not line.text("TRNTYPE"):
        return line.refused("type_missing", of="TRNTYPE")
    kind = _BANK.get(line.text("TRNTYPE").upper(), "")
    if kind == "interest":
        return interest(line, about, amount)
    if kind == "fee":
        return charge(line, "fee", about, amount)
    return signed_cash(line, "deposit", "withdrawal", about, amount)
