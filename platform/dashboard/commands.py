"""What the command palette offers beside data: actions and help. Pure.

Add a line for a new page or action. A command matches when each word of the text begins a word of
its label, note or further words.
"""

from typing import NamedTuple


class Command(NamedTuple):
    """An action or a page: its label, what it is, its URL name, and words that also find it."""

    label: str
    note: str
    page: str
    words: str = ""
    anchor: str = ""


COMMANDS: tuple[Command, ...] = (
    Command("Record a transaction", "Action", "record", "add new purchase sale trade entry"),
    Command("Import a file", "Action", "record", "csv broker upload statement"),
    Command("Add account", "Action", "account_new", "new open ira brokerage"),
    Command("Rebalance", "Plan", "plan", "targets drift recommendation trades"),
    Command("Harvest losses", "Plan", "plan", "tax loss wash sale"),
    Command("Set targets", "Plan", "plan", "allocation weights"),
    Command("Holdings", "Page", "holdings", "positions securities assets stocks funds"),
    Command("Discover strategies", "Page", "discover", "search follow allocations published"),
    Command("Income", "Page", "income", "dividends interest yield calendar expected"),
    Command("Performance", "Page", "household_performance", "return twr xirr benchmark chart"),
    Command("Realized gains and Form 8949", "Tax", "tax", "schedule year sold taxes"),
    Command("Filing and carry-forward", "Tax", "tax_filing", "taxes status joint losses"),
    Command("Activity", "Page", "activity", "ledger history transactions list"),
    Command("Corporate actions", "Page", "corporate_actions", "split merger spin-off"),
    Command("Own prices", "Page", "prices", "manual price enter estimate"),
    Command("Notes", "Page", "notes", "own texts markdown remarks journal"),
    Command("My strategies", "Page", "my_strategies", "follow publish model allocation"),
    Command("New strategy", "Action", "strategy_new", "write publish allocation"),
    Command("Notices", "Page", "notices", "notifications bell inbox"),
    Command("Price alerts", "Action", "price_alerts", "notify above below move"),
    Command("Choose notices", "Page", "notice_preferences", "mail quiet hours topics"),
    Command("Security", "Settings", "security", "password sessions passkey totp factor keys api"),
    Command("Settings", "Page", "settings", "name currency tax rates profile"),
    Command("Data sources and licenses", "Help", "about_data", "where prices come from"),
    Command("Keyboard shortcuts", "Help", "keys", "keys help hotkeys"),
)


def matching_commands(text: str) -> tuple[Command, ...]:
    """Return the commands that match, those found by their label first."""
    asked = text.lower().replace("-", " ").split()

    def begins(words: str) -> bool:
        known = words.lower().replace("-", " ").split()
        return all(any(word.startswith(part) for word in known) for part in asked)

    by_label = [one for one in COMMANDS if begins(one.label)]
    others = [
        one
        for one in COMMANDS
        if one not in by_label and begins(f"{one.label} {one.note} {one.words}")
    ]
    return (*by_label, *others)
