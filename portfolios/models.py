"""Models of targets and restrictions, of tax settings, and of how a person sees holdings."""

from decimal import Decimal

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Round

from core.identifiers import uuid7
from core.limits import NAME_LENGTH_MAX, NOTE_LENGTH_MAX, SYMBOL_LENGTH_MAX
from identity.models import Household, User, every_change
from marketdata.models import Asset
from portfolios.tax.tax_tables import FilingStatus
from transactions.models import Account, money_field


@pghistory.track(*every_change())
class Target(models.Model):
    """The target share of an asset, in percent of the account; no asset means cash.

    rebalance_threshold is half the width of the band in percentage points. If it was stated as a
    part of the target, relative_threshold is that, in percent, and the points follow from it.
    """

    # The unique key begins with it.
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="targets", db_index=False
    )
    asset = models.ForeignKey(
        Asset, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    target_percentage = models.DecimalField(max_digits=7, decimal_places=4)
    rebalance_threshold = models.DecimalField(max_digits=7, decimal_places=4)
    relative_threshold = models.DecimalField(max_digits=7, decimal_places=4, null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "asset"],
                name="target_unique",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="target_is_a_percentage",
                condition=Q(target_percentage__range=(0, 100), rebalance_threshold__range=(0, 100)),
            ),
            models.CheckConstraint(
                name="target_relative_band_follows",
                condition=Q(relative_threshold=None)
                | Q(
                    relative_threshold__range=(0, 100),
                    rebalance_threshold=Round(
                        F("target_percentage") * F("relative_threshold") / Value(Decimal(100)), 4
                    ),
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.asset_id} {self.target_percentage} %"


class TargetSetScope(models.TextChoices):
    """Who may use a set: one account, the accounts of one household, or everybody."""

    ACCOUNT = "account"
    HOUSEHOLD = "household"
    SHARED = "shared"


class TargetSet(models.Model):
    """Target weights under a name, in versions. Each account has a set of its own at most."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    scope = models.CharField(max_length=9, choices=TargetSetScope.choices)
    account = models.OneToOneField(
        Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="own_target_set"
    )
    household = models.ForeignKey(
        Household, null=True, blank=True, on_delete=models.PROTECT, related_name="target_sets"
    )
    name = models.CharField(max_length=NAME_LENGTH_MAX, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="target_set_belongs_to_its_scope",
                # Without an account once that was deleted, which only an empty one can be.
                condition=Q(scope="account", household=None)
                | Q(scope="household", account=None, household__isnull=False)
                | Q(scope="shared", account=None, household=None),
            )
        ]

    def __str__(self) -> str:
        return self.name or f"targets of account {self.account_id}"


class TargetSetVersion(models.Model):
    """One version of a set. The database refuses its update and its deletion.

    `weights` are packed by `portfolios.holdings.target_sets`.
    """

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    # The unique key begins with it.
    target_set = models.ForeignKey(
        TargetSet, on_delete=models.PROTECT, related_name="versions", db_index=False
    )
    number = models.PositiveIntegerField()
    weights = models.JSONField()
    note = models.CharField(max_length=NOTE_LENGTH_MAX, blank=True)
    created_at = models.DateTimeField()
    # Null for what an installation had before targets had versions.
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["target_set", "number"], name="target_set_version_unique"
            ),
            models.CheckConstraint(
                name="target_set_version_counts_from_one", condition=Q(number__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.target_set_id} version {self.number}"


@pghistory.track(*every_change())
class FollowedTargets(models.Model):
    """The set and version that an account follows. Its rows of `Target` are these weights.

    Where a version has weights of asset classes, those rows name the fund that fills each.
    """

    account = models.OneToOneField(
        Account, primary_key=True, on_delete=models.CASCADE, related_name="followed_targets"
    )
    version = models.ForeignKey(TargetSetVersion, on_delete=models.PROTECT, related_name="+")
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.account_id} follows {self.version_id}"


class RestrictionKind(models.TextChoices):
    NO_BUY = "no_buy"
    NO_SELL = "no_sell"
    NO_TRADE = "no_trade"


@pghistory.track(*every_change())
class Restriction(models.Model):
    """An asset the account must not buy, sell or trade at all, optionally until a day."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="restrictions")
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=RestrictionKind.choices)
    until_date = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "asset"], name="restriction_unique")
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.asset_id} {self.kind}"


