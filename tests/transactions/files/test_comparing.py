"""A broker's units and cash beside the ledger's, as cases an accountant can work by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from fractions import Fraction
from io import BytesIO
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples
from transactions.files.comparing.causes import Cause, Known
from transactions.files.comparing.holdings import Comparison, TheirCash, Theirs, compare
from transactions.files.comparing.moves import Move, decimal_of, folded
from transactions.files.comparing.stored import lines_of
from transactions.files.reading.interface import Options
from transactions.files.stated.ballast import Held, read, write
from transactions.ledger.kinds import rank

DAY = date(2024, 6, 28)


def move(name: str, day: str, kind: str, symbol: str = "", units: str = "0", price: str = "0",
         cash: str = "", ratio: str = "", **more: Any) -> Move:  # fmt: skip
    quantity, each = D(units), D(price)
    side = {"buy": -1, "sell": 1}.get(kind, 0)
    when = datetime.fromisoformat(day).replace(hour=15, tzinfo=UTC)
    return Move(
        id=name,
        day=when.date(),
        at=when,
        rank=rank(type=kind, own=False),
        type=kind,
        symbol=symbol,
        quantity=Fraction(quantity),
        ratio=Fraction(ratio) if ratio else None,
        cash=D(cash) if cash else side * quantity * each,
        price=each,
        **more,
    )


LEDGER = [
    move("d1", "2024-01-02", "deposit", cash="5000"),
    move("b1", "2024-01-03", "buy", "AAA", "10", "50"),
    move("b2", "2024-02-01", "buy", "AAA", "5", "60"),
    move("v1", "2024-03-15", "dividend", "AAA", cash="12.40"),
    move("b3", "2024-04-02", "buy", "BBB", "7", "100"),
    move("s1", "2024-06-27", "sell", "BBB", "2", "110"),
    move("f1", "2024-06-03", "fee", cash="-9.99"),
]
CASH = sum((row.cash for row in LEDGER), D(0))  # 5000 - 500 - 300 + 12.40 - 700 + 220 - 9.99


def told(found: Comparison) -> dict[str, Any]:
    """The differences: by symbol and for the cash, what differs and why."""
    parted = {
        one.symbol or one.key: (one.by, codes(one.causes))
        for one in found.positions
        if one.status != "matched"
    }
    if found.cash is not None and found.cash.status != "matched":
        parted["cash"] = (found.cash.by, codes(found.cash.causes))
    return parted


def codes(causes: tuple[Cause, ...]) -> list[str]:
    return [
        f"{cause.reason}{'!' if cause.certain else '?'} {','.join(cause.ids)}".strip()
        for cause in causes
    ]


def beside(
    units: dict[str, str],
    cash: str | None,
    ledger: list[Move] = LEDGER,
    digits: int | None = None,
    **more: Any,
) -> Comparison:
    stated = [
        Theirs(
            symbol=key,
            key=key,
            units=D(text),
            decimals=len(text.partition(".")[2]) if digits is None else digits,
        )
        for key, text in units.items()
    ]
    ours = sum((row.cash for row in ledger if row.day <= DAY), D(0))
    known = more.pop("known", Known())
    their_cash = None if cash is None else TheirCash(amount=D(cash))
    return compare(
        ledger, day=DAY, theirs=stated, cash=their_cash, our_cash=ours, known=known, **more
    )


def test_equal_sides_have_no_difference() -> None:
    assert D("3722.41") == CASH
    found = beside({"AAA": "15", "BBB": "5"}, "3722.41")
    assert (told(found), found.differences) == ({}, 0)


@pytest.mark.parametrize(
    ("case", "units", "cash", "expected"),
    [
        # The broker bought 5 more for 310: nothing names the purchase but its figures.
        ("missing", {"AAA": "20", "BBB": "5"}, "3412.41",
         {"AAA": (D(5), ["transaction_missing?"]), "cash": (D(-310), [])}),
        # As many units without cash came some other way.
        ("no cash", {"AAA": "18", "BBB": "5"}, "3722.41",
         {"AAA": (D(3), ["split_not_recorded?", "units_moved_without_cash?"])}),
        ("split", {"AAA": "30", "BBB": "5"}, "3722.41",
         {"AAA": (D(15), ["split_not_recorded?", "units_moved_without_cash?"])}),
        # Without b2 both would agree; no record says that it is wrong.
        ("only ours", {"AAA": "10", "BBB": "5"}, "4022.41",
         {"AAA": (D(-5), ["transaction_only_ours? b2", "transaction_missing?"]),
          "cash": (D(300), [])}),
        ("altered", {"AAA": "16", "BBB": "5"}, "3662.41",
         {"AAA": (D(1), ["quantity_differs? b2", "transaction_missing?"]),
          "cash": (D(-60), [])}),
        ("reinvested", {"AAA": "15.2", "BBB": "5"}, "3710.01",
         {"AAA": (D("0.2"), ["dividend_reinvested? v1", "transaction_missing?"]),
          "cash": (D("-12.40"), [])}),
        # The sale of the day before counts when it settles; units and cash both say so.
        ("unsettled", {"AAA": "15", "BBB": "7"}, "3502.41",
         {"BBB": (D(2),
                  ["unsettled_trade? s1", "transaction_only_ours? s1", "transaction_missing?"]),
          "cash": (D(-220), [])}),
        # Only the cash waits for the settlement.
        ("settled cash", {"AAA": "15", "BBB": "5"}, "3502.41",
         {"cash": (D(-220), ["unsettled_trade? s1"])}),
        ("fee", {"AAA": "15", "BBB": "5"}, "3732.40",
         {"cash": (D("9.99"), ["transaction_only_ours? f1"])}),
        ("unexplained", {"AAA": "15", "BBB": "5"}, "3700.00",
         {"cash": (D("-22.41"), ["unexplained?"])}),
        ("short", {"AAA": "15", "BBB": "5", "CCC": "-3"}, "3722.41",
         {"CCC": (D(-3), ["short_position!"])}),
        ("no cash stated", {"AAA": "10", "BBB": "5"}, None,
         {"AAA": (D(-5), ["transaction_only_ours? b2"])}),
        ("units alone", {"AAA": "11.5", "BBB": "5"}, None, {"AAA": (D("-3.5"), ["unexplained?"])}),
    ],
)  # fmt: skip
def test_a_difference_is_told_with_its_figures(
    case: str, units: dict[str, str], cash: str | None, expected: dict[str, Any]
) -> None:
    assert told(beside(units, cash)) == expected


def test_a_duplicate_that_explains_units_and_cash_is_certain() -> None:
    double = [*LEDGER, move("b2x", "2024-02-01", "buy", "AAA", "5", "60")]
    found = beside({"AAA": "15", "BBB": "5"}, "3722.41", double)
    assert told(found) == {"AAA": (D(-5), ["duplicate! b2x"]), "cash": (D(300), [])}
    # Units alone do not prove it.
    assert told(beside({"AAA": "15", "BBB": "5"}, None, double))["AAA"][1][0] == "duplicate? b2x"
    paid = [*LEDGER, move("f1x", "2024-06-03", "fee", cash="-9.99")]
    found = beside({"AAA": "15", "BBB": "5"}, "3722.41", paid)
    assert told(found) == {"cash": (D("9.99"), ["duplicate! f1x"])}


def test_a_row_of_the_file_names_what_is_missing() -> None:
    row = move("", "2024-05-02", "buy", "BBB", "1", "105", line=31)
    known = Known(missing=[row])
    found = beside({"AAA": "15", "BBB": "6"}, "3617.41", known=known)
    assert told(found) == {"BBB": (D(1), ["transaction_missing!"]), "cash": (D(-105), [])}
    assert found.positions[1].causes[0].lines == (31,)
    interest = move("", "2024-05-31", "interest", cash="3.21", line=40)
    found = beside({"AAA": "15", "BBB": "5"}, "3725.62", known=Known(missing=[interest]))
    assert told(found) == {"cash": (D("3.21"), ["transaction_missing!"])}


def test_a_row_with_other_figures_names_the_transaction() -> None:
    row = move("", "2024-02-01", "buy", "AAA", "6", "61", line=9)
    known = Known(missing=[row], absent={"b2"})
    found = beside({"AAA": "16", "BBB": "5"}, "3656.41", known=known)
    assert told(found) == {"AAA": (D(1), ["transaction_differs! b2"]), "cash": (D(-66), [])}
    dearer = move("", "2024-02-01", "buy", "AAA", "5", "61", line=9)
    known = Known(missing=[dearer], absent={"b2"})
    found = beside({"AAA": "15", "BBB": "5"}, "3717.41", known=known)
    assert told(found) == {"cash": (D(-5), ["transaction_differs! b2"])}


def test_a_split_that_another_account_has_is_certain() -> None:
    known = Known(splits={"AAA": {Fraction(2): date(2024, 6, 10)}})
    found = beside({"AAA": "30", "BBB": "5"}, "3722.41", known=known)
    assert told(found) == {"AAA": (D(15), ["split_not_recorded!"])}


def test_a_transaction_of_the_days_after_is_recognized() -> None:
    later = [*LEDGER, move("b9", "2024-07-01", "buy", "AAA", "1", "70")]
    found = beside({"AAA": "16", "BBB": "5"}, "3652.41", later)
    assert told(found) == {
        "AAA": (D(1), ["recorded_later? b9", "transaction_missing?"]),
        "cash": (D(-70), []),
    }


def test_digits_that_the_broker_does_not_show_are_no_difference() -> None:
    exact = [*LEDGER, move("b8", "2024-05-02", "buy", "CCC", "1.23456", "10")]
    found = beside({"AAA": "15", "BBB": "5", "CCC": "1.234"}, None, exact)
    assert told(found) == {}
    assert codes(found.positions[2].causes) == ["rounding!"]
    rounded = beside({"AAA": "15", "BBB": "5", "CCC": "1.235"}, None, exact)
    assert told(rounded) == {}
    # 1.23456 is neither cut off nor rounded to 1.236 or 1.24.
    for other in ("1.236", "1.24", "1.22"):
        assert "CCC" in told(beside({"AAA": "15", "BBB": "5", "CCC": other}, None, exact))
    # A whole number of shares shows that there are no fractions.
    assert "CCC" in told(beside({"AAA": "15", "BBB": "5", "CCC": "1"}, None, exact))


def test_an_unknown_name_points_at_our_only_one_of_as_many_units() -> None:
    stated = [
        Theirs(symbol="AAA", key="AAA", units=D(15)),
        Theirs(symbol="", key="922908769", units=D(5)),
    ]
    found = compare(LEDGER, day=DAY, theirs=stated, cash=None, our_cash=CASH, known=Known())
    other = next(one for one in found.positions if not one.symbol)
    assert codes(other.causes) == ["security_unknown?", "other_symbol?"]
    assert other.causes[1].symbol == "BBB"


def test_a_part_of_the_account_says_nothing_of_the_rest() -> None:
    assert told(beside({"AAA": "15"}, None, is_part=True)) == {}
    assert told(beside({"AAA": "15"}, None)) == {"BBB": (D(-5), ["unexplained?"])}


def test_the_effect_of_each_step_is_its_part_of_the_end() -> None:
    found = folded(
        [
            move("1", "2024-01-02", "buy", "AAA", "10", "1"),
            move("2", "2024-01-03", "buy", "AAA", "5", "1"),
            move("3", "2024-01-04", "split", "AAA", ratio="2"),
            move("4", "2024-01-05", "sell", "AAA", "6", "1"),
        ]
    )
    assert [step.effect for step in found.steps["AAA"]] == [20, 10, 15, -6]
    assert found.units == {"AAA": 24}


KINDS_DRAWN = st.sampled_from(["buy", "buy", "sell", "dividend", "fee", "deposit", "split"])


@st.composite
def ledgers(draw: st.DrawFn) -> list[Move]:
    """A random ledger of two securities; figures that differ, so that a row is itself."""
    held = {"AAA": D(0), "BBB": D(0)}
    rows = [move("m0", "2023-01-02", "deposit", cash="100000")]
    for place in range(1, draw(st.integers(3, 25))):
        day = (date(2023, 1, 2) + timedelta(days=7 * place)).isoformat()
        kind, symbol = draw(KINDS_DRAWN), draw(st.sampled_from(["AAA", "BBB"]))
        units = D(draw(st.integers(1, 10_000))) / 1000
        price = D(draw(st.integers(100, 20_000))) / 100 + D(place) / 100
        name = f"m{place}"
        if kind in ("sell", "split", "dividend") and held[symbol] <= 0:
            kind = "buy"
        if kind == "split":
            ratio = draw(st.sampled_from([2, 3, 10]))
            held[symbol] *= ratio
            rows.append(move(name, day, kind, symbol, ratio=str(ratio)))
        elif kind in ("buy", "sell"):
            units = min(units, held[symbol]) if kind == "sell" else units
            held[symbol] += units if kind == "buy" else -units
            cash = (units * price).quantize(D("0.01")) * (-1 if kind == "buy" else 1)
            rows.append(move(name, day, kind, symbol, str(units), str(price), str(cash)))
        else:
            cash = D(draw(st.integers(1, 99_999))) / 100 * (-1 if kind == "fee" else 1)
            rows.append(move(name, day, kind, symbol if kind == "dividend" else "", cash=str(cash)))
    return rows


def written(rows: list[Move]) -> tuple[dict[str, str], str]:
    """What our own statement of these rows says, written and read again."""
    held = folded(rows).units
    text = "".join(
        write(
            day=DAY,
            account="Main",
            positions=[
                Held(symbol=name, isin="", units=decimal_of(units), currency="USD")
                for name, units in held.items()
                if units
            ],
            cash=sum((row.cash for row in rows), D(0)),
            currency="USD",
        )
    )
    found = read(BytesIO(text.encode()), Options(now=datetime(2026, 1, 1, tzinfo=UTC)))
    assert not found.unreadable
    assert found.day == DAY
    units = {row.security.key: str(row.quantity) for row in found.positions}
    return units, str(found.cash[0].amount)


@settings(max_examples=examples(150), deadline=None)
@given(rows=ledgers())
def test_a_ledger_meets_its_own_statement(rows: list[Move]) -> None:
    units, cash = written(rows)
    assert told(beside(units, cash, rows, digits=10)) == {}


@settings(max_examples=examples(200), deadline=None)
@given(rows=ledgers(), data=st.data())
def test_a_transaction_removed_doubled_or_altered_is_the_difference_named(
    rows: list[Move], data: st.DataObject
) -> None:
    """The broker's file has its rows. A later split scales what a row adds, so it is left out."""
    units, cash = written(rows)
    chosen = data.draw(st.sampled_from([row for row in rows if row.type != "split"]))
    how = data.draw(st.sampled_from(["removed", "doubled", "altered"]))
    others = [row for row in rows if row is not chosen]
    split_later = any(
        row.type == "split" and row.symbol == chosen.symbol and row.at > chosen.at for row in rows
    )
    if how == "removed":
        ledger = others
        known = Known(missing=[replace(chosen, id="", line=7)])
        expected = ("transaction_missing!", "")
    elif how == "doubled":
        ledger = [*rows, replace(chosen, id="double")]
        known = Known()
        expected = ("duplicate!", "double")
    else:
        wrong = replace(chosen, cash=chosen.cash + 1, quantity=chosen.quantity * 2)
        ledger = [*others, wrong]
        known = Known(missing=[replace(chosen, id="", line=7)], absent={chosen.id})
        expected = ("transaction_differs!", chosen.id)
    found = told(beside(units, cash, ledger, digits=10, known=known))
    assert found, "the two part"
    named = " ".join(code for _, causes in found.values() for code in causes)
    if how == "doubled" or not split_later:
        assert f"{expected[0]} {expected[1]}".strip() in named
    parted = set(found) - {"cash"}
    assert parted <= {chosen.symbol}
    moved = chosen.cash if how == "removed" else -chosen.cash if how == "doubled" else D(-1)
    assert found.get("cash", (D(0),))[0] == moved


