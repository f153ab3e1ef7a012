"""A split belongs to the security: one event, booked in every account that held it, once."""

from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from jobs.models import Job
from marketdata.models import DailyPrice
from marketdata.operations import confirm_for_everyone, withdraw_for_everyone
from tests.transactions.actions.conftest import at, follow
from transactions.ledger.entries import Entry
from transactions.models import ActionRun, AppliedAction, Transaction
from transactions.operations import reverse
from transactions.operations.actions import PreviewedPart, previewed

pytestmark = pytest.mark.django_db


def test_a_split_is_booked_in_every_account_that_held_the_security(
    ledgers: Any, people: Any, confirmed: Any
) -> None:
    main = ledgers.account(people.owner)
    ira = ledgers.account(people.spouse, type="ira")
    far = ledgers.account(people.stranger)
    late = ledgers.account(people.stranger, "Late")
    ledgers.trade(main, "buy", "2024-03-01", "10", "500")
    ledgers.trade(main, "buy", "2024-04-01", "5", "300")
    ledgers.trade(ira, "buy", "2024-03-01", "7", "350")
    ledgers.trade(far, "buy", "2024-03-01", "3", "150")
    ledgers.trade(late, "buy", "2024-07-01", "8", "200")
    confirmed("split", "2024-06-10", "2:1")
    assert ledgers.lots(main) == [("2024-03-01", D(20), D(500)), ("2024-04-01", D(10), D(300))]
    assert ledgers.lots(ira) == [("2024-03-01", D(14), D(350))]
    assert ledgers.lots(far) == [("2024-03-01", D(6), D(150))]
    assert ledgers.lots(late) == [("2024-07-01", D(8), D(200))]
    assert AppliedAction.objects.filter(told=False).count() == 3
    ledgers.ensure_right()


def test_an_account_that_told_it_on_another_day_or_as_units_added_is_linked_not_booked(
    ledgers: Any, people: Any, confirmed: Any
) -> None:
    """33 shares at 3:2 are 49.5; the second broker added 16 shares and paid out the half."""
    silent = ledgers.account(people.owner, "Silent")
    ratio = ledgers.account(people.owner, "Ratio")
    added = ledgers.account(people.spouse, "Added")
    for account in (silent, ratio, added):
        ledgers.trade(account, "buy", "2024-03-01", "33", "3300")
    ledgers.split(ratio, "2024-06-11", "3:2")
    ledgers.split(added, "2024-06-12", "49:33")
    confirmed("split", "2024-06-10", "3:2")
    assert ledgers.lots(silent) == [("2024-03-01", D("49.5"), D(3300))]
    assert ledgers.lots(ratio) == [("2024-03-01", D("49.5"), D(3300))]
    assert ledgers.lots(added) == [("2024-03-01", D(49), D(3300))]
    told = {row.account_id: row.told for row in AppliedAction.objects.all()}
    assert told == {silent.pk: False, ratio.pk: True, added.pk: True}
    assert [len(ledgers.told(one)) for one in (silent, ratio, added)] == [1, 1, 1]
    ledgers.ensure_right()


def test_doing_the_work_twice_books_nothing_twice(
    ledgers: Any, people: Any, confirmed: Any
) -> None:
    main = ledgers.account(people.owner)
    ledgers.trade(main, "buy", "2024-03-01", "10", "500")
    action = confirmed("split", "2024-06-10", "2:1")
    confirm_for_everyone(action=action, user=people.operator, now=timezone.now())
    ActionRun.objects.update(done_at=None)
    type(action).objects.update(listed_at=None)
    assert follow(action) == [True]
    assert ledgers.lots(main) == [("2024-03-01", D(20), D(500))]
    assert len(ledgers.told(main)) == 1


def test_confirming_leaves_one_job_and_books_nothing_itself(
    ledgers: Any, people: Any, announce: Any
) -> None:
    main = ledgers.account(people.owner)
    ledgers.trade(main, "buy", "2024-03-01", "10", "500")
    action = announce("split", "2024-06-10", "2:1")
    for _ in range(2):
        confirm_for_everyone(action=action, user=people.operator, now=timezone.now())
    waiting = Job.objects.filter(subject_id=action.public_id)
    assert [job.params["state"] for job in waiting.order_by("id")] == ["proposed", "confirmed"]
    assert ledgers.told(main) == []


