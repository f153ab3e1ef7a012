"""Account events between processes: a quiet socket stays, a hanging Redis blocks nobody."""

import asyncio
import socket
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings
from redis.exceptions import TimeoutError as RedisTimeout

CONFIG: Any = settings.CHANNEL_LAYERS["default"]["CONFIG"]


def layer(**changes: Any) -> RedisPubSubChannelLayer:
    return RedisPubSubChannelLayer(hosts=[{**CONFIG["hosts"][0], **changes}])


async def heard_after(silence_s: float, **changes: Any) -> Any:
    listening, sending = layer(**changes), layer(**changes)
    channel = await listening.new_channel()
    await listening.group_add("household.1", channel)
    await asyncio.sleep(silence_s)
    await sending.group_send("household.1", {"type": "account.event", "text": "{}"})
    try:
        async with asyncio.timeout(30):
            return await listening.receive(channel)
    finally:
        await listening.flush()
        await sending.flush()


def test_an_event_is_heard_after_a_silence_longer_than_the_timeout() -> None:
    heard = async_to_sync(heard_after)(1.5, socket_timeout=0.2)
    assert heard == {"type": "account.event", "text": "{}"}


@pytest.mark.proof
def test_an_event_is_heard_after_half_a_minute_of_silence() -> None:
    assert settings.REDIS_TIMEOUT_S < 30
    assert async_to_sync(heard_after)(30)["text"] == "{}"


def test_a_redis_that_hangs_fails_the_event_in_time() -> None:
    assert 0 < CONFIG["hosts"][0]["socket_timeout"] <= 5
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts connections, never answers
        port = silent.getsockname()[1]

        async def send() -> None:
            hanging = layer(address=f"redis://127.0.0.1:{port}/0", socket_timeout=0.2)
            try:
                await hanging.group_send("household.1", {"type": "account.event"})
            finally:
                await hanging.flush()

        with pytest.raises(RedisTimeout):
            async_to_sync(send)()
