"""What a file takes back leaves nothing, and what cannot be paired is not recorded."""

from decimal import Decimal as D
from typing import Any

import pytest

pytestmark = pytest.mark.django_db

FIDELITY_JOURNALS = """
Run Date,Account,Account Number,Action,Symbol,Description,Type,Price ($),Quantity,Commission ($),Fees ($),Accrued Interest ($),Amount ($),Settlement Date
03/04/2025,"Individual - TOD","X1","JOURNALED JNL VS A/C TYPES (Cash)",,"No Description",Cash,,0.000,,,,25000,
03/04/2025,"Individual - TOD","X1","JOURNALED JNL VS A/C TYPES (Margin)",,"No Description",Margin,,0.000,,,,-25000,
"""  # noqa: E501


def test_a_journal_between_cash_and_margin_is_no_flow(person: Any) -> None:
    own = person.account()
    batch = own.preview(FIDELITY_JOURNALS)
    assert batch["counts"]["ready"] == 0
    assert own.verdicts(batch) == ["skipped journal"] * 2


@pytest.mark.parametrize("word", ["Buy", "Sell"])
def test_a_trade_that_schwab_takes_back_leaves_nothing(person: Any, word: str) -> None:
    sign, back = ("-", "") if word == "Buy" else ("", "-")
    own = person.account()
    person.asset("KOX")
    own.post("2024-01-02", "buy", "KOX", quantity="90", price="40")
    before = own.cash
    own.bring(
        f'''
"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"
"03/13/2024","{word}","KOX","COKE X","30","$40.50","","{sign}$1,215.00"
"03/12/2024","Cancel {word}","KOX","COKE X","30","$41.00","","{back}$1,230.00"
"03/12/2024","{word}","KOX","COKE X","30","$41.00","","{sign}$1,230.00"
'''
    )
    change = D("-1215") if word == "Buy" else D("1215")
    assert own.cash - before == change
    assert sum(lot[1] for lot in own.lots("KOX")) == (120 if word == "Buy" else 60)


FLEX = """<FlexQueryResponse queryName="q" type="AF"><FlexStatements count="1">
<FlexStatement accountId="U1" fromDate="20210101" toDate="20211231"><Trades>
<Trade accountId="U1" currency="EUR" fxRateToBase="1" assetCategory="STK" symbol="7CD" description="7C SOLARPARKEN" dateTime="20210330;103828" quantity="40" tradePrice="47.68" tradeMoney="1907.2" ibCommission="-1.25" ibCommissionCurrency="EUR" taxes="0" netCash="-1908.45" buySell="BUY" openCloseIndicator="O" notes="" levelOfDetail="EXECUTION" />
<Trade accountId="U1" currency="EUR" fxRateToBase="1" assetCategory="STK" symbol="7CD" description="7C SOLARPARKEN" dateTime="20210330;103828" quantity="-40" tradePrice="47.68" tradeMoney="-1907.2" ibCommission="0" ibCommissionCurrency="EUR" taxes="0" netCash="1907.2" buySell="BUY (Ca.)" openCloseIndicator="O" notes="Ca" levelOfDetail="EXECUTION" />
<Trade accountId="U1" currency="EUR" fxRateToBase="1" assetCategory="STK" symbol="7CD" description="7C SOLARPARKEN" dateTime="20210330;103828" quantity="40" tradePrice="47.68" tradeMoney="1907.2" ibCommission="0" ibCommissionCurrency="EUR" taxes="0" netCash="-1907.2" buySell="BUY" openCloseIndicator="O" notes="" levelOfDetail="EXECUTION" />
</Trades></FlexStatement></FlexStatements></FlexQueryResponse>
"""  # noqa: E501


def test_a_trade_that_interactive_brokers_cancels_and_books_anew_is_one(person: Any) -> None:
    own = person.account("EUR")
    own.bring(FLEX)
    assert own.cash == D("-1908.45")
    assert [lot[1:] for lot in own.lots("7CD")] == [(D(40), D("1908.45"))]
    assert own.again(FLEX) == 0


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


