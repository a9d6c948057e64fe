"""Video beside a show: its clock, who gets an address, what a ban and an end do. Bidding waits for none of it."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings as site
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.sign_ins import sign_in_of
from auctions import streaming
from auctions.models import (
    Auction,
    AuctionStatus,
    Invitation,
    RegistrationStatus,
    StreamChannel,
    ViewerAddress,
    ViewerRevocation,
    Visibility,
)
from auctions.services import auction_create, auction_update, invitation_add, invitation_revoke
from auctions.streaming import ivs as ivs_module
from bidding import protocol
from bidding.services import (
    auction_advance,
    lot_open,
    registration_set_status,
    stream_playback,
    streams_attend,
)
from bidding.services import streams as module
from bidding.services.streams import stream_look, stream_stop, viewer_id
from bidding.tasks import video
from bidding.tests.conftest import Show
from bidding.tests.test_a_show import bid
from tests.video import CHANNEL_ARN, KEY_ARN, PLAYBACK_KEY, PLAYBACK_URL, Service, channel_at_service, made

KEY = {"arn": KEY_ARN, "channelArn": CHANNEL_ARN}
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, protocol.Stream]]:
    """Return what rooms are told of their video."""
    heard: list[tuple[int, protocol.Stream]] = []
    monkeypatch.setattr(
        module, "announce_signal_now", lambda auction, _space, message: heard.append((auction, message))
    )
    return heard


@pytest.fixture
def on_ivs(ivs: Service, make_show: Callable[..., Show]) -> Show:
    """Return a live, public show whose channel is there."""
    show = make_show()
    channel = show.auction.stream_channel
    assert channel is not None
    channel.provider = "ivs"
    made(channel)
    return show


@pytest.fixture
def private_show(on_ivs: Show) -> Show:
    """Return an invite-only show on a private channel; who has a paddle is invited."""
    Auction.objects.filter(pk=on_ivs.auction.pk).update(visibility=Visibility.INVITE_ONLY)
    StreamChannel.objects.update(is_private=True)
    on_ivs.auction.refresh_from_db()
    return on_ivs


@pytest.fixture
def deaf(ivs: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Let every call to the service fail the test, and return what was asked."""
    asked: list[str] = []

    class NoService:
        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            raise AssertionError(f"{name} was called")

    monkeypatch.setattr(ivs_module, "client", NoService)
    yield asked
    assert asked == []


def looked(*fields: str) -> None:
    """Let the clock look, stop and revoke again although it did a moment ago."""
    for key in fields:
        cache.delete(f"stream:{key}")


def channel_of(show: Show) -> StreamChannel:
    channel = show.auction.stream_channel
    assert channel is not None
    channel.refresh_from_db()
    return channel


def user_of(show: Show, who: int) -> User:
    user = show.bidders[who].user
    assert user is not None
    return user


# --- Bidding waits for none of it ------------------------------------------------------------------------


def test_a_whole_show_asks_the_service_nothing(deaf: list[str], on_ivs: Show) -> None:
    lot_open(lot=on_ivs.lots[0], actor=on_ivs.host)
    assert isinstance(bid(on_ivs, 0, "10.00"), protocol.BidAccepted)
    page = Client()
    assert page.get(f"/auctions/{on_ivs.auction.slug}/").status_code == 200
    assert page.get(f"/api/v1/auctions/{on_ivs.auction.pk}/").json()["stream"] == {
        "state": "unknown",
        "kind": "ivs",
        "playback_url": PLAYBACK_URL,
    }
    registration_set_status(registration=on_ivs.bidders[2], status=RegistrationStatus.BANNED, actor=on_ivs.host)
    for _ in range(8):
        on_ivs.end_lot_now()
        auction_advance(auction=on_ivs.auction)
        on_ivs.store()
    on_ivs.auction.refresh_from_db()
    assert on_ivs.auction.status == AuctionStatus.ENDED
    assert on_ivs.auction.cleaned_at is not None


def test_an_auction_is_created_without_the_service(deaf: list[str], host, organizer) -> None:
    auction = auction_create(actor=host, organizer=organizer, title="Lamps")
    assert auction.stream_channel is not None
    assert (auction.stream_channel.provider, auction.stream_channel.external_id) == ("ivs", "")


