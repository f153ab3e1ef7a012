"""Files of transactions over HTTP."""

from collections.abc import Sequence
from typing import Any, get_args
from uuid import UUID
from zoneinfo import available_timezones

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.limits import IMPORT_SYMBOLS_MAX, NAME_LENGTH_MAX, SYMBOL_LENGTH_MAX
from edge.pagination import PAGE_SIZE_MAX, Keyset, Pages
from edge.parsers import strict_json
from edge.schema import page_of, page_parameters
from edge.serializers import CurrencyField, StrictSerializer
from edge.uploads import StrictFormParser
from identity.authentication import caller
from jobs.api import IDEMPOTENCY_HEADER, answered_once
from jobs.operations import Answer
from transactions import queries
from transactions.api.import_answers import (
    ImportDetailRead,
    ImportRead,
    ImportRowRead,
    ImportSampleRead,
    detail_answer,
    line_answer,
    row_answer,
    sample_answer,
)
from transactions.files.formats.detection import FORMATS
from transactions.files.reading.cells import DecimalSign
from transactions.files.reading.decoding import DECLARABLE
from transactions.files.reading.interface import (
    CASH_BY_SIGN,
    SKIPPED,
    TRADE_BY_SIGN,
    AmountSign,
    DateOrder,
)
from transactions.files.reading.tables import DELIMITERS
from transactions.ledger.kinds import CHOICES
from transactions.models import Account, Import, ImportRow, RowStatus
from transactions.operations import imports as operations
from transactions.operations.imports import mappings
from transactions.operations.imports.committing import StalePreview
from transactions.operations.imports.figures import recorded_figures
from transactions.queries.imports import (
    file_rows,
    import_batch,
    import_detail,
    import_line,
    import_rows,
    imports,
)

_DELIMITERS = {"tab" if sign == "\t" else sign: sign for sign in DELIMITERS}
_WORDS = [*CHOICES, *((word, word) for word in (TRADE_BY_SIGN, CASH_BY_SIGN, SKIPPED))]
FORMAT_CHOICES = [(name, name) for name in sorted(FORMATS)]


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "description": "A Ballast symbol, `skip` or `create`."},
            {
                "type": "object",
                "properties": {
                    name: {"type": "string"}
                    for name in ("symbol", "name", "asset_class", "currency")
                },
            },
        ]
    }
)
class MeaningField(serializers.Field[Any, Any, Any, Any]):
    """The mapping of a security: our symbol, "skip", "create", or the asset to create."""

    default_error_messages = {
        "meaning_invalid": "Send a symbol, `skip`, `create`, or the asset to create."
    }

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and all(
            isinstance(text, str) and len(text) <= NAME_LENGTH_MAX for text in data.values()
        ):
            return data
        if isinstance(data, str) and 0 < len(data) <= SYMBOL_LENGTH_MAX:
            return data
        return self.fail("meaning_invalid")

    def to_representation(self, value: Any) -> Any:
        return value


class ReadingOptions(StrictSerializer):
    """How the file writes dates, numbers and types, where this cannot be detected."""

    encoding = serializers.CharField(max_length=32, required=False)
    delimiter = serializers.ChoiceField(
        choices=list(_DELIMITERS),
        required=False,
        help_text="Delimiter of the cells; `tab` for a tab character.",
    )
    decimal = serializers.ChoiceField(choices=get_args(DecimalSign), required=False)
    date_order = serializers.ChoiceField(choices=get_args(DateOrder), required=False)
    types = serializers.DictField(
        child=serializers.ChoiceField(choices=_WORDS),
        required=False,
        help_text=(
            "Maps words of the file to transaction types. With the format `table` also to "
            "`buy_or_sell` and `deposit_or_withdrawal`, which the signs decide, and to `skip`."
        ),
    )
    amount_sign = serializers.ChoiceField(choices=get_args(AmountSign), required=False)
    amount_includes_fee = serializers.BooleanField(required=False)
    without_heading = serializers.BooleanField(required=False)
    currency = CurrencyField(required=False)
    base_currency = CurrencyField(
        required=False, help_text="Currency into which the file's exchange rates convert."
    )
    zone = serializers.CharField(
        max_length=64,
        required=False,
        help_text="Time zone that applies to times without an offset.",
    )
    account = serializers.CharField(
        max_length=NAME_LENGTH_MAX, required=False, help_text="Account of the file to import."
    )

    def validate_zone(self, value: str) -> str:
        if value not in available_timezones():
            raise serializers.ValidationError(
                "The time zone does not exist. Send a name such as Europe/Berlin.",
                code="zone_unknown",
            )
        return value

    def validate_encoding(self, value: str) -> str:
        if value.strip().lower() not in DECLARABLE:
            raise serializers.ValidationError(
                f"Choose one of: {', '.join(DECLARABLE)}.", code="encoding_unknown"
            )
        return value

    def validate_delimiter(self, value: str) -> str:
        return _DELIMITERS[value]


