"""A Flex query has the columns that a person chose: what its rows prove, and what they do not."""

import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from transactions.files.formats.detection import FORMATS
from transactions.files.reading.interface import Options, ParsedRow

# The columns of a query for another portfolio program.
FEW = (
    '"Buy/Sell","TradeDate","ISIN","Quantity","TradePrice","TradeMoney","CurrencyPrimary",'
    '"IBCommission","IBCommissionCurrency"\n'
)
NET = (
    "DateTime,Symbol,ISIN,Buy/Sell,Quantity,TradePrice,TradeMoney,IBCommission,CurrencyPrimary,"
    "NetCash,AssetClass,Open/CloseIndicator,LevelOfDetail\n"
)
PLAIN = "DateTime,Symbol,Buy/Sell,Quantity,TradePrice,IBCommission,CurrencyPrimary,ISIN\n"


def rows(text: str) -> list[ParsedRow]:
    options = Options(now=datetime(2026, 11, 23, 12, tzinfo=UTC))
    return list(FORMATS["ibkr_flex"].read(io.BytesIO(text.encode()), options))


def told(row: ParsedRow) -> str:
    if row.skipped is not None:
        return row.skipped.code
    if row.problems:
        return " ".join(f"{problem.code} {problem.column}" for problem in row.problems)
    entry = row.entry
    assert entry is not None
    warned = "".join(f" {warning.code}" for warning in row.warnings)
    worth = entry.amount or (entry.price or Decimal(0)) * (entry.quantity or Decimal(0))
    return f"{entry.type} {entry.quantity} {worth.normalize():f} fee {entry.fee}{warned}"


def test_a_query_of_few_columns_is_read() -> None:
    """Shares of markets without taxes, each trade alone, nothing sold before it was bought."""
    text = (
        FEW + '"BUY","20230522","CH0111762537","7","282.7","1978.9","CHF","-5","CHF"\n'
        '"BUY","20230522","US9220427424","95","93.78","8909.1","USD","-1","USD"\n'
        '"SELL","20230609","US9220427424","-5","95.42","-477.1","USD","-1.02","USD"\n'
        '"SELL","20230522","","-8000","1.1173","-8938.4","USD","-1.79924","CHF"\n'
    )
    *shares, forex = [told(row) for row in rows(text)]
    assert shares == ["buy 7 1978.9 fee 5.00", "buy 95 8909.1 fee 1.00", "sell 5 477.1 fee 1.02"]
    assert "column_missing AssetClass" in forex  # it may be anything


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        # 10000 and 5 of commission leave 50 of stamp duty.
        ("20240105;103001,VOD,GB00BH4HKS39,BUY,100,100,10000,-5,GBP,-10055,STK,O,EXECUTION",
         "buy 100 10000 fee 55.00"),
        ("20240105;103001,VOD,GB00BH4HKS39,SELL,-100,100,-10000,-5,GBP,9995,STK,C,EXECUTION",
         "sell 100 10000 fee 5.00"),
        # The cash does not have the commission: it was paid in another currency.
        ("20240105;103001,ASML,NL0010273215,BUY,2,850,1700,-3.25,EUR,-1700,STK,O,EXECUTION",
         "column_missing Taxes column_missing IBCommissionCurrency"),
    ],
)  # fmt: skip
def test_the_cash_proves_the_taxes(row: str, expected: str) -> None:
    assert told(rows(f"{NET}{row}\n")[0]) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("20240105;103001,SAP,BUY,2,150.5,-3,EUR,DE0007164600", "buy 2 301 fee 3 costs_not_stated"),
        # Purchases of French shares are taxed; sales are not.
        ("20240105;103001,AI,BUY,2,150.5,-3,EUR,FR0000120073", "column_missing Taxes"),
        # Neither an ISIN nor the money says that no multiplier lies between.
        ("20240105;103001,ESH4,BUY,2,150.5,-3,USD,",
         "column_missing AssetClass"),
        ("20240105;103001,EUR.USD,SELL,-500,1.05,-2,USD,", "fx_conversion"),
    ],
)  # fmt: skip
def test_what_a_row_is_must_be_proved(row: str, expected: str) -> None:
    assert expected in told(rows(f"{PLAIN}{row}\n")[0]).replace(".00", "")


