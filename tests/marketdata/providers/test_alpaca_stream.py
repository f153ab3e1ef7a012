import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from marketdata.providers.alpaca_stream import AlpacaStream
from marketdata.providers.port import Fault, ProviderFault, VendorQuote
from tests.marketdata.providers.vendors import KEY, Vendors

NOON = datetime(2026, 11, 20, 17, 0, 0, 123456, tzinfo=UTC)
FAULTS = {
    "silent": Fault.TIMEOUT,
    "reset": Fault.BROKEN_OFF,
    "dead": Fault.UNREACHABLE,
    "huge": Fault.TOO_LARGE,
    "other_json": Fault.FORMAT_CHANGED,
    "html": Fault.FORMAT_CHANGED,
    "unsubscribed": Fault.FORMAT_CHANGED,
    "401": Fault.KEY_REFUSED,
    "429": Fault.QUOTA_USED,
    "500": Fault.SERVER_ERROR,
}


class Listener:
    """Reads a stream in a thread, as the process that feeds the platform does."""

    def __init__(self, stream: AlpacaStream, symbols: list[str]) -> None:
        self.found: list[VendorQuote] = []
        self.fault: Fault | None = None
        self._arrived = threading.Condition()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(stream, symbols))
        self._thread.start()

    def _read(self, stream: AlpacaStream, symbols: list[str]) -> None:
        try:
            for quote in stream.quotes(symbols, ended=self._ended.is_set):
                with self._arrived:
                    self.found.append(quote)
                    self._arrived.notify()
        except ProviderFault as fault:
            self.fault = fault.fault

    def wait_for(self, count: int) -> None:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.found) >= count, timeout=60)

    def end(self) -> None:
        self._ended.set()
        self.join()

    def join(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()


@pytest.fixture
def listener(vendors: Vendors) -> Iterator[Listener]:
    vendors.set_price("ACME", "101.25", as_of=NOON)
    started = Listener(AlpacaStream(KEY, KEY, url=vendors.stream.url), ["ACME", "BOLT"])
    _wait_for_subscriber(vendors)
    yield started
    started.end()


def _wait_for_subscriber(vendors: Vendors) -> None:
    pause = threading.Event()
    for _ in range(600):
        if vendors.stream.subscribers:
            return
        pause.wait(0.1)
    raise AssertionError("nobody subscribed")


def test_each_trade_is_a_quote(listener: Listener, vendors: Vendors) -> None:
    vendors.stream.publish("ACME")
    vendors.set_price("BOLT", "50.11", as_of=NOON)
    vendors.stream.publish("BOLT")
    listener.wait_for(2)
    assert listener.found == [
        VendorQuote("ACME", Decimal("101.25"), NOON, "USD"),
        VendorQuote("BOLT", Decimal("50.11"), NOON, "USD"),
    ]


def test_it_ends_when_it_shall_though_nothing_is_traded(
    listener: Listener, vendors: Vendors
) -> None:
    listener.end()
    assert listener.fault is None
    assert vendors.stream.connections == 1


def test_other_messages_are_passed_over(listener: Listener, vendors: Vendors) -> None:
    vendors.stream.publish_raw('[{"T": "c", "S": "ACME", "cp": 5}, {"T": "news"}]')
    vendors.stream.publish("ACME")
    listener.wait_for(1)
    assert [str(quote.price) for quote in listener.found] == ["101.25"]


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        '{"T": "t"}',
        '[{"T": "t", "S": "ACME", "t": "2026-11-20T17:00:00Z"}]',
        '[{"T": "t", "S": "ACME", "p": NaN, "t": "2026-11-20T17:00:00Z"}]',
        '[{"T": "t", "S": "ACME", "p": 1, "t": "2026-11-20T17:00:00"}]',
        '[{"T": "error", "code": "x"}]',
    ],
)
def test_a_message_of_another_form_ends_the_connection_as_a_fault(
    text: str, listener: Listener, vendors: Vendors
) -> None:
    vendors.stream.publish_raw(text)
    listener.join()
    assert (listener.fault, listener.found) == (Fault.FORMAT_CHANGED, [])


def test_a_connection_that_breaks_off_is_a_fault(listener: Listener, vendors: Vendors) -> None:
    vendors.stream.break_off()
    listener.join()
    assert listener.fault is Fault.BROKEN_OFF


@pytest.mark.parametrize("behaviour", FAULTS)
def test_a_stream_that_misbehaves_is_a_fault_without_the_key(
    behaviour: str, vendors: Vendors, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stream = AlpacaStream(KEY, KEY, url=vendors.stream.url)
    vendors.stream.behave(behaviour)
    with pytest.raises(ProviderFault) as caught:
        next(stream.quotes(["ACME"], ended=lambda: False))
    assert caught.value.fault is FAULTS[behaviour]
    assert KEY not in f"{caught.value} {stream!r}"
    assert KEY not in "".join(x.getMessage() for x in caplog.records if "server" not in x.name)


def test_a_stream_that_answers_no_ping_any_more_is_broken_off(vendors: Vendors) -> None:
    vendors.stream.behave("frozen")
    stream = AlpacaStream(KEY, KEY, url=vendors.stream.url, ping_s=0.3)
    with pytest.raises(ProviderFault) as caught:
        next(stream.quotes(["ACME"], ended=lambda: False))
    assert caught.value.fault is Fault.BROKEN_OFF


def test_another_host_is_never_followed_to(vendors: Vendors) -> None:
    other = vendors.stream.url.replace("127.0.0.1", "localhost")
    vendors.redirect("tiingo", other)
    stream = AlpacaStream(KEY, KEY, url=vendors.url("tiingo").replace("http:", "ws:"))
    with pytest.raises(ProviderFault) as caught:
        next(stream.quotes(["ACME"], ended=lambda: False))
    assert caught.value.fault is Fault.REDIRECTED
    assert vendors.stream.connections == 0
