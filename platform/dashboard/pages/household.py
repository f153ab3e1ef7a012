"""The pages of a household's people: members, invitations, advisers, and what they did."""

from datetime import UTC, datetime, time
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from core.emails import folded
from core.errors import BallastError, NotFound
from dashboard.forms.entries import add_refusal
from dashboard.forms.security import AcceptForm, AccountantForm, AddressForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.posts import count_try, id_sent
from dashboard.pages.proof import recently_proved
from dashboard.pages.recovery import COOKIE
from dashboard.presenters.security_events import event_line
from edge import rate_limits
from edge.pagination import keyset_page
from identity import queries
from identity.middleware import origin_of
from identity.operations import accountants, closing, households, joining, users
from identity.operations.sessions import session_family

EVENTS_SHOWN = 50
PEOPLE_SHOWN = 100


@for_investors("GET")
def household(request: SignedIn) -> HttpResponse:
    """Show who belongs to the household, who is invited, and which advisers see it."""
    return _page(request)


@for_investors("POST")
@recently_proved("household")
def invite(request: SignedIn) -> HttpResponse:
    """Invite somebody into the household by mail."""
    form = AddressForm(request.POST, prefix="invite")
    if not form.is_valid():
        return _page(request, invite_form=form, status=400)
    count_try(request, rate_limits.INVITE)
    try:
        invitation, _ = households.invite(
            user=queries.profile(user_id=request.user.pk),
            email=folded(form.cleaned_data["email"]),
            now=timezone.now(),
        )
    except BallastError as refusal:
        add_refusal(form, refusal)
        return _page(request, invite_form=form, status=refusal.status)
    messages.success(request, f"An invitation is on its way to {invitation.email}.")
    return redirect("household")


@for_investors("POST")
def invitation_withdraw(request: SignedIn) -> HttpResponse:
    """Withdraw an invitation; its link ends."""
    households.take_back_invitation(
        user=request.user, invitation_id=_id(request), now=timezone.now()
    )
    messages.success(request, "The invitation is withdrawn.")
    return redirect("household")


@for_investors("POST")
@recently_proved("household")
def adviser_grant(request: SignedIn) -> HttpResponse:
    """Let an adviser see the household and act for it."""
    form = AddressForm(request.POST, prefix="adviser")
    if not form.is_valid():
        return _page(request, adviser_form=form, status=400)
    count_try(request, rate_limits.INVITE)
    try:
        link = households.grant_adviser(
            user=queries.profile(user_id=request.user.pk),
            email=folded(form.cleaned_data["email"]),
            now=timezone.now(),
        )
    except BallastError as refusal:
        add_refusal(form, refusal)
        return _page(request, adviser_form=form, status=refusal.status)
    messages.success(request, f"{link.adviser.email} sees the household now.")
    return redirect("household")


@for_investors("POST")
def adviser_withdraw(request: SignedIn) -> HttpResponse:
    """End an adviser's access at once."""
    households.withdraw_adviser(
        user=queries.profile(user_id=request.user.pk),
        adviser_id=_id(request),
        now=timezone.now(),
    )
    messages.success(request, "The adviser's access has ended.")
    return redirect("household")


@for_investors("POST")
@recently_proved("household")
def accountant_grant(request: SignedIn) -> HttpResponse:
    """Let an accountant read tax years of the household until a day."""
    form, now = AccountantForm(request.POST, prefix="accountant"), timezone.now()
    if not form.is_valid():
        return _page(request, accountant_form=form, status=400)
    count_try(request, rate_limits.INVITE)
    data = form.cleaned_data
    try:
        link = accountants.grant_accountant(
            user=queries.profile(user_id=request.user.pk),
            email=folded(data["email"]),
            years=data["years"],
            ends_at=datetime.combine(data["ends_on"], time.max, tzinfo=UTC),
            now=now,
        )
    except BallastError as refusal:
        add_refusal(form, refusal)
        return _page(request, accountant_form=form, status=refusal.status)
    messages.success(request, f"{link.accountant.email} can read these tax years now.")
    return redirect("household")


@for_investors("POST")
def accountant_withdraw(request: SignedIn) -> HttpResponse:
    """End an accountant's access at once."""
    accountants.withdraw_accountant(
        user=queries.profile(user_id=request.user.pk), link_id=_id(request), now=timezone.now()
    )
    messages.success(request, "The accountant's access has ended.")
    return redirect("household")


