"""Objects are written whole and read back; a store that is away is not waited for twice."""

import time
from pathlib import Path

import pytest

from stores import objects as module
from stores.objects import NoSuchObject, Objects, ObjectsAway


def test_objects_are_replaced_listed_and_deleted(tmp_path: Path) -> None:
    store = Objects(tmp_path.as_uri())
    store.put("a/one", b"1")
    store.put("a/one", b"22")
    store.put("b/two", b"3")
    assert store.get("a/one") == b"22"
    assert store.paths("a") == ["a/one"]
    store.delete("a/one")
    store.delete("a/one")
    assert store.paths("a") == []
    with pytest.raises(NoSuchObject):
        store.get("a/one")
    assert store.get("b/two") == b"3"


def test_a_store_that_is_away_is_asked_again_only_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_ENDPOINT", "http://127.0.0.1:9")  # nobody listens
    store = Objects("s3://bucket")
    with pytest.raises(ObjectsAway, match="127.0.0.1|error sending"):
        store.get("a")
    with pytest.raises(ObjectsAway, match="not asked"):
        store.get("a")
    monkeypatch.setattr(module, "AWAY_S", 0.0)
    store._away_until_s = time.monotonic() - 1
    with pytest.raises(ObjectsAway) as refusal:
        store.get("a")
    assert "not asked" not in str(refusal.value)


def test_a_variable_without_a_value_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name in ("AWS_REGION", "AWS_ENDPOINT"):
        monkeypatch.setenv(name, "")
    assert Objects("s3://bucket")._opened() is not None
