"""Corporate actions over HTTP: whose they are, what they change, and what they refuse."""

from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import pytest

from jobs.models import Job
from marketdata.models import Asset, CorporateAction
from transactions.models import ActionRun, AppliedAction, Transaction

pytestmark = pytest.mark.django_db

URL = "/api/v1/corporate-actions"
SPLIT = {"symbol": "AAA", "kind": "split", "ex_date": "2024-06-10", "ratio": "2:1"}


@pytest.fixture
def held(ledgers: Any, people: Any) -> Any:
    """The owner's account with ten shares of AAA."""
    account = ledgers.account(people.owner)
    ledgers.trade(account, "buy", "2024-03-01", "10", "500")
    return account


def test_a_person_proposes_previews_confirms_and_withdraws(
    ledgers: Any, people: Any, client_of: Any, held: Any
) -> None:
    api = client_of(people.owner)
    made = api.post(URL, SPLIT, format="json")
    assert made.status_code == 201
    row = made.json()
    assert (row["title"], row["scope"]) == ("2:1 split of AAA", "household")
    assert (row["state"], row["booking"], row["source"]) == ("proposed", "none", "person")
    seen = api.get(f"{URL}/{row['id']}/preview").json()
    (part,) = seen["accounts"]
    assert (part["outcome"], part["gains"], seen["refusal"]) == ("to_book", [], "")
    assert (part["before"]["quantity"], part["after"]["quantity"]) == ("10", "20")
    assert part["after"]["lots"][0]["cost_basis"] == "500.00"
    assert ledgers.told(held) == []
    done = api.post(f"{URL}/{row['id']}/confirm").json()
    assert (done["state"], done["booking"]) == ("confirmed", "booked")
    assert done["confirmed_by"] == "owner@ballast.example"
    assert ledgers.lots(held) == [("2024-03-01", D(20), D(500))]
    again = api.post(f"{URL}/{row['id']}/confirm").json()
    assert (again["state"], len(ledgers.told(held))) == ("confirmed", 1)
    gone = api.post(f"{URL}/{row['id']}/withdraw").json()
    assert (gone["state"], gone["booking"]) == ("withdrawn", "reversed")
    assert ledgers.lots(held) == [("2024-03-01", D(10), D(500))]
    refused = api.post(f"{URL}/{row['id']}/confirm")
    assert (refused.status_code, refused.json()["code"]) == (409, "action_withdrawn")
    ledgers.ensure_right()


def test_proposed_again_on_another_day_or_as_units_added_it_is_the_same_event(
    people: Any, client_of: Any, held: Any
) -> None:
    api = client_of(people.owner)
    first = api.post(URL, SPLIT, format="json").json()
    for stated in (
        {**SPLIT, "ex_date": "2024-06-12"},
        {**SPLIT, "ratio": "1.98"},
        {**SPLIT, "kind": "stock_dividend", "ratio": "1:1"},
    ):
        again = api.post(URL, stated, format="json")
        assert (again.status_code, again.json()["id"]) == (200, first["id"]), stated
    for other in ({**SPLIT, "ex_date": "2024-06-16"}, {**SPLIT, "ratio": "3:1"}):
        assert api.post(URL, other, format="json").status_code == 201, other
    assert CorporateAction.objects.count() == 3


def test_what_is_known_for_everyone_is_not_proposed_again(
    people: Any, client_of: Any, announce: Any, held: Any, ledgers: Any
) -> None:
    public = announce("split", "2024-06-11", "2:1")
    api = client_of(people.owner)
    known = api.post(URL, SPLIT, format="json")
    assert (known.status_code, known.json()["scope"]) == (200, "everyone")
    assert known.json()["proposed_by"] == "operator"
    done = api.post(f"{URL}/{public.public_id}/confirm").json()
    assert (done["state"], done["booking"]) == ("proposed", "booked")
    assert ledgers.lots(held) == [("2024-03-01", D(20), D(500))]
    back = api.post(f"{URL}/{public.public_id}/withdraw").json()
    assert (back["state"], back["booking"]) == ("proposed", "reversed")
    assert ledgers.lots(held) == [("2024-03-01", D(10), D(500))]


def test_one_household_decides_nothing_for_another(
    people: Any, client_of: Any, announce: Any, held: Any, ledgers: Any
) -> None:
    """A member of another household books a public event for themselves only."""
    public = announce("split", "2024-06-10", "2:1")
    theirs = ledgers.account(people.stranger)
    ledgers.trade(theirs, "buy", "2024-03-01", "4", "200")
    stranger = client_of(people.stranger)
    seen = stranger.get(f"{URL}/{public.public_id}/preview").json()
    assert [part["account_id"] for part in seen["accounts"]] == [str(theirs.public_id)]
    assert stranger.post(f"{URL}/{public.public_id}/confirm").status_code == 200
    assert ledgers.lots(theirs) == [("2024-03-01", D(8), D(200))]
    assert ledgers.lots(held) == [("2024-03-01", D(10), D(500))]
    assert set(ActionRun.objects.values_list("household", flat=True)) == {
        people.stranger.household_id
    }


