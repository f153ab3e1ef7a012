"""Devices a user has logged in from before; wrong attempts of strangers do not lock these out.

A device is known by a signed cookie (browsers) or by its address (any client), for one e-mail
address. A user may have any number of devices; each is forgotten after COOKIE_AGE_S or
ADDRESS_AGE_S. Its tries are counted apart from those of unknown devices; `edge.rate_limits` has the
numbers. If Redis loses the addresses, the device is unknown until its next log-in.
"""

import logging
import secrets
from hashlib import sha256

import redis
from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from edge.rate_limits import Device, counted_address
from stores import keys
from stores.redis import redis_client

logger = logging.getLogger(__name__)

COOKIE = "ballast_device"
COOKIE_AGE_S = 365 * 86_400
ADDRESS_AGE_S = 30 * 86_400
_SALT = "identity.device"


def known_device(*, request: HttpRequest, email: str) -> Device | None:
    """Return the device of the request if this e-mail address has logged in from it before."""
    named = _cookie_device(request, email)
    if named is not None:
        return Device(name=named, at_its_address=False)
    address = counted_address(request)
    try:
        known = redis_client().exists(keys.known_address(_digest(email), address))
    except redis.RedisError as error:
        logger.warning("Redis is down, known addresses cannot be read: %s", error)
        return None
    return Device(name=f"address:{address}", at_its_address=True) if known else None


def remember_address(*, request: HttpRequest, email: str) -> None:
    """Keep the address of a successful log-in for thirty days."""
    name = keys.known_address(_digest(email), counted_address(request))
    try:
        redis_client().set(name, 1, ex=ADDRESS_AGE_S)
    except redis.RedisError as error:
        logger.warning("Redis is down, a known address was not saved: %s", error)


def remember_browser(*, request: HttpRequest, response: HttpResponseBase, email: str) -> None:
    """Set a signed cookie that identifies the browser of a successful log-in for a year."""
    if _cookie_device(request, email) is not None:
        return
    value = signing.dumps([_digest(email), secrets.token_urlsafe(12)], salt=_SALT)
    response.set_cookie(
        COOKIE,
        value,
        max_age=COOKIE_AGE_S,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _cookie_device(request: HttpRequest, email: str) -> str | None:
    try:
        digest, name = signing.loads(
            request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=COOKIE_AGE_S
        )
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return f"cookie:{name}" if digest == _digest(email) else None


def _digest(email: str) -> str:
    return sha256(email.encode("utf-8", "replace")).hexdigest()[:32]
