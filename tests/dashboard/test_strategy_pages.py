"""The pages of strategies: written with a preview, published, taken over, followed, reported."""

from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from core.identifiers import uuid7
from jobs.models import Job
from portfolios.models import FollowedTargets, Target
from recommendations.models import Strategy, StrategyFollow, StrategyReport, StrategyVersion

pytestmark = pytest.mark.django_db
KIND = "absolute"


def sent(*rows: tuple[str, str, str], **more: str) -> dict[str, Any]:
    """Return the editor's form: rows of symbol or class, funds and target."""
    return {
        "key": str(uuid7()),
        "action": "save",
        "name": "Patient growth",
        "summary": "Two funds.",
        "description": "Why *so* <script>alert(1)</script> [x](javascript:alert(1))",
        "risk_profile": "growth",
        "tags": "Low Turnover, etf",
        "schedule": "quarterly",
        "bands": "on",
        "author_name": "",
        "weight_name": [row[0] for row in rows] + [""],
        "weight_funds": [row[1] for row in rows] + [""],
        "weight_target": [row[2] for row in rows] + [""],
        "weight_threshold": ["5" for _ in rows] + ["5"],
        "weight_kind": [KIND for _ in rows] + [KIND],
        **more,
    }


AAA, BBB = ("AAA", "", "60"), ("BBB", "", "40")


def write(client: Any, *rows: tuple[str, str, str], **more: str) -> Strategy:
    answer = client.post(reverse("strategy_new"), sent(*(rows or (AAA, BBB)), **more))
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    return Strategy.objects.latest("id")


def publish(client: Any, row: Strategy, **more: str) -> Any:
    form = {"change_note": "Because.", "listed": "on", **more}
    return client.post(reverse("strategy_publish", args=[row.public_id]), form)


def test_a_strategy_is_written_and_published(people: Any, invest: Any, page_client: Any) -> None:
    client = page_client(people.owner)
    row = write(client)
    page = client.get(reverse("strategy_edit", args=[row.public_id])).content.decode()
    assert 'value="AAA"' in page
    assert "adds up" in page
    assert "Why <em>so</em> &lt;script&gt;" in page
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert publish(client, row).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.tags) == ("published", ["etf", "low-turnover"])
    assert StrategyVersion.objects.get().change_note == "Because."
    mine = client.get(reverse("my_strategies")).content.decode()
    assert "Patient growth" in mine
    again = publish(client, row)
    assert again.status_code == 409
    assert "Nothing has changed" in again.content.decode()
    assert StrategyVersion.objects.count() == 1


def test_a_form_sent_twice_makes_one_strategy(people: Any, invest: Any, page_client: Any) -> None:
    client, form = page_client(people.owner), sent(AAA, BBB)
    for _ in range(2):
        assert client.post(reverse("strategy_new"), form).status_code == 302
    assert Strategy.objects.count() == 1


def test_the_preview_shows_sum_and_markdown(people: Any, invest: Any, page_client: Any) -> None:
    client = page_client(people.owner)
    form = sent(("AAA", "", "60"), ("BBB", "", "39.5"), ("CASH", "", "x"))
    text = client.post(reverse("strategy_preview"), form).content.decode()
    assert "99.5" in text
    assert "must be 100%" in text
    assert "<em>so</em>" in text
    assert "<script>" not in text
    assert not Strategy.objects.exists()


def test_what_is_wrong_is_told_and_what_was_typed_stays(
    people: Any, invest: Any, page_client: Any
) -> None:
    client = page_client(people.owner)
    for rows, words in (
        ([("AAA", "", "140")], "between 0 and 100"),
        ([("NOSUCH", "", "100")], "not securities of the market"),
        ([("bond", "", "100")], "not securities of the market"),
        ([AAA, AAA], "two weights"),
    ):
        answer = client.post(reverse("strategy_new"), sent(*rows))
        assert answer.status_code == 400
        assert words in answer.content.decode()
        assert f'value="{rows[0][0]}"' in answer.content.decode()
    more = client.post(reverse("strategy_new"), sent(AAA, action="rows"))
    assert more.status_code == 200
    assert more.content.decode().count('name="weight_name"') == 4
    assert not Strategy.objects.exists()


