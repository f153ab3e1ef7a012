"""A broker's file beside the ledger, over HTTP: compared, kept, listed."""

from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.dates import instant_text
from core.limits import EARLIEST_DATE, LATEST_DATE, NAME_LENGTH_MAX
from edge.pagination import Keyset
from edge.schema import page_of, page_parameters
from edge.serializers import StrictSerializer
from edge.uploads import StrictFormParser
from identity.authentication import caller
from jobs.api import IDEMPOTENCY_HEADER, answered_once
from jobs.operations import Answer
from transactions import queries
from transactions.files.broker_lots import REASONS
from transactions.files.comparing.causes import REASONS as CAUSES
from transactions.models import Account, Reconciliation, ReconciliationKind
from transactions.operations import reconciling
from transactions.queries.reconciliations import reconciliation, reconciliations

FORMAT_CHOICES = [(name, name) for name in reconciling.FORMATS]
STATUSES = [(name, name) for name in ("matched", "differs", "only_ours", "only_theirs")]
LOT_REASONS = [(name, name) for name in sorted(REASONS)]
HOLDING_REASONS = [(name, name) for name in sorted(CAUSES)]


class ReconciliationWrite(StrictSerializer):
    file = serializers.FileField(allow_empty_file=True, max_length=1000)
    account_id = serializers.UUIDField()
    kind = serializers.ChoiceField(
        choices=ReconciliationKind.choices,
        required=False,
        help_text="Part of the file to compare; default: positions and cash, if it states them.",
    )
    as_of = serializers.DateField(
        required=False, help_text="Day of a statement; default: the day that the file states."
    )
    file_account = serializers.CharField(
        max_length=NAME_LENGTH_MAX,
        required=False,
        help_text="Account of the file to compare, if the file has several.",
    )
    year = serializers.IntegerField(
        min_value=1950,
        max_value=2200,
        required=False,
        help_text="Calendar year of realized lots; default: the dates of the file.",
    )
    format = serializers.ChoiceField(choices=FORMAT_CHOICES, required=False)

    def validate_as_of(self, value: Any) -> Any:
        if value < EARLIEST_DATE:
            raise serializers.ValidationError("This is before 1950.", code="date_too_early")
        if value > LATEST_DATE:
            raise serializers.ValidationError("This is after 2200.", code="date_too_late")
        return value


class ReconciledTotals(serializers.Serializer[Any]):
    proceeds = serializers.CharField()
    cost_basis = serializers.CharField()
    disallowed_loss = serializers.CharField()
    recognized_gain = serializers.CharField()


class ReconciledLot(serializers.Serializer[Any]):
    opened_date = serializers.DateField(allow_null=True)
    closed_date = serializers.DateField(allow_null=True)
    quantity = serializers.CharField()
    proceeds = serializers.CharField()
    cost_basis = serializers.CharField()
    disallowed_loss = serializers.CharField()
    term = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)
    sale_id = serializers.CharField(allow_null=True)
    lot_id = serializers.CharField(allow_null=True)


class ReconciledDifference(serializers.Serializer[Any]):
    field = serializers.CharField()
    ours = serializers.CharField(allow_null=True)
    theirs = serializers.CharField(allow_null=True)
    by = serializers.CharField(allow_null=True, help_text="Their figure minus ours.")


class ReconciliationReason(serializers.Serializer[Any]):
    code = serializers.ChoiceField(choices=LOT_REASONS)
    detail = serializers.CharField()


class ReconciledLine(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=STATUSES)
    symbol = serializers.CharField()
    ours = ReconciledLot(many=True)
    theirs = ReconciledLot(many=True)
    differences = ReconciledDifference(many=True)
    reasons = ReconciliationReason(many=True)


class UnreadableLine(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    column = serializers.CharField()


class HoldingProposal(serializers.Serializer[Any]):
    action = serializers.ChoiceField(
        choices=["reverse", "record", "import"],
        help_text="Suggested correction: reverse transactions, record one, or import the file. "
        "Nothing changes until you do it.",
    )
    transaction_ids = serializers.ListField(child=serializers.UUIDField())
    transaction = serializers.DictField(
        allow_null=True, help_text="The transaction to record, without its account_id."
    )


class HoldingReason(serializers.Serializer[Any]):
    code = serializers.ChoiceField(choices=HOLDING_REASONS)
    detail = serializers.CharField()
    certain = serializers.BooleanField(
        help_text="Whether a record proves this reason; if false, it is one possible reason."
    )
    units = serializers.CharField(allow_null=True, help_text="Units that the reason explains.")
    cash = serializers.CharField(allow_null=True, help_text="Cash that the reason explains.")
    ratio = serializers.CharField(allow_null=True)
    symbol = serializers.CharField(allow_null=True)
    transaction_ids = serializers.ListField(child=serializers.UUIDField())
    lines = serializers.ListField(
        child=serializers.IntegerField(), help_text="Lines of the file concerned."
    )
    proposal = HoldingProposal(allow_null=True)


class BasisComparison(serializers.Serializer[Any]):
    ours = serializers.CharField()
    theirs = serializers.CharField()
    by = serializers.CharField(help_text="Their figure minus ours.")
    reason = serializers.ChoiceField(choices=HOLDING_REASONS, allow_null=True)


class ReconciledPosition(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=STATUSES)
    symbol = serializers.CharField(allow_null=True)
    key = serializers.CharField()
    ours = serializers.CharField(allow_null=True)
    theirs = serializers.CharField(allow_null=True)
    by = serializers.CharField(help_text="Their figure minus ours.")
    lines = serializers.ListField(
        child=serializers.IntegerField(), help_text="Lines of the file that state it."
    )
    reasons = HoldingReason(many=True)
    basis = BasisComparison(
        allow_null=True, help_text="Cost basis, where both sides state it for the same day."
    )


class ReconciledCash(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=STATUSES)
    ours = serializers.CharField()
    theirs = serializers.CharField()
    by = serializers.CharField(help_text="Their figure minus ours.")
    unexplained = serializers.CharField(
        help_text="Part of the difference that the differences in units do not explain."
    )
    lines = serializers.ListField(
        child=serializers.IntegerField(), help_text="Lines of the file that state it."
    )
    reasons = HoldingReason(many=True)


class ReconciliationLineRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    account_id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=ReconciliationKind.choices)
    format = serializers.CharField()
    file_name = serializers.CharField()
    file_bytes = serializers.IntegerField()
    file_sha256 = serializers.CharField()
    created_at = serializers.DateTimeField()
    from_date = serializers.DateField()
    to_date = serializers.DateField()
    matched = serializers.IntegerField()
    differing = serializers.IntegerField()
    only_ours = serializers.IntegerField()
    only_theirs = serializers.IntegerField()
    is_current = serializers.BooleanField(
        help_text="Whether the account's ledger is still the one that was compared."
    )


