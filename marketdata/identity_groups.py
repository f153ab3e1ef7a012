"""Groups of substantially identical assets (IRC 1091). Pure."""

from collections.abc import Iterable


def connected(*, links: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Map every linked id to the smallest id of its group.

    Links are symmetric and transitive: A like B and B like C make one group of three.
    """
    parents: dict[int, int] = {}

    def root(node: int) -> int:
        parents.setdefault(node, node)
        while parents[node] != node:
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    for one, other in links:
        low, high = sorted((root(one), root(other)))
        parents[high] = low
    return {node: root(node) for node in list(parents)}
