"""The pages of operators: what the doctor finds, and the audit trail; for nobody else."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from identity.models import User
from monitoring import pages
from monitoring.audit import changes_between, predecessors
from monitoring.findings import Check, fine, problem, warning

pytestmark = pytest.mark.django_db

ADDRESSES = ("/admin/state/", "/admin/audit/")


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> None:
    found = (
        Check("quiet", lambda: [fine("Nothing waits.")]),
        Check("letters", lambda: [warning("3 letters are dead.", "Send them again.")]),
        Check("disk", lambda: [problem("The disk is full.", "Free some.")]),
    )
    monkeypatch.setattr(pages, "CHECKS", found)
    # The checks here open no connection; those of the test must stay open.
    monkeypatch.setattr("monitoring.pages.connections.close_all", lambda: None)


def test_operators_see_every_finding_the_worst_first(people: Any, checks: None) -> None:
    page = client_of(people.operator).get("/admin/state/").content.decode()
    places = [page.index(text) for text in ("The disk is full", "3 letters", "Nothing waits")]
    assert places == sorted(places)
    assert "Something is broken" in page
    assert "Free some." in page


def test_only_operators_get_in(people: Any, checks: None) -> None:
    for address in ADDRESSES:
        assert Client().get(address).status_code == 302
        for person in (people.owner, people.adviser, people.stranger):
            answer = client_of(person).get(address)
            assert answer.status_code in (302, 403), (person, address)
        assert client_of(people.operator).get(address).status_code == 200
        assert client_of(people.operator).post(address).status_code == 405


def test_the_trail_says_what_changed_in_which_row(people: Any) -> None:
    User.objects.filter(pk=people.owner.pk).update(full_name="Olga <b>Owner</b>")
    desk = client_of(people.operator)
    page = desk.get(f"/admin/audit/?of=userevent&object={people.owner.pk}").content.decode()
    assert "<strong>full_name</strong>" in page
    assert "Olga &lt;b&gt;Owner" in page
    assert "password" not in page.partition("<tbody>")[2]
    other = desk.get(f"/admin/audit/?of=userevent&object={people.spouse.pk}").content.decode()
    assert "Olga" not in other


def test_odd_questions_get_a_page(people: Any) -> None:
    desk = client_of(people.operator)
    for query in ("of=nothing", "object=x", "object=99999999999999", "before=-1", "before=٣"):
        assert desk.get(f"/admin/audit/?{query}").status_code == 200, query


def test_the_trail_pages_back_and_costs_the_same(people: Any, monkeypatch: Any) -> None:
    for number in range(9):
        User.objects.filter(pk=people.owner.pk).update(full_name=f"Name {number}")
    desk, costs = client_of(people.operator), []
    address = f"/admin/audit/?object={people.owner.pk}"
    desk.get(address)
    for shown in (2, 8):
        monkeypatch.setattr(pages, "ENTRIES_SHOWN", shown)
        with CaptureQueriesContext(connection) as queries:
            page = desk.get(address).content.decode()
        costs.append(len(queries))
        assert page.count("→ Name ") == shown
    assert costs[0] == costs[1]
    monkeypatch.setattr(pages, "ENTRIES_SHOWN", 2)
    page = desk.get(address).content.decode()
    before = page.rpartition("before=")[2].partition('"')[0]
    earlier = desk.get(f"{address}&before={before}").content.decode()
    assert ("→ Name 8" in page, "→ Name 7" in page, "→ Name 6" in page) == (True, True, False)
    assert ("→ Name 6" in earlier, "→ Name 7" in earlier) == (True, False)


def test_every_trail_can_be_opened(people: Any) -> None:
    desk = client_of(people.operator)
    for name in pages._trails():
        assert desk.get(f"/admin/audit/?of={name}").status_code == 200, name


def test_what_changed_is_found_by_row() -> None:
    rows = [
        {"pgh_id": 1, "pgh_obj_id": 7, "name": "a"},
        {"pgh_id": 2, "pgh_obj_id": 8, "name": "x"},
        {"pgh_id": 3, "pgh_obj_id": 7, "name": "b"},
    ]
    assert predecessors(rows) == {3: rows[0]}
    changes, further = changes_between({"name": "a", "kept": 1}, {"name": "b", "kept": 1})
    assert [(one.name, one.before, one.after) for one in changes] == [("name", "a", "b")]
    assert further == 0
    assert changes_between(None, {"name": "", "other": 0})[0][0].name == "other"
