"""The socket at /ws/v1/stream: its admission, its first message, and its requests.

The channel layer carries account events only. It is the publish/subscribe layer, which keeps group
membership in this process and subscribes again after a Redis outage. The other layer keeps
membership in Redis: an eviction or a restart removes it from open sockets, it ends after 24 hours,
and events above a capacity shared by all sockets of a process are dropped. Either layer loses an
event sent during an outage; a notice and a job row remain, which the client can read again.

Prices never pass Channels' dispatch: the hub writes them with the ASGI `send` itself.
"""

import asyncio
import logging
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer
from django.http.request import split_domain_port, validate_host
from redis.exceptions import RedisError

from core.callers import counted_caller
from stream import metrics, protocol
from stream.hub import Member, Send
from stream.inbound_rate import bucket
from stream.pace import PACES
from stream.process import STATE_KEY, Options, StreamProcess
from stream.protocol import MESSAGE_BYTES_MAX, SYMBOLS_PER_CLIENT_MAX, Close, Problem
from stream.socket_counts import Verdict
from stream.throttle import Client
from stream.tickets import redeemed

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]

PATH = "/ws/v1/stream"
MESSAGES_BURST = 3.0  # times messages_per_s_max


class StreamConsumer(AsyncConsumer):
    """One socket: admission, then Channels' loop over its messages, then clean-up."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.process: StreamProcess = scope["state"][STATE_KEY]
        self.member: Member | None = None
        self.accepted = False
        self.groups: list[str] = []
        self.closing: asyncio.Task[None] | None = None
        self.write: Send = send  # Channels' base_send, typed
        if scope["path"] != PATH or not origin_allowed(scope, self.process.options):
            metrics.REFUSED.labels("path_or_origin").inc()
            await send({"type": "websocket.close"})  # before accept: the handshake gets a 403
            return
        address = _address(scope, self.process.options)
        if (refusal := await self._admission(address)) is not None:
            await self._turn_away(*refusal)
            return
        self.process.sockets.add(self.close)
        try:
            await self._served(scope, receive, send)
        finally:
            await self._clean_up(address)

    async def _served(self, scope: Any, receive: Any, send: Any) -> None:
        """Run Channels' loop. Its first step uses the connection of account events.

        That connection is idle while there is no socket. If Redis was restarted meanwhile, its
        first use fails, and the second connects again.
        """
        for last in (False, True):
            try:
                await super().__call__(scope, receive, send)
            except (RedisError, OSError) as error:
                if self.accepted:
                    raise
                if last:
                    logger.warning("Redis is down, account events cannot be heard: %s", error)
                    detail = "account events are not available now; reconnect shortly"
                    await self._turn_away(Close.TRY_LATER, Problem.UNAVAILABLE, detail)
            else:
                return

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Dispatch as Channels does, but in no thread: no database connection is to be closed."""
        await getattr(self, get_handler_name(message))(message)

    # Admission

    async def _admission(self, address: str) -> tuple[Close, Problem, str] | None:
        """Count this socket and return None, or return the reason to refuse this socket."""
        if self.process.draining:
            return (
                Close.RESTARTING,
                Problem.RESTARTING,
                "the server is restarting; reconnect shortly",
            )
        if not self.process.source_up:
            return (
                Close.TRY_LATER,
                Problem.UNAVAILABLE,
                "prices are not available now; reconnect shortly",
            )
        if not self.process.revocation.authority_up:
            return Close.TRY_LATER, Problem.UNAVAILABLE, "access cannot be checked now"
        try:
            verdict = await self.process.socket_counts.add(address)
        except RedisError as error:
            logger.warning("Redis is down, connections of %s cannot be counted: %s", address, error)
            return Close.TRY_LATER, Problem.UNAVAILABLE, "connections cannot be counted now"
        if verdict is Verdict.ADDRESS_FULL:
            detail = (
                f"your address has the maximum of {self.process.options.per_address_max} "
                "connections"
            )
            return Close.LIMIT, Problem.TOO_MANY_SOCKETS_ADDRESS, detail
        if verdict is Verdict.ALL_FULL:
            return (
                Close.LIMIT,
                Problem.TOO_MANY_SOCKETS,
                "the server has the maximum number of connections",
            )
        return None

    async def _turn_away(self, close: Close, problem: Problem, detail: str) -> None:
        """Accept, send the reason and close: a browser cannot read a refused handshake."""
        metrics.REFUSED.labels(problem.value).inc()
        await self.write({"type": "websocket.accept"})
        await self._say(protocol.error(problem, detail))
        await self.write(_close(close, problem))

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        now = self.process.clock()
        rate = self.process.options.messages_per_s_max
        self.allowance = bucket(per_s=rate, burst=rate * MESSAGES_BURST, now=now)
        self.accepted = True
        await self.write({"type": "websocket.accept"})
        self.auth_timer = self.process.loop.call_later(
            self.process.options.auth_timeout_s,
            self.close,
            Close.TIMEOUT,
            Problem.AUTH_TIMEOUT,
            "no ticket arrived in time; send it first",
        )

    # Messages from the client

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        if self.closing is not None:
            return
        text = message.get("text")
        if text is None:
            self.close(
                Close.BAD_MESSAGE,
                Problem.BAD_MESSAGE,
                "binary messages are not accepted; send text",
            )
        elif len(text) > MESSAGE_BYTES_MAX:
            self.close(
                Close.TOO_BIG,
                Problem.TOO_BIG,
                f"the message is too long: at most {MESSAGE_BYTES_MAX} bytes",
            )
        elif not self.allowance.take(self.process.clock()):
            self.close(
                Close.LIMIT, Problem.TOO_MANY_MESSAGES, "too many messages; send them more slowly"
            )
        else:
            try:
                await self._obey(protocol.incoming(text))
            except protocol.Refused as refusal:
                self.close(Close.BAD_MESSAGE, Problem.BAD_MESSAGE, refusal.detail)

    async def _obey(self, request: protocol.Incoming) -> None:
        member = self.member
        if member is None:
            if isinstance(request, protocol.Auth):
                await self._authenticate(request)
            else:
                self.close(
                    Close.UNAUTHENTICATED,
                    Problem.UNAUTHENTICATED,
                    "send a ticket before any other message",
                )
            return
        member.heard_at = self.process.clock()
        match request:
            case protocol.Subscribe():
                await self._subscribe(member, request)
            case protocol.Unsubscribe():
                removed = self.process.hub.unwatch(member, request.symbols)
                await self._say(protocol.unsubscribed(removed))
            case protocol.Ping():
                await self._say(protocol.pong())
            case protocol.Auth():
                raise protocol.Refused("already authenticated")

    async def _authenticate(self, request: protocol.Auth) -> None:
        self.auth_timer.cancel()
        try:
            ticket = await redeemed(self.process.redis, request.ticket)
            if ticket is None:
                detail = "the ticket is unknown, used or expired; get a new one"
                self.close(Close.UNAUTHENTICATED, Problem.TICKET_INVALID, detail)
                return
            self.groups = [f"household.{household_id}" for household_id in ticket.household_ids]
            self.groups.append(f"user.{ticket.user_id}")
            for group in self.groups:
                await self.channel_layer.group_add(group, self.channel_name)
        except (RedisError, OSError) as error:
            logger.warning("Redis is down, a ticket cannot be checked: %s", error)
            self.close(Close.TRY_LATER, Problem.UNAVAILABLE, "the ticket cannot be checked now")
            return
        now = self.process.clock()
        pace = PACES[ticket.tier]
        member = Member(
            client=Client(pace=pace, now=now),
            send=self.write,
            close=self.close,
            right=ticket.right,
            now=now,
        )
        await self._say(protocol.ready(tier=ticket.tier, interval_s=pace.interval_s))
        if self.closing is None:
            self.member = member
            self.process.hub.join(member)

    async def _subscribe(self, member: Member, request: protocol.Subscribe) -> None:
        """Watch symbols. One without a quote is watched too: its first quote will be sent."""
        hub = self.process.hub
        asked = list(dict.fromkeys(request.symbols))
        if len(set(member.client.symbols).union(asked)) > SYMBOLS_PER_CLIENT_MAX:
            detail = f"too many symbols: at most {SYMBOLS_PER_CLIENT_MAX}; nothing was subscribed"
            await self._say(protocol.error(Problem.TOO_MANY_SYMBOLS, detail))
            return
        unknown = [symbol for symbol in asked if symbol not in hub.latest]
        if unknown:
            detail = "these symbols have no quotes yet; the first one will be sent"
            await self._say(protocol.error(Problem.UNKNOWN_SYMBOLS, detail, symbols=unknown))
        await self._say(protocol.subscribed([symbol for symbol in asked if symbol in hub.latest]))
        if member.present:
            hub.watch(member, asked)

    # Messages to the client

    async def account_event(self, message: dict[str, Any]) -> None:
        """Forward an event of a household or user of this socket unchanged."""
        if self.closing is None and self.member is not None:
            metrics.FRAMES_EVENT.inc()
            await self._say(message["text"])

    async def _say(self, text: str) -> None:
        try:
            await self.write({"type": "websocket.send", "text": text})
        except RuntimeError as error:  # the server has closed this socket: no pong came
            raise StopConsumer from error

    def close(self, close: Close, problem: Problem, detail: str) -> None:
        """Send the reason and close, without making the caller wait for a slow client."""
        if self.closing is None:
            metrics.CLOSED.labels(problem.value).inc()
            if self.member is not None:
                self.process.hub.leave(self.member)
            self.closing = self.process.loop.create_task(self._close(close, problem, detail))

    async def _close(self, close: Close, problem: Problem, detail: str) -> None:
        try:
            await self._say(protocol.error(problem, detail))
            await self.write(_close(close, problem))
        except (OSError, RuntimeError, StopConsumer):  # the socket went away first
            metrics.WRITES_FAILED.inc()

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        raise StopConsumer

    async def _clean_up(self, address: str) -> None:
        self.process.sockets.discard(self.close)
        if self.member is not None:
            self.process.hub.leave(self.member)
        if hasattr(self, "auth_timer"):
            self.auth_timer.cancel()
        self.process.socket_counts.remove(address)
        for group in self.groups:
            try:
                await self.channel_layer.group_discard(group, self.channel_name)
            except (RedisError, OSError) as error:
                logger.warning("Redis is down, group %s was not left: %s", group, error)


def origin_allowed(scope: Scope, options: Options) -> bool:
    """Return whether the page's origin is listed or, without a list, is this host.

    Browsers always send an Origin and other clients do not; a setting admits the others.
    """
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    domain, _ = split_domain_port(headers.get(b"host", ""))
    if not domain or not validate_host(domain, list(options.allowed_hosts)):
        return False
    origin = headers.get(b"origin")
    if origin is None:
        return options.allow_no_origin
    if options.allowed_origins:
        return origin.lower() in options.allowed_origins
    try:
        origin_domain = urlsplit(origin.lower()).hostname
    except ValueError:
        return False
    return origin_domain is not None and origin_domain == domain.strip("[]")


def _address(scope: Scope, options: Options) -> str:
    forwarded = [
        value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"
    ]
    return counted_caller(
        peer=(scope.get("client") or ("", 0))[0],
        forwarded_for=forwarded,
        trusted_proxy_count=options.trusted_proxy_count,
    )


def _close(close: Close, problem: Problem) -> dict[str, Any]:
    return {"type": "websocket.close", "code": int(close), "reason": problem.value}
