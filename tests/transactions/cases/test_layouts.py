"""Layouts of today's files, row by row: what is in them and what must not be made of it."""

from decimal import Decimal as D
from typing import Any

import pytest

pytestmark = pytest.mark.django_db

KRAKEN = (
    '"txid","refid","time","type","subtype","aclass","subclass","asset","wallet","amount","fee",'
    '"balance","amountusd","feeusd","balanceusd","feecurrency"\n'
)


def kraken(ref: str, asset: str, amount: str, fee: str = "0", fee_in: str = "") -> str:
    return (
        f'"{ref}{asset}{amount}","{ref}","2026-03-11 10:00:00","trade","tradespot","currency","",'
        f'"{asset}","spot / main",{amount},{fee},0,0,0,0,"{fee_in}"\n'
    )


def test_a_fee_in_another_coin_is_refused_with_its_trade(person: Any) -> None:
    own = person.account("EUR")
    text = KRAKEN + kraken("T1", "EUR", "-50", "0.2", "KFEE") + kraken("T1", "DOT", "10")
    verdicts = own.verdicts(own.preview(text))
    assert verdicts == ["error event_incomplete"] * 2


def test_a_leg_that_cannot_be_read_is_refused_with_its_trade(person: Any) -> None:
    own = person.account("EUR")
    text = KRAKEN + kraken("T1", "EUR", "-5o", "0.2", "EUR") + kraken("T1", "DOT", "10")
    text += kraken("T2", "EUR", "-60", "0.24", "EUR") + kraken("T2", "DOT", "12")
    own.bring(text)
    assert own.told("quantity", "cash_effect") == [("buy", "12", "-60.24")]


def test_the_fills_of_one_coin_are_one_trade(person: Any) -> None:
    own = person.account("EUR")
    text = KRAKEN + kraken("T1", "EUR", "-60", "0.24", "EUR")
    text += kraken("T1", "DOT", "5") + kraken("T1", "DOT", "7")
    own.bring(text)
    assert own.told("quantity", "cash_effect") == [("buy", "12", "-60.24")]
    assert own.again(text) == 0


TRADING212 = (
    "Action,Time (UTC),ISIN,Ticker,Name,Notes,ID,No. of shares,Price / share,"
    "Currency (Price / share),Exchange rate,Result,Currency (Result),Total,Currency (Total),"
    "Withholding tax,Currency (Withholding tax),Currency conversion fee,"
    "Currency (Currency conversion fee)\n"
)


def test_shares_that_are_transferred_are_no_cash(person: Any) -> None:
    own = person.account("EUR")
    person.asset("TTE", "EUR")
    text = TRADING212 + (
        "Transfer in,2025-02-08 10:00:00,FR0000120271,TTE,T,,E1,5,56,EUR,1,,,280.00,EUR,,,,\n"
        "Transfer out,2025-02-09 10:00:00,FR0000120271,TTE,T,,E2,2,57,EUR,1,,,114.00,EUR,,,,\n"
    )
    own.post("2025-01-02", "buy", "TTE", quantity="10", price="50")
    # Units that arrive need a cost, which the file does not state.
    assert own.verdicts(own.preview(text)) == ["error transfer_source_unknown", "ready"]
    own.bring(text)
    assert own.told("quantity") == [("buy", "10"), ("transfer_out", "2")]
    assert own.cash == -500


def test_the_fee_of_a_conversion_is_paid_though_the_conversion_moves_nothing(person: Any) -> None:
    own = person.account("EUR")
    text = TRADING212 + (
        "Currency conversion,2025-02-03 10:00:00,,,,,x1,,,,,,,0,EUR,,,-0.15,EUR\n"
        "Currency conversion,2025-02-04 10:00:00,,,,,x2,,,,,,,0,EUR,,,,\n"
        "Interest on cash,2025-02-05 10:00:00,,,,,i1,,,,,,,-0.20,EUR,,,,\n"
    )
    own.bring(text)
    assert own.told("amount") == [("fee", "0.15"), ("fee", "0.20")]
    assert own.cash == D("-0.35")


SNOWBALL = (
    "Event,Date,Symbol,Price,Quantity,Currency,FeeTax,Exchange,NKD,FeeCurrency,"
    "DoNotAdjustCash,Note\n"
)


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        ("STOCK_AS_DIVIDEND,2024-03-15,O,0,0.125,USD,0,NYSE,,,False,", "error price_missing"),
        ("BUY,2024-08-05,MSFT,395,1,USD,1,NASDAQ,,EUR,False,", "error event_incomplete"),
        ("BUY,2024-08-06,MSFT,395,1,USD,0,NASDAQ,,,True,", "error event_incomplete"),
        ("BUY,2024-08-06,BOND,99,10,USD,0,NYSE,12.5,,False,", "error event_incomplete"),
    ],
)
def test_what_a_row_of_snowball_leaves_open_is_refused(person: Any, row: str, verdict: str) -> None:
    own = person.account()
    assert own.verdicts(own.preview(SNOWBALL + row + "\n")) == [verdict]


HLEDGER = '"txnidx","date","code","description","account","amount","total"\n'


def test_a_transaction_without_all_its_postings_is_refused(person: Any) -> None:
    """A register of one account shows that 1 was spent and 5 VTI left, not for how much."""
    own = person.account()
    text = HLEDGER + (
        '"1","2024-01-03","","Buy","assets:broker:vti","20 VTI","0"\n'
        '"1","2024-01-03","","Buy","assets:broker:cash","$-4600.00","0"\n'
        '"2","2024-01-31","","?","assets:broker:cash","$50.00","0"\n'
        '"3","2024-02-01","","Sell","assets:broker:vti","-5 VTI","0"\n'
        '"3","2024-02-01","","Sell","expenses:fees","$1.00","0"\n'
    )
    verdicts = own.verdicts(own.preview(text))
    assert [one for one in verdicts if one != "skipped part_of_another_row"] == [
        "ready",
        "error amount_mismatch",
        "error price_missing",
    ]


