"""Our own CSV: everything comes back as it was, and nothing in it is a formula."""

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import quantize
from transactions.files.formats import ballast
from transactions.files.formats.detection import detect, parse
from transactions.files.reading.interface import (
    LOT_METHODS,
    Draft,
    LotReference,
    Options,
    ParsedRow,
    Security,
)
from transactions.models import LotMethod

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OPTIONS = Options(now=NOW)
APPLE = Security("AAPL", "US0378331005", "037833100", "Apple Inc.")


def read(text: str, **options: object) -> list[ParsedRow]:
    given_options = Options(**{"now": NOW, **options})  # type: ignore[arg-type]
    return list(ballast.read(io.BytesIO(text.encode()), given_options))


def written(*drafts: Draft) -> bytes:
    return "".join(ballast.write(drafts)).encode()


def back(*drafts: Draft) -> list[Draft | None]:
    rows = list(parse(io.BytesIO(written(*drafts)), OPTIONS).rows)
    assert [row.problems for row in rows] == [()] * len(drafts)
    return [row.entry for row in rows]


def test_lot_methods_are_those_of_the_ledger() -> None:
    assert set(LOT_METHODS) == set(LotMethod.values)


AT = datetime(2024, 3, 4, 15, 30, 1, 123456, tzinfo=UTC)
EVERY_KIND = [
    Draft(type="deposit", executed_at=AT, currency="USD", amount=Decimal("10000"), id="1"),
    Draft(
        type="buy",
        executed_at=AT,
        currency="EUR",
        account="Joint",
        security=APPLE,
        quantity=Decimal("0.3333333333"),
        price=Decimal("170.12345678"),
        fee=Decimal("1.99"),
        fx_rate=Decimal("1.0812345678"),
        id="2",
        order_id="A-1",
        external_id="x:1",
    ),
    Draft(
        type="sell",
        executed_at=AT,
        currency="USD",
        security=APPLE,
        quantity=Decimal("10"),
        amount=Decimal("1333.33"),
        lot_method="specific",
        lots=(
            LotReference("2", Decimal("0.25")),
            LotReference("b", Decimal("4.5"), 0),
            LotReference("b", Decimal("5.25"), 12),
        ),
        tax_rates={"short": "0.37", "long": "0.2"},
        id="3",
    ),
    Draft(
        type="merger",
        executed_at=AT,
        currency="USD",
        security=APPLE,
        new_security=Security("NEW", "US5949181045"),
        ratio="3:2",
        price=Decimal("12.5"),
        amount=Decimal("4.2"),
        id="4",
    ),
    Draft(
        type="spin_off",
        executed_at=AT,
        currency="USD",
        security=APPLE,
        new_security=Security("CHLD"),
        quantity=Decimal("5"),
        basis_percentage=Decimal("12.34567891"),
        id="5",
    ),
    Draft(
        type="transfer_in",
        executed_at=AT,
        currency="USD",
        security=APPLE,
        quantity=Decimal("5"),
        amount=Decimal("500"),
        opened_date=date(2019, 2, 28),
        counterpart="9",
        to_account="IRA",
        id="6",
        reverses="2",
        note='He said "buy", and\nI did; =1+1',
    ),
    Draft(
        type="split",
        executed_at=AT,
        currency="USD",
        security=APPLE,
        added_quantity=Decimal("-9.5"),
        id="7",
    ),
]


def test_every_kind_of_row_comes_back() -> None:
    assert back(*EVERY_KIND) == EVERY_KIND


MONEY = st.decimals("0.01", "1000000", places=2)


