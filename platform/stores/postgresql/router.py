"""Where models live: all of them in the default database."""

from typing import Any


class OnlyDefault:
    """Keep migrations out of other databases, whose tables the code that fills them creates."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "default"
