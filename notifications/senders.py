"""Live events out of a worker: one synchronous call into the channel layer."""

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer


def send_event(*, group: str, text: str) -> None:
    """Hands ready JSON to every socket in the group. Raises when the layer is out of reach."""
    layer = get_channel_layer()
    if layer is None:
        raise RuntimeError("no channel layer is configured")
    async_to_sync(layer.group_send)(group, {"type": "account.event", "text": text})
