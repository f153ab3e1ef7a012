"""Files of brokers and programs as they are downloaded, through the whole way."""

import io
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from marketdata.models import Asset
from transactions.files.formats.detection import FORMATS, REALIZED, parse
from transactions.files.reading.interface import Options
from transactions.ledger.entries import Entry
from transactions.models import Holding, Lot, Transaction
from transactions.operations import record

pytestmark = pytest.mark.django_db

FILES = Path(__file__).parent.parent / "files" / "samples"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SPLIT = b"""Date,Action,Symbol,Description,Quantity,Price,Fees & Comm,Amount
07/01/2024,Sell,AAA,ALPHA,10,$30.00,$1.00,$299.00
06/10/2024,Stock Split,AAA,ALPHA,30,,,
05/01/2024,Buy,AAA,ALPHA,5,$80.00,,-$400.00
01/03/2024,Buy,AAA,ALPHA,10,$70.00,,-$700.00
"""


def currency_of(data: bytes) -> str:
    """The currency of most trades in a file, else of most rows: nobody states a rate here."""
    rows = [row.entry for row in parse(io.BytesIO(data), Options(now=NOW)).rows if row.importable]
    trades = Counter(entry.currency for entry in rows if entry and entry.quantity)
    whole = Counter(entry.currency for entry in rows if entry)
    return (trades or whole).most_common(1)[0][0]


# A sample's name begins with that of its format: the longest one that does.
SAMPLES = {
    path.name: max((name for name in FORMATS if path.name.startswith(name)), key=len, default="")
    for path in sorted(FILES.iterdir())
    if path.suffix != ".expected" and not path.name.startswith(tuple(REALIZED))
}


def test_every_format_that_is_read_has_a_sample_here() -> None:
    # Our own CSV is what comes back below; a table has no columns of its own.
    assert {*SAMPLES.values(), "ballast", "table"} == {*FORMATS}


@pytest.fixture
def before(account: Any, people: Any) -> Callable[[str], None]:
    """Set the account's currency, and record what the account had before a file came."""

    def record_in(currency: str) -> None:
        account.currency = currency
        account.save(update_fields=["currency"])
        Asset.objects.create(symbol="OLD", name="OLD", asset_class="equity", currency=currency)
        day = datetime(2010, 1, 4, 15, tzinfo=UTC)
        entries = [
            Entry("deposit", day, currency, amount=D(1000)),
            Entry("buy", day, currency, "OLD", D(7), D("11.50")),
        ]
        record(account=account, entries=entries, user=people.owner, now=timezone.now())

    return record_in


def ledger(account: Any) -> object:
    """What an account has: the transactions in force, cash, units, and open lots with their basis.

    Read from the tables: a test commits nothing, so cached answers do not hear of changes.
    """
    account.refresh_from_db()
    rows = Transaction.objects.filter(account=account, reversed_by=None, reverses=None)
    lots = Lot.objects.filter(account=account, quantity__gt=0)
    return (
        account.cash,
        sorted(rows.values_list("public_id", "type", "quantity", "amount", "cash_effect")),
        sorted(Holding.objects.filter(account=account).values_list("asset__symbol", "quantity")),
        sorted(lots.values_list("asset__symbol", "opened_date", "quantity", "cost_basis")),
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_previewed_committed_exported_found_again_and_undone(
    desk: Any, name: str, account: Any, before: Callable[[str], None]
) -> None:
    data = (FILES / name).read_bytes()
    home = currency_of(data)
    before(home)
    as_it_was = ledger(account)
    batch = desk.preview(data, name=name)
    assert batch["format"] == SAMPLES[name]
    unknown = {row["key"]: "create" for row in batch["unmapped"] if row["currency"] == home}
    unknown |= {row["key"]: "skip" for row in batch["unmapped"] if row["currency"] != home}
    valid = {}
    for key, said in unknown.items():
        answer = desk.change(batch, symbols={key: said})
        valid[key] = said if answer.status_code == 200 else "skip"
    changed = desk.change(batch, symbols=valid)
    assert changed.status_code == 200, changed.content
    if batch["accounts"]:
        options = {"account": batch["accounts"][0]}
        changed = desk.change(batch, options=options)
    body = changed.json()
    counts = body["counts"]
    assert counts["rows"] == sum(counts[part] for part in counts if part != "rows")
    answer = desk.commit(batch)
    refused = []
    while answer.status_code != 200 and answer.json()["code"] != "nothing_ready":
        # A sample begins in the middle of a history: what it sells was bought before.
        (error,) = answer.json()["errors"]
        refused.append(int(error["field"].partition(".")[2]))
        assert ledger(account) == as_it_was
        desk.change(batch, exclude=refused)
        answer = desk.commit(batch)
    assert answer.status_code == 200, answer.content
    statement = desk.get(batch)["outcome"]["statement"]
    skipped = {code for row in desk.codes(batch) for code in row}
    if statement and statement["first_difference"] and "fx_conversion" not in skipped:
        # Else only a refused row is a reason why a broker's own balance is not met.
        assert statement["first_difference"]["reason"] != "figures_differ"
    assert ledger(account) != as_it_was
    options = {"options": body["options"]} if body["options"] else {}
    again = desk.preview(data, name=name, symbols=valid, **options)
    assert again["counts"]["ready"] <= len(refused)
    query = {"account_id": desk.account_id}
    exported = desk.client.get("/api/v1/exports/ballast", query)
    back = desk.preview(b"".join(exported.streaming_content), name="ballast.csv")
    assert back["format"] == "ballast"
    assert back["counts"]["duplicates"] == back["counts"]["rows"], desk.codes(back)
    assert desk.remove(batch).status_code == 200
    assert ledger(account) == as_it_was


def test_a_split_that_tells_only_the_units_added_is_worked_out(desk: Any, account: Any) -> None:
    batch = desk.preview(SPLIT, name="schwab.csv")
    assert batch["format"] == "schwab"
    assert desk.statuses(batch) == ["ready"] * 4, desk.codes(batch)
    assert desk.commit(batch).status_code == 200
    split = Transaction.objects.get(type="split")
    assert split.ratio == "45:15"
    assert Holding.objects.get(account=account).quantity == 35
    assert desk.preview(SPLIT)["counts"]["ready"] == 0


def test_what_the_ledger_holds_counts_for_such_a_split(desk: Any, account: Any) -> None:
    lines = SPLIT.splitlines(keepends=True)
    desk.committed(b"".join([lines[0], *lines[3:]]))
    desk.committed(b"".join(lines[:3]))
    assert Transaction.objects.get(type="split").ratio == "45:15"
    assert Holding.objects.get(account=account).quantity == 35


def test_a_split_of_nothing_held_is_an_error(desk: Any) -> None:
    lines = SPLIT.splitlines(keepends=True)
    batch = desk.preview(b"".join([lines[0], lines[2]]))
    assert desk.codes(batch)[0][-1] == "ratio_unknown"
    assert Asset.objects.filter(symbol="AAA").exists()
