"""Transactions of double-entry books: what their postings mean for an account of investments. Pure.

    posting    an account, units of a commodity, and perhaps their cost or price
    inside     the accounts that hold securities, and those whose cash pays for them
    outside    all others: income is a dividend, interest or a deposit, an expense is a fee, a tax
               or a withdrawal, by the words of the account's name; the rest is a flow

The postings of one currency have to explain the cash that moved, else the transaction is refused:

    cash = flows + income - fees - taxes - spent - purchases + sales

One trade whose price is not stated follows from this. Gains that a book states with a sale follow
from the sale, so they are not read. Worked example: 4 VTI leave at a cost of 230 and a price of
250, cash grows by 995.05, a commission of 4.95 is spent and income has -80: a sale of 4 for 1000
with a fee of 4.95. An exchange of one security's units for others of itself is a split.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from core.money import WIDE, minor_unit, plain, quantize
from transactions.files.reading.interface import NO_SECURITY, ParsedRow, Quote, Security
from transactions.files.reading.lines import Line
from transactions.files.reading.rows import (
    ZERO,
    About,
    charge,
    draft,
    income,
    interest,
    moved_units,
    signed_cash,
    trade,
)

COMMODITIES: Mapping[str, str] = {
    "$": "USD",
    "€": "EUR",
    "£": "GBP",
    "US$": "USD",
    "C$": "CAD",
    "A$": "AUD",
}
# Currencies with a reference rate. Other codes of ISO 4217 are also tickers (ALL, TOP, GEL).
_CASH = frozenset(
    [
        *("EUR", "USD", "JPY", "CZK", "DKK", "GBP", "HUF", "PLN", "RON", "SEK", "CHF"),
        *("ISK", "NOK", "TRY", "AUD", "BRL", "CAD", "CNY", "HKD", "IDR", "ILS", "INR"),
        *("KRW", "MXN", "MYR", "NZD", "PHP", "SGD", "THB", "ZAR", "BGN"),
    ]
)
_DIVIDEND = re.compile(r"div|distrib|aussch|capital ?gain|[ls]tcg", re.IGNORECASE)
_INTEREST = re.compile(r"interest|zins|rente|int[ée]r[êe]t", re.IGNORECASE)
_GAIN = re.compile(r"gain|pnl|p&l|profit|loss|realiz|realis|[ls]tcg", re.IGNORECASE)
_TAX = re.compile(r"tax|withh|steuer|imp[oô]t", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9.]{1,24}")
_FEE = re.compile(r"fee|commission|brokerage|charge|geb[üu]hr|frais", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Worth:
    """The cost or the price of a posting's units, each or in total, with the day of its lot."""

    amount: Decimal
    currency: str
    in_total: bool = False
    day: date | None = None

    def of(self, units: Decimal) -> Decimal:
        return abs(self.amount) if self.in_total else WIDE.multiply(abs(units), abs(self.amount))


@dataclass(frozen=True, slots=True)
class Posting:
    """One leg; `units` is None if the book leaves it out, to be what the others do not explain."""

    account: str
    units: Decimal | None
    commodity: str = ""
    cost: Worth | None = None
    price: Worth | None = None

    @property
    def is_cash(self) -> bool:
        return self.commodity in _CASH and self.cost is None

    @property
    def amount(self) -> Decimal:
        return self.units or ZERO

    @property
    def root(self) -> str:
        """Return the first word of the account in one spelling: assets, income, expenses."""
        word = self.account.partition(":")[0].casefold().strip("([")
        return {"asset": "assets", "revenue": "income", "revenues": "income"}.get(
            word, {"expense": "expenses", "liability": "liabilities"}.get(word, word)
        )


