"""What is in the ledger already is not imported again; what merely looks alike may be."""

from typing import Any

import pytest
from django.utils import timezone

from transactions.models import Transaction
from transactions.operations import reverse

pytestmark = pytest.mark.django_db

TWINS = """
type  day    symbol quantity price fee currency external_id
buy   01-03  AAA    10       50    1   USD      {0}
buy   01-03  AAA    10       50    1   USD      {1}
"""


def test_the_same_file_again_gives_nothing_new(desk: Any) -> None:
    desk.committed()
    again = desk.preview()
    assert again["counts"] == {"rows": 5, "ready": 0, "duplicates": 5, "errors": 0, "skipped": 0}
    assert {code for codes in desk.codes(again) for code in codes} == {"duplicate"}
    refusal = desk.commit(again)
    assert (refusal.status_code, refusal.json()["code"]) == (409, "nothing_ready")
    assert Transaction.objects.count() == 5


def test_what_was_typed_by_hand_is_recognised_by_its_figures(desk: Any) -> None:
    stated = {"account_id": desk.account_id, "type": "buy", "symbol": "AAA", "quantity": "10"}
    stated |= {"price": "50", "fee": "1", "executed_at": "2024-01-03T20:30:00Z"}
    assert desk.client.post("/api/v1/transactions", stated).status_code == 201
    assert desk.statuses(desk.preview()) == ["ready", "duplicate", "ready", "ready", "ready"]


def test_twins_without_names_are_two_and_match_the_ledger_one_to_one(desk: Any) -> None:
    batch = desk.preview(TWINS.format("-", "-"))
    assert desk.codes(batch) == [[], []]
    assert desk.commit(batch).status_code == 200
    assert Transaction.objects.count() == 2
    assert desk.statuses(desk.preview(TWINS.format("-", "-"))) == ["duplicate", "duplicate"]
    third = TWINS.format("-", "-") + TWINS.format("-", "-").splitlines()[-1]
    assert desk.statuses(desk.preview(third)) == ["duplicate", "duplicate", "ready"]


def test_one_of_the_twins_in_the_ledger_leaves_the_other_to_import(desk: Any) -> None:
    batch = desk.preview(TWINS.format("-", "-"))
    desk.change(batch, exclude=[2])
    assert desk.commit(batch).status_code == 200
    again = desk.preview(TWINS.format("-", "-"))
    assert desk.codes(again) == [["duplicate"], []]


def test_a_row_included_by_hand_is_recorded_although_the_ledger_has_it(desk: Any) -> None:
    desk.committed(TWINS.format("-", "-"))
    batch = desk.preview(TWINS.format("-", "-"))
    changed = desk.change(batch, include=[2]).json()
    assert changed["counts"]["ready"] == 1
    assert desk.rows(batch)[1]["choice"] == "include"
    assert desk.commit(batch).status_code == 200
    assert Transaction.objects.count() == 3


def test_one_of_two_twins_that_was_reversed_may_come_again(desk: Any, people: Any) -> None:
    desk.committed(TWINS.format("-", "-"))
    row = Transaction.objects.order_by("pk")[0]
    reverse(original=row, user=people.owner, now=timezone.now())
    assert sorted(desk.statuses(desk.preview(TWINS.format("-", "-")))) == ["duplicate", "ready"]


def test_twins_with_names_of_their_own_are_two(desk: Any) -> None:
    desk.committed(TWINS.format("T1", "T2"))
    assert Transaction.objects.count() == 2
    assert desk.statuses(desk.preview(TWINS.format("T1", "T2"))) == ["duplicate", "duplicate"]
    third = desk.preview(TWINS.format("T3", "T3"))
    assert desk.codes(third) == [[], ["duplicate_in_file"]]


def test_what_was_reversed_may_come_again(desk: Any, people: Any) -> None:
    desk.committed(TWINS.format("T1", "T2"))
    row = Transaction.objects.get(external_id="T1")
    reverse(original=row, user=people.owner, now=timezone.now())
    assert desk.statuses(desk.preview(TWINS.format("T1", "T2"))) == ["ready", "duplicate"]


def test_after_an_undo_the_file_is_new_again(desk: Any) -> None:
    batch = desk.committed()
    desk.remove(batch)
    assert desk.preview()["counts"]["ready"] == 5


def test_another_account_knows_nothing_of_it(desk: Any, people: Any) -> None:
    desk.committed()
    body = {"name": "Other", "type": "ira", "currency": "USD"}
    other = desk.client.post("/api/v1/accounts", body).json()
    desk.account_id = other["id"]
    assert desk.preview()["counts"]["ready"] == 5


def test_a_row_left_out_by_hand_stays_out_until_it_is_taken_back(desk: Any) -> None:
    batch = desk.preview()
    changed = desk.change(batch, exclude=[4, 5]).json()
    assert changed["counts"] == {"rows": 5, "ready": 3, "duplicates": 0, "errors": 0, "skipped": 2}
    assert desk.codes(batch)[3] == ["excluded"]
    assert desk.change(batch, reset=[4]).json()["counts"]["ready"] == 4
    refusal = desk.change(batch, exclude=[99])
    assert (refusal.status_code, refusal.json()["code"]) == (400, "row_unknown")
    desk.commit(batch)
    assert Transaction.objects.count() == 4


def test_a_ledger_that_moved_on_makes_a_preview_stale(desk: Any) -> None:
    batch, other = desk.preview(), desk.preview()
    assert desk.commit(other).status_code == 200
    refusal = desk.commit(batch)
    assert (refusal.status_code, refusal.json()["code"]) == (409, "preview_stale")
    assert Transaction.objects.count() == 5
    assert desk.get(batch)["counts"]["duplicates"] == 5


def test_a_change_that_makes_no_row_a_double_does_not_matter(desk: Any) -> None:
    batch = desk.preview()
    stated = {"account_id": desk.account_id, "type": "deposit", "amount": "1"}
    stated |= {"executed_at": "2024-03-03T20:30:00Z"}
    assert desk.client.post("/api/v1/transactions", stated).status_code == 201
    assert desk.commit(batch).status_code == 200
    assert Transaction.objects.count() == 6
