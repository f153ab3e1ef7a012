"""Where the rows of a price partition are, and the copies of them."""

from django.db import models
from django.db.models import Q


class PriceTier(models.TextChoices):
    HOT = "hot", "Hot"
    WARM = "warm", "Warm"
    COLD = "cold", "Cold"


class MoveStep(models.TextChoices):
    REST = "", "At rest"
    COPYING = "copying", "Copying"
    VERIFIED = "verified", "Copied and compared"


class PricePartition(models.Model):
    """A partition that has left the hot tier, or is about to. Others have no row.

    `tier` is where its rows are read. While it moves, `target` is where they are copied to; when
    all copies are compared, one transaction makes `tier` the target and `leftover` the old tier,
    whose copies are deleted next. Each worker takes an attempt of its own and writes nothing once a
    later one has begun.
    """

    table = models.CharField(max_length=32)
    name = models.CharField(max_length=63, unique=True)
    first = models.DateField()
    end = models.DateField()
    tier = models.CharField(max_length=4, choices=PriceTier.choices, default=PriceTier.HOT)
    target = models.CharField(max_length=4, choices=PriceTier.choices, blank=True)
    step = models.CharField(max_length=8, choices=MoveStep.choices, blank=True)
    leftover = models.CharField(max_length=4, choices=PriceTier.choices, blank=True)
    attempt = models.IntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    rows = models.BigIntegerField(null=True)
    keep_until = models.DateField(null=True, blank=True)
    moved_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="price_partition_moves_elsewhere",
                condition=~Q(target=models.F("tier")),
            ),
            models.CheckConstraint(
                name="price_partition_step_has_target",
                condition=Q(step="", target="") | (~Q(step="") & ~Q(target="")),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PriceBlock(models.Model):
    """A copy of the rows of some neighboring assets in one partition.

    `checksum` is that of the rows, `digest` that of the object's bytes (cold copies only). Both
    are SHA-256.
    """

    partition = models.ForeignKey(PricePartition, on_delete=models.CASCADE, related_name="blocks")
    tier = models.CharField(max_length=4, choices=PriceTier.choices)
    first_asset = models.BigIntegerField()
    last_asset = models.BigIntegerField()
    rows = models.BigIntegerField()
    checksum = models.BinaryField(max_length=32)
    path = models.CharField(max_length=200, blank=True)
    byte_count = models.BigIntegerField(default=0)
    digest = models.BinaryField(max_length=32)
    verified = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["partition", "tier", "first_asset"], name="price_block_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.partition_id} {self.tier} {self.first_asset}"
