"""Reads: the dividends an account has not recorded yet."""

from collections.abc import Iterable
from datetime import date

import numpy as np

from marketdata.models import Asset
from marketdata.queries.dividends import announced_dividends
from portfolios.holdings.dividends_due import DueDividend, due_dividends
from portfolios.models import SkippedDividend
from portfolios.performance.daily_holdings import history
from portfolios.performance.facts import KIND_NUMBERS
from portfolios.queries.ledger_facts import facts
from transactions.ledger.kinds import named
from transactions.models import Account

# What a broker may book a dividend as: cash for a holding, or units bought with it at once.
_PAYMENTS = [
    KIND_NUMBERS[name]
    for name in {*named(figures="cash", cash="in", needs_symbol=True), *named(reinvests=True)}
]


def dividends_due(*, account: Account, as_of: date) -> list[DueDividend]:
    """Return the dividends with an ex-date up to `as_of` that are not recorded, newest first."""
    known = facts(account_ids=[account.pk])
    if not len(known):
        return []
    held = history(facts=known, currencies={account.pk: account.currency})
    days = known.days
    announced = announced_dividends(
        asset_ids=held.units, from_date=date.fromordinal(int(days.min())), to_date=as_of
    )
    if not announced:
        return []
    rows = np.flatnonzero(np.isin(known.kinds, _PAYMENTS))
    payments: dict[int, list[date]] = {}
    for asset, day in zip(known.assets[rows].tolist(), days[rows].tolist(), strict=True):
        payments.setdefault(asset, []).append(date.fromordinal(day))
    skipped = SkippedDividend.objects.filter(account=account).values_list("asset_id", "ex_date")
    found = due_dividends(announced, units=held.units, payments=payments, skipped=set(skipped))
    return found[::-1]


def securities_of(found: Iterable[DueDividend]) -> dict[int, Asset]:
    """Return the securities of due dividends by id, in one query."""
    return Asset.objects.in_bulk({due.announced.asset_id for due in found})
