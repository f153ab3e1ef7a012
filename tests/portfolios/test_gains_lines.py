"""Gain lines and Form 8949: what a disposal becomes, to the cent."""

import csv
import io
from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolios.api.gains import gain_row
from portfolios.tax.form_8949 import form_8949, inert
from portfolios.tax.gains import GainLine, Part, gain_lines, totals


def part(**changes: Any) -> Part:
    """40 bought 2025-01-06 for 2,000, sold 2025-03-03 for 1,800 (ENGINES 3.2)."""
    base: dict[str, Any] = {
        "account_id": "account",
        "sale_id": "sale",
        "part": 0,
        "lot_id": "lot",
        "symbol": "AAA",
        "event": "sell",
        "currency": "USD",
        "taxable": True,
        "washable": True,
        "opened_date": date(2025, 1, 6),
        "holding_period_date": date(2025, 1, 6),
        "closed_date": date(2025, 3, 3),
        "quantity": D(40),
        "proceeds": D("1800.00"),
        "cost_basis": D("2000.00"),
        "wash_sale_adjustment": D(0),
        "long_term": False,
        "matched_quantity": D(0),
        "deferred_loss": D(0),
        "permanent_quantity": D(0),
        "permanent_loss": D(0),
    }
    return Part(**base | changes)


def figures(line: GainLine) -> list[str]:
    amounts = (line.proceeds, line.cost_basis, line.gain, line.disallowed_loss)
    return [f"{line.quantity:f}", *(f"{amount:.2f}" for amount in (*amounts, line.recognized_gain))]


LINES = """
case                  | matched | deferred | gone at | gone  | lines: quantity proceeds basis gain disallowed recognised
no wash               | 0       | 0        | 0       | 0     | 40 1800.00 2000.00 -200.00 0.00 -200.00
1 all deferred        | 40      | 200.00   | 0       | 0     | 40 1800.00 2000.00 -200.00 200.00 0.00
2 partly deferred     | 15      | 75.00    | 0       | 0     | 40 1800.00 2000.00 -200.00 75.00 -125.00
10 IRA and account    | 30      | 100.00   | 10      | 50.00 | 10 450.00 500.00 -50.00 50.00 0.00; 30 1350.00 1500.00 -150.00 100.00 -50.00
all gone for good     | 40      | 0        | 40      | 200.00 | 40 1800.00 2000.00 -200.00 200.00 0.00
"""  # noqa: E501


@pytest.mark.parametrize(
    "row", [line.split("|") for line in LINES.strip().splitlines()[1:]], ids=lambda row: row[0]
)
def test_a_disposal_is_one_line_or_two(row: list[str]) -> None:
    matched, deferred, units, gone = (D(cell.strip()) for cell in row[1:5])
    lines = gain_lines(
        part(
            matched_quantity=matched,
            deferred_loss=deferred,
            permanent_quantity=units,
            permanent_loss=gone,
        )
    )
    assert [figures(line) for line in lines] == [text.split() for text in row[5].split(";")]
    assert [line.permanent for line in lines] == [True, False][: len(lines)] if gone else [False]
    assert len({line.id for line in lines}) == len(lines)


MONEY = st.integers(0, 10**9).map(lambda cents: D(cents) / 100)
UNITS = st.integers(1, 10**12).map(lambda units: D(units) / 10**6)


@given(
    proceeds=MONEY,
    loss=MONEY,
    adjustment=MONEY,
    quantity=UNITS,
    shares=st.tuples(*[st.integers(0, 100)] * 3),
)
def test_lines_sum_to_the_disposal(
    proceeds: D, loss: D, adjustment: D, quantity: D, shares: tuple[int, int, int]
) -> None:
    units, gone, deferred = shares
    permanent_loss = (loss * gone / 100).quantize(D("0.01"))
    whole = part(
        quantity=quantity,
        proceeds=proceeds,
        cost_basis=proceeds + loss,
        wash_sale_adjustment=adjustment,
        permanent_quantity=quantity * max(units, 1) / 100,
        permanent_loss=permanent_loss,
        deferred_loss=min(loss - permanent_loss, (loss * deferred / 100).quantize(D("0.01"))),
    )
    lines = gain_lines(whole)
    for name in ("quantity", "proceeds", "cost_basis", "wash_sale_adjustment"):
        assert sum(getattr(line, name) for line in lines) == getattr(whole, name)
    disallowed = whole.deferred_loss + whole.permanent_loss
    assert sum(line.disallowed_loss for line in lines) == disallowed
    assert sum(line.recognized_gain for line in lines) == disallowed - loss
    # Nothing of what is gone for good is recognised, unless the whole disposal is one such line.
    assert all(not line.recognized_gain for line in lines if line.permanent and len(lines) == 2)


DAYS = """
sold       | as of      | until
2025-12-15 | 2025-12-15 | 2026-01-14
2025-12-15 | 2026-01-01 | 2026-01-14
2025-12-15 | 2026-01-14 | 2026-01-14
2025-12-15 | 2026-01-15 | -
2025-03-03 | 2025-04-02 | 2025-04-02
2025-03-03 | 2025-04-03 | -
"""


