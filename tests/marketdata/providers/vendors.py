"""Vendors on 127.0.0.1 that speak the documented formats, and can be slow, wrong, silent or dead.

    vendors.url("tiingo")                       where it listens; use KEY as its key
    vendors.behave("tiingo", "silent")          one of BEHAVIOURS, a lie of LIE_NAMES, or RIGHT
    vendors.behave("tiingo", "503", times=1)    once, then right again
    vendors.calls("tiingo")                     how many requests arrived
    vendors.set_price("ACME", "102.5")          the same for every vendor; as_of=... fixes its time

    vendors.stream.url                          Alpaca's WebSocket: a Stream, see below

Each vendor has its own port and starts when its address is first asked for. The servers run in a
thread of the test's process, so other processes can call them too. The fixture `vendors` is in
tests/marketdata/conftest.py.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from marketdata.providers.port import DayBar
from tests.marketdata.providers.formats import alpaca, alpha_vantage, central_banks, tiingo, yahoo
from tests.marketdata.providers.loopback import (
    BEHAVIOURS,
    RIGHT,
    Answer,
    Crowd,
    HttpServer,
    Request,
)
from tests.marketdata.providers.market import LIE_NAMES, Market, told
from tests.marketdata.providers.stream import STREAM_BEHAVIOURS, StreamServer

KEY = "k3y-0f-a-customer"
_FORMATS: Mapping[str, Callable[[Request, Market, str], Answer]] = {
    "alpaca": alpaca.answer,
    "alpha_vantage": alpha_vantage.answer,
    "ecb": central_banks.ecb,
    "frankfurter": central_banks.frankfurter,
    "tiingo": tiingo.answer,
    "yahoo": yahoo.answer,
}


class Vendors:
    """The vendors of a test and the market they quote."""

    def __init__(self) -> None:
        self.market = Market()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loopback vendors")
        self._thread.start()
        self._servers: dict[str, HttpServer] = {}
        self._connections, self._requests = Crowd(), Crowd()
        self._stream: Stream | None = None

    def url(self, vendor: str) -> str:
        return f"http://127.0.0.1:{self._server(vendor).port}"

    def behave(
        self, vendor: str, behaviour: str, *, times: int | None = None, slow_s: float = 1.0
    ) -> None:
        """Let a vendor answer so from now on, or `times` times. "dead" closes its port."""
        assert behaviour in {RIGHT, *BEHAVIOURS, *LIE_NAMES}, behaviour
        self._run(self._behave(self._server(vendor), behaviour, times, slow_s))

    def answer_with(self, vendor: str, body: bytes) -> None:
        """Let a vendor answer every request with this body from now on."""
        self._server(vendor).answered = lambda request: Answer(200, body)

    def change_answers(self, vendor: str, change: Callable[[bytes], bytes]) -> None:
        """Let a vendor send its right answers changed in this way from now on."""
        answer = _FORMATS[vendor]

        def changed(request: Request) -> Answer:
            right = answer(request, self.market, KEY)
            return replace(right, body=change(right.body))

        self._server(vendor).answered = changed

    def redirect(self, vendor: str, location: str) -> None:
        """Let a vendor redirect every request to this address from now on."""
        self._server(vendor).answered = lambda request: Answer(302, b"", location=location)

    def calls(self, vendor: str) -> int:
        return len(self._server(vendor).requests)

    def requests(self, vendor: str) -> Sequence[Request]:
        return tuple(self._server(vendor).requests)

    def connections_max(self, vendor: str) -> int:
        """Return how many connections to a vendor were open at the same time at most."""
        return self._server(vendor).connections.most

    @property
    def all_connections(self) -> int:
        """Return how many connections to all vendors together are open now."""
        return self._connections.now

    @property
    def all_requests_max(self) -> int:
        """Return how many requests all vendors together had to answer at once, at most."""
        return self._requests.most

    def set_price(
        self,
        symbol: str,
        price: str | Decimal,
        *,
        as_of: datetime | None = None,
        previous_close: str | Decimal | None = None,
    ) -> None:
        security = self.market.securities[symbol]
        before = security.previous_close if previous_close is None else Decimal(previous_close)
        self.market.securities[symbol] = replace(
            security, price=Decimal(price), as_of=as_of, previous_close=before
        )

    def set_bars(self, symbol: str, bars: Sequence[DayBar]) -> None:
        self.market.securities[symbol] = replace(self.market.securities[symbol], bars=tuple(bars))

    @property
    def stream(self) -> "Stream":
        """Return Alpaca's stream, started if it was not."""
        if self._stream is None:
            self._stream = Stream(self._run, self.market)
        return self._stream

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        for server in self._servers.values():
            self._run(server.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _server(self, vendor: str) -> HttpServer:
        if vendor not in self._servers:
            answer = _FORMATS[vendor]
            server = HttpServer(
                lambda request: answer(request, self._market_of(vendor), KEY),
                self._connections,
                self._requests,
            )
            self._run(server.open())
            self._servers[vendor] = server
        return self._servers[vendor]

    def _market_of(self, vendor: str) -> Market:
        behaviour = self._servers[vendor].behaviour
        return told(self.market, behaviour) if behaviour in LIE_NAMES else self.market

    async def _behave(
        self, server: HttpServer, behaviour: str, times: int | None, slow_s: float
    ) -> None:
        server.behaviour, server.times, server.slow_s = behaviour, times, slow_s
        if behaviour == "dead":
            await server.close()
        elif not server.is_open:
            await server.open()

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)


class Stream:
    """Alpaca's stream of trades, driven by a test."""

    def __init__(self, run: Callable[[Coroutine[Any, Any, None]], None], market: Market) -> None:
        self._run, self._market = run, market
        self._server = StreamServer(KEY)
        run(self._server.open())

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._server.port}/v2/iex"

    @property
    def connections(self) -> int:
        """Return how many connections were made."""
        return self._server.connections

    @property
    def subscribers(self) -> int:
        """Return how many connections are subscribed now."""
        return len(self._server.subscribed)

    def behave(self, behaviour: str) -> None:
        """Let the stream behave so from the next connection on. "dead" closes its port."""
        assert behaviour in {RIGHT, *STREAM_BEHAVIOURS, *LIE_NAMES}, behaviour
        self._run(self._behave(behaviour))

    def publish(self, symbol: str) -> None:
        """Send a trade at the price of the market, or a lie about it."""
        lie = self._server.behaviour
        market = told(self._market, lie) if lie in LIE_NAMES else self._market
        self._run(self._server.send_trade(market.securities[symbol]))

    def publish_raw(self, text: str) -> None:
        self._run(self._server.send_raw(text))

    def break_off(self) -> None:
        self._run(self._server.break_off())

    def close(self) -> None:
        self._run(self._server.close())

    async def _behave(self, behaviour: str) -> None:
        self._server.behaviour = behaviour
        if behaviour == "dead":
            await self._server.close()
        elif not self._server.is_open:
            await self._server.open()
