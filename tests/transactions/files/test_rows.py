"""Single rows of real formats where something is odd: what is said of them, and what is kept."""

import io
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from transactions.files.formats.detection import FORMATS
from transactions.files.reading.interface import (
    FILE_CODES,
    ROW_CODES,
    SKIP_CODES,
    WARNING_CODES,
    Options,
    ParsedRow,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SCHWAB = "Date,Action,Symbol,Description,Quantity,Price,Fees & Comm,Amount\n"
FIDELITY = "Run Date,Action,Symbol,Description,Quantity,Price,Commission,Fees,Amount\n"
IBKR = (
    "AssetClass,Symbol,ISIN,DateTime,Buy/Sell,Quantity,TradePrice,TradeMoney,IBCommission,"
    "CurrencyPrimary,IBCommissionCurrency,Taxes,Open/CloseIndicator,LevelOfDetail\n"
)
PP = (
    "Date,Type,Value,Transaction Currency,Gross Amount,Currency Gross Amount,Exchange Rate,Fees,"
    "Taxes,Shares,ISIN,Ticker Symbol,Security Name,Note\n"
)
WEALTHFOLIO = "date,activityType,symbol,quantity,unitPrice,currency,fee,fxRate\n"
KO = "2024-01-05,Buy,100,USD,,,,0,0,1,,KO,Coke,"


def rows(format_name: str, text: str, **options: object) -> list[ParsedRow]:
    given = Options(**{"now": NOW, **options})  # type: ignore[arg-type]
    return list(FORMATS[format_name].read(io.BytesIO(text.encode()), given))


def one(format_name: str, text: str, **options: object) -> ParsedRow:
    [row] = rows(format_name, text, **options)
    return row


def codes(row: ParsedRow) -> set[str]:
    found = {found.code for found in (*row.problems, *row.warnings)}
    return found | ({row.skipped.code} if row.skipped else set())


@pytest.mark.parametrize(
    ("format_name", "text", "code"),
    [
        (
            "schwab",
            SCHWAB + "01/05/2024,Cash Dividend,KO,COKE,,,,-$5.00",
            "correction_not_supported",
        ),
        ("schwab", SCHWAB + "01/05/2024,Cash Dividend,KO,COKE,,,,$0.00", "amount_zero"),
        ("wealthfolio", WEALTHFOLIO + "2024-01-05,BUY,VOD,1,250,GBp,,0.0125", "fx_rate_ignored"),
        ("schwab", SCHWAB + "01/05/2024,Bank Interest,,X,,,,$0.004", "amount_zero"),
        ("schwab", SCHWAB + "01/05/2024,Bank Interest,,X,,,,$1.006", "amount_rounded"),
        ("schwab", SCHWAB + "01/05/2024,Buy,KO,COKE,3,$33.333,,-$100.01", "price_differs"),
        ("schwab", SCHWAB + "01/05/2024,Buy,KO,COKE,3,$33.333,,-$100.10", "amount_mismatch"),
        ("schwab", SCHWAB + "01/05/2024,Buy,,COKE CORP,,$33.33,,-$99.99", "quantity_missing"),
        ("schwab", SCHWAB + "01/05/2024,Stock Split,KO,COKE,,,,", "quantity_missing"),
        ("schwab", SCHWAB + "01/05/2024,Journal,,X,,,,", "journal"),
        ("fidelity", FIDELITY + "01/05/2024,DISTRIBUTION X (KO),KO,COKE,0,,,,0", "informational"),
        (
            "fidelity",
            FIDELITY + "01/05/2024,SHORT SALE X (KO),KO,COKE,-1,5,,,5",
            "short_sale_not_supported",
        ),
        ("fidelity", FIDELITY + "May-31-2023,YOU BOUGHT X,KO,COKE,2,50,,,-90", "amount_mismatch"),
        ("ibkr_flex", IBKR + "STK,VT,,20240105;100000,BUY,10,5,50,0.25,USD", "fee_is_rebate"),
        ("ibkr_flex", IBKR + "STK,VT,US0,20240105;100000,BUY,10,5,50,0,USD", "isin_ignored"),
        ("ibkr_flex", IBKR + "STK,,US0,20240105;100000,BUY,10,5,50,0,USD", "isin_invalid"),
        (
            "ibkr_flex",
            IBKR + "CFD,VT,,20240105;100000,BUY,10,5,50,0,USD",
            "asset_class_not_supported",
        ),
        (
            "ibkr_flex",
            IBKR.replace("Taxes,", "")
            + "STK,VOD,,20240105;100000,BUY,10,5,50,0,GBP,GBP,O,EXECUTION",
            "column_missing",
        ),
        ("wealthfolio", WEALTHFOLIO + "2024-01-05,CREDIT,,5,1,USD,0,", "column_missing"),
        ("portfolio_performance", PP + KO + "x" * 501, "text_shortened"),
        ("portfolio_performance", PP + KO.replace("KO", "K" * 65), "text_too_long"),
        ("portfolio_performance", PP + KO.replace(",0,0,1", ",110,0,1"), "amount_sign"),
        ("portfolio_performance", PP + "2024-01-05,Dividend,5,USD,,,,0,0,1,,,,", "symbol_missing"),
        ("portfolio_performance", PP + "2024-01-05,,5,USD,,,,0,0,1,,,,", "type_missing"),
    ],
)
def test_an_odd_row_says_what_is_odd(format_name: str, text: str, code: str) -> None:
    assert code in codes(one(format_name, text))


def test_every_code_is_seen_by_a_test() -> None:
    """A code nobody has met may be dead or wrong."""
    here = Path(__file__).parent
    seen = "".join(path.read_text() for path in here.glob("*.py"))
    seen += "".join(path.read_text() for path in (here / "samples").glob("*.expected"))
    every = [*FILE_CODES, *ROW_CODES, *SKIP_CODES, *WARNING_CODES]
    assert [code for code in every if code not in seen] == []
    assert len(set(every)) == len(every)


def test_a_rebate_lowers_the_cost_and_raises_the_proceeds() -> None:
    bought = one("ibkr_flex", IBKR + "STK,VT,,20240105;100000,BUY,10,5,50,0.25,USD").entry
    sold = one("ibkr_flex", IBKR + "STK,VT,,20240105;100000,SELL,-10,5,-50,0.25,USD").entry
    assert bought is not None
    assert sold is not None
    assert (bought.amount, bought.fee) == (Decimal("49.75"), Decimal(0))
    assert (sold.amount, sold.fee) == (Decimal("50.25"), Decimal(0))


def test_orders_are_read_where_there_are_no_executions() -> None:
    order = "STK,VT,,20240105;100000,BUY,10,5,50,0,USD,USD,0,O,ORDER\n"
    both = rows("ibkr_flex", IBKR + order + order.replace("ORDER", "EXECUTION"))
    assert [row.importable for row in both] == [False, True]
    assert one("ibkr_flex", IBKR + order).importable


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2024-01-05", "UTC", datetime(2024, 1, 5, 12, tzinfo=UTC)),
        ("2024-01-05", "Asia/Tokyo", datetime(2024, 1, 5, 12, tzinfo=UTC)),
        ("2024-01-05 09:30", "America/New_York", datetime(2024, 1, 5, 14, 30, tzinfo=UTC)),
        # Seven in the evening in New York is the next day in UTC, but the trade is of the fifth.
        ("2024-01-05 19:30", "America/New_York", datetime(2024, 1, 6, 0, 30, tzinfo=UTC)),
        ("2024-01-05 08:30", "Asia/Tokyo", datetime(2024, 1, 4, 23, 30, tzinfo=UTC)),
        ("2024-01-05T19:30:00-05:00", "UTC", datetime(2024, 1, 6, 0, 30, tzinfo=UTC)),
        # Dated today, at noon, while it is noon.
        ("2026-11-23", "UTC", NOW),
    ],
)
def test_the_day_of_the_file_is_the_day_of_the_ledger(
    text: str, zone: str, expected: datetime
) -> None:
    row = one(
        "ballast",
        f"date,type,amount,currency\n{text},deposit,5.5,USD\n",
        zone=ZoneInfo(zone),
    )
    assert row.entry is not None
    assert row.entry.executed_at == expected
    day = (2026, 11, 23) if expected == NOW else (2024, 1, 5)
    assert row.entry.executed_at.timetuple()[:3] == day


