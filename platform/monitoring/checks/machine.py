"""Settings, versions and disk of the machine this runs on."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks

from monitoring.findings import Finding, fine, problem, warning

FREE_SHARE_MIN, FREE_BYTES_MIN = 0.10, 2_000_000_000
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+?)(?: ;.*| \\)?$", re.MULTILINE)
# A proxy does these; Ballast itself only sees plain HTTP.
_DONE_BY_THE_PROXY = {"security.W008"}
_LOCAL = {"localhost", "127.0.0.1", "::1"}


def settings_given() -> Iterator[Finding]:
    """Django's own checks, those of production where it is one, and what only Ballast knows."""
    found = checks.run_checks(include_deployment_checks=settings.PRODUCTION)
    for message in found:
        if message.level >= checks.WARNING and message.id not in _DONE_BY_THE_PROXY:
            say = problem if message.level >= checks.ERROR else warning
            yield say(f"{message.id}: {message.msg}", message.hint or "See Django's system checks.")
    if settings.REDIS_URL == settings.BROKER_URL:
        yield problem(
            "REDIS_URL and BROKER_URL are the same database of the same Redis.",
            "Give the broker an instance of its own: a full cache would evict its messages.",
        )
    if settings.PRODUCTION:
        yield from _for_production()
    else:
        mode = "demo" if settings.DEMO else "development"
        yield fine(f"Runs in {mode} mode, where everybody knows the log-ins.")
    yield fine("Settings are read.")


def _for_production() -> Iterator[Finding]:
    if not settings.ALLOWED_HOSTS:
        yield problem("ALLOWED_HOSTS is empty, so every request gets 400.", "Set ALLOWED_HOSTS.")
    if urlsplit(settings.PUBLIC_URL).hostname in _LOCAL:
        yield warning(
            "PUBLIC_URL is an address of this machine, so links in mails lead nowhere.",
            "Set PUBLIC_URL to the address people type.",
        )
    if not settings.MAIL_ENABLED:
        yield warning(
            "EMAIL_HOST is not set: nobody can reset a password or confirm an address.",
            "Set EMAIL_HOST, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD and MAIL_FROM.",
        )
    if settings.TRUSTED_PROXY_COUNT == 0:
        yield warning(
            "TRUSTED_PROXY_COUNT is 0: behind a proxy everybody has the address of the proxy, and "
            "shares its rate limits.",
            "Set TRUSTED_PROXY_COUNT to the number of proxies in front.",
        )


def versions() -> Iterator[Finding]:
    """Python and the packages, compared with those that were locked and tested."""
    yield fine(f"Python {sys.version.split()[0]}.")
    # Each version of a package that a lock file allows: the tests have a lock file of their own.
    locked: dict[str, list[str]] = {}
    for lock in (settings.ROOT / "requirements.lock", settings.ROOT / ".ci/requirements-dev.lock"):
        for name, allowed in _PINNED.findall(lock.read_text() if lock.exists() else ""):
            locked.setdefault(name, []).append(allowed)
    wrong, compared = [], 0
    for name in sorted(locked):
        try:
            installed = version(name)
        except PackageNotFoundError:
            continue  # of another platform or Python, or an extra nobody asked for
        compared += 1
        if installed not in locked[name]:
            wrong.append(f"{name} {installed} instead of {locked[name][0]}")
    if wrong:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        yield warning(
            f"Packages differ from the locked ones: {', '.join(wrong[:5])}{more}.",
            "Run `make set-up`, or build the image again.",
        )
    else:
        yield fine(f"{compared} packages are the locked ones.")


def disk() -> Iterator[Finding]:
    """Free space and free files where Ballast writes."""
    folders = {"DATA_DIR": settings.DATA_DIR, "temporary files": Path(tempfile.gettempdir())}
    archive = urlsplit(settings.PRICE_ARCHIVE_URL)
    if archive.scheme == "file":
        folders["price archive"] = Path(archive.path)
    if settings.BACKUP_DIR:
        folders["BACKUP_DIR"] = Path(settings.BACKUP_DIR)
    for name, folder in folders.items():
        there = next(x for x in (folder, *folder.absolute().parents) if x.exists())
        space, files = shutil.disk_usage(there), os.statvfs(there)
        text = f"{name}: {space.free / 1e9:.1f} of {space.total / 1e9:.1f} GB are free in {folder}."
        if space.free < FREE_BYTES_MIN or space.free < FREE_SHARE_MIN * space.total:
            yield problem(text, "Free space or enlarge the disk: PostgreSQL stops when it is full.")
        elif files.f_files and files.f_favail < 0.05 * files.f_files:
            yield problem(f"{name}: less than 5 % of the inodes are free.", "Delete small files.")
        else:
            yield fine(text)
