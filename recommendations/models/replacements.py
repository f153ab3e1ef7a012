"""Models of replacements for a harvest: found every night from price history."""

from django.db import models
from django.db.models import Q

from marketdata.models import Asset


class ReplacementSearch(models.Model):
    """The last search for replacements of an asset. `reason`: the code of why there are none."""

    asset = models.OneToOneField(
        Asset, primary_key=True, on_delete=models.CASCADE, related_name="replacement_search"
    )
    sessions = models.PositiveIntegerField()
    reason = models.CharField(max_length=24, blank=True)
    searched_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.asset_id} {self.reason or 'has replacements'}"


class Replacement(models.Model):
    """A security that moves like the asset and is not substantially identical; best rank is 0.

    correlation and tracking_error (a fraction a year) are of daily returns over `sessions`.
    expense_difference: its yearly charge less the asset's, a fraction; null if one is unknown.
    """

    pk = models.CompositePrimaryKey("asset_id", "rank")
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="+", db_index=False)
    rank = models.PositiveSmallIntegerField()
    candidate = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="+")
    correlation = models.DecimalField(max_digits=7, decimal_places=6)
    tracking_error = models.DecimalField(max_digits=12, decimal_places=6)
    sessions = models.PositiveIntegerField()
    expense_difference = models.DecimalField(max_digits=7, decimal_places=6, null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="replacement_is_another", condition=~Q(asset=models.F("candidate"))
            ),
            models.CheckConstraint(
                name="replacement_correlation_in_range",
                condition=Q(correlation__range=(-1, 1), tracking_error__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asset_id} by {self.candidate_id}"