def test_withdrawing_reverses_what_the_action_booked_and_nothing_else(
    ledgers: Any, people: Any, confirmed: Any
) -> None:
    main = ledgers.account(people.owner)
    own = ledgers.account(people.spouse)
    for account in (main, own):
        ledgers.trade(account, "buy", "2024-03-01", "10", "500")
    ledgers.split(own, "2024-06-11", "2:1")
    action = confirmed("split", "2024-06-10", "2:1")
    withdraw_for_everyone(action=action, user=people.operator, now=timezone.now())
    assert follow(action) == [True]
    assert ledgers.lots(main) == [("2024-03-01", D(10), D(500))]
    assert ledgers.lots(own) == [("2024-03-01", D(20), D(500))]
    assert AppliedAction.objects.count() == 0
    ledgers.ensure_right()


def test_what_the_person_reversed_themselves_is_neither_booked_nor_reversed_again(
    ledgers: Any, people: Any, confirmed: Any
) -> None:
    main = ledgers.account(people.owner)
    ledgers.trade(main, "buy", "2024-03-01", "10", "500")
    action = confirmed("split", "2024-06-10", "2:1")
    reverse(original=ledgers.told(main)[0], user=people.owner, now=timezone.now())
    ActionRun.objects.update(done_at=None)
    assert follow(action) == [True]
    assert ledgers.told(main) == []
    withdraw_for_everyone(action=action, user=people.operator, now=timezone.now())
    assert follow(action) == [True]
    assert ledgers.lots(main) == [("2024-03-01", D(10), D(500))]
    assert Transaction.objects.filter(account=main, type="split").count() == 2


def test_a_household_that_cannot_book_it_changes_nothing_and_holds_up_nobody(
    ledgers: Any, people: Any, announce: Any
) -> None:
    """The owner sold 5 old shares after a reverse split their broker never told."""
    main = ledgers.account(people.owner)
    ledgers.trade(main, "buy", "2024-03-01", "10", "500")
    ledgers.trade(main, "sell", "2024-07-01", "5", "300")
    far = ledgers.account(people.stranger)
    ledgers.trade(far, "buy", "2024-03-01", "10", "500")
    action = announce("split", "2024-06-10", "1:10")
    confirm_for_everyone(action=action, user=people.operator, now=timezone.now())
    assert sorted(follow(action)) == [False, True]
    assert ledgers.lots(main) == [("2024-03-01", D(5), D(250))]
    assert ledgers.told(main) == []
    assert ledgers.lots(far) == [("2024-03-01", D(1), D(500))]
    run = ActionRun.objects.get(household=people.owner.household)
    assert (run.done_at, run.attempts) == (None, 1)
    assert run.error.startswith("insufficient_quantity: ")
    assert run.next_at > timezone.now() + timedelta(seconds=60)


def test_cash_in_lieu_sells_the_fraction_with_its_basis_and_holding_period(
    ledgers: Any, people: Any, confirmed: Any
) -> None:
    """33 shares of 3,300.00, 3:2: 49.5. Half a share at 70.00 brings 35.00; its basis is
    3,300.00 / 49.5 / 2 = 33.33, so the gain is 1.67, long-term after 15 months."""
    main = ledgers.account(people.owner)
    ledgers.trade(main, "buy", "2023-03-01", "33", "3300")
    confirmed("split", "2024-06-10", "3:2", cash_in_lieu_price=D(70))
    main.refresh_from_db()
    assert main.cash == D("-3265")
    (sold,) = main.disposals.all()
    assert (sold.quantity, sold.proceeds, sold.cost_basis) == (D("0.5"), D(35), D("33.33"))
    assert sold.long_term
    assert ledgers.lots(main) == [("2023-03-01", D(49), D("3266.67"))]
    ledgers.ensure_right()


def test_a_waiting_loss_follows_the_split_though_nothing_is_held(
    ledgers: Any, people: Any, confirmed: Any
) -> None:
    """100 shares sold at a loss of 1,000.00; 100 bought after a 2:1 split are half of them."""
    main = ledgers.account(people.owner)
    ledgers.trade(main, "buy", "2024-01-02", "100", "5000")
    ledgers.trade(main, "sell", "2024-06-03", "100", "4000")
    ledgers.trade(main, "buy", "2024-06-17", "100", "2000")
    (sold,) = main.disposals.all()
    assert sold.deferred_loss == D(1000)
    confirmed("split", "2024-06-10", "2:1")
    (sold,) = main.disposals.all()
    assert sold.deferred_loss == D(500)
    ledgers.ensure_right()


