"""What people are told who may be away: by mail, once, of what concerns them and is still so; and how they end it."""

from datetime import timedelta
from smtplib import SMTPException
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from accounts.models import Follow, MailKind
from accounts.services import unsubscribe_token
from auctions.models import Auction, LotRun, LotStatus, Registration, RegistrationStatus, Reminder, Visibility
from auctions.services import auction_update
from bidding.engine.runner import run
from bidding.engine.side import RoomKeys, count_people
from bidding.models import Notification
from bidding.notices import wins_tell
from bidding.services import auction_end, lot_open, telling
from bidding.tasks import tell
from bidding.telling import say
from bidding.tests.test_a_show import bid
from bidding.tests.test_notices import user_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def outbid(show, side):
    """Return the live show in which the first bidder was outbid."""
    lot_open(lot=show.lots[0], actor=show.host)
    bid(show, 0, "10.00")
    bid(show, 1, "15.00")
    show.store()
    return show


def letters():
    """Return what was mailed."""
    sent: Any = mail.outbox
    return sent


def later():
    """Let what waits be due."""
    past = timezone.now() - timedelta(seconds=1)
    Notification.objects.filter(due_at__isnull=False).update(due_at=past)


def test_who_was_outbid_and_is_away_gets_one_mail_until_it_is_read(outbid):
    tell()
    tell()
    (letter,) = letters()
    assert letter.to == [user_of(outbid, 0).email]
    assert letter.subject == "[Paddle] Outbid on lot 1"
    assert "Lot 1 stands at €15." in letter.body
    html = letter.alternatives[0][0]
    assert "Lot 1 stands at €15." in html
    for word in ("boris", "clara", "10", "102"):
        assert word not in letter.body.replace("127.0.0.1", "").split("No more of these")[0]
    bid(outbid, 2, "20.00")
    outbid.store()
    later()
    tell()
    assert [letter.to[0] for letter in mail.outbox[1:]] == [user_of(outbid, 1).email], "the first has an unread mail"

    Notification.objects.filter(user=user_of(outbid, 0)).update(read_at=timezone.now())
    bid(outbid, 0, "25.00")
    bid(outbid, 2, "30.00")
    outbid.store()
    cache.clear()
    tell()
    assert "€30" in mail.outbox[-1].body


def test_a_lot_that_is_over_stands_at_no_price_and_takes_no_bid(outbid):
    told = Notification.objects.select_related("auction__organizer", "run__lot").get(user=user_of(outbid, 0))
    assert say(told).action == "Bid again"
    told.run.status = LotStatus.SOLD

    said = say(told)

    assert (said.text, said.action) == ("Somebody bid €15 for Lot 1.", "See the lot")
    assert said.path == reverse("lot", args=(outbid.lots[0].pk,))


def test_a_mail_speaks_its_readers_language(outbid):
    user = user_of(outbid, 0)
    user.language = "de"
    user.save()
    tell()
    (letter,) = letters()
    assert letter.subject == "[Paddle] Überboten bei Los 1"
    assert 'lang="de"' in letter.alternatives[0][0]


def test_who_sits_in_the_room_gets_no_outbid_mail(outbid, side):
    keys, user = RoomKeys(outbid.auction.pk), user_of(outbid, 0)
    run(side, count_people(outbid.auction.pk, process="p", people=1, ttl_ms=60_000))
    side.sadd(keys.seated("p"), user.pk)
    tell()
    assert mail.outbox == []
    assert not Notification.objects.exclude(due_at=None).exists()


def test_an_outbid_of_a_lot_that_is_over_is_no_news(outbid):
    LotRun.objects.update(status="passed", result="passed")
    tell()
    assert mail.outbox == []


def test_outbids_within_two_minutes_are_in_one_mail(outbid):
    tell()
    Notification.objects.update(mailed_at=None, due_at=timezone.now())
    tell()
    assert len(mail.outbox) == 1
    cache.clear()
    later()
    tell()
    assert len(mail.outbox) == 2