def test_parts_of_a_cent_that_add_up_are_a_rounding() -> None:
    finer = TheirCash(amount=CASH + D("0.02"), is_finer=True)
    found = compare(LEDGER, day=DAY, theirs=None, cash=finer, our_cash=CASH, known=Known())
    assert told(found) == {"cash": (D("0.02"), ["rounding?"])}
    much = TheirCash(amount=CASH + D("0.05"), is_finer=True)
    found = compare(LEDGER, day=DAY, theirs=None, cash=much, our_cash=CASH, known=Known())
    assert told(found) == {"cash": (D("0.05"), ["unexplained?"])}


def test_many_differences_at_once_take_a_bounded_number_of_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of 600 securities was bought twice and may be explained in several ways."""
    from transactions.files.comparing import holdings

    ledger = [
        move(f"{number}{part}", "2024-06-27", "buy", f"S{number}", "1", "10")
        for number in range(600)
        for part in "ab"
    ]
    stated = [Theirs(symbol=f"S{number}", key="", units=D(1)) for number in range(600)]
    tried = 0

    def counted(*lists: Any) -> Any:
        nonlocal tried
        for row in product(*lists):
            tried += len(row)
            yield row

    monkeypatch.setattr(holdings, "product", counted)
    found = compare(
        ledger,
        day=DAY,
        theirs=stated,
        cash=TheirCash(amount=D(0)),
        our_cash=D(-12000),
        known=Known(),
    )
    assert found.differences == 601
    assert tried <= 200_000


@pytest.mark.parametrize(
    ("theirs", "adjustment", "expected"),
    [
        ("800.00", "0", ("0", None)),
        ("800.04", "0", ("0.04", "basis_rounding")),
        # The broker did not add a loss of 25 that a wash sale moved to these shares.
        ("775.00", "25", ("-25", "wash_sale_basis")),
        ("775.00", "0", ("-25", "unexplained")),
    ],
)
def test_the_cost_of_a_matched_position_is_compared(
    theirs: str, adjustment: str, expected: tuple[str, str | None]
) -> None:
    stated = [
        Theirs(symbol="AAA", key="AAA", units=D(15), cost_basis=D(theirs)),
        Theirs(symbol="BBB", key="BBB", units=D(6), cost_basis=D(1)),
    ]
    found = compare(LEDGER, day=DAY, theirs=stated, cash=None, our_cash=CASH, known=Known())
    costs = {"AAA": (D(800), D(adjustment)), "BBB": (D(500), D(0))}
    first, second = lines_of(found, costs=costs)["positions"]
    assert (first["basis"]["by"], first["basis"]["reason"]) == expected
    assert second["basis"] is None  # its units differ
