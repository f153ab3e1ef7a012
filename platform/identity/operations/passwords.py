"""The check of a new password against those that are known to attackers."""

from typing import Any

from django.core.exceptions import ValidationError

from identity.breached_passwords import is_breached


class BreachedPasswordValidator:
    """Refuse a password of the kinds that lists of breached passwords are made of."""

    def validate(self, password: str, user: Any = None) -> None:
        if is_breached(password):
            raise ValidationError(
                "This password is easy to guess: passwords made like it stand in lists of stolen "
                "ones. Use several unrelated words, or let a password manager make one."
            )

    def get_help_text(self) -> str:
        return "Not a common word with digits or signs."
