"""Django system checks for production: unsafe settings and demo users in the database."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError

from identity.models import User


@register(Tags.security)
def production_settings(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Return errors for unsafe production settings; none in development."""
    if not settings.PRODUCTION:
        return []
    return list(_missing())


@register(Tags.security, Tags.database, deploy=True)
def demo_users(
    app_configs: Any, databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """Return an error if the database contains demo users (`check --deploy`, outside DEMO).

    They cannot log in outside a demo, but their data and passwords are public.
    """
    if settings.DEMO:
        return []
    try:
        count = User.objects.filter(is_demo=True).count()
    except DatabaseError as error:
        return [
            checks.Warning(
                f"The database cannot be checked for demo users: {error}", id="identity.W002"
            )
        ]
    if not count:
        return []
    return [
        Error(
            f"This database contains {count} demo users, whose passwords are public.",
            hint="Use a database into which the demo was never loaded.",
            id="identity.E004",
        )
    ]


def _missing() -> Iterator[CheckMessage]:
    if len(settings.SECRET_KEY) < 32 or str(settings.SECRET_KEY).startswith("development-only"):
        yield Error(
            "SECRET_KEY is missing or too short.",
            hint="Set SECRET_KEY to a long random value.",
            id="identity.E001",
        )
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        yield Error(
            "ALLOWED_HOSTS does not list the host names of this site.",
            hint="Set ALLOWED_HOSTS to the names people use, for example ballast.example.",
            id="identity.E002",
        )
    if not (settings.SESSION_COOKIE_SECURE and settings.CSRF_COOKIE_SECURE):
        yield Error(
            "Cookies would be sent without TLS.",
            hint="Set SESSION_COOKIE_SECURE and CSRF_COOKIE_SECURE in config/settings.py to True.",
            id="identity.E003",
        )
    told = settings.SECURE_SSL_REDIRECT or getattr(settings, "SECURE_PROXY_SSL_HEADER", None)
    if not told:
        yield checks.Warning(
            "No setting says that requests arrive over TLS.",
            hint="Set BEHIND_TLS_PROXY=1 or SECURE_SSL_REDIRECT=1.",
            id="identity.W001",
        )
