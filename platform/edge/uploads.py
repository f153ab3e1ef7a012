"""Bound uploaded files while they arrive, on the few routes that accept any.

The sizes are in `core/limits.py` (IMPORT_FILE_BYTES_MAX, REQUEST_BODY_BYTES_MAX).
"""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler
from rest_framework.exceptions import ParseError
from rest_framework.parsers import DataAndFiles, MultiPartParser

from core.limits import IMPORT_FILE_BYTES_MAX, REQUEST_BODY_BYTES_MAX


def takes_files(path: str) -> bool:
    """Return whether an address accepts files; elsewhere the limit is that of a JSON body."""
    if path.startswith("/api/v1/"):
        return path.endswith(settings.FILE_ROUTES)
    return path.startswith("/accounts/") and path.endswith(settings.FILE_PAGES)


def file_bytes_max(path: str) -> int:
    """Return the size of the largest file an address accepts."""
    return IMPORT_FILE_BYTES_MAX if takes_files(path) else REQUEST_BODY_BYTES_MAX


class BoundedUpload(FileUploadHandler):
    """Counts bytes before Django's own handlers: a body is refused by its declared length
    and again by the bytes that arrive. Routes without files keep the limit of every other body.
    """

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self.limit = file_bytes_max(getattr(request, "path", ""))
        self.arrived = 0

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803 - Django's name
        content_length: int,
        boundary: Any,
        encoding: Any = None,
    ) -> None:
        # The fields and boundaries beside a file may take as much as any body.
        if content_length > self.limit + REQUEST_BODY_BYTES_MAX:
            raise RequestDataTooBig("The file is too large.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.arrived += len(raw_data)
        if self.arrived > self.limit:
            # Below a page's CSRF check, only Django's own exception counts as a refusal.
            raise RequestDataTooBig("The file is too large.")
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


class StrictFormParser(MultiPartParser):
    """multipart/form-data, with a code if it cannot be read."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> "DataAndFiles[Any, Any]":
        try:
            return super().parse(stream, media_type, parser_context)
        except ParseError:
            raise ParseError("The form cannot be read.", code="form_malformed") from None
