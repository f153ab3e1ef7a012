"""Rights that end close the sockets that depend on them, and no others."""

import json
from typing import Any

import pytest


def is_revoked(socket: Any) -> bool:
    heard, code, _ = socket.hear_close()
    return (heard[-1]["code"], code) == ("revoked", 4401)


def is_open(socket: Any) -> bool:
    socket.say(type="ping")
    return bool(socket.hear("pong"))


def test_published_rights_close_the_sockets_of_that_user_only(
    stream: Any, redis_server: Any
) -> None:
    with (
        stream.enter(redis_server.ticket(user_id=1)) as ended,
        stream.enter(redis_server.ticket(user_id=2)) as other,
    ):
        redis_server.client.publish("access", '{"users":{"1":2,"2":1,"99":5}}')
        assert is_revoked(ended)
        assert is_open(other)


def test_a_published_log_out_closes_the_sockets_of_that_log_in_only(
    stream: Any, redis_server: Any
) -> None:
    with (
        stream.enter(redis_server.ticket(family=redis_server.family(1, 0))) as phone,
        stream.enter(redis_server.ticket(family=redis_server.family(1, 0))) as second,
        stream.enter(redis_server.ticket(family=redis_server.family(1, 1))) as laptop,
        stream.enter(redis_server.ticket(user_id=2)) as other,
    ):
        message = json.dumps({"families": [redis_server.family(1, 0)]})
        redis_server.client.publish("access", message)
        assert all(is_revoked(gone) for gone in (phone, second))
        assert all(is_open(left) for left in (laptop, other))


def test_nonsense_on_the_access_channel_ends_nothing(stream: Any, redis_server: Any) -> None:
    with stream.enter(redis_server.ticket(user_id=1)) as socket:
        for message in ("nonsense", '{"users":{"1":"x"}}', '{"families":7}', "[]", "\xff"):
            redis_server.client.publish("access", message)
        redis_server.publish({"AAPL": "101.00"})
        assert is_open(socket)


ENDINGS = {
    "closed": "UPDATE identity_user SET is_active = false WHERE id = 1",
    "another role": "UPDATE identity_user SET role = 'adviser' WHERE id = 1",
    "another password": "UPDATE identity_user SET password = 'x' WHERE id = 1",
    "log-in ended": "UPDATE identity_tokenfamily SET revoked_at = now() WHERE id = %(family)s",
}


@pytest.mark.parametrize("sql", ENDINGS.values(), ids=ENDINGS.keys())
def test_what_the_database_says_closes_sockets_without_any_publication(
    stream: Any, redis_server: Any, people_committed: Any, sql: str
) -> None:
    with (
        stream.enter(redis_server.ticket(user_id=1)) as ended,
        stream.enter(redis_server.ticket(user_id=2)) as other,
    ):
        people_committed(sql, family=redis_server.family(1))
        assert is_revoked(ended)
        assert is_open(other)


def test_a_ticket_of_nobody_and_of_no_log_in_opens_nothing_for_long(
    stream: Any, redis_server: Any
) -> None:
    strangers = [
        redis_server.ticket(user_id=4711, family=redis_server.family(1)),
        redis_server.ticket(user_id=1, family=redis_server.family(4711)),
        redis_server.ticket(user_id=1, family="session-of-nobody"),
    ]
    for ticket in strangers:
        with stream.enter(ticket) as stranger:
            assert is_revoked(stranger)


def test_a_ticket_of_rights_that_changed_meanwhile_is_refused(
    stream: Any, redis_server: Any
) -> None:
    redis_server.client.set("access-epoch:1", 2)
    with stream.open() as ended, stream.open() as other:
        ended.say(type="auth", ticket=redis_server.ticket(user_id=1, epoch=1))
        assert ended.hear_close()[1:] == (4401, "ticket_invalid")
        other.log_in(redis_server.ticket(user_id=2, epoch=1))


def test_a_ticket_of_a_log_in_that_ended_meanwhile_is_refused(
    stream: Any, redis_server: Any
) -> None:
    redis_server.client.set(f"ended-family:{redis_server.family(1, 0)}", 1)
    with stream.open() as ended, stream.open() as other:
        ended.say(type="auth", ticket=redis_server.ticket(family=redis_server.family(1, 0)))
        assert ended.hear_close()[1:] == (4401, "ticket_invalid")
        other.log_in(redis_server.ticket(family=redis_server.family(1, 1)))


def test_without_its_database_a_process_closes_everybody_and_lets_nobody_in(
    start_stream: Any, redis_server: Any
) -> None:
    stream = start_stream(
        DATABASE_URL="postgresql://nobody@127.0.0.1:1/none", STREAM_AUTHORITY_S=10
    )
    with stream.enter(redis_server.ticket()) as socket:
        heard, code, reason = socket.hear_close()
        assert (heard[-1]["code"], code, reason) == ("unavailable", 1013, "unavailable")
    assert stream.get("/readyz")[0] == 503
    assert not stream.admits(redis_server.ticket())
