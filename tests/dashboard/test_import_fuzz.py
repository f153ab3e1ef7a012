"""Damaged files and random forms on the import pages: pages come back, never a fault of ours."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.effort import size
from tests.transactions.files.mutations import MUTATIONS, TEXTS, mutated
from transactions.models import Import

pytestmark = pytest.mark.django_db

ROUNDS = size("FUZZ_ROUNDS", usual=1, proof=1)
FILES = Path(__file__).parent.parent / "transactions" / "files" / "samples"
SAMPLES = sorted(path for path in FILES.iterdir() if path.suffix != ".expected")
WORDS = [*TEXTS, "skip", "create", "AAA", "\0", "a\0b", "x" * 5_000, "include:1", "exclude:\0"]


@pytest.fixture
def browser(people: Any, page_client: Callable[[Any], Client]) -> Client:
    return page_client(people.owner)


@pytest.fixture
def own(account: Any, assets: Any) -> str:
    return f"/accounts/{account.public_id}/imports"


def form(random: Random, keys: list[str]) -> dict[str, Any]:
    """A form as the page sends it, or nearly."""
    word = random.choice(WORDS)
    return random.choice(
        [
            {"choice": f"{random.choice(['include', 'exclude', 'reset', word])}:{word}"},
            {"choice": f"exclude:{random.choice([1, 2, 10**8, 10**12])}"},
            {"account": word, "status": random.choice(WORDS)},
            {"key": [*keys[:3], word], "meaning": [random.choice(WORDS) for _ in range(3)]},
            {"key": word},
            {},
        ]
    )


def mapping_form(random: Random) -> dict[str, str]:
    fields = ["", "executed_at", "type", "symbol", "quantity", "amount", random.choice(WORDS)]
    found = {f"column-{place}": random.choice(fields) for place in range(8)}
    found |= {f"word-{place}": random.choice(["", "buy", "skip"]) for place in range(4)}
    found |= {"words_of": random.choice(WORDS), "amount_sign": random.choice(["in", "out", "?"])}
    return found


@pytest.mark.parametrize("turn", range(6 * ROUNDS))
def test_random_forms_come_back_as_pages(browser: Client, own: str, turn: int) -> None:
    random = Random(turn)
    for _ in range(4):
        name = random.choice(sorted(MUTATIONS))
        content = mutated(random.choice(SAMPLES).read_bytes(), name, random)
        file = SimpleUploadedFile(random.choice(WORDS) or "a", content)
        chosen = random.choice(["", "", "", "ofx", "ballast", random.choice(WORDS)])
        answer = browser.post(own, {"file": file, "format": chosen})
        assert answer.status_code in (302, 400, 413), answer.content
        for query in ({"cursor": random.choice(WORDS)}, {}):
            assert browser.get(own, query).status_code in (200, 400)
        if answer.status_code != 302:
            continue
        batch = Import.objects.latest("id")
        page = f"{own}/{batch.public_id}"
        for address in (f"{page}/mapping/sample", f"{page}/mapping"):
            answer = browser.post(address, mapping_form(random))
            assert answer.status_code in (200, 302, 400, 404, 409), answer.content
        batch.refresh_from_db()
        for _ in range(3):
            keys = [row["key"] for row in batch.securities]
            answer = browser.post(f"{page}/change", form(random, keys))
            assert answer.status_code in (302, 400), answer.content
            query = {"status": random.choice(WORDS), "page": random.choice(WORDS)}
            assert browser.get(page, query).status_code in (200, 400)
            assert browser.get(page).status_code == 200
        assert browser.post(f"{page}/commit").status_code == 302
        assert browser.get(page).status_code == 200
        assert browser.post(f"{page}/remove").status_code == 302


def test_a_text_that_cannot_be_stored_is_refused_by_a_page(browser: Client, own: str) -> None:
    file = SimpleUploadedFile("a.csv", (FILES / "trading212.csv").read_bytes())
    page = str(browser.post(own, {"file": file, "format": ""}).headers["Location"])
    answer = browser.post(f"{page}/change", {"account": "a\0b"})
    assert answer.status_code == 400
    assert "account" not in Import.objects.get().options