@dataclass(slots=True)
class Books:
    """What a first reading learns: the accounts inside, which belong together, the securities."""

    of: dict[str, str] = field(default_factory=dict)
    cash: dict[str, set[str]] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    securities: set[str] = field(default_factory=set)

    def learn(self, postings: Iterable[Posting]) -> None:
        owned = [leg for leg in postings if leg.root in ("assets", "liabilities")]
        held = [leg for leg in owned if leg.commodity and not leg.is_cash]
        self.securities |= {leg.commodity for leg in held}
        paid = [leg for leg in owned if leg.is_cash and held and leg.root == "assets"]
        for leg in paid:
            self.cash.setdefault(leg.account, set()).add(leg.commodity)
        for leg in held:
            self._join(leg.account, [other.account for other in paid])
        for leg in (*held, *paid):
            parent = leg.account.rpartition(":")[0]
            if ":" in parent:  # accounts beside each other belong together
                self._join(self.parents.setdefault(parent, leg.account), [leg.account])

    def _join(self, account: str, others: Iterable[str]) -> None:
        """Put accounts into one group, which is called by the first one."""
        first = self.of.setdefault(account, account)
        for other in others:
            old = self.of.setdefault(other, first)
            if old != first:
                self.of = {one: first if of == old else of for one, of in self.of.items()}

    def name_of(self, account: str) -> str:
        """Return the name of an account's group: what its accounts' names have in common."""
        names = [one.split(":") for one, of in self.of.items() if of == self.of[account]]
        common = names[0]
        for name in names[1:]:
            same = [a == b for a, b in zip(common, name, strict=False)]
            common = common[: same.index(False) if False in same else len(same)]
        return ":".join(common) if len(common) > 1 else self.of[account]


def completed(postings: Iterable[Posting]) -> list[Posting] | None:
    """Return the legs with the one left out filled in; None if that is not possible."""
    legs = list(postings)
    left = [place for place, leg in enumerate(legs) if leg.units is None]
    if not left:
        return legs
    sums: dict[str, Decimal] = {}
    for leg in legs:
        if leg.units is None:
            continue
        worth = leg.cost or leg.price
        if worth is None and not leg.is_cash:
            return None
        amount = leg.units if worth is None else worth.of(leg.units).copy_sign(leg.units)
        name = leg.commodity if worth is None else worth.currency
        sums[name] = sums.get(name, ZERO) + amount
    rest = [(name, -amount) for name, amount in sums.items() if amount]
    if len(left) > 1 or len(rest) > 1:
        # Legs of gains, which follow from the sale, may all be left out.
        gains = all(legs[p].root == "income" and _GAIN.search(legs[p].account) for p in left)
        return [leg for leg in legs if leg.units is not None] if gains else None
    name, amount = rest[0] if rest else ("", ZERO)
    filled = Posting(legs[left[0]].account, amount, name)
    return [*(leg for leg in legs if leg.units is not None), *([filled] if amount else [])]


def rows_of(line: Line, postings: Iterable[Posting], books: Books) -> Iterator[ParsedRow]:
    """Yield the rows of one transaction, or the one row that refuses or skips it."""
    legs = completed(postings)
    if legs is None:
        yield line.refused("amount_missing", "More than one amount is left out.")
        return
    inside = [leg for leg in legs if leg.account in books.of and leg.units]
    groups = {books.of[leg.account] for leg in inside}
    if not inside:
        yield line.skip("informational", "It touches no account of investments.")
    elif len(groups) > 1:
        yield from _between(line, legs, inside, books)
    else:
        others = [leg for leg in legs if leg.account not in books.of]
        yield from _Event(line, inside, others, books).rows()


def _between(
    line: Line, legs: list[Posting], inside: list[Posting], books: Books
) -> Iterator[ParsedRow]:
    """Yield moves of cash and units from one group of accounts to another."""
    sums: dict[str, Decimal] = {}
    for leg in inside:
        sums[leg.commodity] = sums.get(leg.commodity, ZERO) + leg.amount
    if len(legs) != len(inside) or any(sums.values()):
        yield line.refused("event_incomplete", "It trades in more than one account.")
        return
    for leg in inside:
        about = _about(line, books.name_of(leg.account), leg.commodity)
        if leg.is_cash:
            yield signed_cash(line, "deposit", "withdrawal", about, leg.amount)
        else:
            yield _moved(line, replace(about, currency=_currency(line, leg)), leg)


def _about(line: Line, account: str, currency: str) -> About:
    at = line.happened("cash", "date")
    return About(at=at, currency=currency, account=account, note=line.note(line.text("note")))


def _currency(line: Line, leg: Posting) -> str:
    worth = leg.cost or leg.price
    return worth.currency if worth else line.currency()


def _moved(line: Line, about: About, leg: Posting) -> ParsedRow:
    basis = leg.cost.of(leg.amount) if leg.cost else None
    opened = leg.cost.day if leg.cost else None
    about = replace(about, security=Security(symbol=leg.commodity))
    return moved_units(line, about, leg.amount, basis=basis, opened_date=opened)