def test_a_sale_of_more_than_was_bought_and_the_purchases_after_it_may_be_short() -> None:
    line = "{day};103001,SAP,{side},{units},150.5,-3,EUR,DE0007164600\n"
    text = PLAIN + "".join(
        line.format(day=day, side=side, units=units)
        for day, side, units in [
            ("20240401", "BUY", 4),  # may cover the sale before it
            ("20240105", "BUY", 2),
            ("20240201", "SELL", -1),
            ("20240301", "SELL", -3),
            ("20240501", "BUY", 4),  # two more are held by now
        ]
    )
    found = [told(row) for row in rows(text)]
    missing = "column_missing Open/CloseIndicator"
    assert [one.split(" fee")[0] for one in found] == [
        missing, "buy 2 301", "sell 1 150.5", missing, "buy 4 602",
    ]  # fmt: skip


def test_a_file_that_may_state_all_twice_is_refused() -> None:
    """Executions and their orders, in a query without level and ids: each trade stands twice."""
    bought = '"BUY","{day}","US9220427424","{units}","100","{money}","USD","-1","USD"\n'
    twice = [("20240105", 3), ("20240105", 3), ("20240108", 1), ("20240108", 2), ("20240108", 3)]
    text = FEW + "".join(
        bought.format(day=day, units=units, money=units * 100) for day, units in twice
    )
    assert {told(row) for row in rows(text)} == {"column_missing LevelOfDetail"}
    alone = bought.format(day="20240109", units=7, money=700)
    assert [told(row).split()[0] for row in rows(text + alone)] == ["buy"] * 6


def test_payments_without_level_and_id_are_read_if_one_stands_alone() -> None:
    head = "Type,SettleDate,ISIN,Description,Amount,CurrencyPrimary\n"
    paid = "Dividends,20230623,US9220427424,VT(US9220427424) CASH DIVIDEND,{amount},USD\n"
    one, two = (paid.format(amount=amount) for amount in ("137.23", "85.97"))
    assert [told(row).split()[0] for row in rows(head + one + two)] == ["dividend"] * 2
    assert {told(row) for row in rows(head + one + one)} == {"column_missing LevelOfDetail"}


def test_rates_below_the_trades_are_another_section() -> None:
    text = (
        PLAIN + "20240105;103001,SAP,BUY,2,150.5,-3,EUR,DE0007164600\n"
        "Date/Time,FromCurrency,ToCurrency,Rate\n20240105,EUR,USD,1.0515\n"
    )
    assert [told(row).split()[0] for row in rows(text)] == ["buy", "section_not_read"]


def test_an_element_says_the_level_only_where_the_query_does_not() -> None:
    """A closed lot repeats a part of a trade, and is none."""
    trade = (
        '<Trade accountId="U1" currency="USD" assetCategory="STK" symbol="VT" isin="US9220427424" '
        'dateTime="20240105;103001" buySell="BUY" quantity="3" tradePrice="100" tradeMoney="300" '
        'ibCommission="-1" ibCommissionCurrency="USD" taxes="0" openCloseIndicator="O"{level}/>'
    )
    text = (
        "<FlexQueryResponse><FlexStatements><FlexStatement><Trades>{}</Trades></FlexStatement>"
        "</FlexStatements></FlexQueryResponse>"
    )
    lot = trade.format(level=' levelOfDetail="CLOSED_LOT"')
    execution = trade.format(level=' levelOfDetail="EXECUTION"')
    assert [told(row).split()[0] for row in rows(text.format(execution + lot))] == [
        "buy",
        "summary",
    ]
    assert told(rows(text.format(trade.format(level="")))[0]).startswith("buy 3 300")