def test_a_midnight_of_ghostfolio_is_a_day_of_its_zone() -> None:
    text = (
        '{"activities": [{"currency": "USD", "date": "2021-09-15T22:00:00.000Z", "fee": 0, '
        '"quantity": 5, "symbol": "MSFT", "type": "BUY", "unitPrice": 298.58}]}'
    )
    row = one("ghostfolio_json", text, zone=ZoneInfo("Europe/Zurich"))
    assert row.entry is not None
    assert row.entry.executed_at == datetime(2021, 9, 16, 12, tzinfo=UTC)


def test_the_time_of_day_may_be_chosen_and_events_come_first() -> None:
    head = "date,type,symbol,quantity,price,ratio,currency\n"
    found = rows(
        "ballast",
        head + "2024-01-05,sell,KO,1,5.5,,USD\n2024-01-05,split,KO,,,2:1,USD\n",
        time_of_day=time(20),
    )
    hours = [row.entry.executed_at.hour for row in found if row.entry]
    assert hours == [20, 0]


def test_quotes_may_hold_lines_and_rows_keep_their_numbers() -> None:
    text = "date,type,amount,currency,note\n"
    text += '2024-01-05,fee,1.5,USD,"two\nlines"\n\n2024-01-06,fee,1.5,USD,\n'
    found = rows("ballast", text)
    assert [row.line for row in found] == [2, 5]
    assert found[0].entry is not None
    assert found[0].entry.note == "two\nlines"


