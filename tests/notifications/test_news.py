"""News: a wash sale at once, imports, drifts of a night, and the dates of a day."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from jobs.models import Outbox
from notifications import operations
from notifications.models import Notice
from notifications.operations import announce_dates, announce_drifts
from recommendations.models import NightlyResult, NightlyRun, Outcome
from transactions.ledger.entries import Entry
from transactions.operations import open_account, record

pytestmark = pytest.mark.django_db


def trade(account: Any, kind: str, day: str, quantity: str, price: str) -> None:
    entry = Entry(
        kind,
        datetime.fromisoformat(f"{day}T15:00").replace(tzinfo=UTC),
        "USD",
        symbol="AAA",
        quantity=Decimal(quantity),
        price=Decimal(price),
    )
    record(account=account, entries=[entry], user=account.owner, now=timezone.now())


@pytest.fixture
def funded(account: Any, assets: Any) -> Any:
    cash = Entry("deposit", datetime(2024, 1, 2, tzinfo=UTC), "USD", amount=Decimal(100_000))
    record(account=account, entries=[cash], user=account.owner, now=timezone.now())
    return account


def titles(topic: str) -> list[str]:
    operations.relay(now=timezone.now())
    rows = Notice.objects.filter(topic=topic, user__email__startswith="owner")
    return list(rows.order_by("id").values_list("title", flat=True))


@time_machine.travel("2024-06-20T16:00:00Z", tick=False)
def test_a_purchase_that_spoils_a_loss_is_told_at_once(funded: Any) -> None:
    trade(funded, "buy", "2024-03-01", "10", "60")
    trade(funded, "sell", "2024-06-10", "10", "50")
    assert titles("wash_sale") == []
    trade(funded, "buy", "2024-06-20", "4", "52")
    assert titles("wash_sale") == [
        "Buying AAA in Main disallows a loss of 40 USD from 2024-06-10 (wash sale)."
    ]
    row = Outbox.objects.get(topic="wash_sale")
    assert row.urgent


@time_machine.travel("2024-07-20T16:00:00Z", tick=False)
def test_a_purchase_after_the_window_is_told_to_nobody(funded: Any) -> None:
    trade(funded, "buy", "2024-03-01", "10", "60")
    trade(funded, "sell", "2024-06-10", "10", "50")
    trade(funded, "buy", "2024-07-20", "4", "52")
    assert titles("wash_sale") == []


def test_the_first_clean_day_is_announced_on_its_day_and_once(funded: Any) -> None:
    with time_machine.travel("2024-06-20T16:00:00Z", tick=False):
        trade(funded, "buy", "2024-03-01", "10", "60")
        trade(funded, "sell", "2024-06-10", "10", "50")
    for day, count in (("2024-07-10", 0), ("2024-07-11", 1), ("2024-07-11", 0), ("2024-07-12", 0)):
        with time_machine.travel(f"{day}T06:00:00Z", tick=False):
            assert announce_dates(now=timezone.now()) == count, day
    with time_machine.travel("2024-07-11T07:00:00Z", tick=False):
        assert titles("clean_day") == [
            "AAA can be bought again: the wash-sale window of the loss of 2024-06-10 has ended."
        ]


def test_a_lot_is_long_term_on_the_day_after_the_year_and_only_in_a_taxable_account(
    funded: Any, people: Any
) -> None:
    ira = open_account(
        user=people.owner,
        name="IRA",
        type="ira",
        currency="USD",
        lot_method="fifo",
        now=timezone.now(),
    )
    cash = Entry("deposit", datetime(2024, 1, 2, tzinfo=UTC), "USD", amount=Decimal(10_000))
    record(account=ira, entries=[cash], user=people.owner, now=timezone.now())
    trade(ira, "buy", "2024-03-01", "7", "60")
    trade(funded, "buy", "2024-03-01", "10", "60")
    for day, count in (("2025-03-01", 0), ("2025-03-02", 1), ("2025-03-03", 0)):
        with time_machine.travel(f"{day}T06:00:00Z", tick=False):
            assert announce_dates(now=timezone.now()) == count, day
            told = titles("long_term")
    assert told == ["10 AAA in Main are long-term since 2025-03-02."]


def night(day: date, account: Any, outcome: Outcome, drift: float) -> NightlyRun:
    now = timezone.now()
    run = NightlyRun.objects.create(
        night=day,
        state="completed",
        as_of=now,
        engine_version="1",
        options={},
        created_at=now,
        finished_at=now,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE night_{run.pk} PARTITION OF recommendations_nightlyresult "
            f"FOR VALUES IN ({run.pk})"
        )
    NightlyResult.objects.create(
        run_id=run.pk,
        account_id=account.pk,
        outcome=outcome,
        trades=2 if outcome == Outcome.TRADES else 0,
        drift_before=drift,
    )
    return run


def test_a_drift_is_told_when_it_begins_and_not_every_night(account: Any) -> None:
    today = timezone.now().date()
    steps = (
        (Outcome.IN_BAND, 0.01, 0),
        (Outcome.TRADES, 0.0734, 1),
        (Outcome.TRADES, 0.08, 0),
        (Outcome.IN_BAND, 0.0, 0),
        (Outcome.TRADES, 0.06, 1),
    )
    for number, (outcome, drift, count) in enumerate(steps):
        night(today - timedelta(days=10 - number), account, outcome, drift)
        assert announce_drifts(now=timezone.now()) == count, number
        assert announce_drifts(now=timezone.now()) == 0
    assert titles("drift") == [
        "Main has drifted 7.3 % from its targets.",
        "Main has drifted 6 % from its targets.",
    ]


def test_a_committed_file_is_told(people: Any, account: Any, client_of: Any) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    client = client_of(people.owner)
    content = (
        b"type,executed_at,symbol,quantity,price,amount,currency,lot_method\r\n"
        b"deposit,2024-01-03T12:00:00Z,,,,10,USD,\r\n"
    )
    file = SimpleUploadedFile("rows.csv", content, "text/csv")
    upload = {"account_id": str(account.public_id), "file": file}
    ready = client.post("/api/v1/imports", upload, format="multipart").json()
    done = client.post(f"/api/v1/imports/{ready['id']}/commit", {}, format="json")
    assert done.status_code in (200, 202), done.content
    assert titles("import_complete") == ["1 transaction imported into Main."]
