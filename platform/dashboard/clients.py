"""The clients of an adviser: what each is worth, how far off its targets, and what waits.

As many queries for one client as for a page of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower

from dashboard.queries import AccountLine, Overview, last_trade_dates, valued, without_trades
from identity.models import AdviserLink, Household, Role, User
from recommendations.models import Recommendation, RecommendationStatus
from transactions.models import Account

WAITING, OUTSIDE = "waiting", "no_targets"
FILTERS = {"": "All", WAITING: "Approval waits", OUTSIDE: "Without targets"}


@dataclass(frozen=True, slots=True)
class Client:
    """One client: sums in the adviser's currency over the client's accounts."""

    household: Household
    lines: tuple[AccountLine, ...]
    waiting: int
    last_day: date | None

    @property
    def value(self) -> Decimal:
        return self._sum("total")

    @property
    def cash(self) -> Decimal:
        return self._sum("cash")

    @property
    def cash_percentage(self) -> Decimal | None:
        return 100 * self.cash / self.value if self.value > 0 else None

    @property
    def losses(self) -> Decimal:
        """Unrealized losses of holdings in taxable accounts, as a negative amount."""
        return sum(
            (
                row.gain * (line.part.rate or 0)
                for line in self.lines
                if line.account.is_taxed
                for row in line.page.rows
                if row.gain is not None and row.gain < 0
            ),
            Decimal(0),
        )

    @property
    def drift(self) -> Decimal | None:
        """The part of the value that is out of place, in percent, of accounts with targets."""
        aimed = [
            (line.total_base, line.page.drift)
            for line in self.lines
            if line.total_base and line.page.drift is not None
        ]
        whole = sum((total for total, _ in aimed), Decimal(0))
        if whole <= 0:
            return None
        return sum((total * drift for total, drift in aimed), Decimal(0)) / whole

    @property
    def outside(self) -> int:
        return sum(line.page.outside for line in self.lines if line.page.has_aims)

    @property
    def has_targets(self) -> bool:
        return any(line.page.has_aims for line in self.lines)

    def _sum(self, name: str) -> Decimal:
        return sum(
            (getattr(line.page, name) * (line.part.rate or 0) for line in self.lines), Decimal(0)
        )


def links(*, user: User, text: str = "", only: str = "") -> "QuerySet[AdviserLink]":
    """Return the adviser's clients, filtered by a part of a name or an address.

    Nobody but an adviser has any, whatever rows an earlier role left.
    """
    rows = AdviserLink.objects.filter(adviser=user).select_related("household")
    if user.role != Role.ADVISER:
        return rows.none()
    if text:
        people = User.objects.filter(household=OuterRef("household"), email__icontains=text)
        rows = rows.filter(Q(household__name__icontains=text) | Exists(people))
    of_client = Account.objects.filter(household=OuterRef("household"), archived_at=None)
    if only == WAITING:
        waits = Recommendation.objects.filter(
            account__household=OuterRef("household"), status=RecommendationStatus.PROPOSED
        ).exclude(without_trades())
        rows = rows.filter(Exists(waits))
    elif only == OUTSIDE:
        rows = rows.filter(Exists(of_client), ~Exists(of_client.filter(targets__isnull=False)))
    return rows


def clients(*, user: User, found: Sequence[AdviserLink], now: datetime) -> list[Client]:
    """Return the figures of some of the adviser's clients, in the given order."""
    ids = [link.household_id for link in found]
    accounts = list(
        Account.objects.for_user(user)
        .filter(household_id__in=ids, archived_at=None)
        .select_related("household")
        .order_by("id")
    )
    valuation: Overview = valued(accounts=accounts, currency=user.base_currency, now=now)
    days = last_trade_dates(account_ids=[account.pk for account in accounts])
    waiting = waiting_accounts(account_ids=[account.pk for account in accounts])
    rows = []
    for link in found:
        lines = tuple(
            line for line in valuation.lines if line.account.household_id == link.household_id
        )
        last = [days[line.account.pk] for line in lines if line.account.pk in days]
        count = sum(line.account.pk in waiting for line in lines)
        rows.append(Client(link.household, lines, count, max(last, default=None)))
    return rows


def waiting_accounts(*, account_ids: Sequence[int]) -> set[int]:
    """Return the accounts with a recommendation that somebody has to decide on."""
    rows = Recommendation.objects.filter(
        account_id__in=account_ids, status=RecommendationStatus.PROPOSED
    ).exclude(without_trades())
    return set(rows.values_list("account_id", flat=True).distinct())


def waiting(*, user: User) -> "QuerySet[Recommendation]":
    """Return what waits for a decision in the accounts of the adviser's clients."""
    return (
        Recommendation.objects.filter(
            account__household__in=links(user=user).values("household"),
            status=RecommendationStatus.PROPOSED,
        )
        .exclude(without_trades())
        .select_related("account__household")
        .defer("inputs", "result")
    )


def client_household(*, user: User, public_id: UUID) -> Household | None:
    """Return a client of the adviser, or None."""
    rows = Household.objects.filter(pk__in=links(user=user).values("household"))
    return rows.filter(public_id=public_id).first()


def members_of(*, household: Household) -> list[User]:
    """Return the active people of a household by name."""
    rows = User.objects.filter(household=household, is_active=True)
    return list(rows.order_by(Lower("full_name"), "id")[:20])
