"""Models of the nightly runs: one run a night, one outcome for each account, and all it used.

The prices and rates of a run are kept with it, and the other inputs of each account in blocks. So
a result can be computed again long after the ledger has moved on.
"""

from typing import Any

from django.db import models
from django.db.models import Q

from core.identifiers import uuid7
from core.limits import SYMBOL_LENGTH_MAX
from identity.models import User


class NightState(models.TextChoices):
    """`stopped`: a guard found a reason not to start; nothing was computed."""

    STOPPED = "stopped"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class NightlyRun(models.Model):
    """One night over all accounts with targets. `night` makes a second run of it impossible."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    night = models.DateField(unique=True)
    state = models.CharField(max_length=9, choices=NightState.choices)
    # The moment of the prices, the rates and the tax rules of every account.
    as_of = models.DateTimeField()
    engine_version = models.CharField(max_length=16)
    options = models.JSONField()
    # What the guards found, each with a code and what it concerns.
    findings: "models.JSONField[Any, Any]" = models.JSONField(default=list, blank=True)
    # Who overruled the guards.
    overruled_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    accounts = models.PositiveIntegerField(default=0)
    chunks = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="nightly_run_finished_has_time",
                condition=Q(state__in=["running", "stopped"]) | Q(finished_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"night of {self.night}: {self.state}"


class NightlyPrice(models.Model):
    """What a run knew of one asset: its price in its own currency, and how it trades."""

    run = models.ForeignKey(
        NightlyRun, on_delete=models.CASCADE, related_name="prices", db_index=False
    )
    asset_id = models.BigIntegerField()
    symbol = models.CharField(max_length=SYMBOL_LENGTH_MAX)
    currency = models.CharField(max_length=3)
    price = models.DecimalField(max_digits=24, decimal_places=8, null=True)
    price_at = models.DateTimeField(null=True)
    source = models.CharField(max_length=8)
    stale = models.BooleanField()
    half_spread_bp = models.DecimalField(max_digits=8, decimal_places=3)
    fractional = models.BooleanField()
    fee_market = models.CharField(max_length=8)
    # The smallest asset of those that are substantially identical for every household.
    group_id = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "asset_id"], name="nightly_price_unique")
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.price}"


class NightlyRate(models.Model):
    """The exchange rate a run used: units of `quote` for one of `base`."""

    run = models.ForeignKey(
        NightlyRun, on_delete=models.CASCADE, related_name="rates", db_index=False
    )
    base = models.CharField(max_length=3)
    quote = models.CharField(max_length=3)
    rate = models.DecimalField(max_digits=42, decimal_places=24)
    date = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "base", "quote"], name="nightly_rate_unique")
        ]

    def __str__(self) -> str:
        return f"{self.base}/{self.quote} {self.rate}"


class Outcome(models.IntegerChoices):
    """How one account's night ended."""

    IN_BAND = 0, "in band"
    TRADES = 1, "trades proposed"
    NOTHING_WORTHWHILE = 2, "out of band, no trade worth its cost"
    REFUSED = 3, "refused"


class NightlyResult(models.Model):
    """The outcome of one account in one run. Partitioned by run; made in SQL (migration 0005)."""

    pk = models.CompositePrimaryKey("run_id", "account_id")
    run_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    outcome = models.PositiveSmallIntegerField(choices=Outcome.choices)
    # Why an account was refused: an error's code.
    code = models.CharField(max_length=40, blank=True)
    trades = models.PositiveSmallIntegerField()
    # The proven gap in basis points, and the part of the account out of place before and after.
    # Nothing is computed of an account inside its bands, or of a refused one: all are empty.
    gap_bps = models.FloatField(null=True)
    drift_before = models.FloatField(null=True)
    drift_after = models.FloatField(null=True)
    # In the account's currency: value, value traded, and the estimated tax.
    value = models.FloatField(null=True)
    turnover = models.FloatField(null=True)
    tax = models.FloatField(null=True)

    class Meta:
        managed = False
        db_table = "recommendations_nightlyresult"

    def __str__(self) -> str:
        return f"{self.account_id}: {self.get_outcome_display()}"


class NightlyBlock(models.Model):
    """The inputs and trades of some accounts that have trades, packed (`nightly/packing.py`)."""

    pk = models.CompositePrimaryKey("run_id", "first_account_id")
    run_id = models.BigIntegerField()
    first_account_id = models.BigIntegerField()
    last_account_id = models.BigIntegerField()
    data = models.BinaryField()

    class Meta:
        managed = False
        db_table = "recommendations_nightlyblock"

    def __str__(self) -> str:
        return f"accounts {self.first_account_id} to {self.last_account_id}"