_SYMBOLS_HELP = (
    "Security of the file -> our symbol, `skip`, `create` (an asset of one's own), or the asset "
    "to create: symbol, name, asset_class, currency."
)
_MAPPING_HELP = (
    "Maps Ballast fields to column headings, for tables in no known format. Beside the columns of "
    "the Ballast CSV: `debit`, `credit`, `clock`, `balance`, `balance_currency`. An empty heading: "
    "the table has no such column."
)


class MappingField(serializers.DictField):
    """Ballast fields and their headings."""

    def __init__(self, **kwargs: Any) -> None:
        heading = serializers.CharField(max_length=200, allow_blank=True)
        super().__init__(child=heading, required=False, help_text=_MAPPING_HELP, **kwargs)


class ImportChange(StrictSerializer):
    format = serializers.ChoiceField(choices=FORMAT_CHOICES, required=False)
    mapping = MappingField()
    options = ReadingOptions(required=False)
    symbols = serializers.DictField(child=MeaningField(), required=False, help_text=_SYMBOLS_HELP)
    include = serializers.ListField(
        child=serializers.IntegerField(min_value=1),
        max_length=PAGE_SIZE_MAX,
        required=False,
        help_text="Numbers of rows to import although they look like duplicates.",
    )
    exclude = serializers.ListField(
        child=serializers.IntegerField(min_value=1), max_length=PAGE_SIZE_MAX, required=False
    )
    reset = serializers.ListField(
        child=serializers.IntegerField(min_value=1), max_length=PAGE_SIZE_MAX, required=False
    )


class JsonTextField(serializers.CharField):
    """JSON text in a form field."""

    default_error_messages = {"not_an_object": "This is not a JSON object. Send one such as {{}}."}

    def to_internal_value(self, data: Any) -> Any:
        try:
            value = strict_json(super().to_internal_value(data).encode())
        except ParseError:
            value = None
        if not isinstance(value, dict) or len(value) > IMPORT_SYMBOLS_MAX:
            self.fail("not_an_object")
        return value


class ImportWrite(StrictSerializer):
    file = serializers.FileField(allow_empty_file=True, max_length=1000)
    account_id = serializers.UUIDField()
    format = serializers.ChoiceField(
        choices=FORMAT_CHOICES, required=False, help_text="Format of the file; default: detected."
    )
    mapping = JsonTextField(required=False, help_text=f"JSON. {_MAPPING_HELP}")
    options = JsonTextField(
        required=False, help_text="Options for reading dates and numbers, as JSON."
    )
    symbols = JsonTextField(required=False, help_text=f"JSON. {_SYMBOLS_HELP}")
    keep_unread = serializers.BooleanField(
        required=False,
        help_text=(
            "true: keep a table that cannot be read without a mapping or an option. Its status is "
            "`failed` until a PATCH says how to read it."
        ),
    )


class SampleWrite(StrictSerializer):
    """A mapping to try."""

    mapping = MappingField()
    options = ReadingOptions(required=False)


class ImportsView(APIView):
    parser_classes = [StrictFormParser]

    @extend_schema(
        operation_id="imports_list",
        responses=page_of(ImportRead, keyset=True),
        parameters=[OpenApiParameter("account_id", UUID), *page_parameters(keyset=True)],
    )
    def get(self, request: Request) -> Response:
        """List the files that were imported, newest first."""
        account_id = request.query_params.get("account_id")
        rows = imports(
            user=caller(request),
            account_id=serializers.UUIDField().run_validation(account_id) if account_id else None,
        ).defer("mapping", "symbols", "securities", "accounts", "options")
        return Keyset(sort_key="created_at").answer(
            request,
            rows,
            row=lambda batch: line_answer(import_line(batch)),
        )

    @extend_schema(
        operation_id="imports_create",
        request={"multipart/form-data": ImportWrite},
        responses={201: ImportDetailRead},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request) -> Response:
        """Upload a file and preview its rows. Nothing is recorded yet."""
        data = ImportWrite.parsed(request)
        now = timezone.now()
        upload = operations.Upload(
            name=data["file"].name,
            pieces=data["file"].chunks(),
            format=data.get("format"),
            mapping=_validated("mapping", data.get("mapping")),
            options=_validated("options", data.get("options")),
            symbols=_validated("symbols", data.get("symbols")),
            keep_unread=data.get("keep_unread", False),
        )

        def access() -> Account:
            return queries.account(user=caller(request), public_id=data["account_id"])

        def effect(account: Account) -> Answer:
            batch = operations.bring(account=account, upload=upload, user=caller(request), now=now)
            return 201, detail_answer(import_detail(batch))

        return answered_once(request, now=now, access=access, effect=effect)


