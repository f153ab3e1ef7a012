"""Statements of brokers that settle in the currency of the account, on the asset people have."""

from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.django_db

FILES = Path(__file__).parent.parent / "files" / "samples"


def test_swissquote_settles_a_foreign_share_in_francs(person: Any) -> None:
    person.rate("CHF", "2023-06-05", "0.97")
    person.rate("USD", "2023-06-05", "1.07")
    person.asset("MSFT", "USD")
    own = person.account("CHF")
    own.bring((FILES / "swissquote_de.csv").read_bytes())
    told = own.told("symbol", "currency", "amount", "cash_effect")
    assert sorted(row for row in told if row[1] == "MSFT") == [
        ("buy", "MSFT", "USD", "3300.00", "-3024.75"),
        ("dividend", "MSFT", "CHF", "6.12", "6.12"),
        ("sell", "MSFT", "USD", "1360.00", "1203.78"),
        ("tax", "MSFT", "CHF", "0.92", "-0.92"),
    ]
    assert own.cash == D("6.50") + 6000 - 223 - D("3024.75") + D("5.20") + D("1203.78") - D("32.31")


REVOLUT = """
Date,Ticker,Type,Quantity,Price per share,Total Amount,Currency,FX Rate
2023-05-02T08:23:08.459586Z,,CASH TOP-UP,,,$500,USD,1.10
2023-06-01T07:40:54.539038Z,,CUSTODY FEE,,,-$0.25,USD,1.10
2023-06-02T07:40:54.539038Z,,CUSTODY FEE REVERSAL,,,$0.25,USD,1.10
"""
TRADE_REPUBLIC = """
"datetime","date","account_type","category","type","asset_class","name","symbol","shares","price","amount","fee","tax","currency","description","transaction_id"
"2024-06-13T05:00:00Z","2024-06-13","DEFAULT","CASH","DIVIDEND","STOCK","M","US5949181045","1","","0.87","","-0.13","EUR","","a-1"
"2024-06-14T05:00:00Z","2024-06-14","DEFAULT","CASH","DIVIDEND","STOCK","M","US5949181045","1","","-0.87","","0.13","EUR","","a-2"
"2024-06-14T06:00:00Z","2024-06-14","DEFAULT","CASH","DIVIDEND","STOCK","M","US5949181045","1","","0.90","","-0.14","EUR","","a-3"
"2024-07-01T06:00:00Z","2024-07-01","DEFAULT","CORPORATE_ACTION","STOCK_DIVIDEND","STOCK","M","US5949181045","0.5","20","","","","EUR","","a-4"
"2024-07-02T06:00:00Z","2024-07-02","DEFAULT","CORPORATE_ACTION","STOCK_DIVIDEND","STOCK","M","US5949181045","0.25","20","","","","EUR","","a-5"
"2024-07-03T06:00:00Z","2024-07-03","DEFAULT","CORPORATE_ACTION","STOCK_DIVIDEND","STOCK","M","US5949181045","-0.25","20","","","","EUR","","a-6"
"""  # noqa: E501


def test_a_fee_that_revolut_takes_back_leaves_nothing(person: Any) -> None:
    own = person.account("USD")
    own.bring(REVOLUT)
    assert own.told("amount") == [("deposit", "500.00")]
    assert own.again(REVOLUT) == 0


def test_trade_republic_pays_dividends_in_units_and_corrects_them(person: Any) -> None:
    own = person.account("EUR")
    own.bring(TRADE_REPUBLIC)
    assert sorted(own.told("quantity", "amount", "cash_effect")) == [
        ("dividend", "None", "0.90", "0.90"),
        ("reinvestment", "0.5", "10.00", "0.00"),
        ("tax", "None", "0.14", "-0.14"),
    ]
    assert own.again(TRADE_REPUBLIC) == 0


@pytest.mark.parametrize(
    ("sample", "home", "bought", "sold"),
    [
        ("freetrade.csv", "GBP", ("861.28", "-695.97"), ("252.30", "196.02")),
        ("avanza.csv", "SEK", ("712.00", "-6845.40"), ("282.00", "2685.12")),
    ],
)
def test_a_price_in_dollars_and_what_was_paid_for_it(
    person: Any, sample: str, home: str, bought: tuple[str, str], sold: tuple[str, str]
) -> None:
    person.asset("KO", "USD", isin="US1912161007")
    own = person.account(home)
    own.bring((FILES / sample).read_bytes())
    trades = own.told("symbol", "currency", "amount", "cash_effect")
    assert [row for row in trades if row[1] == "KO" and row[2] == "USD"] == [
        ("buy", "KO", "USD", *bought),
        ("sell", "KO", "USD", *sold),
    ]
    assert own.again((FILES / sample).read_bytes()) == 0