@st.composite
def trades(draw: st.DrawFn) -> Draft:
    """As the ledger stores them: price and amount both, one derived from the other."""
    quantity = draw(st.decimals("0.0000000001", "100000", places=10))
    price: Decimal | None = draw(st.decimals("0", "100000", places=8))
    amount = None
    if draw(st.booleans()):
        price, amount = None, draw(MONEY)
    return Draft(
        type=draw(st.sampled_from(["buy", "sell", "reinvestment"])),
        executed_at=draw(
            st.datetimes(datetime(1951, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
        ),
        currency="USD",
        security=APPLE,
        quantity=quantity,
        price=price,
        amount=amount,
        fee=draw(MONEY),
        id="1",
        note=draw(
            st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=40)
        ).strip(),
    )


@given(trades())
def test_any_trade_comes_back(draft: Draft) -> None:
    assert back(draft) == [draft]


@given(trades())
def test_price_and_amount_written_together_come_back_as_the_one_that_was_stated(
    draft: Draft,
) -> None:
    row = list(csv.reader(io.StringIO(written(draft).decode())))[1]
    assert draft.quantity is not None
    place = {name: i for i, name in enumerate(ballast.COLUMNS)}
    if draft.price is not None:
        row[place["amount"]] = str(quantize(draft.quantity * draft.price, "USD"))
    else:
        return
    text = io.StringIO()
    csv.writer(text).writerows([ballast.COLUMNS, row])
    [found] = read(text.getvalue())
    assert (found.entry, found.problems) == (draft, ())


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_an_inert_text_is_no_formula_and_comes_back(text: str) -> None:
    safe = ballast.inert(text)
    assert safe[:1] not in set("=+-@\t\r\n＝＋－＠")
    assert ballast.unescaped(safe) == text


@pytest.mark.parametrize(
    "text",
    ["＝1+1", "＋1", "－1", "＠x", "\t=1", " =1", "\u200b=1", "\u3000＝1", "'＝1", "﹦1", "⁺1"],
)
def test_a_formula_in_any_width_is_written_as_text(text: str) -> None:
    at = datetime(2024, 3, 4, tzinfo=UTC)
    draft = Draft(type="fee", executed_at=at, currency="USD", amount=Decimal(1), id="1", note=text)
    content = written(draft).decode()
    assert f",'{text}" in content or f",\"'{text}" in content
    assert [row.entry.note for row in read(content) if row.entry] == [text]


@pytest.mark.parametrize(
    "rates",
    [
        *('{"short":"abc","long":"0"}', '{"short":"NaN","long":"0"}', '{"short":"-1","long":"0"}'),
        *('{"short":"Infinity","long":"0"}', '{"short":"1e999999","long":"0"}', '{"short":"0.1"}'),
        *('{"short":0.1,"long":"0"}', '{"short":"3.1","long":"0"}', '["short"]', '{"a":"0"}'),
    ],
)
def test_tax_rates_that_are_none_are_a_problem_of_the_row(rates: str) -> None:
    cell = rates.replace('"', '""')
    text = (
        "type,executed_at,symbol,quantity,price,currency,lot_method,tax_rates\n"
        f'sell,2024-03-04,AAPL,1,5,USD,min_tax,"{cell}"\n'
    )
    [row] = read(text)
    assert [(problem.code, problem.column) for problem in row.problems] == [
        ("value_invalid", "tax_rates")
    ]


def test_a_note_that_is_a_formula_is_a_text_in_the_file_and_a_formula_again_here() -> None:
    at = datetime(2024, 3, 4, tzinfo=UTC)
    draft = Draft(type="fee", executed_at=at, currency="USD", amount=Decimal(1), id="1")
    evil = '=HYPERLINK("http://x","y")'
    text = written(*(replace(draft, note=note) for note in (evil, "-1+1", "'@x")))
    assert b",\"'=HYPERLINK" in text
    assert [row.entry.note for row in read(text.decode()) if row.entry] == [evil, "-1+1", "'@x"]


def test_an_own_file_is_detected() -> None:
    text = written(
        Draft(
            type="buy",
            executed_at=datetime(2024, 3, 4, tzinfo=UTC),
            currency="USD",
            account="Joint",
            security=APPLE,
            quantity=Decimal(1),
            price=Decimal(2),
        )
    )
    assert detect(text) == "ballast"
    [row] = parse(io.BytesIO(text), OPTIONS).rows
    assert row.entry is not None
    assert (row.entry.account, row.entry.security) == ("Joint", APPLE)


def test_a_foreign_file_is_read_when_its_columns_and_words_are_named() -> None:
    text = "Dag;Wat;Papier;Stuks;Koers;Munt\n31/01/2024;Gekocht;ASML;1.000;600,5;EUR\n"
    [row] = read(
        text,
        columns={
            "executed_at": "dag",
            "type": "Wat",
            "symbol": "Papier",
            "quantity": "Stuks",
            "price": "Koers",
            "currency": "Munt",
        },
        types={"gekocht": "buy"},
    )
    assert row.problems == ()
    entry = row.entry
    assert entry is not None
    assert (entry.quantity, entry.price, entry.currency) == (Decimal(1000), Decimal("600.5"), "EUR")
    assert entry.executed_at == datetime(2024, 1, 31, 12, tzinfo=UTC)
    assert entry.external_id.startswith("row:")


def test_a_file_without_types_sells_what_is_negative() -> None:
    head = "date,ticker,qty,price,currency\n"
    rows = read(head + "2024-01-05,KO,2,60.5,USD\n2024-01-08,KO,-1,61.5,USD")
    assert [(row.entry.type, row.entry.quantity) for row in rows if row.entry] == [
        ("buy", Decimal(2)),
        ("sell", Decimal(1)),
    ]


def test_rows_alike_are_counted_and_named_the_same_again() -> None:
    text = "date,type,symbol,quantity,price,currency\n" + "2024-01-05,buy,AAPL,1,100,USD\n" * 3
    first, second = ([row.external_id for row in read(text)] for _ in range(2))
    assert first == second
    assert len(set(first)) == 3
    assert [name.partition("#")[2] for name in first] == ["", "2", "3"]


HEAD = (
    "id,type,executed_at,symbol,quantity,price,amount,fee,currency,fx_rate,lot_method,lots,ratio\n"
)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("1,buy,,AAPL,1,1,,,USD,,,,", "date_missing"),
        ("1,buy,yesterday,AAPL,1,1,,,USD,,,,", "date_invalid"),
        ("1,buy,2024-02-30,AAPL,1,1,,,USD,,,,", "date_invalid"),
        ("1,buy,01/13/24,AAPL,1,1,,,USD,,,,", "date_two_digit_year"),
        ("1,buy,2026-11-24,AAPL,1,1,,,USD,,,,", "date_in_future"),
        ("1,buy,2026-11-23T12:00:01Z,AAPL,1,1,,,USD,,,,", "date_in_future"),
        ("1,buy,1949-12-31,AAPL,1,1,,,USD,,,,", "date_too_early"),
        ("1,,2024-01-05,AAPL,1,1,,,USD,,,,", "type_missing"),
        ("1,bought,2024-01-05,AAPL,1,1,,,USD,,,,", "type_unknown"),
        ("1,buy,2024-01-05,,1,1,,,USD,,,,", "symbol_missing"),
        ("1,buy,2024-01-05,AAPL,,1,,,USD,,,,", "quantity_missing"),
        ("1,buy,2024-01-05,AAPL,0,1,,,USD,,,,", "quantity_zero"),
        ("1,buy,2024-01-05,AAPL,one,1,,,USD,,,,", "number_invalid"),
        ("1,buy,2024-01-05,AAPL,1e20,1,,,USD,,,,", "number_too_large"),
        ("1,buy,2024-01-05,AAPL,1,,,,USD,,,,", "price_missing"),
        ("1,buy,2024-01-05,AAPL,10,1.5,16.00,,USD,,,,", "amount_mismatch"),
        ("1,fee,2024-01-05,,,,,,USD,,,,", "amount_missing"),
        ("1,fee,2024-01-05,,,,-3,,USD,,,,", "amount_sign"),
        ("1,buy,2024-01-05,AAPL,1,1,,,,,,,", "currency_missing"),
        ("1,buy,2024-01-05,AAPL,1,1,,,dollars,,,,", "currency_invalid"),
        ("1,buy,2024-01-05,AAPL,1,1,,,USD,0,,,", "fx_rate_invalid"),
        ("1,sell,2024-01-05,AAPL,1,1,,,USD,,best,,", "value_invalid"),
        ("1,sell,2024-01-05,AAPL,1,1,,,USD,,specific,a=0,", "value_invalid"),
        ("1,split,2024-01-05,AAPL,,,,,USD,,,,0:1", "ratio_invalid"),
        ("1,buy,2024-01-05,AAPL,1,1,,,USD,,,,,surplus", "row_too_wide"),
    ],
)
def test_a_row_that_cannot_be_imported_says_why_and_where(row: str, code: str) -> None:
    rows = read(HEAD + "0,deposit,2024-01-02,,,,5,,USD,,,,\n" + row + "\n")
    assert [found.line for found in rows] == [2, 3]
    assert rows[0].importable
    assert code in {problem.code for problem in rows[1].problems}
    assert not rows[1].importable
