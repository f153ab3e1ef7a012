"""Gains and tax returns over HTTP: whose they are, which year, and that everything adds up."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from portfolios.models import TaxCarryforward, TaxFiling
from transactions.ledger.entries import Entry
from transactions.models import Disposal, WashSalePolicy
from transactions.operations import open_account, record

pytestmark = pytest.mark.django_db

Write = Callable[..., None]


def entry(text: str, *, symbol: str = "AAA", currency: str = "USD") -> Entry:
    """`buy 2025-01-06 40 2000`: the amount is the total."""
    kind, day, quantity, amount = text.split()
    moment = datetime.fromisoformat(day)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return Entry(kind, moment, currency, symbol, D(quantity), amount=D(amount))


@pytest.fixture
def write(account: Any, people: Any, assets: Any) -> Write:
    def write(*texts: str, to: Any = None, **options: Any) -> None:
        record(
            account=to or account,
            entries=[entry(text, **options) for text in texts],
            user=people.owner,
            now=timezone.now(),
        )

    return write


@pytest.fixture
def owner(people: Any, client_of: Any) -> Any:
    return client_of(people.owner)


def opened(people: Any, *, user: Any = None, kind: str = "taxable", currency: str = "USD") -> Any:
    return open_account(
        user=user or people.owner, name="Other", type=kind, currency=currency, now=timezone.now()
    )


def lines(client: Any, account: Any, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/portfolios/{account.public_id}/gains", query)
    assert answer.status_code == 200, answer.content
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


def recognised(rows: list[dict[str, Any]]) -> list[str]:
    return [row["recognized_gain"] for row in rows]


def returns(client: Any, year: int, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/tax/returns", {"year": year, **query})
    assert answer.status_code == 200, answer.content
    rows: list[dict[str, Any]] = answer.json()["returns"]
    return rows


def test_lines_are_filtered_by_year_symbol_lot_and_term(
    write: Write, owner: Any, account: Any
) -> None:
    write("buy 2023-01-06 40 2000", "sell 2024-03-01 10 700", "sell 2025-03-03 10 400")
    write("buy 2024-06-03 5 100", "sell 2024-07-01 5 150", symbol="BBB")
    first, second, third = lines(owner, account)
    assert [row["closed_date"] for row in (first, second, third)] == [
        "2024-03-01",
        "2024-07-01",
        "2025-03-03",
    ]
    assert recognised([first, second, third]) == ["200.00", "50.00", "-100.00"]
    assert [row["term"] for row in (first, second, third)] == ["long", "short", "long"]
    assert lines(owner, account, year=2024) == [first, second]
    assert lines(owner, account, symbol="bbb") == [second]
    assert lines(owner, account, term="long") == [first, third]
    assert lines(owner, account, lot_id=first["lot_id"], year=2025) == [third]
    assert lines(owner, account, year=2020) == []


@pytest.mark.parametrize(
    "query", [{"year": "soon"}, {"year": 1066}, {"lot_id": "x"}, {"term": "middle"}]
)
def test_filters_that_make_no_sense_are_refused(owner: Any, account: Any, query: Any) -> None:
    answer = owner.get(f"/api/v1/portfolios/{account.public_id}/gains", query)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] in query


def test_a_year_ends_at_midnight_at_the_place_of_the_trade(
    write: Write, owner: Any, account: Any
) -> None:
    write(
        "buy 2023-01-06 40 2000",
        "sell 2024-12-31T23:59:59+00:00 10 700",
        "sell 2025-01-01T00:00:00+00:00 10 800",
        # Still the old year in New York, though in UTC it is the new one.
        "sell 2024-12-31T22:00:00-05:00 10 900",
    )
    assert recognised(lines(owner, account, year=2024)) == ["200.00", "400.00"]
    assert recognised(lines(owner, account, year=2025)) == ["300.00"]


def test_sums_are_the_sums_of_the_lines(write: Write, owner: Any, account: Any) -> None:
    write("buy 2023-01-06 30 1000", "sell 2024-03-01 7 333.33", "sell 2025-02-03 11 300.01")
    write("buy 2024-06-03 3 100", "sell 2024-07-01 1 33.34", "sell 2025-07-02 2 99", symbol="BBB")
    url = f"/api/v1/portfolios/{account.public_id}/gains/summary"
    found = owner.get(url).json()
    assert [year["year"] for year in found["years"]] == [2025, 2024]
    for year in found["years"]:
        mine = lines(owner, account, year=year["year"])
        for term in ("short", "long"):
            total = year[f"{term}_term"]
            of_term = [row for row in mine if row["term"] == term]
            assert total["lines"] == len(of_term)
            for figure in ("proceeds", "cost_basis", "gain", "disallowed_loss", "recognized_gain"):
                assert D(total[figure]) == sum((D(row[figure]) for row in of_term), D(0))
    of_2024 = owner.get(url, {"year": 2024}).json()
    assert [(row["symbol"], row["total"]["lines"]) for row in of_2024["symbols"]] == [
        ("AAA", 1),
        ("BBB", 1),
    ]


def test_form_8949_and_schedule_d_agree_to_the_cent(write: Write, owner: Any, account: Any) -> None:
    write("buy 2023-01-06 30 1000", "sell 2025-03-03 7 333.33", "sell 2025-04-01 11 300.01")
    write("buy 2025-01-06 3 100", "sell 2025-07-01 1 33.34", "sell 2025-08-01 1 10", symbol="BBB")
    base = f"/api/v1/portfolios/{account.public_id}/gains"
    answer = owner.get(f"{base}/form-8949", {"year": 2025}, HTTP_ACCEPT="text/csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert len(rows) == 4
    found = owner.get(f"{base}/schedule-d", {"year": 2025}).json()
    for part, term in (("I", "short_term"), ("II", "long_term")):
        mine = [row for row in rows if row["part"] == part]
        for column, figure in (
            ("proceeds", "proceeds"),
            ("cost_basis", "cost_basis"),
            ("adjustment", "disallowed_loss"),
            ("gain", "recognized_gain"),
        ):
            total = sum((D(row[column] or 0) for row in mine), D(0))
            assert total == D(found[term][figure]) == D(found["tax_return"][term][figure])
    assert found["tax_return"]["net"] == f"{sum(D(row['gain']) for row in rows):.2f}"
    with_totals = owner.get(f"{base}/form-8949", {"year": 2025, "totals": "true"})
    assert with_totals.content.decode().count("Totals") == 2


def test_a_problem_of_the_form_is_told_in_json(
    owner: Any, people: Any, client_of: Any, account: Any
) -> None:
    url = f"/api/v1/portfolios/{account.public_id}/gains/form-8949"
    answer = client_of(people.stranger).get(url, HTTP_ACCEPT="text/csv")
    assert (answer.status_code, answer.json()["code"]) == (404, "account_not_found")


def test_losses_carry_from_year_to_year_and_tax_is_at_the_owners_rates(
    write: Write, owner: Any, people: Any, account: Any
) -> None:
    people.owner.federal_ordinary_rate = D("0.35")
    people.owner.state_rate = D("0.05")
    people.owner.save()
    write("buy 2022-01-06 100 10000", "sell 2023-03-01 50 1000")  # long, -4,000
    write("sell 2024-03-01 50 6500")  # long, +1,500
    (first,) = returns(owner, 2023)
    assert (first["net"], first["deducted_loss"]) == ("-4000.00", "3000.00")
    assert first["carried_out"] == {"short_term": "0.00", "long_term": "1000.00"}
    assert first["tax"]["total"] == "-1200.00"  # 3,000 x (35 % + 5 %)
    (second,) = returns(owner, 2024)
    assert second["carried_in"] == {
        "short_term": "0.00",
        "long_term": "1000.00",
        "stated": False,
    }
    assert second["lines"] == {
        "6": "0.00",
        "7": "0.00",
        "14": "-1000.00",
        "15": "500.00",
        "16": "500.00",
        "21": "0.00",
    }
    assert second["tax"]["total"] == "100.00"  # 500 x (15 % + 5 %)
    assert second["rates"]["long_term"] == "0.2"


def test_what_is_stated_about_earlier_years_counts(write: Write, owner: Any, people: Any) -> None:
    write("buy 2022-01-06 100 10000", "sell 2023-03-01 50 1000")
    body = {
        "filing_status": "head_of_household",
        "carryforwards": [
            {
                "owner_id": str(people.owner.public_id),
                "year": 2024,
                "short_term": "500.00",
                "long_term": "7000.00",
            }
        ],
    }
    answer = owner.put("/api/v1/tax/settings", body)
    assert answer.status_code == 200, answer.content
    assert owner.get("/api/v1/tax/settings").json() == answer.json()
    (found,) = returns(owner, 2024)
    assert found["carried_in"] == {
        "short_term": "500.00",
        "long_term": "7000.00",
        "stated": True,
    }
    assert found["carried_out"] == {"short_term": "0.00", "long_term": "4500.00"}
    (later,) = returns(owner, 2025)
    assert later["carried_in"]["long_term"] == "4500.00"
    (before,) = returns(owner, 2023)
    assert before["carried_out"]["long_term"] == "1000.00"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"filing_status": "divorced"}, "invalid_choice"),
        ({"carryforwards": [{"year": 2024}] * 2}, "carryforward_repeated"),
        ({"carryforwards": [{"year": 1949}]}, "year_out_of_range"),
        ({"carryforwards": [{"year": 2199}]}, "year_out_of_range"),
        ({"carryforwards": [{"short_term": "-1"}]}, "negative"),
        ({"carryforwards": [{"short_term": "0.001"}]}, "amount_precision"),
        ({"carryforwards": [{"owner_id": "stranger"}]}, "owner_not_a_member"),
        ({"children": 2}, "unknown_field"),
    ],
)
def test_settings_that_cannot_be_are_refused_and_change_nothing(
    owner: Any, people: Any, change: dict[str, Any], code: str
) -> None:
    row = {
        "owner_id": str(people.owner.public_id),
        "year": 2024,
        "short_term": "1",
        "long_term": "0",
    }
    given = [{**row, **one} for one in change.get("carryforwards", [])]
    for one in given:
        if one["owner_id"] == "stranger":
            one["owner_id"] = str(people.stranger.public_id)
    body = {"filing_status": "single", **change, "carryforwards": given}
    answer = owner.put("/api/v1/tax/settings", body)
    assert answer.status_code == 400
    assert code in {answer.json()["code"], *(one["code"] for one in answer.json()["errors"])}
    assert not TaxFiling.objects.exists()
    assert not TaxCarryforward.objects.exists()


def test_spouses_file_one_return_together_or_two_apart(
    write: Write, owner: Any, people: Any, account: Any
) -> None:
    his = opened(people, user=people.spouse)
    write("buy 2025-01-06 100 10000", "sell 2025-03-03 100 16000")
    write("buy 2025-01-06 100 10000", "sell 2025-03-03 100 2000", to=his, symbol="BBB")
    apart = returns(owner, 2025)
    assert [one["net"] for one in apart] == ["6000.00", "-8000.00"]
    assert [one["loss_limit"] for one in apart] == ["3000.00", "3000.00"]

    owner.put("/api/v1/tax/settings", {"filing_status": "separate"})
    assert [one["loss_limit"] for one in returns(owner, 2025)] == ["1500.00", "1500.00"]

    owner.put("/api/v1/tax/settings", {"filing_status": "joint"})
    (together,) = returns(owner, 2025)
    assert (together["net"], together["deducted_loss"]) == ("-2000.00", "2000.00")
    assert [row["account_id"] for row in together["accounts"]] == [
        str(account.public_id),
        str(his.public_id),
    ]
    assert len(together["owners"]) == 2


def test_an_ira_shows_its_lines_but_is_on_no_return(write: Write, owner: Any, people: Any) -> None:
    ira = opened(people, kind="ira")
    write("buy 2025-01-06 40 2000", "sell 2025-03-03 40 1800", to=ira)
    (line,) = lines(owner, ira)
    assert (line["gain"], line["taxable"], line["provisional"]) == ("-200.00", False, False)
    base = f"/api/v1/portfolios/{ira.public_id}/gains"
    form = owner.get(f"{base}/form-8949", {"year": 2025}).content.decode()
    assert len(form.splitlines()) == 1
    found = owner.get(f"{base}/schedule-d", {"year": 2025}).json()
    assert (found["taxable"], found["short_term"]["lines"]) == (False, 0)
    assert found["tax_return"]["net"] == "0.00"


def test_a_december_loss_is_provisional_until_its_thirtieth_day(
    write: Write, people: Any, client_of: Any, account: Any
) -> None:
    write("buy 2024-06-03 40 2000", "sell 2024-12-16 40 1800", "buy 2023-01-03 1 1")
    base = f"/api/v1/portfolios/{account.public_id}/gains"
    for day, until in (("2025-01-15", "2025-01-15"), ("2025-01-16", None)):
        with time_machine.travel(f"{day}T12:00:00Z", tick=False):
            client = client_of(people.owner)
            loss = lines(client, account, year=2024)[-1]
            assert (loss["provisional"], loss["provisional_until"]) == (until is not None, until)
            (year,) = client.get(f"{base}/summary").json()["years"]
            (filed,) = returns(client, 2024)
            for found in (year, filed):
                assert found["provisional_until"] == until
                assert D(found["provisional_loss"]) == (-D(loss["gain"]) if until else 0)


def test_an_account_in_another_currency_is_converted_at_the_closing_days_rate(
    write: Write, owner: Any, people: Any
) -> None:
    euros = opened(people, currency="EUR")
    in_euros = {"to": euros, "symbol": "EEE", "currency": "EUR"}
    write("buy 2025-01-06 10 100", "sell 2025-03-03 10 150.01", **in_euros)
    (line,) = lines(owner, euros)
    assert (line["currency"], line["gain"]) == ("EUR", "50.01")
    (found,) = returns(owner, 2025)
    (row,) = (row for row in found["accounts"] if row["account_id"] == str(euros.public_id))
    assert (row["currency"], row["converted"], found["currency"]) == ("EUR", True, "USD")
    assert row["short_term"]["proceeds"] == "187.51"  # 150.01 x 1.25 = 187.5125
    assert (row["short_term"]["cost_basis"], found["net"]) == ("125.00", "62.51")
    form = owner.get(f"/api/v1/portfolios/{euros.public_id}/gains/form-8949", {"year": 2025})
    (on_form,) = csv.DictReader(io.StringIO(form.content.decode()))
    assert (on_form["proceeds"], on_form["gain"]) == ("187.51", "62.51")


def test_no_rate_means_a_refusal_and_no_silent_sum(write: Write, owner: Any, people: Any) -> None:
    euros = opened(people, currency="EUR")
    write("buy 2019-01-06 10 100", "sell 2019-03-03 10 150", to=euros, symbol="EEE", currency="EUR")
    answer = owner.get("/api/v1/tax/returns", {"year": 2019})
    assert (answer.status_code, answer.json()["code"]) == (409, "exchange_rate_unknown")


def test_the_adviser_sees_and_sets_a_clients_taxes_and_a_stranger_nothing(
    write: Write, people: Any, client_of: Any, account: Any
) -> None:
    write("buy 2025-01-06 40 2000", "sell 2025-03-03 40 1800")
    home = str(people.owner.household.public_id)
    adviser = client_of(people.adviser)
    assert returns(adviser, 2025) == []  # his own office
    (found,) = returns(adviser, 2025, household_id=home)
    assert found["net"] == "-200.00"
    joint = adviser.put(f"/api/v1/tax/settings?household_id={home}", {"filing_status": "joint"})
    assert joint.status_code == 200
    stranger = client_of(people.stranger)
    for answer in (
        stranger.get("/api/v1/tax/returns", {"household_id": home}),
        stranger.get("/api/v1/tax/settings", {"household_id": home}),
        stranger.put(f"/api/v1/tax/settings?household_id={home}", {"filing_status": "single"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "household_not_found")
    assert TaxFiling.objects.get().filing_status == "joint"
    for path in ("gains", "gains/summary", "gains/form-8949", "gains/schedule-d"):
        url = f"/api/v1/portfolios/{account.public_id}/{path}"
        assert client_of(people.spouse).get(url).status_code == 200
        assert adviser.get(url).status_code == 200
        assert stranger.get(url).status_code == 404


def test_pages_count_lines_and_not_disposals(write: Write, owner: Any, account: Any) -> None:
    """A loss that is partly gone for good is two lines, also where a page ends between them."""
    write("buy 2025-01-06 40 2000", "sell 2025-03-03 40 1800")
    Disposal.objects.update(
        matched_quantity=30, deferred_loss=100, permanent_quantity=10, permanent_loss=50
    )
    base = f"/api/v1/portfolios/{account.public_id}/gains"
    both = owner.get(base).json()
    assert both["total"] == 2
    pages = [owner.get(base, {"page": n, "page_size": 1}).json() for n in (1, 2)]
    assert [page["data"][0] for page in pages] == both["data"]
    assert {page["total"] for page in pages} == {2}
    gone, rest = both["data"]
    assert (gone["permanent"], gone["quantity"], gone["recognized_gain"]) == (True, "10", "0.00")
    assert (rest["permanent"], rest["quantity"], rest["recognized_gain"]) == (
        False,
        "30",
        "-50.00",
    )
    (year,) = owner.get(f"{base}/summary").json()["years"]
    assert (year["short_term"]["lines"], year["total"]["disallowed_loss"]) == (2, "150.00")


@pytest.mark.parametrize("what", ["the rule is switched off", "crypto is exempt"])
def test_a_loss_that_no_rule_washes_is_final(
    write: Write, owner: Any, people: Any, account: Any, assets: Any, what: str
) -> None:
    if what == "crypto is exempt":
        assets["AAA"].asset_class = "crypto"
        assets["AAA"].save()
    else:
        WashSalePolicy.objects.create(
            household=account.household, enabled=False, changed_at=timezone.now()
        )
    today = timezone.now().date()
    before = today - timedelta(days=40)
    write(f"buy {before} 10 1000", f"sell {today - timedelta(days=3)} 10 600")
    (line,) = lines(owner, account)
    assert (line["recognized_gain"], line["provisional"]) == ("-400.00", False)
    (found,) = returns(owner, (today - timedelta(days=3)).year)
    assert (found["provisional_loss"], found["provisional_until"]) == ("0.00", None)
