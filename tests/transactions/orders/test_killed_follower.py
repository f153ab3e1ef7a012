"""Whoever follows an order is killed before every one of its steps: one order, each fill once."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tests.effort import size
from tests.transactions.orders.alpaca_server import KEY, SECRET, Paper, paper_server
from transactions.models import Account, Holding, Order, OrderFill
from transactions.operations.orders import Wish, place
from transactions.operations.orders.following import follow

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof]
SCRIPT = Path(__file__).with_name("killed_follower.py")
ROOT = SCRIPT.parents[3]
EVERY = size("KILLED_EVERY", usual=8, proof=4)

Follow = Callable[[int, Order], int]


@pytest.fixture
def paper(settings: Any, account: Account, assets: Any) -> Iterator[Paper]:
    with paper_server() as found:
        settings.ALPACA_TRADING_KEY, settings.ALPACA_TRADING_SECRET = KEY, SECRET
        settings.ALPACA_TRADING_URL = found.url
        settings.ALPACA_TRADING_ACCOUNT = str(account.public_id)
        yield found


@pytest.fixture
def follow_elsewhere(paper: Paper, settings: Any) -> Iterator[Follow]:
    """Follows an order in another process; returns its number of events, or -1 if killed."""
    named = connection.settings_dict
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://{named['USER']}@/{named['NAME']}?host={named['HOST']}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LOG_LEVEL": "CRITICAL",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
    }
    names = [f"ALPACA_TRADING_{name}" for name in ("KEY", "SECRET", "URL", "ACCOUNT")]
    given = {name: getattr(settings, name) for name in names}
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), json.dumps(given)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def ask(number: int, order: Order) -> int:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{number} {order.pk}\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield ask
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=20)


def test_one_order_and_each_fill_once_wherever_it_is_killed(
    paper: Paper, follow_elsewhere: Follow, account: Account, people: Any
) -> None:
    """KILLED_EVERY=1 takes each event of sending an order and of recording what it filled."""
    paper.fill_at_once = Decimal(4)
    killed, number, count = 0, 1, -1
    while count == -1:
        (order,) = place(
            account=account,
            wishes=[Wish("AAA", "buy", Decimal(10))],
            user=people.owner,
            now=timezone.now(),
            broker="alpaca",
        )
        client_id, taken = str(order.public_id), paper.taken
        count = follow_elsewhere(number, order)
        killed += count == -1
        assert paper.taken - taken <= 1
        follow(order=order, now=timezone.now())
        paper.fill(client_id, Decimal(6))
        assert follow(order=order, now=timezone.now()) == "filled", number
        assert paper.taken - taken == 1, f"killed before event {number}"
        fills = OrderFill.objects.filter(order=order).select_related("transaction")
        assert sum(fill.quantity for fill in fills) == 10, f"killed before event {number}"
        assert sum(fill.transaction.amount for fill in fills) == Decimal("502.50")
        number += EVERY
    made = Order.objects.count()
    assert Holding.objects.get(account=account).quantity == made * 10
    assert paper.refused_twins == 0
    assert killed * EVERY >= 30, killed
