"""Portfolio Performance's own file: what was paid, what is refused, how far its text is trusted."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.errors import InvalidInput
from transactions.files.formats.detection import parse
from transactions.files.reading.interface import Options, ParsedRow

FILE = Path(__file__).parent.parent / "files" / "samples" / "portfolio_performance_xml.xml"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def rows(text: str) -> list[ParsedRow]:
    return list(parse(io.BytesIO(text.encode()), Options(now=NOW)).rows)


def outcome(text: str) -> str:
    with pytest.raises(InvalidInput) as refused:
        rows(text)
    return str(refused.value.code)


@pytest.mark.django_db
def test_a_share_in_dollars_paid_in_euro_is_recorded_as_both(person: Any) -> None:
    person.asset("KO", "USD", isin="US1912161007")
    own = person.account("EUR")
    batch = own.preview(FILE.read_bytes())
    batch = own.change(batch, options={"account": "Depot"})
    unknown = {row["key"]: "create" for row in batch["unmapped"]}
    if unknown:
        batch = own.change(batch, symbols=unknown)
    answer = own.api.post(f"/api/v1/imports/{batch['id']}/commit")
    assert answer.status_code == 200, answer.content
    told = own.told("symbol", "currency", "amount", "cash_effect")
    assert [row for row in told if row[0] in ("buy", "sell")] == [
        ("buy", "KO", "USD", "621.20", "-579.84"),
        ("sell", "KO", "USD", "251.20", "232.13"),
    ]


def test_a_trade_paid_from_another_cash_account_is_refused() -> None:
    text = FILE.read_text().replace(
        '<account reference="../../../../../../../.."/>',
        '<account reference="/client/accounts/account[2]"/>',
    )
    codes = [row.problems[0].code for row in rows(text) if row.problems]
    assert codes == ["event_incomplete", "number_invalid", "type_unknown"]


def test_references_by_id_lead_where_paths_do() -> None:
    text = FILE.read_text().replace("<security>", '<security id="7">', 1)
    text = text.replace('reference="../../../../../securities/security"', 'reference="7"')
    assert rows(text)[7].entry == rows(FILE.read_text())[7].entry


def test_a_reference_to_nothing_or_to_itself_names_no_security() -> None:
    for link in ("../../../../../securities/security[9]", "../security", "999", "a/b[x]"):
        text = FILE.read_text().replace(
            '<security reference="../../../../../securities/security"/>\n          <shares>1000',
            f'<security reference="{link}"/>\n          <shares>1000',
        )
        (row,) = [row for row in rows(text) if row.line == 132]
        assert [problem.code for problem in row.problems] == ["symbol_missing"]


def test_entities_older_versions_and_damage_refuse_the_file() -> None:
    text = FILE.read_text()
    doctype = '<!DOCTYPE client [<!ENTITY a "b">]>\n<client>'
    assert outcome(text.replace("<client>", doctype)) == "entities_refused"
    assert outcome(text.replace("<version>69", "<version>51")) == "document_invalid"
    assert outcome(text[: len(text) // 2]) == "document_invalid"
    assert outcome("<client>" + "<accounts>" * 600) == "document_invalid"
