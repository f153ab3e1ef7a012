"""One sale that changes very many lots writes the rows that booking from the start gives."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from transactions.ledger.entries import Entry
from transactions.models import Account, Disposal, Lot, WashSale
from transactions.operations import record, reverse
from transactions.operations.verification import verified

pytestmark = pytest.mark.django_db

LOTS = 120


def stored() -> dict[int, tuple[int, D, D]]:
    rows = Lot.objects.values_list("pk", "transaction_id", "quantity", "cost_basis")
    return {pk: (acquisition, quantity, basis) for pk, acquisition, quantity, basis in rows}


def test_a_sale_at_a_loss_of_half_of_many_young_lots_changes_their_rows_in_place(
    account: Account, people: Any, assets: Any
) -> None:
    now = timezone.now()
    bought = [
        Entry("buy", now - timedelta(days=20) + timedelta(hours=n), "USD", "AAA", D(3), D("12.34"))
        for n in range(LOTS)
    ]
    record(account=account, entries=bought, user=people.owner, now=now)
    before = stored()
    sale = Entry("sell", now - timedelta(hours=1), "USD", "AAA", D(LOTS * 3 // 2), D("11.02"))
    with CaptureQueriesContext(connection) as statements:
        (sold,) = record(account=account, entries=[sale], user=people.owner, now=now)
    changes = [one["sql"] for one in statements if "UPDATE transactions_lot" in one["sql"]]
    assert len(changes) == 1
    assert Disposal.objects.count() == WashSale.objects.count() == LOTS // 2
    after = stored()
    assert after.keys() == before.keys(), "a lot keeps its row"
    assert sum(quantity for _, quantity, _ in after.values()) == LOTS * 3 // 2
    # The basis of the shares kept is all that was paid, less the loss that counts: none.
    assert (
        sum(basis for _, _, basis in after.values())
        == D("12.34") * LOTS * 3 - D("11.02") * LOTS * 3 / 2
    )
    assert [found for batch in verified() for found in batch.differences] == []
    reverse(original=sold, user=people.owner, now=now)
    assert stored() == before
    assert [found for batch in verified() for found in batch.differences] == []
