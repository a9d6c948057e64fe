"""The host's sheet: it saves, it grows and shrinks without scripts, and every error stands at its field."""

import io
import re

import pytest
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import reverse
from PIL import Image

from auctions.forms import MAX_LOTS_A_FORM
from auctions.models import Auction, AuctionStatus, Lot, LotStatus, ShippingProfile, StreamChannel, TaxRule
from auctions.streaming.base import StreamTrouble
from auctions.streaming.local import LocalProvider

pytest_plugins = ["tests.cast"]

NEW = "/host/auctions/new/"


def sheet(*lots, **show):
    data = {
        "title": "Friday night",
        "visibility": "public",
        "entry": "none",
        "currency_code": "EUR",
        "premium": "12.5",
        "time_zone": "Europe/Berlin",
        "starts_at": "2030-06-01T20:00",
        "auto_advance": "on",
        "gap": "8",
        "lot": [str(index) for index in range(len(lots))],
    } | show
    for index, lot in enumerate(lots):
        values = {
            "title": f"Thing {index}",
            "opening_amount": "40.00",
            "increments": "flat",
            "preset": "classic",
            "duration": "60",
        } | lot
        data |= {f"lot-{index}-{name}": value for name, value in values.items()}
    return data


@pytest.fixture
def at_desk(client, host):
    client.force_login(host)
    return client


def errors(response):
    page = response.context["sheet"]
    return {name: list(found) for form in (page.form, *page.lot_forms) for name, found in form.errors.items()}


def test_a_draft_is_saved_with_its_lots(at_desk):
    response = at_desk.post(NEW, sheet({}, {"title": "Lamp", "preset": "flash", "duration": "90", "number": "12A"}))

    auction = Auction.objects.get()
    assert response.url == reverse("host_auction", args=(auction.pk,))
    assert (auction.status, auction.buyer_premium_bp, auction.gap_ms) == (AuctionStatus.DRAFT, 1_250, 8_000)
    assert auction.starts_at is not None
    assert auction.starts_at.isoformat() == "2030-06-01T18:00:00+00:00"
    lamp = auction.lots.get(number="12A")
    assert (lamp.opening_amount, lamp.duration_ms, lamp.window_ms, lamp.extension_mode) == (
        4_000,
        90_000,
        10_000,
        "reset",
    )


def test_a_script_that_sends_the_sheet_is_told_where_to_go_and_the_person_reads_that_it_was_saved(at_desk):
    script = {"Accept": "application/json, text/html;q=0.9"}
    answer = at_desk.post(NEW, sheet({}), headers=script)
    assert answer.json() == {"next": reverse("host_auction", args=(Auction.objects.get().pk,))}
    assert "Saved." in at_desk.get(answer.json()["next"]).text
    wrong = at_desk.post(NEW, sheet({"title": ""}), headers=script)
    assert (wrong.status_code, wrong["Content-Type"]) == (422, "text/html; charset=utf-8")


def test_amounts_are_read_in_the_currency_of_the_show(at_desk):
    at_desk.post(NEW, sheet({"opening_amount": "1250"}, currency_code="JPY"))
    assert Lot.objects.get().opening_amount == 1_250

    response = at_desk.post(NEW, sheet({"opening_amount": "12.50"}, currency_code="JPY"))
    assert errors(response) == {
        "opening_amount": ["Write an amount in JPY above 0, like 125, without thousands separators."]
    }


