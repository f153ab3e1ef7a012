"""A lot's lineage: every figure opens, and its steps sum to the basis, open and closed."""

from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import BallastError
from tests.effort import examples
from transactions.ledger.entries import Entry, Ratio
from transactions.models import Disposal, Lot, Transaction
from transactions.operations import open_account, record

pytestmark = pytest.mark.django_db


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def trade(kind: str, day: str, quantity: str, amount: str, **rest: Any) -> Entry:
    return Entry(kind, at(day), "USD", "AAA", D(quantity), amount=D(amount), **rest)


def write(account: Any, people: Any, *entries: Entry) -> list[Transaction]:
    return record(account=account, entries=entries, user=people.owner, now=timezone.now())


def other(people: Any, kind: str = "taxable") -> Any:
    return open_account(user=people.owner, name=kind, type=kind, currency="USD", now=timezone.now())


@pytest.fixture
def owner(people: Any, assets: Any, client_of: Any) -> Any:
    return client_of(people.owner)


def lineage(client: Any, account: Any, lot: Transaction) -> dict[str, Any]:
    url = f"/api/v1/portfolios/{account.public_id}/lots/{lot.public_id}/lineage"
    answer = client.get(url)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    adds_up(found)
    return found


def adds_up(found: dict[str, Any]) -> None:
    here = [step for step in found["steps"] if step["account_id"] == found["account_id"]]
    pieces = [row for row in found["pieces"] if row["account_id"] == found["account_id"]]
    steps = sum((D(step["basis"]) for step in here), D(0))
    held = sum((D(row["cost_basis"]) for row in pieces), D(0))
    closed = sum((D(row["cost_basis"]) for row in found["disposals"]), D(0))
    assert steps == held + closed
    assert found["arithmetic"] == {
        "steps": f"{steps:.2f}",
        "open_basis": f"{held:.2f}",
        "closed_basis": f"{closed:.2f}",
        "difference": "0.00",
    }
    assert sum((D(step["closed_basis"]) for step in here), D(0)) == closed


