"""The household's dates: wash windows, lots that turn long-term, estimated tax; as a file too."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from django.http import HttpResponse
from django.utils import timezone

from core.limits import EARLIEST_DATE
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.presenters import ics
from portfolios.queries import taxes
from portfolios.tax.estimated_dates import estimated_tax_dates
from recommendations.harvesting import calendar
from recommendations.queries.harvest_calendar import harvest_calendar
from stores.database import snapshot
from transactions import queries as ledger

DAYS_SHOWN = 366
_TITLES = {
    calendar.PURCHASE_BLOCKED: "Do not buy {s}",
    calendar.LOSS_WASHABLE: "Sell no loss of {s}",
    calendar.REINVESTMENT_EXPECTED: "{s} reinvests a dividend",
    calendar.PLANNED_PURCHASE: "Planned purchase of {s}",
    calendar.LONG_TERM: "{s} turns long-term",
    calendar.SWITCH_BACK: "Switch back to {s}",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of the page and of the file; no account: it is the household's."""

    key: str
    title: str
    text: str
    first: date
    until: date
    account: str = ""

    @property
    def month(self) -> date:
        return self.until.replace(day=1)


@for_investors("GET")
def tax_calendar(request: SignedIn) -> HttpResponse:
    """Show the dates of the next year by month, the next one first."""
    lines = _lines(request)
    months = [(month, list(rows)) for month, rows in groupby(lines, key=lambda one: one.month)]
    return shown(request, "tax_calendar", {"months": months})


@for_investors("GET")
def tax_calendar_file(request: SignedIn) -> HttpResponse:
    """Download the dates for a calendar program."""
    events = [
        ics.Event(
            f"{line.key}@ballast",
            line.first,
            line.until,
            line.title,
            f"{line.text} {line.account}".strip(),
        )
        for line in _lines(request)
    ]
    text = ics.calendar(events, name="Ballast", made_at=timezone.now())
    return HttpResponse(
        text,
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="ballast.ics"'},
    )


def _lines(request: SignedIn) -> Sequence[Line]:
    """Return the entries by their last day; the number of queries is constant."""
    now = timezone.now()
    first = now.date()
    last = first + timedelta(days=DAYS_SHOWN)
    household = taxes.household(user=request.user, public_id=None)
    names = {str(row.public_id): row.name for row in ledger.accounts(user=request.user)}
    with snapshot():
        entries = harvest_calendar(household=household, first=first, last=last, now=now)
    found = [_line(entry, names) for entry in entries]
    if names:
        found += _estimated(first, last)
    return sorted(found, key=lambda one: (one.until, one.first, one.title))


def _line(entry: calendar.Entry, names: dict[str, str]) -> Line:
    text = entry.reason
    if entry.first_safe_date is not None:
        text += f" The first safe day is {entry.first_safe_date:%d %b %Y}."
    return Line(
        f"{entry.kind}-{entry.symbol}-{entry.account_id}-{entry.from_date}",
        _TITLES[entry.kind].format(s=entry.symbol),
        text,
        entry.from_date,
        entry.until,
        names.get(entry.account_id, ""),
    )


def _estimated(first: date, last: date) -> list[Line]:
    years = range(max(first.year - 1, EARLIEST_DATE.year), last.year + 1)
    return [
        Line(
            f"estimated-tax-{year}-{part}",
            f"Estimated tax of {year}, part {part} of 4",
            "Federal estimated income tax is due, for those who pay it.",
            day,
            day,
        )
        for year in years
        for part, day in enumerate(estimated_tax_dates(year), start=1)
        if first <= day <= last
    ]
