from datetime import UTC, datetime

import pytest

from stream import protocol
from stream.protocol import Auth, Ping, Refused, Subscribe, Unsubscribe


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type":"auth","ticket":"abc"}', Auth(ticket="abc")),
        ('{"type":"subscribe","symbols":["A","B"]}', Subscribe(symbols=["A", "B"])),
        ('{"symbols":["A"],"type":"unsubscribe"}', Unsubscribe(symbols=["A"])),
        ('{"type":"ping"}', Ping()),
    ],
)
def test_messages_are_understood(text: str, message: protocol.Incoming) -> None:
    assert protocol.incoming(text) == message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        "{",
        '{"type":"auth"}',
        '{"type":"auth","ticket":""}',
        '{"type":"auth","ticket":1}',
        '{"type":"auth","ticket":"a","user_id":1}',
        '{"type":"auth","ticket":"%s"}' % ("a" * 129),
        '{"type":"subscribe"}',
        '{"type":"subscribe","symbols":"A"}',
        '{"type":"subscribe","symbols":[]}',
        '{"type":"subscribe","symbols":[""]}',
        '{"type":"subscribe","symbols":[null]}',
        '{"type":"subscribe","symbols":["%s"]}' % ("A" * 25),
        '{"type":"subscribe","symbols":[' + ",".join(['"A"'] * 1001) + "]}",
        '{"type":"subscribe","symbols":["A"],"all":true}',
        '{"type":"shout"}',
        '{"type":"ping"} {"type":"ping"}',
        '{"type":"subscribe","symbols":["\\ud800"]}',
        "[" * 100_000,
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        protocol.incoming(text)


def quote_json(**changes: str) -> bytes:
    fields = {
        "symbol": '"AAPL"',
        "price": '"189.98"',
        "as_of": '"2026-11-20T20:59:59Z"',
        "fresh_until": "null",
        "source": '"replay"',
        **changes,
    }
    return ("{" + ",".join(f'"{k}":{v}' for k, v in fields.items()) + "}").encode()


def test_a_quote_keeps_its_price_as_written_and_drops_what_clients_do_not_get() -> None:
    quote = protocol.quote(quote_json(price='"189.980"'))
    assert quote.text == (
        '{"symbol":"AAPL","price":"189.980","as_of":"2026-11-20T20:59:59Z","stale":false}'
    )
    assert quote.price == 189.98


def test_a_stale_quote_says_so() -> None:
    fresh = protocol.quote(quote_json())
    assert protocol.as_stale(fresh).text == fresh.text.replace("false", "true")


@pytest.mark.parametrize(
    ("until", "old"),
    [
        ("null", False),
        ('"2026-11-20T21:00:00Z"', False),
        ('"2026-11-20T20:59:59.999999Z"', True),
        ('"2026-11-20T22:00:00+01:00"', False),
    ],
)
def test_a_quote_is_old_after_the_moment_its_publisher_names(until: str, old: bool) -> None:
    now = datetime(2026, 11, 20, 21, tzinfo=UTC)
    assert protocol.is_old(protocol.quote(quote_json(fresh_until=until)), now=now) == old


@pytest.mark.parametrize(
    "changes",
    [
        {"price": "189.98"},
        {"price": '"NaN"'},
        {"price": '"-1"'},
        {"price": '"1e9"'},
        {"price": '""'},
        {"price": '"1\\n"'},
        {"price": '"١"'},
        {"as_of": '"yesterday"'},
        {"as_of": '"2026-11-20T20:59:59"'},
        {"symbol": '""'},
        {"fresh_until": '"no"'},
        {"fresh_until": '"2026-11-20T20:59:59"'},
    ],
)
def test_a_quote_that_makes_no_sense_is_refused_and_the_others_pass(
    changes: dict[str, str],
) -> None:
    payload = b"[" + quote_json(**changes) + b"," + quote_json(symbol='"MSFT"') + b"]"
    good, bad = protocol.quotes(payload)
    assert [quote.symbol for quote in good] == ["MSFT"]
    assert len(bad) == 1


@pytest.mark.parametrize("payload", [b"", b"{}", b"nonsense", b"\xff\xfe", b"[1,"])
def test_a_publication_that_is_no_list_gives_no_quotes(payload: bytes) -> None:
    good, bad = protocol.quotes(payload)
    assert good == []
    assert len(bad) == 1


def test_a_batch_is_joined_from_parts() -> None:
    assert protocol.price_batch(seq=3, updates=['{"a":1}', '{"b":2}']) == (
        '{"type":"price_batch","seq":3,"updates":[{"a":1},{"b":2}]}'
    )
