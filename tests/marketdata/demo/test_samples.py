"""What is read out of sample files, and which bars are not believed."""

from datetime import date
from decimal import Decimal as D

from marketdata.demo import catalogue
from marketdata.demo.samples import (
    SampleBar,
    bars_by_column_group,
    checked,
    closes_by_column,
    fixings,
    par_curves,
)
from marketdata.identifiers import is_isin

SINCE = date(2000, 1, 1)


def test_a_table_of_closes_keeps_gaps_as_gaps() -> None:
    text = "Date,AAA,BBB\n1999-12-31,1,2\n2020-01-02,10.5,\n2020-01-03,10.25,7\n"
    found = closes_by_column(text, since=SINCE)
    assert [(bar.date, bar.close) for bar in found["AAA"].bars] == [
        (date(2020, 1, 2), D("10.5")),
        (date(2020, 1, 3), D("10.25")),
    ]
    assert [bar.close for bar in found["BBB"].bars] == [D(7)]


def test_five_columns_a_symbol_make_bars_with_an_estimated_volume() -> None:
    text = (
        "Symbol,AC,AC,AC,AC,AC,XX\n,open,high,low,close,value,open\ndt,,,,,,\n"
        "2020-01-02,10,12,9,11,2200,1\n2020-01-03,,,,,,1\n"
    )
    found = bars_by_column_group(text, symbols=["AC"], since=SINCE)
    assert found["AC"].bars == (SampleBar(date(2020, 1, 2), D(11), D(10), D(12), D(9), 200),)


def test_bars_that_contradict_themselves_are_refused_and_counted() -> None:
    def bar(day: int, close: str, high: str, low: str, opened: str = "10") -> SampleBar:
        return SampleBar(date(2020, 1, day), D(close), D(opened), D(high), D(low))

    found = checked(
        [
            bar(2, "10", "11", "9"),
            bar(3, "12", "11", "9"),  # above the high
            bar(4, "8", "11", "9"),  # below the low
            bar(5, "0", "11", "0"),
            bar(6, "10", "11", "9", opened="12"),
            bar(2, "10.5", "11", "9"),  # the same day again
            bar(7, "15", "16", "9"),  # + 50 %: kept, it may be a split
        ]
    )
    assert [bar.date.day for bar in found.bars] == [2, 7]
    assert found.findings == {
        "refused_close_outside_range": 2,
        "refused_close_not_positive": 1,
        "refused_open_outside_range": 1,
        "refused_day_repeated": 1,
        "kept_move_over_40_percent": 1,
    }


def test_fixings_leave_out_what_was_not_fixed() -> None:
    text = "Date,USD,CYP,\n2026-10-30,1.1172,N/A,\n1999-01-04,1.1789,0.58231,\n"
    found = [(currency, fixing.rate, fixing.date.year) for currency, fixing in fixings(text)]
    assert found == [
        ("USD", D("1.1172"), 2026),
        ("USD", D("1.1789"), 1999),
        ("CYP", D("0.58231"), 1999),
    ]


def test_a_curve_has_the_tenors_that_were_published() -> None:
    header = "Time Period,1month,3month,6month,1year,2year,3year,5year,7year,10year,20year,30year"
    text = f"{header}\n2020-01-02 00:00:00+00:00,,0.01,,,0.02,,,,,,0.03\n"
    ((day, par),) = par_curves(text, since=SINCE)
    assert day == date(2020, 1, 2)
    assert [(one.years, one.rate) for one in par] == [(0.25, 0.01), (2.0, 0.02), (30.0, 0.03)]


def test_every_isin_of_the_catalogue_has_its_check_digit() -> None:
    listings = [listing for _, found in catalogue.SKFOLIO_FILES for listing in found]
    isins = [listing.isin for listing in listings if listing.isin]
    assert len(isins) == 25
    assert [isin for isin in isins if not is_isin(isin)] == []
    assert not is_isin("US0378331006")
