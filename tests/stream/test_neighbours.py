"""The stream reads exactly what identity, marketdata and notifications write.

Everything is committed: the stream process compares rights with the same database.
"""

import json
import time
from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone

from identity.models import AdviserLink, Household, Role, User
from identity.operations import households, users
from marketdata.operations.quotes import IncomingQuote, record_quotes
from notifications.senders.live import send_events
from stores.redis import redis_client

pytestmark = pytest.mark.django_db(transaction=True)

# The time after a change's answer in which an event may still reach a socket without rights.
SOON_S = 2.0


def feed(**prices: str) -> None:
    now = timezone.now()
    quotes = [
        IncomingQuote(symbol=symbol, price=Decimal(price), as_of=now, source="replay")
        for symbol, price in prices.items()
    ]
    recorded = record_quotes(quotes=quotes, now=now)
    assert recorded.accepted == len(prices), recorded.refused


def entered(stream: Any, client: Any) -> Any:
    """Return a socket opened with a ticket that this client requested."""
    answer = client.post("/api/v1/auth/stream-ticket")
    assert answer.status_code == 200, answer.content
    return stream.enter(answer.json()["ticket"])


def is_revoked(socket: Any) -> bool:
    heard, code, _ = socket.hear_close()
    return (heard[-1]["code"], code) == ("revoked", 4401)


def is_open(socket: Any) -> bool:
    socket.say(type="ping")
    return bool(socket.hear("pong"))


def send(household_id: int, number: int) -> None:
    event = {"type": "notification", "n": number}
    send_events([(f"household.{household_id}", json.dumps(event))])


def test_a_ticket_a_price_and_an_event_of_the_real_thing(
    people: Any, assets: Any, client_of: Any, session_stream: Any
) -> None:
    feed(AAA="50.25", BBB="20.50")
    with entered(session_stream, client_of(people.owner)) as owner:
        subscribed: list[str] = []
        while len(subscribed) < 2:  # until the stream has read them
            owner.say(type="subscribe", symbols=["AAA", "BBB"])
            subscribed = owner.hear("subscribed")["symbols"]
        snapshot = owner.hear("price_batch")["updates"]
        assert {u["symbol"]: Decimal(u["price"]) for u in snapshot} == {
            "AAA": Decimal("50.25"),
            "BBB": Decimal("20.5"),
        }
        feed(AAA="51.00")
        owner.hear_price("AAA", "51")
        event = {"type": "rebalance_complete", "job_id": "j", "account_id": "a"}
        send_events([(f"household.{people.owner.household_id}", json.dumps(event))])
        assert owner.hear("rebalance_complete") == event


def _save_user(people: Any, user: User, **changes: object) -> None:
    """Change a user in the admin as an operator does, by the form as shown."""
    operator = Client()
    operator.force_login(people.operator, backend="identity.authentication.PasswordBackend")
    address = f"/admin/identity/user/{user.pk}/change/"
    form = operator.get(address).context["adminform"].form
    data = {name: form.initial.get(name) for name in form.fields} | changes
    sent = {name: value for name, value in data.items() if value is not None and value is not False}
    answer = operator.post(address, sent)
    assert answer.status_code == 302, answer.context["adminform"].form.errors


def _end_link_in_admin(people: Any) -> None:
    operator = Client()
    operator.force_login(people.operator, backend="identity.authentication.PasswordBackend")
    link = AdviserLink.objects.get(adviser=people.adviser)
    address = f"/admin/identity/adviserlink/{link.pk}/delete/"
    assert operator.post(address, {"post": "yes"}).status_code == 302


def _close(people: Any) -> None:
    users.deactivate(user=people.adviser, now=timezone.now())


LOSSES: dict[str, Callable[[Any], object]] = {
    "withdrawn": lambda people: households.withdraw_adviser(
        user=people.owner, adviser_id=people.adviser.public_id, now=timezone.now()
    ),
    "withdrawn in the admin": _end_link_in_admin,
    "withdrawn in a shell": lambda people: AdviserLink.objects.all().delete(),
    "withdrawn in SQL": lambda people: AdviserLink.objects.all()._raw_delete("default"),
    "role": lambda people: users.change_role(user=people.adviser, role=Role.INVESTOR),
    "role in the admin": lambda people: _save_user(people, people.adviser, role="investor"),
    "closed": _close,
    "closed in the admin": lambda people: _save_user(people, people.adviser, is_active=False),
    "password": lambda people: _change_password(people),
    "deleted in a shell": lambda people: _delete(people.adviser),
    "everywhere": lambda people: users.end_everything(
        user_id=people.adviser.pk, now=timezone.now()
    ),
}


