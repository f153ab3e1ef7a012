"""The household's calendar, and its losses of a year; the number of queries is constant."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Sum

from identity.models import Household
from marketdata.models import Asset
from portfolios.queries.taxes import recognized_losses, tax_returns
from recommendations.harvesting.calendar import (
    LONG_TERM,
    LOSS_WASHABLE,
    PLANNED_PURCHASE,
    PURCHASE_BLOCKED,
    REINVESTMENT_EXPECTED,
    SWITCH_BACK,
    Entry,
    within,
)
from recommendations.harvesting.reinvestments import LOOKED_BACK_DAYS, reinvestment
from recommendations.harvesting.year_ledger import YearLedger, year_ledger
from recommendations.queries.household_plans import (
    PLANNED_DAYS,
    OpenSwitch,
    PlannedPurchase,
    open_switches,
    planned_purchases,
)
from transactions.ledger.holding_period import first_long_term_date
from transactions.ledger.open_wash_windows import WashWindows
from transactions.ledger.wash_windows import clean_date, window_end
from transactions.models import Account, Lot
from transactions.queries import wash_windows
from transactions.queries.reinvestments import reinvestment_days

_DAY = timedelta(days=1)
# A lot bought this many days before is long-term on any day of a range that begins there.
_LONG_DAYS = 368


def harvest_calendar(
    *, household: Household, first: date, last: date, now: datetime
) -> list[Entry]:
    """Return the dates of a household that touch the days from `first` to `last`.

    Windows are those open today, whatever range is asked for. Call it in a snapshot.
    """
    accounts = {
        row.pk: row
        for row in Account.objects.filter(household=household, archived_at=None).order_by("id")
    }
    windows = wash_windows(household_ids=[household.pk], as_of=now.date())[household.pk]
    planned = planned_purchases(account_ids=list(accounts), now=now)
    switches = open_switches(account_ids=list(accounts), now=now)
    reinvested = reinvestment_days(
        account_ids=list(accounts), since=now.date() - timedelta(days=LOOKED_BACK_DAYS)
    )
    lots = list(_young_lots(accounts, first, last))
    members = _members(windows)
    symbols = _symbols(
        ids={asset for assets in members.values() for asset in assets}
        | {asset for _, asset in reinvested}
        | {row.sold_id for row in switches}
        | {row.bought_id for row in switches}
        | {asset for _, asset, _, _ in lots},
        public_ids={row.asset_id for row in planned},
    )
    return within(
        [
            *_windows(windows, accounts, members, symbols),
            *_reinvestments(reinvested, accounts, symbols, now.date()),
            *_planned(planned, accounts, symbols),
            *_switches(switches, accounts, symbols),
            *_long_term(lots, accounts, symbols),
        ],
        first=first,
        last=last,
    )


def binding_dates(*, household: Household, first: date, last: date, now: datetime) -> list[Entry]:
    """Return the days on which lots turn long-term, and until which purchases are blocked.

    These are the entries of `harvest_calendar` of two kinds, without the reads of the others. Call
    it in a snapshot.
    """
    accounts = {
        row.pk: row
        for row in Account.objects.filter(household=household, archived_at=None).order_by("id")
    }
    windows = wash_windows(household_ids=[household.pk], as_of=now.date())[household.pk]
    lots = list(_young_lots(accounts, first, last))
    members = _members(windows)
    symbols = _symbols(
        ids={asset for assets in members.values() for asset in assets}
        | {asset for _, asset, _, _ in lots},
        public_ids=set(),
    )
    blocked = [
        entry
        for entry in _windows(windows, accounts, members, symbols)
        if entry.kind == PURCHASE_BLOCKED
    ]
    return within([*blocked, *_long_term(lots, accounts, symbols)], first=first, last=last)


def year_ledgers(*, household: Household, year: int, as_of: date) -> list[YearLedger]:
    """Return the losses of a year of each return of a household."""
    losses = recognized_losses(household=household, year=year)
    return [
        year_ledger(found, losses=losses)
        for found in tax_returns(household=household, year=year, as_of=as_of)
    ]


_Accounts = Mapping[int, Account]
_Symbols = Mapping[int | str, str]


def _members(windows: WashWindows) -> dict[int, set[int]]:
    """Return the assets of each group with an open window."""
    found: dict[int, set[int]] = {group: set() for group in windows.windows}
    for asset, group in windows.rules.groups.items():
        if group in found:
            found[group].add(asset)
    for group, window in windows.windows.items():
        found[group] |= {loss.place[1] for loss in window.losses}
        found[group] |= {piece.place[1] for piece in window.purchases}
    return found


def _symbols(*, ids: set[int], public_ids: set[str]) -> dict[int | str, str]:
    """Return symbols by id and by public id; two queries."""
    found: dict[int | str, str] = dict(Asset.objects.filter(pk__in=ids).values_list("pk", "symbol"))
    rows = Asset.objects.filter(public_id__in=public_ids).values_list("public_id", "symbol")
    return found | {str(public_id): symbol for public_id, symbol in rows}


def _windows(
    windows: WashWindows, accounts: _Accounts, members: Mapping[int, set[int]], symbols: _Symbols
) -> Iterator[Entry]:
    for group, window in windows.windows.items():
        until, loss = window.blocked_until, window.loss
        if until is not None and loss is not None and loss.place[0] in accounts:
            sold = loss.closed_at.date()
            for asset in members[group]:
                yield Entry(
                    symbols[asset],
                    str(accounts[loss.place[0]].public_id),
                    PURCHASE_BLOCKED,
                    sold,
                    until,
                    first_safe_date=window.clean_date,
                )
        newest: dict[tuple[int, int], date] = {}
        for piece in window.purchases:
            bought = piece.opened_at.date()
            newest[piece.place] = max(bought, newest.get(piece.place, bought))
        for (account, asset), bought in newest.items():
            if account in accounts:
                yield Entry(
                    symbols[asset],
                    str(accounts[account].public_id),
                    LOSS_WASHABLE,
                    bought,
                    window_end(bought),
                    first_safe_date=clean_date(bought),
                )


def _reinvestments(
    days: Mapping[tuple[int, int], list[date]], accounts: _Accounts, symbols: _Symbols, as_of: date
) -> Iterator[Entry]:
    for (account, asset), known in days.items():
        rhythm = reinvestment(days=known, as_of=as_of)
        if rhythm is not None and rhythm.expected_date is not None:
            day = rhythm.expected_date
            yield Entry(
                symbols[asset], str(accounts[account].public_id), REINVESTMENT_EXPECTED, day, day
            )


def _planned(
    planned: list[PlannedPurchase], accounts: _Accounts, symbols: _Symbols
) -> Iterator[Entry]:
    for row in planned:
        symbol = symbols.get(row.asset_id)
        if symbol is not None:
            begun = row.until - timedelta(days=PLANNED_DAYS)
            account = str(accounts[row.account_id].public_id)
            yield Entry(symbol, account, PLANNED_PURCHASE, begun, row.until)


def _switches(
    switches: list[OpenSwitch], accounts: _Accounts, symbols: _Symbols
) -> Iterator[Entry]:
    for row in switches:
        day = clean_date(row.sold_date)
        yield Entry(
            symbols[row.sold_id],
            str(accounts[row.account_id].public_id),
            SWITCH_BACK,
            day,
            day,
            first_safe_date=day,
            other=symbols[row.bought_id],
        )


def _young_lots(
    accounts: _Accounts, first: date, last: date
) -> Iterator[tuple[int, int, date, Decimal]]:
    """Yield account, asset, date and units of what becomes long-term in the range."""
    taxable = [pk for pk, row in accounts.items() if row.is_taxed]
    rows = (
        Lot.objects.filter(
            account_id__in=taxable,
            quantity__gt=0,
            holding_period_date__gte=first - timedelta(days=_LONG_DAYS),
            holding_period_date__lte=last,
        )
        .values("account_id", "asset_id", "holding_period_date")
        .annotate(units=Sum("quantity"))
        .order_by("account_id", "asset_id", "holding_period_date")
    )
    for row in rows:
        day = first_long_term_date(opened_date=row["holding_period_date"])
        if first <= day <= last:
            yield row["account_id"], row["asset_id"], day, row["units"]


def _long_term(
    lots: list[tuple[int, int, date, Decimal]], accounts: _Accounts, symbols: _Symbols
) -> Iterator[Entry]:
    for account, asset, day, units in lots:
        public_id = str(accounts[account].public_id)
        yield Entry(symbols[asset], public_id, LONG_TERM, day, day, quantity=units)