def ofx_moved(fitid: str, cusip: str, units: str, action: str) -> str:
    return (
        f"<TRANSFER><INVTRAN><FITID>{fitid}<DTTRADE>20200602<MEMO>REVERSE SPLIT</INVTRAN>"
        f"<SECID><UNIQUEID>{cusip}<UNIQUEIDTYPE>CUSIP</SECID><SUBACCTSEC>CASH<UNITS>{units}"
        f"<TFERACTION>{action}<POSTYPE>LONG</TRANSFER>"
    )


def test_a_reverse_split_told_as_two_transfers_is_a_split(person: Any) -> None:
    own = person.account()
    person.asset("LPX")
    own.post("2019-05-06", "buy", "LPX", quantity="200", amount="1640.00")
    text = ofx(
        ofx_moved("1", "111111118", "-200", "OUT") + ofx_moved("2", "222222226", "10", "IN"),
        c111111118="LPX",
        c222222226="LPX",
    )
    own.bring(text)
    assert own.lots("LPX") == [("2019-05-06", D(10), D("1640.00"))]
    assert own.again(text) == 0


SCHWAB = "Date,Action,Symbol,Description,Quantity,Price,Fees & Comm,Amount\n"


def test_a_cancellation_without_its_original_holds_back_what_it_may_mean(person: Any) -> None:
    own = person.account()
    text = SCHWAB + (
        '03/13/2024,Buy,KOX,X,30,$40.50,,"-$1,215.00"\n'
        "03/12/2024,Cancel Buy,KOX,X,30,$41.00,,$1230.00\n"
        "03/12/2024,Buy,KOX,X,20,$41.00,,-$820.00\n"
        "03/12/2024,Buy,AAA,X,20,$41.00,,-$820.00\n"
    )
    assert own.verdicts(own.preview(text)) == [
        "ready",
        "error correction_not_supported",
        "error held_back",
        "ready",
    ]


@pytest.mark.parametrize(
    ("action", "amount", "back"),
    [
        ("Cash Dividend", "30.00", "-30.00"),
        ("NRA Tax Adj", "-3.00", "3.00"),
        ("Bank Interest", "3.00", "-3.00"),
        ("Service Fee", "-3.00", "3.00"),
    ],
)
def test_payments_that_come_back_leave_nothing(
    person: Any, action: str, amount: str, back: str
) -> None:
    """The sign of the amount takes back a dividend, a tax, interest and a fee."""
    own = person.account()
    symbol = "KOX" if action in ("Cash Dividend", "NRA Tax Adj") else ""
    batch = own.preview(
        SCHWAB
        + f"03/13/2024,{action},{symbol},X,,,,{back}\n"
        + f"03/12/2024,{action},{symbol},X,,,,{amount}\n"
    )
    assert own.verdicts(batch) == ["skipped taken_back"] * 2


def test_a_tax_that_comes_back_is_no_interest(person: Any) -> None:
    own = person.account()
    text = SCHWAB + "03/13/2024,NRA Tax Adj,KOX,X,,,,3.00\n03/12/2024,NRA Tax Adj,KOX,X,,,,-4.00\n"
    assert own.verdicts(own.preview(text)) == [
        "error correction_not_supported",
        "error held_back",
    ]


def test_negative_interest_without_an_original_was_paid(person: Any) -> None:
    own = person.account("EUR")
    own.bring(
        "ClientAccountID,CurrencyPrimary,Type,SettleDate,Description,Amount,TransactionID\n"
        "U1,EUR,Broker Interest Received,20240105,EUR CREDIT INT,-1.50,1\n"
    )
    assert own.told("cash_effect") == [("fee", "-1.50")]


