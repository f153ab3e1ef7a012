"""A passkey in a real browser with a virtual authenticator: added, used to log in, removed."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from identity.models import Passkey, RecoveryCode
from tests.effort import one_view

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AUDIT = runpy.run_path(str(Path(__file__).with_name("test_accessibility.py")))["AUDIT"]


def device(tab: Any) -> Any:
    """Give the tab's browser an authenticator with resident keys and a user who is verified."""
    session = tab.context.new_cdp_session(tab)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return session


@pytest.mark.parametrize(("width", "theme"), one_view((1440, "light"), (320, "dark")))
def test_a_passkey_is_added_logs_in_proves_and_is_removed(
    visit: Callable[..., Any], owner: Any, width: int, theme: str
) -> None:
    visitor = visit(width=width, theme=theme)
    tab = visitor.tab
    device(tab)
    visitor.log_in(owner)
    tab.goto("/settings/security")
    visitor.must_fit()
    assert tab.evaluate(AUDIT) == []
    tab.get_by_role("button", name="Add a passkey").click()
    tab.get_by_text("The passkey is your second factor now.").wait_for()
    visitor.must_fit()
    assert tab.evaluate(AUDIT) == []
    assert tab.locator(".codes code").count() == 10
    tab.get_by_role("link", name="I have kept them").click()
    tab.get_by_text("Chrome on Linux passkey").wait_for()
    passkey = Passkey.objects.get()
    assert (passkey.user, passkey.last_used_at) == (owner, None)

    tab.context.clear_cookies()
    tab.goto("/login?next=/settings/security")
    visitor.must_fit()
    tab.get_by_role("button", name="Use a passkey").click()
    tab.get_by_role("heading", name="Security", exact=True).wait_for()
    passkey.refresh_from_db()
    assert passkey.last_used_at is not None

    # The password alone leads to the second step, where the passkey is one way on.
    tab.context.clear_cookies()
    tab.goto("/login?next=/settings/security")
    tab.get_by_label("E-mail").fill(owner.email)
    tab.get_by_label("Password").fill("a-long-enough-password")
    tab.get_by_role("button", name="Log in").click()
    tab.get_by_role("heading", name="Second step").wait_for()
    tab.get_by_role("button", name="Use a passkey").click()
    tab.get_by_role("heading", name="Security", exact=True).wait_for()

    tab.goto("/settings/security/proof")
    visitor.must_fit()
    tab.get_by_role("button", name="Use a passkey").click()
    tab.get_by_text("Thank you.").wait_for()
    tab.get_by_role("button", name="Remove the passkey").click()
    tab.get_by_text("The passkey is removed.").wait_for()
    assert not Passkey.objects.exists()
    assert not RecoveryCode.objects.exists()

    tab.context.clear_cookies()
    tab.goto("/login")
    tab.get_by_role("button", name="Use a passkey").click()
    tab.get_by_text("This passkey does not open an account here.").wait_for()
    visitor.forgive_refusals()