def brief(found: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    return [
        (
            step["type"],
            step["quantity"],
            step["basis"],
            step["quantity_after"],
            step["basis_after"],
        )
        for step in found["steps"]
    ]


def test_a_purchase_opens_into_price_fee_and_rate(owner: Any, people: Any, account: Any) -> None:
    (lot,) = record(
        account=account,
        entries=[Entry("buy", at("2024-01-03"), "EUR", "EEE", D(10), D("9.50"), fee=D(2))],
        user=people.owner,
        now=timezone.now(),
    )
    found = lineage(owner, account, lot)
    assert found["acquisition"] == {
        "transaction_id": str(lot.public_id),
        "account_id": str(account.public_id),
        "type": "buy",
        "symbol": "EEE",
        "executed_at": "2024-01-03T00:00:00Z",
        "opened_date": "2024-01-03",
        "quantity": "10",
        "price": "9.5",
        "amount": "95.00",
        "fee": "2.00",
        "currency": "EUR",
        "fx_rate": "1.25",
        "fx_date": "2024-01-03",
        "cost": "121.25",
    }
    assert brief(found) == [("buy", "10", "121.25", "10", "121.25")]


def test_a_chain_of_wash_sales_is_told_to_its_first_loss(
    owner: Any, people: Any, account: Any
) -> None:
    """ENGINES 3.2, scenario 8: 200 then 140 deferred, last basis 2,020, tacked 2025-02-07."""
    first, _, second, sale, third = write(
        account,
        people,
        trade("buy", "2025-01-06", "40", "2000"),
        trade("sell", "2025-03-03", "40", "1800"),
        trade("buy", "2025-03-20", "40", "1840"),
        trade("sell", "2025-04-10", "40", "1900"),
        trade("buy", "2025-04-25", "40", "1880"),
    )
    found = lineage(owner, account, third)
    assert brief(found) == [
        ("buy", "40", "1880.00", "40", "1880.00"),
        ("wash_sale", "0", "140.00", "40", "2020.00"),
    ]
    (piece,) = found["pieces"]
    assert (piece["holding_period_date"], piece["wash_sale_adjustment"]) == ("2025-02-07", "140.00")
    chain = found["absorbed_wash_sales"]
    assert [
        (row["depth"], row["loss_lot_id"], row["disallowed_loss"], row["days_held"])
        for row in chain
    ] == [
        (1, str(second.public_id), "140.00", 77),
        (2, str(first.public_id), "200.00", 56),
    ]
    middle = lineage(owner, account, second)
    assert brief(middle) == [
        ("buy", "40", "1840.00", "40", "1840.00"),
        ("wash_sale", "0", "200.00", "40", "2040.00"),
        ("sell", "0", "0.00", "0", "0.00"),
    ]
    (line,) = middle["disposals"]
    assert (line["sale_id"], line["disallowed_loss"]) == (str(sale.public_id), "140.00")
    assert [row["replacement_lot_id"] for row in line["wash_sales"]] == [str(third.public_id)]


def test_a_permanent_loss_names_the_purchase_in_the_ira(
    owner: Any, people: Any, account: Any
) -> None:
    (lot,) = write(account, people, trade("buy", "2025-01-06", "40", "2000"))
    write(account, people, trade("sell", "2025-03-03", "40", "1800"))
    (gone,) = write(other(people, "ira"), people, trade("buy", "2025-03-10", "10", "460"))
    (kept,) = write(account, people, trade("buy", "2025-03-12", "20", "920"))
    permanent, rest = lineage(owner, account, lot)["disposals"]
    assert [row["replacement_lot_id"] for row in permanent["wash_sales"]] == [str(gone.public_id)]
    assert [row["replacement_lot_id"] for row in rest["wash_sales"]] == [str(kept.public_id)]
    assert (permanent["permanent"], rest["permanent"]) == (True, False)


def test_corporate_actions_are_steps(owner: Any, people: Any, account: Any) -> None:
    (lot,) = write(account, people, trade("buy", "2024-01-03", "10", "1000"))
    write(
        account,
        people,
        Entry("split", at("2024-02-01"), "USD", "AAA", ratio=Ratio(D(3), D(1))),
        Entry("return_of_capital", at("2024-03-01"), "USD", "AAA", amount=D("60.01")),
        Entry(
            "spin_off",
            at("2024-04-01"),
            "USD",
            "AAA",
            new_symbol="BBB",
            ratio=Ratio(D(1), D(2)),
            basis_percentage=D(20),
        ),
        trade("sell", "2024-05-01", "6", "300"),
    )
    found = lineage(owner, account, lot)
    assert [
        (step["type"], step["symbol"], step["quantity"], step["basis"]) for step in found["steps"]
    ] == [
        ("buy", "AAA", "10", "1000.00"),
        ("split", "AAA", "20", "0.00"),
        ("return_of_capital", "AAA", "0", "-60.01"),
        ("spin_off", "AAA", "0", "-188.00"),
        ("spin_off", "BBB", "15", "188.00"),
        ("sell", "AAA", "0", "0.00"),
    ]
    assert found["steps"][1]["ratio"] == "3:1"
    assert {(row["symbol"], row["quantity"]) for row in found["pieces"]} == {
        ("AAA", "24"),
        ("BBB", "15"),
    }


def test_a_transfer_is_followed_into_the_other_account(
    owner: Any, people: Any, account: Any
) -> None:
    his = other(people)
    (lot,) = write(account, people, trade("buy", "2024-01-03", "10", "1000"))
    write(account, people, trade("sell", "2024-02-01", "3", "330"))
    write(
        account,
        people,
        Entry("transfer_out", at("2024-03-01"), "USD", "AAA", D(5), to_account_id=his.public_id),
    )
    for place, total in ((account, "500.00"), (his, "500.00")):
        found = lineage(owner, place, lot)
        assert found["arithmetic"]["steps"] == total
        assert [step["type"] for step in found["steps"]] == [
            "buy",
            "sell",
            "transfer_out",
            "transfer_in",
        ]
        assert found["acquisition"]["account_id"] == str(account.public_id)


def test_average_cost_moves_basis_between_lots(owner: Any, people: Any, account: Any) -> None:
    first, second, _ = write(
        account,
        people,
        trade("buy", "2024-01-03", "10", "1000"),
        trade("buy", "2024-02-01", "10", "1400"),
        trade("sell", "2024-03-01", "5", "700", lot_method="average"),
    )
    assert lineage(owner, account, first)["arithmetic"]["steps"] == "1200.00"
    assert brief(lineage(owner, account, second)) == [
        ("buy", "10", "1400.00", "10", "1400.00"),
        ("sell", "0", "-200.00", "10", "1200.00"),
    ]


def test_a_lot_of_another_account_or_of_nobody_is_not_found(
    owner: Any, people: Any, account: Any, client_of: Any
) -> None:
    (mine,) = write(account, people, trade("buy", "2024-01-03", "10", "1000"))
    elsewhere = other(people)
    sale = write(account, people, trade("sell", "2024-02-03", "1", "100"))[0]
    for place, lot in ((elsewhere, mine), (account, sale)):
        url = f"/api/v1/portfolios/{place.public_id}/lots/{lot.public_id}/lineage"
        answer = owner.get(url)
        assert (answer.status_code, answer.json()["code"]) == (404, "lot_not_found")
    url = f"/api/v1/portfolios/{account.public_id}/lots/{mine.public_id}/lineage"
    for person, status in (("spouse", 200), ("adviser", 200), ("stranger", 404)):
        assert client_of(getattr(people, person)).get(url).status_code == status


def test_a_long_history_costs_as_many_queries_as_a_short_one(
    owner: Any, people: Any, account: Any
) -> None:
    (lot,) = write(account, people, trade("buy", "2020-01-03", "1000", "1000"))

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            lineage(owner, account, lot)
        return len(captured)

    write(account, people, trade("sell", "2020-02-03", "1", "0.90"))
    write(account, people, trade("buy", "2020-02-04", "1", "1"))
    queries()
    few = queries()
    write(account, people, *[trade("sell", f"2020-03-{n:02}", "1", "0.90") for n in range(1, 29)])
    write(account, people, *[trade("buy", f"2020-03-{n:02}", "1", "1") for n in range(1, 29)])
    assert queries() == few


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["buy", "buy", "sell", "sell", "split", "return_of_capital", "transfer"]),
        st.booleans(),
        st.integers(0, 90),
        st.integers(1, 400),
        st.integers(1000, 9000),
        st.sampled_from(["fifo", "lifo", "hifo", "average"]),
    ),
    min_size=2,
    max_size=14,
)


