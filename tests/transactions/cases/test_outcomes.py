"""The account that a preview shows is the account that the commit leaves."""

from datetime import UTC, datetime
from decimal import Decimal as D
from types import SimpleNamespace
from typing import Any, cast

import pytest

from transactions.models import ImportRow, RowStatus
from transactions.operations.imports.outcomes import Outcome

pytestmark = pytest.mark.django_db

REVERSED = (
    b"type,executed_at,symbol,quantity,price,amount,currency,lot_method,external_id,reverses\n"
    b"deposit,2024-01-02T12:00:00Z,,,,1000,USD,,d1,\n"
    b"buy,2024-01-03T12:00:00Z,AAA,2,10,,USD,,b1,\n"
    b"buy,2024-01-03T12:00:00Z,AAA,2,10,,USD,,r1,b1\n"
    b"buy,2024-01-04T12:00:00Z,AAA,3,10,,USD,,b2,\n"
)


def shown_and_recorded(own: Any, data: Any, **form: Any) -> tuple[Any, Any]:
    batch = own.preview(data, **form)
    answer = own.api.post(f"/api/v1/imports/{batch['id']}/commit")
    assert answer.status_code == 200, answer.content
    return batch["outcome"], answer.json()["outcome"]


def test_a_row_that_the_file_reverses_moves_nothing(person: Any) -> None:
    person.asset("AAA")
    own = person.account()
    outcome, _ = shown_and_recorded(own, REVERSED)
    assert own.cash == D(970)
    assert outcome["cash_after"] == "970.00"
    assert outcome["positions"] == [{"symbol": "AAA", "before": "0", "after": "3"}]


def test_units_that_came_from_another_security_count_as_held(person: Any) -> None:
    for symbol in ("AAA", "BBB", "CCC"):
        person.asset(symbol)
    own = person.account()
    own.post("2024-01-02", "buy", "AAA", quantity="10", price="5")
    own.post("2024-01-03", "merger", "AAA", new_symbol="BBB", ratio="2:1")
    own.post("2024-01-04", "symbol_change", "BBB", new_symbol="CCC")
    outcome, _ = shown_and_recorded(
        own,
        b"type,executed_at,symbol,quantity,price,currency,lot_method\n"
        b"buy,2024-01-05T12:00:00Z,CCC,1,3,USD,\n",
    )
    assert sum(lot[1] for lot in own.lots("CCC")) == 21
    assert outcome["positions"] == [{"symbol": "CCC", "before": "20", "after": "21"}]


def test_rates_that_came_after_the_preview_show_it_again(person: Any) -> None:
    """At first the newest rate is the one of the day before; then the rate of the day comes."""
    person.asset("AAA")
    person.rate("USD", "2024-01-02", "1.10")
    own = person.account("EUR")
    batch = own.preview(
        b"type,executed_at,symbol,quantity,price,currency,lot_method\n"
        b"buy,2024-01-03T12:00:00Z,AAA,10,11,USD,\n"
    )
    assert batch["outcome"]["cash_after"] == "-100.00"
    person.rate("USD", "2024-01-03", "1.25")
    answer = own.api.post(f"/api/v1/imports/{batch['id']}/commit")
    assert (answer.status_code, answer.json()["code"]) == (409, "preview_stale")
    assert own.transactions() == []
    shown = own.api.get(f"/api/v1/imports/{batch['id']}").json()
    assert shown["outcome"]["cash_after"] == "-88.00"
    assert own.api.post(f"/api/v1/imports/{batch['id']}/commit").status_code == 200
    assert own.cash == D(-88)


def row(number: int, day: int) -> ImportRow:
    at = datetime(2024, 1, day, tzinfo=UTC)
    return ImportRow(number=number, line=number, executed_at=at)


def test_a_row_that_is_judged_again_leaves_the_order_of_the_file() -> None:
    """The newest row is a split whose ratio follows from all others: it is judged last."""
    outcome = Outcome()
    for number, day in ((1, 9), (2, 5), (3, 2), (1, 9)):
        outcome.add(row(number, day), None, RowStatus.READY, (), None)
    assert outcome.ends is not None
    assert [number for number, _ in outcome.ends] == [1, 3]


def test_what_falls_with_a_skipped_row_was_left_out_not_refused() -> None:
    outcome = Outcome()
    for number in (1, 2, 3):
        moved = SimpleNamespace(cash_effect=D(number))
        paid = SimpleNamespace(entry=SimpleNamespace(type="deposit"), amounts=moved, asset=None)
        outcome.add(row(number, number), None, RowStatus.READY, (), cast(Any, paid))
    assert outcome.added() == 6
    outcome.lose(2, left_out=True)
    outcome.lose(3, left_out=False)
    assert [(step.effect, step.lacking) for step in outcome.steps()] == [
        (D(1), None),
        (D(0), "rows_left_out"),
        (D(0), "rows_refused"),
    ]
    assert outcome.added() == 1
