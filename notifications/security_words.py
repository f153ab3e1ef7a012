"""The words of mails and notices about log-ins and access. Pure.

No link and no secret is here or in the outbox: a mail's link is made when the mail is sent (the
setting MAIL_LINKS names the function of each kind).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SecurityWords:
    """The words of one kind; `{...}` are parameters of the event."""

    subject: str
    body: str
    # What the button says; without it the mail has no button.
    button: str = ""
    # Also a notice in the application.
    in_app: bool = True


_NOT_YOU = "If this was not you, change your password now and end all sessions."

WORDS: dict[str, SecurityWords] = {
    "verify_email": SecurityWords(
        "Confirm your e-mail address",
        "Confirm that this address is yours, so that Ballast can reach you. If you did not enter "
        "it, ignore this mail.",
        "Confirm address",
        in_app=False,
    ),
    "email_changed": SecurityWords(
        "Your e-mail address was changed",
        "The e-mail address of your log-in was changed. " + _NOT_YOU,
    ),
    "password_reset": SecurityWords(
        "Reset your password",
        "Somebody asked for a new password for this log-in. If that was not you, ignore this mail: "
        "your password stays as it is.",
        "Choose a new password",
        in_app=False,
    ),
    "password_changed": SecurityWords(
        "Your password was changed", "The password of your log-in was changed. " + _NOT_YOU
    ),
    "invitation": SecurityWords(
        "You are invited to {household}",
        "{inviter} invites you to {household} on Ballast. Accept only if you know this person.",
        "Accept the invitation",
        in_app=False,
    ),
    "invitation_accepted": SecurityWords(
        "{guest} joined {household}", "{guest} accepted the invitation to {household}."
    ),
    "new_device": SecurityWords(
        "New device logged in",
        "Your log-in was used from a new device: {device} ({address}). " + _NOT_YOU,
    ),
    "strange_log_in": SecurityWords(
        "Unusual log-in",
        "After many refused tries, your log-in was used from a new device: {device} ({address}). "
        + _NOT_YOU,
    ),
    "log_ins_refused": SecurityWords(
        "Many log-ins with a wrong password",
        "Somebody tried many times to log in to your account with a wrong password. Your account "
        "was not opened. A second factor protects it further.",
    ),
    "session_reused": SecurityWords(
        "A session was ended",
        "A token of your log-in was used twice, so the session was ended. " + _NOT_YOU,
    ),
    "key_created": SecurityWords(
        "API key created: {key_name}",
        "The API key {key_name} was created. If this was not you, delete it and change your "
        "password.",
    ),
    "key_revoked": SecurityWords(
        "API key deleted: {key_name}", "The API key {key_name} was deleted and works no more."
    ),
    "second_factor_added": SecurityWords(
        "Second factor added", "Logging in now needs a second factor. " + _NOT_YOU
    ),
    "second_factor_removed": SecurityWords(
        "Second factor removed", "Logging in no longer needs a second factor. " + _NOT_YOU
    ),
    "passkey_added": SecurityWords(
        "Passkey added", "A passkey was added to your log-in. " + _NOT_YOU
    ),
    "passkey_removed": SecurityWords(
        "Passkey removed", "A passkey was removed from your log-in. " + _NOT_YOU
    ),
    "recovery_code_used": SecurityWords(
        "Recovery code used", "A recovery code was used to log in. It works no more. " + _NOT_YOU
    ),
    "recovery_codes_made": SecurityWords(
        "New recovery codes", "New recovery codes were made; the old ones work no more. " + _NOT_YOU
    ),
    "adviser_added": SecurityWords(
        "Adviser added to {household}",
        "An adviser may now see and act for {household}. You can withdraw that at any time.",
    ),
    "adviser_removed": SecurityWords(
        "Adviser removed from {household}", "An adviser no longer sees {household}."
    ),
    "accountant_added": SecurityWords(
        "Accountant added to {household}",
        "An accountant may now read tax years of {household}. You can withdraw that at any time.",
    ),
    "accountant_removed": SecurityWords(
        "Accountant removed from {household}", "An accountant no longer sees {household}."
    ),
    "export_ready": SecurityWords(
        "Your data is ready", "The archive of your data can be downloaded for a while."
    ),
    "deletion_asked": SecurityWords(
        "Your account will be deleted",
        "The deletion of your account was requested. Until then you can withdraw it. " + _NOT_YOU,
    ),
    "deletion_withdrawn": SecurityWords(
        "Your account stays", "The deletion of your account was withdrawn."
    ),
}
_UNNAMED = {
    "household": "a household",
    "inviter": "A member",
    "guest": "Your guest",
    "device": "unknown device",
    "address": "unknown address",
    "key_name": "without a name",
}


def words(payload: Mapping[str, Any]) -> SecurityWords:
    """Return the words of an event with its parameters filled in. Raise KeyError if unknown."""
    kind = payload["kind"]
    if kind not in WORDS:
        raise KeyError(f"no words for the security event {kind!r}")
    told = _UNNAMED | {name: _line(value) for name, value in payload.items()}
    plain = WORDS[kind]
    return SecurityWords(
        plain.subject.format_map(told), plain.body.format_map(told), plain.button, plain.in_app
    )


def subject(payload: Mapping[str, Any]) -> str:
    """Return the title of a security event."""
    return words(payload).subject


def _line(value: object) -> str:
    """Return a parameter as one line of text: it comes from people, and stands in a subject."""
    return " ".join(str(value).split())[:120]
