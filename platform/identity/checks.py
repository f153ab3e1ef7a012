"""What production must have before it starts; every command says which is missing."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security)
def production_settings(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Errors for a production process that would be unsafe, nothing in development."""
    if not settings.PRODUCTION:
        return []
    return list(_missing())


def _missing() -> Iterator[CheckMessage]:
    if len(settings.SECRET_KEY) < 32 or str(settings.SECRET_KEY).startswith("development-only"):
        yield Error(
            "SECRET_KEY is missing or too short.",
            hint="Set SECRET_KEY to a long random value.",
            id="identity.E001",
        )
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        yield Error(
            "ALLOWED_HOSTS does not name the hosts of this site.",
            hint="Set ALLOWED_HOSTS, e.g. ballast.example.",
            id="identity.E002",
        )
    if not (settings.SESSION_COOKIE_SECURE and settings.CSRF_COOKIE_SECURE):
        yield Error("Cookies would travel without TLS.", id="identity.E003")
    told = settings.SECURE_SSL_REDIRECT or getattr(settings, "SECURE_PROXY_SSL_HEADER", None)
    if not told:
        yield checks.Warning(
            "Nothing says that requests come over TLS.",
            hint="Set BEHIND_TLS_PROXY=1 or SECURE_SSL_REDIRECT=1.",
            id="identity.W001",
        )
