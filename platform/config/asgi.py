"""ASGI application of the stream process: WebSockets only. See wsgi.py for HTTP."""

import os
from collections.abc import Collection

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from channels.routing import ProtocolTypeRouter  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from identity.queries import ended_rights  # noqa: E402
from identity.socket_rights import Right  # noqa: E402
from stream.consumers import StreamConsumer  # noqa: E402
from stream.health import Health  # noqa: E402
from stream.process import Lifespan, Options  # noqa: E402

options = Options(
    redis_url=settings.REDIS_URL,
    allowed_hosts=tuple(settings.ALLOWED_HOSTS),
    allowed_origins=tuple(origin.lower() for origin in settings.STREAM_ALLOWED_ORIGINS),
    allow_no_origin=settings.STREAM_ALLOW_NO_ORIGIN,
    trusted_proxy_count=settings.TRUSTED_PROXY_COUNT,
    metrics_networks=tuple(settings.METRICS_ALLOWED_NETWORKS),
    per_address_max=settings.STREAM_CONNECTIONS_PER_ADDRESS_MAX,
    in_all_max=settings.STREAM_CONNECTIONS_MAX,
    auth_timeout_s=settings.STREAM_AUTH_TIMEOUT_S,
    recheck_s=settings.STREAM_RECHECK_S,
    authority_s_max=settings.STREAM_AUTHORITY_S,
    idle_s_max=settings.STREAM_IDLE_S,
    blocked_s_max=settings.STREAM_BLOCKED_S,
    lease_s=settings.STREAM_LEASE_S,
    stale_after_s=settings.STREAM_STALE_AFTER_S,
    drain_s=settings.STREAM_DRAIN_S,
)


def authority(rights: Collection[Right]) -> Collection[Right]:
    """Ask PostgreSQL in a thread of the stream; replace a broken connection."""
    connection.close_if_unusable_or_obsolete()
    return ended_rights(rights)


application = ProtocolTypeRouter(
    {
        "websocket": StreamConsumer.as_asgi(),
        "http": Health(metrics_networks=options.metrics_networks),
        "lifespan": Lifespan(options, authority=authority, now=timezone.now),
    }
)
