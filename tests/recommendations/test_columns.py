"""Random households with washed lots: what is read of them, and what is recorded as recommended.

The columns of many accounts, read at once, are those of each account read by itself. Trades
recorded as they were recommended give the gains, to the cent, that were estimated: recommend, post
every trade through the API as it was given, compare what the ledger realized with what the
recommendation said. All proofs look at the same households, because recording one costs more than
they do; test_screening.py has the third.
"""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.db import transaction

from marketdata.models import Asset
from portfolios.models import Restriction
from recommendations.engine.arrays import packing
from recommendations.engine.arrays.array_types import Records
from recommendations.engine.arrays.columns import Columns
from recommendations.engine.options import Options
from recommendations.engine.problem import canonical
from recommendations.queries import rebalance_inputs
from recommendations.queries.columns import Batch, columns_of, long_until
from recommendations.queries.market import live_market
from stores.redis import redis_client
from tests.recommendations.test_recorded_as_recommended import SEEDS, checked, recorded, wanted
from tests.recommendations.test_screening import screen_household
from tests.transactions.model.against_the_database import Told
from transactions.ledger.holding_period import is_long_term
from transactions.models import Account

pytestmark = pytest.mark.django_db


def lots_of(columns: Columns, security: Any) -> list[tuple[object, ...]]:
    rows = columns.lots[security["lots_begin"] : security["lots_end"]]
    return sorted((row["quantity"], row["basis"], bool(row["long_term"])) for row in rows)


FIGURES = ("price", "weight", "threshold", "half_spread", "sec_rate", "taf_per_share", "taf_cap")
FLAGS = ("fractional", "may_buy", "may_sell")
OF_ACCOUNT = (
    *("cash", "cash_floor", "cash_weight", "cash_threshold", "short_rate", "long_rate"),
    *("drift_penalty", "brokerage_fee", "minimum_trade"),
)


def groups_of(rows: Records) -> set[frozenset[int]]:
    """Which securities of an account are substantially identical."""
    numbers: dict[int, set[int]] = {}
    for place, row in enumerate(rows):
        numbers.setdefault(int(row["group"]), set()).add(place)
    return {frozenset(places) for places in numbers.values() if len(places) > 1}


def compare(batch: Batch, a: int, account: Account, options: Options, now: datetime) -> None:
    """Account `a` of the batch against the same account read by itself."""
    inputs = canonical(inputs=rebalance_inputs(account=account, options=options, now=now))
    one, many = packing.packed([inputs]), batch.columns
    own, read = one.accounts[0], many.accounts[a]
    for name in OF_ACCOUNT:
        assert read[name] == pytest.approx(own[name], rel=1e-14), name
    assert (read["harvest"], read["whole"]) == (own["harvest"], own["whole"])
    first, last = read["securities_begin"], read["securities_end"]
    symbols = Asset.objects.in_bulk(batch.asset_ids[first:last].tolist())
    assert [symbols[pk].symbol for pk in batch.asset_ids[first:last].tolist()] == [
        security.symbol for security in inputs.securities
    ]
    rows = many.securities[first:last]
    for row, mine, security in zip(rows, one.securities, inputs.securities, strict=True):
        for name in FIGURES:
            assert row[name] == pytest.approx(mine[name], rel=1e-14), (security.symbol, name)
        for name in FLAGS:
            assert row[name] == mine[name], (security.symbol, name)
        assert lots_of(many, row) == lots_of(one, mine)
    assert groups_of(rows) == groups_of(one.securities)


def compare_household(seed: int, told: Told, moment: datetime, met: Counter[str]) -> None:
    """Read the accounts of a random household at once, and compare each."""
    rng = random.Random(seed)
    accounts = sorted(told.accounts.values(), key=lambda account: account.pk)
    for account in accounts:
        wanted(told, account, rng, moment)
    asset = rng.choice(list(Asset.objects.order_by("id")))
    Restriction.objects.update_or_create(
        account=accounts[0], asset=asset, defaults={"kind": rng.choice(["no_buy", "no_sell"])}
    )
    options = Options(minimum_trade=Decimal(25), whole_shares=rng.random() < 0.3)
    market = live_market(
        asset_ids=Asset.objects.values_list("pk", flat=True),
        currencies=["EUR", "USD"],
        now=moment,
    )
    asked: dict[str, Any] = {
        "first": accounts[0].pk, "last": accounts[-1].pk, "options": options, "market": market,
    }  # fmt: skip
    batch = columns_of(currencies=["EUR", "USD"], **asked)
    chosen = np.array([account.pk for account in accounts[1:]], np.int64)
    some = columns_of(currencies=["EUR", "USD"], only=chosen, **asked)
    assert some.account_ids.tolist() == chosen.tolist()
    begin = int(batch.columns.accounts["securities_end"][0])
    assert some.securities.tolist() == batch.securities[begin:].tolist()
    assert some.lots.tolist() == batch.lots[len(batch.lots) - len(some.lots) :].tolist()
    assert batch.account_ids.tolist() == [account.pk for account in accounts]
    for a, account in enumerate(accounts):
        met["alone" if batch.alone[a] else "compared"] += 1
        if not batch.alone[a]:
            account.refresh_from_db()
            compare(batch, a, account, options, moment)
            row = batch.columns.accounts[a]
            rows = batch.columns.securities[row["securities_begin"] : row["securities_end"]]
            met["blocked"] += int((~rows["may_buy"]).sum())


@contextmanager
def undone() -> Iterator[None]:
    """What is written here is undone, also in Redis, which holds rows by their keys."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    redis_client().flushdb()


@pytest.mark.proof
def test_random_households_are_read_at_once_screened_and_realized_as_one_by_one(
    people: Any, client_of: Any
) -> None:
    read: Counter[str] = Counter()
    screened: Counter[str] = Counter()
    realized: Counter[str] = Counter()
    for seed in SEEDS:
        with undone():
            told, moment = recorded(seed, people)
            with undone():
                compare_household(seed, told, moment, read)
            with undone():
                screen_household(seed, told, moment, screened)
            checked(seed, told, moment, client_of(people.owner), realized)
    assert read["compared"] >= 30, read
    assert read["blocked"] >= 5, read
    assert read["alone"] >= 3, read
    assert screened["outside"] >= 15, screened
    assert screened["inside"] >= 15, screened
    assert screened["alone"] >= 3, screened
    assert realized["sell"] > len(SEEDS) / 2, realized
    of_lots = ("washed", "several pieces of a lot", "a later piece")
    assert min(realized[name] for name in of_lots) > 0, realized


def test_the_last_long_term_day_is_that_of_the_ledger() -> None:
    for as_of in (date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2025, 3, 1)):
        last = long_until(as_of)
        assert is_long_term(opened_date=last, sold_date=as_of)
        assert not is_long_term(opened_date=last + timedelta(days=1), sold_date=as_of)
