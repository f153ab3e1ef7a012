"""Assets, the source of their figures, decisions on identity, and corporate actions."""

from decimal import Decimal

from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from core import limits
from core.identifiers import uuid7
from identity.models import Household, User, household_ids
from marketdata.calendars import is_known
from marketdata.corporate_actions import ACTION_CHOICES, Terms, sentence


class AssetClass(models.TextChoices):
    EQUITY = "equity"
    ETF = "etf", "ETF"
    BOND = "bond"
    CASH = "cash"
    FUND = "fund"
    CRYPTO = "crypto"


# The classes whose issuers charge their holders.
FUNDS = frozenset({AssetClass.ETF, AssetClass.FUND})


class PriceAdjustment(models.TextChoices):
    """The adjustments a publisher has made to an asset's earlier closes."""

    NONE = "none", "As traded"
    SPLITS = "splits", "Splits"
    SPLITS_AND_DIVIDENDS = "splits_and_dividends", "Splits and dividends"


def ensure_exchange(name: str) -> None:
    """Raise ValidationError unless the calendar library has the exchange."""
    if not is_known(name):
        raise ValidationError(
            "No exchange calendar has this name. Use a code such as XNYS, or leave it empty.",
            code="exchange_unknown",
        )


class Source(models.Model):
    """The source of figures: a provider, or a published package with its license."""

    name = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=16)  # provider, package, replay, own
    version = models.CharField(max_length=32, blank=True)
    licence = models.CharField(max_length=64, blank=True)
    description = models.TextField(blank=True)
    # The results of loading: bars kept, bars refused and the reasons.
    quality = models.JSONField(default=dict, blank=True)
    loaded_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class AssetQuerySet(models.QuerySet["Asset"]):
    def for_user(self, user: User) -> "AssetQuerySet":
        """Return public assets and those of the households the user may see."""
        return self.filter(Q(household=None) | Q(household_id__in=household_ids(user)))

    def for_household(self, household_id: int) -> "AssetQuerySet":
        return self.filter(Q(household=None) | Q(household_id=household_id))