def test_a_strangers_event_is_neither_seen_nor_decided(
    people: Any, client_of: Any, held: Any, digests_of: Callable[[], Any]
) -> None:
    made = client_of(people.owner).post(URL, SPLIT, format="json").json()
    api, before = client_of(people.stranger), digests_of()
    address = f"{URL}/{made['id']}"
    answers = [
        api.get(address),
        api.get(f"{address}/preview"),
        api.post(f"{address}/confirm"),
        api.post(f"{address}/withdraw"),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (404, "corporate_action_not_found")
    home = people.owner.household.public_id
    elsewhere = api.get(f"{address}/preview", {"household_id": str(home)})
    assert elsewhere.status_code == 404
    assert api.get(URL).json()["data"] == []
    assert digests_of() == before


def test_an_adviser_sees_a_clients_event_and_decides_nothing(
    people: Any, client_of: Any, held: Any, announce: Any, digests_of: Callable[[], Any]
) -> None:
    """Of a public event the adviser decides for the accounts of their own office only."""
    made = client_of(people.owner).post(URL, SPLIT, format="json").json()
    public = announce("split", "2025-06-10", "3:1")
    api, before = client_of(people.adviser), digests_of()
    seen = api.get(f"{URL}/{made['id']}/preview").json()
    assert [part["outcome"] for part in seen["accounts"]] == ["to_book"]
    for decision in ("confirm", "withdraw"):
        assert api.post(f"{URL}/{made['id']}/{decision}").status_code == 404
    assert digests_of() == before
    assert api.post(f"{URL}/{public.public_id}/confirm").status_code == 200
    assert list(ActionRun.objects.values_list("household", flat=True)) == [
        people.adviser.household_id
    ]
    assert Transaction.objects.filter(type="split").count() == 0


@pytest.fixture
def digests_of() -> Callable[[], Any]:
    """What a refusal must not change."""

    def digests() -> Any:
        models = (CorporateAction, ActionRun, AppliedAction, Transaction, Job)
        return [list(model.objects.order_by("pk").values_list()) for model in models]

    return digests


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"kind": "split", "ratio": None}, "term_required"),
    ({"basis_percentage": "20"}, "term_not_allowed"),
    ({"ratio": "1:1"}, "ratio_invalid"),
    ({"symbol": "NOSUCH"}, "symbol_unknown"),
    ({"ex_date": "1900-01-01"}, "date_too_early"),
    ({"kind": "merger", "ratio": None}, "term_required"),
    ({"kind": "merger", "new_symbol": "BBB", "ratio": None}, "term_required"),
    ({"kind": "merger", "new_symbol": "BBB", "cash_per_share": "1"}, "new_share_value_required"),
    ({"kind": "merger", "new_symbol": "AAA"}, "new_symbol_same"),
    (
        {
            "kind": "return_of_capital",
            "ratio": None,
            "cash_per_share": "1",
            "payment_date": "2024-06-01",
        },
        "payment_before_ex_date",
    ),
]


