"""Reading a household's notes, and what they are about."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.contrib.postgres.search import SearchQuery
from django.db.models import QuerySet

from core.errors import InvalidInput, NotFound
from core.limits import SEARCH_TEXT_LENGTH_MAX
from identity.models import User
from marketdata.models import Asset
from recommendations.models import Note, NoteSubject, Strategy
from recommendations.models.notes import NOTE_LANGUAGE
from recommendations.queries.strategies import visible
from stores.rows import rows_of
from transactions.models import Account, Transaction

# A corrected transaction keeps its id and its notes; the one that replaced it shows them, too.
_EARLIER = """
WITH RECURSIVE version AS (
    SELECT public_id, corrects_id FROM transactions_transaction WHERE public_id = %(public_id)s
    UNION ALL
    SELECT earlier.public_id, earlier.corrects_id
      FROM version JOIN transactions_transaction earlier ON earlier.id = version.corrects_id)
SELECT public_id FROM version LIMIT 1000
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a note is about, in the words of a reader, and the household that may read it."""

    type: str
    public_id: UUID
    label: str
    household_id: int
    row: Account | Asset | Transaction | Strategy
    account: Account | None = None
    symbol: str = ""


def note_subject(*, user: User, subject_type: str, subject_id: UUID) -> Subject:
    """Return what the user wants to write about; raise NotFound if they may not see it."""
    found = _subjects(user, {subject_type: {subject_id}}).get((subject_type, subject_id))
    if found is None:
        raise NotFound(
            "What the note is about does not exist, or you have no access to it.",
            code="note_subject_not_found",
        )
    return found


def notes(
    *, user: User, q: str = "", subject_type: str | None = None, subject_id: UUID | None = None
) -> "QuerySet[Note]":
    """Return the notes the user may see, newest first.

    `q`: words in any form, "a phrase", -without; no text can be a syntax error.
    """
    rows = Note.objects.for_user(user).select_related("author", "account").defer("words")
    if len(q) > SEARCH_TEXT_LENGTH_MAX:
        raise InvalidInput(
            f"The search text may have at most {SEARCH_TEXT_LENGTH_MAX} characters.",
            code="query_too_long",
            fields={"q": [f"at most {SEARCH_TEXT_LENGTH_MAX} characters"]},
        )
    if q.strip():
        rows = rows.filter(words=SearchQuery(q, config=NOTE_LANGUAGE, search_type="websearch"))
    if subject_type is not None:
        rows = rows.filter(subject_type=subject_type)
    if subject_id is not None:
        rows = rows.filter(subject_id__in=_versions(subject_type, subject_id))
    return rows.order_by("-created_at", "-id")


def note(*, user: User, public_id: UUID) -> Note:
    """Return one note; raise NotFound if the user may not see it."""
    rows = Note.objects.for_user(user).select_related("author", "account").defer("words")
    found = rows.filter(public_id=public_id).first()
    if found is None:
        raise note_unknown()
    return found


def note_unknown() -> NotFound:
    """Return the refusal for a note that does not exist, or not for this user."""
    return NotFound("No such note.", code="note_not_found")


def subjects_of(*, user: User, rows: Iterable[Note]) -> dict[tuple[str, UUID], Subject]:
    """Return what these notes are about, by type and id, in one query for each type."""
    wanted: dict[str, set[UUID]] = {}
    for row in rows:
        wanted.setdefault(row.subject_type, set()).add(row.subject_id)
    return _subjects(user, wanted)


def _versions(subject_type: str | None, subject_id: UUID) -> list[UUID]:
    if subject_type not in (NoteSubject.TRANSACTION, NoteSubject.LOT):
        return [subject_id]
    return [subject_id, *(found for (found,) in rows_of(_EARLIER, {"public_id": subject_id}))]


def _subjects(user: User, wanted: Mapping[str, set[UUID]]) -> dict[tuple[str, UUID], Subject]:
    found: dict[tuple[str, UUID], Subject] = {}
    for subject_type, ids in sorted(wanted.items()):
        for subject in _READERS[NoteSubject(subject_type)](user, ids):
            found[subject_type, subject.public_id] = subject
    return found


def _accounts(user: User, ids: set[UUID]) -> Iterable[Subject]:
    for row in Account.objects.for_user(user).filter(public_id__in=ids):
        yield Subject(NoteSubject.ACCOUNT, row.public_id, row.name, row.household_id, row, row)


def _assets(user: User, ids: set[UUID]) -> Iterable[Subject]:
    for row in Asset.objects.for_user(user).filter(public_id__in=ids):
        # A note on a client's own asset is the client's; one on a public asset is the writer's.
        household_id = row.household_id or user.household_id
        label = f"{row.symbol} {row.name}"
        yield Subject(NoteSubject.ASSET, row.public_id, label, household_id, row, symbol=row.symbol)


def _transactions(user: User, ids: set[UUID]) -> Iterable[Subject]:
    rows = Transaction.objects.for_user(user).filter(public_id__in=ids)
    for row in rows.select_related("account", "asset"):
        symbol = f"{row.asset.symbol} " if row.asset else ""
        label = f"{row.get_type_display()} {symbol}on {row.trade_date}, {row.account.name}"
        yield Subject(
            NoteSubject.TRANSACTION,
            row.public_id,
            label,
            row.account.household_id,
            row,
            row.account,
        )


def _lots(user: User, ids: set[UUID]) -> Iterable[Subject]:
    rows = Transaction.objects.for_user(user).filter(public_id__in=ids, acquired_lots__isnull=False)
    for row in rows.select_related("account", "asset").distinct():
        symbol = row.asset.symbol if row.asset else ""
        label = f"Lot of {symbol} acquired {row.opened_date or row.trade_date}, {row.account.name}"
        yield Subject(
            NoteSubject.LOT, row.public_id, label, row.account.household_id, row, row.account
        )


def _strategies(user: User, ids: set[UUID]) -> Iterable[Subject]:
    for row in visible(user).filter(public_id__in=ids):
        yield Subject(NoteSubject.STRATEGY, row.public_id, row.name, user.household_id, row)


_READERS = {
    NoteSubject.ACCOUNT: _accounts,
    NoteSubject.ASSET: _assets,
    NoteSubject.TRANSACTION: _transactions,
    NoteSubject.LOT: _lots,
    NoteSubject.STRATEGY: _strategies,
}