def test_a_stranger_finds_no_page_of_a_draft(people: Any, invest: Any, page_client: Any) -> None:
    row = write(page_client(people.owner), name="Secret")
    client = page_client(people.stranger)
    for name in ("strategy_edit", "strategy_clone", "strategy_report"):
        answer = client.get(reverse(name, args=[row.public_id]))
        assert answer.status_code == 404
        assert "Secret" not in answer.content.decode()
    for name in ("strategy_publish", "strategy_retire", "strategy_follow"):
        assert client.post(reverse(name, args=[row.public_id])).status_code == 404
    row.refresh_from_db()
    assert row.state == "draft"
    assert not StrategyFollow.objects.exists()


def test_a_strategy_is_taken_over_with_a_plan(people: Any, invest: Any, page_client: Any) -> None:
    author = page_client(people.stranger)
    row = write(author, ("AAA", "", "20"), ("BBB", "", "80"))
    assert publish(author, row).status_code == 302
    client = page_client(people.owner)
    address = reverse("strategy_clone", args=[row.public_id])
    page = client.get(address).content.decode()
    assert "Harbour" in page
    assert '<th scope="row">AAA' in page
    assert not FollowedTargets.objects.filter(version__target_set=row.target_set).exists()
    form = {"account": str(invest.public_id), "gain_budget": "500", "key": str(uuid7())}
    answer = client.post(address, form)
    job = Job.objects.get(kind="recommendations.rebalance")
    assert answer["Location"] == reverse("rebalance_job", args=[invest.public_id, job.public_id])
    aims = {
        target.asset.symbol: target.target_percentage
        for target in Target.objects.all()
        if target.asset
    }
    assert aims == {"AAA": Decimal(20), "BBB": Decimal(80)}
    assert "follows version 1" in client.get(address).content.decode()
    assert "Its targets are already these" in client.get(address).content.decode()
    assert row.name in client.get(reverse("my_strategies")).content.decode()
    assert client.post(address, {"account": "x"}).status_code == 404
    theirs = page_client(people.stranger).get(address).content.decode()
    assert "Harbour" not in theirs


def test_a_strategy_is_followed_and_reported(people: Any, invest: Any, page_client: Any) -> None:
    author = page_client(people.stranger)
    row = write(author)
    publish(author, row)
    client = page_client(people.owner)
    address = reverse("strategy_follow", args=[row.public_id])
    assert client.post(address, {"action": "follow"}).status_code == 302
    assert StrategyFollow.objects.count() == 1
    outside = client.post(address, {"action": "unfollow", "next": "https://evil.example/"})
    assert outside["Location"] == reverse("my_strategies")
    assert not StrategyFollow.objects.exists()
    report = reverse("strategy_report", args=[row.public_id])
    assert client.get(report).status_code == 200
    assert client.post(report, {"reason": "dull"}).status_code == 400
    assert client.post(report, {"reason": "spam", "details": "Ads."}).status_code == 302
    assert StrategyReport.objects.get().details == "Ads."


def test_a_retired_strategy_is_edited_no_more(people: Any, invest: Any, page_client: Any) -> None:
    client = page_client(people.owner)
    row = write(client)
    publish(client, row)
    assert client.post(reverse("strategy_retire", args=[row.public_id])).status_code == 302
    page = client.get(reverse("strategy_edit", args=[row.public_id])).content.decode()
    assert "is retired" in page
    assert 'name="weight_name"' not in page
    answer = client.post(reverse("strategy_edit", args=[row.public_id]), sent(AAA, BBB))
    assert answer.status_code == 409
