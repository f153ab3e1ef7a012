"""Alpaca's stream on 127.0.0.1: a WebSocket server that greets, takes a key, and sends trades."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.marketdata.providers.formats.alpaca import trade
from tests.marketdata.providers.loopback import RIGHT
from tests.marketdata.providers.market import Security

# `frozen` greets and subscribes, then reads nothing more, not even pings.
STREAM_BEHAVIOURS = (
    *("silent", "reset", "dead", "huge", "other_json", "html", "401", "429", "500"),
    *("frozen", "unsubscribed"),
)
_ERRORS = {
    "401": {"T": "error", "code": 402, "msg": "auth failed"},
    "429": {"T": "error", "code": 406, "msg": "connection limit exceeded"},
    "500": {"T": "error", "code": 500, "msg": "internal error"},
}


@dataclass
class StreamServer:
    """A server and its record of connections and subscriptions."""

    key: str
    port: int = 0
    behaviour: str = RIGHT
    connections: int = 0
    subscribed: dict[ServerConnection, Sequence[str]] = field(default_factory=dict)
    _server: Server | None = None

    async def open(self) -> None:
        self._server = await serve(self._greet, "127.0.0.1", self.port, close_timeout=0.1)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            for connection in list(self._server.connections):
                connection.transport.abort()
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    @property
    def is_open(self) -> bool:
        return self._server is not None

    async def send_trade(self, security: Security) -> None:
        """Send a trade to everyone who subscribed to any symbol."""
        for connection in list(self.subscribed):
            await _send(connection, trade(security))

    async def send_raw(self, text: str) -> None:
        for connection in list(self.subscribed):
            await connection.send(text)

    async def break_off(self) -> None:
        for connection in list(self.subscribed):
            connection.transport.abort()

    async def _greet(self, connection: ServerConnection) -> None:
        self.connections += 1
        try:
            await self._talk(connection)
        except ConnectionClosed:
            pass  # the client left: that is how a test ends
        finally:
            self.subscribed.pop(connection, None)

    async def _talk(self, connection: ServerConnection) -> None:
        if self.behaviour == "silent":
            await connection.wait_closed()
        if self.behaviour == "reset":
            connection.transport.abort()
            return
        if self.behaviour == "huge":
            await connection.send(" " * 5_000_000)
        if self.behaviour == "html":
            await connection.send("<!doctype html><title>Maintenance</title>")
        if self.behaviour == "other_json":
            await connection.send('{"weather": "fair"}')
        await _send(connection, {"T": "success", "msg": "connected"})
        auth = json.loads(await connection.recv())
        if self.behaviour in _ERRORS:
            await _send(connection, _ERRORS[self.behaviour])
        if auth != {"action": "auth", "key": self.key, "secret": self.key}:
            await _send(connection, _ERRORS["401"])
            return
        await _send(connection, {"T": "success", "msg": "authenticated"})
        asked = json.loads(await connection.recv())
        assert asked["action"] == "subscribe"
        trades = [] if self.behaviour == "unsubscribed" else asked["trades"]
        await _send(connection, {"T": "subscription", "trades": trades, "quotes": [], "bars": []})
        self.subscribed[connection] = trades
        if self.behaviour == "frozen":
            connection.transport.pause_reading()
        await connection.wait_closed()


async def _send(connection: ServerConnection, message: dict[str, object]) -> None:
    await connection.send(json.dumps([message], default=float))
