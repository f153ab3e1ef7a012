"""The right behind a ticket of the stream and the socket it opens. Pure.

A right stands while the user is active, their access epoch is unchanged, and the log-in has not
ended. A prefix distinguishes the families of page sessions from those of tokens.
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
