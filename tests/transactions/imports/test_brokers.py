"""Files of brokers and programs as they are downloaded, through the whole way."""

import io
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from marketdata.models import Asset
from transactions.files.formats.detection import REALIZED, parse
from transactions.files.reading.interface import Options
from transactions.models import Holding, Transaction

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


@pytest.mark.parametrize(
    "name",
    sorted(
        path.name
        for path in FILES.iterdir()
        if path.suffix != ".expected" and not path.name.startswith(tuple(REALIZED))
    ),
)
def test_every_sample_is_previewed_committed_found_again_and_undone(
    desk: Any, name: str, account: Any
) -> None:
    data = (FILES / name).read_bytes()
    home = currency_of(data)
    account.currency = home
    account.save(update_fields=["currency"])
    batch = desk.preview(data, name=name)
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
        assert not Transaction.objects.exists()
        desk.change(batch, exclude=refused)
        answer = desk.commit(batch)
    assert answer.status_code == 200, answer.content
    assert Transaction.objects.exists()
    options = {"options": body["options"]} if body["options"] else {}
    again = desk.preview(data, name=name, symbols=valid, **options)
    assert again["counts"]["ready"] <= len(refused)
    assert desk.remove(batch).status_code == 200
    assert not Holding.objects.exists()
    account.refresh_from_db()
    assert account.cash == 0


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