class Asset(models.Model):
    """A security or other asset. Only the household itself sees its own assets."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    symbol = models.CharField(max_length=limits.SYMBOL_LENGTH_MAX)
    name = models.CharField(max_length=limits.NAME_LENGTH_MAX)
    asset_class = models.CharField(max_length=8, choices=AssetClass.choices)
    currency = models.CharField(max_length=3)
    isin = models.CharField(max_length=12, blank=True)
    exchange = models.CharField(
        max_length=8,
        blank=True,
        validators=[ensure_exchange],
        help_text="Code of the exchange calendar, such as XNYS; empty if the market never closes.",
    )
    household = models.ForeignKey(
        Household, null=True, blank=True, on_delete=models.PROTECT, related_name="own_assets"
    )
    substantially_identical_to = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="identical"
    )
    fractional = models.BooleanField(default=True)
    tradable = models.BooleanField(default=True, help_text="False for an index or a currency")
    half_spread_bp = models.DecimalField(max_digits=8, decimal_places=3, default=2)
    expense_ratio = models.DecimalField(
        max_digits=6,
        decimal_places=5,
        null=True,
        blank=True,
        help_text="Yearly charge of a fund as a fraction: 0.0015 is 0.15 %. Empty: not known.",
    )
    source = models.ForeignKey(
        Source, null=True, blank=True, on_delete=models.PROTECT, related_name="assets"
    )
    # Units of a day are multiplied only by prices of that day: where a series is adjusted for
    # splits, the adjustment is undone first.
    price_adjustment = models.CharField(
        max_length=24, choices=PriceAdjustment.choices, default=PriceAdjustment.NONE
    )
    # Demo series are shifted by whole weeks; these fields keep the real dates.
    shifted_days = models.IntegerField(default=0)
    original_first_date = models.DateField(null=True, blank=True)
    original_last_date = models.DateField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AssetQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="asset_expense_ratio_is_a_fraction",
                condition=Q(expense_ratio__isnull=True) | Q(expense_ratio__range=(0, 1)),
            ),
            models.UniqueConstraint(
                fields=["symbol"], name="asset_symbol_unique", condition=Q(household=None)
            ),
            models.UniqueConstraint(
                fields=["household", "symbol"],
                name="asset_own_symbol_unique",
                condition=Q(household__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["isin"], name="asset_isin", condition=~Q(isin="")),
            # The list of assets, page by page.
            models.Index(fields=["symbol", "id"], name="asset_by_symbol"),
            # Operators: one class of assets, and the few closed assets.
            models.Index(fields=["asset_class", "symbol", "id"], name="asset_by_class"),
            models.Index(
                fields=["symbol", "id"], name="asset_closed", condition=Q(is_active=False)
            ),
            # Search during typing: symbol prefix, words of the name by trigram.
            models.Index(
                fields=["symbol"], name="asset_symbol_prefix", opclasses=["varchar_pattern_ops"]
            ),
            GinIndex(fields=["name"], name="asset_name_trigram", opclasses=["gin_trgm_ops"]),
        ]

    def __str__(self) -> str:
        return self.symbol

    @property
    def yearly_charge(self) -> Decimal | None:
        """Return what holding it costs a year, as a fraction; None for a fund of unknown charge."""
        if self.expense_ratio is None and self.asset_class not in FUNDS:
            return Decimal(0)
        return self.expense_ratio


class IdentityDecision(models.Model):
    """A decision on an asset's substantial identity, with its author, day and reason.

    The asset itself has the values of its latest decision. Only two fields of a decision change:
    `listed_at`, when the households concerned were listed to be rebooked, and `applied_at`, when
    the last of them was rebooked.
    """

    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="identity_decisions")
    identical_to = models.ForeignKey(
        Asset, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    previously = models.ForeignKey(
        Asset, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=limits.NOTE_LENGTH_MAX, blank=True)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    listed_at = models.DateTimeField(null=True, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # The few decisions whose ledgers are still being rebooked.
            models.Index(
                fields=["id"], name="identity_not_applied", condition=Q(applied_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asset_id} is {self.identical_to_id or 'itself'}"


class ActionSource(models.TextChoices):
    """Where a corporate action was learned from."""

    OPERATOR = "operator"
    PERSON = "person"
    FILE = "file"
    VENDOR = "vendor"


class ActionState(models.TextChoices):
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"


class CorporateActionQuerySet(models.QuerySet["CorporateAction"]):
    def for_user(self, user: User) -> "CorporateActionQuerySet":
        """Return actions of public securities, and those of the households the user may see."""
        return self.filter(Q(household=None) | Q(household_id__in=household_ids(user)))


class CorporateAction(models.Model):
    """One event of a security, however many accounts it changes and sources report it.

    Without a household it concerns a public security and everyone who held it; with one, that
    household alone. The terms never change: a wrong action is withdrawn and proposed again.
    """

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="corporate_actions")
    household = models.ForeignKey(
        Household, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    kind = models.CharField(max_length=24, choices=ACTION_CHOICES)
    ex_date = models.DateField(help_text="The first day on which the shares trade without it.")
    payment_date = models.DateField(null=True, blank=True)
    new_asset = models.ForeignKey(
        Asset, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ratio_new = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    ratio_old = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    basis_percentage = models.DecimalField(max_digits=12, decimal_places=8, null=True, blank=True)
    # Of cash_per_share, new_share_value and cash_in_lieu_price.
    currency = models.CharField(max_length=3)
    cash_per_share = models.DecimalField(
        max_digits=limits.PRICE_DIGITS, decimal_places=limits.PRICE_DECIMALS, null=True, blank=True
    )
    new_share_value = models.DecimalField(
        max_digits=limits.PRICE_DIGITS,
        decimal_places=limits.PRICE_DECIMALS,
        null=True,
        blank=True,
        help_text="Value of one new share, if cash is paid beside shares.",
    )
    cash_in_lieu_price = models.DecimalField(
        max_digits=limits.PRICE_DIGITS,
        decimal_places=limits.PRICE_DECIMALS,
        null=True,
        blank=True,
        help_text="Paid for a whole share where only a fraction is left.",
    )
    final = models.BooleanField(default=False, help_text="The last payment of a liquidation.")
    source = models.CharField(max_length=8, choices=ActionSource.choices)
    reference = models.CharField(
        max_length=limits.NOTE_LENGTH_MAX,
        blank=True,
        help_text="Where it is announced, such as the issuer's Form 8937.",
    )
    state = models.CharField(
        max_length=9, choices=ActionState.choices, default=ActionState.PROPOSED
    )
    # Nobody: a vendor announced it.
    proposed_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    proposed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    # When the households it concerns were listed; empty again when it is withdrawn.
    listed_at = models.DateTimeField(null=True, blank=True)

    objects = CorporateActionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="corporate_action_state_has_time",
                condition=Q(state="proposed", confirmed_at__isnull=True, withdrawn_at__isnull=True)
                | Q(state="confirmed", confirmed_at__isnull=False, withdrawn_at__isnull=True)
                | Q(state="withdrawn", withdrawn_at__isnull=False),
            ),
            models.CheckConstraint(
                name="corporate_action_ratio_positive",
                condition=Q(ratio_new__isnull=True, ratio_old__isnull=True)
                | Q(ratio_new__gt=0, ratio_old__gt=0),
            ),
        ]
        indexes = [
            # The actions of a security, newest first.
            models.Index(fields=["asset", "-ex_date", "-id"], name="corporate_action_by_asset"),
            # All actions, newest first.
            models.Index(fields=["-ex_date", "-id"], name="corporate_action_newest"),
            # The few decided actions whose households are not listed yet.
            models.Index(
                fields=["id"],
                name="corporate_action_not_listed",
                condition=Q(listed_at__isnull=True) & ~Q(state="proposed"),
            ),
        ]

    def __str__(self) -> str:
        return f"{sentence(self.terms)} on {self.ex_date}"

    @property
    def terms(self) -> Terms:
        """The terms as the pure code reads them; needs the assets loaded."""
        return Terms(
            kind=self.kind,
            symbol=self.asset.symbol,
            ex_date=self.ex_date,
            currency=self.currency,
            new_symbol=self.new_asset.symbol if self.new_asset else None,
            ratio_new=self.ratio_new,
            ratio_old=self.ratio_old,
            basis_percentage=self.basis_percentage,
            cash_per_share=self.cash_per_share,
            new_share_value=self.new_share_value,
            cash_in_lieu_price=self.cash_in_lieu_price,
            payment_date=self.payment_date,
            final=self.final,
        )
