"""Models of strategies: allocations that people publish, follow, and take over into an account.

A strategy has a working copy, which its author edits, and versions, which never change. The
weights of a version are those of a target set's version, so that an account can follow them. Each
version has the hash of the one before: who changes a published version breaks the chain.
"""

import hashlib

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q

from core import limits
from core.identifiers import uuid7
from identity.models import Household, User
from marketdata.models import AssetClass
from portfolios.models import TargetSet, TargetSetVersion

# The function is made by the migration of the search. What nobody searches by changes no listing;
# new figures and followers change no words.
_LISTED = """
    IF TG_OP = 'DELETE' THEN
        DELETE FROM recommendations_strategylisting WHERE strategy_id = OLD.id;
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' AND
       (OLD.state, OLD.hidden_at, OLD.name, OLD.summary, OLD.description, OLD.author_name, OLD.tags,
        OLD.asset_classes, OLD.risk_profile, OLD.published_at) IS NOT DISTINCT FROM
       (NEW.state, NEW.hidden_at, NEW.name, NEW.summary, NEW.description, NEW.author_name, NEW.tags,
        NEW.asset_classes, NEW.risk_profile, NEW.published_at) THEN
        IF (OLD.followers, OLD.return_1y, OLD.sharpe, OLD.max_drawdown, OLD.record_days)
           IS DISTINCT FROM
           (NEW.followers, NEW.return_1y, NEW.sharpe, NEW.max_drawdown, NEW.record_days) THEN
            PERFORM recommendations_list_figures(NEW.id);
        END IF;
        RETURN NULL;
    END IF;
    PERFORM recommendations_list_strategies(NEW.id, NEW.id);
    RETURN NULL;
"""
_HASH_LENGTH = hashlib.sha256().digest_size * 2


class StrategyState(models.TextChoices):
    """`unlisted`: published, but found by its address only. `retired`: no further version."""

    DRAFT = "draft"
    PUBLISHED = "published"
    UNLISTED = "unlisted"
    RETIRED = "retired"


class RiskProfile(models.TextChoices):
    CONSERVATIVE = "conservative"
    MODERATE = "moderate"
    BALANCED = "balanced"
    GROWTH = "growth"
    AGGRESSIVE = "aggressive"


class StrategyAuthor(models.Model):
    """The name under which a user publishes; no two authors have names that read alike."""

    user = models.OneToOneField(
        User, primary_key=True, on_delete=models.CASCADE, related_name="strategy_author"
    )
    name = models.CharField(max_length=limits.AUTHOR_NAME_LENGTH_MAX)
    # The name as it is compared: folded, without marks and spaces.
    name_key = models.CharField(max_length=limits.AUTHOR_NAME_LENGTH_MAX * 4, unique=True)
    # A banned author publishes nothing more.
    banned_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


