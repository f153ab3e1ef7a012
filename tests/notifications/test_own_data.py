"""The archive of everything about oneself: whole, without secrets, for its owner alone."""

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zipfile import ZipFile

import pytest
from django.utils import timezone

from identity.models import SecurityEvent, TokenFamily
from identity.operations.api_keys import make_key
from identity.origins import NOWHERE
from jobs.models import Job, Outbox
from notifications import operations
from notifications.models import OwnDataArchive, OwnDataPart
from notifications.operations import own_data
from notifications.own_data.files import csv_text
from notifications.tasks import collect_own_data
from transactions.models import Transaction

pytestmark = pytest.mark.django_db

URL = "/api/v1/users/me/export"


def collected(client: Any) -> dict[str, str]:
    """Ask for the archive, let the worker make it, and return its files."""
    asked = client.post(URL)
    assert asked.status_code == 202, asked.content
    collect_own_data.run(Job.objects.get(public_id=asked.json()["job_id"]).pk)
    job = client.get(f"/api/v1/jobs/{asked.json()['job_id']}").json()
    assert job["status"] == "completed", job
    answer = client.get(URL)
    assert answer["Content-Type"] == "application/zip"
    data = b"".join(answer.streaming_content)
    assert len(data) == int(answer["Content-Length"]) == job["result"]["bytes"]
    with ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def owner(people: Any, account: Any, assets: Any, client_of: Callable[..., Any]) -> Any:
    client = client_of(people.owner)
    for entry in (
        {"type": "deposit", "amount": "1000", "note": "=SUM(A1)"},
        {"type": "buy", "symbol": "AAA", "quantity": "3", "price": "10"},
    ):
        body = {"account_id": str(account.public_id), "executed_at": "2024-03-04T15:00:00Z"}
        assert client.post("/api/v1/transactions", body | entry).status_code == 201
    targets = [{"symbol": "AAA", "target_percentage": "100", "rebalance_threshold": "5"}]
    path = f"/api/v1/portfolios/{account.public_id}/targets"
    assert client.put(path, targets, format="json").status_code == 200
    return client


def test_the_archive_holds_everything_about_oneself_and_no_secret(
    owner: Any, people: Any, account: Any, client_of: Callable[..., Any]
) -> None:
    _, key = make_key(
        user=people.owner,
        name="Sheet",
        scopes=["read"],
        account_ids=None,
        expires_at=None,
        now=timezone.now(),
        origin=NOWHERE,
    )
    theirs = client_of(people.stranger).post(
        "/api/v1/accounts", {"name": "Theirs", "type": "taxable", "currency": "USD"}
    )
    assert theirs.status_code == 201
    files = collected(owner)
    assert json.loads(files["profile.json"])["email"] == people.owner.email
    assert [row["name"] for row in rows(files["accounts.csv"])] == [account.name]
    assert [row["type"] for row in rows(files["transactions.csv"])] == ["deposit", "buy"]
    (target,) = rows(files["targets.csv"])
    assert (target["symbol"], target["target_percentage"]) == ("AAA", "100")
    assert [row["name"] for row in rows(files["api_keys.csv"])] == ["Sheet"]
    assert rows(files["sessions.csv"])
    assert "key_created" in {row["kind"] for row in rows(files["audit.csv"])}
    for name in files:
        assert name == "README.txt" or name in files["README.txt"]
    text = "".join(files.values())
    assert "Theirs" not in text
    assert people.stranger.email not in text
    people.owner.refresh_from_db()
    for secret in (key, key.rpartition("_")[2], people.owner.password):
        assert secret not in text


def test_a_ledger_from_the_archive_can_be_imported_again(
    owner: Any, people: Any, client_of: Callable[..., Any]
) -> None:
    text = collected(owner)["transactions.csv"]
    direct = b"".join(owner.get("/api/v1/exports/ballast").streaming_content).decode()
    assert text == direct
    assert Transaction.objects.count() == 2


def test_only_its_owner_fetches_it_and_only_with_a_recent_proof(
    owner: Any, people: Any, client_of: Callable[..., Any]
) -> None:
    collected(owner)
    for person in (people.spouse, people.adviser, people.stranger):
        answer = client_of(person).get(URL)
        assert (answer.status_code, answer.json()["code"]) == (404, "archive_not_found")
    TokenFamily.objects.update(proved_at=timezone.now() - timedelta(minutes=16))
    jobs = Job.objects.count()
    for answer in (owner.get(URL), owner.post(URL)):
        assert (answer.status_code, answer.json()["code"]) == (403, "proof_required")
    assert Job.objects.count() == jobs


def test_a_new_archive_replaces_the_old_and_the_old_expires(
    owner: Any, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_data, "_PART_BYTES", 1000)
    collected(owner)
    first = OwnDataArchive.objects.get()
    assert OwnDataPart.objects.filter(archive=first).count() == -(-first.bytes // 1000)
    Job.objects.update(finished_at=timezone.now() - timedelta(hours=1))
    collected(owner)
    second = OwnDataArchive.objects.get()
    assert second.pk != first.pk
    assert not OwnDataPart.objects.filter(archive_id=first.pk).exists()
    OwnDataArchive.objects.update(expires_at=timezone.now())
    assert owner.get(URL).json()["code"] == "archive_not_found"
    assert own_data.forget_expired(now=timezone.now()) == 1
    assert not OwnDataPart.objects.exists()


def test_the_person_is_told_when_it_is_ready(owner: Any, people: Any) -> None:
    collected(owner)
    event = SecurityEvent.objects.get(kind="export_ready")
    assert event.user == people.owner
    told = Outbox.objects.get(dedup_key=f"export_ready:{event.public_id}")
    assert told.payload["user_id"] == str(people.owner.public_id)
    operations.relay(now=timezone.now())


def test_data_too_large_for_an_archive_fail_and_store_nothing(
    owner: Any, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_data, "OWN_DATA_BYTES_MAX", 500)
    asked = owner.post(URL)
    collect_own_data.run(Job.objects.get(public_id=asked.json()["job_id"]).pk)
    job = owner.get(f"/api/v1/jobs/{asked.json()['job_id']}").json()
    assert (job["status"], job["error"]["code"]) == ("failed", "own_data_too_large")
    assert not OwnDataArchive.objects.exists()


def test_no_cell_is_a_formula() -> None:
    found = "".join(csv_text(["a", "b"], [["=1+1", "-5"], ["ok", None]]))
    assert found == "a,b\r\n'=1+1,'-5\r\nok,\r\n"


def test_the_page_asks_and_downloads(owner: Any, people: Any, client: Any) -> None:
    client.force_login(people.owner)
    page = client.get("/settings/data")
    assert (page.status_code, page["Location"]) == (
        302,
        "/settings/security/proof?next=%2Fsettings%2Fdata",
    )
    session = client.session
    session["_proved_at"] = int(timezone.now().timestamp())
    session.save()
    assert b"Collect my data" in client.get("/settings/data").content
    assert client.post("/settings/data").status_code == 302
    assert b"being collected" in client.get("/settings/data").content
    collect_own_data.run(Job.objects.get(kind="notifications.collect_own_data").pk)
    assert b"Download the archive" in client.get("/settings/data").content
    download = client.get("/settings/data/archive")
    assert b"".join(download.streaming_content).startswith(b"PK")
