"""What a household has to do: the reads, and the cards made of them.

The number of queries does not depend on the number of accounts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Exists, OuterRef
from django.urls import reverse

from dashboard.household_advice import BindingDate, Harvest, household_advice
from dashboard.presenters.figures import percent
from dashboard.presenters.todo import SOON_DAYS, Card, ranked
from dashboard.queries import AccountLine, Overview, latest_recommendations
from identity.models import User
from portfolios.queries.taxes import household as tax_household
from recommendations.harvesting.calendar import LONG_TERM, PURCHASE_BLOCKED
from recommendations.models import Recommendation, RecommendationStatus
from transactions.ledger.kinds import named
from transactions.models import Import, ImportStatus, Transaction
from transactions.orders.states import Progress
from transactions.queries.orders import progress_of, tally_of_orders

# Approved longer ago, nobody is waiting for the trades any more.
_APPROVED_DAYS = 30
_IMPORTS_SHOWN = 3
_SYMBOLS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class ToDo:
    """The cards, the next date to come, and what could not be looked at."""

    cards: list[Card]
    coming: BindingDate | None
    missing: list[str]


def to_do(*, user: User, found: Overview, now: datetime) -> ToDo:
    """Return what has to be done in the accounts of `found`, most urgent first."""
    lines = {line.account.pk: line for line in found.lines}
    latest = latest_recommendations(account_ids=list(lines))
    cards = [
        *_unpriced(found),
        *_negative_cash(found.lines),
        *_imports(user, list(lines)),
        *_approved(lines, now),
        *_out_of_band(found.lines, latest),
        *_stale_rates(found),
    ]
    own = tax_household(user=user, public_id=None)
    advice = household_advice(household=own, now=now)
    cards += [_harvest(one) for one in advice.harvests]
    missing = [f"Losses worth harvesting: {advice.missing}"] if advice.missing else []
    soon = now.date() + timedelta(days=SOON_DAYS)
    cards += _of_calendar([entry for entry in advice.dates if entry.from_date <= soon])
    coming = next((entry for entry in advice.dates if entry.kind == LONG_TERM), None)
    return ToDo(ranked(cards), coming, missing)


def _unpriced(found: Overview) -> Iterator[Card]:
    for symbol in found.totals.unpriced[:_SYMBOLS_SHOWN]:
        yield Card(
            "unpriced",
            f"{symbol} has no price",
            "It is held, but counts nothing in your total, and its account cannot be rebalanced.",
            "Enter a price",
            reverse("asset_prices", args=[symbol]),
        )


def _negative_cash(lines: Sequence[AccountLine]) -> Iterator[Card]:
    for line in lines:
        if line.page.cash < 0:
            yield Card(
                "negative_cash",
                f"{line.account.name} has negative cash",
                "A deposit, a dividend or a sale is probably missing. Cash:",
                "Record it",
                reverse("transactions", args=[line.account.public_id]) + "#record",
                amount=line.page.cash,
                currency=line.account.currency,
            )


def _imports(user: User, account_ids: Sequence[int]) -> Iterator[Card]:
    rows = (
        Import.objects.for_user(user)
        .filter(status=ImportStatus.PREVIEW, account_id__in=account_ids)
        .select_related("account")
        .order_by("-created_at", "-id")[:_IMPORTS_SHOWN]
    )
    for row in rows:
        count = row.ready_count
        yield Card(
            "import_waiting",
            f"{row.file_name or 'A file'} waits to be recorded",
            f"{count} row{'' if count == 1 else 's'} for {row.account.name} "
            f"{'is' if count == 1 else 'are'} ready.",
            "Review the file",
            reverse("import", args=[row.account.public_id, row.public_id]),
        )


def _approved(lines: Mapping[int, AccountLine], now: datetime) -> Iterator[Card]:
    """Yield approved recommendations whose trades are not all done.

    One without orders is left out once any trade was recorded since: it was followed by hand.
    """
    traded = Transaction.objects.filter(
        account_id=OuterRef("account_id"),
        executed_at__gte=OuterRef("created_at"),
        type__in=named(figures="trade"),
    )
    rows = (
        Recommendation.objects.filter(
            account_id__in=list(lines),
            status=RecommendationStatus.APPROVED,
            created_at__gte=now - timedelta(days=2 * _APPROVED_DAYS),
            decided_at__gte=now - timedelta(days=_APPROVED_DAYS),
        )
        .annotate(tally=tally_of_orders(), traded=Exists(traded))
        .defer("inputs", "result")
        .order_by("account_id", "-created_at", "-id")
        .distinct("account_id")
    )
    for row in rows:
        account = lines[row.account_id].account
        tally = row.tally  # type: ignore[attr-defined]  # annotated above
        far = progress_of(tally)
        if far == Progress.DONE or (tally is None and row.traded):  # type: ignore[attr-defined]
            continue
        partly = far == Progress.PARTLY_DONE
        yield Card(
            "approved",
            f"Approved trades of {account.name} are {'partly' if partly else 'not'} recorded",
            "Trade the rest at your broker, then record what was filled."
            if partly
            else "Trade at your broker, then record what was filled.",
            "Open the trades",
            reverse("order_sheet", args=[account.public_id, row.public_id]),
        )


def _out_of_band(
    lines: Sequence[AccountLine], latest: Mapping[int, Recommendation]
) -> Iterator[Card]:
    for line in lines:
        page, account = line.page, line.account
        if not page.outside or not page.has_aims or page.drift is None:
            continue
        last = latest.get(account.pk)
        waits = last is not None and last.status == RecommendationStatus.PROPOSED
        outside = f"{page.outside} outside {'its band' if page.outside == 1 else 'their bands'}"
        yield Card(
            "out_of_band",
            f"{account.name}: {outside}",
            f"{percent(page.drift, decimals=1)} out of place"
            + (", trades are proposed. To move:" if waits else ". To move:"),
            "See the trades" if waits else "Rebalance",
            reverse("recommendation", args=[account.public_id, last.public_id])
            if waits and last is not None
            else reverse("rebalance", args=[account.public_id]),
            amount=page.total * page.drift / 100,
            currency=account.currency,
            posts=not waits,
        )


def _stale_rates(found: Overview) -> Iterator[Card]:
    if found.totals.stale_rates:
        names = ", ".join(found.totals.stale_rates)
        yield Card(
            "stale_rate",
            f"The exchange rate of {names} is old",
            "Values in other currencies may be off until a newer rate arrives.",
            "See the sources",
            reverse("about_data"),
        )


def _harvest(found: Harvest) -> Card:
    return Card(
        "harvest",
        f"Losses worth harvesting in {found.name}",
        f"{found.symbols}. Worth after costs:",
        "See the losses",
        reverse("harvest", args=[found.account_id]),
        amount=found.net_benefit,
        currency=found.currency,
    )


def _of_calendar(entries: Sequence[BindingDate]) -> Iterator[Card]:
    seen: set[tuple[str, str, date]] = set()
    for entry in entries:
        # Substantially identical securities are blocked by the same sale, each once.
        key = (entry.kind, entry.symbol, entry.until)
        if key in seen:
            continue
        seen.add(key)
        address = reverse("harvest", args=[entry.account_id])
        if entry.kind == PURCHASE_BLOCKED:
            yield Card(
                "do_not_buy",
                f"Do not buy {entry.symbol}",
                "It was sold at a loss; a purchase in any account would wash it. Until",
                "See the dates",
                address,
                until=entry.until,
            )
        else:
            yield Card(
                "long_term",
                f"A lot of {entry.symbol} turns long-term",
                "A sale before then is taxed at the short-term rate. On",
                "See the dates",
                address,
                until=entry.from_date,
            )