def test_who_goes_live_while_the_service_is_away_is_live_and_reads_so(ivs: Service, make_show, client) -> None:
    show = make_show(live=False)
    StreamChannel.objects.update(provider="ivs")
    made(channel_of(show))
    ivs.fails("get_stream", "InternalServerException", status=500, times=ivs_module.TRIES)
    client.force_login(show.host)
    answer = client.post(f"/host/auctions/{show.auction.pk}/live/", follow=True)
    show.auction.refresh_from_db()
    assert show.auction.status == AuctionStatus.LIVE
    assert "You are live, without pictures. The video service does not answer." in answer.content.decode()


def test_who_goes_live_before_the_channel_is_made_reads_so(ivs: Service, make_show, client) -> None:
    show = make_show(live=False)
    StreamChannel.objects.update(provider="ivs", external_id="")
    client.force_login(show.host)
    answer = client.post(f"/host/auctions/{show.auction.pk}/live/", follow=True)
    assert "The video channel is being made." in answer.content.decode()


# --- The clock -----------------------------------------------------------------------------------------


def test_the_clock_makes_the_channel_of_a_new_auction_and_waits_after_a_refusal(ivs: Service, host, organizer) -> None:
    auction = auction_create(actor=host, organizer=organizer, title="Lamps")
    ivs.answers("list_channels", {"channels": []}, filterByName=f"127-0-0-1-8000-open-{auction.stream_channel_id}")
    ivs.fails("create_channel", "ServiceQuotaExceededException", status=402)
    streams_attend()
    streams_attend()
    looked(f"{auction.stream_channel_id}:prepare")
    ivs.stubber.add_response("list_channels", {"channels": []})
    ivs.stubber.add_response("create_channel", {"channel": channel_at_service()})
    streams_attend()
    streams_attend()
    auction.refresh_from_db()
    assert auction.stream_channel is not None
    assert auction.stream_channel.external_id == CHANNEL_ARN


def test_an_auction_made_under_another_provider_gets_a_channel_of_this_one(settings, side, host, organizer) -> None:
    old = auction_create(actor=host, organizer=organizer, title="Lamps", visibility=Visibility.INVITE_ONLY)
    StreamChannel.objects.update(provider="ivs", external_id=CHANNEL_ARN)
    streams_attend()
    old.refresh_from_db()
    assert old.stream_channel is not None
    assert (old.stream_channel.provider, old.stream_channel.is_private) == ("local", True)


def test_one_clock_at_a_time(deaf: list[str], on_ivs: Show) -> None:
    cache.add("stream:attending", 1)
    streams_attend()


def test_a_service_that_is_away_is_asked_once_a_second_and_not_for_everything(ivs: Service, on_ivs: Show) -> None:
    for who in (0, 1):
        ViewerRevocation.objects.create(auction=on_ivs.auction, user=user_of(on_ivs, who))
    StreamChannel.objects.update(is_private=True)
    ivs.fails("start_viewer_session_revocation", "InternalServerException", status=500, times=ivs_module.TRIES)
    streams_attend()
    assert cache.get("stream:attending") is None


def test_the_task_survives_a_side_server_that_is_away(settings) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    video()


# --- States ----------------------------------------------------------------------------------------------


def test_the_room_is_told_when_the_state_changed_and_again_after_a_while(ivs: Service, on_ivs: Show, told) -> None:
    channel = channel_of(on_ivs)
    live = {"stream": {"channelArn": CHANNEL_ARN, "state": "LIVE", "health": "HEALTHY", "viewerCount": 3}}
    for _ in range(2):
        ivs.answers("get_stream", live, channelArn=CHANNEL_ARN)
        stream_look(channel=channel)
    ivs.fails("get_stream", "ChannelNotBroadcasting", status=404)
    stream_look(channel=channel)
    looked(f"{on_ivs.auction.pk}:told")
    ivs.fails("get_stream", "ChannelNotBroadcasting", status=404)
    stream_look(channel=channel)
    assert [(auction, message.stream.state) for auction, message in told] == [
        (on_ivs.auction.pk, state) for state in ("live", "offline", "offline")
    ]
    assert {message.stream.playback_url for _, message in told} == {PLAYBACK_URL}


