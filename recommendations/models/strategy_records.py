"""Models of records: what a strategy did on each day since it was published, and before.

The days are written once, by the nightly task, and never changed. The backtest stands in a table of
its own, so that no query of a record can meet it.
"""

import hashlib

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models

from core.limits import SYMBOL_LENGTH_MAX
from identity.models import User
from marketdata.models import Asset
from recommendations.models.strategies import Strategy

_HASH_LENGTH = hashlib.sha256().digest_size * 2
# Digits of a value of one, which may grow to a trillion.
_DIGITS, _DECIMALS = 24, 12


class StrategyRecord(models.Model):
    """What holds for the whole record, decided with the first version, and how far it has come.

    The row is locked while days are appended.
    """

    strategy = models.OneToOneField(
        Strategy, primary_key=True, on_delete=models.PROTECT, related_name="record"
    )
    currency = models.CharField(max_length=3)
    benchmark = models.ForeignKey(
        Asset, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    first_date = models.DateField(null=True, blank=True)
    last_date = models.DateField(null=True, blank=True)
    # The hash of the last day: whoever wrote it down can prove a later change.
    last_hash = models.CharField(max_length=_HASH_LENGTH, blank=True)

    def __str__(self) -> str:
        return f"record of {self.strategy_id} to {self.last_date}"


class StrategyDay(models.Model):
    """One weekday of a record. The database refuses its update and its deletion.

    Values are 1 at the base, before the first purchase. `weights` are those at the end of the day,
    by asset. `hash` is of the figures and of `previous_hash` (`strategies.day_chain`).
    """

    pk = models.CompositePrimaryKey("strategy_id", "date")
    strategy = models.ForeignKey(
        Strategy, on_delete=models.PROTECT, related_name="days", db_index=False
    )
    date = models.DateField()
    version = models.PositiveIntegerField()
    value = models.DecimalField(max_digits=_DIGITS, decimal_places=_DECIMALS)
    gain = models.DecimalField(max_digits=_DIGITS, decimal_places=_DECIMALS)
    benchmark = models.DecimalField(max_digits=_DIGITS, decimal_places=_DECIMALS, null=True)
    turnover = models.DecimalField(max_digits=_DIGITS, decimal_places=_DECIMALS)
    cost = models.DecimalField(max_digits=_DIGITS, decimal_places=_DECIMALS)
    weights = models.JSONField()
    pending = models.BooleanField()
    session = models.BooleanField()
    carried = ArrayField(models.CharField(max_length=SYMBOL_LENGTH_MAX))
    ended = ArrayField(models.CharField(max_length=SYMBOL_LENGTH_MAX))
    previous_hash = models.CharField(max_length=_HASH_LENGTH)
    hash = models.CharField(max_length=_HASH_LENGTH)

    class Meta:
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.strategy_id} {self.date} {self.value}"


class StrategyBacktest(models.Model):
    """The first version's weights over the time before its publication: no record, and never shown
    without saying so.
    """

    strategy = models.OneToOneField(
        Strategy, primary_key=True, on_delete=models.PROTECT, related_name="backtest"
    )
    # Why there is none; empty if there is one.
    absent_code = models.CharField(max_length=32, blank=True)
    first_date = models.DateField(null=True, blank=True)
    last_date = models.DateField(null=True, blank=True)
    # Of every security: symbol, first and last close used, and its source.
    ranges = models.JSONField(default=list)
    # Columns of the days: date, value, benchmark, turnover, cost, session.
    days = models.JSONField(default=list)
    computed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"backtest of {self.strategy_id} to {self.last_date}"


class ModerationKind(models.TextChoices):
    HIDE = "hide"
    SHOW = "show", "Show again"
    DISMISS = "dismiss", "Dismiss the reports"
    BAN = "ban", "Ban the author"
    ALLOW = "allow", "Allow the author again"
    APPEAL = "appeal", "Appeal"
    UPHOLD = "uphold", "Appeal refused"


class StrategyModeration(models.Model):
    """A decision about a strategy or its author, or an appeal, with who, when and why.

    The database refuses its update and its deletion.
    """

    strategy = models.ForeignKey(
        Strategy, on_delete=models.PROTECT, related_name="moderation", db_index=False
    )
    kind = models.CharField(max_length=8, choices=ModerationKind.choices)
    reason = models.CharField(max_length=500)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]
        indexes = [models.Index(fields=["strategy", "-id"], name="moderation_of_strategy")]

    def __str__(self) -> str:
        return f"{self.kind} {self.strategy_id}"
