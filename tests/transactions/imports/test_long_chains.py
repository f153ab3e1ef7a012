"""A backdated trade whose booking would hold a request for long is booked by a worker.

`make bench ARGS='chain --json'` does the same with 60,000 trades.
"""

from typing import Any

import pytest

from jobs.models import Job
from transactions.models import Lot, Transaction
from transactions.operations import record
from transactions.operations.books import booking
from transactions.operations.verification import verified
from transactions.tasks import work_on_import

pytestmark = pytest.mark.django_db

HEADING = "type day symbol quantity price currency lot_method\n"
# A sale at average cost: a change before it cannot be replayed, only booked from the start.
CHAIN = "".join(f"buy 01-{day:02} AAA 3 50 USD -\n" for day in range(3, 15))
CHAIN += "sell 02-01 AAA 3 60 USD average\n"
BACKDATED = "sell 01-06 AAA 1 55 USD fifo\n"


@pytest.fixture(autouse=True)
def _short_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request books ten events."""
    for function in (record, booking.is_long):
        defaults = {**(function.__kwdefaults__ or {}), "events_max": 10}
        monkeypatch.setattr(function, "__kwdefaults__", defaults)


def stored() -> tuple[Any, ...]:
    return (
        set(Transaction.objects.values_list("pk", flat=True)),
        set(Lot.objects.values_list("pk", "quantity", "cost_basis")),
    )


def test_a_backdated_trade_in_a_long_chain_is_left_to_a_worker(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.committed(HEADING + CHAIN)
    before = stored()
    assert len(before[0]) == 13

    body = {"account_id": desk.account_id, "type": "sell", "symbol": "AAA", "quantity": "1"}
    body |= {"price": "55", "executed_at": "2024-01-06T12:00:00Z"}
    answer = desk.client.post("/api/v1/transactions", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "rebooking_too_long")

    def booked(**_: Any) -> None:
        raise AssertionError("a request books the chain")

    with monkeypatch.context() as request:
        request.setattr(booking, "booked", booked)
        batch = desk.preview(HEADING + BACKDATED)
        assert batch["counts"]["ready"] == 1
        answer = desk.commit(batch)
    assert (answer.status_code, answer.json()["status"]) == (202, "committing")
    assert stored() == before

    work_on_import(Job.objects.get(public_id=answer.json()["job_id"]).pk)
    assert desk.get(batch)["status"] == "committed"
    assert len(stored()[0]) == 14
    assert [found for each in verified() for found in each.differences] == []
