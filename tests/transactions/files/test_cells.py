"""Numbers, days and times as files write them."""

from contextlib import suppress
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from transactions.files.reading import cells
from transactions.files.reading.cells import DecimalSign, UnreadableDate
from transactions.files.reading.interface import DateOrder


@pytest.mark.parametrize(
    ("text", "sign", "value"),
    [
        ("1,234.56", ".", "1234.56"),
        ("1.234,56", ",", "1234.56"),
        ("1 234,56", ",", "1234.56"),
        ("1\u202f234,5", ",", "1234.5"),
        ("1'234.50", ".", "1234.50"),
        ("-$1,684.95", ".", "-1684.95"),
        ("$-12", ".", "-12"),
        ("($30.00)", ".", "-30.00"),
        ("12-", ".", "-12"),
        ("+5", ".", "5"),
        ("\u22125,5", ",", "-5.5"),
        ("€ 12,50", ",", "12.50"),
        ("12.50 USD", ".", "12.50"),
        ("5%", ".", "5"),
        (".5", ".", "0.5"),
        ("5.", ".", "5"),
        ("1.5E-7", ".", "1.5E-7"),
        ("-0.00", ".", "0.00"),
        ("100", ",", "100"),
    ],
)
def test_a_number_is_read_in_the_style_of_its_file(
    text: str, sign: DecimalSign, value: str
) -> None:
    found = cells.number(text, sign)
    assert found == Decimal(value)
    assert found is not None
    assert not (found.is_signed() and not found)


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        *(("1,23.4", "."), ("12,34", "."), ("1.234,5", "."), ("1,234.5", ","), ("1.5", ",")),
        *(("", "."), ("-", "."), (".", "."), ("one", "."), ("1e999", "."), ("--5", ".")),
        *(("(5", "."), ("-(5)", "."), ("=1+1", "."), ("1_0a", "."), ("9" * 41, "."), ("NaN", ".")),
        ("1,2,3", "."),
    ],
)
def test_what_is_no_number_in_this_style_is_none(text: str, sign: DecimalSign) -> None:
    assert cells.number(text, sign) is None


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9
    )
)
def test_a_number_comes_back_from_either_style(value: Decimal) -> None:
    text = f"{value:,.4f}"
    assert cells.number(text, ".") == value
    assert cells.number(text.translate(str.maketrans(",.", ".,")), ",") == value


@pytest.mark.parametrize(
    ("texts", "fallback", "sign"),
    [
        (["1.5", "1,000.25"], ",", "."),
        (["1,5"], ".", ","),
        (["1.234.567"], ".", ","),
        (["0.125"], ",", "."),
        (["1234.567"], ",", "."),
        (["1.234"], ".", "."),
        (["1,234"], ",", ","),
        (["100", "", "x"], ",", ","),
        ([], None, "."),
    ],
)
def test_a_file_shows_its_decimal_sign(
    texts: list[str], fallback: DecimalSign | None, sign: str
) -> None:
    assert cells.decimal_sign(texts, fallback=fallback) == sign