SCHWAB = '"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"\n'
BILL = '"04/10/2024","Buy","912797XX9","T-BILL","5,000","$98.75","","-$4,937.50"\n'


def test_a_bill_that_matures_is_a_sale(person: Any) -> None:
    own = person.account()
    own.bring(
        SCHWAB
        + '"05/30/2024","Full Redemption","912797XX9","T-BILL","-5,000","","",""\n'
        + '"05/30/2024","Full Redemption Adj","912797XX9","T-BILL","","","","$5,000.00"\n'
        + BILL
    )
    assert own.told("quantity", "cash_effect") == [
        ("buy", "5000", "-4937.50"),
        ("sell", "5000", "5000.00"),
    ]


@pytest.mark.parametrize(
    "row",
    [
        '"05/30/2024","Full Redemption","912797XX9","T-BILL","-5,000","","",""\n',
        '"05/30/2024","Full Redemption Adj","912797XX9","T-BILL","","","","$5,000.00"\n',
    ],
)
def test_half_of_a_redemption_is_refused(person: Any, row: str) -> None:
    own = person.account()
    assert own.verdicts(own.preview(SCHWAB + row + BILL)) == ["error event_incomplete", "ready"]


FIDELITY = (
    "Run Date,Action,Symbol,Description,Type,Price ($),Quantity,Commission ($),Fees ($),"
    "Accrued Interest ($),Amount ($),Settlement Date\n"
)


def test_interest_accrued_on_a_bond_is_part_of_its_price(person: Any) -> None:
    own = person.account()
    text = FIDELITY + "03/06/2025,YOU BOUGHT FORD 5%,345370CQ1,F,Cash,99,10000,,,41.67,-9941.67,\n"
    own.bring(text)
    assert own.told("quantity", "cash_effect") == [("buy", "10000", "-9941.67")]
    wrong = text.replace("9941.67", "9951.67").replace("345370CQ1", "345370CQ2")
    assert own.verdicts(own.preview(wrong)) == ["error amount_mismatch"]


def test_the_longest_beginning_of_a_text_says_what_it_is(person: Any) -> None:
    own = person.account()
    text = FIDELITY + "03/15/2025,YOU SOLD SHORT TSLA (TSLA),TSLA,T,Short,200,-5,,,,1000,\n"
    assert own.verdicts(own.preview(text)) == ["error short_sale_not_supported"]


DEGIRO = "Datum,Tijd,Valutadatum,Product,ISIN,Omschrijving,FX,Mutatie,,Saldo,,Order Id\n"


def test_what_belongs_to_a_refused_order_is_held_back_whatever_it_is(person: Any) -> None:
    """Interest paid with a bond would be a fee of its own; its order is refused."""
    own = person.account("EUR")
    text = DEGIRO + (
        '20-12-2023,10:06,20-12-2023,B,DE0007164600,"Koop 10 @ 99,5 EUR",,EUR,"-1.010",EUR,"0",b1\n'
        '20-12-2023,10:06,20-12-2023,B,DE0007164600,"Opgelopen rente",,EUR,"-15,00",EUR,"0",b1\n'
        '20-12-2023,10:08,20-12-2023,,,"Rente",,EUR,"-0,30",EUR,"0",\n'
    )
    verdicts = own.verdicts(own.preview(text))
    assert verdicts[1:] == ["error held_back", "ready"]


def test_stamp_duty_is_a_cost_of_its_order(person: Any) -> None:
    own = person.account("GBP")
    text = DEGIRO + (
        '20-12-2023,10:03,20-12-2023,B,GB0031348658,London Stamp Duty,,GBP,"-5,00",GBP,"0",x1\n'
        '20-12-2023,10:03,20-12-2023,B,GB0031348658,"Koop 1.000 @ 150,5 GBX",,GBP,"-1.505,00",GBP,'
        '"0",x1\n'
    )
    own.bring(text)
    assert own.told("quantity", "cash_effect") == [("buy", "1000", "-1510.00")]


def test_costs_without_their_trade_are_refused(person: Any) -> None:
    """A file that was cut between the rows of an order has its costs alone."""
    own = person.account("EUR")
    text = DEGIRO + (
        '20-12-2023,10:03,20-12-2023,B,DE0007164600,Transactiekosten,,EUR,"-2,00",EUR,"0",x\n'
        '19-12-2023,10:03,19-12-2023,,,DEGIRO Aansluitingskosten 2023,,EUR,"-2,50",EUR,"0",\n'
    )
    assert own.verdicts(own.preview(text)) == ["error event_incomplete", "ready"]


def test_a_section_of_cash_is_never_skipped(person: Any) -> None:
    own = person.account()
    text = (
        "Statement,Header,Field Name,Field Value\nStatement,Data,BrokerName,IB\n"
        "Bond Interest Received,Header,Currency,Date,Description,Amount\n"
        "Bond Interest Received,Data,USD,2024-05-15,Bond Coupon Payment (T 4 05/15/34),100\n"
        "Newly Invented,Header,Currency,Date,Description,Amount\n"
        "Newly Invented,Data,USD,2024-05-16,What is it?,7\n"
        "Newly Invented,Data,Total,,,7\n"
    )
    verdicts = [one for one in own.verdicts(own.preview(text)) if not one.startswith("skipped")]
    assert verdicts == ["ready", "error type_unknown"]