def _change_password(people: Any) -> None:
    people.adviser.set_password("a-long-enough-password")
    people.adviser.save(update_fields=["password"])
    users.change_password(
        user=people.adviser,
        current_password="a-long-enough-password",
        new_password="another-long-password",
        now=timezone.now(),
    )


def _delete(user: User) -> None:
    user.delete()


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES.keys())
def test_who_loses_a_household_hears_no_more_of_it(
    people: Any, client_of: Any, session_stream: Any, lose: Callable[[Any], object]
) -> None:
    api, home = client_of(people.adviser), people.owner.household_id
    with (
        entered(session_stream, api) as adviser,
        entered(session_stream, client_of(people.owner)) as owner,
    ):
        send(home, 1)
        assert adviser.hear("notification")["n"] == owner.hear("notification")["n"] == 1
        lose(people)
        ended_at = time.monotonic()
        numbers, late = count(2), set()
        while adviser.connection.close_code is None and time.monotonic() < ended_at + 2 * SOON_S:
            number = next(numbers)
            if time.monotonic() > ended_at + SOON_S:
                late.add(number)
            send(home, number)
            time.sleep(0.05)
        heard, code, _ = adviser.hear_close()
        assert (heard[-1]["code"], code) == ("revoked", 4401)
        assert late.isdisjoint(message.get("n") for message in heard)
        send(home, 0)
        while owner.hear("notification")["n"] != 0:
            pass


def test_who_moves_to_another_household_loses_the_old_one(
    people: Any, client_of: Any, session_stream: Any
) -> None:
    elsewhere = Household.objects.create(name="New home")
    with (
        entered(session_stream, client_of(people.spouse)) as spouse,
        entered(session_stream, client_of(people.owner)) as owner,
    ):
        _save_user(people, people.spouse, household=elsewhere.pk)
        people.spouse.refresh_from_db()
        assert people.spouse.household == elsewhere
        assert is_revoked(spouse)
        assert is_open(owner)
    with entered(session_stream, client_of(people.spouse)) as again:
        send(people.owner.household_id, 1)
        send(elsewhere.pk, 2)
        assert again.hear("notification")["n"] == 2


def test_a_log_out_closes_the_sockets_of_that_log_in_only(
    people: Any, client_of: Any, session_stream: Any
) -> None:
    phone, laptop, pages = client_of(people.owner), client_of(people.owner), Client()
    pages.force_login(people.owner, backend="identity.authentication.PasswordBackend")
    with (
        entered(session_stream, phone) as on_phone,
        entered(session_stream, laptop) as on_laptop,
        entered(session_stream, pages) as on_page,
    ):
        assert phone.post("/api/v1/auth/logout", {}).status_code == 204
        assert is_revoked(on_phone)
        pages.logout()
        assert is_revoked(on_page)
        assert is_open(on_laptop)


def test_rights_that_redis_forgot_or_never_heard_of_end_by_the_database(
    people: Any, client_of: Any, session_stream: Any, settings: Any
) -> None:
    """The cache is unreachable for the web and restarts for the stream:."""
    phone, pages = client_of(people.owner), Client()
    pages.force_login(people.owner, backend="identity.authentication.PasswordBackend")
    with (
        entered(session_stream, phone) as on_phone,
        entered(session_stream, pages) as on_page,
        entered(session_stream, client_of(people.adviser)) as adviser,
        entered(session_stream, client_of(people.stranger)) as stranger,
    ):
        reachable = django_settings.REDIS_URL
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        assert phone.post("/api/v1/auth/logout", {}).status_code == 204
        pages.logout()
        households.withdraw_adviser(
            user=people.owner, adviser_id=people.adviser.public_id, now=timezone.now()
        )
        settings.REDIS_URL = reachable
        redis_client().flushall()
        assert all(is_revoked(socket) for socket in (on_phone, on_page, adviser))
        assert is_open(stranger)