@pytest.mark.parametrize(("stated", "code"), REFUSED, ids=lambda value: str(value)[:40])
def test_wrong_terms_are_refused_and_change_nothing(
    stated: dict[str, Any], code: str, people: Any, client_of: Any, held: Any
) -> None:
    body = {name: value for name, value in {**SPLIT, **stated}.items() if value is not None}
    answer = client_of(people.owner).post(URL, body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert CorporateAction.objects.count() == 0


def test_what_the_ledger_refuses_changes_nothing_and_says_why(
    people: Any, client_of: Any, held: Any, ledgers: Any, digests_of: Callable[[], Any]
) -> None:
    ledgers.trade(held, "sell", "2024-07-01", "5", "300")
    api = client_of(people.owner)
    made = api.post(URL, {**SPLIT, "ratio": "1:10"}, format="json").json()
    before = digests_of()
    seen = api.get(f"{URL}/{made['id']}/preview").json()
    assert seen["refusal"].startswith("Only 1 ")
    assert [part["outcome"] for part in seen["accounts"]] == ["refused"]
    answer = api.post(f"{URL}/{made['id']}/confirm")
    assert (answer.status_code, answer.json()["code"]) == (400, "insufficient_quantity")
    assert digests_of() == before
    assert ledgers.lots(held) == [("2024-03-01", D(5), D(250))]


def test_the_list_has_the_events_of_what_one_holds(
    people: Any, client_of: Any, held: Any, announce: Any
) -> None:
    announce("split", "2024-06-10", "2:1")
    announce("split", "2024-06-10", "3:1", symbol="BBB")
    api = client_of(people.owner)

    def titles(**query: str) -> list[str]:
        return [row["title"] for row in api.get(URL, query).json()["data"]]

    assert titles() == ["3:1 split of BBB", "2:1 split of AAA"]
    assert titles(held="true") == titles(symbol="aaa") == ["2:1 split of AAA"]
    assert titles(state="confirmed") == []


def test_an_own_asset_of_the_same_name_is_another_security(
    people: Any, client_of: Any, ledgers: Any, confirmed: Any
) -> None:
    """The household's own ZZZ came first; a public ZZZ splits later."""
    Asset.objects.create(
        symbol="ZZZ",
        name="Own",
        asset_class="equity",
        currency="USD",
        household=people.owner.household,
    )
    account = ledgers.account(people.owner)
    ledgers.trade(account, "buy", "2024-03-01", "10", "500", symbol="ZZZ")
    Asset.objects.create(symbol="ZZZ", name="Public", asset_class="equity", currency="USD")
    confirmed("split", "2024-06-10", "2:1", symbol="ZZZ")
    assert ledgers.lots(account, "ZZZ") == [("2024-03-01", D(10), D(500))]
    api = client_of(people.owner)
    made = api.post(URL, {**SPLIT, "symbol": "ZZZ"}, format="json").json()
    assert made["scope"] == "household"
    api.post(f"{URL}/{made['id']}/confirm")
    assert ledgers.lots(account, "ZZZ") == [("2024-03-01", D(20), D(500))]


def test_confirmed_again_it_is_booked_where_it_is_missing(
    people: Any, client_of: Any, held: Any, ledgers: Any
) -> None:
    """One account's purchases came later; in the other its transaction was reversed by hand."""
    api = client_of(people.owner)
    made = api.post(URL, SPLIT, format="json").json()
    api.post(f"{URL}/{made['id']}/confirm")
    late = ledgers.account(people.spouse, "Late")
    ledgers.trade(late, "buy", "2024-04-01", "6", "300")
    (row,) = ledgers.told(held)
    assert api.post(f"/api/v1/transactions/{row.public_id}/reverse", {}).status_code == 201
    seen = api.get(f"{URL}/{made['id']}/preview").json()["accounts"]
    assert [part["outcome"] for part in seen] == ["reversed", "to_book"]
    assert api.post(f"{URL}/{made['id']}/confirm").json()["booking"] == "booked"
    assert ledgers.lots(held) == [("2024-03-01", D(20), D(500))]
    assert ledgers.lots(late) == [("2024-04-01", D(12), D(300))]
    ledgers.ensure_right()


def test_an_exchange_offer_is_booked_for_the_units_that_are_tendered(
    people: Any, client_of: Any, ledgers: Any
) -> None:
    """40 of 100 shares for half a share each, worth 30.00, and 2.00 in cash for each.

    First in first out: 40 of the lot of 1,000.00 for 50 shares, basis 800.00. Received: 20 shares
    worth 600.00 and 80.00, a loss of 120.00 that is not recognized: basis 720.00 (IRC 356(c), 358).
    """
    account = ledgers.account(people.owner)
    other = ledgers.account(people.spouse, "Other")
    ledgers.trade(account, "buy", "2023-03-01", "50", "1000")
    ledgers.trade(account, "buy", "2023-04-03", "50", "400")
    ledgers.trade(other, "buy", "2023-04-03", "50", "400")
    api = client_of(people.owner)
    stated = {
        "symbol": "AAA",
        "kind": "exchange_offer",
        "ex_date": "2024-06-10",
        "new_symbol": "BBB",
        "ratio": "1:2",
        "cash_per_share": "2",
        "new_share_value": "30",
    }
    made = api.post(URL, stated, format="json").json()
    address = f"{URL}/{made['id']}"
    seen = api.get(f"{address}/preview").json()["accounts"]
    assert [part["after"]["quantity"] for part in seen] == ["0", "0"]  # as if all were tendered
    bare = api.post(f"{address}/confirm", {}, format="json")
    assert (bare.status_code, bare.json()["code"]) == (400, "tendered_required")
    foreign = ledgers.account(people.stranger)
    theirs = [{"account_id": str(foreign.public_id), "quantity": "1"}]
    refused = api.post(f"{address}/confirm", {"tendered": theirs}, format="json")
    assert refused.status_code == 404
    tendered = [{"account_id": str(account.public_id), "quantity": "40"}]
    done = api.post(f"{address}/confirm", {"tendered": tendered}, format="json")
    assert done.json()["booking"] == "booked"
    assert ledgers.lots(account) == [
        ("2023-03-01", D(10), D(200)),
        ("2023-04-03", D(50), D(400)),
    ]
    assert ledgers.lots(account, "BBB") == [("2023-03-01", D(20), D(720))]
    assert ledgers.lots(other) == [("2023-04-03", D(50), D(400))]
    ledgers.ensure_right()
    api.post(f"{address}/withdraw")
    assert ledgers.lots(account)[0] == ("2023-03-01", D(50), D(1000))
    assert ledgers.lots(account, "BBB") == []


def test_more_than_is_held_cannot_be_tendered(
    people: Any, client_of: Any, held: Any, ledgers: Any
) -> None:
    api = client_of(people.owner)
    stated = {**SPLIT, "kind": "exchange_offer", "new_symbol": "BBB"}
    made = api.post(URL, stated, format="json").json()
    tendered = [{"account_id": str(held.public_id), "quantity": "11"}]
    answer = api.post(f"{URL}/{made['id']}/confirm", {"tendered": tendered}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "insufficient_quantity")
    assert ledgers.lots(held) == [("2024-03-01", D(10), D(500))]
    assert ActionRun.objects.count() == 0
