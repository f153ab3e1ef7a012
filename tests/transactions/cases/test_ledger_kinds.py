"""Rules of the ledger that hold for every way in: acquisitions elsewhere, events on nothing held,
cash that comes late, and the order of losses.
"""

from decimal import Decimal as D
from typing import Any

import pytest

from transactions.models import Disposal, WashSale
from transactions.operations.verification import verified

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def proved() -> Any:
    """Whatever a case records must be what booking from the start gives."""
    yield
    assert [found for batch in verified() for found in batch.differences] == []


def arrival(own: Any, day: str, opened: str, quantity: str = "10", **more: Any) -> Any:
    return own.post(
        day, "transfer_in", "EMP", quantity=quantity, amount="850", opened_date=opened, **more
    )


def loss(own: Any) -> None:
    own.post("2024-01-02", "buy", "EMP", quantity="10", price="100")
    own.post("2024-05-01", "sell", "EMP", quantity="10", price="80")


# Acquired, though not bought


@pytest.mark.parametrize(
    ("opened", "disallowed"),
    [
        ("2024-04-01", 200),  # 30 days before the sale
        ("2024-03-31", 0),
        ("2024-05-31", 200),  # 30 days after it
        ("2024-06-01", 0),
        ("2022-05-15", 0),  # old shares that are only moved
    ],
)
@pytest.mark.parametrize("first", [False, True])
def test_shares_from_outside_replace_a_loss_on_the_day_they_were_acquired(
    person: Any, opened: str, disallowed: int, first: bool
) -> None:
    own = person.account()
    person.asset("EMP")
    if first:
        arrival(own, "2024-09-01", opened)
        loss(own)
    else:
        loss(own)
        arrival(own, "2024-09-01", opened)
    (line,) = own.gains()
    assert D(line["disallowed_loss"]) == disallowed
    assert own.lots("EMP") == [(opened, D(10), D(850 + disallowed))]
    dates = WashSale.objects.values_list("replacement_date", flat=True)
    assert [str(day) for day in dates] == ([opened] if disallowed else [])


@pytest.mark.parametrize("arrives_last", [False, True])
def test_shares_acquired_elsewhere_come_before_a_later_purchase(
    person: Any, arrives_last: bool
) -> None:
    own = person.account()
    person.asset("EMP")
    loss(own)
    if not arrives_last:
        arrival(own, "2024-09-01", "2024-05-15")
    own.post("2024-05-20", "buy", "EMP", quantity="10", price="85")
    if arrives_last:
        arrival(own, "2024-09-01", "2024-05-15")
    assert own.lots("EMP") == [("2024-05-15", D(10), D(1050)), ("2024-05-20", D(10), D(850))]


def test_shares_that_came_before_their_loss_was_taken(person: Any) -> None:
    """Acquired 11 days before the sale, arrived before it, recorded before it."""
    own = person.account()
    person.asset("EMP")
    own.post("2024-01-02", "buy", "EMP", quantity="10", price="100")
    arrival(own, "2024-04-25", "2024-04-20", quantity="4")
    own.post("2024-05-01", "sell", "EMP", quantity="10", price="80")
    (line,) = [line for line in own.gains() if D(line["quantity"]) == 10]
    assert D(line["disallowed_loss"]) == 80


def test_shares_acquired_elsewhere_in_a_retirement_account_end_the_loss_for_good(
    person: Any,
) -> None:
    own, ira = person.account(), person.account(type="ira", name="IRA")
    person.asset("EMP")
    loss(own)
    arrival(ira, "2024-09-01", "2024-05-15", quantity="4")
    permanent = [D(line["disallowed_loss"]) for line in own.gains() if line["permanent"]]
    assert permanent == [D(80)]
    assert ira.lots("EMP") == [("2024-05-15", D(4), D(850))]


def test_a_split_between_acquisition_and_arrival_counts_in_the_units_of_each_day(
    person: Any,
) -> None:
    own = person.account()
    person.asset("EMP")
    loss(own)
    own.post("2024-07-01", "split", "EMP", ratio="2:1")
    # 10 of the present units were 5 then: half of the loss.
    arrival(own, "2024-09-01", "2024-05-15")
    assert own.lots("EMP") == [("2024-05-15", D(10), D(950))]
    assert sum(D(line["disallowed_loss"]) for line in own.gains()) == 100


def test_a_reversed_arrival_gives_the_loss_back(person: Any) -> None:
    own = person.account()
    person.asset("EMP")
    loss(own)
    told = arrival(own, "2024-09-01", "2024-05-15")
    assert own.api.post(f"/api/v1/transactions/{told['id']}/reverse", {}).status_code == 201
    (line,) = own.gains()
    assert D(line["disallowed_loss"]) == 0


def test_a_sale_before_an_arrival_that_replaces_it_is_replayed(person: Any) -> None:
    own = person.account()
    person.asset("EMP")
    own.post("2024-01-02", "buy", "EMP", quantity="20", price="100")
    arrival(own, "2024-09-01", "2024-05-15")
    own.post("2024-12-02", "sell", "EMP", quantity="1", price="120", lot_method="lifo")
    own.post("2024-05-01", "sell", "EMP", quantity="10", price="80")
    assert sum(D(line["disallowed_loss"]) for line in own.gains()) == 200


