"""Download the ledger as a file over HTTP."""

from tempfile import SpooledTemporaryFile
from uuid import UUID

from django.http import FileResponse
from django.urls import path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from core.errors import NotFound
from identity.authentication import caller
from identity.models import User
from stores.database import snapshot
from transactions.files.writing import FORMATS
from transactions.queries.exports import export

_MEMORY_BYTES_MAX = 4_194_304


def export_response(*, user: User, format: str, account_id: UUID | None) -> FileResponse:  # noqa: A002
    """Return the file as a response, written first so that a slow client holds no transaction."""
    if format not in FORMATS:
        raise NotFound(
            "The file format is not supported. Choose one of those listed.", code="format_unknown"
        )
    chosen = FORMATS[format]
    file = SpooledTemporaryFile(max_size=_MEMORY_BYTES_MAX)  # noqa: SIM115 - the response closes it
    with snapshot():
        omitted = export(
            user=user,
            account_id=account_id,
            format=chosen,
            write=lambda text: file.write(text.encode()),
        )
    size = file.tell()
    file.seek(0)
    of_format = "" if format == "ballast" else f"-{format.replace('_', '-')}"
    name = f"ballast-transactions{of_format}-{timezone.now().date()}.{chosen.suffix}"
    response = FileResponse(
        file, as_attachment=True, filename=name, content_type=chosen.content_type
    )
    response["Content-Length"] = str(size)
    response["Ballast-Omitted"] = str(omitted)
    return response


class ExportView(APIView):
    @extend_schema(
        operation_id="exports_retrieve",
        parameters=[
            OpenApiParameter("file_format", str, OpenApiParameter.PATH, enum=sorted(FORMATS)),
            OpenApiParameter("account_id", UUID),
        ],
        responses={
            (200, "text/csv"): OpenApiResponse(
                OpenApiTypes.BINARY,
                "The file. The header `Ballast-Omitted` counts the rows that the format cannot "
                "express.",
            ),
            (200, "application/json"): OpenApiTypes.OBJECT,
        },
    )
    def get(self, request: Request, file_format: str) -> FileResponse:
        """Download every transaction of the accounts you may see, or of one of them."""
        account_id = request.query_params.get("account_id")
        return export_response(
            user=caller(request),
            format=file_format,
            account_id=serializers.UUIDField().run_validation(account_id) if account_id else None,
        )


urlpatterns = [path("exports/<slug:file_format>", ExportView.as_view())]
