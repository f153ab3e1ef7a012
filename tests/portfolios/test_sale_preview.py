"""A sale before it is made: the lots, the tax, the wash sales, and that it then comes so."""

from datetime import datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from core.errors import BallastError
from marketdata.models import Asset, LatestPrice
from tests.effort import examples
from transactions.ledger.entries import Entry, Ratio
from transactions.models import Account, Disposal, Lot, Transaction, WashSale
from transactions.operations import open_account, record

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def days_ago(days: int) -> datetime:
    return (NOW - timedelta(days=days)).replace(hour=12, minute=0, second=0, microsecond=0)


def trade(kind: str, days: int, quantity: str, amount: str, symbol: str = "AAA") -> Entry:
    return Entry(kind, days_ago(days), "USD", symbol, D(quantity), amount=D(amount))


def write(account: Any, people: Any, *entries: Entry) -> list[Transaction]:
    return record(account=account, entries=entries, user=people.owner, now=timezone.now())


def other(people: Any, kind: str = "taxable") -> Any:
    return open_account(user=people.owner, name=kind, type=kind, currency="USD", now=timezone.now())


@pytest.fixture
def owner(people: Any, assets: Any, client_of: Any) -> Any:
    return client_of(people.owner)


def asked(client: Any, account: Any, **body: Any) -> Any:
    return client.post(f"/api/v1/portfolios/{account.public_id}/sale-preview", body)


def preview(client: Any, account: Any, **body: Any) -> dict[str, Any]:
    answer = asked(client, account, **body)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def state() -> tuple[Any, ...]:
    return (
        sorted(Transaction.objects.values_list("id", flat=True)),
        sorted(Lot.objects.values_list("id", "quantity", "cost_basis")),
        sorted(Disposal.objects.values_list("id", "quantity", "proceeds")),
        sorted(Account.objects.values_list("id", "cash", "ledger_version")),
    )


def test_a_gain_is_taxed_at_the_owners_rates(owner: Any, people: Any, account: Any) -> None:
    people.owner.federal_ordinary_rate = D("0.35")
    people.owner.state_rate = D("0.05")
    people.owner.save()
    write(account, people, trade("buy", 800, "10", "300"), trade("buy", 100, "10", "400"))
    before = state()
    found = preview(owner, account, symbol="aaa", quantity="15")
    assert (found["price"], found["proceeds"], found["lot_method"]) == ("50", "750.00", "fifo")
    long, short = found["lots"]
    assert (long["term"], long["quantity"], long["gain"]) == ("long", "10", "200.00")
    assert (short["term"], short["quantity"], short["gain"]) == ("short", "5", "50.00")
    # 200 x (15 % + 5 %) + 50 x (35 % + 5 %)
    assert (found["estimated_tax"], found["tax"]["marginal"]) == ("60.00", "60.00")
    assert (found["first_safe_date"], found["clean_sale_date"]) == (None, None)
    assert state() == before


def test_losses_of_the_year_and_of_earlier_years_make_a_gain_cheaper_than_its_rate(
    owner: Any, people: Any, account: Any
) -> None:
    write(
        account,
        people,
        trade("buy", 900, "10", "10000", "BBB"),
        trade("buy", 800, "100", "1000"),
        trade("sell", 5, "10", "6900", "BBB"),
    )
    body = {
        "filing_status": "single",
        "carryforwards": [
            {
                "owner_id": str(people.owner.public_id),
                "year": NOW.year,
                "short_term": "500",
                "long_term": "0",
            }
        ],
    }
    assert owner.put("/api/v1/tax/settings", body).status_code == 200
    found = preview(owner, account, symbol="AAA", quantity="100")  # a long gain of 4,000
    tax = found["tax"]
    assert tax["marginal"] == "600.00"
    assert tax["before"]["total"] == "-720.00"  # 3,000 of the 3,600 lost, at 24 %
    assert tax["after"]["net_long_term"] == "900.00"
    assert tax["after"]["total"] == "60.00"  # 400 left, at 15 %
    assert found["estimated_tax"] == tax["total"] == "780.00"
    assert tax["carried_out_change"] == {"short_term": "0.00", "long_term": "-600.00"}


