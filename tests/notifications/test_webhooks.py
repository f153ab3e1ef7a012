"""Webhooks against a real receiver that takes, refuses, hangs, drips, redirects and dies."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from notifications import operations
from notifications.models import Delivery, Webhook
from notifications.operations import claims
from notifications.operations.webhook_sending import deliver_webhooks, retry_after_s
from notifications.operations.webhooks import secrets_of
from notifications.public_addresses import is_public
from notifications.senders.http import AddressRefused, NotReached, checked_url, post
from notifications.signatures import signature_headers
from tests.notifications.servers import Hooks

pytestmark = pytest.mark.django_db


@pytest.fixture
def hook(people: Any, hooks: Hooks) -> Webhook:
    return operations.create_webhook(
        user=people.stranger, url=hooks.url(), topics=["job_failed"], now=timezone.now()
    )


def send() -> int:
    return deliver_webhooks(urgent=False, now=timezone.now())


def states() -> list[tuple[str, int, int | None]]:
    rows = Delivery.objects.filter(channel="webhook").order_by("id")
    return list(rows.values_list("state", "attempts", "response_status"))


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Check a signature as the specification says, from the text of the secret."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{expected}" in headers["webhook-signature"].split(" ")


def test_a_message_is_signed_and_its_id_stays_over_repetitions(
    hook: Webhook, hooks: Hooks, happen: Callable[..., None], due: Callable[[], None]
) -> None:
    secret = operations.shown_secret(hook, now=timezone.now())
    hooks.how = 500
    happen()
    assert send() == 1
    hooks.how = 204
    due()
    assert send() == 1
    assert states() == [("sent", 2, 204)]
    assert len(set(hooks.ids())) == 1
    for _, headers, body in hooks.got:
        assert verified(secret, headers, body)
        assert not verified(secret, headers, body + b" ")
    told = json.loads(hooks.got[0][2])
    assert told["type"] == "rebalance_failed"
    assert told["data"]["topic"] == "job_failed"
    assert told["data"]["account_name"] == "Main"


def test_both_secrets_sign_for_a_day_after_a_rotation(
    hook: Webhook, hooks: Hooks, happen: Callable[..., None]
) -> None:
    now = timezone.now()
    old = operations.shown_secret(hook, now=now)
    hook = operations.rotate_secret(webhook=hook, now=now)
    new = operations.shown_secret(hook, now=now)
    assert new != old
    happen()
    send()
    _, headers, body = hooks.got[0]
    assert verified(old, headers, body)
    assert verified(new, headers, body)
    assert len(secrets_of(hook, now=now + timedelta(hours=25))) == 1


def test_the_example_of_standard_webhooks_comes_out() -> None:
    headers = signature_headers(
        message_id="msg_loFOjxBNrRLzqYUf",
        timestamp_s=1731705121,
        body=b'{"event_type":"ping","data":{"success":true}}',
        secrets=[base64.b64decode("plJ3nmyCDGBKInavdOK15jsl")],
    )
    assert headers["webhook-signature"] == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="


@pytest.mark.parametrize("how", ["hang", "drip", "die", 500, 302])
def test_a_receiver_in_trouble_costs_one_try_and_holds_up_nobody_else(
    hook: Webhook,
    hooks: Hooks,
    people: Any,
    happen: Callable[..., None],
    how: int | str,
) -> None:
    hooks.how = how
    happen(6)
    assert send() == 4  # of one receiver at a time
    waiting = Delivery.objects.filter(channel="webhook", state="waiting")
    assert waiting.count() == 6
    assert send() == 0  # the other two are put off as well
    assert sorted(waiting.values_list("attempts", flat=True)) == [0, 0, 1, 1, 1, 1]
    assert all(waiting.filter(attempts=1).values_list("error", flat=True))


def test_retry_after_is_kept(hook: Webhook, hooks: Hooks, happen: Callable[..., None]) -> None:
    hooks.how, hooks.headers = 429, {"Retry-After": "3600"}
    happen(5)
    send()
    soonest = min(Delivery.objects.filter(channel="webhook").values_list("next_at", flat=True))
    assert soonest > timezone.now() + timedelta(minutes=59)


@pytest.mark.parametrize(
    ("how", "location", "retry_after"),
    [
        ("redirect", "https://[", ""),
        (503, "", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"),
        (503, "", "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"),
    ],
)
def test_an_answer_that_is_nonsense_is_one_failed_try_and_ends_no_batch(
    hook: Webhook,
    hooks: Hooks,
    happen: Callable[..., None],
    how: int | str,
    location: str,
    retry_after: str,
) -> None:
    hooks.how, hooks.location = how, location
    hooks.headers = {"Retry-After": retry_after} if retry_after else {}
    happen()
    assert send() == 1
    ((state, attempts, _),) = states()
    assert (state, attempts) == ("waiting", 1)
    assert Delivery.objects.get(channel="webhook").error


def test_410_switches_the_webhook_off(
    hook: Webhook, hooks: Hooks, happen: Callable[..., None]
) -> None:
    hooks.how = 410
    happen(6)
    send()
    hook.refresh_from_db()
    assert (hook.enabled, hook.disabled_reason) == (False, "the receiver answered 410 Gone")
    assert {state for state, *_ in states()} == {"dropped"}
    happen()
    assert send() == 0


def test_a_redirection_is_followed_and_checked_again(
    hook: Webhook, hooks: Hooks, happen: Callable[..., None], settings: Any
) -> None:
    hooks.how, hooks.location = "redirect", "/moved"
    happen()
    send()
    assert [path for path, *_ in hooks.got] == ["/hook", "/moved"]
    assert states() == [("sent", 1, 200)]


def test_a_redirection_into_our_network_is_refused(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first address passes as public; the one it redirects to is checked by itself."""
    first = hooks.port
    hooks.how, hooks.location = "redirect", "https://127.0.0.1:1/inner"
    asked: list[tuple[str, bool]] = []

    def public(address: str) -> bool:
        asked.append((address, is_public(address)))
        return len(asked) == 1

    monkeypatch.setattr("notifications.senders.http.is_public", public)
    monkeypatch.setattr(
        "notifications.senders.http.checked_url",
        lambda url, private_allowed: checked_url(url, private_allowed=True),
    )
    with pytest.raises(AddressRefused):
        post(url=f"http://127.0.0.1:{first}/hook", body=b"{}", headers={}, timeout_s=5)
    assert len(asked) == 2
    assert len(hooks.got) == 1


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254"),
        *("0.0.0.0", "100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.0.8"),
        *("::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "fe80::1%eth0"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
        *("2002:7f00:1::", "2002:a00:1::1", "2001:db8::1", "198.18.0.1", "203.0.113.7"),
    ],
)
def test_no_address_of_an_inner_network_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700:4700::1111", "64:ff9b::101:101"])
def test_addresses_of_the_network_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com/", "ftp://example.com/", "https://user:word@example.com/"),
        *("https:///path", "https://example.com:0/", "https://example.com:99999/", "//x", ""),
        *("https://exa mple.com/", "https://example.com/\r\nX: y", "file:///etc/passwd"),
    ],
)
def test_addresses_that_are_no_webhook_are_refused_and_nothing_is_stored(
    url: str, people: Any, client_of: Any
) -> None:
    client = client_of(people.owner)
    answer = client.post("/api/v1/webhooks", {"url": url, "topics": ["job_failed"]}, format="json")
    assert answer.status_code == 400
    assert answer.json()["code"] in ("webhook_url_refused", "blank")
    assert not Webhook.objects.exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]"])
