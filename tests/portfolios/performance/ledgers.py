"""Small ledgers written as text, and what the engine answers about them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from portfolios.api.performance import performance_row
from portfolios.performance.answer import answer as shown
from portfolios.performance.daily_holdings import history
from portfolios.performance.daily_values import Line
from portfolios.performance.facts import KIND_NUMBERS, Event, Facts
from portfolios.performance.period import Performance, Question, performance
from portfolios.prices.rule import Closes
from transactions.ledger.kinds import KINDS

JAN = date(2024, 1, 1)  # a Monday
SYMBOLS = {1: "AAA", 2: "BBB", 3: "EEE"}
CURRENCIES = {1: "USD", 2: "USD", 3: "EUR"}


class Fact(NamedTuple):
    """One transaction, with the ledger's fields; `instant` in microseconds since 1970."""

    id: int
    account: int
    type: str
    instant: int
    asset: int | None
    amount: D
    cash_effect: D
    currency: str
    quantity: D | None = None
    price: D | None = None
    fee: D = D(0)
    fx_rate: D = D(1)
    new_asset: int | None = None
    ratio: Fraction | None = None
    counterpart: int | None = None


def steps(value: D, decimals: int) -> int:
    """A decimal as a whole number of 10^-decimals."""
    whole = Fraction(value) * 10**decimals
    assert whole.denominator == 1, f"{value} has more than {decimals} decimals"
    return int(whole)


def whole(values: list[int]) -> Any:
    """Whole numbers as an array, of eight bytes where they fit."""
    if all(abs(value) < 2**63 for value in values):
        return np.array(values, dtype=np.int64)
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def columns(facts: list[Fact]) -> Facts:
    """The facts as the engine takes them."""
    names = tuple(dict.fromkeys(fact.currency for fact in facts))
    return Facts(
        ids=whole([fact.id for fact in facts]),
        accounts=whole([fact.account for fact in facts]),
        kinds=whole([KIND_NUMBERS[fact.type] for fact in facts]),
        instants=whole([fact.instant for fact in facts]),
        assets=whole([fact.asset or 0 for fact in facts]),
        amounts=whole([steps(fact.amount, 4) for fact in facts]),
        cash_effects=whole([steps(fact.cash_effect, 4) for fact in facts]),
        fees=whole([steps(fact.fee, 4) for fact in facts]),
        quantities=whole([steps(fact.quantity or D(0), 10) for fact in facts]),
        prices=whole([-1 if fact.price is None else steps(fact.price, 8) for fact in facts]),
        fx_rates=whole([steps(fact.fx_rate, 24) for fact in facts]),
        currencies=whole([names.index(fact.currency) for fact in facts]),
        names=names,
        events={
            fact.id: Event(fact.new_asset, fact.ratio)
            for fact in facts
            if fact.new_asset is not None or fact.ratio is not None
        },
        counterparts={fact.id: fact.counterpart for fact in facts if fact.counterpart is not None},
    )


def instant_of(moment: datetime) -> int:
    """An aware moment as a fact has it: microseconds since 1970."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2024, 1, 1, hour, tzinfo=UTC) + timedelta(days=day - 1)


def line(asset: int, closes: dict[int, str], *, adjusted: bool = False) -> Line:
    """Closes by day of January 2024."""
    days = np.array([JAN.toordinal() + day - 1 for day in closes], dtype=np.int64)
    until = int(days[-1]) if len(days) else 0
    prices = np.array([int(D(close) * 10**8) for close in closes.values()], dtype=object)
    series = Closes(days, prices, until if adjusted else None)
    return Line(asset, SYMBOLS[asset], CURRENCIES[asset], series)


def ledger(text: str) -> list[Fact]:
    """`day type [asset] key=value...`; cash effects follow the ledger's table."""
    facts = []
    for number, words in enumerate((row.split() for row in text.strip().splitlines()), start=1):
        fields = dict(word.split("=") for word in words[2:])
        asset = int(fields["asset"]) if "asset" in fields else None
        quantity = D(fields["quantity"]) if "quantity" in fields else None
        price = D(fields["price"]) if "price" in fields else None
        fee = D(fields.get("fee", "0"))
        rate = D(fields.get("fx", "1"))
        default = D(0)
        if quantity is not None and price is not None:
            default = round(quantity * price, 4)  # as the ledger keeps amounts
        amount = D(fields.get("amount", default))
        kind = words[1]
        sign = -1 if KINDS[kind].cash == "out" else 1
        gross = D(0) if KINDS[kind].cash == "fee" else sign * amount
        currency = "EUR" if asset == 3 else fields.get("currency", "USD")
        facts.append(
            Fact(
                id=number,
                account=int(fields.get("account", "1")),
                type=kind,
                instant=instant_of(at(int(words[0]))),
                asset=asset,
                amount=amount,
                cash_effect=((gross - fee) * rate).quantize(D("0.01")),
                currency=currency,
                quantity=quantity,
                price=price,
                fee=fee,
                fx_rate=rate,
                new_asset=int(fields["new"]) if "new" in fields else None,
                ratio=Fraction(fields["ratio"]) if "ratio" in fields else None,
                counterpart=int(fields["from"]) if "from" in fields else None,
            )
        )
    return facts


def answer(
    facts: list[Fact], *lines: Line, days: tuple[int, int], **options: Any
) -> tuple[Performance, dict[str, Any]]:
    past = history(facts=columns(facts), currencies=options.pop("accounts", {1: "USD"}))
    found = performance(
        Question(
            past=past,
            lines={one.asset: one for one in lines},
            fixings=options.pop("fixings", {}),
            currency=options.pop("currency", "USD"),
            from_date=JAN + timedelta(days=days[0] - 1),
            to_date=JAN + timedelta(days=days[1] - 1),
            **options,
        )
    )
    return found, performance_row(shown(found))


def adds_up(row: dict[str, Any]) -> None:
    """The identity, and the columns of the holdings, in cents."""
    r = {name: D(value) for name, value in row["reconciliation"].items()}
    assert r["final_value"] == (
        r["initial_value"]
        + r["gains"]
        + r["income"]
        + r["net_transfers"]
        - r["fees"]
        - r["taxes"]
        + r["currency_effect"]
    )
    earned = sum(D(one["gain"]) for one in row["contributions"])
    assert earned == r["final_value"] - r["initial_value"] - r["net_transfers"]
    if row["time_weighted_return"] is not None:
        parts = sum(D(one["contribution"]) for one in row["contributions"])
        assert parts == D(row["time_weighted_return"])
