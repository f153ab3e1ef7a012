"""Ending the sockets whose access was withdrawn.

    published    Redis announces ended rights, and their sockets close within milliseconds
    rechecked    every `recheck_s` PostgreSQL is asked which rights of the members have ended; this
                 finds those whose publication was lost in a Redis outage
    unchecked    without an answer for `authority_s_max` every socket closes, and none is admitted

`identity.operations.ended_rights` publishes; `config/asgi.py` asks PostgreSQL.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from identity.socket_rights import Right
from stream import metrics
from stream.hub import Hub, Member
from stream.protocol import Close, Ended, Problem

logger = logging.getLogger(__name__)

# Returns the access rights that have ended in PostgreSQL. Blocks; raises if it is unreachable.
Authority = Callable[[Collection[Right]], Collection[Right]]


class Revocation:
    """The rights of all members of a hub, and how long ago they were last checked.

    `sockets` are all sockets of the process, with those that have not sent their ticket yet.
    """

    def __init__(
        self,
        *,
        hub: Hub,
        authority: Authority,
        sockets: Collection[Callable[[Close, Problem, str], None]],
        recheck_s: float,
        authority_s_max: float,
    ) -> None:
        self._hub = hub
        self._authority = authority
        self._sockets = sockets
        self._recheck_s = recheck_s
        self._authority_s_max = authority_s_max
        self._loop = asyncio.get_running_loop()
        self.authority_up = True
        self._authority_at = self._asked_at = self._loop.time()
        # One thread, so that one connection to PostgreSQL is all this process has.
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="authority")
        self._question: asyncio.Future[Collection[Right]] | None = None
        self._recheck_now = asyncio.Event()

    def close_ended(self, ended: Ended) -> None:
        """Close the members of users whose epoch rose, and those of log-ins that ended."""
        self._close(
            member
            for user_id, epoch in ended.users.items()
            for member in self._hub.of_user(user_id)
            if member.right.epoch < epoch
        )
        self._close(member for family in ended.families for member in self._hub.of_family(family))

    def recheck_soon(self) -> None:
        """Ask PostgreSQL at once: rights may have ended without a publication."""
        self._recheck_now.set()

    async def recheck(self) -> None:
        """Compare the rights of all members with PostgreSQL, every `recheck_s`, forever.

        A query that hangs is not repeated; only its age counts.
        """
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._recheck_s):  # see `Hub.run`
                    await self._recheck_now.wait()
            self._recheck_now.clear()
            if self._question is None:
                rights = {member.right for member in self._hub.members}
                self._asked_at = self._loop.time()
                self._question = self._loop.run_in_executor(self._asking, self._authority, rights)
            answered, _ = await asyncio.wait({self._question}, timeout=self._recheck_s)
            if answered:
                self._take_answer(self._question)
                self._question = None

    def close_unchecked(self) -> None:
        """Close every socket when the rights could not be checked for too long."""
        age_s = self._loop.time() - self._authority_at
        metrics.RIGHTS_AGE_SECONDS.set(age_s)
        if age_s <= self._authority_s_max:
            return
        if self.authority_up:
            logger.error(
                "access rights were not rechecked for %s s, closing all connections",
                self._authority_s_max,
            )
        self.authority_up = False
        for close in list(self._sockets):
            close(Close.TRY_LATER, Problem.UNAVAILABLE, "access cannot be checked now")

    def stop(self) -> None:
        """Ask no more; a query that has begun ends on its own."""
        self._asking.shutdown(wait=False, cancel_futures=True)

    def _take_answer(self, question: "asyncio.Future[Collection[Right]]") -> None:
        error = question.exception()
        if error is not None:
            logger.warning("access rights were not rechecked: %s", error)
            return
        # As old as the question: the answer may rest on a moment right after it.
        self._authority_at = self._asked_at
        self.authority_up = True
        gone = question.result()
        users = {right.user_id for right in gone}
        self._close(
            member
            for user_id in users
            for member in self._hub.of_user(user_id)
            if member.right in gone
        )

    def _close(self, members: Iterable[Member]) -> None:
        for member in list(members):
            self._hub.close(
                member, Close.UNAUTHENTICATED, Problem.REVOKED, "this user's access rights changed"
            )
