"""A format is recognized by most of its columns, whatever a broker renames, adds or moves."""

from decimal import Decimal as D
from typing import Any

import pytest

pytestmark = pytest.mark.django_db

TRADING212 = """
Action,Time (UTC),ISIN,Ticker,Name,Notes,ID,No. of shares,Price / share,Currency (Price / share),Exchange rate,Result,Currency (Result),Total,Currency (Total),Withholding tax,Currency (Withholding tax),Merchant name,Merchant category
Deposit,2026-07-01 05:43:03+00:00,,,,"Transaction ID: J1",019f,,,,,,,600.00,EUR,,,,
Limit buy,2026-07-01 08:05:00+00:00,DE0007164600,SAP,SAP SE,,EOF9,2.5000000000,210.40,EUR,1.00000000,,,526.00,EUR,,,,
"""  # noqa: E501


def test_a_renamed_column_is_the_same_column(person: Any) -> None:
    own = person.account("EUR")
    assert own.preview(TRADING212)["format_score"] == "1"
    own.bring(TRADING212)
    assert own.told("quantity", "amount") == [
        ("deposit", "None", "600.00"),
        ("buy", "2.5", "526.00"),
    ]
    assert own.transactions()[1]["executed_at"].startswith("2026-07-01")
    assert own.cash == D("74.00")


MOVED = """
Action,Booked at (UTC),Time (Europe/London),Ticker,Number,No. of shares,Price / share,Currency (Price / share),Exchange rate,Total (EUR),Notes
Limit buy,,2026-07-01 08:05:00,SAP,7,2.5,210.40,EUR,1,526.00,
"""  # noqa: E501
SCHWAB = """
Trade Type,Date (EST),Action,Symbol,Quantity,Price ($),Fees & Comm ($),Amount ($)
Cash,03/12/2024,Buy,KOX,30,$41.00,,"-$1,230.00"
"""
FIDELITY = """
Settlement Date,Amount (USD),Fees [USD],Price (USD),Quantity,Symbol,Action,Run Date (EST),Type,Commission (USD)
03/14/2024,-1230,,41,30,KOX,YOU BOUGHT COKE (KOX),03/12/2024,Cash,
"""  # noqa: E501


def test_added_and_reordered_columns_are_recognized_and_the_preview_says_how_surely(
    person: Any,
) -> None:
    own = person.account("EUR")
    batch = own.preview(MOVED)
    assert (batch["format"], batch["format_score"]) == ("trading212", "1")
    assert own.verdicts(batch) == ["ready"]
    dollars = person.account()
    batch = dollars.preview(SCHWAB)
    assert (batch["format"], batch["format_score"]) == ("schwab", "0.875")
    dollars.bring(SCHWAB)
    batch = person.account(name="F").preview(FIDELITY)
    assert (batch["format"], batch["format_score"]) == ("fidelity", "1")


def test_a_table_of_common_words_is_of_no_format(person: Any) -> None:
    """Most programs have these columns; whose they are is a question for the person."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    own = person.account()
    text = b"date,action,symbol,description,quantity,price,amount,fee\n2024-01-02,buy,A,,1,1,1,0\n"
    answer = person.api.post(
        "/api/v1/imports",
        {"file": SimpleUploadedFile("a.csv", text), "account_id": own.id},
        format="multipart",
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "format_unknown")


def test_a_format_that_a_person_chose_has_no_score(person: Any) -> None:
    own = person.account("EUR")
    assert own.preview(MOVED, format="trading212")["format_score"] is None


def test_a_heading_in_brackets_that_is_no_unit_is_another_column(person: Any) -> None:
    """`Currency (Result)` is not the currency of the tax, so nothing says what that is."""
    own = person.account("EUR")
    text = TRADING212.replace("Withholding tax,Currency (Withholding tax)", "Withholding tax,Memo")
    row = (
        "Dividend (Ordinary),2026-07-02 08:00:00,DE0007164600,SAP,SAP,,,,,,,5,USD,8.50,EUR,1.50,,,"
    )
    batch = own.preview(text + row + "\n")
    assert own.verdicts(batch) == ["ready", "ready", "error column_missing"]


def test_a_renamed_column_of_a_signature_is_no_stranger(person: Any) -> None:
    own = person.account("EUR")
    text = TRADING212.replace("No. of shares", "Number of shares")
    batch = own.preview(text)
    assert batch["format"] == "trading212"
    assert 0.5 < float(batch["format_score"]) < 1
    own.bring(text)
    assert own.cash == D("74.00")