def _validated(name: str, value: Any) -> Any:
    """Validate a field of the form like the same field of a JSON change."""
    if value is None:
        return None
    checked = ImportChange(data={name: value})
    checked.is_valid(raise_exception=True)
    return checked.validated_data[name]


class ImportView(APIView):
    @extend_schema(operation_id="imports_retrieve", responses=ImportDetailRead)
    def get(self, request: Request, import_id: UUID) -> Response:
        """Return an import: its rows by status, and the meaning of its securities."""
        batch = import_batch(user=caller(request), public_id=import_id)
        return Response(detail_answer(import_detail(batch)))

    @extend_schema(operation_id="imports_update", request=ImportChange, responses=ImportDetailRead)
    def patch(self, request: Request, import_id: UUID) -> Response:
        """Change columns, symbols or the choice of rows, and check every row again."""
        batch = import_batch(user=caller(request), public_id=import_id)
        data = ImportChange.parsed(request)
        changed = operations.change(batch=batch, user=caller(request), now=timezone.now(), **data)
        return Response(detail_answer(import_detail(changed)))

    @extend_schema(
        operation_id="imports_destroy",
        responses={
            200: ImportDetailRead,
            202: ImportDetailRead,
            204: OpenApiResponse(None, "Discarded."),
        },
    )
    def delete(self, request: Request, import_id: UUID) -> Response:
        """Discard a preview, or undo a committed import: all of its rows or none."""
        batch = import_batch(user=caller(request), public_id=import_id)
        left = operations.remove(batch=batch, user=caller(request), now=timezone.now())
        if left is None:
            return Response(status=204)
        return Response(detail_answer(import_detail(left)), status=202 if left.is_busy else 200)


class ImportRowsView(APIView):
    @extend_schema(
        operation_id="imports_rows",
        responses=page_of(ImportRowRead),
        parameters=[
            OpenApiParameter("status", str, enum=RowStatus.values),
            *page_parameters(),
        ],
    )
    def get(self, request: Request, import_id: UUID) -> Response:
        """List the rows of a file, in its order, with the transactions they would become."""
        batch = import_batch(user=caller(request), public_id=import_id)
        rows = import_rows(batch=batch, status=request.query_params.get("status"))

        def answers(found: Sequence[ImportRow]) -> list[dict[str, Any]]:
            figures = recorded_figures(batch=batch, rows=found, now=timezone.now())
            home = batch.account.currency
            return [
                row_answer(row, figures.get(row.number), home)
                for row in file_rows(batch=batch, rows=found)
            ]

        return Pages().answer(request, rows, rows=answers)


class ImportSampleView(APIView):
    @extend_schema(operation_id="imports_sample", request=SampleWrite, responses=ImportSampleRead)
    def post(self, request: Request, import_id: UUID) -> Response:
        """Show how the first five rows would be read under a mapping. Nothing is changed."""
        batch = import_batch(user=caller(request), public_id=import_id)
        data = SampleWrite.parsed(request)
        now = timezone.now()
        table = mappings.table_of(batch=batch)
        mapping = data.get("mapping", table.columns)
        found = mappings.sample(
            batch=batch, mapping=mapping, options=data.get("options", batch.options), now=now
        )
        return Response(sample_answer(table, mapping, found))


class ImportCommitView(APIView):
    @extend_schema(
        operation_id="imports_commit",
        request=None,
        responses={200: ImportDetailRead, 202: ImportDetailRead},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request, import_id: UUID) -> Response:
        """Record all ready rows, or none if one is refused. A job (202) records many rows."""
        now = timezone.now()

        def access() -> Import:
            return import_batch(user=caller(request), public_id=import_id)

        def effect(batch: Import) -> Answer:
            done = operations.commit(batch=batch, user=caller(request), now=now)
            return 202 if done.is_busy else 200, detail_answer(import_detail(done))

        try:
            return answered_once(request, now=now, access=access, effect=effect)
        except StalePreview:
            operations.refresh(batch=access(), now=now)
            raise


urlpatterns = [
    path("imports", ImportsView.as_view()),
    path("imports/<uuid:import_id>", ImportView.as_view()),
    path("imports/<uuid:import_id>/rows", ImportRowsView.as_view()),
    path("imports/<uuid:import_id>/sample", ImportSampleView.as_view()),
    path("imports/<uuid:import_id>/commit", ImportCommitView.as_view()),
]
