"""The demo's people: plans, and the transactions that follow from them at real closes.

Pure. An account has contributions and sales. A contribution is deposited and invested at the next
session's close by the plan's weights, in whole units, as far as the cash reaches with fees. A sale
takes a share of the holding at the close of its session. Days count back from the last session of
the sample, so the plan is the same whenever the demo is loaded.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_DOWN, Decimal

from core.money import quantize
from transactions.ledger.entries import Entry

Closes = Mapping[str, Sequence[tuple[date, Decimal]]]
Rates = Callable[[str, str, date], Decimal]

_MORNING = time(4, 30, tzinfo=UTC)
_HOURS = {"USD": time(19, 0, tzinfo=UTC), "PHP": time(5, 0, tzinfo=UTC)}
_FEE = Decimal("1.00")


@dataclass(frozen=True, slots=True)
class Person:
    """A person who can log in; people with the same `household` see the same accounts."""

    email: str
    password: str
    full_name: str
    household: str
    role: str = "investor"


@dataclass(frozen=True, slots=True)
class Wish:
    """Target and purchased share in percent; allowed drift in percentage points."""

    symbol: str
    target: str
    bought: int
    threshold: str = "2"


@dataclass(frozen=True, slots=True)
class Sale:
    """A share of a position that is sold some days before the last session."""

    days_ago: int
    symbol: str
    share: str


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """An account of the demo. Contributions are (days ago, amount) in the account's currency."""

    owner: str
    name: str
    type: str
    currency: str
    contributions: tuple[tuple[int, int], ...]
    wishes: tuple[Wish, ...]
    sales: tuple[Sale, ...] = ()


DEMO, PARTNER = "demo@ballast.example", "partner@ballast.example"
ADVISER, ADMIN = "adviser@ballast.example", "admin@ballast.example"
PEOPLE = (
    Person(DEMO, "ballast-demo", "Dana Demo", "Demo family"),
    Person(PARTNER, "ballast-demo", "Robin Demo", "Demo family"),
    Person(ADVISER, "ballast-demo", "Alex Adviser", "Adviser's office", "adviser"),
    Person(ADMIN, "ballast-admin", "Olivia Operator", "Operations", "operator"),
)

_QUARTER = 91
ACCOUNTS = (
    AccountPlan(
        DEMO,
        "Brokerage",
        "taxable",
        "USD",
        ((1640, 60_000), *((days, 6_000) for days in range(1460, 40, -_QUARTER))),
        (
            Wish("AAPL", "8", 9),
            Wish("MSFT", "8", 9),
            Wish("JNJ", "6", 7),
            Wish("JPM", "6", 7),
            Wish("KO", "5", 5),
            Wish("PG", "5", 5),
            Wish("HD", "5", 6),
            Wish("UNH", "5", 5),
            Wish("XOM", "4", 5),
            Wish("WMT", "5", 5),
            Wish("RRC", "2", 3),
            Wish("BBY", "2", 3),
            Wish("MTUM", "8", 5),
            Wish("QUAL", "8", 8),
            Wish("VLUE", "6", 6),
            Wish("UST5Y", "8", 6),
            Wish("UST10Y", "7", 6),
        ),
        (
            Sale(1200, "KO", "0.4"),
            Sale(616, "XOM", "0.5"),
            Sale(610, "RRC", "0.6"),
            Sale(300, "AAPL", "0.15"),
            Sale(150, "JPM", "0.2"),
        ),
    ),
    AccountPlan(
        DEMO,
        "Rollover IRA",
        "ira",
        "USD",
        ((1500, 85_000),),
        (
            Wish("USMV", "30", 30, "3"),
            Wish("QUAL", "20", 20, "3"),
            Wish("UST10Y", "25", 25, "3"),
            Wish("PFE", "10", 10),
            Wish("MRK", "10", 12),
        ),
        (Sale(700, "MRK", "0.3"),),
    ),
    AccountPlan(
        PARTNER,
        "Roth IRA",
        "roth_ira",
        "USD",
        tuple((days, 6_500) for days in range(1420, 100, -365)),
        (
            Wish("MTUM", "40", 40, "3"),
            Wish("SIZE", "25", 25, "3"),
            Wish("LLY", "15", 15, "3"),
            Wish("AMD", "15", 18, "3"),
        ),
    ),
    # Shares bought near their peak, for the page of losses, and a loss of the last days.
    AccountPlan(
        PARTNER,
        "Robin's shares",
        "taxable",
        "USD",
        ((1696, 7_000), (1174, 9_000), (300, 4_000)),
        (
            Wish("GE", "25", 60, "5"),
            Wish("XOM", "35", 45, "5"),
            Wish("BAC", "40", 30, "5"),
        ),
        (Sale(12, "XOM", "0.4"),),
    ),
    AccountPlan(
        PARTNER,
        "Euro account",
        "taxable",
        "EUR",
        ((1300, 40_000), (900, 15_000), (400, 15_000)),
        (
            Wish("CVX", "20", 20, "3"),
            Wish("BAC", "20", 20, "3"),
            Wish("GE", "10", 10, "3"),
            Wish("TEL.PS", "15", 14, "3"),
            Wish("JFC.PS", "15", 14, "3"),
            Wish("SMPH.PS", "15", 14, "3"),
        ),
        (Sale(500, "GE", "0.3"),),
    ),
)


