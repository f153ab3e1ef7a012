"""Form 8949 of whole returns: boxes, CSV and TXF over all accounts, and the page Tax."""

import csv
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portfolios.models import TaxFiling
from portfolios.tax.boxes import box
from transactions.ledger.entries import Entry
from transactions.operations import open_account, record

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("opened", "kind", "long_term", "expected"),
    [
        (date(2010, 12, 31), "equity", True, "E"),
        (date(2011, 1, 1), "equity", True, "D"),
        (date(2024, 1, 2), "equity", False, "A"),
        (date(2011, 12, 31), "etf", True, "E"),
        (date(2012, 1, 1), "fund", True, "D"),
        (date(2013, 12, 31), "bond", True, "E"),
        (date(2024, 1, 2), "crypto", False, "B"),
        (date(2024, 1, 2), "", False, "B"),
    ],
)
def test_the_box_follows_from_the_day_of_purchase(
    opened: date, kind: str, long_term: bool, expected: str
) -> None:
    assert box(opened=opened, asset_class=kind, long_term=long_term) == expected


def at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 15, tzinfo=UTC)


@pytest.fixture
def sold(people: Any, assets: Any, account: Any) -> Any:
    """2024: a long gain bought in 2010, a wash sale, the spouse's short gain, and an IRA's sale."""
    now = timezone.now()

    def trade(kind: str, when: datetime, symbol: str, units: int, price: str) -> Entry:
        return Entry(kind, when, "USD", symbol, D(units), D(price))

    record(
        account=account,
        entries=[
            trade("buy", at(2010, 5, 3), "AAA", 10, "20"),
            trade("sell", at(2024, 3, 4), "AAA", 10, "50.125"),
            trade("buy", at(2024, 5, 2), "BBB", 10, "30"),
            trade("sell", at(2024, 6, 3), "BBB", 10, "21"),
            trade("buy", at(2024, 6, 10), "BBB", 4, "20"),
        ],
        user=people.owner,
        now=now,
    )
    for owner, kind in ((people.spouse, "taxable"), (people.owner, "ira")):
        other = open_account(
            user=owner, name=f"{kind} of {owner}", type=kind, currency="USD", now=now
        )
        record(
            account=other,
            entries=[
                trade("buy", at(2024, 1, 8), "AAA", 2, "40"),
                trade("sell", at(2024, 9, 9), "AAA", 2, "45"),
            ],
            user=owner,
            now=now,
        )
    return account


def file_jointly(people: Any) -> None:
    TaxFiling.objects.create(
        household=people.owner.household, filing_status="joint", changed_at=timezone.now()
    )


def file_of(client: Any, file_format: str, **query: Any) -> Any:
    return client.get(f"/api/v1/tax/form-8949/{file_format}", {"year": 2024, **query})


def test_txf_has_a_record_for_each_line_with_the_number_of_its_box(
    sold: Any, people: Any, client_of: Callable[[Any], Any]
) -> None:
    answer = file_of(client_of(people.owner), "txf", owner_id=str(people.owner.public_id))
    assert answer["Content-Disposition"] == 'attachment; filename="form-8949-2024.txf"'
    head, *records = answer.content.decode("ascii").split("^\r\n")
    assert head.split("\r\n")[:2] == ["V042", "ABallast"]
    assert [record.split("\r\n")[:-1] for record in records[:-1]] == [
        *[
            ["TD", "N713", "C1", "L1", "P10 sh. AAA", "D05/03/2010", "D03/04/2024"]
            + ["$200.00", "$501.25", "$"],
        ],
        ["TD", "N321", "C1", "L1", "P10 sh. BBB", "D05/02/2024", "D06/03/2024"]
        + ["$300.00", "$210.00", "$36.00"],
    ]
    assert records[-1] == ""


