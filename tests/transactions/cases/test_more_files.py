"""Files of brokers that state little: what the ledger says after them, through the API."""

from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.django_db

SAMPLES = Path(__file__).parents[1] / "files" / "samples"

XTB = """ID;Type;Time;Comment;Symbol;Amount
5;Withholding tax;26.06.2024 11:00:23;AAPL.US USD WHT 15%;AAPL.US;-0.33
4;Dividend;26.06.2024 11:00:23;AAPL.US USD 0.5000/ SHR;AAPL.US;2.23
3;Stocks/ETF sale;20.06.2024 20:56:07;CLOSE BUY 1/2 @ 122.34;AAPL.US;113.40
2;Stocks/ETF purchase;12.06.2024 16:01:45;OPEN BUY 2 @ 119.10;AAPL.US;-220.55
1;Deposit;11.06.2024 13:00:22;JP_MORGAN deposit;;500
"""
FLEX = """"Buy/Sell","TradeDate","ISIN","Quantity","TradePrice","TradeMoney","CurrencyPrimary",\
"IBCommission","IBCommissionCurrency"
"BUY","20230522","US9220427424","95","93.78","8909.1","USD","-1","USD"
"SELL","20230609","US9220427424","-5","95.42","-477.1","USD","-1.02","USD"
"Type","SettleDate","ISIN","Description","Amount","CurrencyPrimary"
"Dividends","20230623","US9220427424","VT(US9220427424) CASH DIVIDEND","60.12","USD"
"""
PARQET = """datetime;date;time;price;shares;amount;tax;fee;realizedgains;type;broker;assettype;\
identifier;wkn;originalcurrency;currency;fxrate;holding;holdingname;holdingnickname;exchange;\
avgholdingperiod
2024-05-15T22:39:00.000Z;16.05.2024;00:39:00;22,88;14;320,32;-12,64;1;-99,68;Sell;;Security;\
IL0011582033;A2PLX6;;EUR;;;Fiverr;;;
2024-01-15T09:39:00.000Z;15.01.2024;10:39:00;30;14;420;0;0;;Buy;;Security;IL0011582033;A2PLX6;;\
EUR;;;Fiverr;;;
"""


def test_an_export_without_a_currency_is_in_that_of_the_account(person: Any) -> None:
    """Only American shares: nothing in the file proves that it is kept in euros."""
    own = person.account("EUR")
    own.bring(XTB)
    assert own.cash == D("394.75")
    assert {row["currency"] for row in own.transactions()} == {"EUR"}
    (lot,) = own.lots("AAPL.US")
    assert lot[1:] == (1, D("110.27"))  # the sold one of 220.55 had 110.28
    assert own.again(XTB) == 0


def test_a_currency_that_nothing_proves_is_told_with_each_row(person: Any) -> None:
    own = person.account("EUR")
    rows = own.rows(own.preview(XTB))
    assert all("currency_assumed" in [one["code"] for one in row["warnings"]] for row in rows)


def test_a_query_of_few_columns_meets_the_cent(person: Any) -> None:
    own = person.account()
    own.bring(FLEX)
    assert own.cash == D("-8373.90")  # -8910.10 + 476.08 + 60.12
    assert own.again(FLEX) == 0


def test_taxes_that_came_back_with_a_loss_are_cash(person: Any) -> None:
    own = person.account("EUR")
    own.bring(PARQET)
    assert own.cash == D("-88.04")  # -420 + 320.32 - 1 + 12.64
    assert own.told("amount")[-1][0] in ("interest", "sell")
    assert own.lots("IL0011582033") == []
    assert own.again(PARQET) == 0


def test_shares_of_a_plan_have_the_day_and_the_cost_of_their_award(person: Any) -> None:
    own = person.account()
    text = (SAMPLES / "schwab_awards.csv").read_text()
    deposits = [line for line in text.splitlines() if '"03/01/2025"' not in line]
    batch = own.preview("\n".join(deposits))
    assert "error" not in " ".join(own.verdicts(batch)), own.verdicts(batch)
    own.bring("\n".join(deposits))
    # 12 of the 14 shares were sold, the oldest first: 8 at 119 and 4 at 150.
    assert own.lots("ACME") == [("2025-03-17", D(2), D("300.00"))]
    assert sum(D(row["gain"]) for row in own.gains()) == D("463.91")