@pytest.mark.parametrize("wrong", ["NaN", "1e5", "-1", "0", "1,000", "1.000", "12.345", "٣٤", "1,2,3"])
def test_what_is_no_amount_is_refused_at_its_field_and_kept(at_desk, wrong):
    response = at_desk.post(NEW, sheet({"opening_amount": wrong}))

    assert response.status_code == 422
    assert list(errors(response)) == ["opening_amount"]
    assert response.context["sheet"].lot_forms[0]["opening_amount"].value() == wrong
    assert not Auction.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "   "),
        ("premium", "101"),
        ("premium", "-1"),
        ("premium", "1e1"),
        ("time_zone", "Mars/Olympus"),
        ("starts_at", "tomorrow"),
        ("currency_code", "XXX"),
        ("visibility", "secret"),
        ("gap", "99999"),
    ],
)
def test_what_is_wrong_with_the_show_stands_at_its_field(at_desk, field, value):
    response = at_desk.post(NEW, sheet({}, **{field: value}))

    assert response.status_code == 422
    assert field in errors(response)


@pytest.mark.parametrize(
    ("lot", "field"),
    [
        ({"title": " "}, "title"),
        ({"duration": "0"}, "duration"),
        ({"duration": ""}, "duration"),
        ({"buy_now_amount": "40.00"}, "buy_now_amount"),
        ({"estimate_low": "50.00", "estimate_high": "40.00"}, "estimate_high"),
        ({"preset": "own", "window": "0", "extension": "30", "extension_cap": "20"}, "extension_cap"),
        ({"increments": "own", "own_increments": "0: 5, 0: 10"}, "own_increments"),
        ({"increments": "own", "own_increments": ""}, "own_increments"),
        ({"preset": "nonsense"}, "preset"),
        ({"number": "123456789"}, "number"),
    ],
)
def test_what_is_wrong_with_a_lot_stands_at_its_field(at_desk, lot, field):
    response = at_desk.post(NEW, sheet({}, lot))

    assert response.status_code == 422
    assert field in response.context["sheet"].lot_forms[1].errors
    assert not response.context["sheet"].lot_forms[0].errors
    assert not Auction.objects.exists()


def test_two_lots_of_one_number_are_refused_at_the_second(at_desk):
    response = at_desk.post(NEW, sheet({"number": "1"}, {"number": "1"}))

    assert errors(response) == {"number": ["Lot number 1 is taken."]}
    assert not Auction.objects.exists()


def test_to_start_by_itself_it_needs_a_time(at_desk):
    response = at_desk.post(NEW, sheet({}, starts_at="", auto_start="on"))

    assert list(errors(response)) == ["starts_at"]


def test_an_auction_has_at_least_one_lot(at_desk):
    response = at_desk.post(NEW, sheet())

    assert response.status_code == 422
    assert "at least one lot" in response.context["sheet"].error


def test_lots_are_added_and_removed_without_scripts_and_nothing_is_lost(at_desk):
    added = at_desk.post(NEW, sheet({"title": ""}, add_lot="1")).context["sheet"]
    assert [str(form.prefix) for form in added.lot_forms] == ["lot-0", "lot-1"]
    assert added.error_count == 0

    removed = at_desk.post(NEW, sheet({"title": "First"}, {"title": "Second"}, remove_lot="0")).context["sheet"]
    assert [form["title"].value() for form in removed.lot_forms] == ["Second"]
    assert removed.form["title"].value() == "Friday night"
    assert not Auction.objects.exists()


def test_hostile_indexes_do_no_harm(at_desk):
    data = sheet({}, lot=["0", "x", "-1", "99999999", *(str(number) for number in range(1, 900))])

    response = at_desk.post(NEW, data)

    assert response.status_code == 422
    assert len(response.context["sheet"].lot_forms) <= MAX_LOTS_A_FORM