def test_a_dividend_and_its_tax_are_taken_back_by_interactive_brokers(person: Any) -> None:
    own = person.account()
    head = (
        "ClientAccountID,CurrencyPrimary,Symbol,Type,SettleDate,Description,Amount,TransactionID\n"
    )
    own.bring(
        head
        + "U1,USD,VT,Dividends,20240105,VT CASH DIVIDEND,10.00,1\n"
        + "U1,USD,VT,Withholding Tax,20240105,VT TAX,-1.50,2\n"
        + "U1,USD,VT,Dividends,20240105,VT CASH DIVIDEND - REVERSAL,-10.00,3\n"
        + "U1,USD,VT,Withholding Tax,20240105,VT TAX - REVERSAL,1.50,4\n"
        + "U1,USD,VT,Dividends,20240105,VT CASH DIVIDEND,12.00,5\n"
        + "U1,USD,VT,Withholding Tax,20240105,VT TAX,-1.80,6\n"
    )
    assert own.told("cash_effect") == [("dividend", "12.00"), ("tax", "-1.80")]


FIDELITY = (
    "Run Date,Account,Action,Symbol,Description,Quantity,Price ($),Commission ($),Fees ($),"
    "Amount ($)\n"
)


@pytest.mark.parametrize("word", ["YOU BOUGHT VTI", "CANCELLED YOU BOUGHT VTI"])
def test_fidelity_turns_the_signs_round(person: Any, word: str) -> None:
    own = person.account()
    own.bring(
        FIDELITY
        + "03/28/2024,X1,YOU BOUGHT VTI,VTI,V,10,25,,,-250\n"
        + f"03/28/2024,X1,{word},VTI,V,-10,25,,,250\n"
        + "03/28/2024,X1,YOU BOUGHT VTI,VTI,V,10,26,,,-260\n"
    )
    assert own.cash == D("-260.00")
    assert [lot[1:] for lot in own.lots("VTI")] == [(D(10), D("260.00"))]


def test_units_journaled_from_cash_to_margin_stay(person: Any) -> None:
    own = person.account()
    batch = own.preview(
        FIDELITY
        + "03/28/2024,X1,JOURNALED JNL VS A/C TYPES VTI (Cash),VTI,V,-10,,,,\n"
        + "03/28/2024,X1,JOURNALED JNL VS A/C TYPES VTI (Margin),VTI,V,10,,,,\n"
    )
    assert own.verdicts(batch) == ["skipped journal"] * 2
    batch = own.preview(
        SCHWAB
        + "03/28/2024,Journaled Shares,VTI,V,10,,,\n"
        + "03/28/2024,Journaled Shares,VTI,V,-10,,,\n"
    )
    assert own.verdicts(batch) == ["skipped journal"] * 2


def ofx_paid(fitid: str, total: str, pointer: str = "") -> str:
    return (
        f"<INCOME><INVTRAN><FITID>{fitid}<DTTRADE>20240603{pointer}</INVTRAN>"
        "<SECID><UNIQUEID>111111118<UNIQUEIDTYPE>CUSIP</SECID><INCOMETYPE>DIV"
        f"<TOTAL>{total}<SUBACCTSEC>CASH<SUBACCTFUND>CASH</INCOME>"
    )


def test_a_pointer_names_what_is_taken_back_or_replaced(person: Any) -> None:
    own = person.account()
    own.bring(
        ofx(
            ofx_paid("1", "10")
            + ofx_paid("2", "10")
            + ofx_paid("3", "-10", "<REVERSALFITID>1")
            + ofx_paid("4", "7", "<CORRECTFITID>2<CORRECTACTION>REPLACE"),
            c111111118="FUNDA",
        )
    )
    assert own.told("amount", "external_id") == [("dividend", "7.00", "ofx:4")]


def test_income_taken_back_takes_the_tax_withheld_with_it(person: Any) -> None:
    own = person.account()
    net = "<WITHHOLDING>15.00<TOTAL>"
    paid = ofx_paid("1", "85.00").replace("<TOTAL>", net)
    back = ofx_paid("2", "-85.00").replace("<TOTAL>", net)
    own.bring(ofx(paid + ofx_paid("3", "7.00") + back, c111111118="FUNDA"))
    assert own.told("amount", "external_id") == [("dividend", "7.00", "ofx:3")]


def test_a_pointer_to_a_row_that_is_not_there_holds_back_its_like(person: Any) -> None:
    own = person.account()
    text = ofx(ofx_paid("1", "10") + ofx_paid("3", "-10", "<REVERSALFITID>9"), c111111118="FUNDA")
    assert own.verdicts(own.preview(text)) == [
        "error held_back",
        "error correction_not_supported",
    ]


