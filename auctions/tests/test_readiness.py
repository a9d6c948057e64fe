"""What a show lacks before it is scheduled: what stops it, what its host may want to know, and where it is mended."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from auctions import services
from auctions.models import Auction, AuctionStatus, LotImage, ShippingProfile, TermsVersion
from auctions.readiness import Weight, missing
from auctions.selectors import catalogue

pytestmark = pytest.mark.django_db


@pytest.fixture
def ready(host, organizer, draft_auction):
    """Return a draft that lacks nothing."""
    organizer.payment_instructions = "By bank transfer."
    organizer.save()
    for lot in draft_auction.lots.all():
        LotImage.objects.create(lot=lot, file=f"lots/{lot.pk}.webp", alt="It", width=40, height=30)
    return services.auction_update(actor=host, auction=draft_auction, description="Watches and lamps.")


def lacks(auction):
    fresh = Auction.objects.select_related("organizer").get(pk=auction.pk)
    return {point.code: point for point in missing(fresh, catalogue(fresh))}


def test_a_show_that_is_ready_lacks_nothing(ready):
    assert lacks(ready) == {}


def change(ready, host, case):
    """Take something away from a show that is ready."""
    shows, lot = Auction.objects.filter(pk=ready.pk), ready.lots.first()
    past = timezone.now() - timedelta(minutes=1)
    if case == "no_lots":
        for each in ready.lots.all():
            services.lot_remove(actor=host, lot=each)
    elif case == "no_terms":
        shows.update(terms=None)
    elif case == "start_past_by_itself":
        shows.update(starts_at=past, auto_start=True)
    elif case == "start_past":
        shows.update(starts_at=past)
    elif case == "no_start":
        shows.update(starts_at=None)
    elif case == "no_channel":
        shows.update(stream_channel=None)
    elif case == "no_description":
        shows.update(description=" ")
    elif case == "no_payment":
        ready.organizer.payment_instructions = ""
        ready.organizer.save()
    elif case == "no_pictures":
        lot.images.all().delete()
    elif case == "low_reserve":
        services.lot_update(actor=host, lot=lot, reserve_amount=lot.opening_amount)
    elif case == "no_delivery":
        parcel = ShippingProfile.objects.create(organizer=ready.organizer, name="Parcel")
        services.lot_update(actor=host, lot=lot, shipping=parcel)


WEIGHTS = {
    "no_lots": Weight.BLOCKING,
    "no_terms": Weight.BLOCKING,
    "start_past_by_itself": Weight.BLOCKING,
    "start_past": Weight.ADVICE,
    "no_start": Weight.ADVICE,
    "no_channel": Weight.ADVICE,
    "no_description": Weight.ADVICE,
    "no_payment": Weight.ADVICE,
    "no_pictures": Weight.ADVICE,
    "low_reserve": Weight.ADVICE,
    "no_delivery": Weight.ADVICE,
}


@pytest.mark.parametrize("case", WEIGHTS)
def test_each_lack_is_named_alone_with_a_page_that_mends_it(client, host, ready, case):
    change(ready, host, case)
    found = lacks(ready)
    code = case.removesuffix("_by_itself")
    assert list(found) == [code]
    assert found[code].weight == WEIGHTS[case]
    client.force_login(host)
    assert client.get(found[code].where).status_code == 200


@pytest.mark.parametrize("case", WEIGHTS)
def test_what_stops_a_show_stops_it_whatever_button_was_pressed(client, host, ready, floor, case):
    change(ready, host, case)
    client.force_login(host)
    page = client.get(reverse("host_auction", args=(ready.pk,))).text
    client.post(reverse("host_step", args=(ready.pk, "schedule")))
    ready.refresh_from_db()
    is_blocking = WEIGHTS[case] == Weight.BLOCKING
    assert ready.status == (AuctionStatus.DRAFT if is_blocking else AuctionStatus.SCHEDULED)
    assert ("disabled>Schedule" in page) == is_blocking


def test_many_lots_without_pictures_are_one_point_that_names_the_first(host, ready):
    LotImage.objects.all().delete()
    for _each in range(8):
        services.lot_create(actor=host, auction=ready, spec=services.LotSpec(title="T", opening_amount=100))
    assert lacks(ready)["no_pictures"].text == "10 lots have no picture: 1, 2, 3, 4, 5 …"


def test_a_house_says_how_to_pay_and_its_new_conditions_go_to_drafts_alone(client, host, organizer, draft_auction):
    scheduled = services.auction_create(actor=host, organizer=organizer, title="Soon")
    Auction.objects.filter(pk=scheduled.pk).update(status=AuctionStatus.SCHEDULED)
    old = draft_auction.terms
    client.force_login(host)
    address = reverse("host_house", args=(organizer.pk,))
    typed = {"payment_instructions": " IBAN 1 ", "terms": "Pay within a week."}
    assert client.post(address, typed).status_code == 302

    organizer.refresh_from_db()
    assert organizer.payment_instructions == "IBAN 1"
    draft_auction.refresh_from_db()
    scheduled.refresh_from_db()
    assert (draft_auction.terms.text, draft_auction.terms.number) == ("Pay within a week.", 2)
    assert scheduled.terms == old
    assert client.post(address, typed).status_code == 302
    assert TermsVersion.objects.filter(organizer=organizer).count() == 2
    assert client.post(address, {"terms": " "}).status_code == 422


def test_a_house_is_told_how_many_follow_it_and_not_who(client, host, organizer, bidder):
    organizer.follows.create(user=bidder)
    client.force_login(host)
    page = client.get(reverse("host_house", args=(organizer.pk,))).text
    assert "1 person follows it" in page
    assert bidder.display_name not in page
