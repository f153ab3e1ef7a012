"""Accounts over HTTP: open, change, archive, restore and delete them."""

from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.dates import instant_text
from core.errors import InvalidInput
from core.limits import NAME_LENGTH_MAX
from core.money_text import money_text
from edge.pagination import Pages
from edge.schema import page_of, page_parameters
from edge.serializers import (
    CurrencyField,
    StrictSerializer,
)
from identity.authentication import caller
from identity.models import Household
from identity.queries import household_seen
from jobs.api import IDEMPOTENCY_HEADER, answered_once
from jobs.operations import Answer
from transactions import queries
from transactions.models import Account, AccountType, LotMethod
from transactions.operations import change_account, open_account
from transactions.operations.archiving import (
    archive_account,
    delete_account,
    restore_account,
)


class AccountWrite(StrictSerializer):
    name = serializers.CharField(max_length=NAME_LENGTH_MAX)
    type = serializers.ChoiceField(choices=AccountType.choices)
    currency = CurrencyField()
    lot_method = serializers.ChoiceField(choices=LotMethod.choices, default=LotMethod.FIFO)
    opened_date = serializers.DateField(
        required=False, allow_null=True, help_text="Opening date; transactions cannot be earlier."
    )
    household_id = serializers.UUIDField(
        required=False,
        help_text="Household (UUID); default: your own. Advisers name a client's household.",
    )
    owner_id = serializers.UUIDField(
        required=False,
        help_text="Member who owns the account (UUID); default: the caller, if they are a member.",
    )


class AccountChange(StrictSerializer):
    name = serializers.CharField(max_length=NAME_LENGTH_MAX, required=False)
    lot_method = serializers.ChoiceField(choices=LotMethod.choices, required=False)


class AccountRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    household_id = serializers.UUIDField()
    owner_id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.ChoiceField(choices=AccountType.choices)
    currency = serializers.CharField()
    lot_method = serializers.ChoiceField(choices=LotMethod.choices)
    opened_date = serializers.DateField(allow_null=True)
    cash = serializers.CharField()
    created_at = serializers.DateTimeField()
    archived_at = serializers.DateTimeField(allow_null=True)


def account_row(account: Account) -> dict[str, object]:
    """Return an account as JSON."""
    return {
        "id": str(account.public_id),
        "household_id": str(account.household.public_id),
        "owner_id": str(account.owner.public_id),
        "name": account.name,
        "type": account.type,
        "currency": account.currency,
        "lot_method": account.lot_method,
        "opened_date": account.opened_date.isoformat() if account.opened_date else None,
        "cash": money_text(account.cash, account.currency),
        "created_at": instant_text(account.created_at),
        "archived_at": instant_text(account.archived_at) if account.archived_at else None,
    }


_ARCHIVED = {"false": False, "true": True, "all": None}


class AccountsView(APIView):
    @extend_schema(
        operation_id="accounts_list",
        responses=page_of(AccountRead),
        parameters=[
            OpenApiParameter(
                "archived",
                str,
                enum=["false", "true", "all"],
                default="false",
                description="Which accounts to return: open (false), archived (true) or all.",
            ),
            *page_parameters(),
        ],
    )
    def get(self, request: Request) -> Response:
        """List the accounts of the household, oldest first."""
        wanted = request.query_params.get("archived", "false")
        if wanted not in _ARCHIVED:
            raise InvalidInput(
                "archived is not valid. Send false, true or all.",
                code="filter_invalid",
                fields={"archived": ["must be false, true or all"]},
            )
        rows = queries.accounts(user=caller(request), archived=_ARCHIVED[wanted])
        return Pages().answer(request, rows, row=account_row)

    @extend_schema(
        operation_id="accounts_create",
        request=AccountWrite,
        responses={201: AccountRead},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request) -> Response:
        """Open an account."""
        data = AccountWrite.parsed(request)
        now = timezone.now()

        user = caller(request)

        def access() -> Household:
            return household_seen(user=user, public_id=data.get("household_id"))

        def effect(household: Household) -> Answer:
            return 201, account_row(open_account(user=user, now=now, **data))

        return answered_once(request, now=now, access=access, effect=effect)


class AccountView(APIView):
    @extend_schema(operation_id="accounts_retrieve", responses=AccountRead)
    def get(self, request: Request, account_id: UUID) -> Response:
        """Return an account."""
        return Response(
            account_row(queries.account_with_owner(user=caller(request), public_id=account_id))
        )

    @extend_schema(operation_id="accounts_update", request=AccountChange, responses=AccountRead)
    def patch(self, request: Request, account_id: UUID) -> Response:
        """Rename an account or change the lot method of its future sales."""
        account = queries.account(user=caller(request), public_id=account_id)
        data = AccountChange.parsed(request)
        return Response(account_row(change_account(account=account, **data)))

    @extend_schema(operation_id="accounts_delete", request=None, responses={204: None})
    def delete(self, request: Request, account_id: UUID) -> Response:
        """Delete an account in which nothing was ever recorded, with its targets."""
        delete_account(account=queries.account(user=caller(request), public_id=account_id))
        return Response(status=204)


class ArchiveView(APIView):
    @extend_schema(operation_id="accounts_archive", request=None, responses=AccountRead)
    def post(self, request: Request, account_id: UUID) -> Response:
        """Archive an account that holds nothing. It is unlisted and takes no transactions."""
        account = queries.account(user=caller(request), public_id=account_id)
        return Response(account_row(archive_account(account=account, now=timezone.now())))


class RestoreView(APIView):
    @extend_schema(operation_id="accounts_restore", request=None, responses=AccountRead)
    def post(self, request: Request, account_id: UUID) -> Response:
        """Restore an archived account to the list."""
        account = queries.account(user=caller(request), public_id=account_id)
        return Response(account_row(restore_account(account=account)))


urlpatterns = [
    path("accounts", AccountsView.as_view()),
    path("accounts/<uuid:account_id>", AccountView.as_view()),
    path("accounts/<uuid:account_id>/archive", ArchiveView.as_view()),
    path("accounts/<uuid:account_id>/restore", RestoreView.as_view()),
]
