"""Minute bars and the trades they are built from. Raw SQL reads and writes them"""

from django.db import models

from marketdata.models.assets import Asset


class MinuteBar(models.Model):
    """The trades of one asset in one minute; prices are whole numbers of 10^-8.

    `at` is the minute's first instant. A minute without trades has no bar. Partitioned by month.
    """

    pk = models.CompositePrimaryKey("asset_id", "at")
    asset = models.ForeignKey(
        Asset, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    at = models.DateTimeField()
    open = models.BigIntegerField()
    high = models.BigIntegerField()
    low = models.BigIntegerField()
    close = models.BigIntegerField()
    volume = models.BigIntegerField()

    class Meta:
        managed = False  # SQL in a migration creates the partitioned table
        db_table = "marketdata_minutebar"

    def __str__(self) -> str:
        return f"{self.asset_id} {self.at:%Y-%m-%d %H:%M}"


class Tick(models.Model):
    """One trade as its vendor reported it, kept for some days. Partitioned by day.

    `number` is the vendor's number of the trade, 0 if it has none. The three keys together are one
    trade: a second report with other figures corrects the first.
    """

    pk = models.CompositePrimaryKey("asset_id", "at", "number")
    asset = models.ForeignKey(
        Asset, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    at = models.DateTimeField()
    number = models.BigIntegerField()
    price = models.BigIntegerField()
    size = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "marketdata_tick"

    def __str__(self) -> str:
        return f"{self.asset_id} {self.at:%Y-%m-%d %H:%M:%S} {self.number}"
