"""What all processes know of a vendor: its breaker, its quota, and what came of the calls.

One hash in Redis for each vendor. A caller asks and is told in one atomic step, so a broken vendor
gets one probe however many processes want to call it. While Redis is away each process goes by a
state of its own, kept by the same rules (`marketdata.providers.breaker` and `.quota`).
"""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import redis

from marketdata.providers import breaker, quota
from marketdata.providers.breaker import Breaker, Held, Leave
from marketdata.providers.port import HARMLESS, Fault, ProviderFault
from marketdata.providers.quota import Bucket, Limit
from stores.redis import redis_client

COUNTS_KEPT_DAYS = 8

# The rules of `breaker.asked` and `quota.taken` on one hash. Answers with leave, or with the
# milliseconds until a token is there.
_ASK = """
local open_ms, requests, spared = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('time')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function field(name) return tonumber(redis.call('hget', KEYS[1], name) or '0') end

local pause_max = tonumber(ARGV[4])
local tokens, ats, wait = {}, {}, 0
for i = 5, #ARGV, 2 do
  local calls, window = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  local at = redis.call('hget', KEYS[1], 'at' .. i)
  local left = calls
  if at then
    at = tonumber(at)
    if at - now > pause_max then at = now end
    left = math.min(calls, field('tokens' .. i) + math.max(0, now - at) * calls / window)
    at = math.max(at, now)
  else
    at = now
  end
  tokens[i], ats[i] = left, at
  wait = math.max(wait, at - now)
  local missing = math.min(requests + math.floor(calls * spared), calls) - left
  if missing > 0 then wait = math.max(wait, math.ceil(missing * window / calls)) end
end

local held = redis.call('hget', KEYS[1], 'held') or ''
local opened, probed = field('opened'), field('probed')
local leave = 'call'
if held == 'open' then return {'refused', 0} end
if held ~= 'closed' and opened > 0 then
  local function recent(at) return at > 0 and now >= at and now - at < open_ms end
  if recent(opened) or recent(probed) then
    return {'refused', 0}
  end
  leave = 'probe'
end
if wait > 0 then return {'quota', wait} end
if leave == 'probe' then redis.call('hset', KEYS[1], 'probed', now) end
for i = 5, #ARGV, 2 do
  redis.call('hset', KEYS[1], 'tokens' .. i, tokens[i] - requests, 'at' .. i, ats[i])
end
return {leave, 0}
"""

# The rules of `breaker.succeeded`, `breaker.failed` and `quota.emptied` on the same hash.
_TELL = """
local failures_max, probe = tonumber(ARGV[1]), ARGV[2] == '1'
local outcome, pause = ARGV[3], tonumber(ARGV[4])
local clock = redis.call('time')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function field(name) return tonumber(redis.call('hget', KEYS[1], name) or '0') end

local opened = field('opened')
if outcome == 'failure' then
  redis.call('hset', KEYS[1], 'failed_at', now, 'fault', ARGV[5])
  if opened > 0 then
    if probe then redis.call('hset', KEYS[1], 'opened', now, 'probed', 0) end
  else
    local failures = redis.call('hincrby', KEYS[1], 'failures', 1)
    if failures >= failures_max then redis.call('hset', KEYS[1], 'opened', now) end
  end
else
  redis.call('hset', KEYS[1], 'answered_at', now)
  if opened == 0 or probe then
    redis.call('hset', KEYS[1], 'failures', 0, 'opened', 0, 'probed', 0)
  end
end
if pause > 0 then
  for i = 6, #ARGV do
    redis.call('hset', KEYS[1], 'tokens' .. ARGV[i], 1, 'at' .. ARGV[i], now + pause)
  end
end
return redis.call('hget', KEYS[1], 'opened') or '0'
"""


@dataclass(frozen=True, slots=True)
class ProviderState:
    """A vendor as an operator sees it. `tokens`: calls left of each limit, in its order."""

    name: str
    stage: str
    held: Held
    failures: int
    answered_at: datetime | None
    failed_at: datetime | None
    fault: str
    tokens: tuple[float, ...]
    counts: dict[str, int]


def admitted(*, name: str, limits: Sequence[Limit], requests: int = 1, spared: float = 0.0) -> bool:
    """Take leave to call a vendor once; return whether this call is the breaker's probe.

    `requests`: how many requests of its quota the call makes; `spared`: the share of each limit
    that it leaves to others.

    Raise ProviderFault if the breaker is open or no call is left.
    """
    arguments = [n for limit in limits for n in (limit.calls, limit.window_ms)]
    try:
        said, wait_ms = redis_client().eval(
            _ASK,
            1,
            _key(name),
            breaker.OPEN_MS,
            requests,
            spared,
            quota.PAUSE_MS_MAX,
            *arguments,
        )
        _local.forget(name)
    except redis.RedisError:
        said, wait_ms = _local.asked(name, limits, requests, spared)
    leave = said.decode() if isinstance(said, bytes) else said
    if leave == "quota":
        detail = f"no call of {name} is left for {wait_ms / 1000:.0f} s"
        raise ProviderFault(Fault.QUOTA_USED, detail, retry_after_s=wait_ms / 1000)
    if leave == Leave.REFUSED:
        raise ProviderFault(Fault.BREAKER_OPEN, f"{name} is left alone after failures")
    return leave == Leave.PROBE