def test_a_picture_is_stored_and_what_is_none_is_refused(at_desk, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(picture, "PNG")
    picture.seek(0)
    picture.name = "lamp.png"
    at_desk.post(NEW, sheet({}) | {"lot-0-picture": picture})
    assert Lot.objects.get().images.count() == 1

    script = io.BytesIO(b"<svg onload=alert(1)>")
    script.name = "lamp.png"
    response = at_desk.post(NEW, sheet({}) | {"lot-0-picture": script})
    assert list(errors(response)) == ["picture"]
    assert Auction.objects.count() == 1


def test_a_draft_is_changed_lot_by_lot(at_desk):
    at_desk.post(NEW, sheet({}, {}))
    auction = Auction.objects.get()
    keep, drop = auction.lots.all()
    edit = reverse("host_auction_edit", args=(auction.pk,))
    shown = at_desk.get(edit).context["sheet"]
    assert shown.lot_forms[0]["opening_amount"].value() == "40.00"
    assert shown.form.initial["premium"] == "12.5"

    changes = sheet({"id": keep.pk, "title": "Changed"}, {"title": "Added"}, title="New title", premium="10")
    at_desk.post(edit, changes | {"shown": shown.shown})

    auction.refresh_from_db()
    assert (auction.title, auction.buyer_premium_bp) == ("New title", 1_000)
    assert list(auction.lots.values_list("title", flat=True)) == ["Changed", "Added"]
    assert not Lot.objects.filter(pk=drop.pk).exists()


def test_a_lot_of_another_auction_cannot_be_named(at_desk):
    at_desk.post(NEW, sheet({}))
    at_desk.post(NEW, sheet({"title": "Other"}))
    first, second = Auction.objects.order_by("pk")
    foreign = second.lots.get()

    at_desk.post(reverse("host_auction_edit", args=(first.pk,)), sheet({"id": foreign.pk, "title": "Stolen"}))

    foreign.refresh_from_db()
    assert foreign.title == "Other"


def test_the_host_sees_how_long_the_evening_takes(at_desk):
    at_desk.post(NEW, sheet({}, {}))

    response = at_desk.get(reverse("host_auction", args=(Auction.objects.get().pk,)))

    page = response.context["page"]
    assert (page.least, page.most) == ("2 min 8 s", "22 min 8 s")
    assert page.desk.upcoming == Lot.objects.filter(status=LotStatus.PENDING).earliest("position")


def test_the_evening_of_others_is_not_found(client, at_desk, bidder):
    at_desk.post(NEW, sheet({}))
    auction = Auction.objects.get()
    client.force_login(bidder)

    for name in ("host_auction", "host_auction_edit"):
        assert client.get(reverse(name, args=(auction.pk,))).status_code == 404
    assert client.post(reverse("host_step", args=(auction.pk, "schedule"))).status_code == 404
    assert client.get(NEW).status_code == 403


def test_strangers_sign_in_first(client, db):
    for path in (NEW, "/host/auctions/", "/my/bids/"):
        assert client.get(path).url == f"/accounts/login/?next={path}"


def test_a_sheet_takes_as_many_lots_as_it_says(at_desk):
    names = (
        *("id", "number", "description", "condition", "alt", "reserve_amount", "buy_now_amount", "estimate_low"),
        *("estimate_high", "own_increments", "window", "extension", "extension_mode", "extension_cap"),
    )
    lot = dict.fromkeys(names, "") | {"picture": io.BytesIO()}
    body = encode_multipart(BOUNDARY, sheet(*[lot] * MAX_LOTS_A_FORM))
    # As a browser sends it: every control, and a part without a name for a picture that was not chosen.
    body = re.sub(rb'filename="[^"]+"', b'filename=""', body)

    response = at_desk.generic("POST", NEW, body, content_type=MULTIPART_CONTENT)

    assert response.status_code == 302
    assert Lot.objects.count() == MAX_LOTS_A_FORM


def test_more_lots_than_a_sheet_takes_are_refused_in_words(at_desk):
    response = at_desk.post(NEW, sheet(*({} for _ in range(MAX_LOTS_A_FORM + 1))))

    assert response.status_code == 422
    assert "at most 200 lots" in response.context["sheet"].error
    assert not Auction.objects.exists()


def add_lots(auction, upto):
    for number in range(auction.lots.count() + 1, upto + 1):
        Lot.objects.create(
            auction=auction,
            number=str(number),
            position=number,
            title=f"Lot {number}",
            opening_amount=1_000,
            increments=[[0, 500]],
        )


def stored(auction):
    """Return the sheet of a stored auction as its page sends it."""
    lots = list(auction.lots.all())
    return sheet(
        *({"id": str(lot.pk), "number": lot.number, "title": lot.title} for lot in lots),
        shown=[str(lot.pk) for lot in lots],
    )


def test_a_lot_is_taken_out_by_leaving_it_out_of_the_sheet_that_showed_it(at_desk, draft_auction):
    path = reverse("host_auction_edit", args=(draft_auction.pk,))
    first, second = draft_auction.lots.all()
    assert at_desk.get(path).context["sheet"].shown == [str(first.pk), str(second.pk)]
    data = sheet({"id": str(second.pk), "number": "2"}, shown=[str(first.pk), str(second.pk)])

    assert at_desk.post(path, data).status_code == 302

    assert list(draft_auction.lots.all()) == [second]


def test_a_lot_that_somebody_else_added_meanwhile_stays(at_desk, draft_auction):
    data = stored(draft_auction)
    add_lots(draft_auction, 3)

    assert at_desk.post(reverse("host_auction_edit", args=(draft_auction.pk,)), data).status_code == 302

    assert [lot.number for lot in draft_auction.lots.all()] == ["1", "2", "3"]


def test_the_sheet_makes_as_many_queries_for_many_lots_as_for_two(
    at_desk, draft_auction, organizer, django_assert_max_num_queries
):
    TaxRule.objects.create(organizer=organizer, name="VAT")
    ShippingProfile.objects.create(organizer=organizer, name="Parcel")
    add_lots(draft_auction, 40)
    at_desk.get(reverse("host_auctions"))  # the first page of a session notes where it is used

    with django_assert_max_num_queries(16):
        at_desk.get(reverse("host_auction_edit", args=(draft_auction.pk,)))


def test_tax_and_delivery_are_chosen_from_the_houses_own(at_desk, organizer, other_host):
    tax = TaxRule.objects.create(organizer=organizer, name="VAT")
    foreign = TaxRule.objects.create(organizer=other_host.memberships.get().organizer, name="Theirs")

    response = at_desk.post(NEW, sheet({"tax_rule": str(foreign.pk)}))
    assert list(errors(response)) == ["tax_rule"]

    at_desk.post(NEW, sheet({"tax_rule": str(tax.pk)}, {"tax_rule": ""}))
    assert [lot.tax_rule for lot in Lot.objects.order_by("pk")] == [tax, None]


def test_tenths_of_a_second_survive_the_sheet(at_desk, draft_auction):
    Auction.objects.update(gap_ms=2_500)
    Lot.objects.update(duration_ms=45_500, window_ms=7_500, extension_ms=7_500)
    page = at_desk.get(reverse("host_auction_edit", args=(draft_auction.pk,))).context["sheet"]
    shown = {name: page.lot_forms[0][name].value() for name in ("preset", "duration", "window", "extension")}
    assert (shown, page.form["gap"].value()) == (
        {"preset": "own", "duration": "45.5", "window": "7.5", "extension": "7.5"},
        "2.5",
    )
    lots = [
        {"id": str(lot.pk), "number": lot.number, "extension_cap": "20"} | shown for lot in draft_auction.lots.all()
    ]

    assert (
        at_desk.post(reverse("host_auction_edit", args=(draft_auction.pk,)), sheet(*lots, gap="2.5")).status_code == 302
    )

    assert set(Lot.objects.values_list("duration_ms", "window_ms", "extension_ms")) == {(45_500, 7_500, 7_500)}
    assert Auction.objects.get().gap_ms == 2_500


# --- The camera's page ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("side")
def test_the_camera_page_has_the_key_and_makes_another_one(at_desk, draft_auction):
    channel = draft_auction.stream_channel
    address = reverse("host_camera", args=(draft_auction.pk,))
    page = at_desk.get(address)
    assert channel.stream_key in page.content.decode()
    assert f"ws://testserver/ws/streams/{channel.pk}/publish/" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    for action in ("rotate", "cut_off"):
        before = StreamChannel.objects.get(pk=channel.pk).stream_key
        assert at_desk.post(address, {"action": action}).url == address
        assert StreamChannel.objects.get(pk=channel.pk).stream_key != before


@pytest.mark.parametrize(
    ("is_private", "words"), [(False, "the same for all your shows"), (True, "for this show alone")]
)
def test_the_camera_page_says_what_the_key_is_for(at_desk, draft_auction, is_private, words):
    StreamChannel.objects.filter(pk=draft_auction.stream_channel_id).update(is_private=is_private)
    page = at_desk.get(reverse("host_camera", args=(draft_auction.pk,))).content.decode()
    assert words in page


def test_the_camera_page_tells_of_a_gate_for_obs_where_there_is_one(at_desk, draft_auction, settings):
    channel = draft_auction.stream_channel
    address = reverse("host_camera", args=(draft_auction.pk,))
    assert "OBS" not in at_desk.get(address).content.decode()
    settings.STREAM_RTMP_URL = "rtmp://live.example.com/live"
    page = at_desk.get(address).content.decode()
    assert "rtmp://live.example.com/live" in page
    assert f"{channel.pk}-{channel.stream_key}" in page


@pytest.mark.usefixtures("side")
def test_there_is_no_camera_for_a_show_that_is_over(at_desk, draft_auction):
    Auction.objects.filter(pk=draft_auction.pk).update(stream_channel=None)
    response = at_desk.get(reverse("host_camera", args=(draft_auction.pk,)))
    assert response.url == reverse("host_auction", args=(draft_auction.pk,))


def test_video_trouble_is_said_and_is_no_error(at_desk, draft_auction, monkeypatch):
    def troubled(*_args):
        raise StreamTrouble("The video server does not answer.")

    monkeypatch.setattr(LocalProvider, "cut_off", troubled)
    address = reverse("host_camera", args=(draft_auction.pk,))
    response = at_desk.post(address, {"action": "cut_off"}, follow=True)
    assert "does not answer" in response.content.decode()


def test_a_new_show_begins_as_the_house_s_last_one_was_but_for_what_is_its_own(at_desk, other_host, client):
    at_desk.post(NEW, sheet({}, premium="17.5", gap="20", currency_code="CHF", visibility="unlisted", auto_start="on"))
    shown = at_desk.get(NEW).context["sheet"].form
    assert [shown[name].value() for name in ("premium", "gap", "currency_code", "visibility", "time_zone")] == [
        "17.5",
        "20",
        "CHF",
        "unlisted",
        "Europe/Berlin",
    ]
    assert [shown[name].value() or "" for name in ("title", "starts_at", "auto_start")] == ["", "", ""]
    client.force_login(other_host)
    assert client.get(NEW).context["sheet"].form["premium"].value() == "0"


def test_a_show_of_more_lots_than_a_sheet_takes_is_changed_all_the_same(at_desk, monkeypatch):
    at_desk.post(NEW, sheet({}, {}, {}))
    auction = Auction.objects.get()
    monkeypatch.setattr("auctions.forms.MAX_LOTS_A_FORM", 2)
    edit = reverse("host_auction_edit", args=(auction.pk,))
    page = at_desk.get(edit)
    assert page.context["sheet"].lot_forms == []
    assert reverse("host_lots", args=(auction.pk,)) in page.text
    lots = [str(pk) for pk in auction.lots.values_list("pk", flat=True)]
    assert at_desk.post(edit, sheet(title="Larger") | {"shown": lots}).status_code == 302
    auction.refresh_from_db()
    assert (auction.title, auction.lots.count()) == ("Larger", 3)