def test_what_was_won_is_told_once_when_the_show_is_over(outbid):
    outbid.hammer()
    outbid.store()
    assert not Notification.objects.filter(kind="won").exists()
    auction_end(auction=outbid.auction, actor=outbid.host)
    outbid.store()
    tell()
    wins_tell(outbid.auction, v=99, at_ms=99)
    tell()
    (letter,) = letters()
    assert letter.to == [user_of(outbid, 1).email]
    assert letter.subject == "[Paddle] You won in Friday night"
    assert "Lot 1, Lot 1: €15.00" in letter.body
    assert "Buyer's premium: €3.00" in letter.body
    assert "€18.00 to pay." in letter.body


def test_who_was_banned_is_told_only_what_they_won(outbid):
    banned = user_of(outbid, 0)
    Registration.objects.filter(user=banned).update(status=RegistrationStatus.BANNED)
    Notification.objects.create(
        user=banned, auction=outbid.auction, kind="won", amount=1_800, at_ms=1, due_at=timezone.now()
    )
    tell()
    assert [letter.subject for letter in letters()] == ["[Paddle] You won in Friday night"]
    assert not Notification.objects.exclude(due_at=None).exists()


def test_a_mail_that_fails_waits_and_holds_up_nothing(outbid, monkeypatch, caplog):
    def fail(*_args, **_options):
        raise SMTPException("no")

    monkeypatch.setattr("bidding.letters.EmailMultiAlternatives.send", fail)
    tell()
    told = Notification.objects.get()
    assert (told.attempts, told.mailed_at) == (1, None)
    assert told.due_at is not None
    assert told.due_at > timezone.now()
    monkeypatch.undo()
    cache.clear()
    later()
    tell()
    assert len(mail.outbox) == 1
    assert Notification.objects.get().due_at is None


def test_of_two_workers_that_found_the_same_one_sends_it(outbid, monkeypatch):
    found = list(telling._due())
    monkeypatch.setattr(telling, "_due", lambda: found)
    telling.notifications_send()
    cache.clear()
    telling.notifications_send()
    assert len(letters()) == 1


def test_it_is_given_up_in_the_end(outbid):
    Notification.objects.update(attempts=len(telling.BACKOFF))
    tell()
    assert mail.outbox == []
    assert Notification.objects.get().due_at is None


