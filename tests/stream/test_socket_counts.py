import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis

from stream.socket_counts import PROCESSES, SocketCounts, Verdict

GRANTED, ADDRESS_FULL, ALL_FULL = Verdict.GRANTED, Verdict.ADDRESS_FULL, Verdict.ALL_FULL


def played(url: str, story: Callable[["Redis"], Awaitable[None]]) -> None:
    async def play() -> None:
        async with Redis.from_url(url) as redis:
            await story(redis)

    asyncio.run(play())


def counts(redis: "Redis", process: str, *, lease_s: float = 30.0) -> SocketCounts:
    return SocketCounts(
        redis=redis, process=process, per_address_max=2, in_all_max=3, lease_s=lease_s
    )


def test_limits_count_over_all_processes(redis_server: Any) -> None:
    async def story(redis: "Redis") -> None:
        one, two = counts(redis, "one"), counts(redis, "two")
        assert await one.add("192.0.2.1") is GRANTED
        assert await two.add("192.0.2.1") is GRANTED
        assert await one.add("192.0.2.1") is ADDRESS_FULL
        assert await two.add("192.0.2.2") is GRANTED
        assert await one.add("192.0.2.3") is ALL_FULL
        two.remove("192.0.2.1")
        await two.settle()
        assert await one.add("192.0.2.1") is GRANTED
        assert await one.add("192.0.2.3") is ALL_FULL

    played(redis_server.url, story)


def test_concurrent_calls_never_go_beyond_the_limit(redis_server: Any) -> None:
    async def story(redis: "Redis") -> None:
        one, two = counts(redis, "one"), counts(redis, "two")
        verdicts = await asyncio.gather(*(p.add("a") for p in [one, two] * 20))
        assert verdicts.count(GRANTED) == 2

    played(redis_server.url, story)


def test_what_was_refused_and_removed_leaves_nothing_behind(redis_server: Any) -> None:
    async def story(redis: "Redis") -> None:
        one = counts(redis, "one")
        assert [await one.add("a") for _ in range(3)] == [GRANTED, GRANTED, ADDRESS_FULL]
        one.remove("a")
        one.remove("a")
        await one.settle()
        assert await redis.exists("{stream}:sockets:one") == 0

    played(redis_server.url, story)


def test_a_process_that_stops_renewing_stops_counting(redis_server: Any) -> None:
    async def story(redis: "Redis") -> None:
        dead, alive = counts(redis, "dead", lease_s=0.2), counts(redis, "alive")
        assert [await dead.add("a") for _ in range(2)] == [GRANTED, GRANTED]
        assert await alive.add("a") is ADDRESS_FULL
        deadline = time.monotonic() + 10
        while await alive.add("a") is not GRANTED:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)

    played(redis_server.url, story)


def test_a_renewal_keeps_the_count_and_repairs_it_after_redis_lost_it(redis_server: Any) -> None:
    async def story(redis: "Redis") -> None:
        one, two = counts(redis, "one"), counts(redis, "two")
        assert [await one.add("a") for _ in range(2)] == [GRANTED, GRANTED]
        await redis.flushall()
        await one.renew()
        assert await two.add("a") is ADDRESS_FULL
        assert await redis.hgetall("{stream}:sockets:one") == {b"a": b"2", b"*": b"2"}
        await redis.hset("{stream}:sockets:one", "*", 99)
        await one.renew()
        await one.renew()
        assert await two.add("b") is GRANTED
        assert await redis.pttl("{stream}:sockets:one") > 0

    played(redis_server.url, story)


def test_a_renewal_between_close_and_settlement_counts_neither_twice(redis_server: Any) -> None:
    async def story(redis: "Redis") -> None:
        one = counts(redis, "one")
        assert [await one.add("a"), await one.add("b")] == [GRANTED, GRANTED]
        one.remove("a")
        await one.renew()  # finds the expected state
        await redis.flushall()
        await one.renew()  # writes it again
        await one.settle()
        assert await redis.hgetall("{stream}:sockets:one") == {b"b": b"1", b"*": b"1"}

    played(redis_server.url, story)


def test_a_process_that_gives_up_frees_all_at_once(redis_server: Any) -> None:
    async def story(redis: "Redis") -> None:
        one, two = counts(redis, "one"), counts(redis, "two")
        assert [await one.add("a") for _ in range(2)] == [GRANTED, GRANTED]
        await one.give_up()
        assert await redis.zcard(PROCESSES) == 0
        assert await two.add("a") is GRANTED

    played(redis_server.url, story)