@pytest.mark.parametrize(
    ("texts", "fallback", "code"),
    [
        (["1.5", "1,5"], ".", "number_style_mixed"),
        (["1,234"], ".", "number_style_ambiguous"),
        (["1.234"], ",", "number_style_ambiguous"),
        (["1.234"], None, "number_style_ambiguous"),
    ],
)
def test_a_file_that_does_not_is_refused(
    texts: list[str], fallback: DecimalSign | None, code: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        cells.decimal_sign(texts, fallback=fallback)
    assert caught.value.code == code
    assert "decimal" in caught.value.fields


NOON = time(12)


@pytest.mark.parametrize(
    ("text", "order", "day", "clock"),
    [
        ("2024-03-04", None, (2024, 3, 4), None),
        ("2024/3/4", None, (2024, 3, 4), None),
        ("20240304", None, (2024, 3, 4), None),
        ("20240304;093001", None, (2024, 3, 4), time(9, 30, 1)),
        ("04.03.2024", "mdy", (2024, 3, 4), None),
        ("04/03/2024", "dmy", (2024, 3, 4), None),
        ("04/03/2024", "mdy", (2024, 4, 3), None),
        ("31/12/2024", None, (2024, 12, 31), None),
        ("12/31/2024", None, (2024, 12, 31), None),
        ("04/17/2023 as of 04/15/2023", "mdy", (2023, 4, 15), None),
        ("Mar 4, 2024", None, (2024, 3, 4), None),
        ("4-March-2024", None, (2024, 3, 4), None),
        ("2024-03-04 12:00", None, (2024, 3, 4), NOON),
        ("2024-03-04T12:00:00", None, (2024, 3, 4), NOON),
        ("2024-03-04, 12:00:00 EST", None, (2024, 3, 4), NOON),
        ("20240304;120000 EDT", None, (2024, 3, 4), NOON),
        ("03/04/2024 12:30:00 AM", "mdy", (2024, 3, 4), time(0, 30)),
        ("03/04/2024, 1:05 pm", "mdy", (2024, 3, 4), time(13, 5)),
        ("2023-12-18 11:45:06.326", None, (2023, 12, 18), time(11, 45, 6, 326000)),
    ],
)
def test_a_day_is_read(
    text: str, order: DateOrder | None, day: tuple[int, int, int], clock: time | None
) -> None:
    found = cells.moment(text, order)
    assert (found.day, found.clock, found.at) == (date(*day), clock, None)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2024-03-04T12:00:00Z", datetime(2024, 3, 4, 12, tzinfo=UTC)),
        ("2024-03-04T12:00:00.5-05:00", datetime(2024, 3, 4, 17, 0, 0, 500000, tzinfo=UTC)),
        ("2024-03-04 12:00 +0130", datetime(2024, 3, 4, 10, 30, tzinfo=UTC)),
    ],
)
def test_a_time_with_its_offset_is_an_instant(text: str, at: datetime) -> None:
    assert cells.moment(text, None).at == at


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("03/04/24", "date_two_digit_year"),
        ("4-Mar-24", "date_two_digit_year"),
        ("2024-13-01", "date_invalid"),
        ("2023-02-29", "date_invalid"),
        ("31/12/2024 25:00", "date_invalid"),
        ("31/12/2024 13:00 PM", "date_invalid"),
        ("2024-03-04T12:00:00+25:00", "date_invalid"),
        ("0000-01-01", "date_invalid"),
        ("4 Foo 2024", "date_invalid"),
        ("soon", "date_invalid"),
        ("2024-03-04 to 2024-03-05", "date_invalid"),
        ("2024-03-041", "date_invalid"),
    ],
)
def test_what_is_no_day_says_so(text: str, code: str) -> None:
    with pytest.raises(UnreadableDate) as caught:
        cells.moment(text, None)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("2024-03-04 12:00 Uhr", None),
        ("2024-03-04T12h00", None),
        ("20240304 [EST", None),
        ("04.03.2024, mittags", None),
        ("04/03/2024 (posted)", "dmy"),
        ("03/04/2024 noon", "mdy"),
    ],
)
def test_what_follows_a_day_and_is_not_understood_costs_the_time_alone(
    text: str, order: DateOrder | None
) -> None:
    assert cells.moment(text, order) == cells.Moment(date(2024, 3, 4))


def test_a_day_with_something_behind_it_shows_the_order_as_well() -> None:
    assert cells.date_order(["03/04/2024 noon", "31/12/2024 noon"]) == "dmy"
    with pytest.raises(InvalidInput) as caught:
        cells.date_order(["03/04/2024 noon"])
    assert caught.value.code == "date_order_ambiguous"


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["03/04/2024", "13/04/2024"], "dmy"),
        (["03/04/2024", "04/13/2024"], "mdy"),
        (["05/05/2024"], None),
        (["2024-03-04", "04.03.2024", "x"], None),
    ],
)
def test_the_whole_file_shows_the_order_of_its_days(
    texts: list[str], order: DateOrder | None
) -> None:
    assert cells.date_order(texts) == order


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (["03/04/2024", "05/05/2024"], "date_order_ambiguous"),
        (["13/04/2024", "04/13/2024"], "date_order_mixed"),
    ],
)
def test_a_file_that_shows_none_or_two_is_refused(texts: list[str], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        cells.date_order(texts)
    assert caught.value.code == code


@given(st.text(max_size=60))
def test_no_text_breaks_a_cell(text: str) -> None:
    signs: tuple[DecimalSign, ...] = (".", ",")
    for sign in signs:
        value = cells.number(text, sign)
        assert value is None or value.is_finite()
    with suppress(UnreadableDate):
        assert cells.moment(text, None).day.year >= 1
    with suppress(InvalidInput):
        cells.decimal_sign([text], fallback=".")
    with suppress(InvalidInput):
        cells.date_order([text])
