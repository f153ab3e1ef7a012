"""The hub with sockets that accept a frame at once, never, or on command."""

import asyncio
import json
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

from identity.socket_rights import Right
from stream.hub import Hub, Member
from stream.pace import Pace
from stream.protocol import Close, Problem, Quote
from stream.revocation import Revocation
from stream.throttle import Client

AS_OF = datetime(2026, 11, 20, tzinfo=UTC)


def quotes(**prices: str) -> list[Quote]:
    return [
        Quote(
            symbol=symbol,
            price=float(price),
            as_of=AS_OF,
            stale=False,
            text=json.dumps({"symbol": symbol, "price": price}),
        )
        for symbol, price in prices.items()
    ]


class Wire:
    """The server's side of a socket: its buffer, and whether it has room."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.room = asyncio.Event()
        self.room.set()
        self.broken: Exception | None = None
        self.closed: list[tuple[Close, Problem]] = []

    async def send(self, message: dict[str, Any]) -> None:
        await self.room.wait()
        if self.broken:
            raise self.broken
        self.frames.append(json.loads(message["text"]))

    def close(self, close: Close, problem: Problem, detail: str) -> None:
        self.closed.append((close, problem))

    @property
    def prices(self) -> list[dict[str, str]]:
        return [{u["symbol"]: u["price"] for u in frame["updates"]} for frame in self.frames]


class Room:
    """A hub whose clock stands still until the test moves it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.hub = Hub(clock=lambda: self.now)

    def member(self, *symbols: str, wire: Wire) -> Member:
        member = Member(
            client=Client(pace=Pace(interval_s=1.0), now=self.now),
            send=wire.send,
            close=wire.close,
            right=Right(1, 1, ""),
            now=self.now,
        )
        self.hub.join(member)
        self.hub.watch(member, symbols)
        return member

    async def tick(self, *, at: float) -> None:
        self.now = at
        await self.hub.tick()
        await asyncio.sleep(0)


