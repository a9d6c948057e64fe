"""Hosts and staff in the admin: what they see, what a form does, what is never possible."""

import io
import re
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from accounts.models import User
from auctions.models import (
    Auction,
    AuctionStatus,
    Invoice,
    Lot,
    LotRun,
    LotStatus,
    Order,
    Registration,
    Sale,
    TermsVersion,
)
from bidding.models import Bid, Event
from bidding.selectors import pulse_now
from bidding.services import auction_schedule, lot_open
from bidding.tests.conftest import make_show, show  # noqa: F401 - fixtures
from bidding.tests.test_a_show import bid

pytestmark = pytest.mark.django_db(transaction=True)

LISTS = [
    "auctions_auction",
    "auctions_lot",
    "auctions_registration",
    "auctions_lotrun",
    "auctions_sale",
    "auctions_order",
    "auctions_invoice",
    "auctions_termsversion",
    "auctions_taxrule",
    "auctions_consignor",
    "bidding_bid",
    "bidding_event",
]
STAFF_LISTS = [
    *LISTS,
    "auctions_category",
    "accounts_user",
    "accounts_organizer",
    "bidding_refusal",
    "bidding_ledgerposition",
]


def auction_form(**changes):
    """Return what the browser sends for an auction with one new lot."""
    return {
        "title": "Saturday lamps",
        "description": "",
        "organizer": "",
        "starts_at_0": "",
        "starts_at_1": "",
        "time_zone": "Europe/Berlin",
        "auto_advance": "on",
        "gap_ms": "8",
        "lost_pause_s": "10",
        "visibility": "public",
        "entry": "none",
        "currency_code": "EUR",
        "buyer_premium_bp": "2000",
        "terms": "",
        "lots-TOTAL_FORMS": "1",
        "lots-INITIAL_FORMS": "0",
        "lots-MIN_NUM_FORMS": "0",
        "lots-MAX_NUM_FORMS": "1000",
        "lots-0-id": "",
        "lots-0-number": "",
        "lots-0-title": "Brass lamp",
        "lots-0-opening_amount": "12.50",
        "lots-0-reserve_amount": "",
        "lots-0-preset": "flash",
    } | changes


def errors_of(response):
    context = response.context
    found = list(context["adminform"].form.errors.items())
    for formset in context["inline_admin_formsets"]:
        for form in formset.formset.forms:
            found += [(f"{form.prefix}-{name}", messages) for name, messages in form.errors.items()]
    return {name: " ".join(messages) for name, messages in found}


def messages_of(response):
    return [str(message) for message in response.context["messages"]]


@pytest.fixture
def as_host(client, host):
    client.force_login(host)
    return client


@pytest.fixture
def as_staff(client, staff):
    client.force_login(staff)
    return client


@pytest.mark.parametrize("name", STAFF_LISTS)
def test_every_list_opens_for_staff(as_staff, name, registration):
    assert as_staff.get(reverse(f"admin:{name}_changelist")).status_code == 200


@pytest.mark.parametrize("name", LISTS)
def test_every_list_of_the_catalogue_opens_for_a_host(as_host, name, registration):
    assert as_host.get(reverse(f"admin:{name}_changelist")).status_code == 200


@pytest.mark.parametrize("name", ["accounts_user", "accounts_organizer", "bidding_refusal", "bidding_ledgerposition"])
def test_lists_that_show_other_people_are_closed_to_hosts(as_host, name):
    assert as_host.get(reverse(f"admin:{name}_changelist")).status_code == 403


def test_the_admin_sends_strangers_to_the_one_sign_in(client):
    response = client.get("/admin/")
    assert response.status_code == 302
    login = client.get(response["Location"])
    assert login["Location"].startswith("/accounts/login/")


def test_a_refused_page_is_one_line_in_the_log(client, bidder, caplog):
    client.force_login(bidder)
    client.get("/admin/login/")

    (line,) = [record for record in caplog.records if record.name == "django.request"]
    assert line.levelname == "WARNING"
    assert line.exc_info is None


def test_a_bidder_does_not_get_into_the_admin(client, bidder):
    client.force_login(bidder)
    response = client.get("/admin/", follow=True)
    assert response.status_code == 403


