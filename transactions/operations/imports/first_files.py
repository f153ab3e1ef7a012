"""File first, account second: a file opens the account that it belongs to.

The account gets a name, a type and a currency read from the file. Until something is recorded in it
a person may change all three, and the file is read again.
"""

from collections import Counter
from datetime import datetime

from django.db import transaction

from core.errors import NotFound
from core.limits import NAME_LENGTH_MAX
from identity.models import User
from stores.locks import locked_in_line
from transactions.files.drafts import decoded
from transactions.files.formats.detection import title_of
from transactions.models import AccountType, Import, ImportRow, ImportStatus
from transactions.operations import imports
from transactions.operations.accounts import open_account, restate_account
from transactions.operations.imports import Upload

_ROWS_READ = 200
# Words in the name of a file or of its account that say what it is, the most special first.
_WORDS = (
    ("roth", AccountType.ROTH_IRA),
    ("sep ", AccountType.SEP_IRA),
    ("simple ira", AccountType.SIMPLE_IRA),
    ("ira", AccountType.IRA),
    ("401k", AccountType.EMPLOYER_PLAN),
    ("401(k)", AccountType.EMPLOYER_PLAN),
    ("403b", AccountType.PLAN_403B),
    ("403(b)", AccountType.PLAN_403B),
    ("hsa", AccountType.HSA),
    ("529", AccountType.PLAN_529),
    ("trust", AccountType.TRUST),
    ("joint", AccountType.JOINT),
)


def bring_first(*, upload: Upload, user: User, currency: str, now: datetime) -> Import:
    """Open an account for a file and read the file into a preview; both or neither.

    currency: of the account unless the rows of the file agree on another one.
    """
    with transaction.atomic():
        account = open_account(
            user=user,
            name=(upload.name.strip() or "Account")[:NAME_LENGTH_MAX],
            type=AccountType.TAXABLE,
            currency=currency,
            now=now,
        )
        batch = imports.bring(account=account, upload=upload, user=user, now=now)
        name, kind, stated = _guessed(batch, currency)
        if batch.is_busy:
            # The job reads the file in the currency of the account, which therefore stays.
            stated = currency
        settle_account(batch=batch, name=name, type=kind, currency=stated, user=user, now=now)
    batch.refresh_from_db()
    return batch


def settle_account(
    *,
    batch: Import,
    name: str,
    type: str,  # noqa: A002 - the API's word
    currency: str,
    user: User,
    now: datetime,
) -> Import:
    """Say what the account of a first file is; read the file again where that matters."""
    with transaction.atomic():
        # The file is locked before the account, as everywhere (`stores.locks`).
        files = Import.objects.select_related("account").filter(pk=batch.pk)
        locked = locked_in_line(files, household_id=batch.account.household_id, of=("self",))
        if not locked:
            raise NotFound("The file was discarded.", code="import_not_found")
        was = locked[0].account.currency
        restate_account(account=locked[0].account, name=name, type=type, currency=currency)
        if currency == was or locked[0].status != ImportStatus.PREVIEW:
            return locked[0]
        return imports.change(batch=locked[0], user=user, now=now, options=locked[0].options)


def _guessed(batch: Import, currency: str) -> tuple[str, str, str]:
    """Return the name, the type and the currency that a file suggests for its account."""
    source = title_of(batch.format) if batch.format else ""
    stem = batch.file_name.rsplit(".", 1)[0].replace("_", " ").replace("-", " ").strip()
    own = str(batch.accounts[0]) if len(batch.accounts) == 1 else ""
    words = f" {own} {stem} ".lower()
    kind = next((kind for word, kind in _WORDS if f" {word}" in words), AccountType.TAXABLE)
    name = own or (f"{source} account" if source else stem) or "Account"
    return name[:NAME_LENGTH_MAX], str(kind), _currency(batch) or currency


def _currency(batch: Import) -> str:
    """Return the currency of most rows of cash and trades; empty if the file states none."""
    rows = ImportRow.objects.filter(batch=batch, draft__isnull=False).order_by("number")
    found: Counter[str] = Counter()
    for draft in rows.values_list("draft", flat=True)[:_ROWS_READ]:
        assert draft is not None, "rows without a draft are left out"
        found[decoded(draft).currency] += 1
    del found[""]
    return found.most_common(1)[0][0] if found else ""
