"""What a ticket or a socket was given on the strength of. Pure.

A right stands while the user is open, their access epoch is the one it was given at, and the log-in
it was given to has not ended. Families of page sessions are told from those of tokens by a prefix.
"""

from typing import NamedTuple

SESSION_PREFIX = "session-"


class Right(NamedTuple):
    """A user's access epoch and log-in at one moment."""

    user_id: int
    epoch: int
    family: str

    @property
    def is_of_session(self) -> bool:
        return self.family.startswith(SESSION_PREFIX)
