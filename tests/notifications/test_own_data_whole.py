"""The archive holds every kind of thing a person or household has, and ends with membership."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from identity.models import Household, User
from identity.operations.users import move
from notifications.models import OwnDataArchive
from tests.notifications.test_own_data import URL, collected

pytestmark = pytest.mark.django_db

# Each model that names a person or a household, and the file of the archive that holds its rows.
IN_A_FILE = {
    "identity.User": "profile.json",
    "identity.AdviserLink": "advisers.csv",
    "identity.AccountantLink": "accountants.csv",
    "identity.Invitation": "invitations.csv",
    "identity.SecurityEvent": "audit.csv",
    "identity.ApiKey": "api_keys.csv",
    "identity.Passkey": "passkeys.csv",
    "identity.TokenFamily": "sessions.csv",
    "marketdata.Asset": "own_assets.csv",
    "marketdata.OwnPrice": "own_prices.csv",
    "marketdata.CorporateAction": "own_actions.json",
    "transactions.Account": "accounts.csv",
    "transactions.Transaction": "transactions.csv",
    "transactions.Order": "orders.csv",
    "transactions.Import": "imports.csv",
    "transactions.Reconciliation": "reconciliations.csv",
    "transactions.WashSalePolicy": "profile.json",
    "portfolios.Goal": "goals.csv",
    "portfolios.SkippedDividend": "skipped_dividends.csv",
    "portfolios.TargetSet": "targets_history.csv",
    "portfolios.TargetSetVersion": "targets_history.csv",
    "portfolios.TaxFiling": "profile.json",
    "portfolios.TaxCarryforward": "profile.json",
    "recommendations.Recommendation": "recommendations.csv",
    "recommendations.Note": "notes.csv",
    "recommendations.RiskAssessment": "questionnaires.json",
    "recommendations.AllocationModel": "models.csv",
    "recommendations.Strategy": "strategies.json",
    "recommendations.StrategyAuthor": "strategies.json",
    "recommendations.StrategyFollow": "followed_strategies.csv",
    "recommendations.StrategyReport": "reports.csv",
    "notifications.Notice": "notifications.csv",
    "notifications.Preference": "preferences.json",
    "notifications.Webhook": "webhooks.csv",
    "notifications.PushSubscription": "browsers.csv",
    "notifications.PriceAlert": "price_alerts.csv",
}
# Models whose rows are in no file, and why.
LEFT_OUT = {
    "identity.Authenticator": "a secret",
    "identity.RecoveryCode": "a secret",
    "identity.MailLink": "a secret",
    "jobs.Job": "work; what came of it is in the other files",
    "jobs.Outbox": "messages on their way, deleted when sent",
    "jobs.IdempotencyKey": "answers to repeated requests, kept for a day",
    "notifications.Delivery": "messages on their way, deleted when sent",
    "notifications.OwnDataArchive": "the archive itself",
    "portfolios.HoldingsColumns": "a copy of the ledger, for speed",
    "transactions.ActionRun": "what it booked is among the transactions",
    "transactions.Rebooking": "work; what came of it is among the transactions",
    "transactions.ImportMapping": "how columns of files were read, without their contents",
    "marketdata.IdentityDecision": "decided by operators",
    "marketdata.Listing": "decided by operators",
    "recommendations.NightlyRun": "started by operators",
    "recommendations.StrategyModeration": "decided by operators",
}


OURS = {
    *("identity", "jobs", "marketdata", "transactions", "portfolios"),
    *("recommendations", "notifications"),
}


def of_people() -> set[str]:
    """Return our models that refer to a person or a household, without the audit copies."""
    return {
        model._meta.label
        for model in apps.get_models()
        if model._meta.app_label in OURS
        and not hasattr(model, "pgh_tracked_model")
        and any(
            field is model._meta.pk if model is User else field.related_model in (User, Household)
            for field in model._meta.concrete_fields
        )
    }


def test_every_model_of_people_is_in_the_archive_or_left_out_for_a_reason(
    people: Any, client_of: Callable[..., Any]
) -> None:
    assert of_people() == {*IN_A_FILE, *LEFT_OUT}
    assert not set(IN_A_FILE) & set(LEFT_OUT)
    files = collected(client_of(people.owner))
    assert set(IN_A_FILE.values()) <= set(files)


def test_what_a_household_wrote_and_answered_is_in_it_and_nothing_of_others(
    people: Any, assets: Any, client_of: Callable[..., Any]
) -> None:
    for person, body in ((people.owner, "Hold it"), (people.stranger, "Not yours")):
        made = client_of(person).post(
            "/api/v1/notes",
            {"subject_type": "asset", "subject_id": str(assets["AAA"].public_id), "body": body},
        )
        assert made.status_code == 201, made.content
    files = collected(client_of(people.owner))
    (note,) = csv.DictReader(io.StringIO(files["notes.csv"]))
    assert (note["author"], note["body"]) == (people.owner.email, "Hold it")
    assert [row["adviser"] for row in csv.DictReader(io.StringIO(files["advisers.csv"]))] == [
        people.adviser.email
    ]


def test_who_left_a_household_fetches_no_archive_of_it_any_more(
    people: Any, account: Any, client_of: Callable[..., Any]
) -> None:
    collected(client_of(people.spouse))
    assert OwnDataArchive.objects.filter(expires_at__gt=timezone.now()).exists()
    move(user=people.spouse, household=people.stranger.household)
    people.spouse.refresh_from_db()
    answer = client_of(people.spouse).get(URL)
    assert (answer.status_code, answer.json()["code"]) == (404, "archive_not_found")
