"""Who quotes an asset, what vendors said of its dividends, and where two of them disagree."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from core import limits
from identity.models import User
from marketdata.models.assets import Asset
from marketdata.providers.registry import PROVIDERS


class Vendor(models.Model):
    """A vendor that this installation has asked; operators see its state and hold its breaker."""

    name = models.CharField(max_length=32, unique=True)
    first_asked_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Listing(models.Model):
    """A vendor's name for an asset. The lowest rank is asked first, the others when it fails."""

    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="listings")
    provider = models.CharField(max_length=32)
    provider_symbol = models.CharField(max_length=64)
    rank = models.SmallIntegerField(help_text="The lowest is asked first.")
    added_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    added_at = models.DateTimeField()
    # Its sessions are loaded from this day on, through this day.
    days_since = models.DateField(null=True, blank=True, editable=False)
    days_until = models.DateField(null=True, blank=True, editable=False)
    # When its sessions are due to be asked for again; empty: not by this listing.
    days_due_at = models.DateTimeField(null=True, blank=True)
    fault = models.CharField(max_length=200, blank=True, editable=False)
    # When the other vendors were asked whether they know the asset; null: not yet.
    others_asked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["asset", "provider"], name="listing_unique"),
            models.UniqueConstraint(
                fields=["provider", "provider_symbol", "asset"], name="listing_by_provider"
            ),
        ]
        indexes = [
            # The listings whose history is due, the oldest first.
            models.Index(
                fields=["days_due_at", "id"],
                name="listing_days_due",
                condition=Q(days_due_at__isnull=False),
            ),
            models.Index(
                fields=["asset"],
                name="listing_others_due",
                condition=Q(others_asked_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider}:{self.provider_symbol}"

    def clean(self) -> None:
        """Refuse what no vendor can quote: forms of operators call it."""
        if self.provider not in PROVIDERS:
            raise ValidationError({"provider": f"One of {', '.join(sorted(PROVIDERS))}."})
        if not self.provider_symbol.isprintable() or "," in self.provider_symbol:
            raise ValidationError({"provider_symbol": "A symbol of the vendor, without commas."})
        asset = Asset.objects.select_related("source").filter(pk=self.asset_id).first()
        if asset is None:
            return
        if asset.household_id is not None:
            raise ValidationError({"asset": "A household enters the prices of its own assets."})
        if asset.source is not None and asset.source.kind != "provider":
            raise ValidationError({"asset": "Its series is finished, such as the demo's."})


class AnnouncedDividend(models.Model):
    """Cash of one share, as a vendor states it. What an account received is in its ledger."""

    pk = models.CompositePrimaryKey("asset_id", "ex_date", "provider")
    asset = models.ForeignKey(
        Asset, on_delete=models.CASCADE, related_name="announced_dividends", db_index=False
    )
    ex_date = models.DateField()
    provider = models.CharField(max_length=32)
    amount = models.DecimalField(
        max_digits=limits.PRICE_DIGITS, decimal_places=limits.PRICE_DECIMALS
    )
    currency = models.CharField(max_length=3)
    # Null where the vendor does not say it.
    payment_date = models.DateField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="announced_dividend_positive", condition=Q(amount__gt=0))
        ]

    def __str__(self) -> str:
        return f"{self.asset_id} {self.ex_date} {self.amount}"


class Disagreement(models.Model):
    """Two vendors' prices of one asset at about one moment, further apart than they may be."""

    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="+", db_index=False)
    provider = models.CharField(max_length=32)
    price = models.DecimalField(
        max_digits=limits.PRICE_DIGITS, decimal_places=limits.PRICE_DECIMALS
    )
    other_provider = models.CharField(max_length=32)
    other_price = models.DecimalField(
        max_digits=limits.PRICE_DIGITS, decimal_places=limits.PRICE_DECIMALS
    )
    apart_bp = models.IntegerField(help_text="Hundredths of a percent of the first price.")
    seen_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["-seen_at", "-id"], name="disagreement_newest"),
            models.Index(fields=["asset", "-seen_at"], name="disagreement_by_asset"),
        ]

    def __str__(self) -> str:
        return f"{self.asset_id}: {self.provider} and {self.other_provider}, {self.apart_bp} bp"