# An event where nothing is held


def switched_off(person: Any) -> None:
    policy = person.api.get("/api/v1/tax/wash-sale-policy").json()
    written = ("earlier_acquired_count", "holding_period", "employer_plan_counts", "crypto_exempt")
    body = {name: policy[name] for name in written} | {"enabled": False}
    assert person.api.put("/api/v1/tax/wash-sale-policy", body).status_code == 200


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("split", {"ratio": "2:1"}),
        ("stock_dividend", {"ratio": "1:20"}),
        ("spin_off", {"ratio": "1:4", "new_symbol": "NEW", "basis_percentage": "10"}),
        ("rights_issue", {"ratio": "1:1", "new_symbol": "NEW"}),
        ("merger", {"ratio": "1:2", "new_symbol": "NEW"}),
        ("symbol_change", {"new_symbol": "NEW"}),
    ],
)
def test_an_event_where_nothing_is_held_changes_nothing(
    person: Any, kind: str, told: dict[str, str]
) -> None:
    own = person.account()
    person.asset("AAA")
    person.asset("NEW")
    own.post("2024-01-02", kind, "AAA", **told)
    own.post("2024-03-01", "buy", "AAA", quantity="10", price="10")
    own.post("2024-04-01", "sell", "AAA", quantity="10", price="8")
    own.post("2024-04-05", kind, "AAA", **told)
    assert (own.lots("AAA"), own.lots("NEW")) == ([], [])
    switched_off(person)
    own.post("2024-02-01", "buy", "AAA", quantity="1", price="10")
    assert sum(D(line["gain"]) for line in own.gains()) == -20


@pytest.mark.parametrize("kind", ["spin_off", "stock_dividend"])
def test_units_stated_in_all_belong_to_shares_that_are_held(person: Any, kind: str) -> None:
    own = person.account()
    person.asset("AAA")
    person.asset("NEW")
    more = {"new_symbol": "NEW", "basis_percentage": "10"} if kind == "spin_off" else {}
    answer = own.api.post(
        "/api/v1/transactions",
        {"account_id": own.id, "type": kind, "symbol": "AAA", "quantity": "5",
         "executed_at": "2024-01-02T15:00:00Z", **more},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (400, "nothing_held")


def test_a_split_told_late_by_an_account_that_has_sold(person: Any) -> None:
    one, other = person.account(), person.account(name="Other")
    person.asset("AAA")
    for own in (one, other):
        own.post("2024-01-02", "buy", "AAA", quantity="10", price="100")
    one.post("2024-03-01", "split", "AAA", ratio="2:1")
    other.post("2024-03-02", "sell", "AAA", quantity="10", price="90")
    other.post("2024-03-03", "split", "AAA", ratio="2:1")
    assert [lot[1] for lot in one.lots("AAA")] == [D(20)]
    switched_off(person)
    other.post("2024-02-01", "buy", "AAA", quantity="1", price="10")
    assert [lot[1] for lot in other.lots("AAA")] == [D(2)]


# One split, told by three accounts in three ways


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_one_split_told_by_three_accounts(person: Any, order: tuple[int, ...]) -> None:
    accounts = [person.account(name=f"Account {number}") for number in range(3)]
    person.asset("AAA")
    for own, quantity in zip(accounts, ("10", "30", "33"), strict=True):
        own.post("2024-01-02", "buy", "AAA", quantity=quantity, price="100")
    accounts[0].post("2024-02-20", "sell", "AAA", quantity="4", price="90")
    # The ratio; the units added as a ratio of units; the units after, a fraction rounded.
    told = ["3:2", "45:30", "49:33"]
    for number in order:
        accounts[number].post(f"2024-03-0{1 + number}", "split", "AAA", ratio=told[number])
    assert [[lot[1] for lot in own.lots("AAA")] for own in accounts] == [[D(9)], [D(45)], [D(49)]]
    # 4 old shares sold at a loss are 6 new ones: replaced once, in full.
    accounts[1].post("2024-03-10", "buy", "AAA", quantity="20", price="60")
    (line,) = accounts[0].gains()
    assert D(line["disallowed_loss"]) == 40
    assert D(WashSale.objects.get().quantity) == 6


# Cash that comes after the shares are gone


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("return_of_capital", {}),
        ("merger", {}),  # liquidation, paid late
        ("split", {"ratio": "3:2"}),  # cash in lieu, paid late
        ("spin_off", {"ratio": "1:4", "new_symbol": "NEW", "basis_percentage": "10"}),
    ],
)
@pytest.mark.parametrize(("bought", "term"), [("2023-03-01", "short"), ("2022-03-01", "long")])
def test_cash_for_shares_that_are_gone_is_a_gain(
    person: Any, kind: str, told: dict[str, str], bought: str, term: str
) -> None:
    own = person.account()
    person.asset("LQX")
    person.asset("NEW")
    own.post(bought, "buy", "LQX", quantity="100", amount="2000.00")
    own.post("2023-12-20", "sell", "LQX", quantity="100", amount="1900.00")
    before = own.cash
    own.post("2024-06-10", kind, "LQX", amount="60.00", **told)
    assert own.cash - before == 60
    lines = {line["closed_date"]: line for line in own.gains()}
    late = lines["2024-06-10"]
    assert (D(late["proceeds"]), D(late["cost_basis"]), late["term"]) == (D(60), D(0), term)
    assert D(lines["2023-12-20"]["gain"]) == -100
    assert own.lots("LQX") == []