def test_the_clock_looks_at_live_shows_and_not_every_second(ivs: Service, on_ivs: Show, told) -> None:
    ivs.fails("get_stream", "ChannelNotBroadcasting", status=404)
    streams_attend()
    streams_attend()
    assert len(told) == 1
    looked(f"{channel_of(on_ivs).pk}:look")
    ivs.fails("get_stream", "ChannelNotBroadcasting", status=404)
    streams_attend()


# --- The end -------------------------------------------------------------------------------------------


def over(show: Show) -> Auction:
    Auction.objects.filter(pk=show.auction.pk).update(status=AuctionStatus.ENDED, cleaned_at=timezone.now())
    show.auction.refresh_from_db()
    return show.auction


def test_the_end_deletes_the_key_then_stops_the_stream_once(ivs: Service, on_ivs: Show) -> None:
    auction = over(on_ivs)
    ivs.answers("list_stream_keys", {"streamKeys": [KEY]}, channelArn=CHANNEL_ARN)
    ivs.answers("delete_stream_key", arn=KEY_ARN)
    ivs.answers("stop_stream", channelArn=CHANNEL_ARN)
    streams_attend()
    streams_attend()
    stream_stop(auction=auction)
    auction.refresh_from_db()
    assert auction.stream_stopped_at is not None


def test_an_end_that_the_service_did_not_take_is_tried_again(ivs: Service, on_ivs: Show) -> None:
    auction = over(on_ivs)
    ivs.fails("list_stream_keys", "AccessDeniedException", status=403)
    streams_attend()
    auction.refresh_from_db()
    assert auction.stream_stopped_at is None
    looked(f"stop:{auction.pk}")
    ivs.answers("list_stream_keys", {"streamKeys": []}, channelArn=CHANNEL_ARN)
    ivs.fails("stop_stream", "ChannelNotBroadcasting", status=404)
    streams_attend()
    auction.refresh_from_db()
    assert auction.stream_stopped_at is not None


def test_a_late_end_leaves_the_next_show_on_the_channel_alone(deaf: list[str], on_ivs: Show) -> None:
    auction = over(on_ivs)
    Auction.objects.create(
        organizer=auction.organizer,
        title="Next",
        slug="next",
        terms=auction.terms,
        stream_channel=auction.stream_channel,
        status=AuctionStatus.LIVE,
    )
    stream_stop(auction=auction)
    auction.refresh_from_db()
    assert auction.stream_stopped_at is not None


def test_a_show_that_was_never_live_has_no_stream_to_stop(deaf: list[str], ivs: Service, make_show) -> None:
    show = make_show(live=False)
    StreamChannel.objects.update(provider="ivs", external_id=CHANNEL_ARN)
    Auction.objects.update(status=AuctionStatus.CANCELLED)
    streams_attend()
    show.auction.refresh_from_db()
    assert show.auction.stream_stopped_at is not None


# --- Private channels ------------------------------------------------------------------------------------


def test_a_private_channel_is_deleted_some_minutes_after_its_stream_was_stopped(ivs: Service, private_show) -> None:
    auction, channel = over(private_show), channel_of(private_show)
    ivs.answers("list_stream_keys", {"streamKeys": []}, channelArn=CHANNEL_ARN)
    ivs.answers("stop_stream", channelArn=CHANNEL_ARN)
    streams_attend()
    streams_attend()
    channel.refresh_from_db()
    assert channel.archived_at is None
    Auction.objects.update(stream_stopped_at=timezone.now() - module.ARCHIVE_AFTER - timedelta(seconds=1))
    # Somebody still sends, or the service has not noticed the end.
    ivs.fails("delete_channel", "ConflictException", status=409)
    streams_attend()
    streams_attend()
    channel.refresh_from_db()
    assert channel.archived_at is None
    looked(f"{channel.pk}:archive")
    ivs.answers("delete_channel", arn=CHANNEL_ARN)
    streams_attend()
    looked(f"{channel.pk}:archive")
    streams_attend()
    channel.refresh_from_db()
    auction.refresh_from_db()
    assert (channel.archived_at is not None, channel.external_id, auction.stream_channel) == (
        True,
        CHANNEL_ARN,
        channel,
    )
    # What is told of it afterwards asks the service nothing.
    assert stream_look(channel=channel) == "offline"