class SkippedDividend(models.Model):
    """An announced dividend that an account does not record: its broker booked it otherwise."""

    pk = models.CompositePrimaryKey("account_id", "asset_id", "ex_date")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="+")
    ex_date = models.DateField()
    skipped_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    skipped_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.account_id} {self.asset_id} {self.ex_date}"


class CashPolicy(models.TextChoices):
    FULL = "full"
    INVEST_ONLY = "invest_only"


@pghistory.track(*every_change())
class RebalancePolicy(models.Model):
    """The rules that every rebalance of an account obeys, asked for or made in the night.

    Money is in the account's currency; budgets are those of a calendar year. An account without a
    row has none of these rules.
    """

    account = models.OneToOneField(
        Account, primary_key=True, on_delete=models.CASCADE, related_name="rebalance_policy"
    )
    cash_policy = models.CharField(
        max_length=16, choices=CashPolicy.choices, default=CashPolicy.FULL
    )
    cash_floor = money_field(default=Decimal(0))
    minimum_holding_days = models.PositiveSmallIntegerField(default=0)
    turnover_budget = money_field(null=True, blank=True)
    gain_budget = money_field(null=True, blank=True)
    # Symbols whose value and target do not count.
    leave_out = ArrayField(models.CharField(max_length=SYMBOL_LENGTH_MAX), default=list, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="rebalance_policy_not_negative",
                condition=Q(cash_floor__gte=0)
                & (Q(turnover_budget=None) | Q(turnover_budget__gte=0))
                & (Q(gain_budget=None) | Q(gain_budget__gte=0)),
            )
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.cash_policy}"


@pghistory.track(*every_change())
class TaxFiling(models.Model):
    """The filing status of a household; without a row, each member files separately."""

    household = models.OneToOneField(
        Household, primary_key=True, on_delete=models.CASCADE, related_name="tax_filing"
    )
    filing_status = models.CharField(
        max_length=20,
        choices=[(status.value, status.value) for status in FilingStatus],
        default=FilingStatus.SINGLE.value,
    )
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.household_id} {self.filing_status}"


@pghistory.track(*every_change())
class TaxCarryforward(models.Model):
    """Capital losses a person states they carried into a year (Schedule D, lines 6 and 14); >= 0.

    The amounts are in the person's base currency and replace those computed from the ledger.
    """

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tax_carryforwards")
    year = models.PositiveSmallIntegerField()
    short_term = money_field()
    long_term = money_field()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "year"], name="tax_carryforward_unique"),
            models.CheckConstraint(
                name="tax_carryforward_not_negative",
                condition=Q(short_term__gte=0, long_term__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.owner_id} {self.year}"


@pghistory.track(*every_change())
class Goal(models.Model):
    """A value that a household wants to have by a day; `contribution` is paid in every month."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="goals")
    name = models.CharField(max_length=NAME_LENGTH_MAX)
    target = money_field()
    currency = models.CharField(max_length=3)
    target_date = models.DateField()
    contribution = money_field(default=Decimal(0))
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="goal_is_positive", condition=Q(target__gt=0, contribution__gte=0)
            )
        ]

    def __str__(self) -> str:
        return f"{self.household_id} {self.name}"


HOLDINGS_COLUMNS_MAX = 40


class HoldingsColumns(models.Model):
    """The columns a person chose for the table of all holdings, in their order."""

    user = models.OneToOneField(
        User, primary_key=True, on_delete=models.CASCADE, related_name="holdings_columns"
    )
    names = ArrayField(models.CharField(max_length=32), size=HOLDINGS_COLUMNS_MAX)

    def __str__(self) -> str:
        return f"{self.user_id} {', '.join(self.names)}"
