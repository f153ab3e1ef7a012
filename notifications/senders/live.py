"""Send live events from a worker to the channel layer."""

from collections.abc import Sequence

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer


def send_events(events: Sequence[tuple[str, str]]) -> None:
    """Send ready JSON to every socket of each group. Raise if the layer is unreachable."""
    if not events:
        return
    layer = get_channel_layer()
    if layer is None:
        raise RuntimeError("no channel layer is configured, so events cannot be sent")

    async def send_all() -> None:
        for group, text in events:
            await layer.group_send(group, {"type": "account.event", "text": text})

    async_to_sync(send_all)()
