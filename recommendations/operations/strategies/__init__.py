"""Writes: strategies, their versions, who follows them, and reports of them."""

from recommendations.operations.strategies.authoring import (
    Content,
    WeightWish,
    change_strategy,
    create_strategy,
)
from recommendations.operations.strategies.cloning import clone
from recommendations.operations.strategies.following import follow, unfollow
from recommendations.operations.strategies.forgetting import forget_closed_authors
from recommendations.operations.strategies.publishing import publish, retire
from recommendations.operations.strategies.reporting import report

__all__ = [
    "Content",
    "WeightWish",
    "change_strategy",
    "clone",
    "create_strategy",
    "follow",
    "forget_closed_authors",
    "publish",
    "report",
    "retire",
    "unfollow",
]