def test_what_is_still_needed_is_not_deleted(deaf: list[str], private_show: Show) -> None:
    cache.set(f"stream:{channel_of(private_show).pk}:look", 1)
    house = private_show.auction.organizer
    assert not auction_create(actor=private_show.host, organizer=house, title="Open").stream_channel.is_private
    Auction.objects.exclude(pk=private_show.auction.pk).update(
        status=AuctionStatus.CANCELLED, stream_stopped_at=timezone.now() - timedelta(days=1)
    )
    StreamChannel.objects.filter(external_id="").update(external_id="arn:other")
    later = Auction.objects.create(
        organizer=private_show.auction.organizer,
        title="Later",
        slug="later",
        stream_channel=private_show.auction.stream_channel,
        visibility=Visibility.INVITE_ONLY,
    )
    streams_attend()
    Auction.objects.filter(pk=private_show.auction.pk).update(
        status=AuctionStatus.ENDED, stream_stopped_at=timezone.now() - timedelta(days=1)
    )
    streams_attend()
    assert later.status == AuctionStatus.DRAFT
    assert not StreamChannel.objects.exclude(archived_at=None).exists()


def test_a_channel_of_a_show_that_is_no_longer_private_is_put_away(side, host, organizer) -> None:
    auction = auction_create(actor=host, organizer=organizer, title="Lamps", visibility=Visibility.INVITE_ONLY)
    private = auction.stream_channel
    assert private is not None
    streams_attend()
    private.refresh_from_db()
    assert private.archived_at is None
    auction = auction_update(actor=host, auction=auction, visibility=Visibility.PUBLIC)
    assert auction.stream_channel != private
    streams_attend()
    private.refresh_from_db()
    assert (private.archived_at is not None, private.stream_key) == (True, "")


# --- Private shows ---------------------------------------------------------------------------------------


def token_of(show: Show, who: int) -> dict[str, Any]:
    user = user_of(show, who)
    url = stream_playback(channel_id=channel_of(show).pk, user=user, sign_in=sign_in_of(user))["url"]
    claims: dict[str, Any] = jwt.decode(url.partition("?token=")[2], PLAYBACK_KEY.public_key(), algorithms=["ES384"])
    return claims


def test_in_a_private_room_nobodys_address_stands_for_all(private_show: Show) -> None:
    member = Client()
    member.force_login(user_of(private_show, 0))
    channel = channel_of(private_show)
    stream = member.get(f"/api/v1/auctions/{private_show.auction.pk}/").json()["stream"]
    assert stream["playback_url"] == f"/api/v1/streams/{channel.pk}/playback/"
    answer = member.get(stream["playback_url"])
    assert answer["Cache-Control"] == "no-store"
    assert answer.json()["url"].startswith(f"{PLAYBACK_URL}?token=")


def test_a_viewer_is_known_by_a_hash_that_is_another_in_each_auction(private_show: Show) -> None:
    first, second = token_of(private_show, 0), token_of(private_show, 1)
    assert first["aws:viewer-id"] != second["aws:viewer-id"]
    assert token_of(private_show, 0)["aws:viewer-id"] == first["aws:viewer-id"]
    user = user_of(private_show, 0)
    assert user.email is not None
    assert user.email not in json.dumps(first)
    other = auction_create(actor=private_show.host, organizer=private_show.auction.organizer, title="Other")
    assert viewer_id(other, user) != viewer_id(private_show.auction, user)
    assert 1 <= len(viewer_id(other, user)) <= 40


@pytest.mark.parametrize("who", ["anonymous", "stranger", "banned"])
def test_who_may_not_watch_gets_no_address(private_show: Show, stranger, who) -> None:
    visitor = Client()
    if who == "stranger":
        visitor.force_login(stranger)
    if who == "banned":
        registration_set_status(
            registration=private_show.bidders[0], status=RegistrationStatus.BANNED, actor=private_show.host
        )
        visitor.force_login(user_of(private_show, 0))
    answer = visitor.get(f"/api/v1/streams/{channel_of(private_show).pk}/playback/")
    assert answer.status_code == 404
    assert "token" not in answer.content.decode()


