"""Which assets are one thing to the law: groups of what is said to be the same. Pure."""

from collections.abc import Iterable


def connected(*, links: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Every id that is linked to another, with the smallest id of all it is linked to.

    Links go both ways and on: A like B and B like C makes one group of three.
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
