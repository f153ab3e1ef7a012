"""One small history, told in the dialects of many brokers and programs, is one ledger.

10,000.00 comes in; 20 VTI at 230.10 and 10 at 235.50 are bought for 1.00 each; 27.30 are paid and
4.10 withheld; 12 are sold at 255.25; 3.17 of interest, 2.50 of costs; 500.00 go out.
"""

from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from transactions.models import Import

pytestmark = pytest.mark.django_db

FILES = Path(__file__).parent / "one_history"
TOLD = sorted(path.name for path in FILES.iterdir())
# Those that state the cash after a row, or at the beginning of a day.
STATED = {"beancount.beancount", "degiro.csv", "fidelity.csv", "swissquote.csv"}
LEDGER = [
    ("deposit", "2024-01-02", "None", "None", "10000.00"),
    ("buy", "2024-01-03", "VTI", "20", "-4603.00"),
    ("buy", "2024-02-01", "VTI", "10", "-2356.00"),
    ("dividend", "2024-03-28", "VTI", "None", "27.30"),
    ("tax", "2024-03-28", "VTI", "None", "-4.10"),
    ("sell", "2024-04-02", "VTI", "12", "3062.00"),
    ("interest", "2024-04-30", "None", "None", "3.17"),
    ("fee", "2024-05-10", "None", "None", "-2.50"),
    ("withdrawal", "2024-06-03", "None", "None", "-500.00"),
]
LOTS = [("2024-01-03", D(8), D("1841.20")), ("2024-02-01", D(10), D("2356.00"))]


def test_at_least_eight_dialects_tell_it() -> None:
    assert len(TOLD) >= 8


@pytest.mark.parametrize("name", TOLD)
def test_every_dialect_gives_the_same_ledger(person: Any, name: str) -> None:
    person.asset("VTI", "USD", isin="US9229087690")
    own = person.account()
    data = (FILES / name).read_bytes()
    batch = own.preview(data)
    own.bring(data)
    told = own.told("trade_date", "symbol", "quantity", "cash_effect")
    assert sorted(told, key=lambda row: (row[1], row[0])) == LEDGER
    assert own.cash == D("5626.87")
    assert own.lots("VTI") == LOTS
    (line,) = own.gains()
    assert (D(line["proceeds"]), D(line["cost_basis"])) == (D("3062.00"), D("2761.80"))
    statement = batch["outcome"]["statement"]
    assert bool(statement and statement["checkpoints"]) == (name in STATED)
    assert not (statement and statement["differences"])
    assert own.again(data) == 0


@pytest.mark.parametrize("name", TOLD)
def test_told_by_another_dialect_it_brings_nothing_new(person: Any, name: str) -> None:
    """Whoever brings two files of one account finds every row again, whatever its id."""
    person.asset("VTI", "USD", isin="US9229087690")
    own = person.account()
    own.bring((FILES / "ballast.csv").read_bytes())
    assert own.again((FILES / name).read_bytes()) == 0
    assert Import.objects.count() == 2
