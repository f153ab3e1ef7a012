"""One key, one effect: repetitions get the first answer, other requests are refused."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core.errors import BallastError, NotFound
from identity.models import Household
from jobs.models import IdempotencyKey
from jobs.operations import answer_once

pytestmark = pytest.mark.django_db


def ask(
    user: Any, key: str | None, body: Any, *, access: Callable[[], Household] | None = None
) -> Any:
    def effect(household: Household) -> tuple[int, dict[str, object]]:
        return 201, {"id": Household.objects.create(name="made").pk, "in": household.pk}

    return answer_once(
        user=user,
        key=key,
        request={"body": body},
        now=timezone.now(),
        access=access or (lambda: user.household),
        effect=effect,
    )


def made() -> int:
    return Household.objects.filter(name="made").count()


def test_a_repetition_gets_the_first_answer_and_does_nothing(people: Any) -> None:
    first, replayed = ask(people.owner, "k", {"a": "1"})
    assert not replayed
    assert ask(people.owner, "k", {"a": "1"}) == (first, True)
    assert made() == 1


def test_the_key_of_another_user_is_another_key(people: Any) -> None:
    ask(people.owner, "k", {"a": "1"})
    _, replayed = ask(people.spouse, "k", {"a": "2"})
    assert not replayed
    assert made() == 2


def test_another_body_under_a_used_key_is_refused(people: Any) -> None:
    ask(people.owner, "k", {"a": "1"})
    with pytest.raises(BallastError) as refusal:
        ask(people.owner, "k", {"a": "2"})
    assert (refusal.value.status, refusal.value.code) == (422, "idempotency_key_reused")
    assert made() == 1


@pytest.mark.parametrize("key", ["k", None])
def test_access_is_asked_before_the_stored_answer(people: Any, key: str | None) -> None:
    def no_longer() -> Household:
        raise NotFound("No such household.", code="household_not_found")

    ask(people.owner, "k", {"a": "1"})
    with pytest.raises(NotFound):
        ask(people.owner, key, {"a": "1"}, access=no_longer)
    assert made() == 1


def test_the_answer_about_another_subject_is_another_answer(people: Any) -> None:
    ask(people.owner, "k", {"a": "1"})
    with pytest.raises(BallastError) as refusal:
        ask(people.owner, "k", {"a": "1"}, access=lambda: people.stranger.household)
    assert refusal.value.code == "idempotency_key_reused"
    assert made() == 1


def test_a_refused_request_keeps_no_key(people: Any) -> None:
    def effect(household: Household) -> tuple[int, dict[str, object]]:
        Household.objects.create(name="made")
        raise BallastError("no", code="no")

    with pytest.raises(BallastError):
        answer_once(
            user=people.owner,
            key="k",
            request={},
            now=timezone.now(),
            access=lambda: people.owner.household,
            effect=effect,
        )
    assert made() == 0
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb"])
def test_a_malformed_key_is_refused(people: Any, key: str) -> None:
    with pytest.raises(BallastError) as refusal:
        ask(people.owner, key, {})
    assert refusal.value.code == "idempotency_key_invalid"
    assert made() == 0


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_does_the_work_and_the_others_wait_or_repeat(people: Any) -> None:
    start, outcomes = threading.Barrier(16), []

    def rival() -> None:
        start.wait()
        try:
            (status, body), _ = ask(people.owner, "k", {"a": "1"})
            outcomes.append((status, body["id"]))
        except BallastError as refusal:
            outcomes.append((refusal.status, refusal.code))
        finally:
            connection.close()

    rivals = [threading.Thread(target=rival) for _ in range(16)]
    for thread in rivals:
        thread.start()
    for thread in rivals:
        thread.join(timeout=30)
    assert made() == 1
    (only,) = Household.objects.filter(name="made")
    assert len(outcomes) == 16
    assert set(outcomes) <= {(201, only.pk), (409, "idempotency_in_flight")}
    assert (201, only.pk) in outcomes