def shown(part: PreviewedPart) -> Any:
    before, after = part.before, part.after
    assert before is not None
    assert after is not None
    return (
        part.account.name,
        part.outcome,
        (before.quantity, before.cost_basis, before.cash),
        (after.quantity, after.cost_basis, after.cash),
        [(lot.quantity, lot.cost_basis) for lot in after.lots],
        [(one.long_term, one.gain) for one in part.gains],
    )


def test_a_preview_shows_what_is_booked_later(ledgers: Any, people: Any, announce: Any) -> None:
    main = ledgers.account(people.owner)
    other = ledgers.account(people.spouse, "Other")
    ledgers.trade(main, "buy", "2023-03-01", "33", "3300")
    ledgers.trade(other, "buy", "2023-03-01", "10", "1000")
    ledgers.split(other, "2024-06-11", "3:2")
    action = announce("split", "2024-06-10", "3:2", cash_in_lieu_price=D(70))
    before = list(Transaction.objects.values_list("pk", flat=True))

    def seen() -> list[Any]:
        parts, refusal = previewed(
            action=action, household_id=people.owner.household_id, now=timezone.now()
        )
        assert refusal == ""
        return [shown(part) for part in parts]

    main_part = [
        (D(33), D(3300), D(-3300)),
        (D(49), D("3266.67"), D(-3265)),
        [(D(49), D("3266.67"))],
        [(True, D("1.67"))],
    ]
    other_part = [(D(10), D(1000), D(-1000)), (D(15), D(1000), D(-1000)), [(D(15), D(1000))], []]
    assert seen() == [("Main", "to_book", *main_part), ("Other", "told", *other_part)]
    assert list(Transaction.objects.values_list("pk", flat=True)) == before
    confirm_for_everyone(action=action, user=people.operator, now=timezone.now())
    assert follow(action) == [True]
    assert seen() == [("Main", "booked", *main_part), ("Other", "told", *other_part)]
    assert ledgers.lots(main) == [("2023-03-01", D(49), D("3266.67"))]


def test_shares_that_moved_between_own_accounts_are_held_where_they_arrived(
    ledgers: Any, people: Any, confirmed: Any
) -> None:
    """Both sides of a transfer happen at one instant, the leaving one first."""
    main = ledgers.account(people.owner)
    other = ledgers.account(people.owner, "Other")
    ledgers.trade(main, "buy", "2024-03-01", "10", "500")
    moved = Entry(
        "transfer_out", at("2024-05-01"), "USD", "AAA", D(10), to_account_id=other.public_id
    )
    ledgers.write(main, moved)
    confirmed("split", "2024-06-10", "2:1")
    assert ledgers.lots(main) == []
    assert ledgers.lots(other) == [("2024-03-01", D(20), D(500))]
    assert ledgers.told(main) == []
    ledgers.ensure_right()


def test_a_carried_price_is_divided_once_whoever_tells_the_split(
    ledgers: Any, people: Any, client_of: Any, confirmed: Any, assets: Any
) -> None:
    """No close after Friday: 10 and 10 shares at 100.00 are 20 and 20 at 50.00 on Tuesday.

    One account has the split by the action, on Monday; the other's broker told it on Tuesday.
    """
    DailyPrice.objects.create(asset=assets["AAA"], date=date(2024, 6, 7), close=D(100))
    main = ledgers.account(people.owner)
    told = ledgers.account(people.spouse, "Told")
    for account in (main, told):
        ledgers.write(account, Entry("deposit", at("2024-06-03"), "USD", amount=D(1000)))
        ledgers.trade(account, "buy", "2024-06-03", "10", "1000")
    ledgers.split(told, "2024-06-11", "2:1")
    confirmed("split", "2024-06-10", "2:1")
    query = {"from": "2024-06-07", "to": "2024-06-12"}
    answer = client_of(people.owner).get("/api/v1/portfolios/performance", query)
    assert answer.status_code == 200, answer.content
    values = {row["date"]: row["value"] for row in answer.json()["series"]}
    assert [D(values[day]) for day in ("2024-06-07", "2024-06-11", "2024-06-12")] == [D(2000)] * 3
