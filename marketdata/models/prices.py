"""Prices of feeds and of households, exchange rates, yields, and the versions of their series."""

from django.db import models
from django.db.models import Q

from core import limits
from identity.models import Household, User
from marketdata.models.assets import Asset


class LatestPrice(models.Model):
    """The newest price of an asset: one narrow row, updated in place."""

    asset = models.OneToOneField(
        Asset, primary_key=True, on_delete=models.CASCADE, related_name="latest_price"
    )
    price = models.DecimalField(
        max_digits=limits.PRICE_DIGITS, decimal_places=limits.PRICE_DECIMALS
    )
    as_of = models.DateTimeField()
    source = models.CharField(max_length=32)
    previous_close = models.DecimalField(
        max_digits=limits.PRICE_DIGITS, decimal_places=limits.PRICE_DECIMALS, null=True
    )

    class Meta:
        constraints = [
            models.CheckConstraint(name="latest_price_positive", condition=Q(price__gt=0))
        ]

    def __str__(self) -> str:
        return f"{self.asset_id} {self.price}"


class Bar(models.Model):
    """The prices of one session: only the close is always known."""

    open = models.DecimalField(
        max_digits=limits.PRICE_DIGITS, decimal_places=limits.PRICE_DECIMALS, null=True
    )
    high = models.DecimalField(
        max_digits=limits.PRICE_DIGITS, decimal_places=limits.PRICE_DECIMALS, null=True
    )
    low = models.DecimalField(
        max_digits=limits.PRICE_DIGITS, decimal_places=limits.PRICE_DECIMALS, null=True
    )
    close = models.DecimalField(
        max_digits=limits.PRICE_DIGITS, decimal_places=limits.PRICE_DECIMALS
    )
    volume = models.BigIntegerField(null=True)

    class Meta:
        abstract = True


class DailyPrice(Bar):
    """One session of one asset, as its source published it. Partitioned by year.

    The real session of a row of a demo series was on `date - asset.shifted_days`.
    """

    pk = models.CompositePrimaryKey("asset_id", "date")
    asset = models.ForeignKey(
        Asset, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    date = models.DateField()

    class Meta:
        managed = False  # SQL in the first migration creates the partitioned table
        db_table = "marketdata_dailyprice"

    def __str__(self) -> str:
        return f"{self.asset_id} {self.date}"


class YearOfCloses(models.Model):
    """All closes of one asset in one year in two packed texts (`stores.columns`), by ascending day.

    Triggers write it with every statement on daily prices. A long history is read here: its daily
    rows lie on as many pages as it has days.
    """

    pk = models.CompositePrimaryKey("asset_id", "year")
    asset = models.ForeignKey(
        Asset, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    year = models.SmallIntegerField()
    # Ordinals: 1 is 0001-01-01.
    days = models.TextField()
    closes = models.TextField()

    def __str__(self) -> str:
        return f"{self.asset_id} {self.year}"


class PriceOrigin(models.TextChoices):
    MANUAL = "manual", "By hand"
    FILE = "file", "From a file"


class OwnPrice(models.Model):
    """A household's own price of an asset on a day. No other household sees or uses it.

    `price` is of one unit, in the asset's currency. It belongs to the units of its day, or, if its
    publisher adjusted it for splits, to the units of `adjusted_until`. The other fields keep what
    was entered: `stated` in `stated_currency`, in percent of par if `nominal` is set, the nominal
    value of one unit.
    """

    pk = models.CompositePrimaryKey("household_id", "asset_id", "date")
    household = models.ForeignKey(
        Household, on_delete=models.CASCADE, related_name="own_prices", db_index=False
    )
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="+")
    date = models.DateField()
    price = models.DecimalField(
        max_digits=limits.PRICE_DIGITS, decimal_places=limits.PRICE_DECIMALS
    )
    adjusted_until = models.DateField(null=True, blank=True)
    stated = models.DecimalField(
        max_digits=limits.PRICE_DIGITS, decimal_places=limits.PRICE_DECIMALS
    )
    stated_currency = models.CharField(max_length=3)
    nominal = models.DecimalField(
        max_digits=limits.PRICE_DIGITS, decimal_places=limits.PRICE_DECIMALS, null=True, blank=True
    )
    origin = models.CharField(max_length=8, choices=PriceOrigin.choices)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        # The key serves every read: the series of an asset, its newest price, one day.
        constraints = [
            models.CheckConstraint(
                name="own_price_positive", condition=Q(price__gt=0, stated__gt=0)
            ),
            models.CheckConstraint(
                name="own_price_nominal_positive",
                condition=Q(nominal__isnull=True) | Q(nominal__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asset_id} {self.date} {self.price}"


class HeldBackPrice(Bar):
    """A future session of a demo series; the replay publishes these in order."""

    pk = models.CompositePrimaryKey("asset_id", "date")
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="+", db_index=False)
    date = models.DateField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="held_back_close_positive", condition=Q(close__gt=0))
        ]

    def __str__(self) -> str:
        return f"{self.asset_id} {self.date}"


class ExchangeRate(models.Model):
    """Units of `currency` for one euro on a day (the European Central Bank's reference rates)."""

    currency = models.CharField(max_length=3)
    date = models.DateField()
    rate = models.DecimalField(max_digits=18, decimal_places=8)
    source = models.CharField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["currency", "date"], name="exchange_rate_unique"),
            models.CheckConstraint(name="exchange_rate_positive", condition=Q(rate__gt=0)),
        ]

    def __str__(self) -> str:
        return f"EUR/{self.currency} {self.date} {self.rate}"


class Yield(models.Model):
    """A yearly yield of a published series on a day, as a fraction: 0.0525 is 5.25 %."""

    series = models.CharField(max_length=64)
    currency = models.CharField(max_length=3)
    date = models.DateField()
    rate = models.DecimalField(max_digits=9, decimal_places=6)

    class Meta:
        constraints = [
            # The currency comes first: queries read the days of a currency's one series.
            models.UniqueConstraint(fields=["currency", "date", "series"], name="yield_unique")
        ]

    def __str__(self) -> str:
        return f"{self.series} {self.date} {self.rate}"


class SeriesVersion(models.Model):
    """The number of statements that have written a series, counted by triggers.

    `series` is closes:<asset id>, own:<household id>, fixings or yields. A series without a row was
    never written.
    """

    series = models.CharField(max_length=32, primary_key=True)
    version = models.BigIntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.series} {self.version}"