@for_investors("GET")
def security_activity(request: SignedIn) -> HttpResponse:
    """Show who did what with the access to the household, the newest first."""
    rows, following = keyset_page(
        queries.security_events(user=request.user),
        sort_key="created_at",
        cursor=request.GET.get("cursor", ""),
        size=EVENTS_SHOWN,
    )
    lines = [event_line(queries.event_seen(event=row, user=request.user)) for row in rows]
    context = {"section": "security", "rows": lines, "next_cursor": following}
    return shown(request, "security_activity", context)


@for_investors("GET", "POST")
@recently_proved("delete_me")
def delete_me(request: SignedIn) -> HttpResponse:
    """Say what deletion erases and what it cannot; a POST asks for it or takes it back."""
    now, origin = timezone.now(), origin_of(request)
    if request.method == "POST" and "stay" in request.POST:
        closing.stay(user=request.user, now=now, origin=origin)
        messages.success(request, "Your account stays.")
        return redirect("security")
    if request.method == "POST":
        current = session_family(request.session.session_key or "")
        closing.ask_to_close(user=request.user, current=current, now=now, origin=origin)
        return redirect("delete_me")
    person = queries.profile(user_id=request.user.pk)
    return shown(request, "delete_me", {"person": person, "days": closing.GRACE.days})


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest) -> HttpResponse:
    """Accept an invitation: open an account inside the household that invited this address."""
    token, now = request.COOKIES.get(COOKIE, ""), timezone.now()
    offer = households.offered(token=token, now=now)
    if offer and request.user.is_authenticated and request.user.email == offer.email:
        return _join(request)
    form = AcceptForm(request.POST if request.method == "POST" else None)
    status = 200 if offer else 400
    if offer and form.is_bound and form.is_valid():
        try:
            rate_limits.consume(rate_limits.REGISTER, request=request, subject=offer.email)
            made = users.register(
                email=offer.email,
                password=form.cleaned_data["password"],
                full_name=form.cleaned_data["full_name"],
                invitation=token,
                now=now,
            )
        except BallastError as refusal:
            add_refusal(form, refusal)
            status = refusal.status
        else:
            if made is None:
                form.add_error(None, _TAKEN)
                status = 409
            else:
                messages.success(request, "You belong to the household. Log in to begin.")
                response = redirect("login")
                response.delete_cookie(COOKIE, path=request.path)
                return response
    elif offer and form.is_bound:
        status = 400
    return shown(request, "invitation", {"form": form, "offer": offer}, status=status)


# The holder of the link reads this mailbox, so it may say that the address is registered.
_TAKEN = (
    "This address has an account already. Log in, then open the link of the invitation again to "
    "join with that account."
)


@for_investors("GET", "POST")
@recently_proved("invitation")
def _join(request: SignedIn) -> HttpResponse:
    """Say what joining means for the household that is left; a POST joins."""
    user = queries.profile(user_id=request.user.pk)
    token = request.COOKIES.get(COOKIE, "")
    refused, status = "", 200
    if request.method == "POST":
        try:
            rate_limits.consume(rate_limits.LINK, request=request)
            joined = joining.join_household(
                user=user, token=token, now=timezone.now(), origin=origin_of(request)
            )
        except BallastError as refusal:
            refused, status = refusal.detail, refusal.status
        else:
            messages.success(request, f"You belong to {joined.name} now.")
            response = redirect("household")
            response.delete_cookie(COOKIE, path=request.path)
            return response
    offer = households.offered(token=token, now=timezone.now())
    context = {"offer": offer, "left": joining.leaving(user=user), "refused": refused}
    return shown(request, "join", context, status=status)


def _page(
    request: SignedIn,
    *,
    invite_form: AddressForm | None = None,
    adviser_form: AddressForm | None = None,
    accountant_form: AccountantForm | None = None,
    status: int = 200,
) -> HttpResponse:
    user = queries.profile(user_id=request.user.pk)
    context = {
        "household": user.household,
        "members": queries.members(household=user.household)[:PEOPLE_SHOWN],
        "invitations": queries.open_invitations(user=user)[:PEOPLE_SHOWN],
        "advisers": queries.advisers(user=user)[:PEOPLE_SHOWN],
        "invite_form": invite_form or AddressForm(prefix="invite"),
        "adviser_form": adviser_form or AddressForm(prefix="adviser"),
        "accountants": queries.accountants(user=user, now=timezone.now())[:PEOPLE_SHOWN],
        "accountant_form": accountant_form or AccountantForm(prefix="accountant"),
        "now": timezone.now(),
    }
    return shown(request, "household", context, status=status)


def _id(request: SignedIn) -> UUID:
    return id_sent(request, "id", missing=NotFound("It does not exist. Reload the page."))
