"""Back-ups: how old the newest is, and whether the archive of PostgreSQL keeps up."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from monitoring.findings import Finding, age_text, fine, problem, warning
from stores.rows import rows_of

AGE_S_MAX = 26 * 3600.0
ARCHIVED_S_MAX = 900.0

_ARCHIVER = """
SELECT current_setting('archive_mode'), failed_count,
       last_failed_time > COALESCE(last_archived_time, '-infinity'),
       EXTRACT(epoch FROM now() - last_archived_time)::float8
  FROM pg_stat_archiver
"""


def backups() -> Iterator[Finding]:
    """The newest back-up is of the last day, and every piece of the log is archived."""
    [(mode, failures, failing, archived_s)] = rows_of(_ARCHIVER, {})
    if mode != "off" and failing:
        yield problem(
            f"PostgreSQL cannot archive its log ({failures} failures), and keeps it on its disk.",
            "Is BACKUP_DIR full or not writable? PostgreSQL tries again by itself.",
        )
    if not settings.BACKUP_DIR:
        say = problem if settings.PRODUCTION else warning
        yield say(
            "BACKUP_DIR is not set, so nothing is backed up by Ballast.",
            "Set BACKUP_DIR, restart, and run `make backup` every day (see README, Back-ups). "
            "Ignore this where the database is backed up by other means.",
        )
        return
    newest = newest_backup(Path(settings.BACKUP_DIR))
    if newest is None:
        yield problem(f"{settings.BACKUP_DIR} holds no back-up.", "Run `make backup`.")
        return
    name, finished_at = newest
    age_s = (timezone.now() - finished_at).total_seconds()
    if age_s > AGE_S_MAX:
        yield problem(
            f"The newest back-up, {name}, is {age_text(age_s)} old.", "Run `make backup`."
        )
    else:
        yield fine(f"The newest back-up, {name}, is {age_text(age_s)} old.")
    if mode == "off" and name.startswith("base-"):
        yield warning(
            "PostgreSQL archives no log: only the moment of each back-up can be restored.",
            "Restart with BACKUP_DIR set.",
        )
    elif mode != "off" and not failing and archived_s is not None:
        late = archived_s > ARCHIVED_S_MAX
        text = f"PostgreSQL archived its log {age_text(archived_s)} ago."
        yield warning(text, "See its log file.") if late else fine(text)


def newest_backup(folder: Path) -> tuple[str, datetime] | None:
    """Return name and end of the newest complete back-up; each has a file backup.json."""
    found = []
    for about in folder.glob("*/backup.json"):
        found.append(
            (
                datetime.fromisoformat(json.loads(about.read_text())["finished_at"]),
                about.parent.name,
            )
        )
    if not found:
        return None
    finished_at, name = max(found)
    return name, finished_at
