"""The ledger in the database: what is recorded is booked, what is refused leaves nothing."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.errors import BallastError
from transactions.ledger.entries import ChosenLot, Entry
from transactions.models import Account, Disposal, Holding, Lot, Transaction
from transactions.operations import change_account, record, reverse
from transactions.operations.verification import verified

pytestmark = pytest.mark.django_db


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def buy(day: str, quantity: str, price: str, symbol: str = "AAA", **rest: Any) -> Entry:
    return Entry("buy", at(day), "USD", symbol, D(quantity), D(price), **rest)


def sell(day: str, quantity: str, price: str, symbol: str = "AAA", **rest: Any) -> Entry:
    return Entry("sell", at(day), "USD", symbol, D(quantity), D(price), **rest)


Write = Callable[..., list[Transaction]]


@pytest.fixture
def write(account: Any, people: Any, assets: Any) -> Write:
    def write(*entries: Entry) -> list[Transaction]:
        return record(account=account, entries=entries, user=people.owner, now=timezone.now())

    return write


def ledger_state() -> tuple[Any, ...]:
    """Everything a refusal must leave as it was."""
    return (
        sorted(Transaction.objects.values_list("id", flat=True)),
        sorted(Lot.objects.values_list("transaction_id", "quantity", "cost_basis")),
        sorted(Disposal.objects.values_list("transaction_id", "quantity", "proceeds")),
        sorted(Holding.objects.values_list("account_id", "asset_id", "quantity")),
        sorted(Account.objects.values_list("id", "cash", "ledger_version")),
    )


def differences() -> list[Any]:
    return [found for batch in verified() for found in batch.differences]


def test_trades_move_cash_lots_and_holdings_together(write: Write, account: Any) -> None:
    write(Entry("deposit", at("2024-01-02"), "USD", amount=D(1000)))
    write(buy("2024-01-03", "10", "50", fee=D(1)), buy("2024-02-01", "5", "60"))
    write(sell("2024-03-01", "12", "70", fee=D("0.50")))

    account.refresh_from_db()
    assert account.cash == D("1038.50")  # 1000 - 501 - 300 + 839.50
    assert list(Lot.objects.order_by("opened_at").values_list("quantity", "cost_basis")) == [
        (D(0), D(0)),
        (D(3), D(180)),
    ]
    assert list(
        Disposal.objects.order_by("id").values_list("quantity", "proceeds", "cost_basis")
    ) == [(D(10), D("699.58"), D(501)), (D(2), D("139.92"), D(120))]
    assert list(Holding.objects.values_list("quantity", "cost_basis")) == [(D(3), D(180))]
    assert differences() == []


def test_a_back_dated_purchase_rebooks_the_sales_behind_it(write: Write) -> None:
    write(buy("2024-02-01", "10", "60"), sell("2024-03-01", "5", "70"))
    write(buy("2024-01-03", "5", "50"))
    assert list(Disposal.objects.values_list("cost_basis", flat=True)) == [D(250)]
    assert differences() == []


def test_the_order_in_which_trades_arrive_does_not_matter(
    write: Write, account: Any, people: Any
) -> None:
    entries = [
        buy("2024-01-03", "5", "50"),
        buy("2024-02-01", "10", "60"),
        buy("2024-02-15", "7", "55"),
        sell("2024-03-01", "12", "70"),
    ]
    write(*entries)
    forwards = list(
        Disposal.objects.order_by("opened_at").values_list("quantity", "proceeds", "cost_basis")
    )
    for row in Transaction.objects.order_by("-executed_at"):
        reverse(original=row, user=people.owner, now=timezone.now())
    assert not Holding.objects.exists()
    for entry in [entries[2], entries[1], entries[0], entries[3]]:
        write(entry)
    assert (
        list(
            Disposal.objects.order_by("opened_at").values_list("quantity", "proceeds", "cost_basis")
        )
        == forwards
    )
    assert differences() == []


def test_a_foreign_trade_is_booked_at_the_rate_of_its_day(write: Write, account: Any) -> None:
    write(Entry("buy", at("2020-01-02"), "EUR", "EEE", D(10), D(10)))
    account.refresh_from_db()
    row = Transaction.objects.get()
    assert (row.fx_rate, row.cash_effect) == (D("1.25"), D(-125))
    assert account.cash == D(-125)


def test_chosen_lots_are_named_by_the_id_of_their_purchase(write: Write) -> None:
    first, second = write(buy("2024-01-03", "5", "50"), buy("2024-02-01", "5", "60"))
    write(sell("2024-03-01", "3", "70", lots=(ChosenLot(second.public_id, D(3)),)))
    assert Disposal.objects.get().lot_transaction_id == second.pk
    assert differences() == []


def test_a_new_default_method_changes_no_past_sale(write: Write, account: Any) -> None:
    write(buy("2024-01-03", "5", "50"), buy("2024-02-01", "5", "60"))
    write(sell("2024-03-01", "1", "70"))
    change_account(account=account, lot_method="hifo")
    write(buy("2024-01-02", "1", "10"))  # back-dated: the asset is booked anew
    write(sell("2024-03-02", "1", "70"))
    assert list(Disposal.objects.order_by("closed_at").values_list("cost_basis", flat=True)) == [
        D(10),
        D(60),
    ]
    assert differences() == []


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (sell("2024-03-01", "7", "70"), "insufficient_quantity"),
        (sell("2024-01-02", "1", "70"), "insufficient_quantity"),
        (buy("2024-03-01", "1", "70", symbol="NOPE"), "symbol_unknown"),
        (Entry("buy", at("2024-03-01"), "EUR", "AAA", D(1), D(1)), "currency_mismatch"),
        (Entry("buy", at("2024-03-01"), "USD", None, D(1), D(1)), "symbol_required"),
        (Entry("deposit", at("2024-03-01"), "XAU", amount=D(1)), "exchange_rate_unknown"),
        (buy("1949-12-31", "1", "70"), "date_too_early"),
        (buy("2199-01-01", "1", "70"), "date_in_future"),
        (buy("2024-03-01", "1", "70", fx_rate=D(2)), "fx_rate_not_allowed"),
        (buy("2024-03-01", "1", "70", lot_method="fifo"), "field_not_allowed"),
        (sell("2024-03-01", "1", "70", lot_method="cheapest"), "lot_method_unknown"),
        (sell("2024-03-01", "1", "70", lot_method="specific"), "lot_selection_invalid"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refused_entry_leaves_nothing_not_even_its_batch(
    write: Write, entry: Entry, code: str
) -> None:
    write(buy("2024-01-03", "5", "50"))
    before = ledger_state()
    with pytest.raises(BallastError) as refusal:
        write(buy("2024-01-04", "1", "50"), entry)
    assert refusal.value.code == code
    assert ledger_state() == before


def test_a_lot_of_another_account_cannot_be_sold(write: Write, people: Any, assets: Any) -> None:
    from transactions.operations import open_account

    other = open_account(
        user=people.owner, name="Other", type="ira", currency="USD", now=timezone.now()
    )
    (foreign,) = record(
        account=other,
        entries=[buy("2024-01-03", "5", "50")],
        user=people.owner,
        now=timezone.now(),
    )
    write(buy("2024-01-03", "5", "50"))
    before = ledger_state()
    with pytest.raises(BallastError) as refusal:
        write(sell("2024-03-01", "3", "70", lots=(ChosenLot(foreign.public_id, D(3)),)))
    assert refusal.value.code == "lot_selection_invalid"
    assert ledger_state() == before


def test_a_reversal_is_a_row_of_its_own_and_undoes_everything(
    write: Write, account: Any, people: Any
) -> None:
    write(buy("2024-01-03", "5", "50"))
    (sale,) = write(sell("2024-03-01", "3", "70"))
    back = reverse(original=sale, user=people.owner, now=timezone.now())
    account.refresh_from_db()
    assert (back.reverses_id, account.cash) == (sale.pk, D(-250))
    assert not Disposal.objects.exists()
    assert Holding.objects.get().quantity == D(5)
    assert differences() == []


def test_what_later_sales_need_cannot_be_reversed_and_reversals_stay(
    write: Write, people: Any
) -> None:
    (bought,) = write(buy("2024-01-03", "5", "50"))
    (sold,) = write(sell("2024-03-01", "3", "70"))
    now = timezone.now()
    before = ledger_state()
    with pytest.raises(BallastError) as refusal:
        reverse(original=bought, user=people.owner, now=now)
    assert refusal.value.code == "reversal_breaks_ledger"
    assert ledger_state() == before

    back = reverse(original=sold, user=people.owner, now=now)
    before = ledger_state()
    for original, code in [(sold, "already_reversed"), (back, "reversal_of_reversal")]:
        with pytest.raises(BallastError) as refusal:
            reverse(original=original, user=people.owner, now=now)
        assert refusal.value.code == code
    assert ledger_state() == before


def test_the_database_itself_refuses_to_change_or_delete_a_transaction(write: Write) -> None:
    (row,) = write(buy("2024-01-03", "5", "50"))
    for attempt in (
        lambda: Transaction.objects.filter(pk=row.pk).update(amount=D(1)),
        lambda: Transaction.objects.filter(pk=row.pk).delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()
    assert Transaction.objects.get(pk=row.pk).amount == D(250)


def test_verify_finds_a_figure_that_was_tampered_with(write: Write) -> None:
    write(buy("2024-01-03", "5", "50"))
    assert differences() == []
    Lot.objects.update(cost_basis=D("249.99"))
    Holding.objects.update(quantity=D(6))
    Account.objects.update(cash=D(0))
    assert sorted(found.what for found in differences()) == ["cash", "holding", "lot"]


def test_recording_locks_the_account_before_it_reads(write: Write) -> None:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        write(buy("2024-01-03", "5", "50"))
    statements = [query["sql"] for query in captured if "transactions_" in query["sql"]]
    assert "FOR NO KEY UPDATE" in statements[0]


def test_recording_costs_the_same_queries_for_one_entry_and_for_many(write: Write) -> None:
    with CaptureQueriesContext(connection) as one:
        write(buy("2024-01-03", "5", "50"))
    with CaptureQueriesContext(connection) as many:
        write(*[buy("2024-01-04", "5", "50") for _ in range(50)])
    assert len(many) <= len(one) + 1


@pytest.mark.django_db(transaction=True)
def test_rival_sales_of_the_same_shares_cannot_both_win(write: Write) -> None:
    write(buy("2024-01-03", "5", "50"))
    start, outcomes = threading.Barrier(4), []

    def rival() -> None:
        start.wait()
        try:
            write(sell("2024-03-01", "3", "70"))
            outcomes.append("sold")
        except BallastError as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    rivals = [threading.Thread(target=rival) for _ in range(4)]
    for thread in rivals:
        thread.start()
    for thread in rivals:
        thread.join(timeout=30)
    assert sorted(outcomes) == ["insufficient_quantity"] * 3 + ["sold"]
    assert Holding.objects.get().quantity == D(2)
    assert differences() == []


def test_thousands_of_lots_book_and_verify(write: Write) -> None:
    write(
        *[buy(str((at("2020-01-01") + timedelta(days=n)).date()), "1", "50") for n in range(1000)]
    )
    write(sell("2024-03-01", "999.5", "70"))
    assert Holding.objects.get().quantity == D("0.5")
    assert differences() == []
