"""The line of threads that wait for one household."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from core.errors import Unavailable
from stores import locks
from stores.locks import HouseholdBusy, in_line


@contextmanager
def standing(household_id: int, count: int) -> Iterator[None]:
    """So many threads stand in a household's line until the end of the block."""
    end, arrived = threading.Event(), threading.Semaphore(0)

    def stand() -> None:
        with in_line(("a", household_id)):
            arrived.release()
            end.wait(60)

    threads = [threading.Thread(target=stand) for _ in range(count)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert arrived.acquire(timeout=60)
    try:
        yield
    finally:
        end.set()
        for thread in threads:
            thread.join(timeout=60)


def test_a_line_that_stands_still_takes_two_and_refuses_the_third() -> None:
    with standing(1, 2):
        for _ in range(3):
            with pytest.raises(HouseholdBusy) as refusal, in_line(("a", 1)):
                raise AssertionError("the third must not get in")
            assert (refusal.value.status, refusal.value.code) == (503, "household_busy")
            assert refusal.value.retry_after_s is not None
        for place in (("a", 2), ("b", 1)):
            with in_line(place):
                pass  # other households and other rows have lines of their own
    with in_line(("a", 1)):
        pass
    assert locks._lines == {}, "nothing is kept of lines nobody stands in"


def test_many_pass_a_line_that_moves() -> None:
    passed, start = threading.Semaphore(0), threading.Barrier(30)

    def write() -> None:
        start.wait(60)
        for _ in range(20):
            with in_line(("a", 7)):
                pass
        passed.release()

    threads = [threading.Thread(target=write) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    for _ in threads:
        assert passed.acquire(blocking=False), "nobody was refused"


def test_a_lock_that_is_not_got_frees_its_place() -> None:
    for _ in range(5):
        with suppress(Unavailable), in_line(("a", 3)):
            raise Unavailable("The lock timed out.")
    with standing(3, 2):
        pass
    assert locks._lines == {}
