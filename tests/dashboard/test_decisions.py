"""What a page says of each state of a recommendation."""

import pytest
from django.template.loader import render_to_string

from recommendations.models import RecommendationStatus

WORDS = {
    RecommendationStatus.PROPOSED: "Waiting for you",
    RecommendationStatus.APPROVED: "Approved",
    RecommendationStatus.REJECTED: "Rejected",
    RecommendationStatus.SUPERSEDED: "Superseded",
}


@pytest.mark.parametrize("status", RecommendationStatus)
def test_each_state_has_its_own_words(status: RecommendationStatus) -> None:
    said = render_to_string("dashboard/_decision.html", {"status": status.value})
    assert [words for words in WORDS.values() if words in said] == [WORDS[status]]
