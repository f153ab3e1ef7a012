"""Symbols of a file become symbols of ours, are left out, or become assets of one's own."""

from typing import Any

import pytest

from marketdata.models import Asset
from transactions.models import Holding, Transaction

pytestmark = pytest.mark.django_db

FOREIGN = """
type  day    symbol  isin          name     quantity price fee currency
buy   01-03  AAA.DE  -             -        10       50    1   USD
buy   01-04  XX1     US0378331005  Apples   3        20    -   USD
buy   01-05  AAA     -             -        2        50    -   USD
"""


def test_unknown_symbols_are_errors_with_suggestions(desk: Any, assets: Any) -> None:
    Asset.objects.filter(symbol="BBB").update(isin="US0378331005")
    Asset.objects.filter(symbol="EEE").update(isin="US0378331005")
    Asset.objects.filter(symbol="BBB").update(currency="GBP")
    batch = desk.preview(FOREIGN)
    assert desk.statuses(batch) == ["error", "error", "ready"]
    assert desk.codes(batch)[:2] == [["symbol_unknown"], ["symbol_unknown"]]
    assert {row["key"]: row["suggestions"] for row in batch["unmapped"]} == {
        "AAA.DE": ["AAA"],
        "XX1": ["BBB", "EEE"],
    }
    refused = desk.commit(batch)
    assert refused.status_code == 200, "rows with errors are left behind, the others go"
    assert Transaction.objects.count() == 1


def test_suggestions_for_one_security_leave_room_for_those_of_another(
    desk: Any, django_assert_max_num_queries: Any
) -> None:
    """A short symbol begins 1,200 others, and a file has more unknown ones than a page lists."""
    Asset.objects.bulk_create(
        Asset(symbol=f"{stem}{number}", name="x", currency="USD")
        for stem, count in (("Q", 1_200), ("ZZ%_", 3))
        for number in range(count)
    )
    row = "\nbuy 01-03 {} - - 1 50 1 USD"
    keys = ["Q.DE", "ZZ%_.L", "ZZ.L", *(f"Y{number}.X" for number in range(300))]
    batch = desk.preview(FOREIGN.strip() + "".join(row.format(key) for key in keys))
    found = {row["key"]: row["suggestions"] for row in batch["unmapped"]}
    assert found["Q.DE"] == ["Q0", "Q1", "Q10", "Q100", "Q1000"]
    assert found["ZZ%_.L"] == found["ZZ.L"] == ["ZZ%_0", "ZZ%_1", "ZZ%_2"]
    assert found["Y299.X"] == []
    with django_assert_max_num_queries(12):
        assert len(desk.get(batch)["unmapped"]) == len(keys) + 2


def test_an_isin_of_one_asset_needs_no_help_in_whatever_currency(desk: Any) -> None:
    Asset.objects.filter(symbol="BBB").update(isin="US0378331005", currency="EUR")
    batch = desk.preview(FOREIGN)
    assert desk.statuses(batch) == ["error", "ready", "ready"]
    (row,) = [row for row in batch["securities"] if row["key"] == "XX1"]
    assert (row["how"], row["becomes"]) == ("isin", "BBB")


def test_of_several_listings_that_of_the_file_s_currency_is_meant(desk: Any) -> None:
    Asset.objects.filter(symbol="EEE").update(isin="US0378331005")
    Asset.objects.filter(symbol="BBB").update(isin="US0378331005")
    batch = desk.preview(FOREIGN)
    (row,) = [row for row in batch["securities"] if row["key"] == "XX1"]
    assert (row["how"], row["becomes"]) == ("isin", "BBB")


def test_an_isin_that_contradicts_the_symbol_is_not_passed_over(desk: Any) -> None:
    Asset.objects.filter(symbol="AAA").update(isin="US5949181045")
    table = "type day symbol isin quantity price currency\nbuy 01-03 AAA US0378331005 1 5 USD"
    assert desk.statuses(desk.preview(table)) == ["error"]


def test_symbols_are_mapped_skipped_and_created(desk: Any, account: Any) -> None:
    batch = desk.preview(FOREIGN, symbols={"AAA.DE": "bbb"})
    assert desk.rows(batch)[0]["transaction"]["symbol"] == "BBB"
    changed = desk.change(batch, symbols={"AAA.DE": "skip", "XX1": "create"}).json()
    assert [row["how"] for row in changed["securities"]] == ["symbol", "skipped", "created"]
    assert desk.codes(batch)[0] == ["symbol_skipped"]
    assert changed["counts"] == {"rows": 3, "ready": 2, "duplicates": 0, "errors": 0, "skipped": 1}
    assert not Asset.objects.filter(symbol="XX1").exists(), "a preview makes nothing"
    assert desk.commit(batch).status_code == 200
    made = Asset.objects.get(symbol="XX1")
    assert (made.household_id, made.name, made.currency) == (account.household_id, "Apples", "USD")
    assert Holding.objects.get(asset=made).quantity == 3


def test_an_adviser_creates_assets_for_the_client(
    desk: Any, people: Any, client_of: Any, account: Any
) -> None:
    desk.client = client_of(people.adviser)
    detail = {"symbol": "HOUSE", "name": "The house", "asset_class": "fund"}
    desk.committed(FOREIGN, symbols={"XX1": detail, "AAA.DE": "skip"})
    assert Asset.objects.get(symbol="HOUSE").household_id == account.household_id


@pytest.mark.parametrize(
    ("symbols", "code"),
    [
        ({"NOPE": "AAA"}, "symbol_not_in_file"),
        ({"XX1": {"symbol": "X", "colour": "red"}}, "unknown_field"),
        ({"XX1": {"asset_class": "art"}}, "asset_class_unknown"),
        ({"XX1": {"currency": "XYZ"}}, "currency_unknown"),
        ({"XX1": {"symbol": "?"}}, "symbol_invalid"),
        ({"XX1": 7}, "meaning_invalid"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(desk: Any, symbols: Any, code: str) -> None:
    batch = desk.preview(FOREIGN)
    before = desk.get(batch)
    refusal = desk.change(batch, symbols=symbols)
    assert (refusal.status_code, refusal.json()["code"]) == (400, code)
    assert desk.get(batch) == before


def test_a_strangers_asset_is_no_meaning(desk: Any, people: Any, assets: Any) -> None:
    Asset.objects.create(
        symbol="THEIRS", name="T", asset_class="fund", currency="USD",
        household_id=people.stranger.household_id,
    )  # fmt: skip
    batch = desk.preview(FOREIGN, symbols={"XX1": "THEIRS"})
    assert desk.statuses(batch)[1] == "error"
    assert "THEIRS" not in str(desk.get(batch)["unmapped"])