def test_a_host_creates_an_auction_with_a_lot_in_decimals(as_host, host, organizer):
    response = as_host.post(reverse("admin:auctions_auction_add"), auction_form(), follow=True)
    assert response.status_code == 200
    auction = Auction.objects.get()
    lot = auction.lots.get()
    assert (auction.organizer, auction.created_by, auction.status) == (organizer, host, "draft")
    assert auction.stream_channel is not None
    assert auction.terms is not None
    assert (lot.number, lot.opening_amount, lot.window_ms, lot.extension_mode) == ("1", 1_250, 10_000, "reset")
    assert auction.gap_ms == 8_000


def test_amounts_are_read_in_the_currency_of_the_auction(as_host):
    form = auction_form(currency_code="JPY", **{"lots-0-opening_amount": "1250"})
    as_host.post(reverse("admin:auctions_auction_add"), form)
    assert Lot.objects.get().opening_amount == 1_250
    form = auction_form(title="Dinar", currency_code="KWD", **{"lots-0-opening_amount": "12.505"})
    as_host.post(reverse("admin:auctions_auction_add"), form)
    assert Lot.objects.latest("pk").opening_amount == 12_505


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "   "}, "title"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"currency_code": "XXX"}, "currency_code"),
        ({"gap_ms": "9999999"}, "gap_ms"),
        ({"gap_ms": "soon"}, "gap_ms"),
        ({"buyer_premium_bp": "10001"}, "buyer_premium_bp"),
        ({"auto_start": "on"}, "starts_at"),
        ({"starts_at_0": "31.13.2026", "starts_at_1": "99:99"}, "starts_at"),
        ({"lots-0-title": ""}, "lots-0-title"),
        ({"lots-0-opening_amount": "0"}, "lots-0-opening_amount"),
        ({"lots-0-opening_amount": "1,000"}, "lots-0-opening_amount"),
        ({"lots-0-opening_amount": "NaN"}, "lots-0-opening_amount"),
        ({"lots-0-opening_amount": "10.001"}, "lots-0-opening_amount"),
        ({"lots-0-reserve_amount": "-1"}, "lots-0-reserve_amount"),
        ({"lots-0-number": "123456789"}, "lots-0-number"),
        ({"lots-0-preset": "bogus"}, "lots-0-preset"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_nothing_is_stored(as_host, changes, field):
    response = as_host.post(reverse("admin:auctions_auction_add"), auction_form(**changes))
    assert response.status_code == 200
    assert field in errors_of(response)
    assert not Auction.objects.exists()


def test_a_lot_that_the_service_refuses_is_marked_in_its_row_and_nothing_is_stored(as_host):
    second = {
        "lots-TOTAL_FORMS": "2",
        "lots-0-number": "7",
        "lots-1-id": "",
        "lots-1-number": "7",
        "lots-1-title": "Another",
        "lots-1-opening_amount": "5",
        "lots-1-preset": "classic",
    }
    response = as_host.post(reverse("admin:auctions_auction_add"), auction_form(**second))
    assert response.status_code == 200
    assert "taken" in errors_of(response)["lots-1-number"]
    assert "Another" in response.content.decode()
    assert not Auction.objects.exists()


def change_form(auction, **changes):
    data = auction_form(
        title=auction.title,
        **{"lots-TOTAL_FORMS": str(auction.lots.count()), "lots-INITIAL_FORMS": str(auction.lots.count())},
    )
    data["terms"] = str(auction.terms_id)
    for index, lot in enumerate(auction.lots.order_by("pk")):
        data |= {
            f"lots-{index}-id": str(lot.pk),
            f"lots-{index}-auction": str(auction.pk),
            f"lots-{index}-number": lot.number,
            f"lots-{index}-title": lot.title,
            f"lots-{index}-opening_amount": f"{lot.opening_amount / 100:.2f}",
            f"lots-{index}-reserve_amount": "",
            f"lots-{index}-preset": "classic",
        }
    return data | changes


def test_a_host_changes_a_draft_and_a_row_of_it(as_host, draft_auction):
    url = reverse("admin:auctions_auction_change", args=[draft_auction.pk])
    response = as_host.post(
        url, change_form(draft_auction, title="Renamed", **{"lots-1-opening_amount": "33"}), follow=True
    )
    assert response.status_code == 200
    draft_auction.refresh_from_db()
    assert draft_auction.title == "Renamed"
    assert [lot.opening_amount for lot in draft_auction.lots.all()] == [10_000, 3_300]
    assert draft_auction.lots.first().increments == [[0, 500]]


def test_a_row_can_be_taken_out_of_a_draft(as_host, draft_auction):
    url = reverse("admin:auctions_auction_change", args=[draft_auction.pk])
    as_host.post(url, change_form(draft_auction, **{"lots-0-DELETE": "on"}))
    assert [lot.title for lot in draft_auction.lots.all()] == ["Brass lamp"]


def test_frozen_fields_cannot_be_posted_once_scheduled(as_host, scheduled_auction):
    url = reverse("admin:auctions_auction_change", args=[scheduled_auction.pk])
    as_host.post(url, change_form(scheduled_auction, currency_code="USD", title="Still here", status="ended"))
    scheduled_auction.refresh_from_db()
    assert (scheduled_auction.currency_code, scheduled_auction.status) == ("EUR", "scheduled")
    assert scheduled_auction.buyer_premium_bp == 0


@pytest.mark.parametrize("status", ["ended", "cancelled"])
def test_what_is_over_can_only_be_seen(as_host, draft_auction, status):
    Auction.objects.filter(pk=draft_auction.pk).update(status=status)
    url = reverse("admin:auctions_auction_change", args=[draft_auction.pk])
    assert as_host.get(url).status_code == 200
    assert as_host.post(url, change_form(draft_auction, title="Rewritten")).status_code == 403


def test_a_host_reaches_nothing_of_another_host(client, other_host, live_auction, registration):
    lot = live_auction.lots.first()
    run = LotRun.objects.create(lot=lot, auction=live_auction, status=LotStatus.OPEN)
    bid = Bid.objects.create(run=run, registration=registration, amount=500, v=1, offer_v=1, offer_s=0, at_ms=1)
    sale = Sale.objects.create(run=run, closing_number=1, buyer=registration, hammer_amount=500)
    order = Order.objects.create(auction=live_auction, buyer=registration)
    invoice = Invoice.objects.create(
        organizer=live_auction.organizer, number=1, order=order, snapshot={}, total_amount=500
    )
    event = Event.objects.create(
        auction=live_auction, epoch="e", v=1, kind="HIGHEST_BID", at_ms=1, public="{}", private="{}", salt="", hash=""
    )
    client.force_login(other_host)
    for obj in (live_auction, lot, registration, run, bid, sale, order, invoice, event, live_auction.terms):
        name = f"admin:{obj._meta.app_label}_{obj._meta.model_name}"
        response = client.get(reverse(f"{name}_change", args=[obj.pk]))
        assert response.status_code in (302, 403, 404), name
        assert live_auction.title not in client.get(reverse(f"{name}_changelist")).content.decode()
    assert client.post(
        reverse("admin:auctions_auction_change", args=[live_auction.pk]), change_form(live_auction, title="Mine")
    ).status_code in (302, 403)
    live_auction.refresh_from_db()
    assert live_auction.title != "Mine"


@pytest.mark.parametrize("status", AuctionStatus.values)
def test_no_auction_is_ever_deleted(as_staff, draft_auction, status):
    Auction.objects.filter(pk=draft_auction.pk).update(status=status)
    assert (
        as_staff.post(reverse("admin:auctions_auction_delete", args=[draft_auction.pk]), {"post": "yes"}).status_code
        == 403
    )
    as_staff.post(
        reverse("admin:auctions_auction_changelist"),
        {"action": "delete_selected", "_selected_action": [draft_auction.pk], "post": "yes"},
    )
    assert Auction.objects.filter(pk=draft_auction.pk).exists()


@pytest.mark.parametrize(
    "name",
    [
        "auctions_registration",
        "auctions_lotrun",
        "auctions_sale",
        "auctions_order",
        "auctions_invoice",
        "bidding_bid",
        "bidding_event",
        "bidding_refusal",
    ],
)
def test_what_happened_can_be_neither_added_nor_deleted(as_staff, name):
    assert as_staff.get(reverse(f"admin:{name}_add")).status_code == 403


def test_a_paddle_is_seen_but_not_changed(as_staff, registration):
    url = reverse("admin:auctions_registration_change", args=[registration.pk])
    assert as_staff.get(url).status_code == 200
    assert as_staff.post(url, {"paddle": 7}).status_code == 403
    assert as_staff.post(reverse("admin:auctions_registration_delete", args=[registration.pk])).status_code == 403
    assert Registration.objects.get().paddle == 101


def test_private_parts_of_events_are_for_administrators_alone(client, host, staff, live_auction):
    event = Event.objects.create(
        auction=live_auction,
        epoch="e",
        v=1,
        kind="HIGHEST_BID",
        at_ms=1,
        public='{"shown":1}',
        private='{"maximum":987654}',
        salt="s",
        hash="",
    )
    url = reverse("admin:bidding_event_change", args=[event.pk])
    client.force_login(host)
    assert "987654" not in client.get(url).content.decode()
    client.force_login(staff)
    assert "987654" in client.get(url).content.decode()


@pytest.mark.parametrize("lookup", ["private__contains", "private__startswith", "private", "salt__gt"])
def test_no_filter_tells_a_host_what_the_private_part_of_an_event_holds(client, host, staff, live_auction, lookup):
    Event.objects.create(
        auction=live_auction,
        epoch="e",
        v=1,
        kind="HIGHEST_BID",
        at_ms=1,
        public="{}",
        private='{"maximum":987654}',
        salt="s",
        hash="",
    )
    url = reverse("admin:bidding_event_changelist")
    client.force_login(host)
    assert client.get(url, {lookup: "9876"}).status_code == 400
    assert client.get(url, {"kind": "HIGHEST_BID"}).status_code == 200
    client.force_login(staff)
    assert client.get(url, {lookup: "9876"}).status_code == 200


def test_terms_are_published_as_a_new_version_and_never_changed(as_host, organizer):
    data = {"organizer": organizer.pk, "language": "en", "text": "Other words."}
    as_host.post(reverse("admin:auctions_termsversion_add"), data)
    newest = TermsVersion.objects.latest("number")
    assert (newest.number, newest.text, len(newest.sha256)) == (2, "Other words.", 64)
    url = reverse("admin:auctions_termsversion_change", args=[newest.pk])
    assert as_host.post(url, data | {"text": "Changed"}).status_code == 403


def lot_form(lot, **changes):
    return {
        "number": lot.number,
        "title": lot.title,
        "description": "",
        "condition": "",
        "category": "",
        "consignor": "",
        "tax_rule": "",
        "shipping": "",
        "quantity": "1",
        "opening_amount": "100.00",
        "reserve_amount": "",
        "buy_now_amount": "",
        "cap_amount": "",
        "estimate_low": "",
        "estimate_high": "",
        "increments_preset": "",
        "increments": "0.00: 5.00",
        "preset": "classic",
        "duration_ms": "60",
        "window_ms": "30",
        "extension_ms": "30",
        "extension_mode": "add",
        "extension_cap": "20",
        "images-TOTAL_FORMS": "0",
        "images-INITIAL_FORMS": "0",
        "images-MIN_NUM_FORMS": "0",
        "images-MAX_NUM_FORMS": "1000",
    } | changes


def test_a_lot_takes_increments_as_written_and_times_in_seconds(as_host, lot):
    url = reverse("admin:auctions_lot_change", args=[lot.pk])
    changes = {
        "increments": "0: 5, 100: 10",
        "preset": "own",
        "duration_ms": "90",
        "window_ms": "7.5",
        "reserve_amount": "150",
    }
    response = as_host.post(url, lot_form(lot, **changes))
    assert response.status_code == 302, errors_of(response)
    lot.refresh_from_db()
    assert lot.increments == [[0, 500], [10_000, 1_000]]
    assert (lot.duration_ms, lot.window_ms, lot.reserve_amount) == (90_000, 7_500, 15_000)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"increments": "100: 10"}, "increments"),
        ({"increments": "0: 5, 0: 10"}, "increments"),
        ({"increments": "five"}, "increments"),
        ({"increments": ""}, "increments"),
        ({"buy_now_amount": "50"}, "buy_now_amount"),
        ({"estimate_low": "9", "estimate_high": "8"}, "estimate_high"),
        ({"quantity": "0"}, "quantity"),
        ({"preset": "own", "duration_ms": "0.5"}, "duration_ms"),
        ({"preset": "own", "extension_cap": "5000"}, "extension_cap"),
        ({"preset": "own", "window_ms": "0"}, "extension_cap"),
    ],
)
def test_a_wrong_rule_is_told_at_its_field(as_host, lot, changes, field):
    url = reverse("admin:auctions_lot_change", args=[lot.pk])
    response = as_host.post(url, lot_form(lot, **changes))
    assert response.status_code == 200
    assert field in errors_of(response)
    unchanged = Lot.objects.get(pk=lot.pk)
    assert unchanged.increments == [[0, 500]]
    assert unchanged.duration_ms == 60_000


