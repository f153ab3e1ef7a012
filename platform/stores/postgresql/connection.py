"""A psycopg connection on which no wait lasts forever."""

from typing import Any

import psycopg


class NoAnswer(psycopg.OperationalError):
    """The server did not answer in time; the statement may or may not have taken effect."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection whose every wait has a deadline."""

    answer_s_max: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        limit_s = self.answer_s_max if timeout is None else timeout
        try:
            return super().wait(gen, interval=interval, timeout=limit_s)
        except psycopg.errors._WaitTimeout:
            if timeout is not None:
                raise
            self.pgconn.finish()
            raise NoAnswer(f"the database did not answer within {limit_s:g} s") from None