def symbols(plan: AccountPlan) -> list[str]:
    """Return every symbol the account ever held."""
    return sorted({wish.symbol for wish in plan.wishes})


@dataclass(frozen=True, slots=True)
class Dividend:
    """Cash of one share held before the ex-date, paid on the day of payment."""

    symbol: str
    ex_date: date
    payment_date: date
    amount: Decimal
    currency: str


def dividends(*, traded: Sequence[Entry], paid: Sequence[Dividend], last: date) -> list[Entry]:
    """Return what an account was paid up to `last`, for the units it held before each ex-date."""
    signs = {"buy": 1, "sell": -1}
    found = []
    for one in paid:
        units = sum(
            (
                signs[entry.type] * (entry.quantity or Decimal(0))
                for entry in traded
                if entry.symbol == one.symbol and entry.executed_at.date() < one.ex_date
            ),
            Decimal(0),
        )
        if units > 0 and one.payment_date <= last:
            at = datetime.combine(one.payment_date, _HOURS[one.currency])
            amount = quantize(units * one.amount, one.currency)
            found.append(Entry("dividend", at, one.currency, one.symbol, amount=amount))
    return found


def entries(
    *, plan: AccountPlan, closes: Closes, currencies: Mapping[str, str], rates: Rates, last: date
) -> list[Entry]:
    """Return the account's transactions in order of time.

    `rates(base, quote, day)`: units of quote for one base. Symbols without closes are left out.
    """
    ledger = _Ledger(plan, closes, currencies, rates)
    events: list[tuple[int, int | Sale]] = [*plan.contributions]
    events += [(sale.days_ago, sale) for sale in plan.sales]
    for days_ago, event in sorted(events, key=lambda dated: -dated[0]):
        day = last - timedelta(days=days_ago)
        if isinstance(event, Sale):
            ledger.sell(day, event)
        else:
            ledger.contribute(day, Decimal(event))
    return ledger.entries


class _Ledger:
    """Running cash and units: nothing is bought without money or sold without units."""

    def __init__(
        self, plan: AccountPlan, closes: Closes, currencies: Mapping[str, str], rates: Rates
    ) -> None:
        self.plan, self.closes, self.currencies, self.rates = plan, closes, currencies, rates
        self.cash = Decimal(0)
        self.units: dict[str, Decimal] = {}
        self.entries: list[Entry] = []

    def contribute(self, day: date, amount: Decimal) -> None:
        self.entries.append(
            Entry("deposit", datetime.combine(day, _MORNING), self.plan.currency, amount=amount)
        )
        self.cash += amount
        invested = self.cash
        for wish in self.plan.wishes:
            found = self._close_after(wish.symbol, day + timedelta(days=1))
            if found is not None:
                self._buy(wish.symbol, *found, invested * wish.bought / 100)

    def _buy(self, symbol: str, day: date, price: Decimal, worth: Decimal) -> None:
        currency = self.currencies[symbol]
        rate = self.rates(currency, self.plan.currency, day)
        budget = min(worth, self.cash * Decimal("0.995"))
        quantity = (budget / rate / price).quantize(Decimal(1), rounding=ROUND_DOWN)
        if quantity <= 0:
            return
        cost = (quantize(quantity * price, currency) + _FEE) * rate
        self.cash -= quantize(cost, self.plan.currency)
        self.units[symbol] = self.units.get(symbol, Decimal(0)) + quantity
        self._trade("buy", symbol, day, quantity, price)

    def sell(self, day: date, sale: Sale) -> None:
        found = self._close_after(sale.symbol, day)
        held = self.units.get(sale.symbol, Decimal(0))
        quantity = (held * Decimal(sale.share)).quantize(Decimal(1), rounding=ROUND_DOWN)
        if found is None or quantity <= 0:
            return
        day, price = found
        currency = self.currencies[sale.symbol]
        proceeds = (quantize(quantity * price, currency) - _FEE) * self.rates(
            currency, self.plan.currency, day
        )
        self.cash += quantize(proceeds, self.plan.currency)
        self.units[sale.symbol] = held - quantity
        self._trade("sell", sale.symbol, day, quantity, price)

    def _trade(self, side: str, symbol: str, day: date, quantity: Decimal, price: Decimal) -> None:
        currency = self.currencies[symbol]
        at = datetime.combine(day, _HOURS[currency])
        self.entries.append(
            Entry(side, at, currency, symbol, quantity=quantity, price=price, fee=_FEE)
        )

    def _close_after(self, symbol: str, day: date) -> tuple[date, Decimal] | None:
        """Return the first session on or after a day."""
        sessions = self.closes.get(symbol, ())
        index = bisect_left(sessions, day, key=lambda session: session[0])
        return sessions[index] if index < len(sessions) else None