@dataclass(slots=True)
class _Event:
    """A transaction of one group of accounts."""

    line: Line
    inside: list[Posting]
    others: list[Posting]
    books: Books

    def rows(self) -> Iterator[ParsedRow]:
        line, account = self.line, self.books.name_of(self.inside[0].account)
        units = [leg for leg in self.inside if not leg.is_cash]
        cash = [leg for leg in self.inside if leg.is_cash]
        currencies = {leg.commodity for leg in (*cash, *self.others) if leg.is_cash}
        stated = {worth.currency for leg in units if (worth := leg.price or leg.cost)}
        if not units and len(currencies) > 1:
            alone = not self.others and len({leg.commodity for leg in cash}) == 2
            yield line.skip("fx_conversion") if alone else line.refused("event_incomplete")
        elif any(not leg.is_cash for leg in self.others) and (cash or len(units) > 1):
            yield line.refused("event_incomplete", "Units move and cash as well.")
        elif len(currencies | stated) > 1:
            yield self._settled(units, cash, account)
        else:
            currency = next(iter(currencies | stated), "") or line.currency()
            about = _about(line, account, currency)
            row = self._exchanged(units, about) if units and not cash else None
            yield from [row] if row else self._booked(units, cash, about)

    def _exchanged(self, units: list[Posting], about: About) -> ParsedRow | None:
        """Return a split, a move within the group, or units from or to outside."""
        line, outside = self.line, {leg.root for leg in self.others}
        if not self.others:
            plus = sum((leg.amount for leg in units if leg.amount > 0), ZERO)
            minus = -sum((leg.amount for leg in units if leg.amount < 0), ZERO)
            if len({leg.commodity for leg in units}) > 1 or not plus or not minus:
                return line.refused("event_incomplete", "Units change without a price.")
            if plus == minus:
                return line.skip("journal")
            about = replace(about, security=Security(symbol=units[0].commodity))
            about = replace(about, at=line.happened("split", "date"))
            return draft(line, "split", about, ratio=f"{plain(plus)}:{plain(minus)}")
        if outside <= {"equity", "assets"} and len(units) == 1:
            return _moved(line, about, units[0])
        return None

    def _settled(self, units: list[Posting], cash: list[Posting], account: str) -> ParsedRow:
        """Return a trade that is priced in one currency and paid in another."""
        line, worth = self.line, (units[0].price or units[0].cost) if units else None
        fees = [leg for leg in self.others if leg.root != "income"]
        known = all(leg.root == "expenses" and _FEE.search(leg.account) for leg in fees)
        paid = {leg.commodity for leg in (*cash, *fees)}
        if len(units) != 1 or worth is None or len(paid) != 1 or not known:
            return line.refused("event_incomplete", "It has more than one currency.")
        moved, fee = _sum(cash), _sum(fees)
        kind = "buy" if units[0].amount > 0 else "sell"
        about = _about(line, account, next(iter(paid)))
        amount = worth.of(units[0].amount)
        each = None if worth.in_total else abs(worth.amount)
        return trade(
            line,
            kind,
            replace(about, security=Security(symbol=units[0].commodity)),
            quantity=units[0].amount,
            price=None,
            fee=fee,
            net=moved,
            quote=Quote(worth.currency, each, quantize(amount, worth.currency)),
        )

    def _booked(
        self, units: list[Posting], cash: list[Posting], about: About
    ) -> Iterator[ParsedRow]:
        parts = _Parts(self.others, sold=any(leg.amount < 0 for leg in units))
        moved, unit = _sum(cash), minor_unit(about.currency)
        left = moved - parts.total  # what the trades brought
        worths = [_worth(leg) for leg in units]
        unknown = [place for place, worth in enumerate(worths) if worth is None]
        if unknown and not (cash or parts.dividend or parts.moved):
            yield self.line.refused("price_missing", "It states neither a price nor what was paid.")
            return
        if not units or len(unknown) > 1:
            if len(unknown) > 1 or abs(left) > unit / 2:
                told = f"{left} {about.currency} is not explained."
                yield self.line.refused("amount_mismatch", told)
                return
        else:
            place = unknown[0] if unknown else len(units) - 1
            sign = 1 if units[place].amount < 0 else -1
            rest = left - sum((w for at, w in enumerate(worths) if w and at != place), ZERO)
            stated = worths[place]
            if rest * sign < 0:
                self.line.problem("amount_sign")
            elif stated is not None and abs(rest - stated) > unit * len(units):
                self.line.problem("amount_mismatch", f"{rest - stated} {about.currency} too much.")
            worths[place] = rest
        yield from self._trades(units, worths, parts, about)
        yield from self._flows(parts, about, moved)

    def _trades(
        self,
        units: list[Posting],
        worths: list[Decimal | None],
        parts: "_Parts",
        about: About,
    ) -> Iterator[ParsedRow]:
        alone = len(units) == 1
        for leg, worth in zip(units, worths, strict=True):
            named = replace(about, security=Security(symbol=leg.commodity))
            kind = "buy" if leg.amount > 0 else "sell"
            paid_in_full = parts.dividend == abs(worth or ZERO) and not (
                parts.fee or parts.tax or parts.moved or parts.interest
            )
            if alone and kind == "buy" and parts.dividend and paid_in_full:
                kind, parts.dividend = "reinvestment", ZERO
            price = leg.price or (leg.cost if kind != "sell" else None)
            each = abs(price.amount) if price and not price.in_total else None
            rounding = each.as_tuple().exponent if each is not None else 0
            assert isinstance(rounding, int)
            slack = abs(leg.amount) * Decimal(5).scaleb(min(rounding, -2) - 1)
            yield trade(
                self.line, kind, named, quantity=leg.amount, price=each, gross=worth,
                fee=parts.take_fee() if alone else ZERO, slack=slack,
            )  # fmt: skip

    def _flows(self, parts: "_Parts", about: About, moved: Decimal) -> Iterator[ParsedRow]:
        line, named = self.line, replace(about, security=self._paying())
        if parts.dividend:
            if not named.security:
                line.problem("symbol_missing")
            yield income(line, "dividend", named, parts.dividend)
        if parts.interest:
            yield interest(line, about, parts.interest)
        if parts.tax:
            yield charge(line, "tax", named if parts.dividend else about, -parts.tax)
        if parts.fee:
            yield charge(line, "fee", about, -parts.fee)
        if parts.moved:
            yield signed_cash(line, "deposit", "withdrawal", about, parts.moved)
        if not (parts.seen or moved or self._has_units()):
            yield line.skip("journal")

    def _has_units(self) -> bool:
        return any(not leg.is_cash for leg in self.inside)

    def _paying(self) -> Security:
        """Return the security that an income account or the text names, if it is one alone."""
        known = self.books.securities
        words = {word for leg in self.others for word in leg.account.split(":")} & known
        if not words:
            words = set(_WORD.findall(self.line.text("note")[:400])) & known
        return Security(symbol=words.pop()) if len(words) == 1 else NO_SECURITY


