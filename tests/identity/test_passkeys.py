"""Passkeys over the API, with a device made of software: what is accepted, and every refusal."""

import base64
import hashlib
import json
import os
import struct
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils import timezone
from rest_framework.test import APIClient

from identity.models import Passkey, RecoveryCode, SecurityEvent, TokenFamily, User
from stores.redis import redis_client
from tests.identity.conftest import PASSWORD

pytestmark = pytest.mark.django_db

KEYS = "/api/v1/auth/passkeys"
HOST, ORIGIN = "testserver", "http://testserver"
Clients = Callable[[User], APIClient]


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class Device:
    """An authenticator with one resident key; its lies are arguments."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = os.urandom(32)
        self.handle = b""
        self.count = 0

    def _data(self, *, host: str, flags: int, attested: bytes = b"") -> bytes:
        self.count += 1
        digest = hashlib.sha256(host.encode()).digest()
        return digest + bytes([flags]) + struct.pack(">I", self.count) + attested

    def created(
        self, options: Any, *, origin: str = ORIGIN, host: str = HOST, flags: int = 0x45
    ) -> dict[str, Any]:
        self.handle = base64.urlsafe_b64decode(options["user"]["id"] + "==")
        numbers = self.key.public_key().public_numbers()
        cose = {
            1: 2,
            3: -7,
            -1: 1,
            -2: numbers.x.to_bytes(32, "big"),
            -3: numbers.y.to_bytes(32, "big"),
        }
        attested = bytes(16) + struct.pack(">H", 32) + self.credential_id + cbor2.dumps(cose)
        data = self._data(host=host, flags=flags, attested=attested)
        client = self._client("webauthn.create", options["challenge"], origin)
        statement = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer({"clientDataJSON": client, "attestationObject": statement})

    def signed(
        self, options: Any, *, origin: str = ORIGIN, host: str = HOST, flags: int = 0x05
    ) -> dict[str, Any]:
        data = self._data(host=host, flags=flags)
        client = self._client("webauthn.get", options["challenge"], origin)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": client,
                "authenticatorData": data,
                "signature": signature,
                "userHandle": self.handle,
            }
        )

    def _client(self, kind: str, challenge: str, origin: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin}).encode()

    def _answer(self, response: dict[str, bytes]) -> dict[str, Any]:
        return {
            "id": encoded(self.credential_id),
            "rawId": encoded(self.credential_id),
            "type": "public-key",
            "response": {name: encoded(content) for name, content in response.items()},
        }


def add(api: APIClient, device: Device, **lies: Any) -> Any:
    begun = api.post(f"{KEYS}/options")
    assert begun.status_code == 201, begun.content
    credential = device.created(begun.json()["options"], **lies)
    body = {"ceremony": begun.json()["ceremony"], "credential": credential, "name": "Phone"}
    return api.post(KEYS, body)


def log_in(device: Device, **lies: Any) -> Any:
    begun = APIClient().post(f"{KEYS}/log-in/options").json()
    body = {"ceremony": begun["ceremony"], "credential": device.signed(begun["options"], **lies)}
    return APIClient().post(f"{KEYS}/log-in", body)


def test_a_passkey_logs_in_by_itself(people: Any, client_of: Clients) -> None:
    api, device = client_of(people.owner), Device()
    added = add(api, device)
    assert added.status_code == 201, added.content
    assert len(added.json()["recovery_codes"]) == 10
    pair = log_in(device)
    assert set(pair.json()) == {"access", "refresh", "expires_in"}, pair.content
    entered = APIClient()
    entered.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.json()['access']}")
    assert entered.get("/api/v1/users/me").json()["email"] == people.owner.email
    row = api.get(KEYS).json()["data"][0]
    assert (row["name"], row["last_used_at"] is not None) == ("Phone", True)
    assert SecurityEvent.objects.filter(kind="passkey_added", user=people.owner).count() == 1


def test_with_a_passkey_the_password_alone_opens_nothing(people: Any, client_of: Clients) -> None:
    people.owner.set_password(PASSWORD)
    people.owner.save(update_fields=["password"])
    people.owner.refresh_from_db()
    codes = add(client_of(people.owner), Device()).json()["recovery_codes"]
    body = {"email": people.owner.email, "password": PASSWORD}
    refused = APIClient().post("/api/v1/auth/token", body)
    assert (refused.status_code, refused.json()["code"]) == (401, "otp_required")
    assert APIClient().post("/api/v1/auth/token", {**body, "otp": codes[0]}).status_code == 200


@pytest.mark.parametrize(
    "lies",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://testserver:81"},
        {"host": "evil.example"},
        {"flags": 0x41},  # the user was not verified
        {"flags": 0x44},  # nobody was present
    ],
    ids=str,
)
def test_a_false_answer_adds_no_passkey(people: Any, client_of: Clients, lies: Any) -> None:
    answer = add(client_of(people.owner), Device(), **lies)
    assert (answer.status_code, answer.json()["code"]) == (400, "passkey_invalid")
    assert not Passkey.objects.exists()
    assert not RecoveryCode.objects.exists()


@pytest.mark.parametrize(
    "lies",
    [
        {"origin": "http://evil.example"},
        {"host": "evil.example"},
        {"flags": 0x01},
        {"flags": 0x04},
    ],
    ids=str,
)
def test_a_false_signature_opens_nothing(people: Any, client_of: Clients, lies: Any) -> None:
    device = Device()
    add(client_of(people.owner), device)
    families, before = TokenFamily.objects.count(), Passkey.objects.values().get()
    answer = log_in(device, **lies)
    assert (answer.status_code, answer.json()["code"]) == (401, "passkey_refused")
    assert TokenFamily.objects.count() == families
    assert Passkey.objects.values().get() == before


def test_another_key_under_the_same_name_opens_nothing(people: Any, client_of: Clients) -> None:
    device, thief = Device(), Device()
    add(client_of(people.owner), device)
    thief.credential_id, thief.handle, thief.count = device.credential_id, device.handle, 50
    assert log_in(thief).json()["code"] == "passkey_refused"
    unknown = Device()
    unknown.handle = device.handle
    assert log_in(unknown).json()["code"] == "passkey_refused"


def test_a_passkey_names_its_own_user_only(people: Any, client_of: Clients) -> None:
    device = Device()
    add(client_of(people.owner), device)
    device.handle = people.stranger.public_id.bytes
    assert log_in(device).json()["code"] == "passkey_refused"


def test_a_copied_device_is_noticed_by_its_counter(people: Any, client_of: Clients) -> None:
    device = Device()
    add(client_of(people.owner), device)
    assert log_in(device).status_code == 200
    device.count -= 2
    assert log_in(device).json()["code"] == "passkey_refused"


def test_an_answer_works_once_and_for_its_own_challenge(people: Any, client_of: Clients) -> None:
    device = Device()
    add(client_of(people.owner), device)
    begun = APIClient().post(f"{KEYS}/log-in/options").json()
    body = {"ceremony": begun["ceremony"], "credential": device.signed(begun["options"])}
    assert APIClient().post(f"{KEYS}/log-in", body).status_code == 200
    again = APIClient().post(f"{KEYS}/log-in", body)
    assert (again.status_code, again.json()["code"]) == (400, "ceremony_expired")
    other = APIClient().post(f"{KEYS}/log-in/options").json()
    mixed = {"ceremony": other["ceremony"], "credential": device.signed(begun["options"])}
    assert APIClient().post(f"{KEYS}/log-in", mixed).json()["code"] == "passkey_refused"


def test_a_challenge_is_of_one_user_and_one_purpose(people: Any, client_of: Clients) -> None:
    mine, theirs, device = client_of(people.owner), client_of(people.stranger), Device()
    begun = mine.post(f"{KEYS}/options").json()
    body = {
        "ceremony": begun["ceremony"],
        "credential": device.created(begun["options"]),
        "name": "x",
    }
    stolen = theirs.post(KEYS, body)
    assert (stolen.status_code, stolen.json()["code"]) == (400, "ceremony_expired")
    add(mine, device)
    crossed = mine.post(f"{KEYS}/options").json()
    answer = APIClient().post(
        f"{KEYS}/log-in",
        {"ceremony": crossed["ceremony"], "credential": device.signed(crossed["options"])},
    )
    assert answer.json()["code"] == "ceremony_expired"


def test_a_passkey_is_added_once(people: Any, client_of: Clients) -> None:
    device = Device()
    add(client_of(people.owner), device)
    for person in (people.owner, people.stranger):
        again = add(client_of(person), device)
        assert (again.status_code, again.json()["code"]) == (409, "passkey_known")
    assert Passkey.objects.get().user == people.owner


def test_a_closed_person_is_not_let_in(people: Any, client_of: Clients) -> None:
    device = Device()
    add(client_of(people.owner), device)
    User.objects.filter(pk=people.owner.pk).update(is_active=False)
    assert log_in(device).json()["code"] == "passkey_refused"


def test_passkeys_need_a_recent_proof_and_their_own_person(people: Any, client_of: Clients) -> None:
    api, device = client_of(people.owner), Device()
    add(api, device)
    passkey = str(Passkey.objects.get().public_id)
    for person in (people.stranger, people.spouse, people.adviser):
        answer = client_of(person).delete(f"{KEYS}/{passkey}")
        assert (answer.status_code, answer.json()["code"]) == (404, "passkey_not_found")
    TokenFamily.objects.update(proved_at=timezone.now() - timedelta(minutes=16))
    for answer in (
        api.post(f"{KEYS}/options"),
        api.post(KEYS, {"ceremony": "x", "credential": {}, "name": "x"}),
        api.delete(f"{KEYS}/{passkey}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "proof_required")
    assert Passkey.objects.count() == 1
    # The passkey itself is the proof.
    begun = APIClient().post(f"{KEYS}/log-in/options").json()
    proof = {"ceremony": begun["ceremony"], "credential": device.signed(begun["options"])}
    assert api.post("/api/v1/auth/proof", proof).status_code == 204
    assert api.delete(f"{KEYS}/{passkey}").status_code == 204
    assert log_in(device).json()["code"] == "passkey_refused"
    assert not RecoveryCode.objects.exists()


def test_the_passkey_of_another_proves_nothing(people: Any, client_of: Clients) -> None:
    api, theirs = client_of(people.owner), Device()
    add(client_of(people.stranger), theirs)
    TokenFamily.objects.update(proved_at=None)
    begun = APIClient().post(f"{KEYS}/log-in/options").json()
    proof = {"ceremony": begun["ceremony"], "credential": theirs.signed(begun["options"])}
    answer = api.post("/api/v1/auth/proof", proof)
    assert (answer.status_code, answer.json()["code"]) == (401, "passkey_refused")
    assert api.post("/api/v1/auth/mfa/totp").json()["code"] == "proof_required"


@pytest.mark.parametrize(
    "credential",
    [{}, {"id": "x"}, {"rawId": 5, "response": "x"}, {"rawId": "AAAA", "response": {"x": []}}],
    ids=str,
)
def test_what_is_no_answer_is_refused(
    people: Any, client_of: Clients, credential: dict[str, Any]
) -> None:
    begun = APIClient().post(f"{KEYS}/log-in/options").json()
    body = {"ceremony": begun["ceremony"], "credential": credential}
    answer = APIClient().post(f"{KEYS}/log-in", body)
    assert (answer.status_code, answer.json()["code"]) == (401, "passkey_refused")
    api = client_of(people.owner)
    ceremony = api.post(f"{KEYS}/options").json()["ceremony"]
    added = api.post(KEYS, {"ceremony": ceremony, "credential": credential, "name": "x"})
    assert (added.status_code, added.json()["code"]) == (400, "passkey_invalid")


def test_without_redis_there_is_no_challenge(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = APIClient().post(f"{KEYS}/log-in/options")
    assert (answer.status_code, answer.json()["code"]) == (503, "cache_unavailable")


def test_a_challenge_is_forgotten_after_five_minutes() -> None:
    token = APIClient().post(f"{KEYS}/log-in/options").json()["ceremony"]
    assert 0 < redis_client().ttl(f"ceremony:{token}") <= 300
