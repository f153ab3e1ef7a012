"""Our realized lines against a broker's, as cases an accountant can read.

S  symbol closed opened quantity proceeds cost disallowed [adjustment] [where it was replaced]
"""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.files.broker_lots import (
    REASONS,
    Comparison,
    OurLine,
    Reconciliation,
    reconcile,
)
from transactions.files.reading.interface import RealizedLot


def ours(text: str) -> list[OurLine]:
    found = []
    for row in filter(None, (row.split() for row in text.splitlines())):
        row += ["0"] * (8 - len(row))
        found.append(
            OurLine(
                symbol=row[0],
                closed_date=date.fromisoformat(row[1]),
                opened_date=date.fromisoformat(row[2].split("/")[0]),
                holding_period_date=date.fromisoformat(row[2].split("/")[-1]),
                quantity=Decimal(row[3]),
                proceeds=Decimal(row[4]),
                cost_basis=Decimal(row[5]),
                disallowed=Decimal(row[6]),
                wash_sale_adjustment=Decimal(row[7]),
                replaced_in=frozenset(row[8:]),
                term="short",
            )
        )
    return found


def theirs(text: str) -> list[RealizedLot]:
    found = []
    for line, row in enumerate(filter(None, (row.split() for row in text.splitlines())), 1):
        opened = None if row[2] == "various" else date.fromisoformat(row[2])
        found.append(
            RealizedLot(
                line=line,
                symbol=row[0],
                closed_date=date.fromisoformat(row[1]),
                opened_date=opened,
                quantity=Decimal(row[3]),
                proceeds=Decimal(row[4]),
                cost_basis=Decimal(row[5]),
                disallowed=Decimal(row[6]) if len(row) > 6 else Decimal(0),
                unadjusted_cost_basis=Decimal(row[7]) if len(row) > 7 else None,
                term="short",
            )
        )
    return found


def one(result: Reconciliation) -> Comparison:
    [line] = result.lines
    return line


def test_the_same_lots_match_however_they_are_split() -> None:
    result = reconcile(
        ours("AVGO 2024-03-04 2024-01-02 6 600 660 60\nAVGO 2024-03-04 2024-01-02 4 400 440"),
        theirs("AVGO 2024-03-04 2024-01-02 10 1000.01 1100 60"),
    )
    line = one(result)
    assert (line.status, len(line.ours), len(line.theirs)) == ("matched", 2, 1)
    assert result.ours.recognized == Decimal(-40)
    assert result.theirs.recognized == Decimal("-39.99")


