"""The forms of the notice centre: preferences, webhooks and price alerts."""

from collections.abc import Mapping, Sequence
from datetime import time
from uuid import UUID
from zoneinfo import available_timezones

from django import forms

from core.limits import PRICE_DECIMALS, SYMBOL_LENGTH_MAX, WEBHOOK_URL_LENGTH_MAX
from notifications.models import AlertKind, Digest
from notifications.operations import Given
from notifications.preferences import Wishes
from notifications.topics import CHOSEN_CHANNELS, TOPICS

_DIGESTS = (
    (Digest.NONE, "Send each mail at once"),
    (Digest.DAILY, "Gather them: one mail a day, at 8 in the morning"),
    (Digest.WEEKLY, "Gather them: one mail on Monday, at 8 in the morning"),
)
_KINDS = (
    (AlertKind.ABOVE, "rises to"),
    (AlertKind.BELOW, "falls to"),
    (AlertKind.MOVE, "moves in a day by (%)"),
)


def _clock(label: str) -> forms.TimeField:
    return forms.TimeField(label=label, required=False, widget=forms.TimeInput({"type": "time"}))


class PreferencesForm(forms.Form):
    """When mails and pushes go out, and the accounts that send none."""

    time_zone = forms.ChoiceField(
        label="Time zone", choices=[(name, name) for name in sorted(available_timezones())]
    )
    digest = forms.ChoiceField(label="Mails that are not urgent", choices=_DIGESTS)
    quiet_from = _clock("Quiet from")
    quiet_until = _clock("Quiet until")
    muted_accounts = forms.MultipleChoiceField(
        label="Muted accounts", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(
        self, data: Mapping[str, str] | None, *, wishes: Wishes, accounts: Sequence[tuple[str, str]]
    ) -> None:
        super().__init__(
            data,
            initial={
                "time_zone": wishes.time_zone,
                "digest": wishes.digest,
                "quiet_from": wishes.quiet_from,
                "quiet_until": wishes.quiet_until,
                "muted_accounts": [str(account_id) for account_id in wishes.muted_accounts],
            },
        )
        self.fields["muted_accounts"].choices = accounts  # type: ignore[attr-defined]

    def clean(self) -> dict[str, object]:
        found = super().clean() or self.cleaned_data
        if bool(found.get("quiet_from")) != bool(found.get("quiet_until")):
            self.add_error("quiet_until", "Give both ends of the quiet hours, or neither.")
        return found

    def given(self) -> Given:
        """Return the preferences as the operation takes them: each switch of the page."""
        chosen = self.cleaned_data
        start, end = chosen["quiet_from"], chosen["quiet_until"]
        quiet: tuple[time, time] | tuple[()] = (start, end) if start and end else ()
        return Given(
            choices={
                topic.name: {
                    channel: f"{topic.name}.{channel}" in self.data
                    for channel in CHOSEN_CHANNELS
                    if channel not in topic.required
                }
                for topic in TOPICS.values()
            },
            time_zone=chosen["time_zone"],
            quiet_hours=quiet,
            digest=chosen["digest"],
            muted_accounts=[UUID(account_id) for account_id in chosen["muted_accounts"]],
        )


class WebhookForm(forms.Form):
    """An address and its topics."""

    url = forms.CharField(
        label="Address",
        max_length=WEBHOOK_URL_LENGTH_MAX,
        widget=forms.URLInput({"placeholder": "https://", "autocomplete": "off"}),
        help_text="A public https address. Every message is signed (Standard Webhooks).",
    )
    topics = forms.MultipleChoiceField(
        label="Topics",
        choices=[(topic.name, topic.title) for topic in TOPICS.values()],
        widget=forms.CheckboxSelectMultiple,
    )


class PriceAlertForm(forms.Form):
    """A security, and the price to wait for."""

    symbol = forms.CharField(
        label="Security",
        max_length=SYMBOL_LENGTH_MAX,
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "characters"}),
    )
    kind = forms.ChoiceField(label="Tell me when its price", choices=_KINDS)
    value = forms.DecimalField(
        label="Value",
        max_digits=40,
        decimal_places=PRICE_DECIMALS,
        widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off"}),
    )
