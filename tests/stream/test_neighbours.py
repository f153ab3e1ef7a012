"""What identity, marketdata and notifications write is what the stream reads."""

import json
import os
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from identity.operations.access import revoke_before
from identity.operations.tickets import stream_ticket
from marketdata.operations.quotes import IncomingQuote, record_quotes
from notifications.senders import send_event


@pytest.fixture
def session_stream(start_stream: Any) -> Any:
    """A stream on the Redis that the rest of the application uses in this session."""
    return start_stream(REDIS_URL=os.environ["REDIS_URL"], STREAM_RECHECK_S=1)


def feed(**prices: str) -> None:
    now = timezone.now()
    quotes = [
        IncomingQuote(symbol=symbol, price=Decimal(price), as_of=now, source="replay")
        for symbol, price in prices.items()
    ]
    recorded = record_quotes(quotes=quotes, now=now)
    assert recorded.accepted == len(prices), recorded.refused


def test_a_ticket_a_price_an_event_and_a_revocation_of_the_real_thing(
    people: Any, assets: Any, session_stream: Any, django_capture_on_commit_callbacks: Any
) -> None:
    feed(AAA="50.25", BBB="20.50")
    with (
        session_stream.enter(stream_ticket(user=people.owner, family="o")) as owner,
        session_stream.enter(stream_ticket(user=people.stranger, family="s")) as stranger,
    ):
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
        send_event(group=f"household.{people.owner.household_id}", text=json.dumps(event))
        assert owner.hear("rebalance_complete") == event

        with django_capture_on_commit_callbacks(execute=True):
            revoke_before(user_id=people.owner.pk, token_version=people.owner.token_version + 1)
        heard, code, _ = owner.hear_close()
        assert (heard[-1]["code"], code) == ("revoked", 4401)
        stranger.say(type="ping")
        assert stranger.hear() == {"type": "pong"}


def test_a_log_out_closes_the_sockets_of_that_log_in_only(
    people: Any, client_of: Any, session_stream: Any, django_capture_on_commit_callbacks: Any
) -> None:
    phone, laptop, pages = client_of(people.owner), client_of(people.owner), Client()
    pages.force_login(people.owner)

    def enter(client: Any) -> Any:
        return session_stream.enter(client.post("/api/v1/auth/stream-ticket").json()["ticket"])

    def is_closed(socket: Any) -> bool:
        heard, code, _ = socket.hear_close()
        return (heard[-1]["code"], code) == ("revoked", 4401)

    with enter(phone) as on_phone, enter(laptop) as on_laptop, enter(pages) as on_page:
        with django_capture_on_commit_callbacks(execute=True):
            assert phone.post("/api/v1/auth/logout", {}).status_code == 204
        assert is_closed(on_phone)
        pages.logout()
        assert is_closed(on_page)
        on_laptop.say(type="ping")
        assert on_laptop.hear() == {"type": "pong"}
