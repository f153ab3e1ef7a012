"""Models of households and their users."""

from collections.abc import Sequence
from typing import Any, ClassVar

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from core.emails import EmailInvalid, folded
from core.identifiers import uuid7
from core.limits import NAME_LENGTH_MAX
from identity.models.audit_trail import every_change


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
    # Sees, besides their own household, only the tax pages of years granted to them.
    ACCOUNTANT = "accountant"


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
    # The address was proved by a link sent to it.
    email_verified_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The user said that the tax rates are theirs; until then they are only a guess.
    rates_stated_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The user put away the list of first steps.
    first_steps_closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The user asked for deletion: their log-in closes at this time unless they take it back.
    closes_at = models.DateTimeField(null=True, blank=True, editable=False)

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
            # The nightly task: whose days of grace are over.
            models.Index(
                fields=["closes_at"],
                name="user_closes",
                condition=models.Q(closes_at__isnull=False),
            ),
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