def drawn_entry(
    kind: str, moment: datetime, quantity: D, price: D, method: str, elsewhere: Any
) -> Entry:
    if kind == "split":
        return Entry("split", moment, "USD", "AAA", ratio=Ratio(D(3), D(2)))
    if kind == "return_of_capital":
        return Entry(kind, moment, "USD", "AAA", amount=price)
    if kind == "transfer":
        destination = elsewhere.public_id
        return Entry("transfer_out", moment, "USD", "AAA", quantity, to_account_id=destination)
    chosen = method if kind == "sell" else None
    return Entry(kind, moment, "USD", "AAA", quantity, price, lot_method=chosen)


@settings(
    max_examples=examples(20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(events=EVENTS)
def test_every_lot_of_a_random_ledger_adds_up(
    people: Any, assets: Any, client_of: Any, events: list[tuple[Any, ...]]
) -> None:
    with transaction.atomic():
        every_lot_adds_up(people, client_of(people.owner), events)
        transaction.set_rollback(True)


def every_lot_adds_up(people: Any, client: Any, events: list[tuple[Any, ...]]) -> None:
    places = [other(people), other(people)]
    start = at("2024-01-01").timestamp()
    for number, (kind, where, day, tenths, cents, method) in enumerate(events):
        moment = datetime.fromtimestamp(start + day * 86400 + number, tz=UTC)
        account, elsewhere = places[where], places[not where]
        entry = drawn_entry(kind, moment, D(tenths) / 10, D(cents) / 100, method, elsewhere)
        try:
            record(account=account, entries=[entry], user=people.owner, now=timezone.now())
        except BallastError:
            continue
    for account in places:
        for lot in {row.transaction for row in Lot.objects.filter(account=account)}:
            found = lineage(client, account, lot)
            mine = Disposal.objects.filter(account=account, lot_transaction=lot)
            assert len({row["id"].rstrip("p") for row in found["disposals"]}) == mine.count()
