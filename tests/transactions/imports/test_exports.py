"""What goes out as a file comes back as the same ledger."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from marketdata.models import Asset
from transactions.ledger.entries import ChosenLot, Entry, Ratio
from transactions.models import Account, Disposal, Holding, Lot, Transaction, WashSale
from transactions.operations import open_account, record, reverse
from transactions.operations.verification import verified

pytestmark = pytest.mark.django_db


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def entry(kind: str, day: str, symbol: str | None = None, **rest: Any) -> Entry:
    figures: dict[str, Any] = {
        name: D(rest.pop(name))
        for name in ("quantity", "price", "amount", "fee", "fx_rate", "basis_percentage")
        if name in rest
    }
    return Entry(kind, at(day), rest.pop("currency", "USD"), symbol, **figures, **rest)


@pytest.fixture
def eventful(account: Any, people: Any, assets: Any) -> Account:
    """An account to which nearly everything has happened."""
    for symbol in ("CCC", "DDD", "RTS"):
        Asset.objects.create(symbol=symbol, name=f"={symbol}", asset_class="equity", currency="USD")

    def write(*entries: Entry) -> list[Transaction]:
        return record(account=account, entries=entries, user=people.owner, now=timezone.now())

    first, second = write(
        entry("buy", "2022-01-03", "AAA", quantity="100", price="50", fee="1.99", note="=1+1"),
        entry("buy", "2022-02-03", "AAA", quantity="50", amount="2333.33", order_id="O1"),
    )
    write(
        entry("deposit", "2022-01-01", amount="20000"),
        entry("buy", "2022-03-01", "EEE", quantity="10", price="9.5", currency="EUR",
              fx_rate="1.1"),
        entry("dividend", "2022-03-02", "AAA", amount="12.34", fee="0.34"),
        entry("reinvestment", "2022-03-03", "AAA", quantity="0.3333333333", price="51.25"),
        entry("tax", "2022-03-04", "AAA", amount="1.85"),
        entry("interest", "2022-03-05", amount="0.07"),
        entry("fee", "2022-03-06", amount="3"),
        entry("withdrawal", "2022-03-07", amount="100"),
        entry("split", "2022-06-01", "AAA", ratio=Ratio(D(3), D(2)), amount="0.40"),
        entry("spin_off", "2022-07-01", "AAA", new_symbol="CCC", ratio=Ratio(D(1), D(10)),
              basis_percentage="12.5"),
        entry("return_of_capital", "2022-08-01", "AAA", amount="10"),
        entry("transfer_in", "2022-09-01", "BBB", quantity="7", amount="70",
              opened_date=date(2019, 5, 5)),
        entry("sell", "2022-10-03", "AAA", quantity="30", price="20", lot_method="hifo"),
        entry("buy", "2022-10-20", "AAA", quantity="15", price="21"),
        entry("transfer_out", "2022-11-01", "BBB", quantity="2"),
        entry("symbol_change", "2022-12-01", "BBB", new_symbol="DDD"),
        entry("stock_dividend", "2022-08-15", "AAA", ratio=Ratio(D(1), D(20))),
        entry("stock_dividend", "2022-08-25", "AAA", quantity="7"),
        entry("rights_issue", "2022-12-05", "AAA", new_symbol="RTS", ratio=Ratio(D(1), D(1)),
              basis_percentage="4"),
        entry("rights_exercise", "2022-12-12", "RTS", new_symbol="AAA", quantity="3",
              ratio=Ratio(D(1), D(4)), price="11.50", fee="0.50"),
    )  # fmt: skip
    write(
        entry(
            "sell",
            "2023-01-05",
            "AAA",
            quantity="12",
            price="30",
            fee="1",
            lots=(ChosenLot(second.public_id, D(5)), ChosenLot(first.public_id, D(7))),
        )
    )
    (wrong,) = write(entry("sell", "2023-02-01", "DDD", quantity="5", price="9"))
    reverse(original=wrong, user=people.owner, now=timezone.now(), note="typing error")
    write(entry("sell", "2023-02-02", "DDD", quantity="5", price="9", lot_method="lifo"))
    (bought,) = write(entry("buy", "2023-03-01", "CCC", quantity="1", price="9"))
    reverse(original=bought, user=people.owner, now=timezone.now())
    account.refresh_from_db()
    fresh: Account = account
    return fresh


def ledger(account: Account) -> dict[str, Any]:
    """Everything the ledger of an account says, without ids and the moment it was written."""
    rows = list(
        Transaction.objects.filter(account=account).order_by("executed_at", "type", "amount", "id")
    )
    keys = {
        row.pk: (row.type, row.executed_at, row.amount, row.quantity, row.reverses_id is not None)
        for row in rows
    }
    names = {str(row.public_id): keys[row.pk] for row in rows}
    columns = [
        *("asset__symbol", "price", "fee", "currency", "fx_rate", "cash_effect", "ratio_new"),
        *("ratio_old", "new_asset__symbol", "basis_percentage", "opened_date", "order_id", "note"),
    ]
    figures = {
        row["pk"]: tuple(row[name] for name in columns)
        for row in Transaction.objects.filter(account=account).values("pk", *columns)
    }

    def derived(model: Any, *fields: str) -> list[Any]:
        found = []
        for row in model.objects.filter(**{_ACCOUNT.get(model, "account"): account}):
            values = [getattr(row, name) for name in fields]
            found.append(
                tuple(
                    keys.get(value, value) if name.endswith("_id") else value
                    for name, value in zip(fields, values, strict=True)
                )
            )
        return sorted(found, key=str)

    account.refresh_from_db()
    return {
        "cash": account.cash,
        "transactions": sorted(
            (
                keys[row.pk],
                figures[row.pk],
                keys.get(row.reverses_id or 0),
                # Events keep the default of their account; lots are chosen where some leave.
                row.lot_method,
                [(names[lot["lot_id"]], D(lot["quantity"]), lot.get("piece")) for lot in row.lots],
            )
            for row in rows
        ),
        "lots": derived(
            Lot, "transaction_id", "piece", "opened_at", "holding_period_date", "quantity",
            "cost_basis", "wash_sale_adjustment", "replaces_loss", "purchase",
        ),
        "disposals": derived(
            Disposal, "transaction_id", "part", "lot_transaction_id", "opened_at",
            "holding_period_date", "closed_at", "quantity", "proceeds", "cost_basis",
            "wash_sale_adjustment", "long_term", "matched_quantity", "deferred_loss",
        ),
        "wash_sales": derived(
            WashSale, "sale_id", "part", "replacement_id", "quantity", "disallowed", "basis_added"
        ),
        "holdings": sorted(
            Holding.objects.filter(account=account).values_list(
                "asset__symbol", "quantity", "cost_basis"
            )
        ),
    }  # fmt: skip


_ACCOUNT = {WashSale: "loss_account"}


@pytest.fixture
def elsewhere(people: Any, desk: Any, client_of: Any) -> Account:
    """A fresh account in another household, and the desk turned to it."""
    account = open_account(
        user=people.stranger, name="Fresh", type="taxable", currency="USD", now=timezone.now()
    )
    desk.client, desk.account_id = client_of(people.stranger), str(account.public_id)
    return account


def export(client: Any, name: str = "ballast", **query: Any) -> bytes:
    answer = client.get(f"/api/v1/exports/{name}", query)
    assert answer.status_code == 200
    data = b"".join(answer.streaming_content)
    assert answer["Content-Length"] == str(len(data))
    return data


def test_an_export_imported_into_a_fresh_account_is_the_same_ledger(
    eventful: Account, people: Any, client_of: Any, elsewhere: Account, desk: Any
) -> None:
    data = export(client_of(people.owner))
    batch = desk.preview(data)
    rows = Transaction.objects.filter(account=eventful).count()
    assert batch["counts"]["ready"] == rows, desk.codes(batch)
    answer = desk.commit(batch)
    assert answer.status_code == 200, answer.content
    before, after = ledger(eventful), ledger(elsewhere)
    for name in before:
        assert after[name] == before[name], name
    assert before["wash_sales"]
    assert len(before["disposals"]) > 5
    assert [found for part in verified() for found in part.differences] == []
    again = desk.preview(data)
    assert again["counts"]["ready"] == 0
    assert desk.remove({"id": batch["id"]}).status_code == 200
    assert ledger(elsewhere)["holdings"] == []
    assert ledger(elsewhere)["cash"] == 0


def test_an_export_imported_where_it_came_from_gives_nothing_new(
    eventful: Account, desk: Any
) -> None:
    batch = desk.preview(export(desk.client))
    assert batch["counts"]["ready"] == 0
    assert batch["counts"]["duplicates"] == batch["counts"]["rows"]


def test_texts_are_no_formulas_and_come_back_as_they_were(
    eventful: Account, people: Any, client_of: Any, elsewhere: Account, desk: Any
) -> None:
    client = client_of(people.owner)
    for name in ("ballast", "portfolio_performance"):
        data = export(client, name).decode()
        (row,) = [row for row in csv.DictReader(io.StringIO(data)) if "1+1" in str(row)]
        assert (row.get("note") or row.get("Note")) == "'=1+1"
        rows = list(csv.reader(io.StringIO(data)))
        assert not [cell for row in rows for cell in row if cell[:1] in tuple("=+@\t\r")]
    desk.committed(export(client))
    assert Transaction.objects.get(account=elsewhere, note="=1+1").quantity == 100


def test_several_accounts_come_out_together_and_go_in_one_by_one(
    eventful: Account, people: Any, client_of: Any, elsewhere: Account, desk: Any
) -> None:
    other = open_account(
        user=people.owner, name="Second", type="taxable", currency="USD", now=timezone.now()
    )
    move = replace(
        entry("transfer_out", "2023-05-01", "CCC", quantity="3"), to_account_id=other.public_id
    )
    record(account=eventful, entries=[move], user=people.owner, now=timezone.now())
    gift = entry("sell", "2023-06-01", "CCC", quantity="1", price="40")
    record(account=other, entries=[gift], user=people.owner, now=timezone.now())
    data = export(client_of(people.owner))
    batch = desk.preview(data)
    assert batch["accounts"] == ["Main", "Second"]
    assert {code for codes in desk.codes(batch) for code in codes} == {"account_ambiguous"}
    chosen = desk.change(batch, options={"account": "Main"}).json()
    assert (chosen["counts"]["errors"], chosen["counts"]["skipped"]) == (0, 2)
    assert desk.commit(batch).status_code == 200
    second = open_account(
        user=people.stranger, name="Two", type="taxable", currency="USD", now=timezone.now()
    )
    desk.account_id = str(second.public_id)
    desk.committed(data, options={"account": "Second"})
    for one, copy in ((eventful, elsewhere), (other, second)):
        assert ledger(copy)["holdings"] == ledger(one)["holdings"]
        assert ledger(copy)["cash"] == ledger(one)["cash"]
    mine, copied = Disposal.objects.get(account=other), Disposal.objects.get(account=second)
    assert (mine.cost_basis, mine.opened_at) == (copied.cost_basis, copied.opened_at)


def test_ghostfolio_reads_what_it_knows(eventful: Account, people: Any, desk: Any) -> None:
    answer = desk.client.get("/api/v1/exports/ghostfolio", {"account_id": desk.account_id})
    found = json.loads(b"".join(answer.streaming_content), parse_float=D, parse_int=D)
    kinds = [activity["type"] for activity in found["activities"]]
    assert sorted(set(kinds)) == ["BUY", "DIVIDEND", "FEE", "INTEREST", "SELL"]
    assert int(answer["Ballast-Omitted"]) == 13
    first = found["activities"][0]
    assert (first["quantity"], first["unitPrice"], first["fee"]) == (100, 50, D("1.99"))
    assert first["date"] == "2022-01-03T00:00:00Z"
    assert first["accountId"] == found["accounts"][0]["id"]


@pytest.mark.parametrize("name", ["ghostfolio", "portfolio_performance"])
def test_trades_come_back_through_other_formats(
    account: Any, people: Any, assets: Any, name: str, elsewhere: Account, client_of: Any, desk: Any
) -> None:
    entries = [
        entry("buy", "2022-01-03T12:00", "AAA", quantity="3", amount="100", fee="1"),
        entry("sell", "2022-02-03T12:00", "AAA", quantity="1", price="60", fee="0.5"),
        entry("dividend", "2022-03-03T12:00", "AAA", amount="4.56"),
        entry("interest", "2022-03-04T12:00", amount="0.07"),
        entry("fee", "2022-03-05T12:00", amount="9"),
    ]
    record(account=account, entries=entries, user=people.owner, now=timezone.now())
    data = export(client_of(people.owner), name)
    batch = desk.committed(data, name="x.json" if name == "ghostfolio" else "x.csv")
    assert batch["counts"]["errors"] == 0, desk.codes(batch)
    for part in ("cash", "holdings", "disposals"):
        one, two = ledger(account)[part], ledger(elsewhere)[part]
        assert two == one, part


def test_a_stranger_exports_nothing_of_it(
    eventful: Account, people: Any, client_of: Any, desk: Any
) -> None:
    stranger = client_of(people.stranger)
    assert export(stranger).count(b"\n") == 1
    answer = stranger.get("/api/v1/exports/ballast", {"account_id": desk.account_id})
    assert (answer.status_code, answer.json()["code"]) == (404, "account_not_found")
    answer = stranger.get("/api/v1/exports/excel")
    assert (answer.status_code, answer.json()["code"]) == (404, "format_unknown")
    assert export(client_of(people.adviser)).count(b"\n") > 10