def test_no_name_leads_into_our_machine(host: str) -> None:
    with pytest.raises((AddressRefused, NotReached)) as refusal:
        post(url=f"https://{host}:1/", body=b"{}", headers={}, timeout_s=2)
    assert isinstance(refusal.value, AddressRefused)


def test_a_delivery_to_an_inner_address_is_dead_at_once(
    hook: Webhook, hooks: Hooks, happen: Callable[..., None], settings: Any
) -> None:
    settings.WEBHOOK_PRIVATE_ADDRESSES = False
    Webhook.objects.update(url=hooks.url().replace("http:", "https:"))
    happen()
    send()
    assert [(state, tries) for state, tries, _ in states()] == [("dead", 1)]
    assert hooks.got == []


def test_the_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch, hooks: Hooks
) -> None:
    """A name that changes its address after the check changes nothing."""
    answers = iter(["127.0.0.1"])

    def resolved(host: str, port: int, **_: Any) -> list[Any]:
        return [(2, 1, 6, "", (next(answers), port))]  # a second question would raise

    monkeypatch.setattr("notifications.senders.http.socket.getaddrinfo", resolved)
    connected: list[Any] = []

    class Stopped(OSError):
        pass

    def create_connection(address: Any, timeout: float) -> Any:
        connected.append(address)
        raise Stopped("stop here")

    monkeypatch.setattr("notifications.senders.http.socket.create_connection", create_connection)
    with pytest.raises(NotReached, match="stop here"):
        post(
            url="http://rebinding.example:8080/",
            body=b"{}",
            headers={},
            timeout_s=5,
            private_allowed=True,
        )
    assert connected == [("127.0.0.1", 8080)]


