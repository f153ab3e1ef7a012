"""Passkeys (WebAuthn): a key pair whose private half stays in the user's device.

    begin    a challenge, kept in Redis for five minutes and taken out by the first use
    add      the device's answer to a challenge of this user: the public key is stored
    verified the device's signature under a challenge: whose passkey it is
    remove   needs a recent proof

The device checks its user (a PIN, a finger, a face), so a passkey is two factors in itself. A
log-in names no user beforehand: the browser offers what it has, and nobody learns who is
registered.
"""

import base64
import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import webauthn
from django.db import IntegrityError, transaction
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from core.errors import BallastError, Conflict, InvalidInput, NotFound
from core.limits import PASSKEYS_MAX
from identity.models import Passkey, User
from identity.operations.second_factor import first_recovery_codes, forget_recovery_codes
from identity.operations.security_events import note
from identity.origins import Origin
from stores import keys
from stores.locks import locked
from stores.redis import redis_client

logger = logging.getLogger(__name__)

CEREMONY_S = 300
_NAME = "Ballast"


class PasskeyRefused(BallastError):
    """The passkey is not known here, or its signature does not fit."""

    status = 401
    code = "passkey_refused"


@dataclass(frozen=True, slots=True)
class Site:
    """The site as browsers know it: its name, and its origin with scheme and port."""

    host: str
    origin: str


@dataclass(frozen=True, slots=True)
class Ceremony:
    """A challenge under way, and what the browser is given for it."""

    token: str
    options: dict[str, Any]


def begin_adding(*, user: User, site: Site) -> Ceremony:
    """Return a challenge for a new passkey of this user."""
    known = Passkey.objects.filter(user_id=user.pk).values_list("credential_id", flat=True)
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name=_NAME,
        user_id=user.public_id.bytes,
        user_name=user.email,
        user_display_name=user.full_name or user.email,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=bytes(one)) for one in known],
    )
    return _kept("add", user.pk, options.challenge, webauthn.options_to_json(options))


def begin_log_in(*, site: Site) -> Ceremony:
    """Return a challenge that any passkey of this site may sign."""
    options = webauthn.generate_authentication_options(
        rp_id=site.host, user_verification=UserVerificationRequirement.REQUIRED
    )
    return _kept("log in", None, options.challenge, webauthn.options_to_json(options))


def add(
    *,
    user: User,
    ceremony: str,
    credential: Mapping[str, Any],
    name: str,
    site: Site,
    now: datetime,
    origin: Origin,
) -> tuple[Passkey, list[str]]:
    """Store a new passkey. Return it, and recovery codes if the user has none left."""
    challenge = _taken(ceremony, "add", user.pk)
    try:
        made = webauthn.verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError) as fault:
        logger.warning("passkey of user %s was not added: %s", user.pk, fault)
        raise InvalidInput(
            "The device's answer is not valid. Start again.", code="passkey_invalid"
        ) from None
    with transaction.atomic():
        locked(User.objects.all()).get(pk=user.pk)
        if Passkey.objects.filter(user_id=user.pk).count() >= PASSKEYS_MAX:
            raise Conflict(
                f"There are {PASSKEYS_MAX} passkeys already. Remove one first.",
                code="too_many_passkeys",
            )
        try:
            with transaction.atomic():
                passkey = Passkey.objects.create(
                    user_id=user.pk,
                    name=name,
                    credential_id=made.credential_id,
                    public_key=made.credential_public_key,
                    sign_count=made.sign_count,
                    backed_up=made.credential_backed_up,
                    created_at=now,
                )
        except IntegrityError:
            raise Conflict("This passkey is added already.", code="passkey_known") from None
        _note(user, "passkey_added", passkey, now, origin)
        return passkey, first_recovery_codes(user=user, now=now)


def verified(*, ceremony: str, credential: Mapping[str, Any], site: Site, now: datetime) -> User:
    """Return whose passkey signed the challenge; raise PasskeyRefused."""
    challenge = _taken(ceremony, "log in", None)
    with transaction.atomic():
        rows = Passkey.objects.filter(credential_id=_credential_id(credential))
        passkey = locked(rows.select_related("user"), of=("self",)).first()
        if passkey is None or not _is_handle_of(credential, passkey.user):
            raise _refusal()
        try:
            signed = webauthn.verify_authentication_response(
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=site.host,
                expected_origin=site.origin,
                credential_public_key=bytes(passkey.public_key),
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, TypeError, KeyError) as fault:
            logger.warning("passkey of user %s was refused: %s", passkey.user_id, fault)
            raise _refusal() from None
        if not passkey.user.may_log_in:
            raise _refusal()
        Passkey.objects.filter(pk=passkey.pk).update(
            sign_count=signed.new_sign_count,
            backed_up=signed.credential_backed_up,
            last_used_at=now,
        )
    return passkey.user


def remove(*, user: User, passkey_id: UUID, now: datetime, origin: Origin) -> None:
    """Remove a passkey of the user; raise NotFound if it is not theirs."""
    with transaction.atomic():
        locked(User.objects.all()).get(pk=user.pk)
        found = Passkey.objects.filter(user_id=user.pk, public_id=passkey_id).first()
        if found is None:
            raise NotFound("The passkey does not exist. Reload the list.", code="passkey_not_found")
        _note(user, "passkey_removed", found, now, origin)
        found.delete()
        forget_recovery_codes(user=user)


def _kept(purpose: str, user_id: int | None, challenge: bytes, options: str) -> Ceremony:
    token = secrets.token_urlsafe(32)
    kept = json.dumps([purpose, user_id, base64.b64encode(challenge).decode()])
    redis_client().set(keys.ceremony(token), kept, ex=CEREMONY_S)
    return Ceremony(token=token, options=json.loads(options))


def _taken(token: str, purpose: str, user_id: int | None) -> bytes:
    """Return the challenge and take it out: a second answer to it finds nothing."""
    kept = redis_client().getdel(keys.ceremony(token))
    found = json.loads(kept) if kept is not None else None
    if found is None or found[:2] != [purpose, user_id]:
        raise InvalidInput(
            "The request for the passkey has expired. Start again.", code="ceremony_expired"
        )
    return base64.b64decode(found[2])


def _credential_id(credential: Mapping[str, Any]) -> bytes:
    text = credential.get("rawId") or credential.get("id")
    try:
        return webauthn.base64url_to_bytes(str(text))
    except ValueError:
        raise _refusal() from None


def _is_handle_of(credential: Mapping[str, Any], user: User) -> bool:
    answer = credential.get("response")
    handle = answer.get("userHandle") if isinstance(answer, Mapping) else None
    if not handle:
        return True
    try:
        return webauthn.base64url_to_bytes(str(handle)) == user.public_id.bytes
    except ValueError:
        return False


def _refusal() -> PasskeyRefused:
    return PasskeyRefused("This passkey does not open an account here. Log in another way.")


def _note(user: User, kind: str, passkey: Passkey, now: datetime, origin: Origin) -> None:
    note(
        kind=kind,
        user=user,
        household_id=user.household_id,
        now=now,
        origin=origin,
        details={"name": passkey.name},
    )