def test_an_opened_lot_can_only_be_seen(as_host, lot):
    Lot.objects.filter(pk=lot.pk).update(status=LotStatus.OPEN)
    url = reverse("admin:auctions_lot_change", args=[lot.pk])
    assert as_host.get(url).status_code == 200
    assert as_host.post(url, lot_form(lot, title="Better")).status_code == 403


def picture():
    out = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(out, "PNG")
    out.seek(0)
    out.name = "holiday-in-rome.png"
    return out


def test_a_picture_is_uploaded_re_encoded_and_described(as_host, lot, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    url = reverse("admin:auctions_lot_change", args=[lot.pk])
    rows = {
        "images-TOTAL_FORMS": "1",
        "images-0-id": "",
        "images-0-lot": str(lot.pk),
        "images-0-alt": "The front",
        "images-0-position": "0",
    }
    response = as_host.post(url, lot_form(lot, **rows, **{"images-0-file": picture()}))
    assert response.status_code == 302, errors_of(response)
    image = lot.images.get()
    assert image.alt == "The front"
    assert image.file.name.endswith(".webp")
    assert "rome" not in image.file.name
    assert (image.width, image.height) == (30, 20)


def test_what_is_no_picture_is_refused_at_its_field(as_host, lot):
    fake = io.BytesIO(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    fake.name = "drawing.svg"
    rows = {
        "images-TOTAL_FORMS": "1",
        "images-0-id": "",
        "images-0-lot": str(lot.pk),
        "images-0-alt": "",
        "images-0-position": "0",
    }
    url = reverse("admin:auctions_lot_change", args=[lot.pk])
    response = as_host.post(url, lot_form(lot, **rows, **{"images-0-file": fake}))
    assert response.status_code == 200
    assert "images-0-file" in errors_of(response)
    assert not lot.images.exists()


@pytest.mark.usefixtures("floor", "side")
def test_save_and_schedule_publishes_and_a_second_time_is_refused_in_words(as_host, draft_auction):
    url = reverse("admin:auctions_auction_change", args=[draft_auction.pk])
    button = {"auctions_auction_schedule": "1"}
    response = as_host.post(url, change_form(draft_auction, title="Final title", **button), follow=True)
    draft_auction.refresh_from_db()
    assert (draft_auction.status, draft_auction.title) == ("scheduled", "Final title")
    response = as_host.post(url, change_form(draft_auction, **button), follow=True)
    assert response.status_code == 200
    assert any("Only a draft can be scheduled" in text for text in messages_of(response))


@pytest.mark.usefixtures("floor", "side")
def test_a_scheduled_show_goes_live_from_its_page_which_leads_to_the_desk(as_host, host, draft_auction):
    auction_schedule(auction=draft_auction, actor=host)
    url = reverse("admin:auctions_auction_change", args=[draft_auction.pk])
    desk = reverse("admin:auctions_auction_desk", args=[draft_auction.pk])
    assert desk not in as_host.get(reverse("admin:auctions_auction_add")).content.decode()
    assert f'href="{desk}"' in as_host.get(url).content.decode()
    form = change_form(Auction.objects.get(), auctions_auction_go_live="1")
    assert messages_of(as_host.post(url, form, follow=True))[-1].endswith("live")
    assert pulse_now(draft_auction.pk).status == "live"
    assert as_host.get(desk).status_code == 200


@pytest.mark.usefixtures("floor", "side")
@pytest.mark.parametrize("status", AuctionStatus.values)
@pytest.mark.parametrize("name", ["schedule_selected", "go_live_selected", "end_selected", "cancel_selected"])
def test_every_action_in_every_state_answers_with_a_message_and_never_a_crash(as_host, draft_auction, status, name):
    Auction.objects.filter(pk=draft_auction.pk).update(status=status)
    response = as_host.post(
        reverse("admin:auctions_auction_changelist"),
        {"action": name, "_selected_action": [draft_auction.pk]},
        follow=True,
    )
    assert response.status_code == 200
    assert messages_of(response)


def test_a_host_voids_the_offer_behind_a_bid_and_the_latest_of_a_bidder(client, show):  # noqa: F811
    lot_open(lot=show.lots[0], actor=show.host)
    for who, amount in ((0, "50.00"), (0, "90.00"), (1, "60.00")):
        bid(show, who, amount, max=who == 0)
    show.store()
    answers = Bid.objects.filter(registration=show.bidders[0])
    User.objects.filter(pk=show.host.pk).update(is_staff=True)
    client.force_login(show.host)

    def ask(name: str) -> dict[str, Any]:
        chosen = {"action": name, "_selected_action": [bid.pk for bid in answers]}
        page = client.post(reverse("admin:bidding_bid_changelist"), chosen).content.decode()
        assert "Price and leader are decided anew" in page
        assert re.search(r"<li>Paddle \d+ · [^·]+ · €\d\d\.00</li>", page), "an amount as the house writes it"
        return chosen | dict(re.findall(r'name="(confirmed|v-\d+)" value="(\w+)"', page))

    def confirm(form: dict[str, Any]) -> list[str]:
        response = client.post(reverse("admin:bidding_bid_changelist"), form, follow=True)
        show.store()
        return messages_of(response)

    def act(name: str) -> list[str]:
        return confirm(ask(name))

    run = show.lots[0].runs.get()
    asked = ask("void_latest")
    assert not run.bids.exclude(voided_at_v=None).exists(), "asked first"
    assert [text.endswith("voided") for text in confirm(asked)] == [True]
    assert ["Something changed meanwhile" in text for text in confirm(asked)] == [True], "a second tap"
    assert run.bids.filter(voided_at_v=None).latest("v", "pk").registration == show.bidders[1]
    assert len(act("void_selected")) == 2
    assert not run.bids.filter(voided_at_v=None, registration=show.bidders[0]).exists()


def test_no_host_is_told_by_a_bid_that_a_maximum_was_raised(client, host, staff, live_auction, registration):
    run = LotRun.objects.create(lot=live_auction.lots.first(), auction=live_auction, status=LotStatus.OPEN)
    bid = Bid.objects.create(run=run, registration=registration, amount=500, v=4, offer_v=3, offer_s=771_177, at_ms=1)
    change, listed = reverse("admin:bidding_bid_change", args=[bid.pk]), reverse("admin:bidding_bid_changelist")
    client.force_login(host)
    assert "771177" not in client.get(change).content.decode()
    assert client.get(listed, {"offer_s__gt": "0"}).status_code == 400
    client.force_login(staff)
    assert "771177" in client.get(change).content.decode()
    assert client.get(listed, {"offer_s__gt": "0"}).status_code == 200


def test_a_title_with_markup_is_escaped_in_the_admin(as_host, draft_auction):
    Auction.objects.filter(pk=draft_auction.pk).update(title="<script>alert(1)</script>", starts_at=timezone.now())
    for url in (
        reverse("admin:auctions_auction_changelist"),
        reverse("admin:auctions_auction_change", args=[draft_auction.pk]),
    ):
        assert "<script>alert(1)" not in as_host.get(url).content.decode()
