"""The calendar of a household's tax dates: on a page, and as a file of a calendar program."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from dashboard.presenters.ics import Event, calendar
from portfolios.tax.estimated_dates import estimated_tax_dates
from transactions.ledger.entries import Entry
from transactions.operations import record

# The due dates that the IRS published for these years (Publication 505 and Form 1040-ES).
PUBLISHED = {
    2016: ("04-18", "06-15", "09-15", "2017-01-17"),
    2017: ("04-18", "06-15", "09-15", "2018-01-16"),
    2018: ("04-17", "06-15", "09-17", "2019-01-15"),
    2019: ("04-15", "06-17", "09-16", "2020-01-15"),
    2022: ("04-18", "06-15", "09-15", "2023-01-17"),
    2023: ("04-18", "06-15", "09-15", "2024-01-16"),
    2024: ("04-15", "06-17", "09-16", "2025-01-15"),
    2025: ("04-15", "06-16", "09-15", "2026-01-15"),
}


@pytest.mark.parametrize("year", sorted(PUBLISHED))
def test_estimated_tax_is_due_on_the_published_days(year: int) -> None:
    *in_year, after = PUBLISHED[year]
    expected = [date.fromisoformat(f"{year}-{day}") for day in in_year]
    assert list(estimated_tax_dates(year)) == [*expected, date.fromisoformat(after)]


def unfolded(text: str) -> list[str]:
    return text.replace("\r\n ", "").split("\r\n")


def test_the_file_is_escaped_folded_and_ends_the_day_after() -> None:
    event = Event(
        "long_term-A,B-1", date(2026, 12, 30), date(2026, 12, 31), "A, B; C\\D", "ß" * 80 + "\nend"
    )
    made = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
    text = calendar([event], name="Ballast", made_at=made)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    lines = unfolded(text)
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2:] == ["END:VCALENDAR", ""]
    assert "DTSTAMP:20261128T120000Z" in lines
    assert "DTSTART;VALUE=DATE:20261230" in lines
    assert "DTEND;VALUE=DATE:20270101" in lines
    assert "SUMMARY:A\\, B\\; C\\\\D" in lines
    assert f"DESCRIPTION:{'ß' * 80}\\nend" in lines


@pytest.fixture
def bought(account: Any, people: Any, assets: Any) -> Any:
    """AAA was sold at a loss ten days ago, and BBB bought 200 days ago."""
    now = timezone.now()
    entries = [
        Entry("buy", now - timedelta(days=400), "USD", "AAA", D(10), D(90)),
        Entry("buy", now - timedelta(days=200), "USD", "BBB", D(10), D(20)),
        Entry("sell", now - timedelta(days=10), "USD", "AAA", D(10), D(50)),
    ]
    record(account=account, entries=entries, user=people.owner, now=now)
    return account


@pytest.mark.django_db
def test_the_page_and_the_file_have_windows_terms_and_estimated_tax(
    bought: Any, people: Any, page_client: Callable[[Any], Any]
) -> None:
    client = page_client(people.owner)
    page = client.get("/calendar").content.decode()
    for title in ("Do not buy AAA", "BBB turns long-term", "Estimated tax of"):
        assert title in page
    assert page.count("Estimated tax of") == 4
    answer = client.get("/calendar.ics")
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    lines = unfolded(answer.content.decode())
    assert sum(line == "BEGIN:VEVENT" for line in lines) == page.count('<tr class="row">')
    uids = [line for line in lines if line.startswith("UID:")]
    assert len(set(uids)) == len(uids)
    again = unfolded(client.get("/calendar.ics").content.decode())
    assert [line for line in again if line.startswith("UID:")] == uids


@pytest.mark.django_db
def test_nobody_sees_the_dates_of_others(
    bought: Any, people: Any, page_client: Callable[[Any], Any]
) -> None:
    client = page_client(people.stranger)
    assert "AAA" not in client.get("/calendar.ics").content.decode()
    assert "No dates yet" in client.get("/calendar").content.decode()
