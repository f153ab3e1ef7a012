"""The template shows every kind and every column, and can be imported as it is."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from transactions.files.formats import ballast
from transactions.files.formats.ballast_template import COLUMNS, examples, template
from transactions.files.formats.detection import detect, parse
from transactions.files.reading.interface import Options
from transactions.ledger.kinds import KINDS
from transactions.models import Account
from transactions.operations.imports import Upload, bring, change, commit

FILE = "".join(template()).encode()


def test_every_kind_has_an_example_and_every_column_a_meaning() -> None:
    assert {draft.type for draft in examples()} == set(KINDS)
    assert tuple(COLUMNS) == ballast.COLUMNS


def test_the_template_is_read_as_it_is() -> None:
    assert detect(FILE) == "ballast"
    rows = list(parse(io.BytesIO(FILE), Options(now=datetime(2025, 1, 1, tzinfo=UTC))).rows)
    assert [row.entry for row in rows if row.entry] != []
    assert [row.problems for row in rows if row.problems] == []
    assert sum(row.importable for row in rows) == len(KINDS)
    skipped = [row.skipped.code for row in rows if row.skipped]
    assert skipped == ["text_line"] * len(COLUMNS)


@pytest.mark.django_db
def test_every_example_is_recorded(people: Any, account: Any, assets: Any) -> None:
    now = datetime(2025, 1, 1, tzinfo=UTC)
    batch = bring(
        account=account, upload=Upload(name="t.csv", pieces=[FILE]), user=people.owner, now=now
    )
    keys = [one["key"] for one in batch.securities]
    batch = change(batch=batch, user=people.owner, now=now, symbols=dict.fromkeys(keys, "create"))
    assert (batch.ready_count, batch.error_count) == (len(KINDS), 0)
    commit(batch=batch, user=people.owner, now=now)
    assert Account.objects.get(pk=account.pk).transactions.count() == len(KINDS)
