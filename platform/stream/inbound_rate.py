"""The rate limit of a client's messages. The counts of open sockets are in socket_counts.py."""

from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    """A token bucket: `burst` messages at once, `per_s` a second in the long run."""

    per_s: float
    burst: float
    left: float
    at: float

    def take(self, now: float) -> bool:
        """Take one token; return False above the rate."""
        self.left = min(self.burst, self.left + (now - self.at) * self.per_s)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


def bucket(*, per_s: float, burst: float, now: float) -> Bucket:
    """Return a full bucket."""
    return Bucket(per_s=per_s, burst=burst, left=burst, at=now)