def _sum(legs: Iterable[Posting]) -> Decimal:
    return sum((leg.amount for leg in legs), ZERO)


def _worth(leg: Posting) -> Decimal | None:
    """Return what a trade brought, negative for a purchase; None if it is not stated."""
    worth = leg.price if leg.amount < 0 else leg.cost or leg.price
    return None if worth is None else worth.of(leg.amount).copy_sign(-leg.amount)


class _Parts:
    """The legs outside by what they are, each positive in its usual direction."""

    def __init__(self, legs: Iterable[Posting], *, sold: bool) -> None:
        self.dividend = self.interest = self.fee = self.tax = self.moved = ZERO
        for leg in legs:
            name, amount = leg.account.partition(":")[2], leg.amount
            if leg.root == "income" and sold and _GAIN.search(name):
                continue
            if leg.root == "income" and _INTEREST.search(name):
                self.interest -= amount
            elif leg.root == "income" and _DIVIDEND.search(name):
                self.dividend -= amount
            elif leg.root == "expenses" and _TAX.search(name):
                self.tax += amount
            elif leg.root == "expenses" and _INTEREST.search(name):
                self.interest -= amount
            elif leg.root == "expenses" and _FEE.search(name):
                self.fee += amount
            else:
                self.moved -= amount
        self.total = self.moved + self.dividend + self.interest - self.fee - self.tax
        self.seen = bool(self.dividend or self.interest or self.fee or self.tax or self.moved)

    def take_fee(self) -> Decimal:
        fee, self.fee = self.fee, ZERO
        return fee
