"""The trade date is the day at the place of the trade: it decides year, term and the 30 days."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal as D
from importlib import import_module
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction

from core.dates import on_day
from core.errors import InvalidInput
from portfolios.queries.ledger_facts import facts
from transactions.ledger.entries import Entry
from transactions.models import Transaction, WashSale
from transactions.operations import record
from transactions.operations.verification import verified

MIDNIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("minute", [1, 30, 60, 719, 720, 1438])
@pytest.mark.parametrize("day", [date(2024, 12, 31), date(2025, 1, 1), date(2025, 1, 2)])
def test_an_instant_keeps_its_moment_on_a_day_beside_its_own(minute: int, day: date) -> None:
    at = datetime(2025, 1, 1, minute // 60, minute % 60, tzinfo=UTC)
    found = on_day(at, day)
    assert (found, found.date()) == (at, day)


@pytest.mark.parametrize("day", [date(2024, 12, 30), date(2025, 1, 3)])
def test_a_day_further_off_is_refused(day: date) -> None:
    with pytest.raises(InvalidInput) as refusal:
        on_day(MIDNIGHT, day)
    assert refusal.value.code == "trade_date_far"


@pytest.mark.django_db
class TestThroughTheApi:
    @pytest.fixture
    def post(self, people: Any, assets: Any, client_of: Callable[[Any], Any]) -> Any:
        client = client_of(people.owner)
        accounts: dict[str, str] = {}

        def told(at: str, kind: str, quantity: str, price: str, **more: Any) -> Any:
            name = more.pop("account", "One")
            if name not in accounts:
                opened = client.post(
                    "/api/v1/accounts", {"name": name, "type": "taxable", "currency": "USD"}
                )
                accounts[name] = opened.json()["id"]
            body = {
                "account_id": accounts[name], "type": kind, "symbol": "AAA", "quantity": quantity,
                "price": price, "executed_at": at, **more,
            }  # fmt: skip
            answer = client.post("/api/v1/transactions", body)
            return answer.json() | {"status": answer.status_code, "client": client}

        return told

    @pytest.mark.parametrize(
        ("at", "day"),
        [
            ("2024-12-31T19:30:00-05:00", "2024-12-31"),
            ("2025-01-01T00:30:00Z", "2025-01-01"),
            ("2025-01-01T08:00:00+09:00", "2025-01-01"),
        ],
    )
    def test_an_offset_names_the_day(self, post: Any, at: str, day: str) -> None:
        told = post(at, "buy", "10", "100")
        assert told["trade_date"] == day
        assert datetime.fromisoformat(told["executed_at"]) == datetime.fromisoformat(at)
        lots = told["client"].get(f"/api/v1/portfolios/{told['account_id']}/lots").json()["data"]
        assert lots[0]["opened_date"] == day

    def test_the_day_may_be_stated(self, post: Any) -> None:
        assert post("2025-01-01T00:30:00Z", "buy", "1", "1", trade_date="2024-12-31")[
            "trade_date"
        ] == "2024-12-31"  # fmt: skip
        refused = post("2025-01-01T00:30:00Z", "buy", "1", "1", trade_date="2024-12-29")
        assert (refused["status"], refused["code"]) == (400, "trade_date_far")

    def test_the_day_decides_the_year_and_the_term(self, post: Any) -> None:
        post("2024-01-01T15:00:00Z", "buy", "10", "100")
        # In UTC it would be 2025-01-02: long, and a year later.
        told = post("2025-01-01T20:00:00-05:00", "sell", "10", "120")
        assert told["executed_at"] == "2025-01-02T01:00:00Z"
        url = f"/api/v1/portfolios/{told['account_id']}/gains"
        (line,) = told["client"].get(url, {"year": 2025}).json()["data"]
        assert (line["closed_date"], line["term"]) == ("2025-01-01", "short")

    @pytest.mark.parametrize(
        ("at", "disallowed"),
        [
            ("2024-12-31T20:00:00-05:00", 200),  # day 30; in UTC it would be day 31
            ("2025-01-01T08:00:00+09:00", 0),  # day 31; in UTC it would be day 30
        ],
    )
    @pytest.mark.parametrize("backdated", [False, True])
    def test_the_day_decides_the_window(
        self, post: Any, at: str, disallowed: int, backdated: bool
    ) -> None:
        post("2024-06-03T15:00:00Z", "buy", "10", "100")
        if backdated:
            post(at, "buy", "10", "90")
        told = post("2024-12-01T15:00:00Z", "sell", "10", "80", lot_method="fifo")
        if not backdated:
            post(at, "buy", "10", "90")
        url = f"/api/v1/portfolios/{told['account_id']}/gains"
        (line,) = told["client"].get(url).json()["data"]
        assert D(line["disallowed_loss"]) == disallowed
        assert [found for batch in verified() for found in batch.differences] == []

    @pytest.mark.parametrize("late", [False, True])
    def test_an_evening_in_new_york_is_later_than_a_morning_in_tokyo(
        self, post: Any, late: bool
    ) -> None:
        """By the clock of the world New York comes second, though its day is the earlier one."""
        rows = [
            ("2024-06-03T15:00:00Z", "buy", "30", "100", "Tokyo"),
            ("2024-11-30T15:00:00Z", "sell", "10", "80", "Tokyo"),  # through 2024-12-30
            ("2024-12-01T15:00:00Z", "sell", "10", "80", "Tokyo"),  # through 2024-12-31
            ("2025-01-01T09:00:00+09:00", "buy", "5", "90", "Tokyo"),  # 00:00Z, day 31 and more
            ("2024-12-31T19:30:00-05:00", "buy", "4", "90", "New York"),  # 00:30Z, day 30
        ]
        sold, bought = rows[1:3], rows[3:]
        for at, kind, quantity, price, name in rows[:1] + (
            bought + sold if late else sold + bought
        ):
            told = post(at, kind, quantity, price, account=name)
            assert told["status"] == 201, told
        found = WashSale.objects.values_list("sold_date", "replacement_date", "quantity")
        assert list(found) == [(date(2024, 12, 1), date(2024, 12, 31), D(4))]
        assert [found for batch in verified() for found in batch.differences] == []

    def test_lists_and_performance_go_by_the_day(self, post: Any) -> None:
        told = post("2024-12-31T19:30:00-05:00", "buy", "10", "100")
        client = told["client"]
        for until, count in (("2024-12-30", 0), ("2024-12-31", 1)):
            page = client.get("/api/v1/transactions", {"to": until, "type": "buy"}).json()
            assert len(page["data"]) == count
        page = client.get("/api/v1/transactions", {"from": "2025-01-01", "type": "buy"}).json()
        assert page["data"] == []
        (day,) = facts(account_ids=[Transaction.objects.get().account_id]).days
        assert date.fromordinal(int(day)) == date(2024, 12, 31)

    def test_a_reversal_keeps_the_day(self, post: Any) -> None:
        told = post("2024-12-31T19:30:00-05:00", "buy", "10", "100")
        undone = told["client"].post(f"/api/v1/transactions/{told['id']}/reverse", {}).json()
        assert undone["trade_date"] == "2024-12-31"

    def test_an_export_brings_instant_and_day_back(self, post: Any) -> None:
        told = post("2024-12-31T19:30:00-05:00", "buy", "10", "100")
        client = told["client"]
        answer = client.get("/api/v1/exports/ballast", {"account_id": told["account_id"]})
        text = b"".join(answer.streaming_content)
        assert b"2024-12-31T23:30:00-01:00" in text
        client.post(f"/api/v1/transactions/{told['id']}/reverse", {})
        other = client.post(
            "/api/v1/accounts", {"name": "Copy", "type": "taxable", "currency": "USD"}
        ).json()["id"]
        file = SimpleUploadedFile("a.csv", text.replace(told["id"].encode(), b""))
        form = {"file": file, "account_id": other}
        batch = client.post("/api/v1/imports", form, format="multipart").json()
        committed = client.post(f"/api/v1/imports/{batch['id']}/commit")
        assert committed.status_code == 200, committed.content
        (copy,) = Transaction.objects.filter(account__name="Copy")
        assert (copy.executed_at, copy.trade_date) == (MIDNIGHT, date(2024, 12, 31))


@pytest.mark.django_db
def test_the_migration_gives_old_rows_their_day_and_keeps_the_trigger(
    people: Any, assets: Any, account: Any
) -> None:
    evening = datetime.fromisoformat("2024-12-31T19:30:00-05:00")
    record(
        account=account,
        entries=[Entry("buy", evening, "USD", "AAA", D(1), D(10))],
        user=people.owner,
        now=datetime(2025, 6, 1, tzinfo=UTC),
    )
    migration = import_module("transactions.migrations.0003_trade_date").Migration
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for operation in migration.operations[:4]:
            (change,) = operation.database_operations
            cursor.execute(change.reverse_sql)
            cursor.execute(change.sql)
    row = Transaction.objects.get()
    assert row.trade_date == date(2025, 1, 1)
    with pytest.raises(DatabaseError, match="transaction_append_only"), transaction.atomic():
        Transaction.objects.update(trade_date=date(2024, 12, 31))
    with pytest.raises(DatabaseError, match="null value"), transaction.atomic():
        connection.cursor().execute(
            "INSERT INTO transactions_transaction (public_id) VALUES (gen_random_uuid())"
        )
