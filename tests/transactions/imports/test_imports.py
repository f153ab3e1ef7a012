"""A file from its upload to the ledger and back."""

from decimal import Decimal
from typing import Any

import pytest

from transactions.models import Holding, Import, ImportChunk, ImportRow, Transaction
from transactions.operations.verification import verified

pytestmark = pytest.mark.django_db


def holdings(account: Any) -> dict[str, Decimal]:
    return dict(Holding.objects.filter(account=account).values_list("asset__symbol", "quantity"))


def test_a_file_is_looked_at_committed_and_undone(desk: Any, account: Any) -> None:
    batch = desk.preview()
    assert (batch["status"], batch["format"]) == ("preview", "ballast")
    assert batch["counts"] == {"rows": 5, "ready": 5, "duplicates": 0, "errors": 0, "skipped": 0}
    assert (batch["from_date"], batch["to_date"]) == ("2024-01-02", "2024-02-06")
    assert batch["unmapped"] == []
    assert not Transaction.objects.exists()
    second = desk.rows(batch)[1]
    assert (second["line"], second["status"]) == (3, "ready")
    assert second["transaction"]["symbol"] == "AAA"
    assert second["transaction"]["quantity"] == "10"

    done = desk.commit(batch).json()
    assert done["status"] == "committed"
    assert holdings(account) == {"AAA": 6, "BBB": 20}
    account.refresh_from_db()
    assert account.cash == Decimal("5000") - 501 - 401 + 239 + Decimal("12.50")
    row = Transaction.objects.get(type="sell")
    assert str(row.public_id) == desk.rows(batch)[3]["transaction_id"]
    assert row.import_batch is not None
    assert not ImportChunk.objects.exists()

    undone = desk.remove(batch)
    assert (undone.status_code, undone.json()["status"]) == (200, "undone")
    assert holdings(account) == {}
    account.refresh_from_db()
    assert account.cash == 0
    assert Transaction.objects.count() == 10
    assert [found for part in verified() for found in part.differences] == []


def test_a_preview_is_discarded_without_a_trace(desk: Any) -> None:
    batch = desk.preview()
    assert desk.remove(batch).status_code == 204
    assert desk.get(batch) == 404
    assert not Import.objects.exists()
    assert not ImportRow.objects.exists()
    assert not ImportChunk.objects.exists()
    assert not Transaction.objects.exists()
