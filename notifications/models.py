"""Notices in the application, deliveries on every channel, and what a person chose about them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.identifiers import uuid7
from core.limits import (
    PRICE_DECIMALS,
    PRICE_DIGITS,
    PUSH_ENDPOINT_LENGTH_MAX,
    WEBHOOK_URL_LENGTH_MAX,
)
from identity.models import User


class NoticeQuerySet(models.QuerySet["Notice"]):
    def for_user(self, user: User) -> "NoticeQuerySet":
        return self.filter(user=user)


class Notice(models.Model):
    """One message to one user. `dedup_key` makes a repeated delivery harmless."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    topic = models.CharField(max_length=64)
    title = models.CharField(max_length=200)
    payload = models.JSONField(default=dict)
    dedup_key = models.CharField(max_length=128)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "dedup_key"], name="notice_unique")]
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="notice_newest"),
            models.Index(fields=["user"], name="notice_unread", condition=Q(read_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.title


class Channel(models.TextChoices):
    """The ways out of the application. A digest is an e-mail that gathers several events."""

    LIVE = "live"
    EMAIL = "email"
    DIGEST = "digest"
    WEBHOOK = "webhook"
    PUSH = "push"


class DeliveryState(models.TextChoices):
    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"
    DROPPED = "dropped"


class Delivery(models.Model):
    """One event on its way to one address by one channel.

    A worker claims a row by moving `next_at` behind its lease and counting an attempt; only the
    latest claim of a row may mark it. `public_id` is the key by which receivers recognize a
    repetition: `webhook-id`, or the Message-ID of a mail.
    """

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    # The outbox row; empty for a test of a webhook. No foreign key: sent rows are deleted by age.
    event_id = models.BigIntegerField(null=True, blank=True)
    user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    channel = models.CharField(max_length=8, choices=Channel.choices)
    # A group of sockets, an e-mail address, or the public id of a webhook or of a browser.
    address = models.CharField(max_length=254)
    topic = models.CharField(max_length=64)
    title = models.CharField(max_length=200)
    payload = models.JSONField(default=dict)
    urgent = models.BooleanField(default=False)
    state = models.CharField(
        max_length=8, choices=DeliveryState.choices, default=DeliveryState.WAITING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    # Only ever rises, so an earlier claim can never mark the row.
    claims = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    next_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            # The fan-out of an event may be repeated and still writes each delivery once.
            models.UniqueConstraint(
                fields=["event_id", "channel", "address"], name="delivery_unique"
            )
        ]
        indexes = [
            # Workers: what is due on a channel, the oldest first.
            models.Index(
                fields=["channel", "urgent", "next_at"],
                name="delivery_due",
                condition=Q(state="waiting"),
            ),
            # A receiver that is down: all its waiting rows are put off together. And one receiver
            # after the other, where some have very many due.
            models.Index(
                fields=["channel", "address", "urgent", "next_at"],
                name="delivery_of_receiver",
                condition=Q(state="waiting"),
            ),
            # The log of a webhook, newest first.
            models.Index(
                fields=["address", "-created_at", "-id"],
                name="delivery_log",
                condition=Q(channel="webhook"),
            ),
            # Operators: the few that were not sent among very many others.
            models.Index(
                fields=["state", "-id"],
                name="delivery_not_sent",
                condition=Q(state__in=["dead", "dropped"]),
            ),
            # Deleted by age.
            models.Index(fields=["created_at"], name="delivery_age"),
            # Deleted with their user.
            models.Index(fields=["user"], name="delivery_user"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.topic} {self.public_id}"


class Digest(models.TextChoices):
    """How often mails that are not urgent are gathered into one."""

    NONE = "none"
    DAILY = "daily"
    WEEKLY = "weekly"


class Preference(models.Model):
    """What a user chose; users without a row have the defaults of the topics.

    `choices`: topic -> channel -> whether, only where it differs from the default.
    """

    user = models.OneToOneField(
        User, primary_key=True, on_delete=models.CASCADE, related_name="notification_preference"
    )
    choices = models.JSONField(default=dict)
    time_zone = models.CharField(max_length=64, default="UTC")
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    digest = models.CharField(max_length=8, choices=Digest.choices, default=Digest.NONE)
    muted_accounts = ArrayField(models.UUIDField(), default=list, db_default=[])
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="preference_quiet_hours_have_two_ends",
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"preferences of {self.user_id}"


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def for_user(self, user: User) -> "WebhookQuerySet":
        return self.filter(user=user)


class Webhook(models.Model):
    """An address that receives a user's events, signed.

    The secret is derived from the key of the installation, the id and `secret_version`, so no
    secret is stored. After a rotation the previous one also signs until `previous_until`.
    """

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=WEBHOOK_URL_LENGTH_MAX)
    topics = ArrayField(models.CharField(max_length=64))
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=200, blank=True)
    secret_version = models.PositiveIntegerField(default=1)
    previous_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    objects = WebhookQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["user", "-created_at", "-id"], name="webhook_newest")]

    def __str__(self) -> str:
        return f"webhook {self.public_id}"


