"""The files of brokers, to the byte."""

from decimal import Decimal

import pytest

from core.errors import BallastError
from transactions.orders.baskets import BASKETS, BasketOrder, as_text, basket_csv

ORDERS = [
    BasketOrder("KO", "sell", Decimal("12.000000"), "USD"),
    BasketOrder("BRK.B", "buy", Decimal("1.23456"), "USD", Decimal("450.10")),
]

FILES = {
    "ibkr": (
        "Action,Quantity,Symbol,SecType,Exchange,Currency,TimeInForce,OrderType,LmtPrice,BasketTag\r\n"
        "SELL,12,KO,STK,SMART,USD,DAY,MKT,,ballast-1\r\n"
        "BUY,1.23456,BRK B,STK,SMART,USD,DAY,LMT,450.1,ballast-1\r\n"
    ),
    "fidelity": ",1,S,12,KO,M,D,\r\n,1,B,1.234,BRK.B,L,D,450.1\r\n",
    "schwab": (
        "Action,Quantity,Symbol,Order type,Limit price,Timing\r\n"
        "Sell,12,KO,Market,,Day only\r\n"
        "Buy,1.23456,BRK.B,Limit,450.1,Day only\r\n"
    ),
}


@pytest.mark.parametrize("name", BASKETS)
def test_a_basket_is_written_as_its_broker_reads_it(name: str) -> None:
    assert basket_csv(name, ORDERS, tag="ballast-1") == FILES[name]


def test_market_orders_alone_have_no_column_of_limits_at_ibkr() -> None:
    header = basket_csv("ibkr", ORDERS[:1], tag="t").splitlines()[0]
    assert "LmtPrice" not in header


def test_less_than_fidelity_can_read_is_left_out() -> None:
    dust = BasketOrder("KO", "buy", Decimal("0.0004"), "USD")
    assert basket_csv("fidelity", [dust], tag="t") == ""


def test_orders_are_copied_as_lines() -> None:
    assert as_text(ORDERS) == "Sell 12 KO\nBuy 1.23456 BRK.B at 450.1 USD or better"


def test_another_format_is_refused() -> None:
    with pytest.raises(BallastError) as refusal:
        basket_csv("etrade", ORDERS, tag="t")
    assert refusal.value.code == "basket_unknown"
