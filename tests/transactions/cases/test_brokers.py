"""Brokers' files as people have them, and what the ledger must say after."""

from decimal import Decimal as D
from typing import Any

import pytest

pytestmark = pytest.mark.django_db

OFX_HEAD = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

<OFX><INVSTMTMSGSRSV1><INVSTMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS><INVSTMTRS>
<DTASOF>20241231<CURDEF>USD<INVACCTFROM><BROKERID>b<ACCTID>1</INVACCTFROM>
<INVTRANLIST><DTSTART>20180101<DTEND>20241231
"""
OFX_END = """</INVTRANLIST></INVSTMTRS></INVSTMTTRNRS></INVSTMTMSGSRSV1>
<SECLISTMSGSRSV1><SECLIST>{}</SECLIST></SECLISTMSGSRSV1></OFX>
"""


def ofx(body: str, **tickers: str) -> str:
    known = "".join(
        f"<STOCKINFO><SECINFO><SECID><UNIQUEID>{name[1:]}<UNIQUEIDTYPE>CUSIP</SECID>"
        f"<SECNAME>{ticker}<TICKER>{ticker}</SECINFO></STOCKINFO>"
        for name, ticker in tickers.items()
    )
    return OFX_HEAD + body + OFX_END.format(known)


def ofx_credit(fitid: str, posted: str, amount: str = "100.00") -> str:
    return (
        f"<INVBANKTRAN><STMTTRN><TRNTYPE>CREDIT<DTPOSTED>{posted}<TRNAMT>{amount}"
        f"<FITID>{fitid}<NAME>IN</STMTTRN><SUBACCTFUND>CASH</INVBANKTRAN>"
    )


def test_a_date_of_ofx_is_what_it_begins_with(person: Any) -> None:
    own = person.account()
    own.bring(
        ofx(
            ofx_credit("1", "20221028120000.000 GMT")
            + ofx_credit("2", "202210291120")
            + ofx_credit("3", "20221030120000[-5:EST]")
        )
    )
    days = [row["executed_at"][:10] for row in own.transactions()]
    assert days == ["2022-10-28", "2022-10-29", "2022-10-30"]
    assert own.cash == 300


def test_a_price_of_zero_beside_a_total_is_a_price_left_out(person: Any) -> None:
    own = person.account()
    own.bring(
        ofx(
            "<REINVEST><INVTRAN><FITID>7<DTTRADE>20240603</INVTRAN>"
            "<SECID><UNIQUEID>922906201<UNIQUEIDTYPE>CUSIP</SECID><INCOMETYPE>DIV"
            "<TOTAL>-12.34<SUBACCTSEC>CASH<UNITS>12.34<UNITPRICE>0.0</REINVEST>",
            c922906201="VUSXX",
        )
    )
    assert own.told("quantity", "amount") == [("reinvestment", "12.34", "12.34")]
    assert own.cash == 0


def ofx_fund(cusip: str, units: str, price: str, total: str) -> str:
    return (
        "<BUYMF><INVBUY><INVTRAN><FITID>900<DTTRADE>20240603</INVTRAN>"
        f"<SECID><UNIQUEID>{cusip}<UNIQUEIDTYPE>CUSIP</SECID><UNITS>{units}"
        f"<UNITPRICE>{price}<TOTAL>{total}<SUBACCTSEC>CASH<SUBACCTFUND>CASH</INVBUY>"
        "<BUYTYPE>BUY</BUYMF>"
    )


def test_an_id_of_ofx_names_a_row_only_with_its_figures(person: Any) -> None:
    own = person.account()
    text = ofx(
        ofx_fund("111111118", "10", "20", "-200")
        + ofx_fund("222222226", "5", "31", "-155")
        + ofx_credit("900", "20240603", "500.00"),
        c111111118="FUNDA",
        c222222226="FUNDB",
    )
    own.bring(text)
    assert len(own.transactions()) == 3
    assert own.cash == 145
    assert own.again(text) == 0


def test_the_same_id_with_the_same_figures_is_one_row(person: Any) -> None:
    own = person.account()
    own.bring(ofx(ofx_credit("900", "20240603") * 2))
    assert own.cash == 100


DELIVERIES = """
Datum;Typ;Wert;Buchungswährung;Bruttobetrag;Währung Bruttobetrag;Wechselkurs;Gebühren;Steuern;Stück;ISIN;WKN;Ticker-Symbol;Wertpapiername;Notiz
2020-12-16T10:08;Einlieferung;212,40;EUR;;;;1,90;0,00;4;DE0007164600;716460;SAP.DE;SAP SE;
2020-12-21T10:45;Auslieferung;-53,60;EUR;;;;1,00;0,00;1;DE0007164600;716460;SAP.DE;SAP SE;
"""  # noqa: E501


def test_a_delivery_with_a_value_and_no_day_of_purchase_arrives_on_its_day(person: Any) -> None:
    own = person.account("EUR")
    batch = own.preview(DELIVERIES)
    first = own.rows(batch)[0]
    assert [found["code"] for found in first["warnings"]] == ["opened_date_assumed"]
    own.bring(DELIVERIES)
    assert own.lots("SAP.DE") == [("2020-12-16", D(3), D("159.30"))]
    assert own.cash == 0
    assert own.gains() == []


def test_a_custodian_that_rounds_fractions_is_right(person: Any) -> None:
    own = person.account("CHF")
    person.asset("SPIX", "CHF")
    text = (
        "executed_at,type,symbol,quantity,price,amount,fee,currency\n"
        "2021-11-19,buy,SPIX,0.015,2711.97,41.53,0,CHF\n"
    )
    batch = own.preview(text)
    assert [found["code"] for found in own.rows(batch)[0]["warnings"]] == ["price_differs"]
    own.bring(text)
    assert [lot[1:] for lot in own.lots("SPIX")] == [(D("0.015"), D("41.53"))]


def test_a_date_whose_zone_is_cut_off_or_unknown_keeps_its_day(person: Any) -> None:
    own = person.account()
    own.bring(
        ofx(
            ofx_credit("1", "20221028093000[-5:ES")
            + ofx_credit("2", "20221029093000 Central Standard Time")
            + ofx_credit("3", "20221030[EST]")
        )
    )
    days = [row["executed_at"][:10] for row in own.transactions()]
    assert days == ["2022-10-28", "2022-10-29", "2022-10-30"]


FIDELITY = (
    "Run Date,Action,Symbol,Description,Quantity,Price ($),Commission ($),Fees ($),Amount ($)\n"
)


def test_a_price_of_zero_is_left_out_by_every_broker(person: Any) -> None:
    own = person.account()
    own.bring(FIDELITY + "03/28/2024,YOU BOUGHT VANGUARD (VTI),VTI,VANGUARD,10,0,,,-2599\n")
    own.bring(
        "executed_at,type,symbol,quantity,price,amount,fee,currency\n"
        "2024-03-29,sell,VTI,4,0,1040,1,USD\n"
    )
    assert own.told("quantity", "amount") == [("buy", "10", "2599.00"), ("sell", "4", "1040.00")]
    assert own.cash == D("-1560.00")


def test_an_id_of_a_trade_and_of_its_payment_may_be_one(person: Any) -> None:
    """A longer file with the rows in another order brings the rest, and no row twice."""
    own = person.account()
    fund, credit = ofx_fund("111111118", "10", "20", "-200"), ofx_credit("900", "20240603")
    own.bring(ofx(fund + credit, c111111118="FUNDA"))
    longer = ofx(credit + ofx_credit("900", "20240604") + fund, c111111118="FUNDA")
    assert own.again(longer) == 1
    own.bring(longer)
    assert own.cash == 0


def test_an_arrival_with_a_cost_and_no_day_is_brought_from_every_program(person: Any) -> None:
    own = person.account()
    own.bring(
        "date,symbol,quantity,activityType,unitPrice,currency,fee,amount\n"
        "2024-01-12,AAPL,2,TRANSFER_IN,46,USD,0,\n"
    )
    own.bring(
        "executed_at,type,symbol,quantity,price,amount,fee,currency,opened_date\n"
        "2024-01-13,transfer_in,AAPL,3,,150,,USD,\n"
        "2024-01-13,transfer_in,AAPL,1,,50,,USD,2020-02-03\n"
    )
    assert own.lots("AAPL") == [
        ("2020-02-03", D(1), D(50)),
        ("2024-01-12", D(2), D(92)),
        ("2024-01-13", D(3), D(150)),
    ]
    assert own.cash == 0


@pytest.mark.parametrize(
    ("units", "paid", "verdict"),
    [
        ("0.015", "41.53", "ready"),
        ("0.0150", "41.53", "error amount_mismatch"),
        ("1", "2712.82", "error amount_mismatch"),
    ],
)
def test_only_what_rounding_explains_is_taken(
    person: Any, units: str, paid: str, verdict: str
) -> None:
    """Half a thousandth of a unit is 1.36, half a ten-thousandth 0.14; whole units are exact."""
    own = person.account()
    text = '"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"\n'
    text += f'"11/19/2021","Buy","SPIX","X","{units}","$2711.97","","-${paid}"\n'
    assert own.verdicts(own.preview(text)) == [verdict]
