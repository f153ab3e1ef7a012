"""A server on 127.0.0.1 that speaks Alpaca's trading API, answers well, badly or never.

right     as documented
lost      takes the order, and breaks off before it answers
dropped   breaks off before it takes the order
hang      takes the order, and never answers while it is told to hang
reject    403, insufficient buying power
500       an error of the server, the order is not taken
500 late  an error of the server, though the order was taken
html      a page instead of an answer, though the order was taken
"""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY, SECRET = "paper-key", "paper-secret"
BEHAVIOURS = ("lost", "dropped", "hang", "500", "500 late", "html")


@dataclass
class Paper:
    """The orders of a paper account by client id, and how the server behaves."""

    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    # What is done with each further POST: a behaviour, or "right" when none is left.
    posts: list[str] = field(default_factory=list)
    taken: int = 0
    refused_twins: int = 0
    calls: list[str] = field(default_factory=list)
    # A new order is filled at once, so far.
    fill_at_once: Decimal = Decimal(0)
    price: Decimal = Decimal("50.25")
    url: str = ""
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, body: dict[str, Any]) -> dict[str, Any] | None:
        """Keep a new order; None if its client id is known already."""
        with self.lock:
            client_id = body["client_order_id"]
            if client_id in self.orders:
                self.refused_twins += 1
                return None
            self.taken += 1
            order = {
                "id": str(uuid.uuid4()),
                "client_order_id": client_id,
                "symbol": body["symbol"],
                "side": body["side"],
                "qty": body["qty"],
                "type": body["type"],
                "limit_price": body.get("limit_price"),
                "status": "accepted",
                "filled_qty": "0",
                "filled_avg_price": None,
                "updated_at": "2026-01-05T15:30:00.123456Z",
                "filled_at": None,
            }
            self.orders[client_id] = order
        if self.fill_at_once:
            self.fill(client_id, self.fill_at_once)
        return self.orders[client_id]

    def fill(self, client_id: str, quantity: Decimal, price: Decimal | None = None) -> None:
        """Fill so much more of an order."""
        with self.lock:
            order = self.orders[client_id]
            before = Decimal(order["filled_qty"])
            value = before * Decimal(order["filled_avg_price"] or 0)
            total = before + quantity
            value += quantity * (price or self.price)
            order["filled_qty"] = str(total)
            order["filled_avg_price"] = str(value / total)
            is_filled = total == Decimal(order["qty"])
            order["status"] = "filled" if is_filled else "partially_filled"

    def end(self, client_id: str, status: str) -> None:
        with self.lock:
            self.orders[client_id]["status"] = status


class _Answering(BaseHTTPRequestHandler):
    """Answers in JSON, and takes orders as it is told to behave."""

    protocol_version = "HTTP/1.1"
    paper: Paper
    body: bytes

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""

    def answer(self, status: int, value: Any) -> None:
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def take(self, behaviour: str) -> None:
        order = self.paper.take(json.loads(self.body))
        if behaviour == "hang":
            self.paper.released.wait(60)
        if behaviour in {"lost", "hang"}:
            self.close_connection = True
            self.connection.close()
        elif behaviour == "500 late":
            self.answer(500, {"message": "internal server error"})
        elif behaviour == "html":
            self.answer(200, "<html>")
        elif order is None:
            self.answer(422, {"code": 40010001, "message": "client_order_id must be unique"})
        else:
            self.answer(200, order)


def _handler(paper: Paper) -> type[BaseHTTPRequestHandler]:
    class Handler(_Answering):
        def allowed(self) -> bool:
            length = int(self.headers.get("Content-Length") or 0)
            self.body = self.rfile.read(length)
            paper.calls.append(f"{self.command} {urlsplit(self.path).path}")
            keys = (self.headers["APCA-API-KEY-ID"], self.headers["APCA-API-SECRET-KEY"])
            if keys == (KEY, SECRET):
                return True
            self.answer(401, {"message": "unauthorized"})
            return False

        def do_GET(self) -> None:
            if not self.allowed():
                return
            parts = urlsplit(self.path)
            assert parts.path == "/v2/orders:by_client_order_id"
            (client_id,) = parse_qs(parts.query)["client_order_id"]
            found = paper.orders.get(client_id)
            if found is None:
                self.answer(404, {"code": 40410000, "message": "order not found"})
            else:
                self.answer(200, found)

        def do_POST(self) -> None:
            if not self.allowed():
                return
            behaviour = paper.posts.pop(0) if paper.posts else "right"
            if behaviour == "dropped":
                self.close_connection = True
                self.connection.close()
                return
            if behaviour == "reject":
                self.answer(403, {"code": 40310000, "message": "insufficient buying power"})
                return
            if behaviour == "500":
                self.answer(500, {"message": "internal server error"})
                return
            self.take(behaviour)

        def do_DELETE(self) -> None:
            if not self.allowed():
                return
            order_id = self.path.rsplit("/", 1)[1]
            (order,) = (row for row in paper.orders.values() if row["id"] == order_id)
            if order["status"] in {"filled", "canceled"}:
                self.answer(422, {"code": 42210000, "message": "order is not cancelable"})
            else:
                paper.end(order["client_order_id"], "canceled")
                self.answer(204, None)

    Handler.paper = paper
    return Handler


@contextmanager
def paper_server() -> Iterator[Paper]:
    """Run the server in threads of this process."""
    paper = Paper()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(paper))
    server.daemon_threads = True
    paper.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield paper
    finally:
        paper.released.set()
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
