"""The demo's data: made once, only where it may be, and a new show when the last one is over."""

from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from PIL import Image

from accounts.models import Membership, Role, User
from auctions.models import Auction, AuctionStatus, Lot
from auctions.services import LotSpec, auction_create, organizer_for
from bidding.demo import pictures, show
from bidding.demo.catalogue import EVENINGS, UPCOMING
from bidding.ledger import Ledger
from bidding.services import auction_go_live, auction_schedule


@pytest.fixture(autouse=True)
def quick_pictures(monkeypatch, settings, tmp_path):
    """Draw small pictures, away from the real ones."""
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(pictures, "draw", lambda name: Image.new("RGB", (12, 9)))


def seed() -> str:
    """Run the command and return what it said."""
    said = StringIO()
    call_command("seed_demo", stdout=said)
    return said.getvalue()


@pytest.mark.django_db(transaction=True)
def test_seeding_twice_is_seeding_once(floor, side):
    assert "Live now" in seed()
    counts = [model.objects.count() for model in (User, Auction, Lot, Membership)]
    assert "there already" in seed()
    assert [model.objects.count() for model in (User, Auction, Lot, Membership)] == counts


@pytest.mark.django_db(transaction=True)
def test_the_accounts_can_sign_in_and_have_their_roles(floor, side, client):
    seed()
    for email in ("admin@example.test", "host@example.test", "moderator@example.test", "bidder5@example.test"):
        assert client.login(email=email, password="demo-demo-demo")
        assert EmailAddress.objects.get(email=email).verified
    roles = dict(Membership.objects.values_list("user__email", "role"))
    assert roles == {"host@example.test": Role.OWNER, "moderator@example.test": Role.MODERATOR}
    assert list(User.objects.filter(is_superuser=True).values_list("email", flat=True)) == ["admin@example.test"]


@pytest.mark.django_db(transaction=True)
def test_every_lot_says_what_it_is(floor, side):
    seed()
    for lot in Lot.objects.select_related("auction"):
        assert lot.description
        assert lot.condition
        assert lot.images.get().alt
        assert lot.estimate_low <= lot.estimate_high
    assert set(Auction.objects.values_list("currency_code", flat=True)) == {"EUR", "JPY"}


@pytest.mark.django_db(transaction=True)
def test_the_show_that_is_over_has_results(floor, side):
    seed()
    past = Auction.objects.get(title="Spring cabinet")
    while Ledger().store_all():
        pass
    past.refresh_from_db()
    assert past.status == AuctionStatus.ENDED
    assert set(past.lots.values_list("status", flat=True)) == {"sold"}


@pytest.mark.django_db(transaction=True)
def test_a_new_show_follows_when_none_is_live(floor, side):
    seed()
    house = show.house_ensure(EVENINGS)
    assert show.live_ensure(house) is None
    first = Auction.objects.get(slug__startswith="evening-1")
    Auction.objects.filter(pk=first.pk).update(status=AuctionStatus.ENDED)
    second = show.live_ensure(house)
    assert second is not None
    assert second.slug.startswith("evening-2")
    assert second.status == AuctionStatus.LIVE


@pytest.mark.django_db(transaction=True)
def test_the_host_may_go_live_beside_the_evening(floor, side):
    seed()
    host = User.objects.get(email="host@example.test")
    mine = auction_create(
        actor=host, organizer=organizer_for(host), title="Mine", lots=[LotSpec(title="A", opening_amount=100)]
    )
    for planned in (mine, Auction.objects.get(title=UPCOMING)):
        if planned.status == AuctionStatus.DRAFT:
            auction_schedule(auction=planned, actor=host)
        began = auction_go_live(auction=planned, actor=host)
        assert began.status == AuctionStatus.LIVE
        Auction.objects.filter(pk=began.pk).update(status=AuctionStatus.ENDED)


@pytest.mark.django_db(transaction=True)
def test_a_live_show_that_the_floor_lost_is_replaced(floor, side):
    seed()
    floor.flushall()
    replacement = show.live_ensure(show.house_ensure(EVENINGS))
    assert replacement is not None
    assert Auction.objects.get(slug__startswith="evening-1").status == AuctionStatus.CANCELLED


@pytest.mark.django_db
def test_no_known_password_where_it_is_no_demo(settings):
    settings.DEMO = False
    with pytest.raises(CommandError, match="DEMO is off"):
        seed()
    assert not User.objects.exists()


def test_every_picture_can_be_drawn(monkeypatch):
    monkeypatch.undo()
    for name in pictures.PICTURES:
        assert pictures.draw(name).size == (1200, 900)
