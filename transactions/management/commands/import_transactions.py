"""Preview a file of transactions for an account, or import it with --commit."""

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from core.errors import BallastError
from transactions.files.formats.detection import FORMATS
from transactions.models import Account, Import, RowStatus
from transactions.operations import imports
from transactions.queries.imports import import_rows

_PIECE_BYTES = 1_048_576
_PROBLEMS_SHOWN = 50


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--account", type=UUID, required=True, help="UUID of the account")
        parser.add_argument(
            "--format", choices=sorted(FORMATS), help="format of the file; default: detected"
        )
        parser.add_argument(
            "--commit",
            action="store_true",
            help="record the ready rows instead of only showing them",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        account = (
            Account.objects.select_related("owner").filter(public_id=options["account"]).first()
        )
        if account is None:
            raise CommandError("No account has this UUID. Check it in the administration.")
        if not options["file"].is_file():
            raise CommandError(f"{options['file']} does not exist or is not a file.")
        upload = imports.Upload(
            name=options["file"].name,
            pieces=_pieces(options["file"]),
            format=options["format"],
        )
        now, user = timezone.now(), account.owner
        try:
            with transaction.atomic():
                batch = imports.bring(
                    account=account, upload=upload, user=user, now=now, at_once=True
                )
                self._show(batch)
                if options["commit"]:
                    batch = imports.commit(batch=batch, user=user, now=now, at_once=True)
                else:
                    imports.remove(batch=batch, user=user, now=now)
        except BallastError as refusal:
            raise CommandError(f"{refusal.code}: {refusal.detail}") from refusal
        if options["commit"]:
            self.stdout.write(f"Recorded {batch.ready_count} rows as import {batch.public_id}.")
        else:
            self.stdout.write("Nothing was recorded. Add --commit to record the ready rows.")

    def _show(self, batch: Import) -> None:
        told = ", ".join(f"{count} {name}" for name, count in imports.counts(batch).items())
        self.stdout.write(f"{batch.format}, {batch.from_date} to {batch.to_date}: {told}")
        rows = import_rows(batch=batch, status=RowStatus.ERROR)[:_PROBLEMS_SHOWN]
        for row in rows:
            for problem in (*row.problems, *row.findings):
                self.stdout.write(f"  line {row.line}: {problem['code']}: {problem['detail']}")


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
