"""The page of all holdings, its file, and the page of an asset."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from marketdata.models import Asset
from portfolios.models import HoldingsColumns

pytestmark = pytest.mark.django_db
PageClient = Callable[[Any], Client]


def rows_of(answer: Any) -> list[str]:
    """Return the symbols of the table, in its order."""
    return [row.position.symbol for _, _, rows in answer.context["groups"] for row, _ in rows]


def test_every_holding_of_every_account_is_a_row_that_opens_its_asset(
    people: Any, sold: Any, page_client: PageClient
) -> None:
    answer = page_client(people.owner).get("/holdings")
    assert answer.status_code == 200
    # Harbour holds AAA and BBB, the IRA both too; the largest value comes first.
    assert rows_of(answer) == ["AAA", "BBB", "AAA", "BBB"]
    text = answer.content.decode()
    assert text.count('href="/assets/AAA"') == 2
    assert "Harbour" in text
    assert "Rollover" in text


@pytest.mark.parametrize(
    ("query", "symbols"),
    [
        ("sort=symbol", ["AAA", "AAA", "BBB", "BBB"]),
        ("sort=-quantity", ["AAA", "BBB", "BBB", "AAA"]),
        ("q=bbb", ["BBB", "BBB"]),
        ("losses=on", ["BBB"]),
        ("currency=EUR", []),
        ("group=symbol", ["AAA", "AAA", "BBB", "BBB"]),
    ],
)
def test_the_server_sorts_filters_and_groups(
    people: Any, sold: Any, page_client: PageClient, query: str, symbols: list[str]
) -> None:
    answer = page_client(people.owner).get(f"/holdings?{query}")
    assert rows_of(answer) == symbols
    if not symbols:
        assert "No holdings match" in answer.content.decode()
        assert "Clear filters" in answer.content.decode()


@pytest.mark.parametrize("query", ["sort=colour", "group=colour", "asset_class=x", "account=1"])
def test_what_is_no_choice_is_refused(
    people: Any, invest: Any, page_client: PageClient, query: str
) -> None:
    answer = page_client(people.owner).get(f"/holdings?{query}")
    assert answer.status_code == 400
    assert "is not one of the choices" in answer.content.decode()


def test_the_file_has_all_rows_that_match_with_the_columns_shown(
    people: Any, sold: Any, page_client: PageClient
) -> None:
    Asset.objects.filter(symbol="AAA").update(name="=cmd()")
    client = page_client(people.owner)
    client.post("/holdings/columns", {"columns": ["value", "account"]})
    answer = client.get("/holdings.csv?q=AAA&sort=value")
    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert rows[0] == ["symbol", "name", "value", "account", "amounts_in", "price_as_of"]
    assert [row[:5] for row in rows[1:]] == [
        ["AAA", "'=cmd()", "250", "Rollover", "USD"],
        ["AAA", "'=cmd()", "4850", "Harbour", "USD"],
    ]
    assert answer["Content-Disposition"].startswith('attachment; filename="holdings-')


def test_columns_are_chosen_kept_and_lead_back_to_the_same_table(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    client = page_client(people.owner)
    form = {"columns": ["value", "gain"], "query": "sort=gain&q=A&next=//evil.example"}
    answer = client.post("/holdings/columns", form)
    assert (answer.status_code, answer["Location"]) == (302, "/holdings?q=A&sort=gain")
    heads = [one.name for one, _ in client.get("/holdings").context["headings"]]
    assert heads == ["symbol", "value", "gain"]
    refused = client.post("/holdings/columns", {"columns": ["colour"]})
    assert refused.status_code == 400
    assert HoldingsColumns.objects.get().names == ["value", "gain"]


def test_one_account_is_a_scope_that_only_its_people_have(
    people: Any, sold: Any, page_client: PageClient
) -> None:
    query = f"/holdings?account={sold.public_id}"
    assert rows_of(page_client(people.spouse).get(query)) == ["AAA", "BBB"]
    stranger = page_client(people.stranger)
    assert stranger.get(query).status_code == 404
    assert stranger.get(query.replace("holdings?", "holdings.csv?")).status_code == 404
    assert b"AAA" not in stranger.get("/holdings").content


def test_an_empty_household_is_led_to_its_first_account(
    people: Any, page_client: PageClient
) -> None:
    assert "Add account" in page_client(people.stranger).get("/holdings").content.decode()


def test_an_asset_shows_position_lots_gains_wash_windows_and_trades(
    people: Any, sold: Any, page_client: PageClient
) -> None:
    answer = page_client(people.owner).get("/assets/bbb")
    found = answer.context["found"]
    assert answer.status_code == 200
    assert {(line.account, line.position.quantity) for line in found.lines} == {
        ("Harbour", D("72.0000000000")),
        ("Rollover", D("10.0000000000")),
    }
    assert found.quantity == D(82)
    assert sum(one.lot.quantity for one in found.lots) == D(82)
    ((year),) = found.realized
    # 40 bought at 25, sold at 19.
    assert (year.proceeds, year.cost_basis, year.gain) == (D("760"), D("1000"), D("-240"))
    assert year.disallowed > 0
    assert {trade.bought for trade in found.trades} == {True, False}
    # Sold at a loss 12 days ago, and 18 of those 40 wait for a replacement: blocked till day 31.
    today = timezone.now().date()
    assert found.wash[0].safe_to_buy == today - timedelta(days=12) + timedelta(days=31)
    text = answer.content.decode()
    assert "Do not buy before" in text
    assert "long-term in" in text


def test_an_unknown_symbol_offers_similar_ones_and_a_form_to_create_it(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    client = page_client(people.owner)
    answer = client.get("/assets/AA")
    assert answer.status_code == 404
    assert [row.symbol for row in answer.context["similar"]] == ["AAA"]
    form = {"symbol": "aa", "name": "A fund", "asset_class": "fund", "currency": "USD"}
    made = client.post("/assets/new", form)
    assert (made.status_code, made["Location"]) == (302, "/prices/of/AA")
    assert Asset.objects.get(symbol="AA").household_id == people.owner.household_id
    assert client.get("/assets/AA").status_code == 200
    again = client.post("/assets/new", form)
    assert (again.status_code, Asset.objects.filter(symbol="AA").count()) == (409, 1)
    assert page_client(people.stranger).get("/assets/AA").status_code == 404


def test_an_asset_of_another_household_and_its_positions_are_not_found(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    Asset.objects.create(
        symbol="OWN",
        name="Mine",
        asset_class="fund",
        currency="USD",
        household=people.owner.household,
    )
    stranger = page_client(people.stranger)
    assert stranger.get("/assets/OWN").status_code == 404
    assert b"Mine" not in stranger.get("/assets/OWN").content
    public = stranger.get("/assets/AAA")
    assert public.status_code == 200
    assert public.context["found"].accounts == ()
    assert b"Harbour" not in public.content


def test_the_pages_make_as_many_queries_for_many_accounts_as_for_one(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    from transactions.ledger.entries import Entry
    from transactions.operations import open_account, record

    client = page_client(people.owner)

    def queries(address: str) -> int:
        client.get(address)
        with CaptureQueriesContext(connection) as found:
            client.get(address)
        return len(found)

    addresses = ("/holdings", "/holdings.csv", "/assets/AAA")
    now = timezone.now()
    # A purchase of the last 30 days, so that wash windows are read before as well as after.
    bought = Entry("buy", now - timedelta(days=5), "USD", "AAA", D(1), D(9))
    record(account=invest, entries=[bought], user=people.owner, now=now)
    before = [queries(address) for address in addresses]
    for name in ("Two", "Three"):
        other = open_account(user=people.owner, name=name, type="ira", currency="EUR", now=now)
        entries = [
            Entry("buy", now - timedelta(days=5), "USD", symbol, D(3), D(9))
            for symbol in ("AAA", "BBB")
        ]
        record(account=other, entries=entries, user=people.owner, now=now)
    assert [queries(address) for address in addresses] == before


def test_a_link_fills_in_the_type_and_the_symbol_of_the_form(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    answer = page_client(people.owner).get(
        f"/accounts/{invest.public_id}/transactions?type=sell&symbol=aaa"
    )
    form = answer.context["form"]
    assert (form["type"].value(), form["symbol"].value()) == ("sell", "AAA")
    led = page_client(people.owner).get("/record?type=buy&symbol=AAA&next=//evil.example")
    path = f"/accounts/{invest.public_id}/transactions?type=buy&symbol=AAA#record"
    assert led["Location"] == path


@pytest.fixture
def paid(invest: Any, people: Any) -> Any:
    """The same account with dividends, of which one was withheld in part, and interest."""
    from transactions.ledger.entries import Entry
    from transactions.operations import record

    now = timezone.now()
    entries = [
        Entry("dividend", now - timedelta(days=days), "USD", "AAA", amount=D("24.00"))
        for days in (40, 130, 500)
    ]
    entries += [
        Entry("tax", now - timedelta(days=40), "USD", "AAA", amount=D("3.60")),
        Entry("interest", now - timedelta(days=45), "USD", amount=D("1.23")),
    ]
    record(account=invest, entries=entries, user=people.owner, now=now)
    return invest


def test_the_page_of_income_shows_what_was_paid_and_marks_what_is_a_projection(
    people: Any, paid: Any, page_client: PageClient
) -> None:
    answer = page_client(people.owner).get("/income")
    found, text = answer.context["found"], answer.content.decode()
    assert (found.sums.income, found.sums.tax) == (D("49.23"), D("3.60"))
    assert "$49.23" in text
    assert "$45.63 net" in text
    # 120 AAA are held; 24.00 was paid once for 120 and once for 80 of them; interest comes again.
    assert found.expected_total == D("24.00") + D("36.00") + D("1.23")
    assert text.count(">Projection</span>") == 3
    assert "not a forecast" in text
    assert text.count('href="/assets/AAA"') >= 3
    asset = page_client(people.owner).get("/assets/AAA")
    assert (asset.context["received"].income, asset.context["received"].tax) == (D(72), D("3.60"))
    assert len(asset.context["payments"]) == 4


def test_income_is_of_a_range_and_of_an_account_the_person_may_see(
    people: Any, paid: Any, page_client: PageClient
) -> None:
    client = page_client(people.adviser)
    year = (timezone.now() - timedelta(days=500)).year
    answer = client.get(f"/income?account={paid.public_id}&from={year}-01-01&to={year}-12-31")
    assert answer.context["found"].sums.income == D("24.00")
    assert answer.context["year"] == year
    stranger = page_client(people.stranger)
    assert stranger.get(f"/income?account={paid.public_id}").status_code == 404
    assert b"No income yet" in stranger.get("/income").content
    for wrong in ("from=soon", "account=1", "from=2024-02-01&to=2024-01-01", "page=x"):
        assert client.get(f"/income?{wrong}").status_code == 400, wrong