@pytest.mark.parametrize("row", [line.split("|") for line in DAYS.strip().splitlines()[1:]])
def test_a_loss_is_provisional_until_its_thirtieth_day_whatever_the_year(row: list[str]) -> None:
    sold, as_of, until = (cell.strip() for cell in row)
    (line,) = gain_lines(part(closed_date=date.fromisoformat(sold)))
    found = gain_row(line, as_of=date.fromisoformat(as_of))
    assert found["provisional_until"] == (None if until == "-" else until)
    assert found["provisional"] is (until != "-")


@pytest.mark.parametrize(
    "changes",
    [
        {"proceeds": D("2000.01")},
        {"deferred_loss": D(200), "matched_quantity": D(40)},
        {"washable": False},
    ],
    ids=["a gain", "a loss that is wholly deferred", "a loss no rule can wash"],
)
def test_nothing_is_provisional_that_no_purchase_can_change(changes: dict[str, Any]) -> None:
    (line,) = gain_lines(part(**changes))
    assert gain_row(line, as_of=date(2025, 3, 4))["provisional"] is False


def test_a_line_says_everything_the_contract_names() -> None:
    (line,) = gain_lines(part(matched_quantity=D(15), deferred_loss=D(75)))
    assert gain_row(line, as_of=date(2025, 6, 1)) == {
        "id": "sale:0",
        "sale_id": "sale",
        "account_id": "account",
        "symbol": "AAA",
        "type": "sell",
        "currency": "USD",
        "quantity": "40",
        "opened_date": "2025-01-06",
        "holding_period_date": "2025-01-06",
        "closed_date": "2025-03-03",
        "proceeds": "1800.00",
        "cost_basis": "2000.00",
        "gain": "-200.00",
        "disallowed_loss": "75.00",
        "recognized_gain": "-125.00",
        "term": "short",
        "wash_sale": True,
        "permanent": False,
        "wash_sale_adjustment": "0.00",
        "lot_id": "lot",
        "taxable": True,
        "provisional": False,
        "provisional_until": None,
    }


def written(lines: list[GainLine], **options: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(form_8949(lines, currency="USD", **options))))


def test_form_8949_has_a_row_per_line_with_code_w_where_a_loss_is_kept_back() -> None:
    old = {"opened_date": date(2023, 5, 1), "holding_period_date": date(2023, 5, 1)}
    lines = [
        *gain_lines(part(long_term=True, proceeds=D("2500.00"), **old)),
        *gain_lines(part(matched_quantity=D(15), deferred_loss=D(75))),
        *gain_lines(part(holding_period_date=date(2024, 12, 16))),
        *gain_lines(part(taxable=False)),
    ]
    found = [tuple(row.values()) for row in written(lines)]
    aaa, sold = "40 sh. AAA", "03/03/2025"
    assert found == [
        ("I", aaa, "01/06/2025", sold, "1800.00", "2000.00", "W", "75.00", "-125.00", ""),
        (
            *("I", aaa, "01/06/2025", sold, "1800.00", "2000.00", "", "", "-200.00"),
            "held from 12/16/2024 (IRC 1223(3))",
        ),
        ("II", aaa, "05/01/2023", sold, "2500.00", "2000.00", "", "", "500.00", ""),
    ]


@given(
    st.lists(
        st.tuples(MONEY, MONEY, st.integers(0, 100), st.booleans(), st.booleans()), max_size=20
    )
)
def test_each_part_of_the_form_sums_to_schedule_d_to_the_cent(
    drawn: list[tuple[D, D, int, bool, bool]],
) -> None:
    lines: list[GainLine] = []
    for proceeds, basis, share, long_term, gone in drawn:
        disallowed = (max(D(0), basis - proceeds) * share / 100).quantize(D("0.01"))
        lines += gain_lines(
            part(
                proceeds=proceeds,
                cost_basis=basis,
                long_term=long_term,
                deferred_loss=D(0) if gone else disallowed,
                permanent_loss=disallowed if gone else D(0),
                permanent_quantity=D(13) if gone else D(0),
            )
        )
    sums = totals(lines)
    found = written(lines, with_totals=True)
    for long_term, name in ((False, "I"), (True, "II")):
        mine = [row for row in found if row["part"] == name]
        *own, total = mine
        assert len(own) == sums[long_term].lines
        for column, figure in (
            ("proceeds", sums[long_term].proceeds),
            ("cost_basis", sums[long_term].cost_basis),
            ("adjustment", sums[long_term].disallowed_loss),
            ("gain", sums[long_term].recognized_gain),
        ):
            assert sum((D(row[column] or 0) for row in own), D(0)) == figure == D(total[column])


def test_no_cell_of_text_is_taken_for_a_formula() -> None:
    for text in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"):
        assert inert(text) == "'" + text
    assert inert("40 sh. =AAA") == "40 sh. =AAA"
    (line,) = gain_lines(part(symbol="=HYPERLINK(1)", quantity=D(0)))
    (row,) = written([line])
    assert row["description"] == "'=HYPERLINK(1)"
    assert row["gain"] == "-200.00"  # a number stays one
