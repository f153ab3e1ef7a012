"""Old disagreements of vendors are deleted: operators look at the newest."""

from datetime import datetime, timedelta

from marketdata.models import Disagreement

KEPT_DAYS = 90


def forget_old_disagreements(*, now: datetime) -> int:
    """Delete the disagreements that nobody looks at any more; return how many they were."""
    count, _ = Disagreement.objects.filter(seen_at__lt=now - timedelta(days=KEPT_DAYS)).delete()
    return count
