"""Collect everything about one person into an archive that only they may fetch, for some days.

The archive is written in parts in the transaction that ends the job, so it is whole or not there. A
new one replaces the old one: a person has at most one.
"""

from datetime import datetime, timedelta
from tempfile import TemporaryFile
from typing import IO

from django.db import transaction

from core.errors import Conflict
from core.limits import OWN_DATA_BYTES_MAX
from identity.models import User
from identity.operations.security_events import note
from jobs.models import Job, Queue
from jobs.operations import Claim, Ending, Told, complete, enqueue, fail, result_written
from notifications.models import OwnDataArchive, OwnDataPart
from notifications.own_data.files import write_archive
from notifications.queries.own_data import COLLECT, files_of
from stores.database import snapshot
from stores.locks import locked

KEPT = timedelta(days=7)
_PART_BYTES = 1_048_576


class ArchiveTooLarge(Conflict):
    """The person has more than one archive holds."""

    code = "own_data_too_large"


def request_archive(*, user: User, now: datetime) -> Job:
    """Return the job that collects the user's data; one that runs already is joined."""
    return enqueue(
        kind=COLLECT,
        queue=Queue.IMPORTS,
        user=user,
        household_id=user.household_id,
        subject_id=user.public_id,
        params={"user_id": str(user.public_id)},
        now=now,
        estimate_s=20.0,
    )


def run(claim: Claim, now: datetime, told: Told) -> None:
    """Collect the data of the claimed job's person and end the job."""
    user = User.objects.select_related("household").get(public_id=claim.subject_id)
    with TemporaryFile() as file:
        if not _collected(user, file, now):
            raise ArchiveTooLarge(
                "Your data are larger than one archive may be. Ask the operator for them."
            )
        with result_written():
            archive = _stored(user, file, now)
            note(
                kind="export_ready",
                user=user,
                household_id=user.household_id,
                now=now,
                details={"expires_at": archive.expires_at.isoformat()},
            )
            complete(
                claim=claim,
                result={
                    "archive_id": str(archive.public_id),
                    "bytes": archive.bytes,
                    "expires_at": archive.expires_at.isoformat(),
                },
            )


def _collected(user: User, file: IO[bytes], now: datetime) -> bool:
    """Write the archive into a file; False if it would be too large."""
    with snapshot():
        return write_archive(
            files_of(user=user, now=now),
            to=file,
            title=f"What Ballast keeps about {user.email}, {now:%Y-%m-%d %H:%M} UTC",
            at=now,
            bytes_max=OWN_DATA_BYTES_MAX,
        )


def _stored(user: User, file: IO[bytes], now: datetime) -> OwnDataArchive:
    locked(User.objects.filter(pk=user.pk)).get()
    OwnDataArchive.objects.for_user(user).delete()
    size = file.seek(0, 2)
    archive = OwnDataArchive.objects.create(
        user=user,
        of_household_id=user.household_id,
        bytes=size,
        created_at=now,
        expires_at=now + KEPT,
    )
    file.seek(0)
    number = 0
    while data := file.read(_PART_BYTES):
        OwnDataPart.objects.create(archive=archive, number=number, data=data)
        number += 1
    return archive


def give_up(claim: Claim, ending: Ending, now: datetime) -> None:
    """End the job as failed."""
    fail(claim=claim, code=ending.code, detail=ending.detail, account_name="", now=now)


def forget_expired(*, now: datetime) -> int:
    """Delete archives whose days are over; return how many."""
    with transaction.atomic():
        gone = list(OwnDataArchive.objects.filter(expires_at__lte=now).values_list("pk", flat=True))
        OwnDataArchive.objects.filter(pk__in=gone).delete()
    return len(gone)