def test_who_is_invited_to_the_next_show_on_a_private_channel_does_not_watch_this_one(private_show: Show, stranger):
    later = Auction.objects.create(
        organizer=private_show.auction.organizer,
        title="Later",
        slug="later",
        terms=private_show.auction.terms,
        visibility=Visibility.INVITE_ONLY,
        stream_channel=private_show.auction.stream_channel,
        status=AuctionStatus.SCHEDULED,
    )
    invitation_add(actor=private_show.host, auction=later, email=stranger.email)
    visitor = Client()
    visitor.force_login(stranger)
    assert visitor.get(f"/api/v1/auctions/{later.pk}/").status_code == 200
    assert visitor.get(f"/api/v1/streams/{channel_of(private_show).pk}/playback/").status_code == 404


def test_nobody_gets_an_address_once_the_show_is_over(private_show: Show) -> None:
    over(private_show)
    member = Client()
    member.force_login(user_of(private_show, 0))
    assert member.get(f"/api/v1/streams/{channel_of(private_show).pk}/playback/").status_code == 404


def test_a_ban_ends_what_is_watched_and_is_told_until_it_is_taken(ivs: Service, private_show: Show) -> None:
    banned = private_show.bidders[0]
    claims = token_of(private_show, 0)
    registration_set_status(registration=banned, status=RegistrationStatus.BANNED, actor=private_show.host)
    revocation = ViewerRevocation.objects.get()
    ivs.fails("start_viewer_session_revocation", "PendingVerification", status=403)
    ivs.fails("get_stream", "ChannelNotBroadcasting", status=404)
    streams_attend()
    streams_attend()
    looked(f"revoke:{revocation.pk}")
    up_to = int((revocation.created_at + timedelta(seconds=1)).timestamp())
    ivs.answers(
        "start_viewer_session_revocation",
        channelArn=CHANNEL_ARN,
        viewerId=claims["aws:viewer-id"],
        viewerSessionVersionsLessThanOrEqualTo=up_to,
    )
    streams_attend()
    streams_attend()
    assert claims["aws:viewer-session-version"] <= up_to
    revocation.refresh_from_db()
    assert revocation.done_at is not None


def test_only_a_ban_from_a_private_show_is_told(on_ivs: Show) -> None:
    registration_set_status(registration=on_ivs.bidders[0], status=RegistrationStatus.BANNED, actor=on_ivs.host)
    Auction.objects.update(visibility=Visibility.INVITE_ONLY)
    for status in (RegistrationStatus.APPROVED, RegistrationStatus.DECLINED):
        registration_set_status(registration=on_ivs.bidders[1], status=status, actor=on_ivs.host)
    assert not ViewerRevocation.objects.exists()


