"""From the value before to the value after, term by term, to the cent. Pure; exact.

    final = initial + gains + income + net transfers - fees - taxes + currency effect

    gains       sum over the days of (value - value before, in the asset's currency) at the day's
                rate, less purchases, plus sales: realised and unrealised alike
    income      dividends and interest before fees and taxes
    transfers   cash and units that came from outside less those that went; of one holding: what
                was paid for it and what it paid
    currency    sum over the days of (value before) * (change of the rate), cash too, and the
                difference between booked rates and the day's

Each term is summed on its own; none is the remainder of the others. For every asset and for cash
they are asserted to add up. Cents are rounded by largest remainder, so that they add up too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal

import numpy as np

from core.money import WIDE, largest_remainder, minor_unit, quantize
from portfolios.performance.daily_values import (
    EXACT_DECIMALS,
    OF_CASH,
    OF_UNITS,
    Board,
    Purse,
    Track,
)
from portfolios.performance.effects import Effects, Unknown


@dataclass(slots=True)
class Terms:
    """The terms of one asset, of cash or of the whole, in 10^-52 of the reporting currency."""

    initial: int = 0
    gains: int = 0
    income: int = 0
    transfers: int = 0
    fees: int = 0
    taxes: int = 0
    currency: int = 0
    final: int = 0

    @property
    def left_over(self) -> int:
        """Return the remainder of the terms: always zero."""
        earned = self.gains + self.income - self.fees - self.taxes + self.currency
        return self.initial + self.transfers + earned - self.final


def terms(board: Board, effects: Effects, *, whole: bool) -> dict[int | None, Terms]:
    """Return the terms of each asset and, for `whole`, under None those of cash.

    Raises Unknown where a value, a price or a rate is missing.
    """
    found: dict[int | None, Terms] = {
        asset: _of_track(board, track) for asset, track in board.tracks.items()
    }
    cash = found.setdefault(None, _of_purses(board)) if whole else Terms()
    for paying, sums in _sums_by_asset(effects):
        one = found.setdefault(paying, Terms()) if paying else cash
        one.gains += sums["traded"] - sums["delivered"]
        one.income += sums["income"]
        one.fees += sums["fee"]
        one.taxes += sums["tax"]
        one.currency += sums["currency"]
        one.transfers += sums["delivered"]
        if paying:
            paid = sums["traded"] + sums["currency"] + sums["income"] - sums["fee"] - sums["tax"]
            one.transfers -= paid
            cash.transfers += paid
        cash.transfers += sums["flow"]
    for asset, one in found.items():
        assert one.left_over == 0, f"the terms of {asset} leave {one.left_over}"
    return found


_SUMMED = ("flow", "traded", "income", "fee", "tax", "currency", "delivered")


def _sums_by_asset(effects: Effects) -> Iterator[tuple[int, dict[str, int]]]:
    """Return the sums of each asset's effects, in the order of its first one; 0 is cash."""
    if not len(effects):
        return
    order = np.argsort(effects.assets, kind="stable")
    starts = np.flatnonzero(np.diff(effects.assets[order], prepend=-1))
    sums = {name: np.add.reduceat(getattr(effects, name)[order], starts) for name in _SUMMED}
    for place in np.argsort(order[starts]).tolist():
        asset = int(effects.assets[order[starts[place]]])
        yield asset, {name: column[place] for name, column in sums.items()}


def total(parts: Iterable[Terms]) -> Terms:
    """Return the sum of the terms; transfers between the parts cancel."""
    found = Terms()
    for part in parts:
        for name in _NAMES:
            setattr(found, name, getattr(found, name) + getattr(part, name))
    return found


def _of_track(board: Board, track: Track) -> Terms:
    last = board.count - 1
    constant = track.rates.constant
    for number in np.flatnonzero(track.unknown):
        # Without conversion only the first and the last day count.
        if not constant or number in (0, last):
            raise Unknown(board.why_unknown(track, int(number)))
    found = Terms(
        initial=track.exact(0) if track.held[0] else 0,
        final=track.exact(last) if track.held[last] else 0,
    )
    if constant:
        change = track.local_at(last) - track.local_at(0)
        found.gains = change * int(track.rates.rates[0]) * OF_UNITS
    else:
        local, rates = track.local, track.rates
        gained = np.diff(local)
        days = np.flatnonzero(gained)
        found.gains = int(np.dot(gained[days], rates.rates[days + 1])) * OF_UNITS
        found.currency = int(np.dot(local[rates.moves - 1], rates.changes)) * OF_UNITS
    return found


def _of_purses(board: Board) -> Terms:
    found = Terms()
    for purse in board.purses:
        for number in np.flatnonzero(purse.unknown)[:1]:
            raise Unknown(board.no_rate(purse.currency, int(number)))
        found.initial += purse.exact(0)
        found.final += purse.exact(board.count - 1)
        found.currency += _converted(purse)
    return found


def _converted(purse: Purse) -> int:
    if purse.rates.constant:
        return 0
    before = purse.balances.exact[purse.rates.moves - 1]
    return int(np.dot(before, purse.rates.changes)) * OF_CASH


_NAMES = tuple(field.name for field in fields(Terms))
# Left-over cents go to the first of equals in this order.
_SIGNS = {"gains": 1, "income": 1, "transfers": 1, "fees": -1, "taxes": -1, "currency": 1}


def decimal(exact: int) -> Decimal:
    """Return an exact figure as a decimal."""
    return Decimal(exact).scaleb(-EXACT_DECIMALS, context=WIDE)


def in_cents(parts: Iterable[Terms], currency: str) -> dict[str, Decimal]:
    """Return the terms of the whole in minor units.

    Both values are sums of the parts' rounded values, as an account is valued everywhere else; the
    other terms are made to add up.
    """
    found = list(parts)
    whole = total(found)
    initial = sum((quantize(decimal(one.initial), currency) for one in found), Decimal(0)) + 0
    final = sum((quantize(decimal(one.final), currency) for one in found), Decimal(0)) + 0
    signed = [sign * getattr(whole, name) for name, sign in _SIGNS.items()]
    rounded = apportioned(signed, final - initial, currency)
    middle = {
        name: sign * value + 0 for (name, sign), value in zip(_SIGNS.items(), rounded, strict=True)
    }
    return {"initial": initial, **middle, "final": final}


def apportioned(exact: Sequence[int], wanted: Decimal, currency: str) -> list[Decimal]:
    """Round each figure to a minor unit so that they sum to `wanted`, by largest remainder."""
    unit = minor_unit(currency)
    step = int(unit.scaleb(EXACT_DECIMALS, context=WIDE))
    parts = largest_remainder(exact, step=step, steps=int(wanted / unit))
    return [part * unit for part in parts]


def columns_in_cents(
    parts: Mapping[int | None, Terms], whole: Mapping[str, Decimal], currency: str
) -> dict[int | None, dict[str, Decimal]]:
    """Return the terms of each part in minor units; each column sums to the whole."""
    found: dict[int | None, dict[str, Decimal]] = {key: {} for key in parts}
    for name in ("gains", "income", "fees", "taxes", "currency"):
        rounded = apportioned([getattr(one, name) for one in parts.values()], whole[name], currency)
        for key, value in zip(parts, rounded, strict=True):
            found[key][name] = value
    return found