def in_a_room(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def test_a_client_hears_only_of_symbols_it_watches_and_only_of_changes() -> None:
    async def story() -> None:
        room, wire = Room(), Wire()
        room.hub.publish(quotes(A="1", B="2", C="3"))
        room.member("A", "B", wire=wire)
        await room.tick(at=0.0)
        room.hub.publish(quotes(A="1", C="4"))  # A has no news, C is not watched
        await room.tick(at=1.0)
        assert wire.prices == [{"A": "1", "B": "2"}]

    in_a_room(story())


def test_what_is_held_back_goes_when_it_is_due_without_another_change() -> None:
    async def story() -> None:
        room, wire = Room(), Wire()
        room.hub.publish(quotes(A="100"))
        room.member("A", wire=wire)
        await room.tick(at=0.0)
        room.hub.publish(quotes(A="100.01"))
        await room.tick(at=0.2)
        assert wire.prices == [{"A": "100"}]
        await room.tick(at=1.0)
        assert wire.prices == [{"A": "100"}, {"A": "100.01"}]

    in_a_room(story())


def test_a_blocked_client_coalesces_while_another_is_served() -> None:
    async def story() -> None:
        room, slow, fast = Room(), Wire(), Wire()
        room.hub.publish(quotes(A="100"))
        room.member("A", wire=slow)
        room.member("A", wire=fast)
        await room.tick(at=0.0)
        slow.room.clear()
        for second in range(1, 9):
            room.hub.publish(quotes(A=str(100 + second)))
            await room.tick(at=float(second))
        assert [p["A"] for p in fast.prices] == [str(100 + s) for s in range(9)]
        assert slow.prices == [{"A": "100"}]
        assert room.hub.blocked_count == 1
        slow.room.set()
        await asyncio.sleep(0)
        await room.tick(at=9.0)
        assert slow.prices == [{"A": "100"}, {"A": "101"}, {"A": "108"}]
        assert [frame["seq"] for frame in slow.frames] == [1, 2, 3]
        assert room.hub.blocked_count == 0

    in_a_room(story())


def test_a_client_blocked_too_long_is_closed_and_written_to_no_more() -> None:
    async def story() -> None:
        room, slow = Room(), Wire()
        room.hub.publish(quotes(A="100"))
        slow.room.clear()
        room.member("A", wire=slow)
        await room.tick(at=0.0)
        room.now = 10.0
        room.hub.close_slow(blocked_s_max=10.0)
        assert slow.closed == []
        room.now = 10.1
        room.hub.close_slow(blocked_s_max=10.0)
        assert slow.closed == [(Close.TRY_LATER, Problem.TOO_SLOW)]
        assert not room.hub.members
        room.hub.publish(quotes(A="200"))
        slow.room.set()
        await asyncio.sleep(0)
        await room.tick(at=12.0)
        assert slow.prices == [{"A": "100"}]

    in_a_room(story())


def test_a_socket_that_broke_leaves_the_hub_and_the_others_are_served() -> None:
    async def story() -> None:
        room, broken, sound = Room(), Wire(), Wire()
        room.hub.publish(quotes(A="100"))
        for error in (OSError("gone"), RuntimeError("after close")):
            broken.broken = error
            room.member("A", wire=broken)
        room.member("A", wire=sound)
        await room.tick(at=0.0)
        assert sound.prices == [{"A": "100"}]
        assert len(room.hub.members) == 1

    in_a_room(story())


def test_quotes_without_a_source_turn_stale_once_and_fresh_again() -> None:
    async def story() -> None:
        room, wire = Room(), Wire()
        text = '{"symbol":"A","price":"100","as_of":"2026-11-20T00:00:00Z","stale":false}'
        fresh = Quote(symbol="A", price=100.0, as_of=AS_OF, stale=False, text=text)
        room.hub.publish([fresh])
        room.member("A", wire=wire)
        await room.tick(at=0.0)
        room.hub.mark_stale()
        room.hub.mark_stale()
        await room.tick(at=1.0)
        room.hub.publish([fresh])
        await room.tick(at=2.0)
        assert [frame["updates"][0]["stale"] for frame in wire.frames] == [False, True, False]

    in_a_room(story())


def test_idle_means_nothing_watched_and_nothing_said() -> None:
    async def story() -> None:
        room, watching, idle = Room(), Wire(), Wire()
        room.hub.publish(quotes(A="100"))
        room.member("A", wire=watching)
        member = room.member(wire=idle)
        member.heard_at = room.now = 50.0
        room.now = 149.0
        room.hub.close_idle(idle_s_max=100.0)
        assert idle.closed == []
        room.now = 151.0
        room.hub.close_idle(idle_s_max=100.0)
        assert idle.closed == [(Close.TIMEOUT, Problem.IDLE)]
        assert watching.closed == []

    in_a_room(story())


def test_a_tick_over_many_clients_lets_other_tasks_run() -> None:
    async def story() -> None:
        room = Room()
        room.hub.publish(quotes(A="100"))
        wires = [Wire() for _ in range(1600)]
        for wire in wires:
            room.member("A", wire=wire)
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        await room.hub.tick()
        task.cancel()
        assert turns >= 3
        assert all(wire.prices == [{"A": "100"}] for wire in wires)

    in_a_room(story())


def test_a_quote_at_the_moment_of_its_end_does_not_keep_the_hub_running() -> None:
    async def story() -> None:
        room = Room()
        room.hub.publish(quotes(A="1"))
        room.member("A", wire=Wire())
        running = asyncio.ensure_future(room.hub.run())
        await asyncio.sleep(0.05)
        room.hub.publish(quotes(A="1.0001"))  # held back: the hub waits until it is due
        await asyncio.sleep(0.05)
        room.hub.publish(quotes(A="1.0002"))
        running.cancel()
        ended, _ = await asyncio.wait({running}, timeout=5)
        assert ended
        assert running.cancelled()

    in_a_room(story())


def test_a_recheck_asked_for_at_the_moment_of_its_end_does_not_keep_it_running() -> None:
    async def story() -> None:
        revocation = Revocation(
            hub=Room().hub,
            authority=lambda rights: (),
            sockets=(),
            recheck_s=30,
            authority_s_max=60,
        )
        running = asyncio.ensure_future(revocation.recheck())
        await asyncio.sleep(0.05)
        revocation.recheck_soon()
        running.cancel()
        ended, _ = await asyncio.wait({running}, timeout=5)
        revocation.stop()
        assert ended
        assert running.cancelled()

    in_a_room(story())