def test_the_header_retry_after_is_bounded() -> None:
    now = timezone.now()
    assert retry_after_s("120", now) == 120
    assert retry_after_s("9" * 400, now) == 0
    assert retry_after_s("1e12", now) == 86_400
    assert retry_after_s("soon", now) == 0
    assert retry_after_s(None, now) == 0
    assert retry_after_s("Sun, 06 Nov 1994 08:49:37 GMT", now) == 0


def test_webhooks_over_http(people: Any, client_of: Any, hooks: Hooks) -> None:
    client = client_of(people.owner)
    made = client.post(
        "/api/v1/webhooks", {"url": hooks.url(), "topics": ["drift", "security"]}, format="json"
    )
    assert made.status_code == 201
    path = f"/api/v1/webhooks/{made.json()['id']}"
    assert made.json()["secret"].startswith("whsec_")
    assert "secret" not in client.get(path).json()
    tested = client.post(f"{path}/test")
    assert (tested.status_code, tested.json()["state"]) == (202, "waiting")
    assert deliver_webhooks(urgent=True, now=timezone.now()) == 1
    (row,) = client.get(f"{path}/deliveries").json()["data"]
    assert (row["state"], row["topic"], row["response_status"]) == ("sent", "test", 200)
    assert verified(made.json()["secret"], hooks.got[0][1], hooks.got[0][2])
    client.patch(path, {"enabled": False}, format="json")
    refused = client.post(f"{path}/test")
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_disabled")
    assert client.delete(path).status_code == 204
    assert not Webhook.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("receivers", [1, 12])
def test_receivers_with_very_many_due_leave_workers_to_the_others(
    people: Any, receivers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_looked_up_to", {})
    now, crowd = timezone.now(), 510

    def row(address: str, age_s: int) -> Delivery:
        return Delivery(
            user=people.stranger,
            channel="webhook",
            address=address,
            topic="rebalance_failed",
            created_at=now,
            next_at=now - timedelta(seconds=age_s),
        )

    Delivery.objects.bulk_create(
        [row(f"m-{number % receivers:02}", 9000 - number) for number in range(crowd * receivers)]
        + [row("a-small", 5), row("z-small", 4)]
    )
    claimed = []
    for _ in range(3):
        claimed += claims.claim(channel="webhook", urgent=False, limit=32)
    found = [one.address for one in claimed]
    assert {"a-small", "z-small"} < set(found)
    assert len(found) == len({one.id for one in claimed})
    for number in range(receivers):
        assert found.count(f"m-{number:02}") >= 3
