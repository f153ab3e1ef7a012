"""The pages of notes: written where their subject is shown, listed, changed, deleted."""

from typing import Any

import pytest
from django.urls import reverse

from core.identifiers import uuid7
from marketdata.models import Asset
from recommendations.models import Note
from transactions.models import Transaction

pytestmark = pytest.mark.django_db


def form(subject_type: str, subject_id: Any, **more: str) -> dict[str, str]:
    return {
        "subject_type": subject_type,
        "subject_id": str(subject_id),
        "body": "Sell *half* <script>alert(1)</script>",
        "key": str(uuid7()),
        **more,
    }


def test_a_note_stands_on_the_page_of_its_subject(
    people: Any, invest: Any, page_client: Any
) -> None:
    client = page_client(people.owner)
    buy = Transaction.objects.filter(account=invest, type="buy").earliest("id")
    assert buy.asset is not None
    pages = {
        ("account", invest.public_id): reverse("portfolio", args=[invest.public_id]),
        ("asset", buy.asset.public_id): reverse("asset", args=[buy.asset.symbol]),
        ("transaction", buy.public_id): reverse(
            "edit_transaction", args=[invest.public_id, buy.public_id]
        ),
        ("lot", buy.public_id): reverse("lot", args=[invest.public_id, buy.public_id]),
    }
    for (kind, subject_id), address in pages.items():
        before = client.get(address).content.decode()
        assert f'name="subject_id" value="{subject_id}"' in before, address
        assert "Sell <em>half</em>" not in before
        sent = client.post(reverse("note_new"), form(kind, subject_id, next=f"{address}#notes"))
        assert (sent.status_code, sent["Location"]) == (302, f"{address}#notes")
        after = client.get(address).content.decode()
        assert "Sell <em>half</em> &lt;script&gt;" in after
        assert "<script>alert" not in after
    listed = client.get(reverse("notes")).content.decode()
    assert listed.count("Sell <em>half</em>") == 4
    assert client.get(reverse("notes"), {"q": "sells"}).content.decode().count("<em>half") == 4


def test_a_form_sent_twice_makes_one_note(people: Any, invest: Any, page_client: Any) -> None:
    client = page_client(people.owner)
    sent = form("account", invest.public_id)
    for _ in range(2):
        assert client.post(reverse("note_new"), sent).status_code == 302
    assert Note.objects.count() == 1


def test_an_empty_note_is_refused_beside_its_field(
    people: Any, invest: Any, page_client: Any
) -> None:
    answer = page_client(people.owner).post(
        reverse("note_new"), form("account", invest.public_id, body=" ")
    )
    assert answer.status_code == 400
    assert b"This field is required" in answer.content
    assert not Note.objects.exists()


def test_a_note_is_changed_and_deleted(people: Any, invest: Any, page_client: Any) -> None:
    client = page_client(people.owner)
    client.post(reverse("note_new"), form("account", invest.public_id))
    note = Note.objects.get()
    address = reverse("note", args=[note.public_id])
    assert b"Sell <em>half</em>" in client.get(address).content
    assert client.post(address, {"body": ""}).status_code == 400
    assert client.post(address, {"body": "Keep"}).status_code == 302
    note.refresh_from_db()
    assert note.body == "Keep"
    assert client.get(reverse("note_delete", args=[note.public_id])).status_code == 405
    assert client.post(reverse("note_delete", args=[note.public_id])).status_code == 302
    assert not Note.objects.exists()


def test_a_stranger_reads_and_changes_nothing(people: Any, invest: Any, page_client: Any) -> None:
    page_client(people.owner).post(reverse("note_new"), form("account", invest.public_id))
    note = Note.objects.get()
    client = page_client(people.stranger)
    assert b"<em>half</em>" not in client.get(reverse("notes")).content
    query = {"subject_type": "account", "subject_id": str(invest.public_id)}
    assert client.get(reverse("notes"), query).status_code == 404
    for name in ("note", "note_delete"):
        address = reverse(name, args=[note.public_id])
        assert client.post(address, {"body": "mine"}).status_code == 404
    assert client.post(reverse("note_new"), form("account", invest.public_id)).status_code == 404
    assert Note.objects.get().body == note.body


@pytest.mark.parametrize(
    "query",
    [
        {"subject_type": "planet", "subject_id": str(uuid7())},
        {"subject_type": "asset", "subject_id": "AAA"},
        {"subject_id": str(uuid7())},
        {"subject_type": "asset", "subject_id": str(uuid7())},
    ],
)
def test_an_unknown_subject_is_not_found(
    query: dict[str, str], people: Any, page_client: Any
) -> None:
    assert page_client(people.owner).get(reverse("notes"), query).status_code == 404


def test_a_note_on_an_asset_of_its_own_page_only(
    people: Any, invest: Any, page_client: Any
) -> None:
    client = page_client(people.owner)
    asset = Asset.objects.get(symbol="AAA")
    client.post(reverse("note_new"), form("asset", asset.public_id))
    assert b"<em>half</em>" not in client.get(reverse("asset", args=["BBB"])).content