def test_the_csv_has_boxes_and_totals(
    sold: Any, people: Any, client_of: Callable[[Any], Any]
) -> None:
    answer = file_of(client_of(people.owner), "csv", owner_id=str(people.owner.public_id))
    rows = list(csv.DictReader(answer.content.decode().splitlines()))
    assert [(row["part"], row["description"], row["gain"], row["box"]) for row in rows] == [
        ("I", "10 sh. BBB", "-54.00", "A"),
        ("I", "Totals", "-54.00", ""),
        ("II", "10 sh. AAA", "301.25", "E"),
        ("II", "Totals", "301.25", ""),
    ]


def test_a_joint_return_has_the_accounts_of_both(
    sold: Any, people: Any, client_of: Callable[[Any], Any]
) -> None:
    client = client_of(people.owner)
    refused = file_of(client, "txf")
    assert (refused.status_code, refused.json()["code"]) == (400, "owner_required")
    file_jointly(people)
    found = file_of(client, "txf").content.decode()
    assert found.count("TD\r\n") == 3
    assert found == file_of(client, "txf", owner_id=str(people.spouse.public_id)).content.decode()


def test_strangers_and_unknown_owners_get_nothing(
    sold: Any, people: Any, client_of: Callable[[Any], Any]
) -> None:
    home = str(people.owner.household.public_id)
    stranger, owner = client_of(people.stranger), client_of(people.owner)
    assert file_of(stranger, "txf", household_id=home).status_code == 404
    mine = file_of(stranger, "txf").content.decode()
    assert "TD" not in mine
    unknown = file_of(owner, "txf", owner_id=str(people.stranger.public_id))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "owner_unknown")
    assert file_of(owner, "pdf").json()["code"] == "format_unknown"
    client = client_of(people.adviser)
    who = str(people.owner.public_id)
    assert "TD" in file_of(client, "txf", household_id=home, owner_id=who).content.decode()


def test_the_household_s_addresses_answer_as_the_others(
    sold: Any, people: Any, client_of: Callable[[Any], Any]
) -> None:
    client = client_of(people.owner)
    assert (
        client.get("/api/v1/households/me/tax?year=2024").json()
        == client.get("/api/v1/tax/returns?year=2024").json()
    )
    query = "from=2024-01-02&to=2024-06-28"
    mine = client.get(f"/api/v1/households/me/performance?{query}").json()
    assert mine == client.get(f"/api/v1/portfolios/performance?{query}").json()


def test_the_page_shows_each_return_and_leaves_retirement_accounts_out(
    sold: Any, people: Any, page_client: Callable[[Any], Any]
) -> None:
    client = page_client(people.owner)
    page = client.get("/tax?year=2024").content.decode()
    assert page.count("Schedule D of") == 2
    assert page.count("For tax software (TXF)") == 2
    assert "+$301.25" in page
    assert "−$54.00" in page
    assert "All in USD" not in page
    file_jointly(people)
    joint = client.get("/tax?year=2024").content.decode()
    assert joint.count("Schedule D of") == 1
    # 301.25 long; -54.00 and the spouse's 10.00 short: the IRA's 10.00 is in no return.
    assert "+$257.25" in joint


def test_queries_do_not_grow_with_the_lines(
    sold: Any, people: Any, client_of: Callable[[Any], Any]
) -> None:
    client, who = client_of(people.owner), str(people.owner.public_id)
    file_of(client, "txf", owner_id=who)
    with CaptureQueriesContext(connection) as few:
        file_of(client, "txf", owner_id=who)
    entries = [
        Entry(kind, at(2024, 10, day), "USD", "AAA", D(1), D(price))
        for day in range(1, 9)
        for kind, price in (("buy", 40), ("sell", 41))
    ]
    record(account=sold, entries=entries, user=people.owner, now=timezone.now())
    with CaptureQueriesContext(connection) as many:
        assert file_of(client, "txf", owner_id=who).content.count(b"TD\r\n") == 10
    assert len(many) == len(few)