CASES = [
    # what we have / what the broker has / status, fields that differ, reasons
    (
        "A 2024-03-04 2024-01-02 10 900 1000 100 0 other_account",
        "A 2024-03-04 2024-01-02 10 900 1000 0",
        ("differs", ["disallowed"], ["wash_sale_other_account"]),
    ),
    (
        "A 2024-03-04 2024-01-02 10 900 1000 100 0 retirement_account",
        "A 2024-03-04 2024-01-02 10 900 1000 0",
        ("differs", ["disallowed"], ["wash_sale_retirement_account"]),
    ),
    (
        "A 2024-03-04 2024-01-02 10 900 1000 100 0 other_security",
        "A 2024-03-04 2024-01-02 10 900 1000 0",
        ("differs", ["disallowed"], ["wash_sale_other_security"]),
    ),
    (
        "A 2024-03-04 2024-01-02 10 900 1000 100 0 account",
        "A 2024-03-04 2024-01-02 10 900 1000 0",
        ("differs", ["disallowed"], ["wash_sale_only_ours"]),
    ),
    (
        "A 2024-03-04 2024-01-02 10 900 1000 0",
        "A 2024-03-04 2024-01-02 10 900 1000 100",
        ("differs", ["disallowed"], ["wash_sale_only_theirs"]),
    ),
    (
        "A 2024-03-04 2024-01-02 10 900 1050 0 50",
        "A 2024-03-04 2024-01-02 10 900 1000",
        ("differs", ["cost_basis"], ["wash_sale_basis_not_carried"]),
    ),
    (
        "A 2024-03-04 2024-01-02 10 900 1000",
        "A 2024-03-04 2024-01-02 10 900 1050 0 1000",
        ("differs", ["cost_basis"], ["wash_sale_basis_only_theirs"]),
    ),
    (
        "A 2024-03-04 2024-01-02 10 900 1000",
        "A 2024-03-04 2024-01-02 10 900 0",
        ("differs", ["cost_basis"], ["basis_unknown_to_broker"]),
    ),
    (
        "A 2024-03-04 2024-01-02 100 900 1000",
        "A 2024-03-04 2024-01-02 100 900 1000.40",
        ("differs", ["cost_basis"], ["rounding"]),
    ),
    (
        "A 2024-03-04 2024-01-02 10 895.05 1000",
        "A 2024-03-04 2024-01-02 10 900 1004.95",
        ("differs", ["proceeds", "cost_basis"], ["fees"]),
    ),
    (
        "A 2024-03-04 2024-01-02/2023-11-01 10 900 1000",
        "A 2024-03-04 2023-11-01 10 900 1000",
        ("differs", ["opened_date"], ["holding_period_tacked"]),
    ),
    (
        "A 2024-03-04 2024-01-02 10 900 1000",
        "A 2024-03-04 2024-01-04 10 900 1000",
        ("differs", ["opened_date"], ["settlement_date"]),
    ),
    (
        "A 2024-03-04 2024-01-02 10 900 1000",
        "A 2024-03-06 2024-01-02 10 900 1000",
        ("differs", ["closed_date"], ["settlement_date"]),
    ),
    (
        "A 2024-03-04 2024-01-02 10 900 1000",
        "A 2024-03-04 2024-01-02 10 900 1200",
        ("differs", ["cost_basis"], ["unexplained"]),
    ),
    (
        "A 2024-03-04 2024-01-02 10 900 1000\nA 2024-03-04 2024-02-01 5 450 600",
        "A 2024-03-04 various 15 1350 1600",
        ("matched", [], []),
    ),
    ("A 2024-03-04 2024-01-02 10 900 1000", "", ("only_ours", [], ["security_unknown"])),
    ("", "A 2024-03-04 2024-01-02 10 900 1000", ("only_theirs", [], ["security_unknown"])),
]


@pytest.mark.parametrize(("mine", "lots", "expected"), CASES)
def test_a_difference_is_named_and_explained(
    mine: str, lots: str, expected: tuple[str, list[str], list[str]]
) -> None:
    line = one(reconcile(ours(mine), theirs(lots)))
    fields = [difference.field for difference in line.differences]
    assert (line.status, fields, list(line.reasons)) == expected


def test_other_lots_of_the_same_sale_are_said_to_be_that() -> None:
    result = reconcile(
        ours("A 2024-03-04 2020-01-02 10 900 500"),
        theirs("A 2024-03-04 2023-06-01 10 900 950"),
    )
    assert [(line.status, line.reasons) for line in result.lines] == [
        ("only_ours", ("lot_choice_differs",)),
        ("only_theirs", ("lot_choice_differs",)),
    ]
    result = reconcile(
        ours("A 2024-03-04 2020-01-02 10 900 500\nA 2024-03-04 2021-01-02 5 450 500"),
        theirs("A 2024-03-04 2020-01-02 5 450 250\nA 2024-03-04 2021-01-02 10 900 1000"),
    )
    assert [(line.status, line.reasons) for line in result.lines] == [
        ("differs", ("lot_choice_differs",)),
        ("differs", ("lot_choice_differs",)),
    ]


def test_average_cost_is_recognised() -> None:
    result = reconcile(
        ours("A 2024-03-04 2020-01-02 10 900 500\nA 2024-03-04 2021-01-02 10 900 1000"),
        theirs("A 2024-03-04 2020-01-02 10 900 750\nA 2024-03-04 2021-01-02 10 900 750"),
    )
    assert {line.reasons for line in result.lines} == {("average_cost",)}


def test_a_sale_or_a_purchase_that_is_missing_is_said_to_be_missing() -> None:
    result = reconcile(
        ours("A 2024-03-04 2020-01-02 10 900 500\nA 2024-05-06 2020-01-02 5 450 250"),
        theirs(
            "A 2024-03-04 2020-01-02 10 900 500\nA 2024-03-04 2022-02-02 4 400 300\n"
            "A 2024-09-09 2020-01-02 1 90 50"
        ),
    )
    assert [(line.status, line.reasons) for line in result.lines] == [
        ("matched", ()),
        ("only_theirs", ("missing_sale",)),
        ("only_ours", ("sale_unknown_to_broker",)),
        ("only_theirs", ("missing_sale",)),
    ]
    result = reconcile(
        ours("A 2024-03-04 2020-01-02 10 900 500"), theirs("A 2024-03-04 2022-02-02 14 1300 800")
    )
    assert {line.reasons for line in result.lines} == {("missing_purchase",)}