def test_a_mail_server_that_is_away_is_asked_once(outbid, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    bid(outbid, 2, "20.00")
    outbid.store()
    tell()
    assert sorted(Notification.objects.values_list("attempts", flat=True)) == [0, 1]


def test_who_wants_none_gets_none(outbid):
    user = user_of(outbid, 0)
    user.unwanted_mails = ["outbid"]
    user.save()
    tell()
    assert mail.outbox == []


def test_a_reminder_comes_once_and_before_the_show(scheduled_auction, bidder):
    Reminder.objects.create(user=bidder, auction=scheduled_auction)
    tell()
    assert mail.outbox == [], "an hour before it is too early"
    Auction.objects.filter(pk=scheduled_auction.pk).update(starts_at=timezone.now() + timedelta(minutes=14))
    for _time in range(3):
        tell()
    (letter,) = letters()
    assert letter.subject == "[Paddle] Friday night watches begins soon"
    assert Notification.objects.count() == 1


def test_of_a_show_that_was_moved_people_are_reminded_again(scheduled_auction, bidder, bidder2, host):
    for user in (bidder, bidder2):
        Reminder.objects.create(user=user, auction=scheduled_auction)
    Auction.objects.filter(pk=scheduled_auction.pk).update(starts_at=timezone.now() + timedelta(minutes=14))
    tell()
    moved = Auction.objects.get(pk=scheduled_auction.pk)
    auction_update(actor=host, auction=moved, title="Friday, later", starts_at=timezone.now() + timedelta(days=1))
    tell()
    assert len(letters()) == 2, "it is too early again"
    Auction.objects.filter(pk=moved.pk).update(starts_at=timezone.now() + timedelta(minutes=14))
    tell()
    tell()
    assert sorted(letter.to[0] for letter in letters()[2:]) == sorted([bidder.email, bidder2.email])
    assert letters()[-1].subject == "[Paddle] Friday, later begins soon"
    assert Notification.objects.count() == 2


def test_nobody_is_reminded_of_what_they_may_not_see_any_more(scheduled_auction, bidder):
    Reminder.objects.create(user=bidder, auction=scheduled_auction)
    Auction.objects.update(starts_at=timezone.now(), visibility=Visibility.INVITE_ONLY)
    tell()
    assert mail.outbox == []


@pytest.mark.parametrize("visibility", Visibility)
def test_followers_are_told_once_of_public_shows(scheduled_auction, bidder, visibility):
    Follow.objects.create(user=bidder, organizer=scheduled_auction.organizer)
    Auction.objects.update(visibility=visibility)
    tell()
    Auction.objects.update(followers_told_at=None)
    tell()
    assert [letter.subject for letter in mail.outbox] == (
        ["[Paddle] Corner House plans a show"] if visibility == Visibility.PUBLIC else []
    )


# --- Ending a mail ---------------------------------------------------------------------------------------


def test_a_mail_names_the_way_to_end_it_and_one_request_does(outbid, client):
    tell()
    (letter,) = letters()
    assert letter.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = letter.extra_headers["List-Unsubscribe"].strip("<>")
    path = link[link.index("/unsubscribe/") :]
    user = user_of(outbid, 0)
    client.handler.enforce_csrf_checks = True
    assert "No more of these mails?" in client.get(path).content.decode()
    user.refresh_from_db()
    assert user.wants(MailKind.OUTBID), "a mail program that looks at links changes nothing"
    for _time in range(2):
        assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    user.refresh_from_db()
    assert user.unwanted_mails == ["outbid"]


def test_a_token_that_is_not_ours_ends_nothing(client, bidder):
    token = unsubscribe_token(bidder, MailKind.WON)
    for wrong in (token[:-1] + ("a" if token[-1] != "a" else "b"), "x", "a:b:c"):
        assert client.post(reverse("unsubscribe", args=(wrong,))).status_code == 404
    bidder.refresh_from_db()
    assert bidder.unwanted_mails == []


# --- The page --------------------------------------------------------------------------------------------


def test_the_page_shows_ones_own_and_reading_is_ones_own(outbid, client):
    told = Notification.objects.get()
    path = reverse("notification", args=(told.pk,))
    client.force_login(user_of(outbid, 1))
    assert "Outbid on lot 1" not in client.get(reverse("notifications")).content.decode()
    assert client.get(path).status_code == 404
    client.post(reverse("notifications_read"))
    assert Notification.objects.get().read_at is None
    client.force_login(user_of(outbid, 0))
    page = client.get(reverse("notifications")).content.decode()
    assert "Outbid on lot 1" in page
    assert "Notifications, 1 new" in page
    assert client.get(path)["Location"] == reverse("room", args=(outbid.auction.slug,))
    assert Notification.objects.get().read_at is not None
    assert "Notifications, 1 new" not in client.get(reverse("notifications")).content.decode()


def test_people_choose_of_what_they_are_told(client, bidder):
    client.force_login(bidder)
    path = reverse("notification_settings")
    page = client.get(path).content.decode()
    assert all(str(kind.label) in page for kind in MailKind)
    client.post(path, {"mails": ["won", "spam"], "pushes": []})
    bidder.refresh_from_db()
    assert [kind for kind in MailKind if bidder.wants(kind)] == [MailKind.WON]
    assert bidder.unwanted_pushes == [], "without a key nobody was asked"