def test_a_trade_recorded_before_its_cancellation_came_is_told(person: Any) -> None:
    own = person.account()
    bought = '03/12/2024,Buy,KOX,X,30,$41.00,,"-$1,230.00"\n'
    own.bring(SCHWAB + bought)
    later = SCHWAB + '03/12/2024,Cancel Buy,KOX,X,30,$41.00,,"$1,230.00"\n' + bought
    assert own.verdicts(own.preview(later)) == [
        "skipped taken_back",
        "error taken_back_in_ledger",
    ]
    rebooked = later + bought  # what the ledger has is the trade that stands
    assert own.again(rebooked) == 0
    assert "taken_back_in_ledger" not in " ".join(own.verdicts(own.preview(rebooked)))


def test_a_fee_is_not_recorded_without_its_trade(person: Any) -> None:
    """The commission in another currency is a row of its own."""
    person.rate("USD", "2024-01-05", "1.0900")
    own = person.account()
    text = (
        "ClientAccountID,AssetClass,Symbol,DateTime,Buy/Sell,Quantity,TradePrice,TradeMoney,"
        "IBCommission,IBCommissionCurrency,CurrencyPrimary,Taxes,Open/CloseIndicator,TradeID\n"
        "U1,STK,VT,20240105;100000,BUY,10,5,50,-1,EUR,USD,0,O,7\n"
    )
    batch = own.change(own.preview(text), symbols={"VT": "UNKNOWN9"})
    assert own.verdicts(batch) == ["error symbol_unknown", "error held_back"]
    batch = own.change(batch, symbols={"VT": "skip"})
    assert own.verdicts(batch) == ["skipped symbol_skipped"] * 2


def test_an_arrival_that_the_ledger_will_refuse_is_refused_in_the_preview(person: Any) -> None:
    own = person.account()
    person.asset("LPX")
    arrival = ofx(
        ofx_moved("2", "222222226", "10", "IN").replace("REVERSE SPLIT", ""), c222222226="LPX"
    )
    assert own.verdicts(own.preview(arrival)) == ["error transfer_source_unknown"]
    other = person.account(name="Other")
    other.post("2020-01-02", "buy", "LPX", quantity="10", amount="500")
    other.post("2020-06-01", "transfer_out", "LPX", quantity="10")
    own.bring(arrival)
    assert own.lots("LPX") == [("2020-01-02", D(10), D("500"))]


def test_an_exchange_for_a_successor_keeps_its_lots(person: Any) -> None:
    own = person.account()
    person.asset("OLD")
    own.post("2019-05-06", "buy", "OLD", quantity="200", amount="1640.00")
    text = ofx(
        ofx_moved("1", "111111118", "-200", "OUT") + ofx_moved("2", "222222226", "10", "IN"),
        c111111118="OLD",
        c222222226="NEW",
    )
    own.bring(text)
    assert own.lots("OLD") == []
    assert own.lots("NEW") == [("2019-05-06", D(10), D("1640.00"))]


def test_an_exchange_mapped_to_one_symbol_is_a_split(person: Any) -> None:
    own = person.account()
    person.asset("LPX")
    own.post("2019-05-06", "buy", "LPX", quantity="200", amount="1640.00")
    text = ofx(ofx_moved("1", "111111118", "-200", "OUT") + ofx_moved("2", "222222226", "10", "IN"))
    own.bring(text, symbols='{"111111118": "LPX", "222222226": "LPX"}')
    assert own.lots("LPX") == [("2019-05-06", D(10), D("1640.00"))]


def test_exchanges_that_are_not_one_pair_are_refused(person: Any) -> None:
    own = person.account()
    text = ofx(
        ofx_moved("1", "111111118", "-200", "OUT")
        + ofx_moved("2", "222222226", "10", "IN")
        + ofx_moved("3", "333333334", "10", "IN")
    )
    assert own.verdicts(own.preview(text)) == ["error event_incomplete"] * 3