def test_a_ban_that_is_rolled_back_is_not_told(private_show: Show, monkeypatch) -> None:
    def fail(*_args: object, **_fields: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("bidding.services.registrations.command_send", fail)
    with pytest.raises(RuntimeError):
        registration_set_status(
            registration=private_show.bidders[0], status=RegistrationStatus.BANNED, actor=private_show.host
        )
    assert not ViewerRevocation.objects.exists()


def uninvite(show: Show, user: User, browser: Client) -> None:
    invitation_revoke(actor=show.host, invitation=Invitation.objects.get(email=user.email))


def sign_out(show: Show, user: User, browser: Client) -> None:
    browser.logout()


def sign_out_everywhere(show: Show, user: User, browser: Client) -> None:
    Session.objects.all().delete()


def change_password(show: Show, user: User, browser: Client) -> None:
    user.set_password("another-long-one")
    user.save()


def deactivate(show: Show, user: User, browser: Client) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("lose", [uninvite, sign_out, sign_out_everywhere, change_password, deactivate])
def test_who_loses_the_right_to_watch_watches_no_longer(ivs: Service, private_show: Show, lose) -> None:
    cache.set(f"stream:{channel_of(private_show).pk}:look", 1, timeout=None)
    guest, other = (User.objects.create_user(f"{name}@guests.test", "secret-enough") for name in ("dora", "emil"))
    for user in (guest, other):
        invitation_add(actor=private_show.host, auction=private_show.auction, email=user.email or "")
    address = f"/api/v1/streams/{channel_of(private_show).pk}/playback/"
    browsers = {user: Client() for user in (guest, other)}
    for user, browser in browsers.items():
        browser.force_login(user)
        for _ in range(2):
            assert "token=" in browser.get(address).json()["url"]
    streams_attend()
    assert not ViewerRevocation.objects.exists()
    lose(private_show, guest, browsers[guest])
    if lose is sign_out_everywhere:
        browsers[other].force_login(other)
        ViewerAddress.objects.filter(user=other).delete()
        assert "token=" in browsers[other].get(address).json()["url"]
    looked("watchers")
    ivs.stubber.add_response("start_viewer_session_revocation", {})
    streams_attend()
    looked("watchers")
    streams_attend()
    revocation = ViewerRevocation.objects.get()
    assert (revocation.user, revocation.auction, revocation.done_at is not None) == (guest, private_show.auction, True)


def test_of_who_watched_nothing_is_kept_after_the_show(ivs: Service, private_show: Show) -> None:
    token_of(private_show, 0)
    Auction.objects.update(status=AuctionStatus.ENDED, stream_stopped_at=timezone.now())
    streams_attend()
    assert not ViewerAddress.objects.exists()
    assert not ViewerRevocation.objects.exists()


def test_a_show_that_anybody_watches_notes_nobody(on_ivs: Show) -> None:
    Auction.objects.update(visibility=Visibility.PUBLIC)
    token_free = stream_playback(
        channel_id=channel_of(on_ivs).pk, user=user_of(on_ivs, 0), sign_in=sign_in_of(user_of(on_ivs, 0))
    )
    assert token_free["url"] == PLAYBACK_URL
    assert not ViewerAddress.objects.exists()


# --- Notes beside the pictures ---------------------------------------------------------------------------


def test_a_lot_that_comes_up_and_is_sold_is_noted_in_the_pictures_once(ivs: Service, on_ivs: Show) -> None:
    cache.set(f"stream:{channel_of(on_ivs).pk}:look", 1)
    lot_open(lot=on_ivs.lots[0], actor=on_ivs.host)
    bid(on_ivs, 0, "10.00")
    on_ivs.store()
    opened = on_ivs.auction.events.get(kind="LOT_OPENED")
    note = {"v": opened.v, "type": "LOT_OPENED", "lot": on_ivs.lots[0].pk, "number": "1"}
    ivs.answers("put_metadata", channelArn=CHANNEL_ARN, metadata=json.dumps(note, separators=(",", ":")))
    streams_attend()
    streams_attend()
    on_ivs.end_lot_now()
    auction_advance(auction=on_ivs.auction)
    on_ivs.store()
    closed = on_ivs.auction.events.get(kind="LOT_CLOSED")
    note = {"v": closed.v, "type": "LOT_CLOSED", "lot": on_ivs.lots[0].pk, "result": "sold", "amount": "10.00"}
    note["winner"] = {"paddle": 101}
    ivs.answers("put_metadata", channelArn=CHANNEL_ARN, metadata=json.dumps(note, separators=(",", ":")))
    streams_attend()
    streams_attend()


def test_a_note_that_would_come_late_is_left_out(deaf: list[str], on_ivs: Show, monkeypatch) -> None:
    cache.set(f"stream:{channel_of(on_ivs).pk}:look", 1)
    lot_open(lot=on_ivs.lots[0], actor=on_ivs.host)
    on_ivs.store()
    late = timezone.now() + timedelta(milliseconds=module.CUE_MS + 1_000)
    monkeypatch.setattr(timezone, "now", lambda: late)
    streams_attend()


# --- The room on a site without IVS ------------------------------------------------------------------------


def test_a_channel_of_another_provider_is_no_video_here(show: Show, client) -> None:
    StreamChannel.objects.update(provider="ivs", external_id=CHANNEL_ARN)
    assert site.STREAM_PROVIDER == streaming.provider().name == "local"
    assert client.get(f"/api/v1/auctions/{show.auction.pk}/").json()["stream"]["state"] == "none"
    assert client.get(f"/api/v1/streams/{channel_of(show).pk}/playback/").status_code == 404
