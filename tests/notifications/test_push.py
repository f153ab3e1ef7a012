"""Pushes: the example of the standard, and a real service on loopback."""

import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePublicKey,
    derive_private_key,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.utils import timezone

from config.reference.examples import REQUESTS
from notifications import operations
from notifications.models import Delivery, PushSubscription
from notifications.operations import Given
from notifications.operations.push import deliver_pushes
from notifications.push_messages import Browser, decoded, encoded, encrypted, public_bytes
from tests.notifications.servers import Hooks

pytestmark = pytest.mark.django_db

EXAMPLE = REQUESTS["push_subscriptions_create"]


def test_the_example_of_rfc_8291_comes_out_byte_for_byte() -> None:
    """Appendix A of the standard."""
    scalar = int.from_bytes(decoded("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big")
    body = encrypted(
        message=b"When I grow up, I want to be a watermelon",
        browser=Browser(
            EXAMPLE["endpoint"],
            decoded(EXAMPLE["keys"]["p256dh"]),
            decoded(EXAMPLE["keys"]["auth"]),
        ),
        ephemeral=derive_private_key(scalar, SECP256R1()),
        salt=decoded("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert encoded(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS"
        "6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qu"
        "lcy4a-fN"
    )


class Device:
    """A browser with keys of its own, whose service is the receiver on loopback."""

    def __init__(self, hooks: Hooks) -> None:
        self.key = generate_private_key(SECP256R1())
        self.secret = bytes(range(16))
        self.url = hooks.url("/push/1")

    def subscribe(self, user: Any) -> PushSubscription:
        return operations.subscribe(
            user=user,
            endpoint=self.url,
            public_key=encoded(public_bytes(self.key)),
            secret=encoded(self.secret),
            now=timezone.now(),
        )

    def read(self, body: bytes) -> Any:
        """Decrypt as a browser does."""
        salt, length = body[:16], body[20]
        theirs = body[21 : 21 + length]
        point = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), theirs)
        shared = self.key.exchange(ECDH(), point)
        information = b"WebPush: info\x00" + public_bytes(self.key) + theirs
        master = self.derived(shared, self.secret, information, 32)
        key = self.derived(master, salt, b"Content-Encoding: aes128gcm\x00", 16)
        nonce = self.derived(master, salt, b"Content-Encoding: nonce\x00", 12)
        plain = AESGCM(key).decrypt(nonce, body[21 + length :], None)
        assert plain.endswith(b"\x02")
        return json.loads(plain[:-1])

    def derived(self, secret: bytes, salt: bytes, information: bytes, length: int) -> bytes:
        return HKDF(algorithm=SHA256(), length=length, salt=salt, info=information).derive(secret)


@pytest.fixture
def device(hooks: Hooks, people: Any) -> Device:
    """A subscribed browser of somebody who wants failures pushed."""
    found = Device(hooks)
    found.subscribe(people.stranger)
    given = Given(choices={"job_failed": {"push": True}})
    operations.set_preferences(user=people.stranger, given=given, now=timezone.now())
    return found


def send() -> int:
    return deliver_pushes(urgent=False, now=timezone.now())


def state() -> tuple[str, int | None]:
    row = Delivery.objects.get(channel="push")
    return row.state, row.response_status


def test_a_push_can_be_read_by_its_browser_alone_and_names_its_sender(
    device: Device, hooks: Hooks, happen: Callable[..., None]
) -> None:
    hooks.how = 201
    happen()
    assert send() == 1
    assert state() == ("sent", 201)
    ((_, headers, body),) = hooks.got
    told = device.read(body)
    assert told["body"].startswith("Rebalancing Main failed.")
    assert b"Main" not in body
    token, key = headers["authorization"].removeprefix("vapid t=").split(", k=")
    assert key == operations.own_public_key()
    point = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), decoded(key))
    origin = hooks.url("").rstrip("/")
    claims = jwt.decode(token, point, algorithms=["ES256"], audience=origin)
    assert claims["sub"].startswith("http")
    assert headers["ttl"] == "86400"


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_forgotten(
    device: Device, hooks: Hooks, happen: Callable[..., None], status: int
) -> None:
    hooks.how = status
    happen()
    send()
    assert state() == ("dropped", status)
    assert not PushSubscription.objects.exists()


@pytest.mark.parametrize("how", ["hang", "die", 429, 500])
def test_a_service_in_trouble_is_asked_again(
    device: Device, hooks: Hooks, happen: Callable[..., None], due: Callable[[], None], how: Any
) -> None:
    hooks.how = how
    happen()
    send()
    assert Delivery.objects.get(channel="push").state == "waiting"
    hooks.how = 201
    due()
    send()
    assert state() == ("sent", 201)


def test_a_browser_belongs_to_whoever_is_logged_in_there(
    device: Device, hooks: Hooks, people: Any, happen: Callable[..., None]
) -> None:
    happen()
    device.subscribe(people.owner)
    send()
    assert state() == ("dropped", None)
    assert hooks.got == []
    assert PushSubscription.objects.get().user == people.owner


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoint": "http://push.example.net/1"},
        {"endpoint": "https://user@push.example.net/1"},
        {"keys": {"p256dh": "BCVx", "auth": EXAMPLE["keys"]["auth"]}},
        {"keys": {"p256dh": EXAMPLE["keys"]["p256dh"], "auth": "AAAA"}},
        {"keys": {"p256dh": EXAMPLE["keys"]["p256dh"], "auth": "ä"}},
    ],
)
def test_what_is_no_subscription_is_not_stored(
    people: Any, client_of: Any, changes: Any, settings: Any
) -> None:
    settings.WEBHOOK_PRIVATE_ADDRESSES = False
    body = {**EXAMPLE, **changes}
    answer = client_of(people.owner).post("/api/v1/push/subscriptions", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "push_subscription_invalid")
    assert not PushSubscription.objects.exists()


def test_the_service_worker_is_at_the_top_of_the_site(client: Any) -> None:
    answer = client.get("/service-worker.js")
    assert answer["Content-Type"] == "text/javascript"
    assert b"showNotification" in b"".join(answer.streaming_content)
