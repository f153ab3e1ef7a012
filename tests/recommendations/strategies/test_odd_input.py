"""Strategies under odd input: refused with a code, never an error of the database, never a leak."""

from decimal import Decimal
from typing import Any

import pytest

from core.errors import BallastError
from identity.models import User
from identity.operations.closing import close_due
from recommendations.models import Strategy, StrategyAuthor, StrategyVersion
from recommendations.operations.moderation import appeal, moderate
from recommendations.operations.strategies import Content, WeightWish, change_strategy, retire
from recommendations.operations.strategies.cloning import version_to_clone
from recommendations.operations.strategies.forgetting import forget_closed_authors
from recommendations.queries.strategy_checks import Checked, findings
from recommendations.queries.strategy_search import Filters, Sort, search, search_text
from recommendations.strategies.names import name_key
from tests.recommendations.strategies.conftest import NOW

pytestmark = pytest.mark.django_db

# What each states -> the code of its refusal. Letters may become several when they are unified.
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a tag too long": ({"tags": ["x" * 33]}, "tag_invalid"),
    "a tag that grows": ({"tags": ["ß" * 17]}, "tag_invalid"),
    "a tag of ligatures": ({"tags": ["ﷺﷺ"]}, "tag_invalid"),
    "too many tags": ({"tags": [f"t{n}" for n in range(11)]}, "too_many_tags"),
    "a name that hides": ({"name": "Pat\x00ient"}, "text_invalid"),
    "a look-alike with marks": ({"author_name": "Bάllast"}, "name_reserved"),
    "an official with marks": ({"name": "Offιciál"}, "name_reserved"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_database_could_not_hold_is_refused(case: str, draft: Any, town: Any) -> None:
    stated, code = REFUSED[case]
    row = draft(tags=["etf"])
    with pytest.raises(BallastError) as refusal:
        change_strategy(strategy=row, user=town.author, content=Content(**stated), now=NOW)
    assert refusal.value.code == code
    row.refresh_from_db()
    assert (row.name, row.tags) == ("Patient", ["etf"])
    assert StrategyAuthor.objects.get().name.startswith("Investor ")


def test_a_name_of_ligatures_is_kept_and_compared(draft: Any, town: Any) -> None:
    row, name = draft(), "ﷺ" * 60
    change_strategy(strategy=row, user=town.author, content=Content(author_name=name), now=NOW)
    assert StrategyAuthor.objects.get().name == name


def test_no_class_has_more_funds_than_the_limit(
    draft: Any, town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = draft()
    monkeypatch.setattr("core.limits.FUNDS_PER_CLASS_MAX", 1)
    wish = WeightWish(Decimal(100), Decimal(5), asset_class="bond", funds=("BND", "AGG"))
    with pytest.raises(BallastError) as refusal:
        change_strategy(strategy=row, user=town.author, content=Content(weights=[wish]), now=NOW)
    assert refusal.value.code == "too_many_rows"


@pytest.mark.parametrize("symbol", ["VT\x00I", "V" * 500])
def test_a_symbol_that_cannot_be_one_is_unknown(symbol: str, draft: Any, town: Any) -> None:
    row = draft()
    wish = WeightWish(Decimal(100), Decimal(5), symbol=symbol)
    with pytest.raises(BallastError) as refusal:
        change_strategy(strategy=row, user=town.author, content=Content(weights=[wish]), now=NOW)
    assert refusal.value.code == "strategy_asset_unknown"


def test_an_appeal_hides_no_character(published: Any, town: Any) -> None:
    row = published()
    moderate(strategy=row, kind="hide", reason="Spam", user=town.stranger, now=NOW)
    with pytest.raises(BallastError) as refusal:
        appeal(strategy=row, reason="Look\x00again", user=town.author, now=NOW)
    assert refusal.value.code == "text_invalid"
    assert row.moderation.count() == 1


def test_a_correction_tells_no_word_of_a_hidden_strategy(published: Any, town: Any) -> None:
    published(name="Vanguard ladder")
    row = published(name="Narwhal harbour")
    moderate(strategy=row, kind="hide", reason="Spam", user=town.stranger, now=NOW)
    for text in ("vangurad or narwhla", "narwhla or vangurad"):
        found = search(text=search_text(text), filters=Filters(), sort=Sort.RELEVANCE, size=5)
        assert [hit.strategy.name for hit in found.hits] == ["Vanguard ladder"]
        assert found.corrected == text.replace("vangurad", "vanguard")


def test_a_marked_description_is_marked_by_the_search_alone(published: Any) -> None:
    published(description="lighthouse \ue000beside\ue001")
    found = search(
        text=search_text("lighthouse"), filters=Filters(), sort=Sort.RELEVANCE, size=5
    ).hits[0]
    assert found.description_html == "<mark>lighthouse</mark> beside"


@pytest.mark.parametrize("meanwhile", ["retired", "hidden"])
def test_a_strategy_that_ended_meanwhile_is_not_taken_over(
    meanwhile: str, published: Any, town: Any
) -> None:
    row = published()
    read_before = Strategy.objects.get(pk=row.pk)
    assert version_to_clone(read_before, user=town.reader).number == 1
    if meanwhile == "retired":
        retire(strategy=row, now=NOW)
    else:
        moderate(strategy=row, kind="hide", reason="Spam", user=town.stranger, now=NOW)
    with pytest.raises(BallastError) as refusal:
        version_to_clone(read_before, user=town.reader)
    assert (
        refusal.value.code
        == {
            "retired": "strategy_retired",
            "hidden": "strategy_not_found",
        }[meanwhile]
    )


def test_the_check_names_a_strategy_that_shows_an_old_version(published: Any, town: Any) -> None:
    from recommendations.operations.strategies import publish
    from tests.recommendations.strategies.conftest import wishes

    row = published()
    first = row.current_version
    content = Content(weights=wishes(VTI="100"))
    change_strategy(strategy=row, user=town.author, content=content, now=NOW)
    publish(strategy=row, user=town.author, change_note="", listed=True, now=NOW)
    assert not list(findings(Checked()))
    assert StrategyVersion.objects.count() == 2
    Strategy.objects.filter(pk=row.pk).update(current_version=first)
    assert [one.code for one in findings(Checked())] == ["version_not_in_force"]
    Strategy.objects.filter(pk=row.pk).update(
        current_version=row.versions.get(number=2), published_at=NOW.replace(year=2020)
    )
    assert [one.code for one in findings(Checked())] == ["publication_changed"]


def test_names_read_alike_with_marks() -> None:
    assert name_key("Bάllást") == name_key("B@lla$t") == name_key("ballast")


def test_the_name_of_a_closed_author_is_forgotten(published: Any, town: Any) -> None:
    name = "Investor Erika Mustermann"
    row = published(author_name=name)
    User.objects.filter(pk=town.author.pk).update(is_active=False)
    assert forget_closed_authors() == 0
    assert StrategyAuthor.objects.get().name == name
    User.objects.filter(pk=town.author.pk).update(is_active=True, closes_at=NOW)
    assert close_due(now=NOW) == 1
    assert forget_closed_authors() == 1
    assert forget_closed_authors() == 0
    row.refresh_from_db()
    assert row.author_name == StrategyAuthor.objects.get().name
    assert "Mustermann" not in row.author_name
    found = search(text=search_text("mustermann"), filters=Filters(), sort=Sort.RELEVANCE, size=5)
    assert not found.hits