_SYMBOLS = st.sampled_from(["A", "B"])
_DAYS = st.dates(date(2024, 1, 1), date(2024, 1, 12))
_MONEY = st.decimals("0", "99", places=2)
_OURS = st.builds(
    OurLine,
    symbol=_SYMBOLS,
    closed_date=_DAYS,
    opened_date=_DAYS,
    quantity=st.decimals("1", "3", places=0),
    proceeds=_MONEY,
    cost_basis=_MONEY,
    disallowed=_MONEY,
    wash_sale_adjustment=_MONEY,
    holding_period_date=st.none() | _DAYS,
    replaced_in=st.frozensets(st.sampled_from(["account", "other_account"])),
)
_THEIRS = st.builds(
    RealizedLot,
    line=st.integers(1, 99),
    symbol=_SYMBOLS,
    closed_date=st.none() | _DAYS,
    opened_date=st.none() | _DAYS,
    quantity=st.decimals("1", "3", places=0),
    proceeds=_MONEY,
    cost_basis=_MONEY,
    disallowed=_MONEY,
    unadjusted_cost_basis=st.none() | _MONEY,
    term=st.sampled_from(["short", "long", ""]),
)


@given(st.lists(_OURS, max_size=8), st.lists(_THEIRS, max_size=8))
def test_every_line_appears_once_and_every_difference_has_a_known_reason(
    mine: list[OurLine], lots: list[RealizedLot]
) -> None:
    result = reconcile(mine, lots)
    assert sorted(map(repr, (line for c in result.lines for line in c.ours))) == sorted(
        map(repr, mine)
    )
    assert sorted(map(repr, (lot for c in result.lines for lot in c.theirs))) == sorted(
        map(repr, lots)
    )
    for line in result.lines:
        assert set(line.reasons) <= REASONS.keys()
        assert bool(line.reasons) == (line.status != "matched")
        assert bool(line.differences) == (line.status == "differs")


@given(st.lists(_OURS, max_size=8))
def test_a_ledger_reconciles_with_itself(mine: list[OurLine]) -> None:
    lots = [
        RealizedLot(
            line=place,
            symbol=line.symbol,
            closed_date=line.closed_date,
            opened_date=line.opened_date,
            quantity=line.quantity,
            proceeds=line.proceeds,
            cost_basis=line.cost_basis,
            disallowed=line.disallowed,
            term=line.term,
        )
        for place, line in enumerate(mine)
    ]
    result = reconcile(mine, lots)
    assert {line.status for line in result.lines} <= {"matched"}
    assert result.ours == result.theirs


class CountedDay(date):
    """A day that counts how often it is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        CountedDay.compared += 1
        return super().__eq__(other)

    def __hash__(self) -> int:
        return super().__hash__()

    def __sub__(self, other: Any) -> Any:
        CountedDay.compared += 1
        return super().__sub__(other)


def test_lines_are_compared_with_few_of_the_other_side() -> None:
    """Two thousand lots of one sale, none of them alike, on either side."""
    count = 2_000
    closed = CountedDay(2020, 1, 2)
    mine = [
        OurLine(
            symbol="A",
            closed_date=closed,
            opened_date=CountedDay.fromordinal(closed.toordinal() - 40_000 + number),
            quantity=Decimal(1),
            proceeds=Decimal(2),
            cost_basis=Decimal(number),
        )
        for number in range(count)
    ]
    other = [
        RealizedLot(
            line=number,
            symbol="A",
            closed_date=closed,
            opened_date=CountedDay.fromordinal(closed.toordinal() - 20_000 + number),
            quantity=Decimal(1),
            proceeds=Decimal(2),
            cost_basis=Decimal(-number - 1),
        )
        for number in range(count)
    ]
    CountedDay.compared = 0
    found = reconcile(mine, other)
    assert (found.count("only_ours"), found.count("only_theirs")) == (count, count)
    assert CountedDay.compared < 100 * count
