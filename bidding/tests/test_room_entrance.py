"""Who may sit in a room, what they may say there, and when they must leave."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from django.conf import LazySettings, settings
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.test import Client as Browser
from django.utils import timezone
from websockets.exceptions import ConnectionClosed, InvalidStatus

from accounts.models import Membership, Role, User
from auctions.models import Auction, AuctionModerator, Invitation, RegistrationStatus, Visibility
from auctions.streaming import local
from auctions.streaming.base import StreamState, StreamStatus
from bidding import protocol
from bidding.engine.side import RoomKeys
from bidding.models import Bid, ChatMessage
from bidding.room import entrance
from bidding.room.entrance import client_address
from bidding.services import (
    announcing,
    bid_void,
    bids,
    chat,
    commands,
    lot_open,
    registration_create,
    registration_set_status,
)
from bidding.services.chat import chat_store, cleaned
from bidding.tests.conftest import Show
from bidding.tests.rooms import RoomServer, cookie_of, eventually, page


@pytest.fixture
def server(show: Show) -> Iterator[RoomServer]:
    with RoomServer() as running:
        yield running


def user_of(show: Show, who: int = 0) -> User:
    user = show.bidders[who].user
    assert user is not None
    return user


# --- The handshake -------------------------------------------------------------------------------------


FOREIGN = [
    "null",
    "https://evil.test",
    "http://127.0.0.1:8000.evil.test",
    "http://127.0.0.1",
    "https://127.0.0.1:8000",
    "",
]


def test_a_foreign_origin_is_refused_in_the_handshake(show: Show, server: RoomServer) -> None:
    for origin in FOREIGN:
        for path in ("", "chat/", "../../nowhere/"):
            with (
                pytest.raises(InvalidStatus) as refused,
                page(server, show.auction.pk, path=path, origin=None, additional_headers={"Origin": origin}),
            ):
                pytest.fail(f"{origin} was let in")
            assert refused.value.response.status_code == 403


def test_without_an_origin_only_who_carries_no_session_comes_in(show: Show, server: RoomServer) -> None:
    with page(server, show.auction.pk, origin=None) as program:
        assert not program.next()["you"]["signed_in"]
    with (
        pytest.raises(InvalidStatus),
        page(server, show.auction.pk, origin=None, additional_headers={"Cookie": cookie_of(user_of(show))}),
    ):
        pytest.fail("it was let in")


def test_an_unknown_path_or_auction_is_closed_with_its_reason(show: Show, server: RoomServer) -> None:
    for path in ("nowhere/", "bid/more/"):
        with page(server, show.auction.pk, path=path) as lost:
            assert lost.close_code() == protocol.CloseCode.NOT_FOUND
    for auction_id in (999_999, 2**63, 10**30):
        with page(server, auction_id) as lost:
            assert lost.close_code() == protocol.CloseCode.NOT_FOUND


def test_who_is_not_invited_finds_no_room(show: Show, server: RoomServer) -> None:
    Auction.objects.filter(pk=show.auction.pk).update(visibility=Visibility.INVITE_ONLY)
    stranger = User.objects.create_user("stranger@example.test", "secret-enough")
    for somebody in (None, stranger):
        with page(server, show.auction.pk, user=somebody) as lost:
            assert lost.close_code() == protocol.CloseCode.NOT_FOUND
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        assert hers.next()["type"] == "STATE"


def test_the_subprotocol_is_taken_where_offered(show: Show, server: RoomServer) -> None:
    offered: list[Any] = ["other", protocol.SUBPROTOCOL]
    with page(server, show.auction.pk, subprotocols=offered) as modern, page(server, show.auction.pk) as plain:
        assert (modern.socket.subprotocol, plain.socket.subprotocol) == (protocol.SUBPROTOCOL, None)


# --- Limits --------------------------------------------------------------------------------------------


def test_one_user_has_so_many_seats(show: Show, server: RoomServer, settings: LazySettings) -> None:
    settings.ROOM_SEATS_PER_USER = 2
    with ExitStack() as opened:
        for _ in range(2):
            assert opened.enter_context(page(server, show.auction.pk, user=user_of(show))).next()["type"] == "STATE"
        with page(server, show.auction.pk, user=user_of(show)) as third:
            assert third.close_code() == protocol.CloseCode.TOO_MANY
        with page(server, show.auction.pk, user=user_of(show, 1)) as somebody_else:
            assert somebody_else.next()["type"] == "STATE"
    eventually(lambda: not server.hub._rooms)
    with page(server, show.auction.pk, user=user_of(show)) as again:
        assert again.next()["type"] == "STATE"


def test_one_address_has_so_many_seats(show: Show, server: RoomServer, settings: LazySettings) -> None:
    settings.ROOM_SEATS_PER_ADDRESS = 1
    with page(server, show.auction.pk) as first:
        assert first.next()["type"] == "STATE"
        with page(server, show.auction.pk) as second:
            assert second.close_code() == protocol.CloseCode.TOO_MANY


def test_without_the_database_nobody_is_told_to_stay_away(
    show: Show, server: RoomServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> Any:
        raise OperationalError("gone")

    with page(server, show.auction.pk, user=user_of(show)) as seated:
        seated.next()
        monkeypatch.setattr(entrance, "_admit", gone)
        server.hub.door = entrance.Door()
        for user in (None, user_of(show)):
            with page(server, show.auction.pk, user=user) as newcomer:
                assert newcomer.close_code() == protocol.CloseCode.NOT_NOW
        assert seated.ask("PING", "PONG", t=1)["type"] == "PONG"


def test_a_forged_address_gains_nothing(settings: LazySettings) -> None:
    scope: dict[str, Any] = {
        "client": ("10.0.0.1", 1),
        "headers": [(b"x-forwarded-for", b"6.6.6.6, 7.7.7.7"), (b"x-forwarded-for", b"8.8.8.8")],
    }
    assert client_address(scope) == "10.0.0.1"
    settings.TRUSTED_PROXIES = 1
    assert client_address(scope) == "8.8.8.8"
    settings.TRUSTED_PROXIES = 2
    assert client_address(scope) == "7.7.7.7"


def test_a_flood_is_refused_and_then_closed(show: Show, server: RoomServer, settings: LazySettings) -> None:
    settings.ROOM_MESSAGES_PER_SECOND = 2
    with page(server, show.auction.pk) as flooding:
        for number in range(200):
            try:
                flooding.send("PING", t=number)
            except (OSError, ConnectionClosed):  # the server hung up in the middle of the flood
                break
        assert flooding.close_code() == protocol.CloseCode.TOO_MANY
        codes = [message["code"] for message in flooding.seen if message["type"] == "ERROR"]
    assert codes
    assert set(codes) == {"too_many"}


def test_a_bid_too_many_is_told_under_its_id_that_it_did_not_count(
    show: Show, server: RoomServer, settings: LazySettings
) -> None:
    settings.ROOM_MESSAGES_PER_SECOND = 2
    lot_open(lot=show.lots[0], actor=show.host)
    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(9)]
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        hers.next()
        for bid_id in ids:
            hers.send("BID", amount="10.00", id=bid_id)
        answers: dict[str, dict[str, Any]] = {}
        while len(answers) < len(ids):
            answer = hers.until("BID_ACCEPTED", "BID_REJECTED")
            answers[answer["id"]] = answer
    refused = [answer for answer in answers.values() if answer.get("code") == "rate_limited"]
    assert refused
    assert all(answer["retry_after_ms"] > 0 for answer in refused)
    assert answers[ids[0]]["type"] == "BID_ACCEPTED"


# --- What is said --------------------------------------------------------------------------------------


NOT_UNDERSTOOD: list[tuple[str | bytes, str]] = [
    ("hello", "bad_json"),
    ("[]", "bad_message"),
    ("[", "bad_json"),
    ("[" * 10_000, "bad_json"),
    ("7", "bad_message"),
    ('{"t":1}', "bad_message"),
    ('{"type":"SHOUT"}', "unknown_type"),
    ('{"type":["BID"]}', "unknown_type"),
    ('{"type":"PING"}', "bad_message"),
    ('{"type":"PING","t":1,"more":2}', "bad_message"),
    ('{"type":"PING","t":1', "bad_json"),
    ('{"type":"BID","amount":"1.00","id":"7"}', "bad_message"),
    (b"\x00\x01", "bad_message"),
]


def test_what_is_not_understood_is_answered_and_the_socket_stays(show: Show, server: RoomServer) -> None:
    with page(server, show.auction.pk) as clumsy:
        for text, code in NOT_UNDERSTOOD:
            clumsy.socket.send(text)
            assert (text, clumsy.until("ERROR")["code"]) == (text, code)
        assert clumsy.ask("PING", "PONG", t=1)["t"] == 1


@pytest.mark.parametrize("text", ["x" * (16 * 1024 + 1), "é" * (8 * 1024 + 1)])
def test_a_message_above_16_kib_closes(show: Show, server: RoomServer, text: str) -> None:
    with page(server, show.auction.pk) as loud:
        loud.next()
        loud.socket.send(text)
        assert loud.close_code() == protocol.CloseCode.TOO_LARGE


@pytest.mark.parametrize(
    ("path", "kind", "fields"),
    [("chat/", "BID", {"amount": "10.00"}), ("timer/", "CHAT", {"text": "hi"}), ("bid/", "CHAT", {"text": "hi"})],
)
def test_a_namespace_takes_its_own_messages(
    show: Show, server: RoomServer, path: str, kind: str, fields: dict[str, str]
) -> None:
    with page(server, show.auction.pk, path=path, user=user_of(show)) as narrow:
        assert narrow.next()["type"] == "STATE"
        narrow.send(kind, **fields)
        assert narrow.until("ERROR")["code"] == "wrong_namespace"
        assert narrow.ask("PING", "PONG", t=1)["type"] == "PONG"


NO_AMOUNTS: list[Any] = ["NaN", "1e5", "-1", "0", "0.001", "١٢", " 10", True, None, 10**400, {"a": 1}]


def test_what_is_no_amount_is_refused(show: Show, server: RoomServer) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        for amount in NO_AMOUNTS:
            assert (amount, hers.ask("BID", "BID_REJECTED", amount=amount)["code"]) == (amount, "bad_amount")


def test_a_bids_fate_can_be_asked_for(show: Show, server: RoomServer) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    bid_id = "00000000-0000-4000-8000-000000000001"
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        assert hers.ask("BID_STATUS", "BID_UNKNOWN", id=bid_id)["id"] == bid_id
        accepted = hers.ask("BID", "BID_ACCEPTED", amount="10.00", id=bid_id)
        assert hers.ask("BID_STATUS", "BID_ACCEPTED", id=bid_id) == accepted
    with page(server, show.auction.pk, user=user_of(show, 1)) as his:
        assert his.ask("BID_STATUS", "BID_UNKNOWN", id=bid_id)["id"] == bid_id


def test_a_bids_fate_is_unknown_and_the_seat_stays_while_the_database_is_gone(
    show: Show, server: RoomServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> Any:
        raise OperationalError("gone")

    monkeypatch.setattr(bids, "stored_answer", gone)
    lot_open(lot=show.lots[0], actor=show.host)
    bid_id = "00000000-0000-4000-8000-000000000001"
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        assert hers.ask("BID_STATUS", "BID_UNKNOWN", id=bid_id)["id"] == bid_id
        accepted = hers.ask("BID", "BID_ACCEPTED", amount="10.00", id=bid_id)
        assert hers.ask("BID_STATUS", "BID_ACCEPTED", id=bid_id) == accepted


def test_a_channel_layer_that_hangs_holds_up_no_bid(
    show: Show, server: RoomServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    hanging: list[object] = []

    async def hang(*_: object) -> None:
        hanging.append(None)
        try:
            await asyncio.Event().wait()
        finally:
            hanging.pop()

    layer = SimpleNamespace(group_send=hang)
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        hers.next()
        monkeypatch.setattr(announcing, "ANNOUNCING_S", 600.0)
        monkeypatch.setattr(announcing, "get_channel_layer", lambda: layer)
        for amount in ("10.00", "20.00", "30.00"):
            assert hers.ask("BID", "BID_ACCEPTED", amount=amount, max=True)["max_amount"] == amount
        assert hanging
        # The log brings what nobody announced.
        hers.until("HIGHEST_BID")
        monkeypatch.setattr(announcing, "ANNOUNCING_S", 0.1)
        waiting = len(hanging)
        hers.ask("BID", "BID_ACCEPTED", amount="40.00", max=True)
        eventually(lambda: len(hanging) == waiting)


def test_a_maximum_is_known_on_all_pages_of_its_bidder_and_on_no_other(show: Show, server: RoomServer) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    anna = user_of(show)
    with page(server, show.auction.pk, user=anna) as desk, page(server, show.auction.pk, user=anna) as phone:
        for each in (desk, phone):
            each.next()
        desk.ask("BID", "BID_ACCEPTED", amount="80.00", max=True)
        assert phone.until("YOU")["you"]["max_amount"] == "80.00"
        with page(server, show.auction.pk, user=user_of(show, 1)) as his:
            state = his.next()
        with page(server, show.auction.pk, user=anna) as again:
            assert again.next()["you"] | {"leading": True, "max_amount": "80.00"} == desk.until("YOU")["you"]
    assert "80.00" not in json.dumps(state)


# --- Chat ----------------------------------------------------------------------------------------------


def test_what_cannot_be_said(show: Show, server: RoomServer) -> None:
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        nothing = ("   ", "\u202e\n", "\u200d", "\u3164 \u2800", "\ufe0f")
        for text, code in (*((text, "empty") for text in nothing), ("x" * 501, "too_long")):
            assert hers.ask("CHAT", "CHAT_REJECTED", text=text)["code"] == code


def test_chat_has_a_rate_and_a_repeat_is_said_once(
    show: Show, server: RoomServer, settings: LazySettings, side: redis.Redis
) -> None:
    settings.CHAT_BURST, settings.CHAT_REFILL_MS = 2, 3_600_000
    message_id = "00000000-0000-4000-8000-000000000001"
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        hers.next()
        for _ in range(3):
            hers.send("CHAT", text="once", id=message_id)
        hers.send("CHAT", text="two")
        hers.send("CHAT", text="three")
        refused = hers.until("CHAT_REJECTED")
        assert (refused["code"], refused["retry_after_ms"] > 0) == ("rate_limited", True)
        hers.ask("PING", "PONG", t=1)
        eventually(lambda: side.xlen(RoomKeys(show.auction.pk).chat) == 2)
    first = chat_store(auction_id=show.auction.pk, count=1)
    assert chat_store(auction_id=show.auction.pk, after=first) == chat_store(auction_id=show.auction.pk)
    said = ChatMessage.objects.order_by("at_ms", "pk").values_list("text", "author", "paddle")
    assert list(said) == [("once", "Paddle 101", 101), ("two", "Paddle 101", 101)]


def test_a_line_that_could_not_be_said_can_be_repeated_under_its_id(
    show: Show, server: RoomServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: Any) -> Any:
        raise redis.ConnectionError("gone")

    message_id = "00000000-0000-4000-8000-000000000001"
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        hers.next()
        with monkeypatch.context() as broken:
            broken.setattr(chat, "_slowed", gone)
            assert hers.ask("CHAT", "CHAT_REJECTED", text="hello", id=message_id)["code"] == "unavailable"
        assert hers.ask("CHAT", "CHAT", text="hello", id=message_id)["line"]["text"] == "hello"


def test_the_chat_of_an_ended_auction_is_closed(show: Show, server: RoomServer) -> None:
    from bidding.services import auction_end

    with page(server, show.auction.pk, user=user_of(show)) as hers:
        hers.next()
        auction_end(auction=show.auction, actor=show.host)
        hers.until("AUCTION_ENDED")
        assert hers.ask("CHAT", "CHAT_REJECTED", text="bye")["code"] == "closed"


def test_without_its_stream_chat_comes_from_the_database(show: Show, server: RoomServer, side: Any) -> None:
    for number in range(60):
        ChatMessage.objects.create(
            auction=show.auction, user=user_of(show), entry=f"{number}-0", author="Paddle 101", text="x", at_ms=number
        )
    side.delete(RoomKeys(show.auction.pk).chat)
    with page(server, show.auction.pk) as nobody:
        assert [line["id"] for line in nobody.next()["chat"]] == [f"{number}-0" for number in range(10, 60)]


def test_a_younger_stream_does_not_hide_what_was_said_before(show: Show, server: RoomServer, side: Any) -> None:
    ChatMessage.objects.create(
        auction=show.auction, user=user_of(show), entry="5-0", author="Paddle 101", text="before", at_ms=5
    )
    side.delete(RoomKeys(show.auction.pk).chat)
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        hers.next()
        hers.send("CHAT", text="after")
        hers.until("CHAT")
    eventually(lambda: not server.hub._rooms)
    with page(server, show.auction.pk) as late:
        assert [line["text"] for line in late.next()["chat"]] == ["before", "after"]


def test_nobody_passes_for_somebody_else(show: Show, server: RoomServer) -> None:
    for number, (name, shown) in enumerate(
        [
            ("Host", "Guest"),
            (" paddle 101", "Guest"),
            ("Ｈｏｓｔ", "Guest"),  # noqa: RUF001 - written in other letters
            ("Hó\u200bst", "Guest"),
            ("P a d d l e 1", "Guest"),
            ("Ada", "Ada"),
            ("A\u202eda\n", "Ada"),
            ("", "Guest"),
            ("\u3164", "Guest"),
        ]
    ):
        stranger = User.objects.create_user(f"stranger{number}@example.test", "secret-enough", display_name=name)
        with page(server, show.auction.pk, user=stranger) as theirs:
            theirs.next()
            theirs.send("CHAT", text="sold to me")
            line = theirs.until("CHAT")["line"]
        assert (line["author"], line["paddle"], line["role"]) == (shown, None, None)


def test_cleaning_keeps_what_can_be_read() -> None:
    assert cleaned("a\tb\x00\u202e") == "a b"
    assert cleaned("👩\u200d🚀 ok") == "👩\u200d🚀 ok"
    assert cleaned("sc\u3164a\u115fm") == "scam"
    assert cleaned("🙂") == "🙂"


# --- Without the side server ---------------------------------------------------------------------------


def test_who_comes_while_the_side_server_is_gone_gets_a_seat(
    show: Show, server: RoomServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> Any:
        raise redis.ConnectionError("gone")

    monkeypatch.setattr(local, "_side", gone)
    monkeypatch.setattr(local.LocalProvider, "_silent_until", 0.0)
    monkeypatch.setattr(chat, "async_side", gone)
    lot_open(lot=show.lots[0], actor=show.host)
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        state = hers.next()
        assert state["auction"]["stream"]["state"] == "unknown"
        assert hers.ask("BID", "BID_ACCEPTED", amount="10.00")["standing"] == "leading"


def test_a_silent_side_server_keeps_nobody_waiting_for_the_state_of_the_pictures(
    show: Show, server: RoomServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()

    def silent(_channel: Any) -> Any:
        asked.set()
        time.sleep(5)
        return StreamStatus(StreamState.OFFLINE)

    monkeypatch.setattr(local.LocalProvider, "status", lambda _self, channel: silent(channel))
    began = time.monotonic()
    with page(server, show.auction.pk) as hers:
        assert hers.next()["auction"]["stream"]["state"] == "unknown"
        assert asked.is_set()
        assert time.monotonic() - began < 4
        assert hers.until("STREAM")["stream"]["state"] == "offline"


# --- Leaving -------------------------------------------------------------------------------------------


def test_a_paddle_that_comes_later_opens_the_door_without_a_reload(show: Show, server: RoomServer) -> None:
    newcomer = User.objects.create_user("new@example.test", "secret-enough")
    lot_open(lot=show.lots[0], actor=show.host)
    with page(server, show.auction.pk, user=newcomer) as theirs:
        assert theirs.next()["you"]["reason"] == "not_registered"
        registration, _ = registration_create(auction=show.auction, user=newcomer, accept_terms=True)
        you = theirs.until("YOU")["you"]
        assert (you["paddle"], you["can_bid"], you["reason"]) == (registration.paddle, True, None)
        assert theirs.ask("BID", "BID_ACCEPTED", amount="10.00")["standing"] == "leading"


def test_a_void_tells_both_whom_it_concerns_their_own_part(show: Show, server: RoomServer) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    with (
        page(server, show.auction.pk, user=user_of(show)) as hers,
        page(server, show.auction.pk, user=user_of(show, 1)) as his,
    ):
        hers.ask("BID", "BID_ACCEPTED", amount="20.00", max=True)
        his.ask("BID", "BID_ACCEPTED", amount="50.00", max=True)
        assert his.until("YOU")["you"]["max_amount"] == "50.00"
        show.store()
        bid_void(bid=Bid.objects.get(registration=show.bidders[1]), actor=show.host, reason="mistake")
        his.until("BID_VOIDED")
        assert (lost := his.until("YOU")["you"])["max_amount"] is None
        assert not lost["leading"]
        hers.until("BID_VOIDED")
        assert hers.until("YOU")["you"]["max_amount"] == "20.00"


def test_a_ban_closes_every_seat_and_the_door(show: Show, server: RoomServer) -> None:
    with (
        page(server, show.auction.pk, user=user_of(show)) as hers,
        page(server, show.auction.pk, path="chat/", user=user_of(show)) as chat,
        page(server, show.auction.pk, user=user_of(show, 1)) as his,
    ):
        for each in (hers, chat, his):
            each.next()
        registration_set_status(registration=show.bidders[0], status=RegistrationStatus.BANNED, actor=show.host)
        assert hers.until("YOU")["you"]["reason"] == "banned"
        for each in (hers, chat):
            assert each.close_code() == protocol.CloseCode.FORBIDDEN
        assert his.ask("PING", "PONG", t=1)["type"] == "PONG"
        with page(server, show.auction.pk, user=user_of(show)) as again:
            assert again.close_code() == protocol.CloseCode.FORBIDDEN


def test_what_changed_about_a_bidder_is_found_where_nobody_announced_it(
    show: Show, server: RoomServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "announce_registration_now", lambda *_: None)
    newcomer = User.objects.create_user("new@example.test", "secret-enough")
    with (
        page(server, show.auction.pk, user=user_of(show)) as hers,
        page(server, show.auction.pk, user=newcomer) as theirs,
    ):
        for each in (hers, theirs):
            each.next()
        registration, _ = registration_create(auction=show.auction, user=newcomer, accept_terms=True)
        assert theirs.until("YOU")["you"]["paddle"] == registration.paddle
        registration_set_status(registration=show.bidders[0], status=RegistrationStatus.BANNED, actor=show.host)
        assert hers.close_code() == protocol.CloseCode.FORBIDDEN
        assert all(message["type"] != "YOU" for message in theirs.quiet(3.5)), "told again what is known"


def invited(show: Show) -> User:
    """Return somebody who sees the show by an invitation alone."""
    Auction.objects.filter(pk=show.auction.pk).update(visibility=Visibility.INVITE_ONLY)
    guest = User.objects.create_user("guest@example.test", "secret-enough")
    Invitation.objects.create(auction=show.auction, email="guest@example.test")
    return guest


def lose_invitation(show: Show) -> None:
    Invitation.objects.update(revoked_at=timezone.now())


def lose_address(show: Show) -> None:
    User.objects.filter(email="guest@example.test").update(email="another@example.test")


def archive(show: Show) -> None:
    Auction.objects.filter(pk=show.auction.pk).update(archived_at=timezone.now())


@pytest.mark.parametrize("end", [lose_invitation, lose_address, archive])
def test_who_may_not_see_a_show_any_more_leaves_it(show: Show, server: RoomServer, end: Any) -> None:
    guest = invited(show)
    with (
        page(server, show.auction.pk, user=guest) as silent,
        page(server, show.auction.pk, path="chat/", user=guest) as chat,
        page(server, show.auction.pk, user=user_of(show)) as hers,
    ):
        for each in (silent, chat, hers):
            each.next()
        end(show)
        for each in (silent, chat):
            assert each.close_code() == protocol.CloseCode.NOT_FOUND
        assert hers.ask("PING", "PONG", t=1)["type"] == "PONG", "who has a paddle stays"


def test_who_is_not_signed_in_leaves_a_show_that_becomes_invite_only(show: Show, server: RoomServer) -> None:
    with page(server, show.auction.pk) as nobody, page(server, show.auction.pk, user=user_of(show)) as hers:
        nobody.next()
        hers.next()
        Auction.objects.filter(pk=show.auction.pk).update(visibility=Visibility.INVITE_ONLY)
        assert nobody.close_code() == protocol.CloseCode.NOT_FOUND
        assert hers.ask("PING", "PONG", t=1)["type"] == "PONG"


def by_membership(show: Show, user: User) -> Any:
    return Membership.objects.create(organizer=show.auction.organizer, user=user, role=Role.CLERK)


def by_naming(show: Show, user: User) -> Any:
    return AuctionModerator.objects.create(auction=show.auction, email=user.email or "", created_by=show.host)


@pytest.mark.parametrize(("give", "role"), [(by_membership, "host"), (by_naming, "moderator")])
def test_a_role_that_comes_and_goes_counts_in_an_open_seat(
    show: Show, server: RoomServer, give: Any, role: str
) -> None:
    helper = User.objects.create_user("helper@example.test", "secret-enough")
    with page(server, show.auction.pk, user=helper) as theirs, page(server, show.auction.pk) as nobody:
        assert theirs.next()["you"]["reason"] == "not_registered"
        nobody.next()
        given = give(show, helper)
        assert theirs.until("YOU")["you"]["reason"] == "own_lot"
        theirs.send("CHAT", text="next lot in a minute")
        assert nobody.until("CHAT")["line"]["role"] == role
        given.delete()
        assert theirs.until("YOU")["you"]["reason"] == "not_registered"
        theirs.send("CHAT", text="I am a guest again")
        assert nobody.until("CHAT")["line"]["role"] is None
        assert all(message["type"] != "YOU" for message in theirs.quiet(3.5)), "told again what is known"


def sign_out(user: User) -> None:
    Session.objects.all().delete()


def change_password(user: User) -> None:
    user.set_password("another-one")
    user.save()


def switch_off(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("end", [sign_out, change_password, switch_off])
def test_the_end_of_a_session_closes_silent_seats_too(show: Show, server: RoomServer, end: Any) -> None:
    with page(server, show.auction.pk, user=user_of(show)) as silent, page(server, show.auction.pk) as nobody:
        assert silent.next()["you"]["signed_in"]
        end(user_of(show))
        assert silent.close_code() == protocol.CloseCode.SIGNED_OUT
        assert nobody.ask("PING", "PONG", t=1)["type"] == "PONG"


def test_signing_out_everywhere_else_closes_the_seats_there_and_no_other(show: Show, server: RoomServer) -> None:
    here, there = Browser(), Browser()
    cookies = []
    for browser in (here, there):
        browser.force_login(user_of(show))
        assert browser.get("/accounts/").status_code == 200
        cookies.append({"Cookie": f"{settings.SESSION_COOKIE_NAME}={browser.session.session_key}"})
    with (
        page(server, show.auction.pk, additional_headers=cookies[0]) as mine,
        page(server, show.auction.pk, additional_headers=cookies[1]) as other,
    ):
        assert mine.next()["you"]["signed_in"]
        assert other.next()["you"]["signed_in"]
        here.post("/accounts/sessions/")
        assert other.close_code() == protocol.CloseCode.SIGNED_OUT
        assert mine.ask("PING", "PONG", t=1)["type"] == "PONG"
    assert there.get("/accounts/").status_code == 302


def test_people_are_counted_once_each(show: Show, server: RoomServer) -> None:
    with page(server, show.auction.pk) as nobody:
        nobody.next()
        with (
            page(server, show.auction.pk, user=user_of(show)),
            page(server, show.auction.pk, user=user_of(show)),
            page(server, show.auction.pk),
        ):
            nobody.until("PARTICIPANTS", count=3)
        nobody.until("PARTICIPANTS", count=1)


def test_the_room_is_left_as_it_was_found(show: Show, server: RoomServer) -> None:
    with page(server, show.auction.pk) as first:
        first.next()
    eventually(lambda: not server.hub._rooms and not server.hub._jobs)
    tasks = len(asyncio.all_tasks(server.loop))
    for _ in range(20):
        with ExitStack() as opened:
            for _ in range(20):
                opened.enter_context(page(server, show.auction.pk)).next()
        eventually(lambda: not server.hub._rooms)
    eventually(lambda: not server.hub._subscribed)
    eventually(lambda: not server.server_state.connections)
    eventually(lambda: len(asyncio.all_tasks(server.loop)) <= tasks)
    assert not server.hub._places.of_address
    assert not server.hub._places.of_user
