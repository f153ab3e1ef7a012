"""Real sockets against a real stream process and a real Redis."""

import json
import socket
import time
from contextlib import suppress
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest
from asgiref.sync import async_to_sync
from channels_redis.pubsub import RedisPubSubChannelLayer
from websockets.exceptions import ConnectionClosed, InvalidStatus

from stream.protocol import SYMBOLS_PER_CLIENT_MAX


def refused_handshake(stream: Any, **options: Any) -> int:
    with pytest.raises(InvalidStatus) as refusal, stream.open(**options):
        pass
    return int(refusal.value.response.status_code)


# Admission


def test_a_ticket_opens_the_stream_and_says_at_which_pace(stream: Any, redis_server: Any) -> None:
    with stream.open() as standard, stream.open() as active:
        assert standard.log_in(redis_server.ticket()) == {
            "type": "ready",
            "tier": "standard",
            "interval_ms": 1000,
            "symbols_max": 1000,
        }
        assert active.log_in(redis_server.ticket(tier="active"))["interval_ms"] == 100


def test_a_ticket_works_once(stream: Any, redis_server: Any) -> None:
    token = redis_server.ticket()
    with stream.open() as first, stream.open() as second:
        first.log_in(token)
        second.say(type="auth", ticket=token)
        heard, code, reason = second.hear_close()
        assert [(m["type"], m["code"]) for m in heard] == [("error", "ticket_invalid")]
        assert (code, reason) == (4401, "ticket_invalid")


def test_an_expired_ticket_is_refused(stream: Any, redis_server: Any) -> None:
    token = redis_server.ticket()
    assert 0 < redis_server.client.ttl(f"ticket:{token}") <= 30
    redis_server.client.pexpire(f"ticket:{token}", 1)
    time.sleep(0.05)
    with stream.open() as late:
        late.say(type="auth", ticket=token)
        assert late.hear_close()[1] == 4401


def test_the_ticket_comes_first(stream: Any) -> None:
    with stream.open() as eager:
        eager.say(type="subscribe", symbols=["AAPL"])
        heard, code, _ = eager.hear_close()
        assert [m["code"] for m in heard] == ["unauthenticated"]
        assert code == 4401


def test_a_second_ticket_on_the_same_socket_is_refused(stream: Any, redis_server: Any) -> None:
    with stream.enter(redis_server.ticket()) as twice:
        twice.say(type="auth", ticket=redis_server.ticket(user_id=2))
        assert twice.hear_close()[1] == 4400


def test_silence_instead_of_a_ticket_is_closed(stream: Any) -> None:
    with stream.open() as silent:
        heard, code, _ = silent.hear_close()
        assert [m["code"] for m in heard] == ["auth_timeout"]
        assert code == 4408


@pytest.mark.parametrize(
    ("origin", "welcome"),
    [
        ("http://127.0.0.1:8000", True),  # a page of this host, whatever its port
        ("https://127.0.0.1", True),
        ("http://evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://evil.example/127.0.0.1", False),
        ("http://[", False),
        ("null", False),
    ],
)
def test_without_a_list_only_pages_of_this_host_may_open(
    stream: Any, redis_server: Any, origin: str, welcome: bool
) -> None:
    if welcome:
        with stream.open(origin=origin) as page:
            page.log_in(redis_server.ticket())
    else:
        assert refused_handshake(stream, origin=origin) == 403


def test_a_name_that_was_made_to_point_here_is_refused(stream: Any) -> None:
    for host, status in (("evil.example", b"403"), ("localhost", b"101")):
        with socket.create_connection(("127.0.0.1", stream.port), timeout=30) as plain:
            plain.sendall(
                b"GET /ws/v1/stream HTTP/1.1\r\nHost: %b:8001\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nOrigin: http://%b:8000\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                % (host.encode(), host.encode())
            )
            assert plain.recv(100).split()[1] == status


def test_with_a_list_only_listed_pages_may_open(start_stream: Any, redis_server: Any) -> None:
    stream = start_stream(
        STREAM_ALLOWED_ORIGINS="https://ballast.example,https://app.ballast.example:8443",
        STREAM_ALLOW_NO_ORIGIN=0,
    )
    with stream.open(origin="https://ballast.example") as page:
        page.log_in(redis_server.ticket())
    for origin in ("http://ballast.example", "http://127.0.0.1:8000", None):
        assert refused_handshake(stream, origin=origin) == 403


