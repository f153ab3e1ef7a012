"""What a portfolio should be: targets and restrictions."""

import pghistory
from django.db import models
from django.db.models import Q

from identity.models import every_change
from marketdata.models import Asset
from transactions.models import Account


@pghistory.track(*every_change())
class Target(models.Model):
    """The wished share of an asset, in percent of the account; no asset means cash."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="targets")
    asset = models.ForeignKey(
        Asset, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    target_percentage = models.DecimalField(max_digits=7, decimal_places=4)
    rebalance_threshold = models.DecimalField(max_digits=7, decimal_places=4)

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
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.asset_id} {self.target_percentage} %"


class RestrictionKind(models.TextChoices):
    NO_BUY = "no_buy"
    NO_SELL = "no_sell"
    NO_TRADE = "no_trade"


@pghistory.track(*every_change())
class Restriction(models.Model):
    """An asset the account must not buy, sell or touch, optionally until a day."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="restrictions")
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
