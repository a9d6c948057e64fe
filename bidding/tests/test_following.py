"""Watching a lot, following a house, being reminded of a show: by form, by script, and only of what exists for one."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Follow
from auctions import following
from auctions.calendar import CalendarEntry, calendar_file
from auctions.models import Auction, AuctionStatus, LotWatch, Reminder, Visibility

pytestmark = pytest.mark.django_db

KINDS = {"lot_watch": LotWatch, "house_follow": Follow, "reminder": Reminder}


@pytest.fixture(params=KINDS)
def button(request, scheduled_auction):
    """Return the address of each button and the model of its rows."""
    of = {
        "lot_watch": scheduled_auction.lots.first().pk,
        "house_follow": scheduled_auction.organizer.slug,
        "reminder": scheduled_auction.slug,
    }
    return reverse(request.param, args=(of[request.param],)), KINDS[request.param]


def test_a_form_says_what_shall_be_and_may_be_sent_twice(client, bidder, button):
    path, model = button
    client.force_login(bidder)
    for wanted, rows in (("on", 1), ("on", 1), ("off", 0), ("off", 0)):
        response = client.post(path, {"wanted": wanted, "next": "/search/?q=lamp"})
        assert (response.status_code, response["Location"]) == (302, "/search/?q=lamp")
        assert model.objects.filter(user=bidder).count() == rows


def test_a_script_is_answered_in_json(client, bidder, button):
    path, model = button
    client.force_login(bidder)
    assert client.post(path, {"wanted": "on"}, headers={"accept": "application/json"}).json() == {"wanted": True}
    assert client.post(path, {}, headers={"accept": "application/json"}).json() == {"wanted": False}
    assert not model.objects.exists()


def test_nothing_leads_away_from_the_site_and_get_changes_nothing(client, bidder, button):
    path, model = button
    client.force_login(bidder)
    for away in ("https://evil.test/", "//evil.test/", "/\\evil.test/", "javascript:alert(1)"):
        place = client.post(path, {"wanted": "on", "next": away})["Location"]
        assert place.startswith("/")
        assert "evil" not in place
    for query in ("", "?wanted=off", "?wanted=on"):
        assert client.get(f"{path}{query}").status_code == 302
    assert model.objects.count() == 1


def test_who_is_signed_out_comes_back_to_the_place_of_the_button(client, button):
    path, model = button
    response = client.post(path, {"wanted": "on"})
    assert response["Location"] == f"{reverse('account_login')}?next={path}"
    assert not model.objects.exists()


def test_what_does_not_exist_for_somebody_is_not_found(client, bidder, button, scheduled_auction):
    path, model = button
    Auction.objects.filter(pk=scheduled_auction.pk).update(visibility=Visibility.INVITE_ONLY)
    client.force_login(bidder)
    assert client.post(path, {"wanted": "on"}).status_code == 404
    assert not model.objects.exists()


def test_nobody_keeps_an_eye_on_more_than_so_much(client, bidder, button, monkeypatch):
    path, model = button
    monkeypatch.setattr(following, "MOST", 0)
    client.force_login(bidder)
    response = client.post(path, {"wanted": "on"}, headers={"accept": "application/json"})
    assert (response.status_code, response.json()["code"]) == (409, "too_many")
    response = client.post(path, {"wanted": "on"}, follow=True)
    assert "Take something off first" in response.content.decode()
    assert not model.objects.exists()


def test_of_a_show_that_began_nobody_is_reminded(client, bidder, live_auction):
    client.force_login(bidder)
    response = client.post(reverse("reminder", args=(live_auction.slug,)), {"wanted": "on"}, follow=True)
    assert "has not begun" in response.content.decode()
    assert not Reminder.objects.exists()


def test_the_page_shows_what_one_has_and_asks_once(client, bidder, scheduled_auction, django_assert_max_num_queries):
    lot = scheduled_auction.lots.first()
    LotWatch.objects.create(user=bidder, lot=lot)
    Reminder.objects.create(user=bidder, auction=scheduled_auction)
    client.force_login(bidder)
    page = client.get(reverse("room", args=(scheduled_auction.slug,))).content.decode()
    assert re.findall(r'name="wanted" value="(on|off)" aria-pressed="(true|false)"', page) == [
        ("off", "true"),  # reminded
        ("off", "true"),  # the first lot
        ("on", "false"),  # the second
    ]
    assert "We will remind you" in page


def test_to_watch_a_lot_is_not_to_look_on_in_german(client, bidder, scheduled_auction):
    client.force_login(bidder)
    page = client.get(reverse("lot", args=(scheduled_auction.lots.first().pk,)), headers={"accept-language": "de"})
    assert re.findall(r"<span data-words>(.+?)</span>", page.content.decode()) == ["Beobachten"]


def test_the_houses_that_one_follows_are_listed_where_one_says_what_one_is_told(client, bidder, scheduled_auction):
    Follow.objects.create(user=bidder, organizer=scheduled_auction.organizer)
    client.force_login(bidder)
    path = reverse("notification_settings")
    assert "Corner House" in client.get(path).content.decode()
    Auction.objects.filter(pk=scheduled_auction.pk).update(visibility=Visibility.INVITE_ONLY)
    assert "Corner House" not in client.get(path).content.decode(), "it does not exist for them any more"


# --- The file for calendars ------------------------------------------------------------------------------


def unfolded(text):
    assert text.endswith("\r\n")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "\n" not in text.replace("\r\n", "")
    lines = text.replace("\r\n ", "").split("\r\n")[:-1]
    return dict(line.split(":", 1) for line in lines if not line.startswith(("BEGIN", "END")))


def test_the_file_is_escaped_folded_and_in_utc():
    entry = CalendarEntry(
        uid="auction-7@house.test",
        title="Lamps; clocks, and \\ more\r\nEND:VEVENT\x07 " + "ü" * 90,
        text="Line one\nline two",
        url="https://house.test/auctions/lamps/",
        starts_at=datetime(2026, 12, 4, 20, 0, tzinfo=UTC).astimezone(),
        lasts=timedelta(hours=2),
        changed_at=datetime(2026, 11, 1, 8, 30, tzinfo=UTC),
    )
    text = calendar_file(entry, made_by="Paddle")
    fields = unfolded(text)
    assert fields["SUMMARY"] == "Lamps\\; clocks\\, and \\\\ more\\nEND:VEVENT " + "ü" * 90
    assert (fields["DTSTART"], fields["DTEND"]) == ("20261204T200000Z", "20261204T220000Z")
    assert (fields["UID"], fields["STATUS"]) == ("auction-7@house.test", "CONFIRMED")
    assert text.count("END:VEVENT\r\n") == 1


def test_the_file_of_a_show_keeps_its_uid_and_grows_with_changes(client, scheduled_auction):
    path = reverse("calendar", args=(scheduled_auction.slug,))
    response = client.get(path)
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    before = unfolded(response.content.decode())
    later = scheduled_auction.starts_at + timedelta(days=1)
    Auction.objects.filter(pk=scheduled_auction.pk).update(
        starts_at=later, updated_at=timezone.now() + timedelta(minutes=1), status=AuctionStatus.CANCELLED
    )
    after = unfolded(client.get(path).content.decode())
    assert after["UID"] == before["UID"]
    assert int(after["SEQUENCE"]) > int(before["SEQUENCE"])
    assert after["DTSTART"] == later.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    assert after["STATUS"] == "CANCELLED"


@pytest.mark.parametrize(
    "change",
    [{"visibility": Visibility.INVITE_ONLY}, {"status": AuctionStatus.DRAFT}, {"starts_at": None}, {"status": "ended"}],
)
def test_there_is_no_file_of_what_is_not_there_or_not_to_come(client, scheduled_auction, change):
    Auction.objects.filter(pk=scheduled_auction.pk).update(**change)
    assert client.get(reverse("calendar", args=(scheduled_auction.slug,))).status_code == 404
