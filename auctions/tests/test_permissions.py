"""Who may see and do what, as one table: every kind of person against every kind of auction."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from accounts.models import Membership, Role, User
from auctions import permissions
from auctions.models import Auction, AuctionModerator, AuctionStatus, Invitation, Registration, Visibility

pytestmark = pytest.mark.django_db

PEOPLE = ("anonymous", "stranger", "invited", "registered", "moderator", "clerk", "host", "other_host", "staff")


@pytest.fixture
def people(live_auction, stranger, bidder, bidder2, moderator, host, other_host, staff, organizer):
    """Return one person of each kind."""
    Invitation.objects.create(auction=live_auction, user=bidder2)
    Registration.objects.create(
        auction=live_auction, user=bidder, paddle=101, terms=live_auction.terms, terms_accepted_at=timezone.now()
    )
    clerk = User.objects.create_user("clerk@example.test")
    Membership.objects.create(organizer=organizer, user=clerk, role=Role.CLERK)
    return {
        "anonymous": AnonymousUser(),
        "stranger": stranger,
        "invited": bidder2,
        "registered": bidder,
        "moderator": moderator,
        "clerk": clerk,
        "host": host,
        "other_host": other_host,
        "staff": staff,
    }


EVERYBODY = set(PEOPLE)
MEMBERS = {"moderator", "clerk", "host"}
INSIDE = MEMBERS | {"staff"}
STATES = {
    # state: (who can open it, who finds it in lists)
    "public": (EVERYBODY, EVERYBODY),
    "scheduled": (EVERYBODY, EVERYBODY),
    "ended": (EVERYBODY, EVERYBODY),
    "cancelled": (EVERYBODY, EVERYBODY),
    "unlisted": (EVERYBODY, set()),
    "invite_only": (INSIDE | {"invited", "registered"}, {"invited", "registered"}),
    "draft": (INSIDE, set()),
    "cancelled_draft": (INSIDE, set()),
    "rehearsal": (INSIDE, set()),
    "archived": (INSIDE | {"registered"}, set()),
}


def put_into(auction, state):
    changes: dict[str, Any] = {
        "public": {},
        "scheduled": {"status": AuctionStatus.SCHEDULED},
        "ended": {"status": AuctionStatus.ENDED},
        "cancelled": {"status": AuctionStatus.CANCELLED},
        "unlisted": {"visibility": Visibility.UNLISTED},
        "invite_only": {"visibility": Visibility.INVITE_ONLY},
        "draft": {"status": AuctionStatus.DRAFT},
        "cancelled_draft": {"status": AuctionStatus.CANCELLED, "terms": None},
        "rehearsal": {"is_rehearsal": True},
        "archived": {"archived_at": timezone.now()},
    }
    Auction.objects.filter(pk=auction.pk).update(**changes[state])
    auction.refresh_from_db()


@pytest.mark.parametrize("state", STATES)
def test_an_auction_exists_for_exactly_these_people_and_is_listed_to_exactly_those(live_auction, people, state):
    put_into(live_auction, state)
    may_open, may_find = STATES[state]
    opened = {name for name, user in people.items() if permissions.can_view(user, live_auction)}
    found = {name for name, user in people.items() if live_auction in permissions.visible_auctions(user)}
    assert opened == may_open
    assert found == may_find


@pytest.mark.parametrize("state", STATES)
def test_many_people_at_once_have_the_rights_that_each_has_alone(live_auction, people, state):
    put_into(live_auction, state)
    known = {name: user for name, user in people.items() if isinstance(user, User)}
    rights = permissions.room_rights(live_auction, [user.pk for user in known.values()])
    assert len(known) >= 8
    for name, user in known.items():
        theirs = rights[user.pk]
        assert theirs.sees == permissions.can_view(user, live_auction), name
        assert theirs.barred == permissions.is_barred(user, live_auction), name
        assert (theirs.role == "host") == (name in MEMBERS), name


@pytest.mark.parametrize("by", ["invitation", "naming"])
def test_an_address_counts_the_same_for_one_and_for_many(live_auction, host, by):
    """Proved, only claimed, in another case, set by staff, of somebody switched off."""
    put_into(live_auction, "invite_only")
    people = {}
    for name, verified in (("proved", True), ("claimed", False), ("staff_set", None), ("switched_off", True)):
        email = f"{name}@example.test"
        people[name] = user = User.objects.create_user(email, is_active=name != "switched_off")
        if verified is not None:
            EmailAddress.objects.create(user=user, email=f"{name.title()}@Example.test", verified=verified)
        if by == "invitation":
            Invitation.objects.create(auction=live_auction, email=email)
        else:
            AuctionModerator.objects.create(auction=live_auction, email=email, created_by=host)
    rights = permissions.room_rights(live_auction, [user.pk for user in people.values()])
    for name, user in people.items():
        let_in = name in ("proved", "staff_set")
        theirs = rights[user.pk]
        assert theirs.sees == permissions.can_view(user, live_auction) == let_in, name
        works = let_in and by == "naming"
        assert (theirs.role == "moderator") == theirs.barred == permissions.is_barred(user, live_auction) == works, name


ACTIONS = {
    permissions.can_manage: {"host", "staff"},
    permissions.can_moderate: {"host", "moderator", "staff"},
    permissions.can_see_private: {"host", "clerk", "staff"},
    permissions.is_barred: {"host", "moderator", "clerk", "staff"},
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.__name__)
def test_a_role_allows_the_same_in_every_state(live_auction, people, action, state):
    put_into(live_auction, state)
    assert {name for name, user in people.items() if action(user, live_auction)} == ACTIONS[action]


@pytest.mark.parametrize("role", Role.values)
def test_each_role_allows_what_it_is_for(live_auction, organizer, stranger, role):
    Membership.objects.create(organizer=organizer, user=stranger, role=role)
    allowed = {action.__name__ for action in ACTIONS if action(stranger, live_auction)}
    assert (
        allowed
        == {
            "owner": {"can_manage", "can_moderate", "can_see_private", "is_barred"},
            "auctioneer": {"can_manage", "can_moderate", "can_see_private", "is_barred"},
            "clerk": {"can_see_private", "is_barred"},
            "moderator": {"can_moderate", "is_barred"},
            "finance": {"can_see_private", "is_barred"},
        }[role]
    )


def test_who_created_an_auction_cannot_bid_on_it_after_leaving_the_organizer(live_auction, host):
    Membership.objects.all().delete()
    assert permissions.is_barred(host, live_auction)
    assert not permissions.can_manage(host, live_auction)


def test_being_staff_alone_gives_nothing_of_others(live_auction):
    clerk = User.objects.create_user("desk@example.test", is_staff=True)
    put_into(live_auction, "draft")
    assert not permissions.can_view(clerk, live_auction)
    assert not permissions.can_manage(clerk, live_auction)
    assert permissions.can_host(clerk)


def test_an_inactive_account_is_nobody(live_auction, people):
    put_into(live_auction, "draft")
    for name in ("host", "staff"):
        user = people[name]
        user.is_active = False
        user.save()
        assert not permissions.can_view(user, live_auction)
        assert not permissions.can_manage(user, live_auction)
        assert not permissions.manageable_auctions(user).exists()


def test_managers_find_exactly_their_own(live_auction, people):
    found = {name for name, user in people.items() if live_auction in permissions.manageable_auctions(user)}
    assert found == {"host", "staff"}
    houses = {
        name: sorted(house.slug for house in permissions.managed_organizers(user)) for name, user in people.items()
    }
    assert houses["host"] == ["corner-house"]
    assert houses["other_host"] == ["other-house"]
    assert houses["staff"] == ["corner-house", "other-house"]
    assert houses["moderator"] == houses["anonymous"] == []


@pytest.fixture
def invite_only(live_auction):
    put_into(live_auction, "invite_only")
    Invitation.objects.create(auction=live_auction, email="Guest@Example.Test")
    return live_auction


def test_an_invited_address_lets_in_once_it_is_verified(invite_only):
    guest = User.objects.create_user("guest@example.test")
    address = EmailAddress.objects.create(user=guest, email="guest@example.test", verified=False, primary=True)
    assert not permissions.can_view(guest, invite_only)
    address.verified = True
    address.save()
    assert permissions.can_view(guest, invite_only)


def test_a_second_verified_address_counts_too(invite_only, stranger):
    EmailAddress.objects.create(user=stranger, email="guest@example.test", verified=True)
    assert permissions.can_view(stranger, invite_only)


def test_an_address_that_staff_entered_counts(invite_only):
    assert permissions.can_view(User.objects.create_user("guest@example.test"), invite_only)


def test_a_revoked_invitation_lets_nobody_in(invite_only, bidder2):
    Invitation.objects.create(auction=invite_only, user=bidder2)
    assert permissions.can_view(bidder2, invite_only)
    Invitation.objects.update(revoked_at=timezone.now())
    assert not permissions.can_view(bidder2, invite_only)


def test_an_address_with_a_wildcard_invites_nobody_else(live_auction):
    put_into(live_auction, "invite_only")
    Invitation.objects.create(auction=live_auction, email="g_est@example.test")
    assert not permissions.can_view(User.objects.create_user("guest@example.test"), live_auction)
