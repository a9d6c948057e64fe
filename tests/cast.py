"""The fixed cast of the tests: people, their organizer, and an auction in each state.

Rows are written directly: an auction here is in its state without having lived through it, so nothing in Redis
knows of it. Tests of the live floor schedule their own.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Membership, Organizer, Role, User
from accounts.services import user_create
from auctions import services
from auctions.models import Auction, AuctionStatus, Lot, Registration, RegistrationStatus
from auctions.services import LotSpec

PASSWORD = "demo-demo-demo"


@pytest.fixture
def staff(db) -> User:
    """Return the site's administrator."""
    return user_create(email="admin@example.test", password=PASSWORD, is_staff=True, is_superuser=True)


@pytest.fixture
def organizer(db) -> Organizer:
    """Return an organizer with terms, whose owner is the host."""
    organizer = Organizer.objects.create(name="Corner House", slug="corner-house")
    services.terms_publish(organizer=organizer, text="A bid is binding.")
    return organizer


@pytest.fixture
def host(organizer) -> User:
    """Return the owner of the organizer."""
    user = user_create(email="host@example.test", password=PASSWORD, display_name="Hanna Host", is_staff=True)
    Membership.objects.create(organizer=organizer, user=user, role=Role.OWNER)
    return user


@pytest.fixture
def moderator(organizer) -> User:
    """Return a moderator of the organizer."""
    user = user_create(email="moderator@example.test", password=PASSWORD, display_name="Mo")
    Membership.objects.create(organizer=organizer, user=user, role=Role.MODERATOR)
    return user


@pytest.fixture
def bidder(db) -> User:
    """Return somebody who bids."""
    return user_create(email="bidder1@example.test", password=PASSWORD, display_name="Ben Bidder")


@pytest.fixture
def bidder2(db) -> User:
    """Return somebody else who bids."""
    return user_create(email="bidder2@example.test", password=PASSWORD, display_name="Bea Bidder")


@pytest.fixture
def stranger(db) -> User:
    """Return somebody with an account and nothing else."""
    return user_create(email="stranger@example.test", password=PASSWORD)


@pytest.fixture
def other_host(db) -> User:
    """Return the owner of another organizer."""
    user = user_create(email="other@example.test", password=PASSWORD, is_staff=True)
    other = Organizer.objects.create(name="Other House", slug="other-house")
    services.terms_publish(organizer=other, text="Other terms.")
    Membership.objects.create(organizer=other, user=user, role=Role.OWNER)
    return user


@pytest.fixture
def draft_auction(host, organizer) -> Auction:
    """Return a draft in euro with two lots, as the host made it."""
    return services.auction_create(
        actor=host,
        organizer=organizer,
        title="Friday night watches",
        starts_at=timezone.now() + timedelta(hours=1),
        lots=[
            LotSpec(title="Chronograph, 1968", opening_amount=10_000, increments=[[0, 500]]),
            LotSpec(title="Brass lamp", opening_amount=2_000, increments=[[0, 500]]),
        ],
    )


@pytest.fixture
def scheduled_auction(draft_auction) -> Auction:
    """Return the auction as it is once scheduled."""
    draft_auction.status = AuctionStatus.SCHEDULED
    draft_auction.save()
    return draft_auction


@pytest.fixture
def live_auction(scheduled_auction) -> Auction:
    """Return the auction as it is while live, with no lot open."""
    scheduled_auction.status = AuctionStatus.LIVE
    scheduled_auction.went_live_at = timezone.now()
    scheduled_auction.save()
    return scheduled_auction


@pytest.fixture
def lot(draft_auction) -> Lot:
    """Return the first lot of the auction."""
    first = draft_auction.lots.first()
    assert first is not None
    return first


@pytest.fixture
def registration(live_auction, bidder) -> Registration:
    """Return the bidder's paddle in the live auction."""
    return Registration.objects.create(
        auction=live_auction,
        user=bidder,
        paddle=101,
        status=RegistrationStatus.APPROVED,
        terms=live_auction.terms,
        terms_accepted_at=timezone.now(),
    )
