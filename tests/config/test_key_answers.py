"""Answers to a key limited to accounts say nothing of the other accounts of its owner."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from identity.key_answers import without_others
from tests.config.test_key_routes import key_client
from transactions.ledger.entries import Entry
from transactions.operations import open_account, record

MINE, THEIRS = (UUID(f"01937a3e-7c00-7a10-8000-00000000000{number}") for number in (1, 2))


def one(account: UUID, **more: object) -> dict[str, object]:
    return {"account_id": str(account), **more}


CASES: tuple[tuple[object, object], ...] = (
    (one(MINE, cash="5"), one(MINE, cash="5")),
    (one(THEIRS, cash="5"), None),
    ({"data": [one(MINE), one(THEIRS)], "total": 2}, {"data": [one(MINE)], "total": 2}),
    ({"sale": one(THEIRS), "day": "d"}, {"sale": None, "day": "d"}),
    (
        {"loss_account_id": str(THEIRS), "loss_symbol": "A", "quantity": "1"},
        {"loss_account_id": None, "loss_symbol": None, "quantity": "1"},
    ),
    ({"account_id": None, "loss_account_id": ""}, {"account_id": None, "loss_account_id": ""}),
    ([[one(THEIRS)], 3, "x"], [[], 3, "x"]),
)


@pytest.mark.parametrize(("answer", "kept"), CASES)
def test_what_is_said_of_other_accounts_is_taken_out(answer: object, kept: object) -> None:
    assert without_others(answer, {MINE}) == kept


def trade(kind: str, day: str, quantity: int, amount: int) -> Entry:
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return Entry(kind, at, "USD", "AAA", Decimal(quantity), amount=Decimal(amount))


@pytest.fixture
def washed(people: Any, account: Any, assets: Any) -> tuple[Any, Any, str]:
    """Two accounts: the loss of the first is disallowed by purchases in the second, and back."""
    hidden = open_account(
        user=people.owner, name="Hidden Harbour", type="taxable", currency="USD", now=timezone.now()
    )

    def write(where: Any, *entries: Entry) -> Any:
        return record(account=where, entries=entries, user=people.owner, now=timezone.now())

    (lot,) = write(account, trade("buy", "2025-01-06", 40, 2000))
    write(account, trade("sell", "2025-03-03", 30, 1350))
    write(hidden, trade("buy", "2025-03-10", 10, 460), trade("sell", "2025-06-02", 10, 400))
    write(account, trade("buy", "2025-06-09", 20, 920))
    now = timezone.now()
    moved = Entry("transfer_out", now, "USD", "AAA", Decimal(1), to_account_id=account.public_id)
    write(hidden, trade("buy", "2025-09-01", 5, 300), moved)
    return account, hidden, str(lot.public_id)


@pytest.mark.django_db
def test_gains_lots_lineage_and_previews_name_no_other_account(
    people: Any, washed: tuple[Any, Any, str]
) -> None:
    mine, hidden, lot_id = washed
    client = key_client(people.owner, "read", account_ids=[mine.public_id])
    whole = key_client(people.owner, "read")
    base = f"/api/v1/portfolios/{mine.public_id}"
    lots = client.get(f"{base}/lots").json()["data"]
    paths = [f"{base}/lots/{one}/lineage" for one in {lot_id, *(row["lot_id"] for row in lots)}]
    paths += [f"{base}/gains?year=2025", f"{base}/lots", f"{base}/summary", f"{base}/holdings"]
    paths += [f"/api/v1/transactions?account_id={mine.public_id}"]
    named = 0
    for path in paths:
        limited, full = client.get(path), whole.get(path)
        assert (limited.status_code, full.status_code) == (200, 200), (path, limited.content)
        for secret in (str(hidden.public_id), hidden.name):
            assert secret not in limited.content.decode(), path
            named += secret in full.content.decode()
    assert named >= 2, "the answers to a whole key do name the other account"
    sale = {"symbol": "AAA", "quantity": "1"}
    limited = client.post(f"{base}/sale-preview", sale)
    assert limited.status_code == 200, limited.content
    assert hidden.name not in limited.content.decode()
    export = client.get(f"/api/v1/exports/ballast?account_id={mine.public_id}")
    assert hidden.name.encode() not in b"".join(export.streaming_content)  # type: ignore[attr-defined]


@pytest.mark.django_db
def test_the_inputs_of_a_recommendation_are_of_the_household_and_not_for_a_limited_key(
    shared_home: Any,
) -> None:
    people, home = shared_home
    path = f"/api/v1/recommendations/{home.ids['recommendation_id']}"
    limited = key_client(people.owner, "read", account_ids=[UUID(home.ids["account_id"])])
    answer = limited.get(path)
    assert answer.status_code == 200, answer.content
    assert answer.json()["inputs"] is None
    assert answer.json()["result"] is not None
    assert key_client(people.owner, "read").get(path).json()["inputs"] is not None
