"""The count of open sockets, per address and in all, over every process, in Redis.

    {stream}:processes         sorted set: process -> when its lease ends (ms)
    {stream}:sockets:<process> hash: address -> open sockets, "*" -> all; ends with the lease

A process renews one lease, not one per socket. The sockets of a killed process stop counting when
its lease ends. Closed sockets are subtracted together, a few times a second: thousands that close
at once need one call. The memory of the process is the record of its own sockets: a renewal that
finds another total in Redis (a restart, an eviction, a lost answer) rewrites its hash.
"""

from collections import Counter
from enum import Enum
from typing import Any

from redis.asyncio import Redis

ALL = "*"
PROCESSES = "{stream}:processes"

_ADD = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local from_address, in_all = 0, 0
for _, process in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local counts = redis.call('HMGET', '{stream}:sockets:' .. process, ARGV[2], '*')
  from_address = from_address + (tonumber(counts[1]) or 0)
  in_all = in_all + (tonumber(counts[2]) or 0)
end
if from_address >= tonumber(ARGV[3]) then return 1 end
if in_all >= tonumber(ARGV[4]) then return 2 end
redis.call('HINCRBY', KEYS[2], ARGV[2], 1)
redis.call('HINCRBY', KEYS[2], '*', 1)
redis.call('PEXPIRE', KEYS[2], ARGV[5])
redis.call('ZADD', KEYS[1], now + ARGV[5], ARGV[1])
return 0
"""
_REMOVE = """
for i = 1, #ARGV, 2 do
  local left = redis.call('HINCRBY', KEYS[1], ARGV[i], -ARGV[i + 1])
  if left <= 0 then redis.call('HDEL', KEYS[1], ARGV[i]) end
  if redis.call('HINCRBY', KEYS[1], '*', -ARGV[i + 1]) <= 0 then redis.call('DEL', KEYS[1]) end
end
"""
_RENEW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
if (tonumber(redis.call('HGET', KEYS[2], '*')) or 0) == tonumber(ARGV[3]) then
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
  return 1
end
redis.call('DEL', KEYS[2])
return 0
"""


class Verdict(Enum):
    GRANTED = 0
    ADDRESS_FULL = 1
    ALL_FULL = 2


class SocketCounts:
    """The open sockets of this process, and their count in Redis."""

    def __init__(
        self, *, redis: "Redis", process: str, per_address_max: int, in_all_max: int, lease_s: float
    ) -> None:
        self._redis: Any = redis
        self._process = process
        self._key = f"{{stream}}:sockets:{process}"
        self._per_address_max = per_address_max
        self._in_all_max = in_all_max
        self._lease_ms = round(lease_s * 1000)
        self._open: Counter[str] = Counter()
        self._closed: Counter[str] = Counter()  # closed, and still counted in Redis
        self._add = self._redis.register_script(_ADD)
        self._remove = self._redis.register_script(_REMOVE)
        self._renew = self._redis.register_script(_RENEW)

    async def add(self, address: str) -> Verdict:
        """Count one socket more, or return the limit it would break."""
        self._open[address] += 1  # before the call, so that a renewal meanwhile keeps it
        try:
            answer = await self._add(
                keys=[PROCESSES, self._key],
                args=[
                    self._process,
                    address,
                    self._per_address_max,
                    self._in_all_max,
                    self._lease_ms,
                ],
            )
        except BaseException:
            self._forget(address)
            raise
        verdict = Verdict(answer)
        if verdict is not Verdict.GRANTED:
            self._forget(address)
        return verdict

    def remove(self, address: str) -> None:
        """Count one socket less, with the next `settle`."""
        self._forget(address)
        self._closed[address] += 1

    async def settle(self) -> None:
        """Subtract the closed sockets from the count in Redis; a renewal repairs a failure."""
        closed, self._closed = self._closed, Counter()
        if closed:
            pairs = [word for pair in closed.items() for word in pair]
            await self._remove(keys=[self._key], args=pairs)

    async def renew(self) -> None:
        """Renew the lease of this process, and repair its counts."""
        counts = self._open + self._closed
        total = counts.total()
        kept = await self._renew(
            keys=[PROCESSES, self._key], args=[self._process, self._lease_ms, total]
        )
        if kept or not total:
            return
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(self._key, mapping={**counts, ALL: total})
            pipeline.pexpire(self._key, self._lease_ms)
            await pipeline.execute()

    async def give_up(self) -> None:
        """Stop counting the sockets of this process at once, in an orderly shutdown."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.zrem(PROCESSES, self._process)
            pipeline.delete(self._key)
            await pipeline.execute()

    def _forget(self, address: str) -> None:
        self._open[address] -= 1
        if self._open[address] <= 0:
            del self._open[address]
