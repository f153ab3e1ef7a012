"""A range of accounts is read by indexes: nothing grows with the other accounts."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from bench.scale import seed
from portfolios.models import RebalancePolicy
from recommendations.queries.columns import _ALONE
from recommendations.queries.screening import Prices, _statement
from stores.rows import execute
from stores.sent_arrays import accept_arrays
from transactions.models import Account

pytestmark = pytest.mark.django_db


def plan(statement: str, values: Mapping[str, Any]) -> str:
    """Return the plan of a statement in a town of 600 accounts."""
    seed(accounts=600, holdings=20, tag="ranges", now=timezone.now())
    rules = [RebalancePolicy(account=account) for account in Account.objects.order_by("id")]
    RebalancePolicy.objects.bulk_create(rules)
    execute("ANALYZE portfolios_rebalancepolicy", {})
    connection.ensure_connection()
    with psycopg.Cursor[tuple[str]](connection.connection) as cursor:
        accept_arrays(cursor)
        cursor.execute(b"EXPLAIN " + statement.encode(), values)
        return "\n".join(row for (row,) in cursor.fetchall())


def test_splits_and_symbol_changes_are_read_by_their_own_index() -> None:
    """All other transactions of the households would be read with them: forty an account."""
    found = plan(_ALONE, {"households": list(range(1, 600)), "prices_since": date(2026, 1, 1)})
    assert "transaction_leads_on" in found, found


def test_the_screen_reads_the_range_by_its_keys() -> None:
    prices = Prices(np.arange(1, 1_000), {"USD": np.ones(999)}, date(2026, 1, 1))
    last = Account.objects.order_by("-id").values_list("id", flat=True).first() or 0
    values = {"first": last + 1, "last": last + 8, "since": prices.since, "floor": 0.0,
              "same": 1e-12, **prices.sent}  # fmt: skip
    found = plan(_statement(("USD",)), values)
    for index in (
        *("transactions_holding_pkey", "target_unique", "transaction_leads_on"),
        "portfolios_rebalancepolicy_pkey",
    ):
        assert index in found, found
    assert "Seq Scan" not in found, found
