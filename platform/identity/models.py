"""Models of users, households, log-ins, and who may see which household."""

from collections.abc import Sequence
from typing import Any, ClassVar

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from core.emails import EmailInvalid, folded
from core.identifiers import uuid7
from core.limits import NAME_LENGTH_MAX


def every_change() -> list[pghistory.RowEvent]:
    """Return trackers for the audit trail: inserts, updates and deletes.

    pghistory's own default leaves out deletions.
    """
    return [pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent()]


@pghistory.track(*every_change())
class Household(models.Model):
    """People whose accounts are treated together for tax, wash sales and targets."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    name = models.CharField(max_length=NAME_LENGTH_MAX)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    INVESTOR = "investor"
    ADVISER = "adviser"
    OPERATOR = "operator"


# Folded addresses are ASCII, so lower case is the same in the database and in Python.
ASCII_EMAIL = r"^[!-~]+@[!-~]+$"
# A user's rights and their log-in. A change of any of these raises `access_epoch`. No update lowers
# it, whatever value an older copy of the row has.
_RAISE_OF_USER = """
    IF (OLD.household_id, OLD.role, OLD.active_trader, OLD.is_active, OLD.is_staff,
        OLD.is_superuser, OLD.password, OLD.token_version)
       IS DISTINCT FROM
       (NEW.household_id, NEW.role, NEW.active_trader, NEW.is_active, NEW.is_staff,
        NEW.is_superuser, NEW.password, NEW.token_version) THEN
        NEW.access_epoch := OLD.access_epoch + 1;
    ELSE
        NEW.access_epoch := GREATEST(OLD.access_epoch, NEW.access_epoch);
    END IF;
    RETURN NEW;
"""
_RAISE_OF_ADVISER = """
    IF TG_OP <> 'INSERT' THEN
        UPDATE identity_user SET access_epoch = access_epoch + 1 WHERE id = OLD.adviser_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        UPDATE identity_user SET access_epoch = access_epoch + 1 WHERE id = NEW.adviser_id;
    END IF;
    RETURN NULL;
