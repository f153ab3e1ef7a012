"""Accounts are archived when they hold nothing, and deleted while nothing was recorded."""

from typing import Any

import pytest

pytestmark = pytest.mark.django_db

DEPOSIT = {"type": "deposit", "amount": "100", "executed_at": "2024-01-02T00:00:00Z"}
WITHDRAWAL = DEPOSIT | {"type": "withdrawal", "executed_at": "2024-01-03T00:00:00Z"}


@pytest.fixture
def owner(people: Any, client_of: Any) -> Any:
    return client_of(people.owner)


def post(client: Any, path: str, body: Any = None) -> Any:
    return client.post(f"/api/v1/{path}", body or {}, format="json")


def listed(client: Any, archived: str | None = None) -> list[str]:
    query = {} if archived is None else {"archived": archived}
    return [row["name"] for row in client.get("/api/v1/accounts", query).json()["data"]]


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_an_archived_account_leaves_the_list_and_takes_nothing_until_it_is_restored(
    owner: Any, account: Any
) -> None:
    path = f"accounts/{account.public_id}"
    entry = DEPOSIT | {"account_id": str(account.public_id)}
    archived = post(owner, f"{path}/archive").json()
    assert archived["archived_at"] is not None
    assert (listed(owner), listed(owner, "true"), listed(owner, "all")) == ([], ["Main"], ["Main"])
    assert post(owner, f"{path}/archive").json() == archived
    assert refused(post(owner, "transactions", entry)) == (409, "account_archived")
    assert refused(post(owner, "transactions/check", entry)) == (409, "account_archived")
    assert owner.get("/api/v1/transactions").json()["total"] == 0
    assert owner.get(f"/api/v1/{path}").json()["cash"] == "0.00"
    assert post(owner, f"{path}/restore").json()["archived_at"] is None
    assert listed(owner) == ["Main"]
    assert post(owner, "transactions", entry).status_code == 201


def test_an_account_that_holds_something_is_not_archived(
    owner: Any, account: Any, assets: Any
) -> None:
    post(owner, "transactions", DEPOSIT | {"account_id": str(account.public_id)})
    buy = {
        "account_id": str(account.public_id),
        "type": "buy",
        "symbol": "AAA",
        "quantity": "1.5",
        "price": "10",
        "executed_at": "2024-01-03T00:00:00Z",
    }
    assert post(owner, "transactions", buy).status_code == 201
    answer = post(owner, f"accounts/{account.public_id}/archive")
    assert refused(answer) == (409, "account_holds_assets")
    assert "85.00 USD, 1.5 AAA" in answer.json()["detail"]
    account.refresh_from_db()
    assert account.archived_at is None


def test_nothing_is_reversed_in_an_archived_account(owner: Any, account: Any) -> None:
    entry = {"account_id": str(account.public_id)}
    made = post(owner, "transactions", DEPOSIT | entry).json()
    post(owner, "transactions", WITHDRAWAL | entry)
    assert post(owner, f"accounts/{account.public_id}/archive").status_code == 200
    answer = post(owner, f"transactions/{made['id']}/reverse")
    assert refused(answer) == (409, "account_archived")
    assert owner.get("/api/v1/transactions").json()["total"] == 2


def test_no_rebalance_starts_in_an_archived_account(owner: Any, account: Any) -> None:
    post(owner, f"accounts/{account.public_id}/archive")
    answer = post(owner, f"portfolios/{account.public_id}/rebalance")
    assert refused(answer) == (409, "account_archived")


def test_an_account_without_transactions_is_deleted_with_its_targets(
    owner: Any, account: Any, assets: Any
) -> None:
    from portfolios.models import Target
    from transactions.models import Account

    targets = [{"symbol": "AAA", "target_percentage": "100"}]
    path = f"/api/v1/portfolios/{account.public_id}/targets"
    assert owner.put(path, targets, format="json").status_code == 200
    assert owner.delete(f"/api/v1/accounts/{account.public_id}").status_code == 204
    assert not Account.objects.filter(pk=account.pk).exists()
    assert not Target.objects.filter(account_id=account.pk).exists()


def test_an_account_with_transactions_is_not_deleted(owner: Any, account: Any) -> None:
    entry = {"account_id": str(account.public_id)}
    post(owner, "transactions", DEPOSIT | entry)
    answer = owner.delete(f"/api/v1/accounts/{account.public_id}")
    assert refused(answer) == (409, "account_not_empty")
    assert listed(owner) == ["Main"]
    assert owner.get("/api/v1/transactions").json()["total"] == 1


def test_a_stranger_archives_restores_and_deletes_nothing(
    people: Any, client_of: Any, account: Any
) -> None:
    stranger = client_of(people.stranger)
    for step in ("archive", "restore"):
        assert post(stranger, f"accounts/{account.public_id}/{step}").status_code == 404
    assert stranger.delete(f"/api/v1/accounts/{account.public_id}").status_code == 404
    account.refresh_from_db()
    assert account.archived_at is None
