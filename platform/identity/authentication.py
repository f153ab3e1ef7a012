"""Authentication of a request: a bearer token, or the session of the pages with its CSRF token."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.module_loading import import_string
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from core.emails import folded
from core.errors import BallastError, InvalidInput
from edge.rate_limits import (
    LOG_IN,
    SECOND_FACTOR,
    SECOND_FACTOR_DAY,
    TooManyRequests,
    consume,
)
from edge.renderers import ANSWER_FILTER
from identity import queries, token_signing
from identity.key_answers import without_others
from identity.key_rules import (
    BODY,
    NONE,
    OBJECT,
    READ,
    KeyAccess,
    KeyRule,
    are_among,
    stated_accounts,
)
from identity.middleware import origin_of, site_of
from identity.models import User
from identity.operations import passkeys, second_factor, users
from identity.operations.api_keys import used_key
from identity.operations.devices import known_device, remember_address
from identity.operations.refused_log_ins import remember_refused, were_refused
from identity.operations.security_events import note
from identity.secrets_kept import KEY_PREFIX

# How Django writes a parameter of a path, and the schema does not: <uuid:account_id>.
_CONVERTER = re.compile(r"<(?:\w+:)?(\w+)>")
# Set on a request whose password was compared: the known device, or None.
_DEVICE = "_known_device"


@cache
def token_key() -> bytes:
    """Return the key that signs tokens."""
    return token_signing.signing_key(settings.SECRET_KEY)


class KeyNotAllowed(BallastError):
    """The key is right, but may not make this call."""

    status = 403
    code = "key_not_allowed"


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer ballast_...`: a key, for the calls that `KEY_ROUTES` opens to it.

    The rule is applied here and nowhere else: a key that may not make a call authenticates nobody
    for it, whatever the view does. The user's own access applies beside it.
    """

    def authenticate(self, request: Request) -> tuple[User, KeyAccess] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        text = header[7:].strip()
        if header[:7].lower() != "bearer " or not text.startswith(KEY_PREFIX):
            return None
        key = used_key(text=text, now=datetime.now(UTC), origin=origin_of(request._request))
        if key is None:
            raise AuthenticationFailed(
                "The API key does not exist, has expired or was revoked.", code="key_invalid"
            )
        access = KeyAccess(
            key_id=key.pk,
            public_id=str(key.public_id),
            scopes=frozenset(key.scopes),
            account_ids=None if key.account_ids is None else frozenset(key.account_ids),
        )
        _ensure_key_may(access, request)
        if access.account_ids is not None:
            kept = partial(without_others, accounts=access.account_ids)
            setattr(request._request, ANSWER_FILTER, kept)
        user = key.user
        user.known_household_ids = queries.visible_household_ids(user=user)
        return user, access

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


def _ensure_key_may(access: KeyAccess, request: Request) -> None:
    match = request._request.resolver_match
    route = _CONVERTER.sub(r"{\1}", match.route).removeprefix("api/v1/") if match else ""
    method = "GET" if request.method == "HEAD" else request.method
    rule = import_string(settings.KEY_ROUTES).get(f"{method} {route}")
    if rule is None or rule.scope is None:
        raise KeyNotAllowed("No API key may make this call. Log in as a person.")
    if rule.scope not in access.scopes:
        raise KeyNotAllowed(
            f"The key needs the scope {rule.scope}. Make one that has it.", code="scope_missing"
        )
    if access.account_ids is None or rule.account == NONE:
        return
    if not _is_within(access.account_ids, rule, request, match.kwargs if match else {}):
        raise KeyNotAllowed(
            "The key is limited to certain accounts. Name one of them in the call.",
            code="key_account_missing",
        )


def _is_within(
    accounts: frozenset[UUID], rule: KeyRule, request: Request, path: Mapping[str, Any]
) -> bool:
    """Return whether every account that the call names, or whose objects it names, is allowed."""
    objects = import_string(settings.KEY_OBJECTS)
    body = request.data if rule.account in (BODY, OBJECT) else None
    named = [(name, path[name]) for name in path if name in objects]
    named += [
        (name, one[name])
        for one in (body if isinstance(body, list) else [body])
        if isinstance(one, Mapping)
        for name in objects
        if one.get(name)
    ]
    changes = rule.scope != READ
    if not all(_belongs(objects[name], value, accounts, changes) for name, value in named):
        return False
    stated = stated_accounts(rule, path=path, query=request._request.GET, body=body)
    if rule.account == OBJECT:
        stated = stated_accounts(KeyRule(rule.scope, BODY), path=path, query={}, body=body)
        return bool(named) and (not stated or are_among(stated, accounts))
    return are_among(stated, accounts)


def _belongs(
    owner: tuple[str, ...], public_id: Any, accounts: frozenset[UUID], changes: bool
) -> bool:
    """Return whether the object, and all that changes with it, is of the accounts."""
    model, field, *others = owner
    try:
        named = UUID(str(public_id))
    except ValueError:
        return False
    rows = apps.get_model(model)._default_manager.filter(
        public_id=named, **{f"{field}__in": accounts}
    )
    for other in others if changes else ():
        rows = rows.filter(Q(**{f"{other}__isnull": True}) | Q(**{f"{other}__in": accounts}))
    return bool(rows.exists())


class AccessTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`; no database query while the user is cached."""

    def authenticate(self, request: Request) -> tuple[User, token_signing.Access] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if header[:7].lower() != "bearer ":
            return None
        try:
            claims = token_signing.read_access(
                key=token_key(), token=header[7:].strip(), now=datetime.now(UTC)
            )
            return queries.principal(claims=claims), claims
        except token_signing.TokenRefused as error:
            raise AuthenticationFailed(error.detail, code=error.code) from None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class _CsrfCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


class PageSessionAuthentication(BaseAuthentication):
    """The session cookie of the pages; every change needs the CSRF token."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        page_request = request._request
        if settings.SESSION_COOKIE_NAME not in page_request.COOKIES:
            return None
        if "HTTP_AUTHORIZATION" in page_request.META:
            return None  # one way at a time; the session's own checks were skipped
        user = getattr(page_request, "user", None)
        if not isinstance(user, User) or not user.may_log_in:
            return None
        check = _CsrfCheck(lambda _: None)  # type: ignore[arg-type]
        check.process_request(page_request)
        reason = check.process_view(page_request, None, (), {})  # type: ignore[arg-type]
        if reason:
            raise PermissionDenied(
                f"The CSRF check failed. Reload the page and try again. {reason}",
                code="csrf_failed",
            )
        return user, None


class PasswordBackend(ModelBackend):
    """The one place where a password is checked, for the API, the pages and the admin alike.

    Tries are counted before anything is compared: by address and by e-mail. The e-mail has one
    count for all unknown devices together and one for each known device. An unknown e-mail costs
    as much time as a wrong password.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        email = username if username is not None else kwargs.get("email")
        if not email or password is None:
            return None
        email = folded(email)
        if request is not None:
            device = known_device(request=request, email=email)
            try:
                consume(LOG_IN, request=request, subject=email, device=device)
            except TooManyRequests as refusal:
                if device is None and refusal.counted_by == "subject":
                    remember_refused(email=email)
                raise
            setattr(request, _DEVICE, device)
        found = super().authenticate(request, username=email, password=password)
        return found if isinstance(found, User) else None

    def user_can_authenticate(self, user: Any) -> bool:
        """Return whether the user may log in, at every log-in and every page-session request."""
        return isinstance(user, User) and user.may_log_in


def ensure_second_factor(*, user: User, otp: str | None, request: HttpRequest) -> bool:
    """Refuse a log-in by password alone if the user has a second factor; return whether they do.

    Codes are counted by user and device, so a stranger's tries take none from the owner's.
    """
    if not second_factor.has_second_factor(user=user):
        return False
    if not otp:
        raise second_factor.SecondFactorNeeded(
            "Send the code of your authenticator app, or a recovery code, as `otp`."
        )
    device = known_device(request=request, email=user.email)
    for limit in (SECOND_FACTOR, SECOND_FACTOR_DAY):
        consume(limit, request=request, subject=f"user:{user.pk}", device=device)
    second_factor.accept(user=user, code=otp, now=datetime.now(UTC), origin=origin_of(request))
    return True


def prove(*, user: User, password: str | None, otp: str | None, request: HttpRequest) -> None:
    """Check the proof of a user who is logged in: the second factor if there is one.

    Codes count for the day together with those of log-ins, so a stolen session guesses none.
    """
    if not second_factor.has_second_factor(user=user):
        users.ensure_password(user, password or "")
        return
    if not otp:
        raise second_factor.SecondFactorNeeded(
            "Send the code of your authenticator app, or a recovery code, as `otp`.", status=400
        )
    device = known_device(request=request, email=user.email)
    consume(SECOND_FACTOR_DAY, request=request, subject=f"user:{user.pk}", device=device)
    try:
        second_factor.accept(user=user, code=otp, now=datetime.now(UTC), origin=origin_of(request))
    except second_factor.SecondFactorRefused as refusal:
        raise InvalidInput(
            refusal.detail, code=refusal.code, fields={"otp": ["is wrong"]}
        ) from None


def prove_by_passkey(
    *, user: User, ceremony: str, credential: Mapping[str, Any], request: HttpRequest
) -> None:
    """Check a passkey as the proof of a user who is logged in: it must be their own."""
    signer = passkeys.verified(
        ceremony=ceremony, credential=credential, site=site_of(request), now=datetime.now(UTC)
    )
    if signer.pk != user.pk:
        raise passkeys.PasskeyRefused("This passkey is of somebody else. Use your own.")


def note_new_log_in(*, user: User, request: HttpRequest, by: str) -> None:
    """Write a complete log-in into the trail, before it begins; a new device is told by mail.

    One after many refused tries is strange: somebody may have guessed right.
    """
    known = getattr(request, _DEVICE, None) or known_device(request=request, email=user.email)
    first = user.last_login is None and not user.token_families.exists()
    kind = "log_in"
    if not known and not first:
        kind = "strange_log_in" if were_refused(email=user.email) else "new_device"
    with transaction.atomic():
        note(
            kind=kind,
            user=user,
            household_id=user.household_id,
            now=datetime.now(UTC),
            origin=origin_of(request),
            details={"by": by},
        )
    remember_address(request=request, email=user.email)


def caller(request: Request) -> User:
    """Return the user of the request. For views behind IsAuthenticated only."""
    assert isinstance(request.user, User), "an authenticated view has a user"
    return request.user


def is_limited(request: Request) -> bool:
    """Return whether a key limited to certain accounts stands behind the request."""
    return isinstance(request.auth, KeyAccess) and request.auth.account_ids is not None