"""


class UserAccess(BaseUserManager["User"]):
    """Manager that creates and finds users; e-mail addresses are stored folded."""

    def create_user(self, *, email: str, password: str | None, **fields: Any) -> "User":
        user = self.model(email=folded(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, *, email: str, password: str | None, **fields: Any) -> "User":
        fields.setdefault("role", Role.OPERATOR)
        if "household" not in fields and "household_id" not in fields:
            fields["household"] = Household.objects.create(name=email)
        return self.create_user(
            email=email, password=password, is_staff=True, is_superuser=True, **fields
        )

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=folded(username or ""))


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(condition=pghistory.AnyChange(exclude=["last_login", "access_epoch"])),
    pghistory.DeleteEvent(),
    exclude=["password", "access_epoch"],
)
class User(AbstractBaseUser, PermissionsMixin):
    """One user. The tax rates are the user's own marginal rates, as fractions of income."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    full_name = models.CharField(max_length=NAME_LENGTH_MAX, blank=True)
    household = models.ForeignKey(Household, on_delete=models.PROTECT, related_name="members")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.INVESTOR)
    base_currency = models.CharField(max_length=3, default="USD")
    federal_ordinary_rate = models.DecimalField(max_digits=6, decimal_places=5, default="0.24")
    federal_long_term_rate = models.DecimalField(max_digits=6, decimal_places=5, default="0.15")
    state_rate = models.DecimalField(max_digits=6, decimal_places=5, default="0")
    net_investment_income_rate = models.DecimalField(max_digits=6, decimal_places=5, default="0")
    active_trader = models.BooleanField(default=False)
    token_version = models.PositiveIntegerField(default=1)
    # Raised by the database whenever the user's rights change; never written by the application.
    access_epoch = models.PositiveBigIntegerField(default=1, db_default=1, editable=False)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    # Loaded by the demo, with a published password: can log in to a demo only.
    is_demo = models.BooleanField(default=False, db_default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    # Set by the authenticator, so that `household_ids` needs no query.
    known_household_ids: Sequence[int] | None = None

    objects = UserAccess()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        triggers = [
            pgtrigger.Trigger(
                name="access_epoch",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=_RAISE_OF_USER,
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="user_email_is_folded",
                condition=models.Q(email=Lower("email"), email__regex=ASCII_EMAIL),
            ),
            models.CheckConstraint(
                name="user_rates_are_fractions",
                condition=models.Q(federal_ordinary_rate__range=(0, 1))
                & models.Q(federal_long_term_rate__range=(0, 1))
                & models.Q(state_rate__range=(0, 1))
                & models.Q(net_investment_income_rate__range=(0, 1)),
            ),
        ]
        # Operators: the few users who are not investors, and the few who were deactivated.
        indexes = [
            models.Index(
                fields=["role", "-id"],
                name="user_not_investor",
                condition=~models.Q(role=Role.INVESTOR),
            ),
            models.Index(fields=["-id"], name="user_closed", condition=models.Q(is_active=False)),
        ]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        """Fold the e-mail address, also for the admin's forms."""
        try:
            self.email = folded(self.email)
        except EmailInvalid as error:
            raise ValidationError({"email": error.detail}, code=error.code) from None

    @property
    def may_log_in(self) -> bool:
        """Return whether the user may log in. Users of the demo may do so in a demo only."""
        return self.is_active and (settings.DEMO or not self.is_demo)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Page sessions end with the password and with the token version."""
        return salted_hmac(
            "identity.session",
            f"{self.password}:{self.token_version}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()


@pghistory.track(*every_change())
class AdviserLink(models.Model):
    """An adviser may see (and act for) a household while this row exists."""

    adviser = models.ForeignKey(User, on_delete=models.CASCADE, related_name="clients")
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="advisers")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        triggers = [
            pgtrigger.Trigger(
                name="access_epoch",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                func=_RAISE_OF_ADVISER,
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["adviser", "household"], name="adviser_link_unique")
        ]

    def __str__(self) -> str:
        return f"{self.adviser_id} advises {self.household_id}"


class Revocation(models.TextChoices):
    LOGOUT = "logout"
    EVERYWHERE = "everywhere"
    REUSED = "reused"


@pghistory.track(
    pghistory.UpdateEvent(condition=pghistory.AnyChange("revoked_at")),
    exclude=["serial", "expires_at"],
)
class TokenFamily(models.Model):
    """One log-in of the API: its refresh tokens replace each other and end together."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="token_families")
    serial = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.CharField(max_length=16, choices=Revocation.choices, blank=True)

    class Meta:
        # Logout everywhere: the open families of one user.
        indexes = [
            models.Index(
                fields=["user"],
                name="token_family_living",
                condition=models.Q(revoked_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return str(self.id)


class Session(AbstractBaseSession):
    """A log-in of the pages. It ends when this row is deleted or expires."""

    # Identifies the log-in to the stream. The secret session key cannot be derived from it.
    family = models.CharField(max_length=40, unique=True)

    def __str__(self) -> str:
        return self.family


@pghistory.track(*every_change(), exclude=["token_hash"])
class Invitation(models.Model):
    """An invitation of one e-mail address to a household. Only a hash of its token is stored."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["household", "email"],
                name="invitation_open_unique",
                condition=models.Q(accepted_at__isnull=True, revoked_at__isnull=True),
            )
        ]
        # Operators search by address.
        indexes = [models.Index(fields=["email"], name="invitation_by_email")]

    def __str__(self) -> str:
        return f"{self.email} to {self.household_id}"


def household_ids(user: "User") -> "models.QuerySet[Household, int] | list[int]":
    """Return the households a user may see: their own, and for advisers the linked ones."""
    if user.known_household_ids is not None:
        return list(user.known_household_ids)
    if user.role != Role.ADVISER:
        return [user.household_id]
    return Household.objects.filter(
        models.Q(pk=user.household_id) | models.Q(advisers__adviser=user)
    ).values_list("pk", flat=True)