class PushSubscriptionQuerySet(models.QuerySet["PushSubscription"]):
    def for_user(self, user: User) -> "PushSubscriptionQuerySet":
        return self.filter(user=user)


class PushSubscription(models.Model):
    """A browser that takes pushes: where its service takes them, and the keys it gave."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="push_subscriptions")
    endpoint = models.CharField(max_length=PUSH_ENDPOINT_LENGTH_MAX, unique=True)
    public_key = models.CharField(max_length=100)
    secret = models.CharField(max_length=40)
    created_at = models.DateTimeField()

    objects = PushSubscriptionQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["user", "-created_at", "-id"], name="push_newest")]

    def __str__(self) -> str:
        return f"browser {self.public_id}"


class DayAnnounced(models.Model):
    """How far the news of a day have been announced: accounts in the order of their ids."""

    name = models.CharField(max_length=16)
    day = models.DateField()
    up_to_id = models.BigIntegerField(default=0)
    finished = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "day"], name="day_announced_once")]

    def __str__(self) -> str:
        return f"{self.name} of {self.day}"


class OwnDataArchiveQuerySet(models.QuerySet["OwnDataArchive"]):
    def for_user(self, user: User) -> "OwnDataArchiveQuerySet":
        return self.filter(user=user)


class OwnDataArchive(models.Model):
    """A ZIP of everything about one person, kept for a while. Only that person may fetch it."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    # A new one replaces the old one.
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="+")
    # Whose data it holds: who has left that household may not fetch them any more.
    of_household_id = models.BigIntegerField(null=True, editable=False)
    bytes = models.PositiveBigIntegerField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    objects = OwnDataArchiveQuerySet.as_manager()

    def __str__(self) -> str:
        return f"data of {self.user_id}"


class OwnDataPart(models.Model):
    """A part of an archive, so that no process holds a large one in memory."""

    archive = models.ForeignKey(
        OwnDataArchive, on_delete=models.CASCADE, related_name="parts", db_index=False
    )
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["archive", "number"], name="own_data_part_unique")
        ]

    def __str__(self) -> str:
        return f"{self.archive_id} {self.number}"


class CaughtMail(models.Model):
    """A mail that the demo keeps for its page instead of sending it."""

    to = models.CharField(max_length=254)
    subject = models.CharField(max_length=250)
    text = models.TextField()
    html = models.TextField(blank=True)
    message_id = models.CharField(max_length=120, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["-id"], name="caught_mail_newest")]

    def __str__(self) -> str:
        return f"{self.subject} to {self.to}"


class AlertKind(models.TextChoices):
    ABOVE = "above"
    BELOW = "below"
    MOVE = "move"


class PriceAlertQuerySet(models.QuerySet["PriceAlert"]):
    def for_user(self, user: User) -> "PriceAlertQuerySet":
        return self.filter(user=user)


class PriceAlert(models.Model):
    """A price a user waits for. It fires when the price crosses the value, once per crossing.

    `armed`: the price was on the other side since the alert last fired. `value` is a price in the
    currency of the asset, or for `move` a percentage of the previous close.
    """

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="price_alerts")
    asset = models.ForeignKey("marketdata.Asset", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=AlertKind.choices)
    value = models.DecimalField(max_digits=PRICE_DIGITS, decimal_places=PRICE_DECIMALS)
    armed = models.BooleanField(default=True)
    # How often it fired: part of the key of the event, so one crossing is one event.
    fired = models.PositiveIntegerField(default=0)
    fired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    objects = PriceAlertQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="price_alert_value_positive", condition=Q(value__gt=0))
        ]
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="price_alert_newest"),
            # A new price finds the alerts it crosses without reading the others.
            models.Index(
                fields=["asset", "kind", "value"], name="price_alert_armed", condition=Q(armed=True)
            ),
            models.Index(
                fields=["asset", "kind", "value"],
                name="price_alert_fired",
                condition=Q(armed=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"