def test_a_decimal_comma_may_be_declared() -> None:
    text = 'date,type,amount,currency\n2024-01-05,fee,"1,500",USD\n'
    comma, point = one("ballast", text, decimal=","), one("ballast", text, decimal=".")
    assert comma.entry is not None
    assert point.entry is not None
    assert (comma.entry.amount, point.entry.amount) == (Decimal("1.5"), Decimal(1500))


def test_a_schwab_file_is_in_dollars_whatever_the_account() -> None:
    row = one("schwab", SCHWAB + "01/05/2024,Bank Interest,,X,,,,$1.00", currency="EUR")
    assert row.entry is not None
    assert row.entry.currency == "USD"


def told(found: list[ParsedRow]) -> list[str]:
    return [
        row.skipped.code if row.skipped else " ".join(p.code for p in row.problems) or "recorded"
        for row in found
    ]


def test_a_row_in_which_the_file_ends_is_cut_off() -> None:
    whole = SCHWAB + "01/05/2024,Bank Interest,,X,,,,$1.00\n"
    assert told(rows("schwab", whole + "01/06/2024,Bank Interest,,X,,,")) == [
        "recorded",
        "row_cut_off amount_missing",
    ]
    # Programs that leave out empty cells at the end do so in every row.
    wealthfolio = WEALTHFOLIO + "2024-01-05,DEPOSIT,,100,1,USD\n2024-01-06,DEPOSIT,,100,1,USD"
    assert told(rows("wealthfolio", wealthfolio)) == ["recorded", "recorded"]


def test_a_correction_takes_back_the_nearest_equal_row_before_it() -> None:
    paid = "01/{:02}/2024,Cash Dividend,KO,COKE,,,,$5.00\n"
    back = "01/05/2024,Cash Dividend,KO,COKE,,,,-$5.00\n"
    assert told(rows("schwab", SCHWAB + paid.format(3) + back + paid.format(4))) == [
        "recorded",
        "taken_back",
        "taken_back",
    ]
    # A row after it is not meant.
    assert told(rows("schwab", SCHWAB + paid.format(6) + back)) == [
        "recorded",
        "correction_not_supported",
    ]


def test_an_unpaired_correction_holds_back_the_last_day_of_its_like() -> None:
    other = "01/04/2024,Cash Dividend,KO,COKE,,,,$4.00\n"
    older = "01/03/2024,Cash Dividend,KO,COKE,,,,$4.00\n"
    back = "01/05/2024,Cash Dividend,KO,COKE,,,,-$5.00\n"
    assert told(rows("schwab", SCHWAB + older + other + back)) == [
        "recorded",
        "held_back",
        "correction_not_supported",
    ]


def test_many_equal_corrections_are_paired_in_order() -> None:
    paid = "01/03/2024,Cash Dividend,KO,COKE,,,,$5.00\n"
    back = "01/05/2024,Cash Dividend,KO,COKE,,,,-$5.00\n"
    assert told(rows("schwab", SCHWAB + paid * 3 + back * 2)) == [
        *("recorded", "taken_back", "taken_back"),
        *("taken_back", "taken_back"),
    ]
