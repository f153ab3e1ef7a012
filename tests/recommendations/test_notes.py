"""Notes: who writes and reads them, what they may contain, how they are found."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from core import limits
from core.errors import NotFound
from core.identifiers import uuid7
from identity.models import AdviserLink
from marketdata.models import Asset
from recommendations.models import Note
from recommendations.operations import change_note, write_note
from recommendations.queries import note_subject
from transactions.models import Transaction
from transactions.operations import open_account
from transactions.operations.archiving import delete_account

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
URL = "/api/v1/notes"


def on_account(account: Any, body: str = "Sell in 2031") -> dict[str, str]:
    return {"subject_type": "account", "subject_id": str(account.public_id), "body": body}


@pytest.fixture
def account(people: Any) -> Any:
    return open_account(user=people.owner, name="Harbour", type="taxable", currency="USD", now=NOW)


def deposit(client: Any, account: Any) -> str:
    body = {
        "account_id": str(account.public_id),
        "type": "deposit",
        "amount": "100",
        "executed_at": "2026-01-05T12:00:00Z",
    }
    made = client.post("/api/v1/transactions", body, format="json")
    assert made.status_code == 201, made.content
    return str(made.json()["id"])


def test_a_note_is_written_read_changed_and_deleted(
    people: Any, account: Any, client_of: Any
) -> None:
    client = client_of(people.owner)
    made = client.post(URL, on_account(account, "**Why:** the house"), format="json")
    assert made.status_code == 201, made.content
    row = made.json()
    assert row["subject"] == "Harbour"
    assert row["body_html"] == "<p><strong>Why:</strong> the house</p>\n"
    assert row["changed_at"] is None
    url = f"{URL}/{row['id']}"
    assert client.get(url).json() == row
    changed = client.patch(url, {"body": "Not the house"}, format="json").json()
    assert (changed["body"], changed["created_at"]) == ("Not the house", row["created_at"])
    assert changed["changed_at"] is not None
    assert client.get(URL, {"q": "houses"}).json()["total"] == 1
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404
    assert not Note.objects.exists()


def test_notes_on_every_subject_name_what_they_are_about(
    people: Any, account: Any, assets: Any, client_of: Any
) -> None:
    client = client_of(people.owner)
    deposit(client, account)
    bought = client.post(
        "/api/v1/transactions",
        {
            "account_id": str(account.public_id),
            "type": "buy",
            "symbol": "AAA",
            "quantity": "1",
            "price": "10",
            "executed_at": "2026-01-06T15:00:00Z",
        },
        format="json",
    ).json()
    asset = Asset.objects.get(symbol="AAA")
    subjects = {
        "asset": str(asset.public_id),
        "transaction": bought["id"],
        "lot": bought["lot_id"],
    }
    said = {}
    for kind, subject_id in subjects.items():
        body = {"subject_type": kind, "subject_id": subject_id, "body": "x"}
        made = client.post(URL, body, format="json")
        assert made.status_code == 201, made.content
        said[kind] = made.json()["subject"]
    assert said == {
        "asset": f"AAA {asset.name}",
        "transaction": "Buy AAA on 2026-01-06, Harbour",
        "lot": "Lot of AAA acquired 2026-01-06, Harbour",
    }
    listed = client.get(URL).json()
    assert {row["subject_type"]: row["subject"] for row in listed["data"]} == said


def test_a_deposit_is_no_lot(people: Any, account: Any, client_of: Any) -> None:
    client = client_of(people.owner)
    body = {"subject_type": "lot", "subject_id": deposit(client, account), "body": "x"}
    refused = client.post(URL, body, format="json")
    assert (refused.status_code, refused.json()["code"]) == (404, "note_subject_not_found")
    assert not Note.objects.exists()


def test_a_corrected_transaction_keeps_its_notes(people: Any, account: Any, client_of: Any) -> None:
    client = client_of(people.owner)
    first = deposit(client, account)
    body = {"subject_type": "transaction", "subject_id": first, "body": "from my aunt"}
    assert client.post(URL, body, format="json").status_code == 201
    corrected = client.post(
        f"/api/v1/transactions/{first}/correct",
        {
            "account_id": str(account.public_id),
            "type": "deposit",
            "amount": "110",
            "executed_at": "2026-01-05T12:00:00Z",
        },
        format="json",
    )
    assert corrected.status_code == 201, corrected.content
    second = Transaction.objects.get(corrects__public_id=first)
    asked = {"subject_type": "transaction", "subject_id": str(second.public_id)}
    found = client.get(URL, asked).json()
    assert [row["body"] for row in found["data"]] == ["from my aunt"]


def test_the_household_and_its_adviser_see_a_note_and_nobody_else(
    people: Any, account: Any, client_of: Any
) -> None:
    made = client_of(people.owner).post(URL, on_account(account), format="json").json()
    url = f"{URL}/{made['id']}"
    for person in (people.owner, people.spouse, people.adviser):
        assert client_of(person).get(url).status_code == 200, person
        assert client_of(person).get(URL).json()["total"] == 1, person
    stranger = client_of(people.stranger)
    assert stranger.get(URL, {"q": "sell"}).json()["total"] == 0
    by_subject = {"subject_type": "account", "subject_id": str(account.public_id)}
    assert stranger.get(URL, by_subject).json()["total"] == 0
    for answer in (
        stranger.get(url),
        stranger.patch(url, {"body": "mine"}, format="json"),
        stranger.delete(url),
        stranger.post(URL, on_account(account), format="json"),
    ):
        assert answer.status_code == 404, answer.content
    assert Note.objects.get().body == "Sell in 2031"


def test_an_adviser_writes_into_the_household_of_the_account(
    people: Any, account: Any, client_of: Any
) -> None:
    client = client_of(people.adviser)
    made = client.post(URL, on_account(account), format="json")
    assert made.status_code == 201
    assert Note.objects.get().household_id == people.owner.household_id
    AdviserLink.objects.filter(adviser=people.adviser).delete()
    from stores.redis import redis_client

    redis_client().flushdb()
    assert client_of(people.adviser).get(f"{URL}/{made.json()['id']}").status_code == 404
    assert client_of(people.owner).get(URL).json()["total"] == 1


def test_an_own_note_on_a_public_asset_is_not_the_others(
    people: Any, assets: Any, client_of: Any
) -> None:
    asset = Asset.objects.get(symbol="AAA")
    body = {"subject_type": "asset", "subject_id": str(asset.public_id), "body": "secret"}
    assert client_of(people.owner).post(URL, body, format="json").status_code == 201
    asked = {"subject_type": "asset", "subject_id": str(asset.public_id)}
    assert client_of(people.stranger).get(URL, asked).json()["total"] == 0


def test_the_key_of_a_note_makes_one_note(people: Any, account: Any, client_of: Any) -> None:
    client = client_of(people.owner)
    answers = [
        client.post(URL, on_account(account), format="json", HTTP_IDEMPOTENCY_KEY="once")
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert Note.objects.count() == 1
    other = client.post(
        URL, on_account(account, "else"), format="json", HTTP_IDEMPOTENCY_KEY="once"
    )
    assert other.status_code == 422
    assert Note.objects.count() == 1


BAD: dict[str, tuple[dict[str, Any], int, str]] = {
    "nothing": ({"body": ""}, 400, "blank"),
    "only spaces": ({"body": " \n "}, 400, "blank"),
    "too long": ({"body": "x" * (limits.NOTE_BODY_LENGTH_MAX + 1)}, 400, "max_length"),
    "NUL": ({"body": "a\0b"}, 400, "null_characters_not_allowed"),
    "an unknown subject": ({"subject_type": "planet"}, 400, "invalid_choice"),
    "no id": ({"subject_id": "1"}, 400, "invalid"),
    "an id of nothing": ({"subject_id": str(uuid7())}, 404, "note_subject_not_found"),
    "another field": ({"author": "me"}, 400, "unknown_field"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_note_is_refused(case: str, people: Any, account: Any, client_of: Any) -> None:
    change, status, code = BAD[case]
    answer = client_of(people.owner).post(URL, on_account(account) | change, format="json")
    body = answer.json()
    codes = {body["code"], *(error["code"] for error in body["errors"])}
    assert answer.status_code == status
    assert code in codes
    assert not Note.objects.exists()


FOUND = {
    "dividend": {"one", "two"},
    "dividends": {"one", "two"},
    '"growing dividends"': {"one"},
    "dividend -growing": {"two"},
    "house or boat": {"three"},
    "'); DROP TABLE x; --": set(),
    "a:* & ! | <-> (": set(),
    "%": set(),
    "\\": set(),
    '"': {"one", "two", "three"},
    "": {"one", "two", "three"},
}


@pytest.mark.parametrize("q", FOUND)
def test_words_phrases_and_hostile_texts_are_searched(
    q: str, people: Any, account: Any, client_of: Any
) -> None:
    client = client_of(people.owner)
    texts = {
        "one": "growing dividends",
        "two": "no dividend is growth",
        "three": "a house",
    }
    names = {}
    for name, text in texts.items():
        names[client.post(URL, on_account(account, text), format="json").json()["id"]] = name
    answer = client.get(URL, {"q": q})
    assert answer.status_code == 200, answer.content
    wanted = FOUND[q] if q != '"' else set()
    found = {names[row["id"]] for row in answer.json()["data"]}
    assert found == wanted or (q == '"' and found in (set(), set(texts)))


@pytest.mark.parametrize(
    ("q", "code"), [("x" * 201, "query_too_long"), ("a\0b", "null_characters_not_allowed")]
)
def test_a_search_text_beyond_the_limits_is_refused(
    q: str, code: str, people: Any, client_of: Any
) -> None:
    answer = client_of(people.owner).get(URL, {"q": q})
    body = answer.json()
    assert answer.status_code == 400
    assert code in {body["code"], *(error["code"] for error in body["errors"])}


def test_there_is_a_limit_on_the_number_of_notes(
    people: Any, account: Any, client_of: Any, monkeypatch: Any
) -> None:
    from recommendations.operations import notes

    monkeypatch.setattr(notes, "NOTES_PER_HOUSEHOLD_MAX", 1)
    client = client_of(people.owner)
    assert client.post(URL, on_account(account), format="json").status_code == 201
    refused = client.post(URL, on_account(account), format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_notes")
    assert Note.objects.count() == 1


def test_notes_go_with_an_account_that_is_deleted(people: Any, account: Any) -> None:
    subject = note_subject(
        user=people.owner, subject_type="account", subject_id=UUID(str(account.public_id))
    )
    write_note(user=people.owner, subject=subject, body="x", now=NOW)
    delete_account(account=account)
    assert not Note.objects.exists()


def test_a_note_that_was_just_deleted_is_not_changed(people: Any, account: Any) -> None:
    """Another member deletes it between reading and writing."""
    subject = note_subject(user=people.owner, subject_type="account", subject_id=account.public_id)
    note = write_note(user=people.owner, subject=subject, body="First", now=NOW)
    Note.objects.filter(pk=note.pk).delete()
    with pytest.raises(NotFound):
        change_note(note=note, body="Second", now=NOW)
    assert not Note.objects.exists()
