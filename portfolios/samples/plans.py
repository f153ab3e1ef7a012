"""Plans of investing, and the transactions that follow from them at real closes. Pure.

An account has contributions and sales. A contribution is deposited and invested at the next
session's close by the plan's weights, in whole units, as far as the cash reaches with fees. A sale
takes a share of the holding at the close of its session. Days count back from the last session of
the prices, so the plan is the same whenever it is loaded.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_DOWN, Decimal

from core.money import quantize
from transactions.ledger.entries import Entry
from transactions.ledger.kinds import KINDS

Closes = Mapping[str, Sequence[tuple[date, Decimal]]]
Rates = Callable[[str, str, date], Decimal]

_MORNING = time(4, 30, tzinfo=UTC)
_HOURS = {"USD": time(19, 0, tzinfo=UTC), "PHP": time(5, 0, tzinfo=UTC)}
_FEE = Decimal("1.00")


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
    """An account. Contributions are (days ago, amount) in the account's currency."""

    # The address of its owner; empty for a sample, which belongs to whoever asks for it.
    owner: str
    name: str
    type: str
    currency: str
    contributions: tuple[tuple[int, int], ...]
    wishes: tuple[Wish, ...]
    sales: tuple[Sale, ...] = ()


# What a person without a file of their own may look around in.
SAMPLES = (
    AccountPlan(
        "",
        "Sample brokerage",
        "taxable",
        "USD",
        ((1500, 30_000), *((days, 3_000) for days in range(1380, 60, -182))),
        (
            Wish("AAPL", "10", 11),
            Wish("MSFT", "10", 11),
            Wish("JNJ", "10", 10),
            Wish("JPM", "10", 11),
            Wish("KO", "8", 8),
            Wish("XOM", "7", 8),
            Wish("MTUM", "15", 14),
            Wish("QUAL", "15", 14),
            Wish("UST10Y", "12", 11),
        ),
        (Sale(620, "XOM", "0.4"), Sale(260, "AAPL", "0.15")),
    ),
    AccountPlan(
        "",
        "Sample IRA",
        "ira",
        "USD",
        ((1400, 40_000),),
        (
            Wish("USMV", "35", 35, "3"),
            Wish("QUAL", "25", 25, "3"),
            Wish("UST10Y", "30", 30, "3"),
            Wish("PFE", "8", 8),
        ),
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
    found = []
    for one in paid:
        units = sum(
            (
                (KINDS[entry.type].sign or 0) * (entry.quantity or Decimal(0))
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
