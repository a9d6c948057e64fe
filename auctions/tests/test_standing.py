"""Strikes, what they close, and what a new account may spend."""

from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Role, Strike, StrikeReason, User
from auctions import services, standing
from auctions.errors import Refused
from auctions.models import CommandKind, FloorCommand

pytestmark = pytest.mark.django_db


@pytest.fixture
def finance(organizer):
    user = User.objects.create_user("finance@example.test", is_staff=True)
    Membership.objects.create(organizer=organizer, user=user, role=Role.FINANCE)
    return user


def strike(user, organizer, actor, **options):
    return standing.strike_add(
        user=user, organizer=organizer, actor=actor, **({"reason": StrikeReason.UNPAID} | options)
    )


def test_a_strike_counts_until_it_runs_out_or_is_lifted(bidder, organizer, finance):
    first = strike(bidder, organizer, finance, days=10)
    strike(bidder, organizer, finance, days=20)
    assert standing.active_strikes(bidder) == 2
    standing.strike_lift(strike=first, actor=finance)
    standing.strike_lift(strike=first, actor=finance)
    assert standing.active_strikes(bidder) == 1
    Strike.objects.update(expires_at=timezone.now())
    assert standing.active_strikes(bidder) == 0


def test_the_person_is_told_why_and_never_the_note(bidder, organizer, finance, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        strike(bidder, organizer, finance, note="He laughed at me.")
    (letter,) = mail.outbox
    assert letter.to == [bidder.email]
    assert "Corner House gave you a strike: An order was not paid." in letter.body
    assert "laughed" not in letter.body


def test_who_may_give_and_lift_one(bidder, organizer, finance, host, staff, moderator, other_host, stranger):
    for user in (moderator, other_host, stranger, bidder):
        with pytest.raises(Refused):
            strike(bidder, organizer, user)
    for user in (finance, host):
        with pytest.raises(Refused):
            strike(bidder, None, user)
    given = strike(bidder, organizer, finance)
    of_the_site = strike(bidder, None, staff)
    for user in (moderator, other_host, stranger):
        with pytest.raises(Refused):
            standing.strike_lift(strike=given, actor=user)
    with pytest.raises(Refused):
        standing.strike_lift(strike=of_the_site, actor=host)
    assert standing.active_strikes(bidder) == 2


@pytest.mark.parametrize("days", [0, -1, 3 * 365 + 1])
def test_a_strike_lasts_from_a_day_to_three_years(bidder, organizer, finance, days):
    with pytest.raises(Refused) as refused:
        strike(bidder, organizer, finance, days=days)
    assert refused.value.field == "days"


def form(auction, **fields):
    return {"auction": auction.pk, "paddle": "101", "reason": "unpaid", "note": "", "days": "30"} | fields


def test_finance_gives_one_in_the_admin_by_paddle_and_lifts_it(client, finance, registration, live_auction):
    client.force_login(finance)
    add = reverse("admin:accounts_strike_add")
    assert client.get(add).status_code == 200
    assert client.post(add, form(live_auction)).status_code == 302
    given = Strike.objects.get()
    assert (given.user, given.organizer, given.created_by) == (registration.user, live_auction.organizer, finance)
    assert timezone.now() + timedelta(days=29) < given.expires_at < timezone.now() + timedelta(days=31)
    assert client.get(reverse("admin:accounts_strike_change", args=[given.pk])).status_code == 200
    page = reverse("admin:accounts_strike_changelist")
    client.post(page, {"action": "lift_selected", "_selected_action": [given.pk]})
    given.refresh_from_db()
    assert (given.lifted_by, standing.active_strikes(registration.user)) == (finance, 0)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"paddle": "999"}, "paddle"),
        ({"paddle": ""}, "paddle"),
        ({"days": "5000"}, "days"),
        ({"reason": "x"}, "reason"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(client, finance, registration, live_auction, fields, field):
    client.force_login(finance)
    response = client.post(reverse("admin:accounts_strike_add"), form(live_auction, **fields))
    assert response.status_code == 200
    assert response.context["adminform"].form.errors[field]
    assert not Strike.objects.exists()


def test_no_house_strikes_at_another_ones_auction_or_for_the_site(
    client, other_host, finance, registration, live_auction
):
    client.force_login(other_host)
    response = client.post(reverse("admin:accounts_strike_add"), form(live_auction))
    assert response.context["adminform"].form.errors["auction"]
    client.force_login(finance)
    client.post(reverse("admin:accounts_strike_add"), form(live_auction, of_the_site="on"))
    assert Strike.objects.get().organizer == live_auction.organizer


def test_a_house_sees_its_own_strikes_alone(client, bidder, organizer, finance, staff, other_host):
    own = strike(bidder, organizer, finance, note="own note")
    of_the_site = strike(bidder, None, staff, note="site note")
    client.force_login(finance)
    page = client.get(reverse("admin:accounts_strike_changelist"))
    assert [row.pk for row in page.context["cl"].result_list] == [own.pk]
    client.force_login(other_host)
    page = client.get(reverse("admin:accounts_strike_changelist"))
    assert list(page.context["cl"].result_list) == []
    for given in (own, of_the_site):
        url = reverse("admin:accounts_strike_change", args=[given.pk])
        assert client.get(url).status_code == 302


# --- At the door ---------------------------------------------------------------------------------------


def test_too_many_strikes_close_the_door_and_say_until_when(bidder, organizer, finance, live_auction):
    live_auction.most_strikes = 2
    strike(bidder, organizer, finance, days=10)
    standing.check_entry(live_auction, bidder)
    strike(bidder, organizer, finance, days=40, reason=StrikeReason.ABUSE)
    strike(bidder, organizer, finance, days=20)
    with pytest.raises(Refused) as refused:
        standing.check_entry(live_auction, bidder)
    assert refused.value.code == "too_many_strikes"
    # Of 10, 20 and 40 days one is left after 20.
    until = Strike.objects.order_by("expires_at")[1].expires_at
    assert f"{until:%Y}" in refused.value.message
    assert f"before {until:%b}" in refused.value.message.replace("Sept", "Sep")
    assert "3 strikes (An order was not paid, Abuse of other people)" in refused.value.message
    live_auction.most_strikes = None
    standing.check_entry(live_auction, bidder)


def test_an_auction_that_wants_an_address_says_so(bidder, live_auction):
    live_auction.entry = "address"
    with pytest.raises(Refused) as refused:
        standing.check_entry(live_auction, bidder)
    assert refused.value.code == "address_missing"
    bidder.delivery_address = "1 Lane"
    standing.check_entry(live_auction, bidder)


def test_a_new_account_is_limited_an_old_or_verified_one_is_not(bidder, live_auction, settings):
    assert standing.first_limit(live_auction, bidder) is None
    live_auction.new_bidder_limit = 50_000
    assert standing.first_limit(live_auction, bidder) == 50_000
    bidder.date_joined = timezone.now() - timedelta(days=settings.NEW_ACCOUNT_DAYS)
    assert standing.first_limit(live_auction, bidder) is None
    bidder.date_joined, bidder.verified_at = timezone.now(), timezone.now()
    assert standing.first_limit(live_auction, bidder) is None


def test_a_host_lifts_the_limit_and_the_floor_is_told(client, host, registration):
    registration.spending_limit = 50_000
    registration.save()
    client.force_login(host)
    page = reverse("admin:auctions_registration_changelist")
    client.post(page, {"action": "lift_limit", "_selected_action": [registration.pk]})
    registration.refresh_from_db()
    assert registration.spending_limit is None
    assert FloorCommand.objects.filter(kind=CommandKind.REGISTRATION, done_at=None).count() == 1


def test_nobody_lifts_the_limit_of_anothers_auction(moderator, other_host, registration):
    for user in (moderator, other_host, registration.user):
        with pytest.raises(Refused):
            standing.spending_limit_set(registration=registration, actor=user, limit=None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"new_bidder_limit": 0}, "new_bidder_limit"),
        ({"most_strikes": 0}, "most_strikes"),
        ({"most_strikes": 100}, "most_strikes"),
    ],
)
def test_the_settings_of_an_auction_have_a_range(host, live_auction, changes, field):
    with pytest.raises(Refused) as refused:
        services.auction_update(actor=host, auction=live_auction, **changes)
    assert refused.value.field == field


def test_they_can_change_while_the_auction_is_live(host, live_auction):
    changed = services.auction_update(actor=host, auction=live_auction, new_bidder_limit=1_000, most_strikes=3)
    assert (changed.new_bidder_limit, changed.most_strikes) == (1_000, 3)