@pghistory.track(
    pghistory.UpdateEvent(
        condition=pghistory.AnyChange(
            "author_name", "name", "summary", "description", "state", "hidden_at"
        )
    ),
    fields=["author_name", "name", "summary", "description", "state", "hidden_at"],
    model_name="StrategyEvent",
)
class Strategy(models.Model):
    """One strategy. `recommendations.queries.strategies` alone says who may see it."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    author = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="strategies", db_index=False
    )
    # Copied from `StrategyAuthor`, so that lists and searches read one row.
    author_name = models.CharField(max_length=limits.AUTHOR_NAME_LENGTH_MAX)
    name = models.CharField(max_length=limits.STRATEGY_NAME_LENGTH_MAX)
    summary = models.CharField(max_length=limits.STRATEGY_SUMMARY_LENGTH_MAX, blank=True)
    # Markdown; rendered by `edge.markdown`.
    description = models.TextField(
        max_length=limits.STRATEGY_DESCRIPTION_LENGTH_MAX, blank=True, default=""
    )
    # The classes of the weights in force, or of the working copy before the first version.
    asset_classes = ArrayField(
        models.CharField(max_length=8, choices=AssetClass.choices), default=list, blank=True
    )
    risk_profile = models.CharField(max_length=16, choices=RiskProfile.choices)
    tags = ArrayField(
        models.CharField(max_length=limits.STRATEGY_TAG_LENGTH_MAX), default=list, blank=True
    )
    state = models.CharField(
        max_length=9, choices=StrategyState.choices, default=StrategyState.DRAFT
    )
    # The working copy: the weights and rules of the next version (`portfolios.holdings.target_sets`
    # and `recommendations.strategies.rules`).
    draft_weights = models.JSONField(default=list, blank=True)
    draft_rules = models.JSONField(default=dict, blank=True)
    # The shared target set whose versions are those of this strategy.
    target_set = models.OneToOneField(
        TargetSet, null=True, blank=True, on_delete=models.PROTECT, related_name="strategy"
    )
    current_version = models.OneToOneField(
        "StrategyVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # Set by a moderator: nobody but its author sees it.
    hidden_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    # The households that follow it.
    followers = models.PositiveIntegerField(default=0, db_default=0)
    # Figures of the daily record since publication, as fractions; null until there is one.
    return_1y = models.DecimalField(max_digits=18, decimal_places=8, null=True, blank=True)
    sharpe = models.DecimalField(max_digits=18, decimal_places=8, null=True, blank=True)
    max_drawdown = models.DecimalField(max_digits=18, decimal_places=8, null=True, blank=True)
    record_days = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        triggers = [
            # Lists and searches read `StrategyListing`, which is right in the same transaction.
            pgtrigger.Trigger(
                name="listed",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                func=_LISTED,
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="strategy_published_has_time",
                condition=Q(state="draft", published_at__isnull=True)
                | Q(state__in=["published", "unlisted"], published_at__isnull=False)
                | Q(state="retired", retired_at__isnull=False),
            ),
            models.CheckConstraint(
                name="strategy_published_has_version",
                condition=Q(published_at__isnull=True, current_version__isnull=True)
                | Q(
                    published_at__isnull=False,
                    current_version__isnull=False,
                    target_set__isnull=False,
                ),
            ),
        ]
        indexes = [
            # My strategies, last changed first.
            models.Index(fields=["author", "-updated_at", "-id"], name="strategy_of_author"),
            # The listed ones, newest and most followed first.
            models.Index(
                fields=["-published_at", "-id"],
                name="strategy_listed_newest",
                condition=Q(state="published", hidden_at=None),
            ),
            models.Index(
                fields=["-followers", "-id"],
                name="strategy_listed_followed",
                condition=Q(state="published", hidden_at=None),
            ),
            GinIndex(
                fields=["tags"],
                name="strategy_listed_tags",
                condition=Q(state="published", hidden_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class StrategyVersion(models.Model):
    """A published version. The database refuses its update and its deletion.

    `hash` is of the content and of `previous_hash` (`recommendations.strategies.chain`).
    """

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    strategy = models.ForeignKey(
        Strategy, on_delete=models.PROTECT, related_name="versions", db_index=False
    )
    number = models.PositiveIntegerField()
    targets = models.OneToOneField(
        TargetSetVersion, on_delete=models.PROTECT, related_name="strategy_version"
    )
    rules = models.JSONField()
    change_note = models.CharField(max_length=limits.STRATEGY_NOTE_LENGTH_MAX, blank=True)
    published_at = models.DateTimeField()
    # Empty for the first version.
    previous_hash = models.CharField(max_length=_HASH_LENGTH, blank=True)
    hash = models.CharField(max_length=_HASH_LENGTH)

    class Meta:
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["strategy", "number"], name="strategy_version_number_unique"
            ),
            models.CheckConstraint(
                name="strategy_version_first_has_no_previous",
                condition=Q(number=1, previous_hash="") | (Q(number__gt=1) & ~Q(previous_hash="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.strategy_id} version {self.number}"


class StrategyFollow(models.Model):
    """A household follows a strategy, once however many of its members ask."""

    pk = models.CompositePrimaryKey("strategy_id", "household_id")
    strategy = models.ForeignKey(
        Strategy, on_delete=models.CASCADE, related_name="follows", db_index=False
    )
    household = models.ForeignKey(
        Household, on_delete=models.CASCADE, related_name="followed_strategies", db_index=False
    )
    # The member, or their adviser, who asked first.
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    since = models.DateTimeField()

    class Meta:
        # What a household follows, newest first.
        indexes = [
            models.Index(
                fields=["household", "-since", "-strategy"], name="strategy_follow_of_household"
            )
        ]

    def __str__(self) -> str:
        return f"{self.household_id} follows {self.strategy_id}"


class ReportReason(models.TextChoices):
    SPAM = "spam"
    MISLEADING = "misleading"
    ABUSE = "abuse"
    COPIED = "copied"
    OTHER = "other"


class StrategyReport(models.Model):
    """A user's report of a strategy to the moderators; one open report a user and strategy."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    strategy = models.ForeignKey(
        Strategy, on_delete=models.CASCADE, related_name="reports", db_index=False
    )
    reporter = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=10, choices=ReportReason.choices)
    details = models.CharField(max_length=limits.NOTE_LENGTH_MAX, blank=True)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["strategy", "reporter"],
                name="strategy_report_open_unique",
                condition=Q(closed_at=None),
            )
        ]
        indexes = [
            models.Index(fields=["strategy", "-id"], name="strategy_report_of_strategy"),
            # Moderators: the open reports, oldest first.
            models.Index(
                F("created_at"), F("id"), name="strategy_report_open", condition=Q(closed_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reason}: {self.strategy_id}"
