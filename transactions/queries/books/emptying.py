"""An empty book of a household: its policy, its identical assets, and its currencies."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from core.errors import InvalidInput
from core.money import minor_unit
from marketdata.queries import exchange_rates_on
from transactions.ledger.book import Book
from transactions.ledger.units import Scale
from transactions.ledger.wash_sales import WashSales
from transactions.queries.households import HouseholdBooks, Linked


def empty_book(
    household: HouseholdBooks,
    linked: Linked,
    *,
    scale: Scale,
    crypto: frozenset[int],
    sold: Iterable[date],
) -> Book:
    """Return an empty book.

    `crypto`: its crypto assets. `sold`: the days of possible sales at a loss, for which exchange
    rates may be needed.
    """
    return Book(
        currencies={pk: row.currency for pk, row in household.accounts.items()},
        washes=WashSales(
            policy=household.policy,
            groups=linked.groups,
            exempt=crypto if household.crypto_exempt else frozenset(),
            taxable=household.taxable,
            ignored=household.ignored,
            convert=_Exchange(household, sold),
        ),
        scale=scale,
    )


class _Exchange:
    """Convert a disallowed loss to the currency of the account with the replacement shares.

    The rate of the day applies. Rates are read once, and only for households with several
    currencies.
    """

    def __init__(self, household: HouseholdBooks, days: Iterable[date]) -> None:
        self.currencies = {pk: row.currency for pk, row in household.accounts.items()}
        several = sorted(set(self.currencies.values()))
        self.rates = {}
        if len(several) > 1:
            self.rates = exchange_rates_on(
                wanted=[
                    (base, quote, day)
                    for day in set(days)
                    for base in several
                    for quote in several
                    if base != quote
                ]
            )

    def __call__(self, minor: int, from_account: int, to_account: int, day: date) -> int:
        base, quote = self.currencies[from_account], self.currencies[to_account]
        if base == quote:
            return minor
        rate = self.rates.get((base, quote, day))
        if rate is None:
            raise InvalidInput(
                f"A wash sale moves a loss from {base} to {quote}, but no exchange rate of {day} "
                "is available. Ask an operator to load it.",
                code="exchange_rate_unknown",
            )
        exact = minor * minor_unit(base) * rate.rate / minor_unit(quote)
        return int(exact.quantize(Decimal(1)))