def test_cash_for_two_lots_that_are_gone_goes_by_their_shares(person: Any) -> None:
    own = person.account()
    person.asset("LQX")
    own.post("2022-03-01", "buy", "LQX", quantity="30", price="20")
    own.post("2023-03-01", "buy", "LQX", quantity="70", price="20")
    own.post("2023-12-20", "sell", "LQX", quantity="100", price="19")
    own.post("2024-01-10", "return_of_capital", "LQX", amount="100.00")
    late = [(line["term"], D(line["gain"])) for line in own.gains() if line["closed_date"] > "2024"]
    assert sorted(late) == [("long", D(30)), ("short", D(70))]


def test_cash_for_shares_that_were_moved_out_is_a_gain(person: Any) -> None:
    own = person.account()
    person.asset("LQX")
    own.post("2022-03-01", "buy", "LQX", quantity="30", price="20")
    own.post("2023-12-20", "transfer_out", "LQX", quantity="30")
    own.post("2024-01-10", "return_of_capital", "LQX", amount="9.00")
    (late,) = own.gains()
    assert (D(late["gain"]), late["term"]) == (D(9), "long")


def test_cash_for_shares_that_were_never_held_is_refused(person: Any) -> None:
    own = person.account()
    person.asset("LQX")
    answer = own.api.post(
        "/api/v1/transactions",
        {"account_id": own.id, "type": "return_of_capital", "symbol": "LQX", "amount": "5",
         "executed_at": "2024-01-02T15:00:00Z"},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (400, "nothing_held")


def test_capital_beyond_the_basis_of_lots_held_is_a_gain(person: Any) -> None:
    own = person.account()
    person.asset("LQX")
    own.post("2023-03-01", "buy", "LQX", quantity="10", amount="10.00")
    own.post("2023-04-03", "buy", "LQX", quantity="10", amount="100.00")
    own.post("2024-01-10", "return_of_capital", "LQX", amount="60.00")
    (line,) = own.gains()
    assert (D(line["gain"]), line["term"]) == (D(20), "short")
    assert [lot[2] for lot in own.lots("LQX")] == [D(0), D(70)]


# Losses of one instant


@pytest.mark.parametrize("before", [False, True])
def test_losses_of_one_instant_meet_replacements_in_one_order(person: Any, before: bool) -> None:
    """The larger, tacked part of the lot comes first, whether its replacement came first or not."""
    own = person.account()
    person.asset("AAA")
    own.post("2024-01-02", "buy", "AAA", quantity="6", price="100")
    own.post("2024-03-01", "sell", "AAA", quantity="6", price="80")
    # 6 of 10 take over the loss, and 59 days: pieces of 6 (held longer) and of 4.
    own.post("2024-03-11", "buy", "AAA", quantity="10", price="90")
    if before:
        own.post("2024-05-20", "buy", "AAA", quantity="5", price="70")
    sale = own.api.post(
        "/api/v1/transactions",
        {"account_id": own.id, "type": "sell", "symbol": "AAA", "quantity": "10", "price": "70",
         "executed_at": "2024-06-03T15:00:00Z", "lot_method": "fifo"},
    )  # fmt: skip
    assert sale.status_code == 201
    if not before:
        own.post("2024-06-10", "buy", "AAA", quantity="5", price="70")
    parts = Disposal.objects.filter(closed_at__year=2024, closed_at__month=6).order_by("part")
    found = [(row.quantity, row.matched_quantity, row.deferred_loss) for row in parts]
    assert found == [(D(6), D(5), D(200)), (D(4), D(0), D(0))]


# No figure that is not zero is shown as 0


@pytest.mark.parametrize(
    ("quantity", "amount", "price"),
    [
        ("5000000000", "8.50", "0.0000000017"),
        ("900000000000", "0.01", "0.00000000000001111111111"),
        ("4", "10", "2.5"),
    ],
)
def test_prices_below_a_hundred_millionth_are_shown(
    person: Any, quantity: str, amount: str, price: str
) -> None:
    own = person.account()
    person.asset("BABYX", asset_class="crypto")
    told = own.post("2024-02-01", "buy", "BABYX", quantity=quantity, amount=amount)
    assert told["price"] == price
    (holding,) = own.api.get(f"/api/v1/portfolios/{own.id}/holdings").json()["data"]
    assert holding["average_cost"] == price
