"""The list of first steps on the home, shown until each is done. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """A step, and the page where it is done."""

    title: str
    reason: str
    action: str
    address: str
    done: bool


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """All steps in their order."""

    steps: Sequence[Step]

    @property
    def done(self) -> int:
        return sum(step.done for step in self.steps)

    @property
    def next(self) -> Step | None:
        """Return the first step that is not done."""
        return next((step for step in self.steps if not step.done), None)
