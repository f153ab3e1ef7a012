"""Who has what: accounts, holdings, lots and targets, drawn with numpy.

Amounts are integers: quantities and prices in ten-thousandths, money in cents, targets and bands in
ten-thousandths of a percent. Every account holds cash near its cash target. Each holding is within
5 % of its target, and its band is 20 % of the target, so an account is inside its bands. An account
outside has either 10 % of its value too much in cash, or one holding worth 2.5 times its target.

A portion is drawn from the seed and its number alone, so that portions may be drawn in any order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

CURRENCIES = ("USD", "EUR", "GBP", "CHF", "CAD")
TYPES = ("taxable", "ira", "roth_ira", "401k")
CLASSES = ("equity", "etf", "bond", "fund")
HOLDINGS_MAX = 5_000
SECURITIES_MAX = 100_000
LOTS_PER_HOLDING = 2
PORTION = 5_000
INSIDE, CASH_OUTSIDE, HOLDING_OUTSIDE = 0, 1, 2

_LOTS_MAX = 3
_DAYS = (30, 2_200)
_OF_CURRENCY = (0.62, 0.18, 0.10, 0.05, 0.05)
_OF_TYPE = (0.60, 0.20, 0.12, 0.08)
_OF_HOUSEHOLD = (0.45, 0.30, 0.15, 0.10)
# One account in five thousand has a thousand holdings or more.
_LARGE = 0.0002
# Most accounts hold the popular securities only.
_POPULAR = 0.7
# The target and the band of cash in each account.
CASH, CASH_BAND = 20_000, 10_000
_WHOLE = 1_000_000
UNIT = 10_000


@dataclass(frozen=True, slots=True)
class Portion:
    """Accounts from `first` to `last`, the holdings of each, and the lots of each holding.

    Holdings are in order of account and security, lots in that of holding and time. `seconds`: the
    purchase, in seconds before the present.
    """

    first: int
    last: int
    owner: Ints
    security: Ints
    quantity: Ints
    basis: Ints
    target: Ints
    band: Ints
    holding: Ints
    lot_quantity: Ints
    lot_price: Ints
    lot_amount: Ints
    lot_cost: Ints
    seconds: Ints
    cash: Ints
    deposit: Ints


@dataclass(frozen=True)
class Population:
    """`accounts` accounts of `holdings` holdings each on average, `outside` of them off target.

    rates: account units of one unit of the security's currency, by (security's, account's).
    """

    seed: int
    accounts: int
    holdings: int
    securities: int
    outside: float
    rates: Mapping[tuple[str, str], float]

    def __post_init__(self) -> None:
        if not 1 <= self.holdings <= min(HOLDINGS_MAX, self.securities):
            raise ValueError("more holdings an account than securities, or none")
        if not 0 <= self.outside <= 1:
            raise ValueError("a fraction is from 0 to 1")

    @cached_property
    def sizes(self) -> Ints:
        """The number of holdings of each account; they sum to accounts times holdings."""
        rng = self._rng(1)
        largest = min(HOLDINGS_MAX, self.securities)
        some = 5 <= self.holdings <= largest // 50
        many = round(self.accounts * _LARGE) if some else 0
        large = rng.integers(largest // 5, largest, many, endpoint=True)
        raw = rng.lognormal(0.0, 0.8, self.accounts - many)
        left = self.accounts * self.holdings - int(large.sum())
        small = np.clip((raw * (left / raw.sum())).astype(np.int64), 1, largest)
        while gap := left - int(small.sum()):
            step = 1 if gap > 0 else -1
            room = np.flatnonzero((small + step >= 1) & (small + step <= largest))
            small[rng.permutation(room)[: abs(gap)]] += step
        return rng.permutation(np.concatenate([small, large]))

    @cached_property
    def starts(self) -> Ints:
        """The number of holdings before each account, and of all."""
        return np.concatenate([[0], np.cumsum(self.sizes)])

    @cached_property
    def household_of(self) -> Ints:
        """The household of each account, from 0 in order: one to four accounts each."""
        sizes = self._rng(2).choice(np.arange(1, 5), self.accounts, p=_OF_HOUSEHOLD)
        return np.repeat(np.arange(self.accounts), sizes)[: self.accounts]

    @property
    def households(self) -> int:
        return int(self.household_of[-1]) + 1

    @cached_property
    def currency_of_household(self) -> Ints:
        return self._rng(3).choice(len(CURRENCIES), self.households, p=_OF_CURRENCY)

    @cached_property
    def type_of(self) -> Ints:
        return self._rng(4).choice(len(TYPES), self.accounts, p=_OF_TYPE)

    @cached_property
    def state_of(self) -> Ints:
        """Whether each account is inside its bands, and if not, by cash or by a holding."""
        rng = self._rng(5)
        state = np.zeros(self.accounts, np.int64)
        outside = rng.permutation(self.accounts)[: round(self.accounts * self.outside)]
        by_holding = (self.sizes[outside] >= 4) & (rng.random(len(outside)) < 0.5)
        state[outside] = np.where(by_holding, HOLDING_OUTSIDE, CASH_OUTSIDE)
        return state

    @cached_property
    def price_of(self) -> Ints:
        """The price of each security, in its own currency."""
        drawn = self._rng(6).lognormal(4.0, 0.9, self.securities)
        return np.clip((drawn * UNIT).astype(np.int64), UNIT, 2_000 * UNIT)

    @cached_property
    def currency_of_security(self) -> Ints:
        return self._rng(7).choice(len(CURRENCIES), self.securities, p=_OF_CURRENCY)

    @cached_property
    def class_of_security(self) -> Ints:
        return self._rng(8).choice(len(CLASSES), self.securities, p=(0.6, 0.2, 0.1, 0.1))

    @cached_property
    def rate_table(self) -> Floats:
        return np.array([[self.rates[one, other] for other in CURRENCIES] for one in CURRENCIES])

    def currency_of(self, accounts: Ints) -> Ints:
        return self.currency_of_household[self.household_of[accounts]]

    def ranges(self) -> Sequence[tuple[int, int]]:
        """The first and the last but one account of each portion."""
        return [
            (first, min(first + PORTION, self.accounts))
            for first in range(0, self.accounts, PORTION)
        ]

    def portion(self, first: int, last: int) -> Portion:
        """Draw the accounts from `first` to before `last`."""
        rng = self._rng(9, first)
        sizes = self.sizes[first:last]
        owner = np.repeat(np.arange(last - first), sizes)
        begins = np.cumsum(sizes) - sizes
        security = self._chosen(rng, sizes, owner, np.arange(len(owner)) - begins[owner])
        target = _shares(rng, owner, begins)
        value = sizes * rng.lognormal(8.5, 0.8, len(sizes)) + 1_000
        state = self.state_of[first:last]
        wanted = target / _WHOLE * (1 + rng.uniform(-0.05, 0.05, len(owner)))
        drifted = begins + (rng.random(len(sizes)) * sizes).astype(np.int64)
        wanted[drifted[state == HOLDING_OUTSIDE]] *= 2.5
        rate = self.rate_table[self.currency_of_security[security], self.currency_of(first + owner)]
        price = self.price_of[security]
        quantity = (wanted * value[owner] / (price / UNIT * rate) * UNIT).astype(np.int64) + 10
        lots = _lots(rng, quantity)
        holding, lot_quantity, seconds = lots
        bought = price[holding] * rng.uniform(0.6, 1.25, len(holding))
        lot_price = np.maximum(bought.astype(np.int64), 1)
        # Units and prices are ten-thousandths, so their product is a millionth of a cent.
        lot_amount = (lot_quantity * lot_price + 500_000) // 1_000_000
        lot_cost = np.rint(lot_amount * rate[holding]).astype(np.int64)
        cash = CASH / _WHOLE * (1 + rng.uniform(-0.05, 0.05, len(sizes)))
        cash_cents = np.rint((cash + 0.1 * (state == CASH_OUTSIDE)) * value * 100).astype(np.int64)
        basis = np.add.reduceat(lot_cost, np.searchsorted(holding, np.arange(len(owner))))
        return Portion(
            first=first,
            last=last,
            owner=owner,
            security=security,
            quantity=quantity,
            basis=basis,
            target=target,
            band=np.maximum(target // 5, 10),
            holding=holding,
            lot_quantity=lot_quantity,
            lot_price=lot_price,
            lot_amount=lot_amount,
            lot_cost=lot_cost,
            seconds=seconds,
            cash=cash_cents,
            deposit=cash_cents + np.add.reduceat(basis, begins),
        )

    def _chosen(self, rng: np.random.Generator, sizes: Ints, owner: Ints, place: Ints) -> Ints:
        """Return different securities for each account, in ascending order: one of each stratum."""
        popular = min(max(self.securities // 50, 500), self.securities)
        fits = (sizes * 2 <= popular) & (rng.random(len(sizes)) < _POPULAR)
        universe = np.where(fits, popular, self.securities)[owner]
        low = place * universe // sizes[owner]
        high = (place + 1) * universe // sizes[owner]
        return low + (rng.random(len(owner)) * (high - low)).astype(np.int64)

    def _rng(self, *words: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *words])


def _shares(rng: np.random.Generator, owner: Ints, begins: Ints) -> Ints:
    """Return targets that sum, with that of cash, to exactly 100 % in each account."""
    raw = rng.uniform(0.5, 1.5, len(owner))
    shares = (raw / np.add.reduceat(raw, begins)[owner] * (_WHOLE - CASH)).astype(np.int64)
    shares[begins] += _WHOLE - CASH - np.add.reduceat(shares, begins)
    return shares


def _lots(rng: np.random.Generator, quantity: Ints) -> tuple[Ints, Ints, Ints]:
    """Divide holdings into one to three lots, two on average.

    Return the holding, the quantity and the age in seconds of each, the oldest of a holding first.
    """
    count = len(quantity)
    half = rng.integers(-1, 2, count // 2)
    lots = LOTS_PER_HOLDING + rng.permutation(
        np.concatenate([half, -half, np.zeros(count % 2, np.int64)])
    )
    there = np.arange(_LOTS_MAX) < lots[:, None]
    parts = np.where(there, rng.uniform(0.5, 1.5, (count, _LOTS_MAX)), 0.0)
    reached = np.cumsum(parts, axis=1)
    cuts = (reached / reached[:, -1:] * quantity[:, None]).astype(np.int64)
    cuts[:, -1] = quantity
    cuts = np.where(np.arange(_LOTS_MAX) >= lots[:, None] - 1, quantity[:, None], cuts)
    first, last = (days * 86_400 for days in _DAYS)
    seconds = -np.sort(-rng.integers(first, last, (count, _LOTS_MAX)), axis=1)
    return (
        np.repeat(np.arange(count), lots),
        np.diff(cuts, axis=1, prepend=0)[there],
        seconds[there],
    )