def tell(
    *, name: str, limits: Sequence[Limit], probe: bool, fault: ProviderFault | None, day: date
) -> None:
    """Record how an admitted call ended."""
    kind = None if fault is None else fault.fault
    failure = kind is not None and kind not in HARMLESS
    pause_s = 0.0
    if fault is not None and kind is Fault.QUOTA_USED:
        pause_s = fault.retry_after_s or 60.0
    places = _places(limits)
    counts = _counts_key(name, day)
    try:
        with redis_client().pipeline(transaction=False) as pipeline:
            pipeline.eval(
                _TELL,
                1,
                _key(name),
                breaker.FAILURES_MAX,
                int(probe),
                "failure" if failure else "answer",
                int(pause_s * 1000),
                kind or "",
                *places,
            )
            pipeline.hincrby(counts, kind or "answered", 1)
            pipeline.expire(counts, COUNTS_KEPT_DAYS * 86_400)
            pipeline.execute()
    except redis.RedisError:
        _local.told(name, limits, probe=probe, failure=failure, pause_ms=int(pause_s * 1000))


def count_refusals(*, name: str, codes: Iterable[str], day: date) -> None:
    """Count figures of a vendor that were refused as wrong, by code."""
    found = list(codes)
    if not found:
        return
    try:
        with redis_client().pipeline(transaction=False) as pipeline:
            for code in found:
                pipeline.hincrby(_counts_key(name, day), f"refused:{code}", 1)
            pipeline.expire(_counts_key(name, day), COUNTS_KEPT_DAYS * 86_400)
            pipeline.execute()
    except redis.RedisError:
        return  # the metrics of this process have counted them


def hold(*, name: str, held: Held) -> None:
    """Open or close a breaker by hand, or give it back to its own rules, closed."""
    redis_client().hset(
        _key(name), mapping={"held": held.value, "failures": 0, "opened": 0, "probed": 0}
    )


def states(*, limits: dict[str, Sequence[Limit]], now: datetime) -> list[ProviderState]:
    """Return the state of each vendor; raise RedisError while nobody knows it."""
    with redis_client().pipeline(transaction=False) as pipeline:
        for name in limits:
            pipeline.hgetall(_key(name))
            pipeline.hgetall(_counts_key(name, now.date()))
        answers = pipeline.execute()
    return [
        _state(name, limits[name], answers[2 * i], answers[2 * i + 1], now)
        for i, name in enumerate(limits)
    ]


def _state(
    name: str,
    limits: Sequence[Limit],
    raw: dict[bytes, bytes],
    counts: dict[bytes, bytes],
    now: datetime,
) -> ProviderState:
    fields = {key.decode(): value.decode() for key, value in raw.items()}
    now_ms = int(now.timestamp() * 1000)
    known = Breaker(
        failures=int(fields.get("failures", 0)),
        opened_ms=int(fields.get("opened", 0)),
        probed_ms=int(fields.get("probed", 0)),
        held=Held(fields.get("held", "")),
    )
    tokens = []
    for place, limit in zip(_places(limits), limits, strict=True):
        at = fields.get(f"at{place}")
        stored = None if at is None else Bucket(float(fields[f"tokens{place}"]), int(float(at)))
        tokens.append(quota.refilled(stored, limit, now_ms=now_ms).tokens)
    return ProviderState(
        name=name,
        stage=known.stage(now_ms),
        held=known.held,
        failures=known.failures,
        answered_at=_instant(fields.get("answered_at")),
        failed_at=_instant(fields.get("failed_at")),
        fault=fields.get("fault", ""),
        tokens=tuple(tokens),
        counts={key.decode(): int(value) for key, value in sorted(counts.items())},
    )


def _instant(milliseconds: str | None) -> datetime | None:
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(int(milliseconds) / 1000, tz=UTC)


def _places(limits: Sequence[Limit]) -> range:
    """Return where the arguments of the script have each limit: their names in the hash."""
    return range(5, 5 + 2 * len(limits), 2)


def _key(name: str) -> str:
    return f"provider:{name}"


def _counts_key(name: str, day: date) -> str:
    return f"provider:{name}:{day.isoformat()}"


class _Local:
    """The states of this process alone, for as long as Redis is away."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._breakers: dict[str, Breaker] = {}
        self._buckets: dict[str, tuple[Bucket, ...]] = {}

    def forget(self, name: str) -> None:
        if name in self._breakers or name in self._buckets:
            with self._lock:
                self._breakers.pop(name, None)
                self._buckets.pop(name, None)

    def asked(
        self, name: str, limits: Sequence[Limit], requests: int, spared: float
    ) -> tuple[str, float]:
        now_ms = _monotonic_ms()
        with self._lock:
            known, leave = breaker.asked(self._breakers.get(name, Breaker()), now_ms=now_ms)
            if leave is Leave.REFUSED:
                return leave, 0.0
            before: Sequence[Bucket | None] = self._buckets.get(name) or [None] * len(limits)
            buckets, went = quota.taken(
                before, limits, now_ms=now_ms, requests=requests, spared=spared
            )
            self._buckets[name] = buckets
            if not went:
                wait_ms = quota.wait_ms(
                    buckets, limits, now_ms=now_ms, requests=requests, spared=spared
                )
                return "quota", wait_ms
            self._breakers[name] = known
            return leave, 0.0

    def told(
        self, name: str, limits: Sequence[Limit], *, probe: bool, failure: bool, pause_ms: int
    ) -> None:
        now_ms = _monotonic_ms()
        with self._lock:
            known = self._breakers.get(name, Breaker())
            self._breakers[name] = (
                breaker.failed(known, probe=probe, now_ms=now_ms)
                if failure
                else breaker.succeeded(known, probe=probe)
            )
            if pause_ms:
                self._buckets[name] = quota.emptied(limits, until_ms=now_ms + pause_ms)


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000


_local = _Local()
