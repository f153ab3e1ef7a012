"""What a night keeps of an account is all that the engine needs, exactly."""

import random
from collections import Counter
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.db import transaction

from marketdata.models import Asset
from portfolios.models import Restriction
from recommendations.engine.options import Options
from recommendations.engine.problem import ENGINE_VERSION, canonical, inputs_json
from recommendations.nightly import packing
from recommendations.nightly.packing import account_of, packed, unpacked
from recommendations.queries import rebalance_inputs
from recommendations.queries.columns import columns_of
from recommendations.queries.market import live_market
from recommendations.queries.night_tables import night_inputs, tables_of
from tests.recommendations.test_recorded_as_recommended import SEEDS, recorded, wanted

pytestmark = pytest.mark.django_db

CURRENCIES = ["EUR", "USD"]


def compare_household(seed: int, people: Any, met: Counter[str]) -> None:
    rng = random.Random(seed)
    told, moment = recorded(seed, people)
    accounts = sorted(told.accounts.values(), key=lambda account: account.pk)
    for account in accounts:
        wanted(told, account, rng, moment)
    Restriction.objects.create(
        account=accounts[0],
        asset=rng.choice(list(Asset.objects.order_by("id"))),
        kind=rng.choice(["no_buy", "no_sell", "no_trade"]),
        until_date=rng.choice([None, moment.date()]),
    )
    options = Options(minimum_trade=Decimal(25), loss_harvesting=rng.random() < 0.5)
    market = live_market(
        asset_ids=Asset.objects.values_list("pk", flat=True), currencies=CURRENCIES, now=moment
    )
    batch = columns_of(
        first=accounts[0].pk,
        last=accounts[-1].pk,
        options=options,
        market=market,
        currencies=CURRENCIES,
    )
    shared = np.flatnonzero(~batch.alone)
    tables = tables_of(batch=batch, chosen=shared, currencies=CURRENCIES, market=market)
    kept = unpacked(packed(tables))
    for place in shared.tolist():
        account = accounts[place]
        account.refresh_from_db()
        stated = rebalance_inputs(account=account, options=options, now=moment)
        found = night_inputs(
            tables=account_of(kept, account.pk),
            market=market,
            options=options,
            engine_version=ENGINE_VERSION,
        )
        assert canonical(inputs=found) == canonical(inputs=stated)
        assert inputs_json(inputs=found) == inputs_json(inputs=stated)
        met["accounts"] += 1
        met["elsewhere"] += len(stated.purchases)
        lots = [lot for security in stated.securities for lot in security.lots]
        met["washable"] += sum(lot.washable > 0 for lot in lots)
        met["blocked"] += sum(
            security.buy_block is not None and security.buy_block.code == "wash_sale_window"
            for security in stated.securities
        )
        met["restricted"] += sum(
            security.buy_block is not None and security.buy_block.code == "restricted"
            for security in stated.securities
        )


def test_the_kept_inputs_are_those_read_at_the_time(people: Any) -> None:
    met: Counter[str] = Counter()
    for seed in SEEDS[1::2]:
        with transaction.atomic():
            compare_household(seed, people, met)
            transaction.set_rollback(True)
    for kind in ("accounts", "elsewhere", "washable"):
        assert met[kind] >= 5, met
    for kind in ("restricted", "blocked"):
        assert met[kind] >= 1, met


def test_a_block_gives_back_what_was_packed() -> None:
    rng = np.random.default_rng(5)

    counts = {"securities": [2, 0, 3], "lots": [4, 0, 1], "purchases": [0, 0, 2]}
    tables = packing.Tables(
        np.zeros(3, packing.ACCOUNT),
        np.zeros(5, packing.SECURITY),
        np.zeros(5, packing.LOT),
        np.zeros(2, packing.PURCHASE),
    )
    tables.accounts["id"] = [7, 9, 11]
    for name, numbers in counts.items():
        tables.accounts[name] = numbers
    tables.securities["sold"] = rng.integers(-(2**62), 2**62, 5)
    tables.lots["quantity"] = rng.integers(0, 2**62, 5)
    tables.purchases["transaction_id"] = [3, 2**40]
    data = packed(tables)
    again = unpacked(data)
    for before, after in zip(tables, again, strict=True):
        assert before.tobytes() == after.tobytes()
    one = account_of(again, 11)
    assert one.securities["sold"].tolist() == tables.securities["sold"][2:].tolist()
    assert one.lots["quantity"].tolist() == tables.lots["quantity"][4:].tolist()
    assert one.purchases["transaction_id"].tolist() == [3, 2**40]
    assert [len(rows) for rows in account_of(again, 9)] == [1, 0, 0, 0]
    with pytest.raises(KeyError):
        account_of(again, 8)
    with pytest.raises(ValueError, match="form 2"):
        unpacked(b"\2" + data[1:])
