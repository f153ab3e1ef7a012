"""The trail of security in sentences. Pure."""

from collections.abc import Mapping
from typing import Any

_WORDS = {
    "log_in": "logged in",
    "new_device": "logged in from a new device",
    "strange_log_in": "logged in from a new device after many refused tries",
    "log_ins_refused": "had many tries to log in refused",
    "log_in_ended": "ended a log-in",
    "log_ins_ended": "ended all other log-ins",
    "session_reused": "had a log-in ended, because its token was used twice",
    "password_reset": "asked for a link to set a new password",
    "password_changed": "changed the password",
    "verify_email": "got a link to confirm an e-mail address",
    "email_verified": "confirmed the e-mail address",
    "email_changed": "changed the e-mail address",
    "second_factor_added": "added an authenticator app",
    "second_factor_removed": "removed the authenticator app",
    "passkey_added": "added a passkey",
    "passkey_removed": "removed a passkey",
    "recovery_code_used": "logged in with a recovery code",
    "recovery_codes_made": "made new recovery codes",
    "key_created": "made an API key",
    "key_revoked": "revoked an API key",
    "invitation": "invited",
    "invitation_withdrawn": "withdrew an invitation",
    "invitation_accepted": "accepted an invitation",
    "household_left": "left for another household",
    "adviser_added": "let an adviser in",
    "adviser_removed": "ended the access of an adviser",
    "export_ready": "got an archive of their data",
    "accountant_added": "let an accountant read tax years",
    "accountant_removed": "ended the access of an accountant",
    "deletion_asked": "asked to delete the account",
    "deletion_withdrawn": "keeps the account after all",
    "account_closed": "left; the account was closed",
}
_NAMING = ("key_name", "name", "email", "adviser", "accountant", "new_email", "prefix")


def event_line(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a page shows of an entry: who, what, which, when, and from where."""
    details = event["details"]
    return {
        "who": event["actor"] or event["user"] or "Somebody",
        "what": _WORDS.get(event["kind"], event["kind"].replace("_", " ")),
        "which": next((str(details[name]) for name in _NAMING if details.get(name)), ""),
        "created_at": event["created_at"],
        "origin": " from ".join(part for part in (event["device"], event["address"]) if part),
    }
