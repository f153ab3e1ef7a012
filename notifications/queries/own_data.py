"""Everything that is kept about one person, as the files of their archive.

It is of the person's own household, as they see it; an adviser's clients are not theirs. Secrets
are in no file: no password, no key, no code, and no address to which a browser is pushed.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import Model, QuerySet

from core.errors import NotFound
from identity import queries as identity
from identity.models import User
from identity.operations.log_ins import open_log_ins
from jobs.models import Job
from marketdata.models import Asset, CorporateAction, OwnPrice
from notifications.models import OwnDataArchive, PriceAlert, PushSubscription, Webhook
from notifications.own_data.files import ArchiveFile, csv_text, json_text
from notifications.queries.notices import notices
from notifications.queries.people import preference_of, wishes_of
from portfolios.models import (
    Goal,
    RebalancePolicy,
    Restriction,
    SkippedDividend,
    Target,
    TargetSetVersion,
    TaxCarryforward,
    TaxFiling,
)
from recommendations.models import (
    AllocationModel,
    Note,
    Recommendation,
    RiskAssessment,
    Strategy,
    StrategyFollow,
    StrategyReport,
)
from transactions.files.writing import FORMATS
from transactions.models import Account, Import, Order, Reconciliation, WashSalePolicy
from transactions.queries.exports import drafts

COLLECT = "notifications.collect_own_data"
_ROWS_AT_ONCE = 2_000
_PROFILE = (
    *("public_id", "email", "full_name", "role", "base_currency", "federal_ordinary_rate"),
    *("federal_long_term_rate", "state_rate", "net_investment_income_rate", "active_trader"),
    *("created_at", "last_login", "email_verified_at", "closes_at"),
)
_ACCOUNT = (
    *("public_id", "name", "type", "currency", "lot_method", "cash", "opened_date"),
    *("created_at", "archived_at"),
)


def files_of(*, user: User, now: datetime) -> Iterator[ArchiveFile]:
    """Yield the files; their texts are read when they are written. Call it in a snapshot."""
    household = user.household
    accounts = list(Account.objects.filter(household=household).order_by("id"))
    yield ArchiveFile("profile.json", "who you are here", partial(_profile, user))
    yield ArchiveFile(
        "accounts.csv",
        "the accounts of your household",
        partial(csv_text, _ACCOUNT, (_fields(row, _ACCOUNT) for row in accounts)),
    )
    yield ArchiveFile(
        "transactions.csv",
        "every transaction, reversed ones too; it can be imported again",
        lambda: FORMATS["ballast"].write(drafts(listed=accounts, standing=False)),
    )
    yield from _plans(accounts)
    yield from _records(accounts)
    yield from _own_market(user)
    yield from _thoughts(user)
    yield from _told(user)
    yield from _access(user, now)
    yield from _opened_to(user, now)
    yield ArchiveFile(
        "audit.csv",
        "who did what with the access to your household",
        partial(csv_text, _EVENT, _events(user)),
    )


def _profile(user: User) -> Iterator[str]:
    household = user.household
    filing = TaxFiling.objects.filter(household=household).first()
    carried = TaxCarryforward.objects.filter(owner=user)
    return json_text(
        {
            **{name: getattr(user, name) for name in _PROFILE},
            "household": {"id": household.public_id, "name": household.name},
            "members": [one.email for one in identity.members(household=household)],
            "tax_filing": _row(filing),
            "wash_sale_policy": _row(WashSalePolicy.objects.filter(household=household).first()),
            "tax_carryforwards": [_row(one) for one in carried.order_by("pk")],
        }
    )


def _table(
    accounts: Sequence[Account],
    name: str,
    about: str,
    rows: "QuerySet[Any, Any]",
    **fields: str,
) -> ArchiveFile:
    """Return the rows of some accounts as a file; `fields` by the names of its columns."""
    found = rows.filter(account__in=accounts).order_by("pk").values_list(*fields.values())
    return ArchiveFile(name, about, lambda: csv_text(list(fields), found.iterator(_ROWS_AT_ONCE)))


def _plans(accounts: Sequence[Account]) -> Iterator[ArchiveFile]:
    table = partial(_table, accounts)
    yield table(
        "targets.csv",
        "the shares of your accounts you aim at; no symbol is cash",
        Target.objects.all(),
        account="account__name",
        symbol="asset__symbol",
        target_percentage="target_percentage",
        rebalance_threshold="rebalance_threshold",
    )
    yield table(
        "restrictions.csv",
        "what your accounts must not trade",
        Restriction.objects.all(),
        account="account__name",
        symbol="asset__symbol",
        kind="kind",
        until="until_date",
        reason="reason",
    )
    version = ("target_set__account__name", "number", "weights", "note", "created_at")
    versions = TargetSetVersion.objects.filter(target_set__account__in=accounts).order_by("id")
    yield ArchiveFile(
        "targets_history.csv",
        "every version of these targets",
        lambda: csv_text(
            ("account", *version[1:]), versions.values_list(*version).iterator(_ROWS_AT_ONCE)
        ),
    )
    yield ArchiveFile(
        "rebalance_policies.json",
        "your rules of rebalancing",
        lambda: json_text(
            [_row(one) for one in RebalancePolicy.objects.filter(account__in=accounts)]
        ),
    )


def _records(accounts: Sequence[Account]) -> Iterator[ArchiveFile]:
    table = partial(_table, accounts)
    yield table(
        "orders.csv",
        "the orders of your accounts",
        Order.objects.all(),
        id="public_id",
        account="account__name",
        symbol="asset__symbol",
        side="side",
        type="type",
        quantity="quantity",
        limit_price="limit_price",
        filled="filled_quantity",
        state="state",
        broker="broker",
        created_at="created_at",
    )
    yield table(
        "recommendations.csv",
        "what was recommended, and what you decided",
        Recommendation.objects.all(),
        id="public_id",
        account="account__name",
        kind="kind",
        status="status",
        created_at="created_at",
        decided_at="decided_at",
    )
    yield table(
        "skipped_dividends.csv",
        "the announced dividends you left out",
        SkippedDividend.objects.all(),
        account="account__name",
        symbol="asset__symbol",
        ex_date="ex_date",
        skipped_at="skipped_at",
    )
    yield table(
        "reconciliations.csv",
        "the files you compared with your accounts",
        Reconciliation.objects.all(),
        id="public_id",
        account="account__name",
        file="file_name",
        from_date="from_date",
        to_date="to_date",
        matched="matched",
        differing="differing",
        result="result",
        created_at="created_at",
    )
    yield table(
        "imports.csv",
        "the files you imported",
        Import.objects.all(),
        id="public_id",
        account="account__name",
        format="format",
        created_at="created_at",
    )


def _own_market(user: User) -> Iterator[ArchiveFile]:
    """Yield the assets and prices that the household entered itself."""
    asset = ("symbol", "name", "asset_class", "currency", "isin")
    assets = Asset.objects.filter(household_id=user.household_id).order_by("id")
    yield ArchiveFile(
        "own_assets.csv",
        "the assets your household added",
        lambda: csv_text(asset, assets.values_list(*asset).iterator(_ROWS_AT_ONCE)),
    )
    price = ("asset__symbol", "date", "stated", "stated_currency", "nominal", "recorded_at")
    prices = OwnPrice.objects.filter(household_id=user.household_id).order_by("asset_id", "date")
    yield ArchiveFile(
        "own_prices.csv",
        "the prices your household entered",
        lambda: csv_text(
            ("symbol", *price[1:]), prices.values_list(*price).iterator(_ROWS_AT_ONCE)
        ),
    )
    actions = CorporateAction.objects.filter(household_id=user.household_id)
    yield ArchiveFile(
        "own_actions.json",
        "the corporate actions your household entered",
        lambda: json_text(
            [
                {"symbol": one.asset.symbol, **(_row(one) or {})}
                for one in actions.select_related("asset").order_by("id")
            ]
        ),
    )


def _thoughts(user: User) -> Iterator[ArchiveFile]:
    """Yield what was written, answered and published."""
    note = ("subject_type", "subject_id", "author__email", "body", "created_at", "changed_at")
    notes = Note.objects.filter(household_id=user.household_id).order_by("id")
    yield ArchiveFile(
        "notes.csv",
        "the notes of your household",
        lambda: csv_text(
            ("subject_type", "subject_id", "author", *note[3:]),
            notes.values_list(*note).iterator(_ROWS_AT_ONCE),
        ),
    )
    goal = ("name", "target", "currency", "target_date", "contribution", "created_at")
    goals = Goal.objects.filter(household_id=user.household_id).order_by("id")
    yield ArchiveFile(
        "goals.csv",
        "the goals of your household",
        lambda: csv_text(goal, goals.values_list(*goal)),
    )
    answered = RiskAssessment.objects.filter(household_id=user.household_id).order_by("id")
    yield ArchiveFile(
        "questionnaires.json",
        "the risk questionnaires of your household, with the profile they gave",
        lambda: json_text([_row(one) for one in answered]),
    )
    model = ("public_id", "model", "request", "result", "created_at", "fitted_at")
    models = AllocationModel.objects.filter(household_id=user.household_id).order_by("id")
    yield ArchiveFile(
        "models.csv",
        "the models of target weights your household asked for",
        lambda: csv_text(model, models.values_list(*model).iterator(_ROWS_AT_ONCE)),
    )
    written = Strategy.objects.filter(author=user).order_by("id")
    yield ArchiveFile(
        "strategies.json",
        "the strategies you wrote",
        lambda: json_text([_row(one) for one in written]),
    )
    followed = StrategyFollow.objects.filter(household_id=user.household_id)
    yield ArchiveFile(
        "followed_strategies.csv",
        "the strategies your household follows",
        lambda: csv_text(
            ("name", "since"), followed.order_by("since").values_list("strategy__name", "since")
        ),
    )
    reports = StrategyReport.objects.filter(reporter=user).order_by("id")
    yield ArchiveFile(
        "reports.csv",
        "the strategies you reported to the moderators",
        lambda: csv_text(
            ("strategy", "reason", "details", "created_at"),
            reports.values_list("strategy__name", "reason", "details", "created_at"),
        ),
    )


def _told(user: User) -> Iterator[ArchiveFile]:
    wishes = wishes_of(preference_of(user=user))
    yield ArchiveFile(
        "preferences.json",
        "what you want to be told, where and when",
        lambda: json_text(
            {
                "choices": wishes.choices,
                "time_zone": wishes.time_zone,
                "quiet_from": wishes.quiet_from,
                "quiet_until": wishes.quiet_until,
                "digest": wishes.digest,
                "muted_accounts": wishes.muted_accounts,
            }
        ),
    )
    read = notices(user=user).values_list("created_at", "topic", "title", "read_at")
    yield ArchiveFile(
        "notifications.csv",
        "what you were told in the application",
        lambda: csv_text(["created_at", "topic", "title", "read_at"], read.iterator(_ROWS_AT_ONCE)),
    )
    alerts = PriceAlert.objects.for_user(user).order_by("id")
    yield ArchiveFile(
        "price_alerts.csv",
        "the prices you wait for",
        lambda: csv_text(
            ["symbol", "kind", "value", "fired_at", "created_at"],
            alerts.values_list("asset__symbol", "kind", "value", "fired_at", "created_at"),
        ),
    )
    hooks = Webhook.objects.for_user(user).order_by("id")
    yield ArchiveFile(
        "webhooks.csv",
        "where your messages are sent, without the secrets",
        lambda: csv_text(
            ["url", "topics", "enabled", "created_at"],
            hooks.values_list("url", "topics", "enabled", "created_at"),
        ),
    )
    browsers = PushSubscription.objects.for_user(user).order_by("id")
    yield ArchiveFile(
        "browsers.csv",
        "the browsers that take pushes",
        lambda: csv_text(["created_at"], browsers.values_list("created_at")),
    )


def _access(user: User, now: datetime) -> Iterator[ArchiveFile]:
    log_in = ("kind", "device", "address", "created_at", "last_used_at", "expires")
    yield ArchiveFile(
        "sessions.csv",
        "where you are logged in",
        lambda: csv_text(
            log_in, ([row[name] for name in log_in] for row in open_log_ins(user=user, now=now))
        ),
    )
    key = ("name", "prefix", "scopes", "account_ids", "created_at", "expires_at", "last_used_at")
    yield ArchiveFile(
        "api_keys.csv",
        "your API keys that are in force, without the keys",
        lambda: csv_text(key, identity.api_keys(user=user).values_list(*key)),
    )
    passkey = ("name", "created_at", "last_used_at")
    yield ArchiveFile(
        "passkeys.csv",
        "your passkeys",
        lambda: csv_text(passkey, identity.passkeys(user=user).values_list(*passkey)),
    )


def _opened_to(user: User, now: datetime) -> Iterator[ArchiveFile]:
    """Yield who else was let in."""
    yield ArchiveFile(
        "advisers.csv",
        "the advisers who see your household",
        lambda: csv_text(
            ("adviser", "created_at"),
            identity.advisers(user=user).values_list("adviser__email", "created_at"),
        ),
    )
    yield ArchiveFile(
        "accountants.csv",
        "the accountants who may read tax years of your household",
        lambda: csv_text(
            ("accountant", "years", "ends_at"),
            identity.accountants(user=user, now=now).values_list(
                "accountant__email", "years", "ends_at"
            ),
        ),
    )
    yield ArchiveFile(
        "invitations.csv",
        "the open invitations to your household",
        lambda: csv_text(
            ("email", "created_at", "expires_at"),
            identity.open_invitations(user=user).values_list("email", "created_at", "expires_at"),
        ),
    )


_EVENT = ("created_at", "kind", "user", "actor", "device", "address", "details")


def _events(user: User) -> Iterator[Sequence[object]]:
    for event in identity.security_events(user=user).iterator(_ROWS_AT_ONCE):
        seen = identity.event_seen(event=event, user=user)
        yield [seen[name] for name in _EVENT]


def _fields(row: Model, names: Iterable[str]) -> list[object]:
    return [getattr(row, name) for name in names]


def _row(row: Model | None) -> dict[str, object] | None:
    """Return the fields of a row without its keys."""
    if row is None:
        return None
    return {
        field.name: getattr(row, field.name)
        for field in row._meta.concrete_fields
        if not field.is_relation and not field.primary_key
    }


def archive_of(*, user: User, now: datetime) -> OwnDataArchive:
    """Return the user's archive; raise NotFound if there is none, or no longer.

    One collected in a household that the user has left since is none: they see nothing of it.
    """
    rows = OwnDataArchive.objects.for_user(user).filter(expires_at__gt=now)
    found = rows.filter(of_household_id=user.household_id).first()
    if found is None:
        raise NotFound(
            "There is no archive of your data, or it has expired. Ask for a new one.",
            code="archive_not_found",
        )
    return found


def collecting(*, user: User) -> Job | None:
    """Return the newest job that collected or collects the user's data."""
    rows = Job.objects.filter(kind=COLLECT, subject_id=user.public_id)
    return rows.order_by("-id").first()
