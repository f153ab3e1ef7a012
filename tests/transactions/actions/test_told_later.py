"""A broker's file, or a person, tells an event after it was booked: it stays one event."""

from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from marketdata.operations import withdraw_for_everyone
from tests.transactions.actions.conftest import follow
from transactions.models import AppliedAction, Transaction

pytestmark = pytest.mark.django_db

HEAD = "type,executed_at,symbol,quantity,price,amount,currency,ratio"
Bring = Callable[..., Any]


@pytest.fixture
def held(ledgers: Any, people: Any) -> Any:
    account = ledgers.account(people.owner)
    ledgers.trade(account, "buy", "2024-03-01", "33", "3300")
    return account


@pytest.fixture
def preview(people: Any, client_of: Any, held: Any) -> Bring:
    """Upload a file of our own format: the import, and its rows' statuses with their codes."""
    api = client_of(people.owner)

    def upload(*rows: str) -> Any:
        data = "\n".join((HEAD, *rows)).encode()
        batch = api.post(
            "/api/v1/imports",
            {
                "file": SimpleUploadedFile("a.csv", data),
                "account_id": str(held.public_id),
                "format": "ballast",
            },
            format="multipart",
        )
        assert batch.status_code == 201, batch.content
        found = api.get(f"/api/v1/imports/{batch.json()['id']}/rows").json()["data"]
        codes = [
            " ".join([row["status"], *(one["code"] for one in row["problems"] + row["warnings"])])
            for row in found
        ]
        return batch.json()["id"], codes

    return upload


@pytest.fixture
def commit(people: Any, client_of: Any) -> Callable[[str], Any]:
    api = client_of(people.owner)

    def send(batch_id: str) -> Any:
        answer = api.post(f"/api/v1/imports/{batch_id}/commit")
        assert answer.status_code == 200, answer.content
        return answer.json()

    return send


def test_a_file_that_tells_it_on_another_day_brings_nothing_new(
    ledgers: Any, held: Any, confirmed: Any, preview: Bring
) -> None:
    confirmed("split", "2024-06-10", "3:2")
    _, codes = preview("split,2024-06-12T00:00:00Z,AAA,,,,USD,3:2")
    assert codes == ["duplicate action_known"]
    assert ledgers.lots(held) == [("2024-03-01", D("49.5"), D(3300))]


def test_the_units_that_a_broker_states_replace_those_of_the_action(
    ledgers: Any, held: Any, confirmed: Any, preview: Bring, commit: Any
) -> None:
    """33 shares at 3:2 are 49.5; the broker states 49 and pays out the half in a row of its own."""
    confirmed("split", "2024-06-10", "3:2")
    rows = (
        "split,2024-06-12T00:00:00Z,AAA,,,,USD,49:33",
        "dividend,2024-06-20T00:00:00Z,AAA,,,35,USD,",
    )
    batch, codes = preview(*rows)
    assert codes == ["duplicate action_restated", "ready"]
    assert ledgers.lots(held) == [("2024-03-01", D("49.5"), D(3300))]
    commit(batch)
    assert ledgers.lots(held) == [("2024-03-01", D(49), D(3300))]
    assert [str(row.trade_date) for row in ledgers.told(held)] == ["2024-06-12"]
    assert len(ledgers.told(held, "dividend")) == 1
    (applied,) = AppliedAction.objects.all()
    assert (applied.told, applied.transaction) == (True, ledgers.told(held)[0])
    _, again = preview(*rows)
    assert again == ["duplicate duplicate", "duplicate duplicate"]
    ledgers.ensure_right()


def test_a_file_that_is_undone_leaves_the_units_of_the_action(
    ledgers: Any,
    held: Any,
    confirmed: Any,
    preview: Bring,
    commit: Any,
    people: Any,
    client_of: Any,
) -> None:
    action = confirmed("split", "2024-06-10", "3:2")
    batch, _ = preview("split,2024-06-12T00:00:00Z,AAA,,,,USD,49:33")
    commit(batch)
    undone = client_of(people.owner).delete(f"/api/v1/imports/{batch}")
    assert undone.status_code in (200, 204), undone.content
    assert follow(action) == [True]
    assert ledgers.lots(held) == [("2024-03-01", D("49.5"), D(3300))]
    assert [row.told for row in AppliedAction.objects.all()] == [False]
    ledgers.ensure_right()


def test_a_file_with_nothing_else_is_committed_too(
    ledgers: Any, held: Any, confirmed: Any, preview: Bring, commit: Any, people: Any
) -> None:
    action = confirmed("split", "2024-06-10", "3:2", cash_in_lieu_price=D(70))
    assert ledgers.lots(held) == [("2024-03-01", D(49), D("3266.67"))]
    batch, codes = preview("split,2024-06-12T00:00:00Z,AAA,,,34,USD,3:2")
    assert codes == ["duplicate action_restated"]
    commit(batch)
    held.refresh_from_db()
    assert held.cash == D(-3300) + D(34)
    withdraw_for_everyone(action=action, user=people.operator, now=action.proposed_at)
    assert follow(action) == [True]
    # What the broker told stays.
    assert ledgers.lots(held) == [("2024-03-01", D(49), D("3266.67"))]
    ledgers.ensure_right()


def test_units_added_are_measured_without_what_the_action_booked(
    ledgers: Any, held: Any, confirmed: Any, people: Any, client_of: Any, commit: Any
) -> None:
    """Schwab states 16 shares added to the 33: 49:33 is the 3:2 split, not 65.5 of 49.5."""
    confirmed("split", "2024-06-10", "3:2")
    data = (
        '"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"\n'
        '"06/11/2024","Stock Split","AAA","AAA INC","16","","",""\n'
    )
    api = client_of(people.owner)
    form = {
        "file": SimpleUploadedFile("s.csv", data.encode()),
        "account_id": str(held.public_id),
    }
    batch = api.post("/api/v1/imports", form, format="multipart").json()
    (row,) = api.get(f"/api/v1/imports/{batch['id']}/rows").json()["data"]
    assert row["status"] == "duplicate"
    assert [one["code"] for one in row["problems"]] == ["action_restated"]
    commit(batch["id"])
    assert ledgers.lots(held) == [("2024-03-01", D(49), D(3300))]
    assert [row.ratio for row in ledgers.told(held)] == ["49:33"]
    ledgers.ensure_right()


def test_a_second_recording_by_hand_is_refused_and_changes_nothing(
    ledgers: Any, people: Any, client_of: Any, held: Any, confirmed: Any
) -> None:
    confirmed("split", "2024-06-10", "3:2")
    api, before = client_of(people.owner), Transaction.objects.count()
    stated = {
        "account_id": str(held.public_id),
        "type": "split",
        "symbol": "AAA",
        "ratio": "49:33",
        "executed_at": "2024-06-11T00:00:00Z",
    }
    for address in ("transactions", "transactions/check"):
        answer = api.post(f"/api/v1/{address}", stated, format="json")
        assert (answer.status_code, answer.json()["code"]) == (409, "action_already_booked")
    assert Transaction.objects.count() == before
    row = ledgers.told(held)[0]
    corrected = api.post(f"/api/v1/transactions/{row.public_id}/correct", stated, format="json")
    assert corrected.status_code == 201
    assert ledgers.lots(held) == [("2024-03-01", D(49), D(3300))]
    another = api.post("/api/v1/transactions", {**stated, "ratio": "1:7"}, format="json")
    assert another.status_code == 201  # a reverse split is not this one
