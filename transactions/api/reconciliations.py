"""Compare a broker's realized lots with the ledger's, over HTTP. Nothing is stored."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from io import SEEK_END
from itertools import islice
from typing import Any, BinaryIO

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.errors import InvalidInput
from core.limits import RECONCILED_BYTES_MAX, RECONCILED_LOTS_MAX
from core.money import plain
from edge.serializers import StrictSerializer
from edge.uploads import StrictFormParser
from identity.authentication import caller
from transactions import queries
from transactions.api.import_answers import problem_answer
from transactions.files.broker_lots import REASONS, Comparison, OurLine, Totals, reconcile
from transactions.files.formats.detection import HEAD_BYTES, REALIZED, detect
from transactions.files.reading.interface import Options, RealizedLot, RealizedRow
from transactions.queries.realized import realized_lines

REALIZED_CHOICES = [(name, name) for name in sorted(REALIZED)]


class ReconciliationWrite(StrictSerializer):
    file = serializers.FileField(allow_empty_file=True, max_length=1000)
    account_id = serializers.UUIDField()
    year = serializers.IntegerField(
        min_value=1950,
        max_value=2200,
        required=False,
        help_text="Calendar year of the report; default: the dates of the file.",
    )
    format = serializers.ChoiceField(choices=REALIZED_CHOICES, required=False)


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
    by = serializers.CharField(allow_null=True, help_text="Theirs less ours.")


class ReconciliationReason(serializers.Serializer[Any]):
    code = serializers.ChoiceField(choices=sorted(REASONS))
    detail = serializers.CharField()


class ReconciledLine(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["matched", "differs", "only_ours", "only_theirs"])
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


class ReconciliationRead(serializers.Serializer[Any]):
    account_id = serializers.UUIDField()
    format = serializers.CharField()
    from_date = serializers.DateField()
    to_date = serializers.DateField()
    matched = serializers.IntegerField()
    differing = serializers.IntegerField()
    only_ours = serializers.IntegerField()
    only_theirs = serializers.IntegerField()
    ours = ReconciledTotals()
    theirs = ReconciledTotals()
    lines = ReconciledLine(many=True)
    unreadable = UnreadableLine(many=True)


class ReconciliationsView(APIView):
    parser_classes = [StrictFormParser]

    @extend_schema(
        operation_id="reconciliations_create",
        request={"multipart/form-data": ReconciliationWrite},
        responses={200: ReconciliationRead},
    )
    def post(self, request: Request) -> Response:
        """Compare a broker's realized lots with ours, line by line, with reasons."""
        data = ReconciliationWrite.parsed(request)
        account = queries.account(user=caller(request), public_id=data["account_id"])
        file: BinaryIO = data["file"].file
        name, rows = _rows(file, data.get("format"))
        lots = [row.lot for row in rows if row.lot is not None]
        first, last = _period(lots, data.get("year"))
        theirs = [
            lot for lot in lots if lot.closed_date is None or first <= lot.closed_date <= last
        ]
        ours = realized_lines(account=account, first=first, last=last)
        found = reconcile(ours, theirs)
        return Response(
            {
                "account_id": str(account.public_id),
                "format": name,
                "from_date": first.isoformat(),
                "to_date": last.isoformat(),
                "matched": found.count("matched"),
                "differing": found.count("differs"),
                "only_ours": found.count("only_ours"),
                "only_theirs": found.count("only_theirs"),
                "ours": _totals(found.ours),
                "theirs": _totals(found.theirs),
                "lines": [_line(line) for line in found.lines],
                "unreadable": list(_unreadable(rows)),
            }
        )


def _rows(file: BinaryIO, chosen: str | None) -> tuple[str, list[RealizedRow]]:
    if file.seek(0, SEEK_END) > RECONCILED_BYTES_MAX:
        raise InvalidInput(
            f"The file is larger than {RECONCILED_BYTES_MAX} bytes. Compare one year at a time.",
            code="file_too_large",
            status=413,
        )
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if not head.strip():
        raise InvalidInput(
            "The file is empty. Choose another one.",
            code="file_empty",
            fields={"file": ["is empty"]},
        )
    name = chosen or detect(head)
    if name is None or name not in REALIZED:
        raise InvalidInput(
            f"The file is not a supported report of realized lots ({', '.join(REALIZED)}).",
            code="format_unknown",
            fields={"file": ["is of no known format"]},
        )
    file.seek(0)
    reader = REALIZED[name].read(file, Options(now=timezone.now()))
    rows = list(islice(reader, RECONCILED_LOTS_MAX + 1))
    if len(rows) > RECONCILED_LOTS_MAX:
        raise InvalidInput(
            f"The file has more than {RECONCILED_LOTS_MAX} lots. Compare one year at a time.",
            code="too_many_rows",
        )
    return name, rows


def _period(lots: Iterable[RealizedLot], year: int | None) -> tuple[date, date]:
    """Return the requested year, else the period of the file."""
    if year is not None:
        return date(year, 1, 1), date(year, 12, 31)
    days = [lot.closed_date for lot in lots if lot.closed_date is not None]
    if not days:
        raise InvalidInput(
            "The file has no lots with a closing date. Send the year.",
            code="file_empty",
            fields={"file": ["is empty"]},
        )
    return min(days), max(days)


def _totals(found: Totals) -> dict[str, str]:
    return {
        "proceeds": plain(found.proceeds),
        "cost_basis": plain(found.cost_basis),
        "disallowed_loss": plain(found.disallowed),
        "recognized_gain": plain(found.recognized),
    }


def _line(line: Comparison) -> dict[str, Any]:
    return {
        "status": line.status,
        "symbol": line.ours[0].symbol if line.ours else line.theirs[0].symbol,
        "ours": [_lot(row) for row in line.ours],
        "theirs": [_lot(row) for row in line.theirs],
        "differences": [
            {
                "field": row.field,
                "ours": _text(row.ours),
                "theirs": _text(row.theirs),
                "by": _text(row.by),
            }
            for row in line.differences
        ],
        "reasons": [{"code": code, "detail": REASONS[code]} for code in line.reasons],
    }


def _lot(row: OurLine | RealizedLot) -> dict[str, Any]:
    mine = row if isinstance(row, OurLine) else None
    return {
        "opened_date": _text(row.opened_date),
        "closed_date": _text(row.closed_date),
        "quantity": plain(row.quantity),
        "proceeds": plain(row.proceeds),
        "cost_basis": plain(row.cost_basis),
        "disallowed_loss": plain(row.disallowed),
        "term": row.term,
        "line": None if isinstance(row, OurLine) else row.line,
        "sale_id": mine.sale_id if mine else None,
        "lot_id": mine.lot_id if mine else None,
    }


def _text(value: Decimal | date | str | None) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return plain(value) if isinstance(value, Decimal) else value.isoformat()


def _unreadable(rows: Iterable[RealizedRow]) -> Iterable[dict[str, Any]]:
    for row in rows:
        for problem in row.problems:
            yield {"line": row.line, **problem_answer(problem)}


urlpatterns = [path("reconciliations", ReconciliationsView.as_view())]
