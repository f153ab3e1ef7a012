"""Ledgers as text an accountant reads; the same text runs through the model and through the API.

    identical VOO IVV                       these two are substantially identical
    policy carry_date=yes                   the household's choice where the law is open
    2025-01-06 main buy 40 AAA for 2000     `main`, `other`, `spouse`, `ira`, `roth`, `plan`
    2025-03-03T15:30 main sell 40 AAA for 1800 fee 1 by hifo
    2025-03-04 main sell 4 AAA for 180 lots 1:3 2:1
    2025-03-05 main split AAA 3:2 for 10.50 (cash in lieu)
    2025-03-06 main transfer 5 AAA to other
    reverse 3
    = 2025-03-03 main 40 AAA opened 2025-01-06: 1799 - 2000 + 200 = -1 short
    > main 40 AAA opened 2025-03-20 since 2025-01-23: 2040

Rows are numbered from 1 in the order of the text. Lines with `=` are the expected gain lines
(proceeds - basis + disallowed loss = recognized, term, and the permanently disallowed loss), lines
with `>` the open lots. Lines that differ only in hidden figures are added up.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from tests.transactions.model.household import kept
from tests.transactions.model.words import Household, Row

ACCOUNTS = {
    "main": "taxable",
    "other": "taxable",
    "spouse": "taxable",
    "ira": "ira",
    "roth": "roth_ira",
    "plan": "401k",
}
_WORDS = {
    "reinvest": "reinvestment",
    "rename": "symbol_change",
    "spinoff": "spin_off",
    "return": "return_of_capital",
    "transfer": "transfer_out",
    "receive": "transfer_in",
    "merge": "merger",
    "issue": "rights_issue",
    "exercise": "rights_exercise",
    "bonus": "stock_dividend",
}


@dataclass(frozen=True)
class Ledger:
    """A parsed text: rows to record, rows to reverse, expected results."""

    household: Household
    rows: list[Row]
    reversed_rows: list[int]
    gains: str
    lots: str
    symbols: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class GainLine:
    """The figures of one line of the gains report."""

    closed: date
    account: str
    symbol: str
    opened: date
    quantity: Fraction
    proceeds: Fraction
    basis: Fraction
    disallowed: Fraction
    term: str
    permanent: Fraction = Fraction(0)


@dataclass(frozen=True)
class LotLine:
    account: str
    symbol: str
    opened: date
    since: date
    quantity: Fraction
    basis: Fraction


def ledger(text: str) -> Ledger:
    """Parse a table."""
    rows: list[Row] = []
    undone: list[int] = []
    gains: list[GainLine] = []
    lots: list[LotLine] = []
    identical: dict[str, str] = {}
    policy: dict[str, bool] = {}
    crypto: set[str] = set()
    for line in filter(None, (line.split("#")[0].strip() for line in text.splitlines())):
        words = line.split()
        if words[0] == "=":
            gains.append(_gain_line(line))
        elif words[0] == ">":
            lots.append(_lot_line(line))
        elif words[0] == "identical":
            identical |= dict.fromkeys(words[1:], words[1])
        elif words[0] == "crypto":
            crypto |= set(words[1:])
        elif words[0] == "policy":
            policy |= {name: value == "yes" for name, value in (w.split("=") for w in words[1:])}
        elif words[0] == "reverse":
            undone.append(int(words[1]))
        else:
            rows.append(_row(len(rows) + 1, words))
    household = Household(
        accounts={r.account: ACCOUNTS[r.account] for r in rows}
        | {r.to: ACCOUNTS[r.to] for r in rows if r.to},
        identical=identical,
        crypto=frozenset(crypto),
        **policy,
    )
    symbols = sorted({r.asset for r in rows} | {r.new_asset for r in rows} | set(identical))
    return Ledger(
        household, rows, undone, gains_text(gains), lots_text(lots), [s for s in symbols if s]
    )


def by_the_model(table: Ledger) -> tuple[str, str]:
    """Return the gain lines and the open lots of the model."""
    book = kept(table.household, [r for r in table.rows if r.id not in table.reversed_rows])
    gains = [
        GainLine(
            closed=s.sale.at.date(),
            account=s.account,
            symbol=s.asset,
            opened=s.opened.date(),
            quantity=s.quantity,
            proceeds=s.proceeds,
            basis=s.basis,
            disallowed=s.deferred + s.lost,
            term="long" if s.long else "short",
            permanent=s.lost,
        )
        for s in book.sold
        if s.sale is not None and table.household.accounts[s.account] == "taxable"
    ]
    lots = [
        LotLine(s.account, s.asset, s.opened.date(), s.since, s.quantity, s.basis)
        for s in book.lots
    ]
    return gains_text(gains), lots_text(lots)


def gains_text(lines: Iterable[GainLine]) -> str:
    """Return gain lines in one order, with similar lines added up."""
    sums: dict[tuple[date, str, str, date, str], list[Fraction]] = defaultdict(
        lambda: [Fraction(0)] * 5
    )
    for line in lines:
        key = (line.closed, line.account, line.symbol, line.opened, line.term)
        more = (line.quantity, line.proceeds, line.basis, line.disallowed, line.permanent)
        sums[key] = [a + b for a, b in zip(sums[key], more, strict=True)]
    texts = []
    for (closed, account, symbol, opened, term), (
        (quantity, proceeds, basis, disallowed, permanent)
    ) in sorted(sums.items()):
        added = f" + {_money(disallowed)}" if disallowed else ""
        lost = f", {_money(permanent)} for ever" if permanent else ""
        texts.append(
            f"= {closed} {account} {_units(quantity)} {symbol} opened {opened}: {_money(proceeds)}"
            f" - {_money(basis)}{added} = {_money(proceeds - basis + disallowed)} {term}{lost}"
        )
    return "\n".join(texts)


def lots_text(lines: Iterable[LotLine]) -> str:
    """Return open lots in one order, with similar lots added up."""
    sums: dict[tuple[str, str, date, date], list[Fraction]] = defaultdict(lambda: [Fraction(0)] * 2)
    for line in lines:
        key = (line.account, line.symbol, line.opened, line.since)
        sums[key] = [sums[key][0] + line.quantity, sums[key][1] + line.basis]
    return "\n".join(
        f"> {account} {_units(quantity)} {symbol} opened {opened}"
        f"{'' if since == opened else f' since {since}'}: {_money(basis)}"
        for (account, symbol, opened, since), (quantity, basis) in sorted(sums.items())
    )


def _gain_line(line: str) -> GainLine:
    found = re.fullmatch(
        r"= (\S+) (\w+) (\S+) (\S+) opened (\S+): (\S+) - (\S+)( \+ (\S+))? = (\S+) (short|long)"
        r"(, (\S+) for ever)?",
        line,
    )
    assert found, f"not a gain line: {line}"
    closed, account, quantity, symbol, opened, proceeds, basis, _, more, total, term, _, lost = (
        found.groups()
    )
    gain = GainLine(
        date.fromisoformat(closed),
        account,
        symbol,
        date.fromisoformat(opened),
        _number(quantity),
        _number(proceeds),
        _number(basis),
        _number(more or "0"),
        term,
        _number(lost or "0"),
    )
    assert gain.proceeds - gain.basis + gain.disallowed == _number(total), (
        f"does not add up: {line}"
    )
    return gain


def _lot_line(line: str) -> LotLine:
    found = re.fullmatch(r"> (\w+) (\S+) (\S+) opened (\S+?)( since (\S+))?: (\S+)", line)
    assert found, f"not a lot line: {line}"
    account, quantity, symbol, opened, _, since, basis = found.groups()
    return LotLine(
        account,
        symbol,
        date.fromisoformat(opened),
        date.fromisoformat(since or opened),
        _number(quantity),
        _number(basis),
    )


def _row(number: int, words: list[str]) -> Row:
    at = datetime.fromisoformat(words[0])
    account, verb, rest = words[1], words[2], words[3:]
    kind = _WORDS.get(verb, verb)
    facts = dict(zip(rest[:-1], rest[1:], strict=True))
    place = 2 if kind == "spin_off" else 0
    quantity = _number(rest[place]) if re.fullmatch(r"[\d.]+", rest[place]) else Fraction(0)
    assets = [w for w in rest[:3] if re.fullmatch(r"[A-Z]+", w)]
    ratio = next((w for w in rest if re.fullmatch(r"[\d.]+:[\d.]+", w)), None)
    chosen: list[tuple[int, Fraction]] = []
    if "lots" in rest:
        for word in rest[rest.index("lots") + 1 :]:
            lot, part = word.split(":")
            chosen.append((int(lot), _number(part)))
        ratio = None
    part = next((w for w in rest if w.endswith("%")), "0%")
    return Row(
        id=number,
        type=kind,
        account=account,
        at=at.replace(tzinfo=UTC),
        asset=assets[0] if assets else "",
        quantity=quantity,
        amount=_number(facts.get("for", "0")),
        fee=_number(facts.get("fee", "0")),
        method="specific" if chosen else facts.get("by", "fifo"),
        chosen=tuple(chosen),
        order=facts.get("order", ""),
        ratio=_ratio(ratio) if ratio else None,
        new_asset=assets[1] if len(assets) > 1 else "",
        basis_part=_number(part[:-1]) / 100,
        opened=date.fromisoformat(facts["opened"]) if "opened" in facts else None,
        to=facts.get("to", ""),
    )


def _ratio(text: str) -> Fraction:
    new, old = text.split(":")
    return _number(new) / _number(old)


def _number(text: str) -> Fraction:
    return Fraction(text.replace(",", ""))


def _money(value: Fraction) -> str:
    return _rounded(value, 2)


def _units(value: Fraction) -> str:
    return _rounded(value, 8)


def _rounded(value: Fraction, places: int) -> str:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    text = f"{exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
