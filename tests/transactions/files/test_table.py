"""Any table by the columns a person names: right, or refused with a code, never turned to fit."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from core.errors import InvalidInput
from core.money import plain
from transactions.files.formats.detection import parse
from transactions.files.mapping import (
    examples_in,
    guessed_columns,
    guessed_fields,
    guessed_type,
    heading_in,
    words_in,
)
from transactions.files.reading.interface import Options, ParsedRow

NOW = datetime(2024, 6, 1, tzinfo=UTC)
BANK = {"executed_at": "Tag", "amount": "Betrag", "note": "Text"}
TRADES = {
    "executed_at": "Day", "type": "What", "symbol": "Paper", "quantity": "Units",
    "price": "Each", "amount": "Cash", "fee": "Costs",
}  # fmt: skip
NET: dict[str, Any] = {"amount_sign": "in", "amount_includes_fee": True}
HEAD = "Day,What,Paper,Units,Each,Cash,Costs\n"
WORDS = {"in": "buy", "out": "sell", "pay": "dividend", "put": "deposit", "take": "withdrawal"}


def rows(text: str, columns: dict[str, str], **options: Any) -> list[ParsedRow]:
    told = Options(now=NOW, columns=columns, currency="USD", **options)
    return list(parse(io.BytesIO(text.encode()), told, format="table").rows)


def told(row: ParsedRow) -> str:
    if row.skipped:
        return row.skipped.code
    if row.problems:
        return " ".join(problem.code for problem in row.problems)
    draft = row.entry
    assert draft is not None
    figures = (draft.quantity, draft.price, draft.amount, draft.fee or None)
    said = [plain(value) if value is not None else "-" for value in figures]
    return " ".join((draft.executed_at.date().isoformat(), draft.type, *said))


@pytest.mark.parametrize(
    ("sign", "cell", "expected"),
    [
        ("in", "500.00", "2024-01-31 deposit - - 500 -"),
        ("in", "-500.00", "2024-01-31 withdrawal - - 500 -"),
        ("out", "500.00", "2024-01-31 withdrawal - - 500 -"),
        ("out", "(500.00)", "2024-01-31 deposit - - 500 -"),
        ("none", "500.00", "type_missing"),
        ("in", "0.00", "amount_zero"),
        ("in", "", "amount_missing"),
        ("in", "five", "number_invalid amount_missing"),
    ],
)
def test_a_bank_statement_has_no_types(sign: Any, cell: str, expected: str) -> None:
    text = f"Tag,Text,Betrag,Ort\n2024-01-31,salary,{cell},here\n"
    (row,) = rows(text, BANK, amount_sign=sign)
    assert told(row) == expected


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (",70", "2024-01-31 deposit - - 70 -"),
        ("70,", "2024-01-31 withdrawal - - 70 -"),
        ("-70,", "2024-01-31 withdrawal - - 70 -"),
        ("0.00,70", "2024-01-31 deposit - - 70 -"),
        ("70,70", "value_invalid amount_missing"),
        (",", "amount_missing"),
    ],
)
def test_debit_and_credit_are_two_columns(cells: str, expected: str) -> None:
    columns = {"executed_at": "Tag", "debit": "Soll", "credit": "Haben", "note": "Text"}
    (row,) = rows(f"Tag,Text,Soll,Haben\n2024-01-31,rent,{cells}\n", columns)
    assert told(row) == expected


@pytest.mark.parametrize(
    ("line", "options", "expected"),
    [
        ("in,AAA,10,50,-500,", {"amount_sign": "in"}, "buy 10 50 - -"),
        ("in,AAA,10,50,500,", {"amount_sign": "in"}, "amount_sign"),
        ("in,AAA,10,50,500,", {"amount_sign": "out"}, "buy 10 50 - -"),
        ("in,AAA,10,50,500,", {}, "buy 10 50 - -"),
        ("in,AAA,10,50,-501,1", {"amount_sign": "in"}, "amount_mismatch"),
        ("in,AAA,10,50,-510,10", {"amount_sign": "in"}, "amount_mismatch"),
        ("in,AAA,10,50,-510,10", NET, "buy 10 50 - 10"),
        ("in,AAA,10,,-510,10", NET, "buy 10 - 500 10"),
        ("out,AAA,10,,490,10", NET, "sell 10 - 500 10"),
        ("out,AAA,-10,50,500,", {"amount_sign": "in"}, "sell 10 50 - -"),
        ("put,,,,500,", {"amount_sign": "in"}, "deposit - - 500 -"),
        ("put,,,,-500,", {"amount_sign": "in"}, "amount_sign"),
        ("take,,,,-500,", {"amount_sign": "in"}, "withdrawal - - 500 -"),
        ("take,,,,-500,", {}, "amount_sign"),
        ("pay,AAA,,,12.5,", {"amount_sign": "in"}, "dividend - - 12.5 -"),
        ("pay,AAA,10,1.25,12.5,", {"amount_sign": "in"}, "dividend - - 12.5 -"),
        ("pay,AAA,10,1.25,,", {"amount_sign": "in"}, "amount_missing"),
        ("dance,AAA,,,12.5,", {"amount_sign": "in"}, "type_unknown"),
        (",AAA,1,2,2,", {}, "type_missing"),
        ("note,,,,5,", {}, "word_skipped"),
        ("both,AAA,10,50,-500,", {"amount_sign": "in"}, "buy 10 50 - -"),
        ("both,AAA,10,50,500,", {"amount_sign": "in"}, "sell 10 50 - -"),
        ("both,AAA,-10,50,500,", {}, "sell 10 50 - -"),
        ("both,AAA,-10,50,-500,", {"amount_sign": "in"}, "amount_sign"),
        ("cash,,,,-500,", {"amount_sign": "in"}, "withdrawal - - 500 -"),
        ("cash,,,,-500,", {}, "type_missing"),
    ],
)  # fmt: skip
def test_words_and_signs_agree_or_the_row_says_why(
    line: str, options: dict[str, Any], expected: str
) -> None:
    types = {**WORDS, "note": "skip", "both": "buy_or_sell", "cash": "deposit_or_withdrawal"}
    (row,) = rows(f"{HEAD}2024-01-31,{line}\n", TRADES, types=types, **options)
    said = told(row)
    assert said.removeprefix("2024-01-31 ").split()[: len(expected.split())] == expected.split()


@pytest.mark.parametrize(
    ("cells", "options", "code"),
    [
        ("31/01/2024", {"date_order": "mdy"}, "date_order_contradicted"),
        ("01/31/2024", {"date_order": "dmy"}, "date_order_contradicted"),
        ("03/04/2024", {"date_order": "ymd"}, "date_order_contradicted"),
        ("03/04/2024", {}, "date_order_ambiguous"),
    ],
)
def test_a_stated_day_order_must_be_that_of_the_file(
    cells: str, options: dict[str, Any], code: str
) -> None:
    """Else the third of April would silently be the fourth of March."""
    text = f"Tag,Text,Betrag,Ort\n02/03/2024,a,1.50,x\n{cells},b,2.50,x\n"
    with pytest.raises(InvalidInput) as refused:
        rows(text, BANK, amount_sign="in", **options)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("cell", "decimal", "code"),
    [
        ("1.50", ",", "number_style_contradicted"),
        ("1,50", ".", "number_style_contradicted"),
    ],
)
def test_a_stated_decimal_sign_must_be_that_of_the_file(cell: str, decimal: Any, code: str) -> None:
    """Else 1.234 would silently be a thousand times as much."""
    text = f'Tag,Text,Betrag,Ort\n2024-01-31,a,"1.234",x\n2024-01-31,b,"{cell}",x\n'
    with pytest.raises(InvalidInput) as refused:
        rows(text, BANK, amount_sign="in", decimal=decimal)
    assert refused.value.code == code


def test_two_fields_never_read_one_column() -> None:
    columns = {**TRADES, "price": "Cash"}
    with pytest.raises(InvalidInput) as refused:
        rows(f"{HEAD}2024-01-31,in,AAA,10,50,500,\n", columns, types=WORDS)
    assert refused.value.code == "column_used_twice"


def test_a_column_that_is_not_used_is_not_found_by_its_name() -> None:
    """The heading says `amount`, and the person says that there is none."""
    text = "date,type,symbol,quantity,price,amount\n2024-01-31,buy,AAA,10,50,777\n"
    columns = {"executed_at": "date", "type": "type", "symbol": "symbol"}
    columns |= {"quantity": "quantity", "price": "price"}
    (row,) = rows(text, columns)
    assert told(row) == "amount_mismatch"
    (row,) = rows(text, columns | {"amount": ""})
    assert told(row) == "2024-01-31 buy 10 50 - -"


def test_a_time_of_its_own_column_and_a_balance() -> None:
    text = "Tag,Zeit,Betrag,Stand\n2024-01-31,14:05,-20,80\n"
    columns = {"executed_at": "Tag", "clock": "Zeit", "amount": "Betrag", "balance": "Stand"}
    (row,) = rows(text, columns, amount_sign="in")
    assert row.entry is not None
    assert row.entry.executed_at == datetime(2024, 1, 31, 14, 5, tzinfo=UTC)
    assert row.balance is not None
    assert row.balance.amount == 80


HEADINGS = {
    "Tag;Was;Papier;Anzahl;Kurs\n03.01.2024;Kauf;AAA;2;50,25\n": (
        ";", ["Tag", "Was", "Papier", "Anzahl", "Kurs"]),
    "My bank\nStatement of May\n\nDate\tText\tAmount\n2024-05-01\trent\t-5\n": (
        "\t", ["Date", "Text", "Amount"]),
    "a|b\n1|2\n": ("|", ["a", "b"]),
    "2024-01-03,buy,AAA,2\n2024-01-04,buy,AAA,2\n": None,
    "one column\nonly\n": None,
    '{"a": 1, "b": 2}\n': None,
    "": None,
}  # fmt: skip


@pytest.mark.parametrize("text", HEADINGS)
def test_the_heading_of_an_unknown_table(text: str) -> None:
    found = heading_in(text.encode())
    expected = HEADINGS[text]
    assert (found and (found.delimiter, list(found.names))) == expected


def test_a_heading_is_known_again_whatever_stands_above_and_below_it() -> None:
    one = heading_in(b"Tag;Was\n03.01.2024;Kauf\n")
    other = heading_in("Depot 7\n\nTAG ;was\n04.01.2024;Verkauf\n".encode("utf-16"))
    assert one is not None
    assert other is not None
    assert one.fingerprint == other.fingerprint
    swapped = heading_in(b"Was;Tag\nKauf;03.01.2024\n")
    assert swapped is not None
    assert swapped.fingerprint != one.fingerprint


def test_headings_and_words_suggest_their_meaning() -> None:
    text = (
        "Buchungstag;Buchungstext;Wertpapier;ISIN;Stück;Kurs (EUR);Gebühr;Betrag;Währung;Saldo\n"
        "03.01.2024;Kauf;ACME;;2;50,25;1;-101,5;EUR;9\n"
        "04.01.2024;Dividende;ACME;;;;;3;EUR;12\n"
    )
    heading = heading_in(text.encode())
    assert heading is not None
    assert guessed_columns(heading.names) == {
        "executed_at": "Buchungstag", "note": "Buchungstext", "name": "Wertpapier",
        "isin": "ISIN", "quantity": "Stück", "price": "Kurs (EUR)", "fee": "Gebühr",
        "amount": "Betrag", "currency": "Währung", "balance": "Saldo",
    }  # fmt: skip
    assert words_in(text.encode(), heading, "Buchungstext") == ["Kauf", "Dividende"]
    assert examples_in(text.encode(), heading)[4:6] == ["2", "50,25"]
    meanings = {word: guessed_type(word) for word in ("Kauf", "Verkauf", "SOLD", "Dividende")}
    assert list(meanings.values()) == ["buy", "sell", "sell", "dividend"]
    assert guessed_type("Dividend reinvestment") == "reinvestment"
    assert guessed_type("Blah") == ""


def test_where_no_heading_says_it_the_cells_suggest_day_type_and_isin() -> None:
    text = (
        "Wann\tWas\tPapier\tKennung\tStk\tText\n"
        "03.02.2025\tKauf\tAAPL\tUS0378331005\t10\t\n"
        "04.02.2025\tEinzahlung\t\t\t\tErste Rate\n"
    )
    heading = heading_in(text.encode())
    assert heading is not None
    found = guessed_fields(text.encode(), heading)
    assert {field: found.get(field) for field in ("executed_at", "type", "isin")} == {
        "executed_at": "Wann", "type": "Was", "isin": "Kennung",
    }  # fmt: skip
    assert len(set(found.values())) == len(found)


def test_the_words_of_types_may_stand_below_a_heading_that_means_any_text() -> None:
    text = "Buchungstag;Buchungstext;Betrag\n03.01.2024;Kauf;-1\n04.01.2024;Dividende;3\n"
    heading = heading_in(text.encode())
    assert heading is not None
    assert guessed_fields(text.encode(), heading) == {
        "executed_at": "Buchungstag", "type": "Buchungstext", "amount": "Betrag",
    }  # fmt: skip


def test_units_and_price_beside_a_deposit_are_left_out_with_a_warning() -> None:
    (row,) = rows(HEAD + "2024-01-31,put,,2,5,10.00,\n", TRADES, types=WORDS, **NET)
    assert told(row) == "2024-01-31 deposit - - 10 -"
    [warning] = row.warnings
    assert (warning.code, warning.column) == ("figure_ignored", "quantity and price")


def test_columns_without_names_are_numbered() -> None:
    text = "2024-01-03,buy,AAA,2,50.25\n2024-01-04,sell,AAA,1,51.00\n"
    assert heading_in(text.encode()) is None
    heading = heading_in(text.encode(), numbered=True)
    assert heading is not None
    assert (heading.line, heading.names[0], len(heading.names)) == (0, "column 1", 5)
    assert words_in(text.encode(), heading, "column 2") == ["buy", "sell"]
    columns = {"executed_at": "column 1", "type": "column 2", "symbol": "column 3"}
    columns |= {"quantity": "column 4", "price": "column 5"}
    found = [told(row) for row in rows(text, columns, without_heading=True)]
    assert found == ["2024-01-03 buy 2 50.25 - -", "2024-01-04 sell 1 51 - -"]
    semicolons = text.replace(",", ";").replace("50.25", "50,25").replace("51.00", "51,00")
    found = [told(row) for row in rows(semicolons, columns, without_heading=True)]
    assert found == ["2024-01-03 buy 2 50.25 - -", "2024-01-04 sell 1 51 - -"]
    assert heading_in(b"Some text\nof two lines\n", numbered=True) is None
    assert heading_in(b"a,b\nc,d\n", numbered=True) is None
    assert heading_in(b"2024-01-03,a\n2024-01-03,a,b\n", numbered=True) is None


def test_repeated_and_missing_names_are_told_apart() -> None:
    text = "Tag;Betrag;;Betrag;\n2024-01-03;7,50;EUR;9,10;USD\n"
    heading = heading_in(text.encode())
    assert heading is not None
    assert list(heading.names) == ["Tag", "Betrag", "betrag+1", "betrag+1+1"]
    columns = {"executed_at": "Tag", "amount": heading.names[3]}
    (row,) = rows(text, columns, amount_sign="in")
    assert told(row) == "2024-01-03 deposit - - 9.1 -"