def test_a_loss_says_when_to_buy_back_and_when_a_sale_would_be_clean(
    owner: Any, people: Any, account: Any
) -> None:
    his = other(people)
    write(account, people, trade("buy", 200, "40", "4000"))
    write(his, people, trade("buy", 12, "5", "240"), trade("buy", 9, "1", "48"))
    found = preview(owner, account, symbol="AAA", quantity="40")
    today = timezone.now().date()
    assert found["first_safe_date"] == (today + timedelta(days=31)).isoformat()
    assert found["clean_sale_date"] == (days_ago(9).date() + timedelta(days=31)).isoformat()
    wash = found["wash_sale"]
    assert wash["disallowed_loss"] == wash["deferred_loss"] == "300.00"  # 6 of 40 shares
    assert (wash["permanent_loss"], wash["loss_at_risk"]) == ("0.00", "1700.00")
    assert [
        (row["account_id"], row["quantity"], row["disallowed_loss"]) for row in wash["replacements"]
    ] == [(str(his.public_id), "5", "250.00"), (str(his.public_id), "1", "50.00")]


def test_a_purchase_in_the_ira_loses_its_part_for_good(
    owner: Any, people: Any, account: Any
) -> None:
    write(account, people, trade("buy", 200, "40", "2200"))
    write(other(people, "ira"), people, trade("buy", 3, "10", "500"))
    found = preview(owner, account, symbol="AAA", quantity="40")
    gone, rest = found["lots"]
    assert (gone["permanent"], gone["quantity"], gone["recognized_gain"]) == (True, "10", "0.00")
    assert (rest["permanent"], rest["quantity"], rest["recognized_gain"]) == (
        False,
        "30",
        "-150.00",
    )
    assert found["wash_sale"]["permanent_loss"] == "50.00"
    assert found["estimated_tax"] == "-36.00"  # 150 at 24 %


def test_an_ira_itself_is_not_taxed(owner: Any, people: Any, account: Any) -> None:
    ira = other(people, "ira")
    write(ira, people, trade("buy", 200, "40", "2200"))
    found = preview(owner, ira, symbol="AAA", quantity="40")
    assert (found["tax"], found["estimated_tax"], found["first_safe_date"]) == (None, "0.00", None)
    assert found["total"]["gain"] == "-200.00"


def test_every_method_is_put_beside_the_one_asked_for(
    owner: Any, people: Any, account: Any
) -> None:
    first, second = write(
        account, people, trade("buy", 800, "10", "300"), trade("buy", 100, "10", "480")
    )
    found = preview(owner, account, symbol="AAA", quantity="10")
    taxes = {row["lot_method"]: row["estimated_tax"] for row in found["methods"]}
    assert taxes == {
        "fifo": "30.00",  # 200 long at 15 %
        "lifo": "4.80",  # 20 short at 24 %
        "hifo": "4.80",
        "min_tax": "4.80",
        "average": "16.50",  # 110 at the average cost, oldest first, long
    }
    assert found["methods"][0]["lot_method"] == "fifo"
    named = preview(
        owner,
        account,
        symbol="AAA",
        quantity="3",
        lots=[
            {"lot_id": str(second.public_id), "quantity": "2"},
            {"lot_id": str(first.public_id), "quantity": "1"},
        ],
    )
    assert named["lot_method"] == named["methods"][0]["lot_method"] == "specific"
    assert {(row["lot_id"], row["quantity"]) for row in named["lots"]} == {
        (str(second.public_id), "2"),
        (str(first.public_id), "1"),
    }
    assert len(named["methods"]) == 6


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"symbol": "AAA", "quantity": "41"}, 400, "insufficient_quantity"),
        ({"symbol": "BBB", "quantity": "1"}, 400, "insufficient_quantity"),
        ({"symbol": "ZZZ", "quantity": "1"}, 400, "symbol_unknown"),
        ({"symbol": "AAA", "quantity": "0"}, 400, "not_positive"),
        ({"symbol": "AAA"}, 400, "required"),
        ({"symbol": "AAA", "quantity": "1", "lot_method": "magic"}, 400, "invalid_choice"),
        (
            {"symbol": "AAA", "quantity": "1", "lot_method": "specific"},
            400,
            "lot_selection_invalid",
        ),
        ({"symbol": "AAA", "quantity": "2", "lots": ["mine 1"]}, 400, "lot_selection_invalid"),
        ({"symbol": "AAA", "quantity": "1", "lots": ["his 1"]}, 400, "lot_selection_invalid"),
        (
            {"symbol": "AAA", "quantity": "1", "lots": ["mine 1"], "lot_method": "fifo"},
            400,
            "lots_and_method",
        ),
        ({"symbol": "NEW", "quantity": "1"}, 409, "price_unknown"),
        ({"symbol": "AAA", "quantity": "1", "when": "now"}, 400, "unknown_field"),
    ],
)
def test_what_recording_would_refuse_is_refused(
    owner: Any, people: Any, account: Any, body: dict[str, Any], status: int, code: str
) -> None:
    his = other(people)
    lots = {
        "mine": write(account, people, trade("buy", 200, "40", "2200"))[0],
        "his": write(his, people, trade("buy", 200, "40", "2200"))[0],
    }
    Asset.objects.create(symbol="NEW", name="New", asset_class="equity", currency="USD")
    if "lots" in body:
        named = [text.split() for text in body["lots"]]
        body = {
            **body,
            "lots": [
                {"lot_id": str(lots[whose].public_id), "quantity": quantity}
                for whose, quantity in named
            ],
        }
    before = state()
    answer = asked(owner, account, **body)
    assert answer.status_code == status, answer.content
    problem = answer.json()
    assert code in {problem["code"], *(one["code"] for one in problem["errors"])}
    assert state() == before


