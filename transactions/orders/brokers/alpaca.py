"""Alpaca's trading API, for a paper account.

Follows https://docs.alpaca.markets/reference, pages postorder, getorderbyclientorderid,
deleteorderbyorderid, and https://docs.alpaca.markets/docs/orders-at-alpaca.

    submit   POST /v2/orders with client_order_id; 403 and 422 refuse it. A client id that is known
             is refused by 422, and is then looked up
    find     GET /v2/orders:by_client_order_id; 404: there is none
    cancel   DELETE /v2/orders/{id}; 204: requested. 404 and 422: it cannot be cancelled any more

`filled_avg_price` is the mean price of `filled_qty`; their product is what was filled. Orders are
good for the day. A status that is not known counts as open, so that nothing is concluded from it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

from core.money import WIDE, plain
from marketdata.providers.http import Answered, Get, answered
from marketdata.providers.port import ProviderFault
from transactions.orders.brokers import ALPACA_PAPER_URL
from transactions.orders.brokers.port import (
    AnswerLost,
    BrokerOrder,
    BrokerRequest,
    BrokerState,
    Refused,
)

_QUANTITY_DECIMALS = 9
_ENDED = {
    "filled": BrokerState.FILLED,
    "canceled": BrokerState.CANCELLED,
    "replaced": BrokerState.CANCELLED,
    "expired": BrokerState.EXPIRED,
    "rejected": BrokerState.REJECTED,
}
_DETAIL_LENGTH_MAX = 300


@dataclass(frozen=True, slots=True)
class Alpaca:
    """A paper account at Alpaca."""

    key: str = field(repr=False)
    secret: str = field(repr=False)
    base_url: str = ALPACA_PAPER_URL
    name: str = "alpaca"

    def find(self, client_id: str) -> BrokerOrder | None:
        answer = self._call("GET", "/v2/orders:by_client_order_id", client_order_id=client_id)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise AnswerLost(f"Alpaca answered {answer.status} to a look-up")
        found = _order(answer.body)
        if found.client_id != client_id:
            raise AnswerLost("Alpaca answered with another order")
        return found

    def submit(self, request: BrokerRequest) -> BrokerOrder:
        if round(request.quantity, _QUANTITY_DECIMALS) != request.quantity:
            raise Refused(f"Alpaca takes quantities of at most {_QUANTITY_DECIMALS} decimals.")
        body = {
            "symbol": request.symbol,
            "qty": plain(request.quantity),
            "side": request.side,
            "type": "market" if request.limit_price is None else "limit",
            "time_in_force": "day",
            "client_order_id": request.client_id,
        }
        if request.limit_price is not None:
            body["limit_price"] = plain(request.limit_price)
        answer = self._call("POST", "/v2/orders", body=body)
        if answer.status == 200:
            return _order(answer.body)
        if answer.status == 401:
            raise Refused("Alpaca does not accept the key. The operator must correct it.")
        if answer.status in {400, 403, 404, 422}:
            # The client id is known already: an earlier call arrived, though its answer did not.
            if (there := self.find(request.client_id)) is not None:
                return there
            raise Refused(f"Alpaca refused the order: {_said(answer.body)}")
        raise AnswerLost(f"Alpaca answered {answer.status} to an order")

    def cancel(self, order_id: str) -> None:
        answer = self._call("DELETE", f"/v2/orders/{quote(order_id, safe='')}")
        if answer.status not in {200, 204, 404, 422}:
            raise AnswerLost(f"Alpaca answered {answer.status} to a cancellation")

    def _call(
        self, method: str, path: str, *, body: Mapping[str, str] | None = None, **parameters: str
    ) -> Answered:
        headers = {"APCA-API-KEY-ID": self.key, "APCA-API-SECRET-KEY": self.secret}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            return answered(
                Get(
                    vendor=self.name,
                    base_url=self.base_url,
                    path=path,
                    parameters=parameters,
                    headers=headers,
                    method=method,
                    body=b"" if body is None else json.dumps(body).encode(),
                )
            )
        except ProviderFault as fault:
            raise AnswerLost(fault.detail) from None


def _order(body: bytes) -> BrokerOrder:
    """Return the order that an answer states; AnswerLost if it states none."""
    try:
        data: dict[str, Any] = json.loads(body, parse_float=Decimal)
        quantity = Decimal(str(data["filled_qty"] or 0))
        price = Decimal(str(data["filled_avg_price"] or 0))
        if not (quantity.is_finite() and price.is_finite() and quantity >= 0 and price >= 0):
            raise ValueError("a figure is not a figure")
        return BrokerOrder(
            id=str(data["id"]),
            client_id=str(data["client_order_id"]),
            state=_ENDED.get(str(data["status"]), BrokerState.OPEN),
            filled_quantity=quantity,
            filled_value=WIDE.multiply(quantity, price),
            changed_at=_instant(data.get("filled_at") or data.get("updated_at")),
        )
    except (ValueError, KeyError, TypeError, InvalidOperation) as fault:
        kind = type(fault).__name__
        raise AnswerLost(f"Alpaca's answer is not an order ({kind})") from None


def _instant(text: str | None) -> datetime | None:
    found = None if text is None else datetime.fromisoformat(text)
    return found if found is not None and found.tzinfo is not None else None


def _said(body: bytes) -> str:
    """Return the message of a refusal, shortened."""
    try:
        message = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return "it gave no reason."
    return message[:_DETAIL_LENGTH_MAX]