class ReconciliationRead(ReconciliationLineRead):
    file_account = serializers.CharField(allow_null=True)
    positions = ReconciledPosition(many=True)
    cash = ReconciledCash(allow_null=True)
    ours = ReconciledTotals(allow_null=True)
    theirs = ReconciledTotals(allow_null=True)
    lines = ReconciledLine(many=True)
    unreadable = UnreadableLine(many=True)


class ReconciliationsView(APIView):
    parser_classes = [StrictFormParser]

    @extend_schema(
        operation_id="reconciliations_list",
        responses=page_of(ReconciliationLineRead, keyset=True),
        parameters=[OpenApiParameter("account_id", UUID), *page_parameters(keyset=True)],
    )
    def get(self, request: Request) -> Response:
        """List the comparisons that were made, newest first, without their lines."""
        account_id = request.query_params.get("account_id")
        rows = reconciliations(
            user=caller(request),
            account_id=serializers.UUIDField().run_validation(account_id) if account_id else None,
        )
        return Keyset(sort_key="created_at").answer(request, rows, row=line_answer)

    @extend_schema(
        operation_id="reconciliations_create",
        request={"multipart/form-data": ReconciliationWrite},
        responses={200: ReconciliationRead},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request) -> Response:
        """Compare positions and cash, or realized lots, with the ledger; nothing is recorded."""
        data = ReconciliationWrite.parsed(request)
        now = timezone.now()
        brought = reconciling.Brought(
            name=data["file"].name,
            file=data["file"].file,
            format=data.get("format"),
            kind=data.get("kind"),
            as_of=data.get("as_of"),
            year=data.get("year"),
            file_account=data.get("file_account", ""),
        )

        def access() -> Account:
            return queries.account(user=caller(request), public_id=data["account_id"])

        def effect(account: Account) -> Answer:
            made = reconciling.reconcile(
                account=account, brought=brought, user=caller(request), now=now
            )
            return 200, detail_answer(made)

        return answered_once(request, now=now, access=access, effect=effect)


class ReconciliationView(APIView):
    @extend_schema(operation_id="reconciliations_retrieve", responses=ReconciliationRead)
    def get(self, request: Request, reconciliation_id: UUID) -> Response:
        """Return a comparison with its lines."""
        found = reconciliation(user=caller(request), public_id=reconciliation_id)
        return Response(detail_answer(found))

    @extend_schema(
        operation_id="reconciliations_destroy",
        responses={204: OpenApiResponse(None, "Deleted.")},
    )
    def delete(self, request: Request, reconciliation_id: UUID) -> Response:
        """Delete a comparison. The ledger does not change."""
        found = reconciliation(user=caller(request), public_id=reconciliation_id)
        reconciling.forget(found=found)
        return Response(status=204)


def line_answer(row: Reconciliation) -> dict[str, Any]:
    """Return a comparison as shown in a list."""
    return {
        "id": str(row.public_id),
        "account_id": str(row.account.public_id),
        "kind": row.kind,
        "format": row.format,
        "file_name": row.file_name,
        "file_bytes": row.file_bytes,
        "file_sha256": row.file_sha256,
        "created_at": instant_text(row.created_at),
        "from_date": row.from_date.isoformat(),
        "to_date": row.to_date.isoformat(),
        "matched": row.matched,
        "differing": row.differing,
        "only_ours": row.only_ours,
        "only_theirs": row.only_theirs,
        "is_current": row.ledger_version == row.account.ledger_version,
    }


def detail_answer(row: Reconciliation) -> dict[str, Any]:
    """Return a comparison with its lines, and the sentence of each reason."""
    found = row.result
    lines = [
        {**one, "reasons": [{"code": code, "detail": REASONS[code]} for code in one["reasons"]]}
        for one in found.get("lines", ())
    ]
    return {
        **line_answer(row),
        "file_account": found.get("file_account"),
        "positions": [with_details(one) for one in found.get("positions", ())],
        "cash": with_details(found["cash"]) if found.get("cash") else None,
        "ours": found.get("ours"),
        "theirs": found.get("theirs"),
        "lines": lines,
        "unreadable": found["unreadable"],
    }


def with_details(one: dict[str, Any]) -> dict[str, Any]:
    """Return a stored position or cash with the sentence of each of its reasons."""
    reasons = [{**reason, "detail": CAUSES[reason["code"]]} for reason in one["reasons"]]
    return {**one, "reasons": reasons}


urlpatterns = [
    path("reconciliations", ReconciliationsView.as_view()),
    path("reconciliations/<uuid:reconciliation_id>", ReconciliationView.as_view()),
]