def test_a_price_of_ones_own_choosing_counts(owner: Any, people: Any, account: Any) -> None:
    write(account, people, trade("buy", 200, "40", "2200"))
    LatestPrice.objects.all().delete()
    estimate = preview(owner, account, symbol="AAA", quantity="1")
    assert (estimate["price"], estimate["price_estimated"]) == ("55", True)
    found = preview(owner, account, symbol="AAA", quantity="10", price="60.5", fee="5")
    assert (found["proceeds"], found["total"]["gain"], found["price_as_of"]) == (
        "600.00",
        "50.00",
        None,
    )


def test_without_any_price_one_is_asked_for(owner: Any, people: Any, account: Any) -> None:
    at = days_ago(200)
    arrival = Entry("transfer_in", at, "USD", "AAA", D(40), amount=D(2200), opened_date=at.date())
    write(account, people, arrival)
    LatestPrice.objects.all().delete()
    assert asked(owner, account, symbol="AAA", quantity="1").json()["code"] == "price_unknown"


def test_family_and_adviser_may_look_and_a_stranger_may_not(
    people: Any, assets: Any, client_of: Any, account: Any
) -> None:
    write(account, people, trade("buy", 200, "40", "2200"))
    for person in (people.owner, people.spouse, people.adviser):
        assert preview(client_of(person), account, symbol="AAA", quantity="1")["lots"]
    answer = asked(client_of(people.stranger), account, symbol="AAA", quantity="1")
    assert (answer.status_code, answer.json()["code"]) == (404, "account_not_found")


def test_many_lots_cost_as_many_queries_as_one(owner: Any, people: Any, account: Any) -> None:
    def queries(quantity: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            preview(owner, account, symbol="AAA", quantity=quantity)
        return len(captured)

    write(account, people, trade("buy", 200, "1", "60"))
    queries("1")
    few = queries("1")
    write(account, people, *[trade("buy", 199 - n % 150, "1", f"{40 + n}") for n in range(120)])
    assert queries("100") == few


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["taxable", "taxable", "spouse", "ira"]),
        st.sampled_from(["buy", "buy", "sell"]),
        st.integers(0, 80),  # days ago
        st.integers(1, 400),  # tenths of a share
        st.integers(2000, 8000),  # cents a share
    ),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=STEPS,
    wanted=st.integers(1, 300),
    method=st.sampled_from(["fifo", "lifo", "hifo", "min_tax", "average"]),
    split=st.booleans(),
)
def test_recording_the_sale_gives_what_the_preview_said(
    people: Any,
    assets: Any,
    client_of: Any,
    steps: list[tuple[str, str, int, int, int]],
    wanted: int,
    method: str,
    split: bool,
) -> None:
    with transaction.atomic():
        ways_of_selling(people, client_of(people.owner), steps, wanted, method, split)
        transaction.set_rollback(True)


