"""The account after an import, and whether the file's own balances are met."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any

import pytest

from transactions.files.reading.interface import Balance
from transactions.files.statements import Reason, Step, compared
from transactions.models import ImportRow
from transactions.operations.imports.outcomes import Outcome

DUTCH = """
Datum,Tijd,Valutadatum,Product,ISIN,Omschrijving,FX,Mutatie,,Saldo,,Order Id
20-12-2023,10:00,20-12-2023,SAP SE,DE0007164600,DEGIRO Transactiekosten en/of kosten van derden,,EUR,"-2,42",EUR,"484,18",b2
20-12-2023,10:00,20-12-2023,SAP SE,DE0007164600,"Koop 25 @ 11,51 EUR",,EUR,"-287,75",EUR,"486,60",b2
18-12-2023,08:37,15-12-2023,,,Valuta Creditering,,EUR,"474,35",EUR,"774,35",
18-12-2023,08:37,15-12-2023,,,Valuta Debitering,"1,0977",USD,"-520,69",USD,"0,00",
15-12-2023,09:05,14-12-2023,,,Deposit in dollars,,USD,"520,69",USD,"520,69",
13-12-2023,12:54,13-12-2023,,,iDEAL storting,,EUR,"300,00",EUR,"300,00",
"""  # noqa: E501


def steps(*rows: tuple[str, str, str, Reason | None]) -> list[Step]:
    """`effect, currency of the balance, balance, why the row is missing` a row."""
    return [
        Step(
            line,
            line,
            D(effect),
            Balance(currency, D(amount)) if amount else None,
            lacking,
            date(2024, 1, line),
        )
        for line, (effect, currency, amount, lacking) in enumerate(rows, 1)
    ]


def test_a_file_that_agrees() -> None:
    found = compared(
        steps(
            ("300", "EUR", "300", None),
            ("-287.75", "EUR", "12.25", None),
            ("-2.42", "", "", None),
            ("0", "", "9.83", None),
        ),
        currency="EUR",
    )
    assert (found.checkpoints, found.differences, found.first) == (3, 0, None)
    assert (found.opening, found.closing) == (D(0), D("9.83"))


@pytest.mark.parametrize(
    ("lacking", "reason"),
    [
        ("rows_refused", "rows_refused"),
        ("rows_left_out", "rows_left_out"),
        (None, "figures_differ"),
    ],
)
def test_the_first_difference_has_its_row_and_its_reason(lacking: Any, reason: str) -> None:
    found = compared(
        steps(
            ("300", "EUR", "350", None),
            ("0", "EUR", "347.58", lacking),
            ("-287.75", "EUR", "59.83", None),
            ("-5", "EUR", "50", None),
        ),
        currency="EUR",
    )
    assert found.opening == 50
    assert found.differences == 2
    first = found.first
    assert first is not None
    assert (first.line, first.stated, first.ours) == (2, D("-2.42"), D(0))
    assert first.reason == reason


def test_a_row_and_its_cancellation_meet_the_statement_again() -> None:
    found = compared(
        steps(
            ("300", "EUR", "300", None),
            ("0", "EUR", "180", None),
            ("0", "EUR", "300", None),
            ("-10", "EUR", "290", None),
        ),
        currency="EUR",
    )
    assert (found.differences, found.closing) == (0, D(290))


def test_money_on_its_way_between_currencies_is_no_difference() -> None:
    """While dollars are left the balance in euros says nothing; on the day it does, all is met."""
    rows = steps(
        ("0", "EUR", "0", None),
        ("911", "USD", "1000", None),
        ("-136.65", "USD", "850", None),
        ("0", "USD", "0", None),
        ("0", "EUR", "774.35", None),
    )
    rows[4] = replace(rows[4], day=rows[3].day)
    found = compared(rows, currency="EUR")
    assert (found.differences, found.closing) == (0, D("774.35"))


def test_rows_of_one_trade_date_are_of_one_day_wherever_midnight_is() -> None:
    """10:00 in Tokyo on January 2 is January 1 in New York and 01:00 on January 2 in UTC."""
    new_york, tokyo = date(2024, 1, 1), date(2024, 1, 2)
    instant = datetime(2024, 1, 2, 1, tzinfo=UTC)
    outcome = Outcome()
    for number, day in enumerate([new_york, tokyo, None], 1):
        row = ImportRow(number=number, line=number, executed_at=instant if day else None)
        outcome.add(row, day, "error", ["nothing_held"], None)
    assert [step.day for step in outcome.steps()] == [new_york, tokyo, None]


@pytest.mark.django_db
def test_a_preview_shows_cash_and_positions_after_it(person: Any) -> None:
    own = person.account("EUR")
    person.asset("SAP", "EUR", isin="DE0007164600")
    own.post("2023-01-02", "buy", "SAP", quantity="5", price="10")
    batch = own.preview(DUTCH)
    outcome = batch["outcome"]
    assert (outcome["cash_before"], outcome["currency"]) == ("-50.00", "EUR")
    assert outcome["positions"] == [{"symbol": "SAP", "before": "5", "after": "30"}]
    answer = own.api.post(f"/api/v1/imports/{batch['id']}/commit")
    assert answer.status_code == 200, answer.content
    assert own.cash == D(outcome["cash_after"])
    assert sum(lot[1] for lot in own.lots("SAP")) == 30


@pytest.mark.django_db
def test_a_row_left_out_shows_where_the_statement_parts(person: Any) -> None:
    own = person.account("EUR")
    kept = [line for line in DUTCH.strip().splitlines() if "USD" not in line]
    text = "\n".join(line for line in kept if "Creditering" not in line)
    text = text.replace("484,18", "9,83").replace("486,60", "12,25")
    batch = own.preview(text)
    statement = batch["outcome"]["statement"]
    assert (statement["checkpoints"], statement["differences"]) == (3, 0), statement
    assert (statement["opening"], statement["closing"]) == ("0.00", "9.83")
    number = next(
        row["row"] for row in own.rows(batch) if (row["transaction"] or {}).get("type") == "buy"
    )
    batch = own.change(batch, exclude=[number])
    statement = batch["outcome"]["statement"]
    assert statement["differences"] == 1
    assert statement["first_difference"] == {
        "line": 3,
        "row": 2,
        "stated_change": "-290.17",
        "our_change": "0.00",
        "reason": "rows_left_out",
    }
