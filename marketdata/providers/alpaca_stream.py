"""Alpaca's stream of trades over a WebSocket.

Follows https://docs.alpaca.markets/docs/streaming-market-data and
https://docs.alpaca.markets/docs/real-time-stock-pricing-data: the server greets, takes the key,
takes the symbols, and then sends lists of messages. `T` is "t" for a trade.

One connection a key is allowed, and 30 symbols on the free plan. A connection that ends raises
ProviderFault; the caller connects again. Nothing is said while nothing is traded, so a vendor that
fell silent is noticed by its missing answers to pings. Corrections and cancellations are not read:
the next trade replaces a wrong price.
"""

import json
import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from marketdata.providers.http import CONNECT_S_MAX, TOTAL_S_MAX
from marketdata.providers.port import Fault, ProviderFault, VendorQuote
from marketdata.providers.reading import (
    as_json,
    changed,
    decimal_of,
    expected_format,
    instant_of,
    list_of,
    object_of,
    text_of,
)

URL = "wss://stream.data.alpaca.markets/v2/iex"
MESSAGE_BYTES_MAX = 1_000_000
SYMBOLS_MAX = 30
_TOO_BIG = 1009
# The documented codes of its errors.
_FAULTS = {
    401: Fault.KEY_REFUSED,
    402: Fault.KEY_REFUSED,
    404: Fault.TIMEOUT,
    405: Fault.PAYMENT_REQUIRED,
    406: Fault.QUOTA_USED,
    407: Fault.BROKEN_OFF,
    409: Fault.PAYMENT_REQUIRED,
    500: Fault.SERVER_ERROR,
}
_NAME = "alpaca_stream"
# The library logs the messages it sends, and one of them holds the key.
logging.getLogger("websockets").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class AlpacaStream:
    key: str = field(repr=False)
    secret: str = field(repr=False)
    url: str = URL
    # How long a connection may say nothing, not even that it lives.
    ping_s: float = 10.0

    def quotes(self, symbols: Sequence[str], *, ended: Callable[[], bool]) -> Iterator[VendorQuote]:
        """Yield a quote for each trade of the symbols, until `ended` (asked every second)."""
        with _faults(), self._connected() as connection:
            _expect(connection, "connected")
            _send(connection, action="auth", key=self.key, secret=self.secret)
            _expect(connection, "authenticated")
            _send(connection, action="subscribe", trades=list(symbols))
            _expect_subscription(connection, symbols)
            while not ended():
                try:
                    body = connection.recv(timeout=1.0)
                except TimeoutError:
                    continue
                for message in _messages(body):
                    if message["T"] == "t":
                        with expected_format(_NAME):
                            quote = _quote_of(message)
                        yield quote

    @contextmanager
    def _connected(self) -> Iterator[ClientConnection]:
        address = urlsplit(self.url)
        port = address.port or (443 if address.scheme == "wss" else 80)
        # A redirect is never followed over a socket that is there already.
        made = socket.create_connection((address.hostname, port), timeout=CONNECT_S_MAX)
        with connect(
            self.url,
            sock=made,
            compression=None,
            user_agent_header="Ballast",
            proxy=None,
            open_timeout=TOTAL_S_MAX,
            close_timeout=1.0,
            ping_interval=self.ping_s,
            ping_timeout=self.ping_s,
            max_size=MESSAGE_BYTES_MAX,
        ) as connection:
            yield connection


@contextmanager
def _faults() -> Iterator[None]:
    """Turn every way in which a connection ends into the fault that it is."""
    try:
        yield
    except TimeoutError:
        raise ProviderFault(Fault.TIMEOUT, f"{_NAME} was not answered in time") from None
    except InvalidStatus as error:
        raise _refused(error) from None
    except (InvalidHandshake, OSError) as error:
        kind = type(error).__name__
        raise ProviderFault(Fault.UNREACHABLE, f"{_NAME} cannot be reached ({kind})") from None
    except ValueError as error:
        # The library says so of a redirect that it may not follow.
        if isinstance(error.__cause__, InvalidStatus):
            raise _refused(error.__cause__) from None
        raise
    except ConnectionClosed as error:
        if error.sent is not None and error.sent.code == _TOO_BIG:
            detail = f"{_NAME} sent a message of more than {MESSAGE_BYTES_MAX} bytes"
            raise ProviderFault(Fault.TOO_LARGE, detail) from None
        raise ProviderFault(Fault.BROKEN_OFF, f"{_NAME} ended the connection") from None


def _refused(error: InvalidStatus) -> ProviderFault:
    status = error.response.status_code
    fault = Fault.KEY_REFUSED if status in {401, 403} else Fault.UNREACHABLE
    fault = Fault.REDIRECTED if 300 <= status < 400 else fault
    return ProviderFault(fault, f"{_NAME} answered {status}")


def _send(connection: ClientConnection, **message: Any) -> None:
    connection.send(json.dumps(message))


def _messages(body: str | bytes) -> Sequence[dict[str, Any]]:
    """Return the messages of a frame; raise the fault if one of them is an error."""
    parsed = as_json(body if isinstance(body, bytes) else body.encode(), of=_NAME)
    with expected_format(_NAME):
        messages = [object_of(message) for message in list_of(parsed)]
        kinds = [text_of(message["T"]) for message in messages]
        errors = [
            int(decimal_of(message["code"]))
            for message, kind in zip(messages, kinds, strict=True)
            if kind == "error"
        ]
    for code in errors:
        fault = _FAULTS.get(code, Fault.FORMAT_CHANGED)
        raise ProviderFault(fault, f"{_NAME} says that error {code} happened")
    return messages


def _expect(connection: ClientConnection, said: str) -> None:
    for message in _messages(connection.recv(timeout=TOTAL_S_MAX)):
        if message["T"] == "success" and message.get("msg") == said:
            return
    raise changed(_NAME, f"it did not say that it {said}")


def _expect_subscription(connection: ClientConnection, symbols: Sequence[str]) -> None:
    for message in _messages(connection.recv(timeout=TOTAL_S_MAX)):
        with expected_format(_NAME):
            if message["T"] == "subscription" and set(symbols) <= set(list_of(message["trades"])):
                return
    raise changed(_NAME, "it did not subscribe to the symbols")


def _quote_of(message: dict[str, Any]) -> VendorQuote:
    return VendorQuote(
        symbol=text_of(message["S"]),
        price=decimal_of(message["p"]),
        as_of=instant_of(message["t"]),
        currency="USD",
    )
