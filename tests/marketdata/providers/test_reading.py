from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from marketdata.providers.port import Fault, ProviderFault, Split
from marketdata.providers.reading import (
    ROWS_REFUSED,
    as_json,
    decimal_of,
    instant_of,
    readable,
    split_of,
    whole_or_none,
)

DAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("factor", "new", "old"),
    [
        ("2.0", 2, 1),
        ("4.0000", 4, 1),
        ("1.5", 3, 2),
        ("0.1", 1, 10),
        ("0.0667", 1, 15),
        ("0.066667", 1, 15),
        ("0.06666666666666667", 1, 15),
        ("0.333333", 1, 3),
        ("1.666667", 5, 3),
        # Dividends in shares, which are no rounded ratios.
        ("1.05", 21, 20),
        ("1.0313", 10313, 10000),
        ("1.00503", 100503, 100000),
    ],
)
def test_a_factor_of_a_split_is_the_ratio_that_was_meant(factor: str, new: int, old: int) -> None:
    split = split_of(DAY, Decimal(factor))
    assert split == Split(DAY, Decimal(new), Decimal(old))


@pytest.mark.parametrize("factor", ["0", "-2"])
def test_a_factor_that_is_no_ratio_is_refused(factor: str) -> None:
    with pytest.raises(ValueError, match="no ratio"):
        split_of(DAY, Decimal(factor))


@pytest.mark.parametrize(
    "value", [True, None, "", "x", "NaN", "Infinity", "-sNaN", 1.5, [], "1e31", "1e-31", "9" * 81]
)
def test_what_is_no_number_of_a_market_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"is no|out of range"):
        decimal_of(value)


def test_a_number_too_large_to_be_written_out_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="out of range"):
        whole_or_none(Decimal("1e999999"))


def test_numbers_keep_the_digits_that_were_written() -> None:
    assert str(as_json(b"[101.250]", of="x")[0]) == "101.250"


@pytest.mark.parametrize("body", [b"", b"{", b"[NaN]", b"[Infinity]", b"[" * 100_000, b"\xff"])
def test_a_body_that_is_no_json_is_a_fault(body: bytes) -> None:
    with pytest.raises(ProviderFault) as caught:
        as_json(body, of="x")
    assert caught.value.fault is Fault.FORMAT_CHANGED


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2026-11-20T12:00:00.123456789-05:00", datetime(2026, 11, 20, 17, 0, 0, 123456, UTC)),
        ("2026-11-20T17:00:00Z", datetime(2026, 11, 20, 17, tzinfo=UTC)),
        ("2026-11-20T17:00:00.5Z", datetime(2026, 11, 20, 17, 0, 0, 500000, UTC)),
        (1795194000, datetime(2026, 11, 20, 17, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_with_its_zone(written: str | int, at: datetime) -> None:
    assert instant_of(written) == at


@pytest.mark.parametrize("value", ["2026-11-20T17:00:00", "noon", True, None, Decimal("1.5")])
def test_an_instant_without_a_zone_or_sense_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"time zone|Invalid|no instant"):
        instant_of(value)


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        (["1", "x", "2", "3"], ["1", "2", "3"]),
        (["1", "2"], ["1", "2"]),
        ([], []),
        (["x"], None),
        (["1", "x"], None),
        (["1", None, {}, "2"], None),
    ],
)
def test_a_row_that_cannot_be_read_is_refused_and_counted_and_the_rest_kept(
    rows: list[object], kept: list[str] | None
) -> None:
    counted = ROWS_REFUSED.labels("test")._value
    before = counted.get()
    if kept is None:
        with pytest.raises(ProviderFault) as fault:
            readable(rows, decimal_of, of="test")
        assert fault.value.fault is Fault.FORMAT_CHANGED
        assert counted.get() == before
        return
    assert readable(rows, decimal_of, of="test") == [Decimal(text) for text in kept]
    assert counted.get() - before == len(rows) - len(kept)
