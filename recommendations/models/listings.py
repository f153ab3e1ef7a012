"""What searches read of the listed strategies: one narrow row each, kept by a trigger.

The row exists exactly while its strategy is published and not hidden, whoever changes that and how:
no search, count or suggestion can show another one. `title` holds the words of name, tags, summary
and author with their weights; it is short, so that ranking reads it in place. `words` has those of
the description, too.
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q

from core import limits

# The text search configuration, made by a migration: English stems, without accents.
STRATEGY_LANGUAGE = "strategy_search"
# A record shorter than this is not compared with others.
RECORD_DAYS_MIN = 90


class StrategyListing(models.Model):
    """A listed strategy as searches read it."""

    strategy = models.OneToOneField(
        "recommendations.Strategy", on_delete=models.CASCADE, related_name="listing"
    )
    title = SearchVectorField()
    words = SearchVectorField()
    followers = models.PositiveIntegerField()
    published_at = models.DateTimeField()
    risk_profile = models.CharField(max_length=16)
    asset_classes = ArrayField(models.CharField(max_length=8))
    tags = ArrayField(models.CharField(max_length=limits.STRATEGY_TAG_LENGTH_MAX))
    # Of records of at least RECORD_DAYS_MIN days; null otherwise. The drawdown is positive.
    return_1y = models.DecimalField(max_digits=18, decimal_places=8, null=True)
    sharpe = models.DecimalField(max_digits=18, decimal_places=8, null=True)
    max_drawdown = models.DecimalField(max_digits=18, decimal_places=8, null=True)
    record_days = models.PositiveIntegerField()

    class Meta:
        indexes = [
            # Walks from the top: the most followed, the newest, the best year.
            models.Index(fields=["-followers", "-id"], name="listing_followed"),
            models.Index(fields=["-published_at", "-id"], name="listing_newest"),
            models.Index(
                fields=["-return_1y", "-id"],
                name="listing_return",
                condition=Q(return_1y__isnull=False),
            ),
            models.Index(
                fields=["sharpe"], name="listing_sharpe", condition=Q(sharpe__isnull=False)
            ),
            models.Index(
                fields=["max_drawdown"],
                name="listing_drawdown",
                condition=Q(max_drawdown__isnull=False),
            ),
            models.Index(fields=["record_days"], name="listing_record_days"),
            GinIndex(fields=["words"], name="listing_words"),
            GinIndex(fields=["title"], name="listing_title"),
            GinIndex(fields=["tags"], name="listing_tags"),
            GinIndex(fields=["asset_classes"], name="listing_classes"),
        ]

    def __str__(self) -> str:
        return f"listing of {self.strategy_id}"


class StrategyWord(models.Model):
    """A word of names and tags that were listed once: what a mistyped word may have meant.

    It is offered only where a listed strategy is found by it.
    """

    word = models.CharField(primary_key=True, max_length=limits.STRATEGY_NAME_LENGTH_MAX)

    class Meta:
        indexes = [
            GinIndex(fields=["word"], name="strategy_word_trigram", opclasses=["gin_trgm_ops"])
        ]

    def __str__(self) -> str:
        return self.word