def ways_of_selling(
    people: Any,
    client: Any,
    steps: list[tuple[str, str, int, int, int]],
    wanted: int,
    method: str,
    split: bool,
) -> None:
    accounts = {name: other(people, name) for name in ("taxable", "ira")}
    accounts["spouse"] = other(people)
    for number, (where, kind, days, tenths, cents) in enumerate(sorted(steps, key=lambda s: -s[2])):
        quantity = D(tenths) / 10
        moment = days_ago(days + 1) + timedelta(seconds=number)
        entry = Entry(kind, moment, "USD", "AAA", quantity, D(cents) / 100)
        try:
            record(account=accounts[where], entries=[entry], user=people.owner, now=timezone.now())
        except BallastError:
            continue
    account = accounts["taxable"]
    if split and Lot.objects.filter(account=account, quantity__gt=0).exists():
        later = days_ago(1) + timedelta(hours=1)
        three = Entry("split", later, "USD", "AAA", ratio=Ratio(D(3), D(2)))
        record(account=account, entries=[three], user=people.owner, now=timezone.now())
    body = {"symbol": "AAA", "quantity": str(D(wanted) / 10), "lot_method": method}
    before = state()
    answer = asked(client, account, **body)
    assert state() == before
    sale = Entry("sell", timezone.now(), "USD", "AAA", D(wanted) / 10, D(50), lot_method=method)
    if answer.status_code != 200:
        with pytest.raises(BallastError) as refused:
            record(account=account, entries=[sale], user=people.owner, now=timezone.now())
        assert refused.value.code == answer.json()["code"]
        return
    found = answer.json()
    wash = found["wash_sale"]
    deferred, permanent = (D(wash[name]) > 0 for name in ("deferred_loss", "permanent_loss"))
    event(f"washed: {deferred}, for good: {permanent}")
    earlier = returned(client)
    (row,) = record(account=account, entries=[sale], user=people.owner, now=timezone.now())
    url = f"/api/v1/portfolios/{account.public_id}/gains"
    rows = [
        line
        for line in client.get(url, {"page_size": 1000}).json()["data"]
        if line["sale_id"] == str(row.public_id)
    ]
    assert [{name: line[name] for name in found["lots"][0]} for line in rows] == found["lots"]
    matches = WashSale.objects.filter(sale=row)
    assert sorted(str(match.replacement.public_id) for match in matches) == sorted(
        match["lot_id"] for match in found["wash_sale"]["replacements"]
    )
    assert D(found["estimated_tax"]) == returned(client) - earlier
    compared = {one["lot_method"]: one for one in found["methods"]}
    assert compared[method]["estimated_tax"] == found["estimated_tax"]


def returned(client: Any) -> D:
    (found,) = client.get("/api/v1/tax/returns").json()["returns"]
    return D(found["tax"]["total"])


def test_a_chosen_lot_counts_once(owner: Any, people: Any, account: Any) -> None:
    """Named twice it is refused, as the ledger refuses it."""
    (lot,) = write(account, people, trade("buy", 200, "40", "2200"))
    named = {"lot_id": str(lot.public_id), "quantity": "1"}
    answer = asked(owner, account, symbol="AAA", quantity="2", lots=[named, named])
    assert (answer.status_code, answer.json()["code"]) == (400, "lot_selection_invalid")


def test_another_share_of_the_same_group_replaces_too(
    owner: Any, people: Any, account: Any, assets: Any
) -> None:
    assets["BBB"].substantially_identical_to = assets["AAA"]
    assets["BBB"].save()
    write(account, people, trade("buy", 200, "40", "2200"))
    (twin,) = write(other(people), people, trade("buy", 4, "10", "200", "BBB"))
    found = preview(owner, account, symbol="AAA", quantity="40")
    (match,) = found["wash_sale"]["replacements"]
    assert (match["lot_id"], match["disallowed_loss"]) == (str(twin.public_id), "50.00")
    assert found["clean_sale_date"] == (days_ago(4).date() + timedelta(days=31)).isoformat()


def test_a_sale_whose_own_purchase_is_young_meets_no_replacement(
    owner: Any, people: Any, account: Any
) -> None:
    """Shares of one purchase do not replace each other (Rev. Rul. 56-602)."""
    write(account, people, trade("buy", 10, "40", "2200"))
    found = preview(owner, account, symbol="AAA", quantity="10")
    assert (found["wash_sale"]["disallowed_loss"], found["clean_sale_date"]) == ("0.00", None)
    assert found["first_safe_date"] is not None
