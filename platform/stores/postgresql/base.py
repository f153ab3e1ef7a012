"""Django's PostgreSQL backend with a client that never waits forever.

The timeouts of `settings.py` run in the server. A server that hangs (a stopped process, a frozen
disk) applies none of them, and on the same machine TCP detects nothing either. So each wait for an
answer ends after ANSWER_TIMEOUT_MS, the connection is discarded, and the caller gets Django's
OperationalError. The health check at the start of a request ends after CHECK_S.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import Any

import psycopg
from django.db.backends.postgresql import base

from stores.postgresql.connection import BoundedConnection
from stores.postgresql.instants import InstantLoader

CHECK_S = 5.0


class _Psycopg:
    """The module psycopg, as Django uses it, with our connection."""

    connect = staticmethod(BoundedConnection.connect)

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)


class DatabaseWrapper(base.DatabaseWrapper):
    """The backend that settings.DATABASES names as `stores.postgresql`."""

    Database = _Psycopg()  # type: ignore[assignment]

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        timeout_ms = self.settings_dict.get("ANSWER_TIMEOUT_MS") or 0
        connection.answer_s_max = timeout_ms / 1000 or None
        if self.timezone == UTC:
            connection.adapters.register_loader("timestamptz", InstantLoader)
        return connection

    def set_autocommit(self, autocommit: bool, *args: Any, **options: Any) -> None:
        """Leave a lost connection closed at the end of its transaction.

        Django would reconnect only to restore a setting that every new connection has, and wait
        for the same server once more. The next statement reconnects.
        """
        if autocommit and self.connection is None:
            return
        super().set_autocommit(autocommit, *args, **options)

    def is_usable(self) -> bool:
        with self.patience(CHECK_S):
            return bool(super().is_usable())

    @contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        """Inside the block, wait so long for each answer of this connection."""
        connection = self.connection
        if connection is None:
            yield
            return
        before, connection.answer_s_max = connection.answer_s_max, seconds
        try:
            yield
        finally:
            connection.answer_s_max = before
