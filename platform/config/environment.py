"""Read environment variables as typed values; an error names the variable."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured

from marketdata.providers.registry import ensure_set_up
from stores.postgresql.connection import BoundedConnection
from transactions.orders.brokers import ALPACA_LIVE_HOST


def text(name: str, default: str) -> str:
    """Return the variable, or the default if it is unset or empty."""
    return os.environ.get(name) or default


def flag(name: str, *, default: bool = False) -> bool:
    """Return a flag: `1 true yes on` or `0 false no off`, nothing else."""
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}")


def integer(name: str, default: int) -> int:
    """Return a whole number."""
    value = os.environ.get(name, "").strip()
    try:
        return int(value) if value else default
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}") from None


def words(name: str, default: list[str]) -> list[str]:
    """Return words separated by commas."""
    value = os.environ.get(name, "")
    return [word.strip() for word in value.split(",") if word.strip()] if value else default


def ensure_vendors(names: list[str]) -> None:
    """Refuse to start with a vendor of market data that does not exist or lacks its key."""
    try:
        ensure_set_up(names, os.environ)
    except ValueError as error:
        raise ImproperlyConfigured(str(error)) from None


def ensure_paper_trading(*, key: str, secret: str, url: str, account: str) -> None:
    """Refuse to start with half a broker, or with one that trades real money."""
    if urlsplit(url).hostname == ALPACA_LIVE_HOST:
        raise ImproperlyConfigured(
            "ALPACA_TRADING_URL is the address for real money. Ballast trades on paper accounts "
            "only."
        )
    if any((key, secret, account)) and not all((key, secret, account)):
        raise ImproperlyConfigured(
            "ALPACA_TRADING_KEY, ALPACA_TRADING_SECRET and ALPACA_TRADING_ACCOUNT are set "
            "together or not at all."
        )
    try:
        UUID(account or "0" * 32)
    except ValueError:
        raise ImproperlyConfigured("ALPACA_TRADING_ACCOUNT must be the id of an account.") from None


def secret_key(*, production: bool) -> str:
    """Return SECRET_KEY; production refuses to start without a real one."""
    value = os.environ.get("SECRET_KEY", "")
    if production and len(value) < 32:
        raise ImproperlyConfigured(
            "SECRET_KEY is missing or shorter than 32 characters. Set it to a long random value."
        )
    return value or "development-only-key-that-production-refuses"


def database(
    url: str,
    *,
    statement_timeout_ms: int,
    answer_timeout_ms: int,
    lock_timeout_ms: int,
    idle_in_transaction_timeout_ms: int,
    session_options: bool,
    pool_size: int,
    pool_timeout_s: int,
    pool_waiting_max: int,
    conn_max_age_s: int,
) -> dict[str, Any]:
    """Return a database entry from `postgresql://user:password@host:port/name?option=value`."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured("DATABASE_URL must start with postgresql://.")
    query = dict(parse_qsl(parts.query))
    options: dict[str, Any] = {"connect_timeout": 5, **query}
    host = options.pop("host", None) or unquote(parts.hostname or "")
    if session_options:
        options["options"] = (
            f"-c statement_timeout={statement_timeout_ms} -c lock_timeout={lock_timeout_ms} "
            f"-c idle_in_transaction_session_timeout={idle_in_transaction_timeout_ms}"
        )
    if pool_size:
        options["pool"] = {
            "min_size": 1,
            "max_size": pool_size,
            "timeout": pool_timeout_s,
            "max_waiting": pool_waiting_max,
            "connection_class": BoundedConnection,
        }
    return {
        "ENGINE": "stores.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "ballast",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or options.pop("port", "")),
        "OPTIONS": options,
        "ANSWER_TIMEOUT_MS": answer_timeout_ms,
        "CONN_MAX_AGE": 0 if pool_size else conn_max_age_s,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": not session_options,
        "ATOMIC_REQUESTS": False,
    }


def package_folder(package: str, folder: str) -> Path:
    """Return a folder of an installed package without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ImproperlyConfigured(f"The package {package} is not installed. Run `make set-up`.")
    return Path(spec.origin).parent / folder