def test_another_path_is_refused(stream: Any) -> None:
    with socket.create_connection(("127.0.0.1", stream.port), timeout=30) as plain:
        plain.sendall(
            b"GET /ws/v1/admin HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert plain.recv(4096).startswith(b"HTTP/1.1 403")
    assert "Traceback" not in stream.log.read_text()


# Prices


def test_a_subscription_starts_with_a_snapshot(stream: Any, redis_server: Any) -> None:
    with stream.enter(redis_server.ticket()) as investor:
        investor.say(type="subscribe", symbols=["AAPL", "MSFT", "AAPL"])
        assert investor.hear() == {"type": "subscribed", "symbols": ["AAPL", "MSFT"]}
        batch = investor.hear()
        assert (batch["type"], batch["seq"]) == ("price_batch", 1)
        assert {u["symbol"]: u["price"] for u in batch["updates"]} == {
            "AAPL": "100.00",
            "MSFT": "200.00",
        }
        assert all(set(u) == {"symbol", "price", "as_of", "stale"} for u in batch["updates"])


def test_then_only_changes_of_watched_symbols_come(stream: Any, redis_server: Any) -> None:
    with stream.enter(redis_server.ticket()) as investor:
        investor.say(type="subscribe", symbols=["AAPL"])
        investor.hear("price_batch")
        redis_server.publish({"AAPL": "110.00", "MSFT": "210.00"})
        batch = investor.hear("price_batch")
        assert [(u["symbol"], u["price"]) for u in batch["updates"]] == [("AAPL", "110.00")]
        investor.say(type="unsubscribe", symbols=["AAPL", "MSFT"])
        assert investor.hear() == {"type": "unsubscribed", "symbols": ["AAPL"]}
        redis_server.publish({"AAPL": "120.00"})
        investor.say(type="ping")
        assert [m["type"] for m in investor.hear_all(seconds=1.5)] == ["pong"]


def test_standard_users_hear_once_a_second_and_active_ones_ten_times(
    stream: Any, redis_server: Any
) -> None:
    standard = stream.enter(redis_server.ticket())
    active = stream.enter(redis_server.ticket(tier="active"))
    with standard, active:
        for client in (standard, active):
            client.say(type="subscribe", symbols=["AAPL"])
            client.hear("price_batch")
        began = time.monotonic()
        price = ""
        while (spent := time.monotonic() - began) < 3.0:
            price = f"100.00{int(spent * 1000):04d}"  # moves of less than 0.1 %
            redis_server.publish({"AAPL": price})
            time.sleep(0.02)
        batches = {}
        for name, client in (("standard", standard), ("active", active)):
            heard = [client.hear_price("AAPL", price)]
            batches[name] = heard[-1]["seq"] - 1  # without the snapshot
        spent = time.monotonic() - began
    assert 2 <= batches["standard"] <= spent / 1.0 + 1.1
    assert batches["standard"] < batches["active"] <= spent / 0.1 + 1.1


def test_seq_rises_by_one_and_the_last_price_always_arrives(stream: Any, redis_server: Any) -> None:
    with stream.enter(redis_server.ticket(tier="active")) as trader:
        trader.say(type="subscribe", symbols=["AAPL", "MSFT"])
        for step in range(40):
            redis_server.publish({"AAPL": f"{100 + step * 0.01:.2f}", "MSFT": str(200 + step)})
        redis_server.publish({"AAPL": "99.99"})
        seqs = []
        while True:
            batch = trader.hear("price_batch")
            seqs.append(batch["seq"])
            if ("AAPL", "99.99") in [(u["symbol"], u["price"]) for u in batch["updates"]]:
                break
        assert seqs == list(range(1, len(seqs) + 1))


def test_a_significant_move_does_not_wait(start_stream: Any, redis_server: Any) -> None:
    stream = start_stream()
    with stream.enter(redis_server.ticket()) as investor:
        investor.say(type="subscribe", symbols=["AAPL"])
        investor.hear("price_batch")
        for price in ("100.20", "100.50", "101.00", "101.50", "102.00"):
            redis_server.publish({"AAPL": price})
            investor.hear_price("AAPL", price)
        frames = stream.metric('ballast_stream_frames_total{kind="urgent"}')
        assert frames >= 2  # on a slow machine some of the five fall on a regular batch


def test_stale_quotes_arrive_as_stale(stream: Any, redis_server: Any) -> None:
    redis_server.publish({"AAPL": "100.00"}, age_s=2 * 86_400)  # stale after a day
    with stream.enter(redis_server.ticket()) as investor:
        investor.say(type="subscribe", symbols=["AAPL", "MSFT"])
        stale: dict[str, bool] = {}
        while stale != {"AAPL": True, "MSFT": False}:
            stale.update({u["symbol"]: u["stale"] for u in investor.hear("price_batch")["updates"]})


def test_a_quote_that_grows_old_without_a_new_one_turns_stale(
    stream: Any, redis_server: Any
) -> None:
    redis_server.publish({"AAPL": "100.00"}, source="replay", age_s=57)  # stale after a minute
    with stream.enter(redis_server.ticket()) as investor:
        investor.say(type="subscribe", symbols=["AAPL"])
        stale = [investor.hear("price_batch")["updates"][0]["stale"]]
        while not stale[-1]:
            stale.append(investor.hear("price_batch")["updates"][0]["stale"])
        redis_server.publish({"AAPL": "100.01"}, source="replay")
        assert not investor.hear_price("AAPL", "100.01")["updates"][0]["stale"]


def test_a_symbol_without_a_quote_is_watched_until_its_first_one(
    stream: Any, redis_server: Any
) -> None:
    with stream.enter(redis_server.ticket()) as investor:
        investor.say(type="subscribe", symbols=["NEW", "AAPL"])
        error = investor.hear("error")
        assert (error["code"], error["symbols"]) == ("unknown_symbols", ["NEW"])
        assert investor.hear("subscribed")["symbols"] == ["AAPL"]
        redis_server.publish({"NEW": "1.00"})
        investor.hear_price("NEW", "1.00")


def test_symbols_without_quotes_count_against_the_limit(stream: Any, redis_server: Any) -> None:
    with stream.enter(redis_server.ticket()) as investor:
        nameless = [f"NO{number}" for number in range(SYMBOLS_PER_CLIENT_MAX)]
        investor.say(type="subscribe", symbols=nameless)
        assert investor.hear("subscribed")["symbols"] == []
        investor.say(type="subscribe", symbols=["AAPL"])
        assert investor.hear("error")["code"] == "too_many_symbols"


# Invalid messages and limits


@pytest.mark.parametrize(
    "message",
    ["nonsense", "{}", '{"type":"subscribe","symbols":"AAPL"}', '{"type":"shout"}', b"\x00"],
)
def test_a_bad_message_is_answered_and_closed(
    stream: Any, redis_server: Any, message: str | bytes
) -> None:
    with stream.enter(redis_server.ticket()) as confused:
        confused.connection.send(message)
        heard, code, reason = confused.hear_close()
        assert [m["code"] for m in heard] == ["bad_message"]
        assert (code, reason) == (4400, "bad_message")


def test_a_message_above_100_kb_is_too_big(stream: Any, redis_server: Any) -> None:
    with stream.enter(redis_server.ticket()) as loud:
        loud.connection.send(" " * 102_401)
        assert loud.hear_close()[1] == 1009


def test_more_than_a_thousand_symbols_change_nothing(stream: Any, redis_server: Any) -> None:
    names = [f"S{number:04d}" for number in range(1100)]
    redis_server.publish(dict.fromkeys(names, "1.00"))
    with stream.enter(redis_server.ticket()) as greedy:
        subscribed: list[str] = []
        while len(subscribed) < 900:  # until the stream has read them
            greedy.say(type="subscribe", symbols=names[:900])
            subscribed = greedy.hear("subscribed")["symbols"]
            time.sleep(0.2)
        greedy.say(type="subscribe", symbols=names[200:])
        assert greedy.hear("error")["code"] == "too_many_symbols"
        greedy.say(type="unsubscribe", symbols=names[900:])
        assert greedy.hear("unsubscribed")["symbols"] == []
        greedy.say(type="subscribe", symbols=names[200:1000])
        assert len(greedy.hear("subscribed")["symbols"]) == 800


def test_a_flood_of_messages_is_closed(stream: Any, redis_server: Any) -> None:
    with stream.enter(redis_server.ticket()) as flood:
        with suppress(ConnectionClosed):  # closed before the flood was over
            for _ in range(200):
                flood.say(type="ping")
        heard, code, _ = flood.hear_close()
        assert heard[-1]["code"] == "too_many_messages"
        assert code == 4429
        assert len([m for m in heard if m["type"] == "pong"]) < 200


def test_sockets_per_address_and_in_all_are_limited(start_stream: Any, redis_server: Any) -> None:
    stream = start_stream(
        STREAM_CONNECTIONS_PER_ADDRESS_MAX=2, STREAM_CONNECTIONS_MAX=3, TRUSTED_PROXY_COUNT=1
    )

    def from_(address: str) -> Any:
        return stream.open(additional_headers={"X-Forwarded-For": f"6.6.6.6, {address}"})

    with from_("192.0.2.1") as one, from_("192.0.2.1") as two, from_("192.0.2.1") as three:
        for served in (one, two):
            served.log_in(redis_server.ticket())
        heard, code, _ = three.hear_close()
        assert [m["code"] for m in heard] == ["too_many_sockets_from_address"]
        assert code == 4429
        with from_("192.0.2.2") as other, from_("192.0.2.3") as last:
            other.log_in(redis_server.ticket())
            heard, code, _ = last.hear_close()
            assert [m["code"] for m in heard] == ["too_many_sockets"]
            assert code == 4429
        one.connection.close()
        deadline = time.monotonic() + 30
        header = {"X-Forwarded-For": "192.0.2.1"}
        while not stream.admits(redis_server.ticket(), additional_headers=header):
            assert time.monotonic() < deadline, "the place of a closed socket never became free"


def test_an_idle_socket_is_closed_and_a_watching_one_is_not(
    start_stream: Any, redis_server: Any
) -> None:
    stream = start_stream(STREAM_IDLE_S=2)
    with stream.enter(redis_server.ticket()) as idle, stream.enter(redis_server.ticket()) as busy:
        busy.say(type="subscribe", symbols=["AAPL"])
        heard, code, _ = idle.hear_close()
        assert (heard[-1]["code"], code) == ("idle", 4408)
        busy.hear("price_batch")
        busy.say(type="ping")
        assert busy.hear("pong")


# Account events


def test_events_reach_the_household_and_the_user_and_nobody_else(
    stream: Any, redis_server: Any
) -> None:
    async def publish(group: str, text: str) -> None:
        layer = RedisPubSubChannelLayer(hosts=[{"address": redis_server.url}])
        await layer.group_send(group, {"type": "account.event", "text": text})
        await layer.flush()

    send = async_to_sync(publish)
    with (
        stream.enter(redis_server.ticket(user_id=1, households=(7, 8))) as owner,
        stream.enter(redis_server.ticket(user_id=2, households=(7,))) as spouse,
        stream.enter(redis_server.ticket(user_id=3, households=(9,))) as stranger,
    ):
        text = '{"type":"rebalance_complete","job_id":"j","account_id":"a"}'
        send("household.7", text)
        assert owner.hear() == json.loads(text)
        assert spouse.hear() == json.loads(text)
        send("household.8", '{"type":"notification","n":1}')
        send("user.1", '{"type":"notification","n":2}')
        assert [owner.hear()["n"], owner.hear()["n"]] == [1, 2]
        for other in (spouse, stranger):
            other.say(type="ping")
            assert other.hear() == {"type": "pong"}


def test_an_event_published_without_the_layer_arrives_too(stream: Any, redis_server: Any) -> None:
    event = {"type": "account.event", "text": '{"type":"notification","n":3}'}
    with stream.enter(redis_server.ticket(households=(7,))) as owner:
        redis_server.client.publish("asgi__group__household.7", msgpack.packb(event))
        assert owner.hear() == {"type": "notification", "n": 3}


# Around the sockets


def test_health_is_public_and_metrics_are_not(stream: Any) -> None:
    assert stream.get("/healthz")[0] == 200
    assert stream.get("/readyz") == (200, '{"status":"ok"}')
    status, text = stream.get("/metrics")
    assert status == 200
    assert "ballast_stream_sockets" in text
    proxied = {"X-Forwarded-For": "203.0.113.9"}
    assert stream.get("/metrics", **proxied)[0] == 404
    assert stream.get("/api/v1/users/me")[0] == 404


def test_metrics_can_be_closed_to_loopback_as_well(start_stream: Any) -> None:
    assert start_stream(METRICS_ALLOWED_NETWORKS="10.0.0.0/8").get("/metrics")[0] == 404


def test_deeply_nested_json_is_a_bad_message(stream: Any, redis_server: Any) -> None:
    for text in ('{"a":' * 20_000, "[" * 100_000, '{"type":' + "[" * 50_000):
        with stream.open() as early, stream.enter(redis_server.ticket()) as late:
            for socket in (early, late):
                socket.connection.send(text)
                heard, code, reason = socket.hear_close()
                assert [message["code"] for message in heard] == ["bad_message"]
                assert (code, reason) == (4400, "bad_message")
    assert "Traceback" not in stream.log.read_text()


def test_a_quote_of_an_unknown_exchange_costs_nobody_the_stream(
    stream: Any, redis_server: Any
) -> None:
    redis_server.publish({"ODD": "1.00"}, exchange="ATLANTIS", age_s=2 * 86_400)
    with stream.enter(redis_server.ticket()) as socket:
        subscribed: list[str] = []
        while not subscribed:  # until the stream has read it
            socket.say(type="subscribe", symbols=["ODD"])
            subscribed = socket.hear("subscribed")["symbols"]
            time.sleep(0.2)
        while not (batch := socket.hear("price_batch"))["updates"][0]["stale"]:
            pass  # for an asset without opening hours, a price is stale after a day
        assert batch["updates"][0]["symbol"] == "ODD"
        redis_server.publish({"AAPL": "102.00"})
        socket.say(type="subscribe", symbols=["AAPL"])
        socket.hear_price("AAPL", "102.00")
    assert stream.process.poll() is None
