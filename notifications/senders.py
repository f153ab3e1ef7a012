"""Send live events from a worker: one synchronous call to the channel layer.

Another channel, such as e-mail, belongs here as a function of its own. `operations.relay` decides
what is sent, and retries it.
"""

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer


def send_event(*, group: str, text: str) -> None:
    """Send ready JSON to every socket in the group. Raise if the layer is unreachable."""
    layer = get_channel_layer()
    if layer is None:
        raise RuntimeError("no channel layer is configured, so events cannot be sent")
    async_to_sync(layer.group_send)(group, {"type": "account.event", "text": text})
